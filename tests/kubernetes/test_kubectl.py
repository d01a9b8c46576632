"""What a person with kubectl sees and does: apply, get, describe, explain, wait, diff, delete."""

import json
import re
from collections.abc import Iterator

import pytest

from fakes.kstatus import CURRENT, kstatus
from stage import model
from stage.kubectl import Kubectl, Object, eventually, has_ended, is_true
from stage.manifests import chain, pool, resource, run
from stage.release import Release
from stage.space import namespace

SIGNATURE = resource(
    "Signature",
    "ask",
    signature="question: str -> answer: str",
    fields=[{"name": "answer", "maxLength": 200}],
)
POOL = pool(tolerations=[{"key": "a", "operator": "Exists"}], env=[{"name": "A", "value": "b"}])
PIPELINE = chain("chatting", 2, order="wait=1")
RUN = run("chatting", "chat-1", inputs={"question": "Who?"}, timeout="5m")
ALL = {"sig": SIGNATURE, "dpool": POOL, "dpipe": PIPELINE, "drun": RUN}

COLUMNS = {
    "sig": "NAME SIGNATURE READY REASON AGE",
    "dpool": "NAME PROFILE MODEL DESIRED AVAILABLE READY REASON AGE",
    "dpipe": "NAME READY REASON AGE",
    "drun": "NAME PIPELINE SUCCEEDED REASON STARTED COMPLETED AGE",
    "drundata": "NAME RUN STEP AGE",
}
ROWS = {
    "sig": r"ask +question: str -> answer: str +True +Parsed +\d+s",
    "dpool": r"small +General +openai/stub +1 +1 +True +WorkersReady +\d+s",
    "dpipe": r"chatting +True +Compiled +\d+s",
    "drun": r"chat-1 +chatting +True +Succeeded +\d+s +\d+s +\d+s",
    "drundata": r"chat-1-[0-9a-f]{12}-0 +chat-1 +\d+s",
}
EXPLAINED = {
    "dpipe.spec.steps.retry.attempts": "integer",
    "drun.spec.shutdown": "Stop: running steps are cancelled",
    "dpool.spec.model.embedded": "without\\s+key or network",
    "sig.spec.fields.maxLength": "integer",
    "drundata.spec": "FIELDS",
}


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield a namespace with one object of each kind, applied; the run has succeeded."""
    with namespace(release) as kubectl:
        model.start(kubectl)
        kubectl.apply(SIGNATURE, POOL, PIPELINE, RUN)
        kubectl("wait", "--for=condition=Succeeded", "drun/chat-1", "--timeout=60s")
        for kind in ("sig/ask", "dpool/small", "dpipe/chatting", "drun/chat-1"):
            kubectl("wait", "--for=condition=Ready", kind, "--timeout=60s")
        yield kubectl


def test_wait_waits_for_the_end(shop: Kubectl) -> None:
    """After `kubectl wait` for Succeeded and Ready all is as it says, and Current to kstatus."""
    assert shop.get("drun", "chat-1")["status"]["outputs"] == {"answer": "re: 2 wait=1 Who?"}
    for kind, each in ALL.items():
        assert kstatus(shop.get(kind, each["metadata"]["name"])) == CURRENT


@pytest.mark.parametrize("kind", COLUMNS)
def test_get_shows_what_matters(shop: Kubectl, kind: str) -> None:
    """Each kind has columns that say at a glance how it stands."""
    head, *rows = shop("get", kind).splitlines()
    assert " ".join(head.split()) == COLUMNS[kind]
    assert any(re.fullmatch(ROWS[kind], row.strip()) for row in rows), rows


def test_the_category_lists_every_kind(shop: Kubectl) -> None:
    """`kubectl get dspex` is one command for all."""
    printed = shop("get", "dspex")
    kinds = {line.partition(".dspex.dev/")[0] for line in printed.splitlines() if "/" in line}
    assert kinds == {"signature", "pool", "pipeline", "pipelinerun", "pipelinerundata"}


def test_wide_shows_the_message(shop: Kubectl) -> None:
    """The conditions' message stands in a column of `-o wide`, for those who look for a reason."""
    assert "1 of 1 worker ready" in shop("get", "dpool", "small", "-o", "wide")
    assert "2 steps: 2 succeeded" in shop("get", "drun", "chat-1", "-o", "wide")


def test_describe_tells_the_story(shop: Kubectl) -> None:
    """Conditions with their messages, steps with their times, and Events in order."""
    printed = shop("describe", "drun", "chat-1")
    for part in ("Type:                  Succeeded", "Name:                 s2", "Pod Name:"):
        assert part in printed
    events = printed.partition("Events:")[2]
    places = [events.index(reason) for reason in ("Started ", "Running ", "Succeeded ")]
    assert places == sorted(places), events
    assert "WorkersReady" in shop("describe", "dpool", "small").partition("Events:")[2]
    assert "Compiled" in shop("describe", "dpipe", "chatting").partition("Events:")[2]


@pytest.mark.parametrize("field", EXPLAINED)
def test_explain_knows_the_fields(shop: Kubectl, field: str) -> None:
    """Their type and meaning, from the CRDs."""
    assert re.search(EXPLAINED[field], shop("explain", field))


@pytest.mark.parametrize("kind", ALL)
def test_a_second_manager_meets_no_conflict_and_no_drift(shop: Kubectl, kind: str) -> None:
    """The operator writes no spec: another manager applies the same, and diff stays empty."""
    text = json.dumps(ALL[kind])
    name = ALL[kind]["metadata"]["name"]
    before = shop.get(kind, name)
    gitops = ("--server-side", "--field-manager=gitops", "-f", "-")
    shop("apply", *gitops, stdin=text)
    after = shop.get(kind, name)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["status"] == before["status"]
    for flags in (gitops, ("-f", "-")):
        done = shop.run("diff", *flags, stdin=text)
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    for each in json.loads(shop("get", kind, name, "-o", "json", "--show-managed-fields"))[
        "metadata"
    ]["managedFields"]:
        if each["manager"].startswith("dspex-"):
            assert "f:spec" not in each["fieldsV1"], each


def test_deleting_a_run_takes_its_children(shop: Kubectl) -> None:
    """Job, pod, plan and checkpoints go with it."""
    shop.apply(run("chatting", "short-lived", inputs={"question": "short-lived"}))
    uid = shop.until("drun", "short-lived", has_ended)["metadata"]["uid"]
    label = f"dspex.dev/run-uid={uid}"
    assert {each["kind"] for each in _children(shop, label)} == {"Job", "Pod", "ConfigMap"}
    shop("delete", "drun", "short-lived")
    eventually(lambda: _children(shop, label) == [] or None, 30)
    shop.gone("drundata", f"short-lived-{uid[-12:]}-0")


def test_deleting_a_pool_takes_its_children(shop: Kubectl) -> None:
    """All that it owns goes with it, and nothing of another Pool's."""
    shop.apply(pool("passing"))
    shop.until("dpool", "passing", is_true("Ready"))
    label = "dspex.dev/pool=passing"
    assert {each["kind"] for each in _children(shop, label)} == {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "ReplicaSet",
        "Service",
        "ServiceAccount",
    }
    shop("delete", "dpool", "passing")
    eventually(lambda: _children(shop, label) == [] or None, 40)
    assert len(_children(shop, "dspex.dev/pool=small")) == 8


def _children(kubectl: Kubectl, label: str) -> list[Object]:
    kinds = "deploy,rs,job,pod,svc,sa,cm,netpol,pdb"
    return kubectl.list(kinds, label)
