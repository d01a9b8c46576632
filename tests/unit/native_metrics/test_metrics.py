"""Metrics, and the registry that finds them."""

from typing import Any

import pytest

from dspex.errors import CompileError, NativeError, Reason
from dspex.native.metrics import METRICS, metric


@pytest.mark.parametrize(
    ("name", "prediction", "reference", "config", "score"),
    [
        ("exact_match", "The  Paris!", "paris", {}, 1.0),
        ("exact_match", "Paris", ["London", "paris."], None, 1.0),
        ("exact_match", "Paris", ["London"], {}, 0.0),
        ("exact_match", "Paris", "paris", {"normalize": False}, 0.0),
        ("exact_match", "Paris", ["x", "Paris"], {"normalize": False}, 1.0),
        ("exact_match", True, "true", {}, 1.0),
        ("exact_match", 3, 3, {}, 1.0),
        ("f1", "Eiffel Tower is in Paris", "Paris", {}, 1 / 3),
        ("f1", "a b", ["c", "b a"], {}, 1.0),
        ("f1", "", "", {}, 0.0),
        ("accuracy", "bug", "bug", {}, 1.0),
        ("accuracy", "bug", "bill", {}, 0.0),
        ("accuracy", ["a", "b", 1, None], ["a", "c", 1.0, None], {}, 0.75),
        ("accuracy", [True, 1], [1, True], {}, 0.0),
        ("accuracy", ["A ", {"k": 1}], ["a", {"k": 1}], {"ignoreCase": True}, 1.0),
        ("accuracy", ["A"], ["a"], {}, 0.0),
    ],
)
def test_scores(
    name: str, prediction: Any, reference: Any, config: dict[str, Any] | None, score: float
) -> None:
    """Each metric's number, as a float."""
    result = metric(name).score(prediction, reference, config)
    assert result == pytest.approx(score)
    assert type(result) is float


@pytest.mark.parametrize(
    ("name", "prediction", "reference", "message"),
    [
        ("exact_match", ["a"], "a", "prediction must be a string"),
        ("exact_match", "a", {"b": 1}, "reference must be a string, a number or a boolean"),
        ("f1", "a", ["a", None], r"reference\[1\] must be .*, not null"),
        ("f1", "a", [], "empty list"),
        ("accuracy", ["a"], "a", "two lists or two single values"),
        ("accuracy", ["a"], ["a", "b"], "1 items and reference 2"),
        ("accuracy", [], [], "empty"),
    ],
)
def test_values_that_do_not_compare_fail_the_step(
    name: str, prediction: Any, reference: Any, message: str
) -> None:
    """MetricFailed says which value is wrong."""
    with pytest.raises(NativeError, match=message) as caught:
        metric(name).score(prediction, reference)
    assert caught.value.reason is Reason.METRIC_FAILED


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("exact_match", {"normalise": True}, "did you mean 'normalize'"),
        ("exact_match", {"normalize": 1}, "expected `bool`, got `int`"),
        ("f1", {"x": 1}, "it has no options"),
    ],
)
def test_a_wrong_config_is_found_when_compiled(
    name: str, config: dict[str, Any], message: str
) -> None:
    """An unknown option names the nearest, a wrong one its type."""
    with pytest.raises(CompileError, match=message):
        metric(name).check(config)
    metric(name).check({})


def test_an_unknown_metric_names_the_nearest() -> None:
    """And lists those that there are."""
    with pytest.raises(CompileError, match="did you mean 'exact_match'") as caught:
        metric("exactmatch")
    assert "known: accuracy, exact_match, f1" in str(caught.value)
    assert METRICS.names() == ["accuracy", "exact_match", "f1"]
    assert all(metric(name).name == name and metric(name).summary for name in METRICS.names())
