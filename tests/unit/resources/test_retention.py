"""Which ended runs are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from dspex.api.pipeline import Pipeline
from dspex.resources.retention import EndedRun, surplus

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def pipeline(**spec: object) -> Pipeline:
    """Make a Pipeline."""
    steps = [{"name": "a", "template": {"source": "x"}}]
    return Pipeline.model_validate({"metadata": {"name": "main"}, "spec": {"steps": steps, **spec}})


def ended(name: str, minutes: int, *, succeeded: bool = True) -> EndedRun:
    """Make a run that ended some minutes past noon."""
    return EndedRun(name=name, succeeded=succeeded, time=NOON + timedelta(minutes=minutes))


RUNS = [
    ended("c", 3),
    ended("a", 1),
    ended("x", 2, succeeded=False),
    ended("b", 2),
    ended("w", 1, succeeded=False),
]


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        ({}, ()),
        ({"succeeded": 3, "failed": 2}, ()),
        ({"succeeded": 2}, ("a",)),
        ({"succeeded": 0}, ("a", "b", "c")),
        ({"failed": 1}, ("w",)),
        ({"succeeded": 1, "failed": 0}, ("a", "w", "b", "x")),
        ({"succeeded": 9}, ()),
    ],
)
def test_the_oldest_beyond_each_limit_go(limits: dict[str, int], names: tuple[str, ...]) -> None:
    """Successes and failures are counted apart; a limit that is left out keeps all."""
    assert surplus(pipeline(historyLimits=limits), RUNS) == names


def test_without_limits_all_are_kept() -> None:
    """What nobody asked for is not deleted."""
    assert surplus(pipeline(), RUNS) == ()


def test_of_runs_that_ended_together_the_choice_is_the_same_each_time() -> None:
    """By name, whatever order they come in."""
    runs = [ended(name, 0) for name in "cab"]
    limited = pipeline(historyLimits={"succeeded": 1})
    assert surplus(limited, runs) == surplus(limited, runs[::-1]) == ("a", "b")
