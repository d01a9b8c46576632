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
        ("accuracy", ["a b", "c"], ["b a", "d"], {"metric": {"name": "f1"}}, 0.5),
        ("accuracy", 1.04, 1, {"metric": {"name": "numeric", "config": {"absTol": 0.1}}}, 1.0),
        ("exact_match", "big red door", "red door", {"frac": 0.8}, 1.0),
        ("exact_match", "big red door", "red door", {"frac": 0.81}, 0.0),
        ("hotpot_f1", "yes", "yes sir", {}, 0.0),
        ("hotpot_f1", "Yes!", "yes", {}, 1.0),
        ("hotpot_f1", "red door", ["no", "the door"], {}, 2 / 3),
        ("precision", "eiffel tower in paris", "eiffel tower", {}, 0.5),
        ("precision", "", "x", {}, 0.0),
        ("recall", "eiffel tower in paris", "eiffel tower", {}, 1.0),
        ("recall", "eiffel", ["eiffel tower", "big eiffel tower"], {}, 0.5),
        ("recall", "x", "", {}, 0.0),
        ("contains", "The tower is in Paris, France.", "paris", {}, 1.0),
        ("contains", "a party", "art", {}, 0.0),
        ("contains", "a party", "art", {"normalize": False}, 1.0),
        ("contains", "Paris", "paris", {"normalize": False}, 0.0),
        ("contains", "one two", ["two", "three"], {}, 1.0),
        ("contains", "one two", ["two", "three"], {"all": True}, 0.5),
        ("contains", "anything", "", {}, 1.0),
        ("passage_match", ["Nothing.", "It is in Paris, France"], ["paris france"], {}, 1.0),
        ("passage_match", "It stands near Parisian roads", "Paris", {}, 0.0),
        ("passage_match", [], "x", {}, 0.0),
        ("numeric", 0.1 + 0.2, 0.3, {}, 1.0),
        ("numeric", 1.1, 1, {"relTol": 0.05}, 0.0),
        ("numeric", 95, [1, 100], {"absTol": 5}, 1.0),
        ("numeric", "$1,234.50", 1234.5, {}, 1.0),
        ("numeric", "-1 234,5", 1234.5, {}, 0.0),
        ("numeric", "\u22122.5e2", -250, {}, 1.0),
        ("numeric", "12 %", "0.12", {}, 1.0),
        ("numeric", "1,23", 123, {}, 0.0),
        ("numeric", "about three", 3, {}, 0.0),
        ("numeric", float("nan"), 3, {}, 0.0),
        ("numeric", float("inf"), float("inf"), {}, 1.0),
        ("numeric", 10**400, 1, {}, 0.0),
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
        ("numeric", [1], 1, "prediction must be a number"),
        ("numeric", True, 1, "prediction must be a number"),
        ("numeric", 1, "one", "reference is no number: 'one'"),
        ("numeric", 1, [1, float("nan")], r"reference\[1\] is no number"),
        ("numeric", 1, [], "empty list"),
        ("passage_match", ["a", 1], "a", r"prediction\[1\] must be a passage"),
        ("contains", None, "a", "prediction must be a string"),
        ("precision", "a", None, "reference must be a string"),
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
        ("exact_match", {"frac": 0}, "Expected `float` > 0|expected `float` > 0"),
        ("exact_match", {"frac": 0.5, "normalize": False}, "leave normalize out"),
        ("numeric", {"relTol": -1}, "expected `float` >= 0"),
        ("numeric", {"rel_tol": 1}, "did you mean 'relTol'"),
        ("accuracy", {"metric": {"name": "f2"}}, "metric.name: unknown metric 'f2'"),
        ("accuracy", {"metric": {"name": "numeric", "config": {"tol": 1}}}, "unknown option 'tol'"),
        ("accuracy", {"metric": {"name": "f1"}, "ignoreCase": True}, "ignoreCase belongs to"),
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
    assert "known: accuracy, complete_and_grounded, contains, exact_match, f1" in str(caught.value)
    assert METRICS.names() == sorted(METRICS.names())
    assert all(metric(name).name == name and metric(name).summary for name in METRICS.names())


def test_an_item_that_does_not_compare_is_named() -> None:
    """Of a dataset the one that the metric could not take is told by its number."""
    config = {"metric": {"name": "numeric"}}
    with pytest.raises(NativeError, match="item 1: prediction must be a number") as caught:
        metric("accuracy").score([1, None], [1, 2], config)
    assert caught.value.reason is Reason.METRIC_FAILED


def test_a_wrong_option_of_the_items_metric_has_its_whole_path() -> None:
    """As it stands in the manifest, from accuracy's own config on."""
    config = {"metric": {"name": "numeric", "config": {"relTol": "much"}}}
    with pytest.raises(CompileError) as caught:
        metric("accuracy").check(config)
    assert caught.value.diagnostics[0].path == "metric.config.relTol"
