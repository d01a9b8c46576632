"""What `make demo-cluster` tells of a run while it goes on, and when it has ended."""

from typing import Any

from stage.demo import ways_on
from stage.progress import news, table


def run(reason: str, message: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """Return a run as the API server has it."""
    said = {"type": "Succeeded", "status": "Unknown", "reason": reason, "message": message}
    return {"metadata": {"name": "r"}, "status": {"conditions": [said], "steps": list(steps)}}


def test_the_first_look_tells_how_a_run_stands() -> None:
    """Its reason and the first line of its message; steps that wait are not worth a line."""
    seen = run("MissingReference", "there is no Pool a\nthere is no Pool b", step("a", "Pending"))
    assert news({}, seen) == ["r MissingReference: there is no Pool a"]


def test_what_has_not_changed_is_not_told_again() -> None:
    """Two equal looks say nothing, also where something else in the object is new."""
    seen = run("Running", "it works", step("a", "Running", items={"total": 3, "succeeded": 1}))
    assert news(seen, {**seen, "spec": {}}) == []


def test_a_run_without_a_status_says_nothing() -> None:
    """The API server may show an object before anybody has written about it."""
    assert news({}, {"metadata": {"name": "r"}}) == []


def test_steps_are_told_when_they_start_go_on_and_end() -> None:
    """Items are counted whatever came of them; a failed step says why."""
    first = run("Running", "", step("a", "Running", items={"total": 3}))
    second = run("Running", "", step("a", "Running", items={"total": 3, "succeeded": 1}))
    third = run(
        "Running",
        "",
        step("a", "Succeeded", items={"total": 3, "succeeded": 2, "failed": 1}, seconds=2),
        step("b", "Failed", reason="WorkerLost", seconds=1),
    )
    assert news(run("Running", ""), first) == ["a running, 0 of 3 items"]
    assert news(first, second) == ["a 1 of 3 items"]
    assert news(second, third) == [
        "a succeeded, 3 of 3 items, 2.00 s",
        "b failed, 1.00 s, WorkerLost",
    ]


def test_the_table_has_a_line_a_step_in_columns() -> None:
    """What a step did not say is left empty, and no line ends in blanks."""
    ended = run("Succeeded", "", step("long-name", "Succeeded", seconds=1, worker="w"), step("b"))
    head, first, second = table(ended)
    assert head.split() == ["STEP", "KIND", "STATE", "TIME", "ATTEMPTS", "TOKENS", "WORKER"]
    assert first.split() == ["long-name", "dspy", "Succeeded", "1.00", "s", "w"]
    assert first.index("dspy") == second.index("dspy") == head.index("KIND")
    assert second == second.rstrip()


def test_the_ways_on_name_context_and_namespace() -> None:
    """Each command can be typed as it stands, on a cluster of one's own too."""
    commands = [command for command, _ in ways_on("here", "r", "mine")]
    asked = [command for command in commands if command.startswith("kubectl")]
    assert all(command.startswith("kubectl --context mine ") for command in asked)
    assert all("-n here" in command or "namespace here" in command for command in asked)
    assert commands[-1] == "make cluster-down"


def step(name: str, state: str = "Pending", *, seconds: int = 0, **more: Any) -> dict[str, Any]:
    """Return a step of a status; one that took some seconds has ended."""
    made = {"name": name, "kind": "dspy", "state": state, **more}
    if seconds:
        made["startTime"] = "2026-11-22T10:00:00.000000Z"
        made["completionTime"] = f"2026-11-22T10:00:{seconds:02}.000000Z"
    return made
