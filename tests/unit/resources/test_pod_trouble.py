"""Why a pod is not ready, in words for a person."""

from typing import Any

import pytest

from dspex.errors import ConditionReason
from dspex.resources.pod_trouble import (
    MAX_WORDS,
    Trouble,
    has_ended,
    is_ready,
    killed_for_memory,
    last_words,
    pod_trouble,
    worst,
)
from fakes.items import Object
from fakes.pods import RUNNING, container, killed, pod, terminated, waiting

IMAGE_WORDS = 'Back-off pulling image "example.com/worker:1"'
GATED = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
EARLIER = "2026-11-23T08:00:00Z"


def of(state: Object, **given: Any) -> Object:
    """Make a pod of one container."""
    return pod("w-1", container(state, **given))


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        pytest.param(
            pod("w-1", phase="Pending", unschedulable="0/3 nodes: Insufficient nvidia.com/gpu."),
            ConditionReason.UNSCHEDULABLE,
            "w-1: 0/3 nodes: Insufficient nvidia.com/gpu.",
            id="unschedulable",
        ),
        pytest.param(
            pod("w-1", phase="Pending", unschedulable=""),
            ConditionReason.UNSCHEDULABLE,
            "w-1: no node has room",
            id="unschedulable-without-words",
        ),
        pytest.param(
            of(waiting("ImagePullBackOff", IMAGE_WORDS)),
            ConditionReason.IMAGE_UNAVAILABLE,
            f"w-1: example.com/worker:1: ImagePullBackOff: {IMAGE_WORDS}",
            id="image",
        ),
        pytest.param(
            of(waiting("InvalidImageName"), image="Not An Image"),
            ConditionReason.IMAGE_UNAVAILABLE,
            "w-1: Not An Image: InvalidImageName",
            id="image-without-words",
        ),
        pytest.param(
            of(waiting("CreateContainerConfigError", 'secret "llm" not found')),
            ConditionReason.CONTAINER_CONFIG,
            'w-1: secret "llm" not found',
            id="config",
        ),
        pytest.param(
            of(waiting("RunContainerError")),
            ConditionReason.CONTAINER_CONFIG,
            "w-1: RunContainerError",
            id="config-without-words",
        ),
        pytest.param(
            of(waiting("CrashLoopBackOff"), last=terminated(1, message="no module named x\n")),
            ConditionReason.CRASHED,
            "w-1: ended with exit status 1: no module named x",
            id="crash-loop",
        ),
        pytest.param(
            of(terminated(2)),
            ConditionReason.CRASHED,
            "w-1: ended with exit status 2",
            id="crash",
        ),
        pytest.param(
            of(waiting("CrashLoopBackOff"), last=terminated(0, "Completed")),
            ConditionReason.CRASHED,
            "w-1: ended with exit status 0",
            id="one-that-always-ends-well",
        ),
        pytest.param(
            of(RUNNING, last=terminated(1)),
            ConditionReason.CRASHED,
            "w-1: ended with exit status 1",
            id="started-again-and-not-ready-yet",
        ),
        pytest.param(
            of(waiting("CrashLoopBackOff"), last=killed()),
            ConditionReason.OUT_OF_MEMORY,
            "w-1: killed for using more memory than its limit (exit status 137)",
            id="memory",
        ),
        pytest.param(
            pod("w-1", phase="Failed", reason="Evicted", message="The node was low on memory."),
            ConditionReason.EVICTED,
            "w-1: The node was low on memory.",
            id="evicted",
        ),
        pytest.param(
            pod("w-1", phase="Failed", reason="UnexpectedAdmissionError"),
            ConditionReason.EVICTED,
            "w-1: UnexpectedAdmissionError",
            id="not-taken-by-the-node",
        ),
        pytest.param(
            pod(
                "w-1",
                container(waiting("PodInitializing")),
                initContainerStatuses=[container(terminated(3), name="mesh")],
            ),
            ConditionReason.CRASHED,
            "w-1: ended with exit status 3",
            id="init-container-of-a-mesh",
        ),
    ],
)
def test_a_pods_trouble_is_told(found: Object, reason: ConditionReason, words: str) -> None:
    """Each kind has its reason, and names the pod with the cluster's own words."""
    assert pod_trouble(found) == Trouble(reason, words)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param({"metadata": {"name": "w-1"}}, id="just-made"),
        pytest.param(of(waiting("ContainerCreating")), id="being-made"),
        pytest.param(of(RUNNING), id="starting"),
        pytest.param(of(RUNNING, ready=True), id="ready"),
        pytest.param(of(RUNNING, ready=True, last=killed()), id="ready-again"),
        pytest.param(of(terminated(0, "Completed")), id="ended-well"),
        pytest.param(pod("w-1", container(RUNNING), reason="NodeLost"), id="node-not-heard-of"),
        pytest.param(pod("w-1", phase="Pending", conditions=GATED), id="held-by-a-gate"),
        pytest.param(
            of(RUNNING, last=terminated(0, "Completed")), id="started-again-after-a-good-end"
        ),
    ],
)
def test_a_pod_without_trouble_has_none(found: Object) -> None:
    """What only takes its time is no trouble, nor what is over."""
    assert pod_trouble(found) is None


def test_the_worst_trouble_is_told_first() -> None:
    """What a person must mend comes before what mends itself; equal ones by name, not by order."""
    crashed = pod("a", container(terminated(1)))
    image = pod("c", container(waiting("ErrImagePull")))
    other = pod("b", container(waiting("ErrImagePull")))
    ready = pod("d", container(RUNNING, ready=True))
    for pods in ([crashed, image, other, ready], [ready, other, image, crashed]):
        found = worst(pods)
        assert found is not None
        assert (found.reason, found.message[:1]) == (ConditionReason.IMAGE_UNAVAILABLE, "b")
    assert worst([ready]) is None
    assert worst([]) is None


def test_every_trouble_has_its_rank() -> None:
    """Whatever a pod can be in trouble for can be compared with the others."""
    troubled = [
        pod("a", phase="Pending", unschedulable="full"),
        pod("b", container(waiting("ErrImagePull"))),
        pod("c", container(waiting("CreateContainerError"))),
        pod("d", container(killed())),
        pod("e", container(terminated(1))),
        pod("f", phase="Failed", reason="Evicted"),
    ]
    for count in range(len(troubled)):
        found = worst(troubled[count:][::-1])
        assert found is not None
        assert found.message.startswith(troubled[count]["metadata"]["name"])


def test_a_kill_for_memory_is_remembered_with_time_and_limit() -> None:
    """Also of a container that is ready again; of several kills the last one."""
    again = of(RUNNING, ready=True, last=killed(EARLIER))
    assert killed_for_memory(again) == (
        EARLIER,
        f"w-1 ran out of memory at {EARLIER} (limit 512Mi)",
    )
    twice = of(killed("2026-11-23T09:30:00Z"), last=killed(EARLIER))
    assert (killed_for_memory(twice) or ("",))[0] == "2026-11-23T09:30:00Z"
    then_crashed = of(terminated(1), last=killed(EARLIER))
    assert (killed_for_memory(then_crashed) or ("",))[0] == EARLIER


def test_a_kill_for_memory_without_a_limit_or_a_time_is_told_as_far_as_it_is_known() -> None:
    """A node that runs out kills too; and a kubelet may not know when."""
    found = killed_for_memory(pod("w-1", container(killed(EARLIER)), memory=""))
    assert found == (EARLIER, f"w-1 ran out of memory at {EARLIER}")
    sidecar = pod("w-1", container(RUNNING), container(killed(EARLIER), name="mesh"))
    assert (killed_for_memory(sidecar) or ("", ""))[1].endswith("(limit 512Mi)")
    state = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    assert (killed_for_memory(of(state)) or ("?",))[0] == ""


@pytest.mark.parametrize("found", [of(RUNNING), of(terminated(1)), pod("w-1")])
def test_a_pod_that_was_not_killed_for_memory_is_not_said_to(found: Object) -> None:
    """A crash is another matter."""
    assert killed_for_memory(found) is None


def test_the_last_words_are_those_at_the_end() -> None:
    """A traceback ends with its cause; what is cut is marked."""
    words = last_words(of(terminated(1, message="x" * MAX_WORDS + "ValueError: no")))
    assert words.startswith("ended with exit status 1: …x")
    assert words.endswith("ValueError: no")
    assert len(words) == len("ended with exit status 1: …") + MAX_WORDS


def test_the_last_words_of_our_own_programs_are_read_out_of_their_logs() -> None:
    """They log in JSON; errors alone explain an end, and each comes with its remedy."""
    lines = [
        '{"address": "http://0.0.0.0:8080"}',
        '{"level": "info", "message": "starts"}',
        '{"level": "error", "message": "no x", "expected": null, "found": "E", "remedy": "add x"}',
        '{"level": "error", "message": "a fault", "exception": "Traceback\\nKeyError: 1"}',
        "Killed",
        "[1]",
    ]
    words = last_words(of(terminated(2, message="\n".join(lines))))
    assert words.splitlines() == [
        "ended with exit status 2: no x; found: E; remedy: add x",
        "a fault; Traceback",
        "KeyError: 1",
        "Killed",
        "[1]",
    ]


def test_logs_without_an_error_are_shown_as_they_are() -> None:
    """Something is better than nothing."""
    line = '{"level": "info", "message": "starts"}'
    assert last_words(of(terminated(2, message=line))) == f"ended with exit status 2: {line}"


def test_the_last_words_of_several_containers_stand_in_a_row() -> None:
    """Those that ended well have nothing to say."""
    found = pod(
        "w-1",
        container(terminated(1, message="no")),
        container(killed(), name="mesh"),
        container(terminated(0), name="good"),
        container(RUNNING, name="proxy"),
    )
    memory = "killed for using more memory than its limit (exit status 137)"
    assert last_words(found) == f"ended with exit status 1: no; {memory}"
    assert last_words(of(RUNNING)) == ""


def test_what_a_pod_is_can_be_asked_before_it_has_a_status() -> None:
    """A pod that was made this moment is neither ready nor over."""
    new: Object = {"metadata": {"name": "w-1"}}
    assert not is_ready(new)
    assert not has_ended(new)
    assert is_ready(of(RUNNING, ready=True))
    assert not is_ready(of(RUNNING))
    assert has_ended(pod("w-1", phase="Failed"))
    assert has_ended(pod("w-1", phase="Succeeded"))
    assert not has_ended(pod("w-1", phase="Pending"))
