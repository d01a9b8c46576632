"""Whatever breaks while runs are under way, each ends right and pays nothing twice."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cluster.cluster import Cluster
from stage import model
from stage.kubectl import Kubectl, Object, condition, eventually, has_ended, is_reason, is_true
from stage.manifests import asking, chain, pool, resource, run
from stage.release import Release
from stage.space import staffed

GREEDY: Final = Path(__file__).parents[1] / "fakes" / "greedy_module.py"
MODULE: Final = "greedy_module.Greedy"
LENGTH: Final = 6
HALF_A_MEGABYTE: Final = (
    "{% for i in range(8800) %}0123456789012345678901234567890123456789012345678901{% endfor %}"
)


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a stub model, and what the tests below break."""
    with staffed(release) as kubectl:
        kubectl.apply(
            chain("steps", LENGTH, order="wait=1"),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "greedy"},
                "data": {GREEDY.name: GREEDY.read_text()},
            },
            pool("greedy", modules=[MODULE], **_with_module(), **_limit("300Mi")),
            pool("nowhere", nodeSelector={"no": "such"}),
            pool("pictureless", image="dspex/worker:nobody-made", imagePullPolicy="Never"),
            _hoarding("hoarding"),
            run("hoarding", "hoarding", inputs={"items": list(range(250))}),
        )
        yield kubectl


def _with_module() -> Object:
    volume = {"name": "modules", "configMap": {"name": "greedy"}}
    return {
        "env": [{"name": "PYTHONPATH", "value": "/modules"}],
        "volumes": [volume],
        "volumeMounts": [{"name": "modules", "mountPath": "/modules"}],
    }


def _limit(memory: str) -> Object:
    requests = {"cpu": "10m", "memory": "100Mi"}
    return {"resources": {"requests": requests, "limits": {"memory": memory}}}


def _hoarding(name: str) -> Object:
    """Return a Pipeline whose second step keeps more than its runner's memory holds."""
    item = {"template": {"source": HALF_A_MEGABYTE + "{{ item }}"}}
    return resource(
        "Pipeline",
        name,
        inputs=[{"name": "items", "type": "list[int]"}],
        runner={"resources": {"limits": {"memory": "90Mi"}}},
        steps=[
            asking("first", question=f"{name} first wait=1"),
            {
                "name": "hoard",
                "after": ["first"],
                "forEach": {"items": "$(inputs.items)"},
                "inputs": {"item": "$(string(item))"},
                **item,
            },
        ],
    )


def greedy(name: str, question: str, **step: Any) -> Object:
    """Return a step that runs the module which takes more memory than there is."""
    made = asking(name, pool="greedy", question=question, **step)
    made["dspy"]["module"] = MODULE
    return made


def steps(item: Object) -> Mapping[str, Object]:
    """Return the steps of a run by name."""
    return {each["name"]: each for each in item.get("status", {}).get("steps", [])}


def is_at(name: str) -> Callable[[Object], bool]:
    """Say that a step of a run must be under way."""
    return lambda item: steps(item).get(name, {}).get("state") == "Running"


def outcome(item: Object) -> tuple[str, str]:
    """Return status and reason of a run's condition Succeeded."""
    found = condition(item, "Succeeded")
    return found["status"], found["reason"]


def start(kubectl: Kubectl, name: str, pipeline: str = "steps") -> None:
    """Start a run of six steps in sequence, a second each, whose questions have its name."""
    kubectl.apply(run(pipeline, name, inputs={"question": name}))


def amidst(kubectl: Kubectl, name: str) -> Object:
    """Wait until a run has two steps behind it and two before it, at least."""

    def is_amidst(item: Object) -> bool:
        return 2 <= len(behind(item)) <= LENGTH - 2

    return kubectl.until("drun", name, is_amidst)


def behind(item: Object) -> set[str]:
    """Return the steps of a run that have succeeded."""
    return {name for name, step in steps(item).items() if step["state"] == "Succeeded"}


def assert_right(kubectl: Kubectl, name: str, before: Object | None = None) -> Object:
    """Wait for the end of a run; it succeeded, and paid once for what it had before.

    Args:
        kubectl: Its namespace.
        name: Of the run.
        before: The run as it was when it lost its pod or its worker; None where it lost neither,
            and so has paid once for everything.
    """
    ended = kubectl.until("drun", name, has_ended, seconds=90)
    assert outcome(ended) == ("True", "Succeeded"), ended["status"]
    assert ended["status"]["outputs"] == {"answer": f"re: {LENGTH} wait=1 {name}"}
    answered = model.answered(kubectl)
    counts = {step: answered[f"{step[1:]} wait=1 {name}"] for step in steps(ended)}
    paid = steps(ended) if before is None else behind(before)
    assert {counts[step] for step in paid} == {1}, counts
    assert sum(counts.values()) <= LENGTH + 1, counts
    return ended


def events(kubectl: Kubectl, kind: str, name: str) -> dict[str, str]:
    """Return the Events of an object of ours: the last message of each reason."""
    fields = f"involvedObject.kind={kind},involvedObject.name={name}"
    printed = kubectl("get", "events", f"--field-selector={fields}", "-o", "json")
    return {each["reason"]: each["message"] for each in json.loads(printed)["items"]}


def container_of(pod: Object) -> str:
    """Return the id of a pod's only container."""
    [status] = pod["status"]["containerStatuses"]
    return str(status["containerID"])


def delete(kubectl: Kubectl, pod: str) -> None:
    """Delete a pod without grace."""
    kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def evict(kubectl: Kubectl, pod: str) -> None:
    """Evict a pod by the API, as the drain of a node does."""
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": kubectl.namespace},
    }
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def lose_job(kubectl: Kubectl, pod: str) -> None:
    """Delete the Job of a pod."""
    [owner] = kubectl.get("pod", pod)["metadata"]["ownerReferences"]
    kubectl("delete", "job", owner["name"], "--wait=false")


TAKEN: Final[Mapping[str, tuple[Callable[[Kubectl, str], None], str, str]]] = {
    "deleted": (delete, "Evicted", " was deleted; another pod takes its place"),
    "evicted": (evict, "Evicted", " was taken away: Eviction API: evicting; another pod"),
    "jobless": (lose_job, "Restarted", " was gone before the run had ended; it goes on in a new"),
}
"""How a run loses its pod; reason and words of the Event that tells of it."""


@pytest.fixture(scope="module")
def taken(shop: Kubectl) -> Mapping[str, Object]:
    """Return the runs whose pods were taken away, each as it was then; they end beside each other."""
    before = {}
    for name, (take, _, _) in TAKEN.items():
        start(shop, name)
        before[name] = amidst(shop, name)
        take(shop, before[name]["status"]["runner"]["podName"])
        before[name]["took"] = time.time()
    return before


@pytest.mark.parametrize("name", TAKEN)
def test_a_run_goes_on_when_its_pod_is_taken_away(
    shop: Kubectl, taken: Mapping[str, Object], name: str
) -> None:
    """Deleted, evicted or left without a Job: another pod goes on within seconds, and says why."""
    ended = assert_right(shop, name, taken[name])
    assert ended["status"]["runner"]["epoch"] == 2
    _, reason, words = TAKEN[name]
    assert words in events(shop, "PipelineRun", name)[reason]
    assert pause(taken[name], ended) < 8


def pause(before: Object, ended: Object) -> float:
    """Return, and print, the seconds from the loss of a run's pod to the next start of a step."""
    lost = before["took"]
    later = [_seconds(each["startTime"]) for each in steps(ended).values()]
    found: float = min(each for each in later if each > lost) - lost
    print(f"{ended['metadata']['name']}: a step starts {found:.1f} s after the pod was lost")
    return found


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def test_a_run_goes_on_when_its_runner_is_killed(shop: Kubectl, own_node: Cluster) -> None:
    """SIGKILL leaves no time for a last checkpoint; Kubernetes counts it and waits ten seconds."""
    start(shop, "killed")
    before = amidst(shop, "killed")
    pod = shop.get("pod", before["status"]["runner"]["podName"])
    own_node.kill_container(container_of(pod))
    before["took"] = time.time()
    waiting = shop.until("drun", "killed", is_reason("Succeeded", "Crashed"))
    assert "exit status 137" in waiting["status"]["message"]
    ended = assert_right(shop, "killed", before)
    assert ended["status"]["runner"]["epoch"] == 2
    assert pause(before, ended) < 16


def test_a_run_goes_on_when_a_worker_is_killed(shop: Kubectl, own_node: Cluster) -> None:
    """The call is made again where `retry` says so; calls that had ended are not."""
    retried = chain("retried", LENGTH, order="wait=1")
    for step in retried["spec"]["steps"]:
        step["retry"] = {"attempts": 3}
    shop.apply(retried)
    start(shop, "workerless", "retried")
    before = amidst(shop, "workerless")
    [pod] = shop.list("pods", "dspex.dev/pool=small")
    own_node.kill_container(container_of(pod))
    ended = assert_right(shop, "workerless", before)
    assert ended["status"]["runner"]["epoch"] == 1
    assert {step["attempts"] for step in steps(ended).values()} == {1, 2}
    assert "exit status 137" in events(shop, "Pool", "small")["Crashed"]
    shop.until("dpool", "small", is_true("Ready"))


def test_a_run_goes_on_when_a_workers_pod_is_deleted(shop: Kubectl) -> None:
    """Whether the call could still end or not, what was answered is not asked again."""
    start(shop, "replaced", "retried")
    before = amidst(shop, "replaced")
    [pod] = shop.list("pods", "dspex.dev/pool=small")
    delete(shop, pod["metadata"]["name"])
    assert_right(shop, "replaced", before)
    shop.until("dpool", "small", is_true("Ready"))


def test_a_worker_that_runs_out_of_memory_is_started_again(shop: Kubectl) -> None:
    """At a real limit, by the kernel: one call is tried again, one fails, and status says why."""
    shop.until("dpool", "greedy", is_true("Ready"))
    shop.apply(
        resource(
            "Pipeline",
            "feeding",
            steps=[
                greedy("once", "once", retry={"attempts": 3}),
                greedy("always", "always", after=["once"]),
            ],
        ),
        run("feeding", "feeding"),
    )
    ended = shop.until("drun", "feeding", has_ended)
    assert outcome(ended) == ("False", "StepsFailed")
    once, always = (steps(ended)[name] for name in ("once", "always"))
    assert (once["state"], once["attempts"]) == ("Succeeded", 2)
    assert (always["state"], always["reason"]) == ("Failed", "WorkerLost")
    killed = shop.until("dpool", "greedy", is_reason("Ready", "OutOfMemory"))
    assert "(exit status 137)" in condition(killed, "Ready")["message"]
    assert "(limit 300Mi)" in events(shop, "Pool", "greedy")["OutOfMemory"]
    [pod] = shop.list("pods", "dspex.dev/pool=greedy")
    [status] = pod["status"]["containerStatuses"]
    assert status["lastState"]["terminated"]["reason"] == "OOMKilled"


@pytest.mark.parametrize(
    ("name", "reason", "words", "mend"),
    [
        pytest.param(
            "nowhere",
            "Unschedulable",
            "didn't match Pod's node affinity/selector",
            {"nodeSelector": None},
            id="unschedulable",
        ),
        pytest.param(
            "pictureless",
            "ImageUnavailable",
            "dspex/worker:nobody-made",
            {"image": None},
            id="image",
        ),
    ],
)
def test_a_run_waits_for_a_pool_that_has_no_workers(
    shop: Kubectl, name: str, reason: str, words: str, mend: Object
) -> None:
    """Run and Pool say why; once the Pool is mended the call goes out, as its first attempt."""
    step = asking(pool=name, question=f"{name} asks", timeout="60s")
    shop.apply(resource("Pipeline", name, steps=[step]), run(name, name))
    told = shop.until("dpool", name, is_reason("Ready", reason))
    assert words in condition(told, "Ready")["message"]
    message = f"Pool {name} is not ready: {reason}"
    shop.until("drun", name, lambda item: message in item["status"].get("message", ""))
    shop("patch", "dpool", name, "--type=merge", "-p", json.dumps({"spec": mend}))
    ended = shop.until("drun", name, has_ended)
    assert outcome(ended) == ("True", "Succeeded")
    assert steps(ended)["ask"]["attempts"] == 1
    assert model.asked(shop)[f"{name} asks"] == 1
    assert words in events(shop, "Pool", name)[reason]


def test_runs_go_on_without_names(shop: Kubectl, own_node: Cluster) -> None:
    """Ten seconds without DNS: a run that knows its workers does not notice, a new one waits."""
    start(shop, "nameless")
    amidst(shop, "nameless")
    own_node.stop_dns()
    again = time.monotonic() + 10
    try:
        start(shop, "newcomer")
        ended = assert_right(shop, "nameless")
        shop.until("drun", "newcomer", is_at("s1"))
        eventually(lambda: time.monotonic() > again or None, 20)
        assert steps(shop.get("drun", "newcomer"))["s1"]["state"] == "Running"
    finally:
        own_node.start_dns()
    assert {step["attempts"] for step in steps(ended).values()} == {1}
    ended = assert_right(shop, "newcomer")
    assert {step["attempts"] for step in steps(ended).values()} == {1}


def test_runs_go_on_without_api_server(shop: Kubectl, own_node: Cluster) -> None:
    """Steps go on while it is away; what they did is told once it is back, and nothing is lost."""
    start(shop, "unheard")
    amidst(shop, "unheard")
    own_node.restart_api_server()
    start(shop, "after-restart")
    for name in ("unheard", "after-restart"):
        ended = assert_right(shop, name)
        assert ended["status"]["runner"]["epoch"] == 1


def test_runs_go_on_without_operator(shop: Kubectl, release: Release, cluster: Cluster) -> None:
    """The leader is killed and another takes over, then that one: none is lost, none made twice."""
    first = release.leader()
    names = ["operator-0", "operator-1", "operator-2"]
    start(shop, names[0])
    amidst(shop, names[0])
    if cluster.owns_node:
        # Nobody gives the Lease up: it has to run out.
        cluster.kill_container(container_of(release.inside.get("pod", first)))
    delete(release.inside, first)
    start(shop, names[1])
    second = _other_leader(release, first)
    amidst(shop, names[1])
    delete(release.inside, second)
    start(shop, names[2])
    _other_leader(release, second)
    for name in names:
        ended = assert_right(shop, name)
        assert ended["status"]["runner"]["epoch"] == 1
        assert len(shop.list("jobs", f"dspex.dev/run={name}")) == 1
    release.inside("rollout", "status", f"deployment/{release.name}", "--timeout=60s")


def _other_leader(release: Release, former: str) -> str:
    def look() -> str | None:
        found = release.leader()
        return found if found not in ("", former) else None

    found: str = eventually(look, 40)
    return found


def test_a_run_whose_runner_runs_out_of_memory_ends_with_that_reason(shop: Kubectl) -> None:
    """Started with the first test: it was tried again, paid for its first step once, and gave up."""
    ended = shop.until("drun", "hoarding", has_ended, seconds=120)
    assert outcome(ended) == ("False", "OutOfMemory")
    message = condition(ended, "Succeeded")["message"]
    assert "killed for using more memory than its limit (exit status 137)" in message
    assert ended["status"]["runner"]["epoch"] == 4
    assert model.answered(shop)["hoarding first wait=1"] == 1
    pods = shop.list("pods", "dspex.dev/run=hoarding")
    assert {each["status"]["phase"] for each in pods} == {"Failed"}
    assert steps(ended)["first"]["state"] == "Succeeded"
