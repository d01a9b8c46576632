"""What kstatus, by its published rules, makes of the conditions that objects of ours have."""

from typing import Any

import pytest

from dspex.api.base import Condition
from dspex.api.conditions import pending, ready, reconciling, run_active, run_ended, stalled
from fakes.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING, kstatus

NOW = "2026-11-23T09:00:00Z"


def item(conditions: tuple[Condition, ...], observed: int | None = 2, **metadata: Any) -> Any:
    """Make an object of generation 2."""
    seen = {} if observed is None else {"observedGeneration": observed}
    return {
        "metadata": {"generation": 2, **metadata},
        "status": {**seen, "conditions": [each.to_json() for each in conditions]},
    }


GOOD = ready("Compiled", "", now=NOW)
BAD = stalled("Invalid", "", now=NOW)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        pytest.param(item(pending(), None), IN_PROGRESS, id="new"),
        pytest.param(item(pending(run=True), None), IN_PROGRESS, id="new-run"),
        pytest.param(item(GOOD), CURRENT, id="ready"),
        pytest.param(item(reconciling("Starting", "", now=NOW)), IN_PROGRESS, id="waiting"),
        pytest.param(item(BAD), FAILED, id="stalled"),
        pytest.param(item(run_active("Running", "", now=NOW)), IN_PROGRESS, id="run"),
        pytest.param(item(run_ended(True, "Succeeded", "", now=NOW)), CURRENT, id="run-succeeded"),
        pytest.param(item(run_ended(False, "Cancelled", "", now=NOW)), FAILED, id="run-failed"),
        pytest.param(item(GOOD, 1), IN_PROGRESS, id="changed"),
        pytest.param(item(BAD, 1), IN_PROGRESS, id="mended"),
        pytest.param(item(GOOD, deletionTimestamp=NOW), TERMINATING, id="deleted"),
    ],
)
def test_kstatus_reads_our_conditions_as_they_are_meant(found: Any, state: str) -> None:
    """Every builder, every generation: what waits for an object waits long enough, not for ever."""
    assert kstatus(found) == state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        pytest.param({"metadata": {}}, CURRENT, id="nothing-known"),
        pytest.param(item(()), CURRENT, id="no-conditions"),
        pytest.param(item(GOOD[:1]), CURRENT, id="Ready-alone"),
        pytest.param(item(pending()[:1]), IN_PROGRESS, id="Ready-unknown"),
        pytest.param(item(BAD[:1]), IN_PROGRESS, id="Ready-false"),
        pytest.param(item((*pending(), *BAD[2:])), IN_PROGRESS, id="first-of-both"),
        pytest.param(item((*BAD[2:], *pending())), FAILED, id="first-of-both-turned"),
        pytest.param({"metadata": {}, "status": {"observedGeneration": 1}}, CURRENT, id="no-spec"),
    ],
)
def test_the_rules_are_the_published_ones(found: Any, state: str) -> None:
    """For objects of others too: the fake is no easier than what people use."""
    assert kstatus(found) == state
