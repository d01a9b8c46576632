"""The demo through the command line: real worker processes and the real model."""

from datetime import datetime
from typing import Any

from dspex.api.pipelinerun import PipelineRun


def steps(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a run's steps by name."""
    return {step["name"]: step for step in run["status"]["steps"]}


def span(step: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return when a step began and ended."""
    began, ended = (datetime.fromisoformat(step[key]) for key in ("startTime", "completionTime"))
    return began, ended


def test_it_succeeds_with_a_status_that_the_cluster_would_take(demo: dict[str, Any]) -> None:
    """Exit 0, a valid PipelineRun, Succeeded and Ready."""
    assert demo["exit"] == 0, demo["words"]
    held = {key: value for key, value in demo.items() if key not in ("exit", "words")}
    run = PipelineRun.model_validate(held, by_alias=True)
    conditions = {each.type: each.status for each in run.status.conditions}
    assert conditions == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Succeeded": "True",
    }
    assert run.status.plan_digest
    assert run.status.plan_digest.startswith("sha256:")


def test_every_step_has_state_times_attempts_and_usage(demo: dict[str, Any]) -> None:
    """Model steps say pool, worker and tokens; the run's usage is their sum."""
    found = steps(demo)
    assert set(found) == {"mood", "product", "reply", "score", "baseline"}
    for step in found.values():
        began, ended = span(step)
        assert step["state"] == "Succeeded", step
        assert began <= ended
        assert step["attempts"] >= 1
    for name in ("mood", "product", "reply"):
        assert found[name]["items"] == {"total": 10, "succeeded": 10, "failed": 0, "skipped": 0}
        usage = found[name]["usage"]
        assert usage["totalTokens"] == usage["promptTokens"] + usage["completionTokens"] > 0
    for name in ("mood", "product"):
        assert found[name]["pool"] == "small"
        assert found[name]["worker"] in ("small-0", "small-1")
        assert found[name]["usage"]["calls"] >= 10
    total = sum(step.get("usage", {}).get("totalTokens", 0) for step in found.values())
    assert demo["status"]["usage"]["totalTokens"] == total


def test_independent_steps_overlap_and_dependent_ones_do_not(demo: dict[str, Any]) -> None:
    """Mood and product run side by side; what reads them comes after them."""
    found = steps(demo)
    mood, product = span(found["mood"]), span(found["product"])
    overlap = min(mood[1], product[1]) - max(mood[0], product[0])
    shorter = min(mood[1] - mood[0], product[1] - product[0])
    assert overlap > 0.5 * shorter
    assert span(found["reply"])[0] >= max(mood[1], product[1])
    assert span(found["score"])[0] >= mood[1]


def test_outputs_are_typed_and_no_worse_than_the_baseline(demo: dict[str, Any]) -> None:
    """Ten moods of two words, ten replies by condition, and a score beside the baseline's."""
    outputs = demo["status"]["outputs"]
    labels = [message["label"] for message in demo["spec"]["inputs"]["messages"]]
    moods = outputs["moods"]
    assert set(moods) <= {"happy", "unhappy"}
    right = sum(mood == label for mood, label in zip(moods, labels, strict=True))
    assert outputs["score"] == right / len(labels)
    assert outputs["baseline"] == 0.6
    assert outputs["score"] >= outputs["baseline"]
    for mood, reply in zip(moods, outputs["replies"], strict=True):
        assert reply.startswith("We are sorry" if mood == "unhappy" else "Thank you")


def test_the_same_outputs_come_from_an_openai_compatible_endpoint(
    demo: dict[str, Any], demo_over_http: dict[str, Any]
) -> None:
    """The model behind HTTP, with the key of --secret: nothing differs but the way to it."""
    assert demo_over_http["exit"] == 0, demo_over_http["words"]
    assert demo_over_http["requests"] == demo_over_http["status"]["usage"]["calls"]
    assert demo_over_http["status"]["outputs"] == demo["status"]["outputs"]


def test_a_killed_worker_changes_nothing_but_the_words(
    demo: dict[str, Any], demo_with_a_kill: dict[str, Any]
) -> None:
    """SIGKILL in mid-run: the run succeeds with equal outputs, and says what happened."""
    killed = demo_with_a_kill
    assert killed["exit"] == 0, killed["words"]
    assert killed["status"]["outputs"] == demo["status"]["outputs"]
    assert "worker small-0 was killed by SIGKILL; it is started again" in killed["words"]
    assert "failed on small-0: WorkerLost" in killed["words"]
    again = steps(killed)
    assert again["mood"]["attempts"] + again["product"]["attempts"] > 20
