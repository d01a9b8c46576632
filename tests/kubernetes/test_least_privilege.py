"""What a runner and a worker may do on a real API server, with tokens bound to pods."""

import json
import math
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from chart.account import APPLY, MERGE, Account, Answer, Runner, pod_of, runner
from stage.kubectl import Kubectl, eventually, is_reason
from stage.manifests import pool
from stage.release import Release
from stage.space import namespace

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
GRANTED = {
    ("patch", "dspex.dev", "pipelineruns/status"),
    ("create", "dspex.dev", "pipelinerundata"),
    ("patch", "dspex.dev", "pipelinerundata"),
}
SELF_REVIEWS = {
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
    ("create", "authorization.k8s.io", "selfsubjectrulesreviews"),
    ("create", "authentication.k8s.io", "selfsubjectreviews"),
}
"""What Kubernetes lets everyone: to ask about oneself."""


def run_of(kubectl: Kubectl, name: str, **spec: Any) -> dict[str, Any]:
    """Make a run of a Pipeline that is not there, on which the operator has said its one word."""
    manifest = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": "absent"}, **spec},
    }
    kubectl.apply(manifest)
    return kubectl.until("drun", name, is_reason("Succeeded", "MissingReference"))


@pytest.fixture(scope="module")
def kubectl(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace that all tests of this file share."""
    with namespace(release) as made:
        # As long as it is there, the operator keeps the runner's account.
        run_of(made, "permanent")
        yield made


@pytest.fixture
def name() -> str:
    """Return the name of the test's run."""
    return f"mine-{secrets.token_hex(4)}"


@pytest.fixture
def mine(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """Return a run whose runner the test plays."""
    return run_of(kubectl, name, inputs={"secret": "of mine"})


@pytest.fixture
def first(kubectl: Kubectl, mine: dict[str, Any]) -> Runner:
    """Return the first pod of the run."""
    return runner(kubectl, pod_of(mine, "aaaaa"))


def everything(kubectl: Kubectl) -> set[tuple[str, str]]:
    """Return group and resource of all that the server serves, subresources included."""
    groups = json.loads(kubectl("get", "--raw", "/apis"))["groups"]
    paths = ["/api/v1"] + [
        f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"]
    ]
    found = set()
    for path in paths:
        listed = json.loads(kubectl("get", "--raw", path))
        group = listed["groupVersion"].rpartition("/")[0]
        found |= {(group, each["name"]) for each in listed["resources"]}
    return found


def allowed(account: Account, kubectl: Kubectl) -> set[tuple[str, str, str]]:
    """Ask for every verb on everything that there is, in the namespace."""
    return {
        (verb, group, resource)
        for group, resource in everything(kubectl)
        for verb in VERBS
        if account.may(verb, group, resource, kubectl.namespace)
    }


def allowed_elsewhere(account: Account) -> set[tuple[str, str, str]]:
    """Ask for the rules that hold in another namespace: every verb of each on every resource."""
    return {
        (verb, group, resource)
        for rule in account.rules("default")
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_runner_may_do_three_things(kubectl: Kubectl, first: Runner) -> None:
    """Of every verb on every resource: patch a run's status, create and patch data of runs."""
    assert allowed(first.account, kubectl) == GRANTED | SELF_REVIEWS


def test_a_runner_has_no_right_in_another_namespace(first: Runner) -> None:
    """The RoleBinding is of its own namespace."""
    assert not [each for each in GRANTED if first.account.may(*each, "default")]
    assert allowed_elsewhere(first.account) == SELF_REVIEWS


def test_a_worker_may_do_nothing(kubectl: Kubectl) -> None:
    """Even if it held a token, the account of a Pool's pods has no right at all."""
    kubectl.apply(pool(replicas=0))
    kubectl.until("dpool", "small", is_reason("Ready", "ScaledToZero"))
    [account] = kubectl.list("serviceaccount", "dspex.dev/pool=small")
    worker = runner(kubectl, "small-worker-0", account["metadata"]["name"])
    assert allowed(worker.account, kubectl) == SELF_REVIEWS
    assert allowed_elsewhere(worker.account) == SELF_REVIEWS


@pytest.mark.parametrize(
    "plural", ["signatures", "pools", "pipelines", "pipelineruns", "pipelinerundata"]
)
def test_a_runner_can_read_no_kind(kubectl: Kubectl, first: Runner, plural: str, name: str) -> None:
    """Get, list, watch, update and delete of every kind are refused, its own run's too."""
    refused = {
        first.account.ask("GET", first.path(plural)).status,
        first.account.ask("GET", f"{first.path(plural)}?watch=true").status,
        first.account.ask("GET", first.path(plural, name)).status,
        first.account.ask("PUT", first.path(plural, name), {}).status,
        first.account.ask("DELETE", first.path(plural, name)).status,
        first.account.ask("DELETE", first.path(plural)).status,
    }
    assert refused == {403}


def test_a_runner_can_change_no_spec(kubectl: Kubectl, first: Runner, name: str) -> None:
    """Its own run's spec is as closed to it as a Pipeline's, and a status patch leaves it alone."""
    path = first.path("pipelineruns", name)
    assert first.account.ask("PATCH", path, {"spec": {"shutdown": "Stop"}}, MERGE).status == 403
    answer = first.account.ask("PATCH", f"{path}/status", {"spec": {"shutdown": "Stop"}}, MERGE)
    assert "shutdown" not in kubectl.get("drun", name)["spec"], answer


@pytest.mark.parametrize("name", ["r", f"{'a' * 35}-{'b' * 20}", "1" * 63], ids=len)
def test_a_name_of_any_length_is_its_own(kubectl: Kubectl, name: str) -> None:
    """A Job's name holds 36 characters of the run's at most, without a hyphen at their end."""
    run = run_of(kubectl, name)
    assert runner(kubectl, pod_of(run, "aaaaa")).claim(name, 1).status == 200


def test_an_empty_patch_reads(first: Runner, mine: dict[str, Any], name: str) -> None:
    """It returns spec and status, and raises no resourceVersion."""
    answer = first.read(name)
    assert answer.status == 200, answer
    assert answer.body["spec"]["inputs"] == {"secret": "of mine"}
    again = first.read(name)
    assert again.body["metadata"]["resourceVersion"] == answer.body["metadata"]["resourceVersion"]


def test_a_run_that_is_not_there_is_not_made(kubectl: Kubectl, first: Runner, name: str) -> None:
    """A patch of a name that does not exist is 404, by server-side apply too."""
    assert first.read(f"{name}-nobody").status == 404
    assert first.tell(f"{name}-nobody", 1).status in (403, 404)
    assert kubectl.find("drun", f"{name}-nobody") is None


def test_a_runner_claims_tells_and_ends(first: Runner, name: str) -> None:
    """The way of a run's pod from its claim to its final word."""
    version = first.read(name).body["metadata"]["resourceVersion"]
    claim = first.claim(name, 1, version=version)
    assert claim.status == 200, claim
    steps = [{"name": "greet", "state": "Running"}]
    assert first.tell(name, 1, steps=steps).status == 200
    answer = first.tell(name, 1, steps=[{**steps[0], "state": "Succeeded"}], outputs={"a": 1})
    assert answer.status == 200, answer
    assert answer.body["status"]["outputs"] == {"a": 1}
    assert answer.body["status"]["conditions"]


def test_a_late_claim_loses_to_an_early_one(first: Runner, mine: dict[str, Any], name: str) -> None:
    """A claim with a resourceVersion that has passed is a conflict."""
    version = first.read(name).body["metadata"]["resourceVersion"]
    assert first.claim(name, 1, version=version).status == 200
    assert first.claim(name, 2, version=version).status == 409


def test_another_runs_status_is_closed(kubectl: Kubectl, first: Runner, name: str) -> None:
    """A pod can neither read nor claim a run of another name, nor one of the same beginning."""
    run_of(kubectl, f"{name}-other", inputs={"secret": "of another"})
    run_of(kubectl, f"{name}-too")
    for each in (f"{name}-other", f"{name}-too"):
        for answer in (first.read(each), first.claim(each, 9), first.tell(each, 9)):
            assert answer.status == 403, answer
            assert "does not belong to this run" in answer.message
            assert "of another" not in json.dumps(answer.body)


def test_a_run_made_anew_is_closed_to_the_old_pod(
    kubectl: Kubectl, first: Runner, name: str
) -> None:
    """The name may be the same; the uid is not."""
    kubectl("delete", "drun", name)
    run_of(kubectl, name)
    assert first.claim(name, 1).status == 403


def test_a_partitioned_pod_cannot_overwrite_its_successor(
    kubectl: Kubectl, first: Runner, mine: dict[str, Any], name: str
) -> None:
    """The second pod claims the next epoch; from then on the first one can only read."""
    assert first.claim(name, 1).status == 200
    second = runner(kubectl, pod_of(mine, "bbbbb"))
    assert second.claim(name, 1).status == 403, "the same epoch is the first pod's"
    assert second.tell(name, 1).status == 403
    assert second.claim(name, 2).status == 200
    late = first.tell(name, 1, outputs={"a": "late"})
    assert late.status == 403
    assert "claimed by another pod" in late.message
    assert first.claim(name, 2).status == 403
    assert first.read(name).status == 200
    assert second.tell(name, 2, outputs={"a": "right"}).status == 200


def test_nobody_speaks_for_another_pod(first: Runner, name: str) -> None:
    """A podUID that is not the token's is refused, whatever the epoch."""
    answer = first.claim(name, 1, uid="00000000-0000-0000-0000-000000000000")
    assert answer.status == 403
    assert "must be the uid of the pod that writes" in answer.message


@pytest.mark.parametrize(
    "part",
    [
        {"conditions": []},
        {"message": "mine"},
        {"planDigest": "0"},
        {"observedGeneration": 7},
        {"startTime": "2026-01-01T00:00:00Z"},
        {"completionTime": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda part: str(next(iter(part))),
)
def test_the_operators_part_is_closed(first: Runner, part: dict[str, Any], name: str) -> None:
    """A runner that has claimed its run can still not write what is the operator's."""
    assert first.claim(name, 1).status == 200
    body = {"status": {"runner": {"epoch": 1, "podUID": first.uid, "phase": "Running"}, **part}}
    path = f"{first.path('pipelineruns', name)}/status"
    answer = first.account.ask("PATCH", path, body, MERGE)
    assert answer.status == 403
    assert "are the operator's to write" in answer.message


def test_a_token_without_a_pod_is_worth_nothing(
    kubectl: Kubectl, mine: dict[str, Any], name: str
) -> None:
    """The account's own token, which a person could ask for, is refused."""
    token = kubectl("create", "token", "dspex-runner").strip()
    nobody = Runner(Account(kubectl, token), "", kubectl.namespace)
    answer = nobody.read(name)
    assert answer.status == 403
    assert "bound to its pod" in answer.message
    assert nobody.keep(f"{name}-0", mine).status == 403


def test_a_runner_keeps_the_data_of_its_own_run(
    kubectl: Kubectl, first: Runner, mine: dict[str, Any], name: str
) -> None:
    """It makes, reads and patches data that its run owns, and none else."""
    other = run_of(kubectl, f"{name}-other")
    assert first.keep(f"{name}-0", mine).status == 201
    path = first.path("pipelinerundata", f"{name}-0")
    assert first.account.ask("PATCH", path, {}, MERGE).status == 200
    more: dict[str, Any] = {"spec": {"checkpoint": {"items": {}}}}
    assert first.account.ask("PATCH", path, more, MERGE).status == 200
    assert first.keep(f"{name}-other-0", other).status == 403
    assert first.keep(f"{name}-free", mine, owned=False).status == 403


def test_another_runs_data_is_closed(
    kubectl: Kubectl, first: Runner, mine: dict[str, Any], name: str
) -> None:
    """It can neither be read nor written nor taken over, by whatever kind of patch."""
    other = run_of(kubectl, f"{name}-other")
    second = runner(kubectl, pod_of(other, "bbbbb"))
    assert second.keep(f"{name}-other-0", other).status == 201
    path = first.path("pipelinerundata", f"{name}-other-0")
    owner = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "PipelineRun",
        "name": name,
        "uid": mine["metadata"]["uid"],
    }
    taken: dict[str, Any] = {
        "metadata": {"ownerReferences": [owner]},
        "spec": {"runRef": {"name": name}},
    }
    assert first.account.ask("PATCH", path, {}, MERGE).status == 403
    assert first.account.ask("PATCH", path, taken, MERGE).status == 403
    whole = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "PipelineRunData",
        **taken,
        "metadata": {**taken["metadata"], "name": f"{name}-other-0"},
    }
    answer = first.account.ask("PATCH", f"{path}?fieldManager=x&force=true", whole, APPLY)
    assert answer.status == 403


def test_a_runs_spec_is_fixed(kubectl: Kubectl, mine: dict[str, Any], name: str) -> None:
    """Free JSON too, where the CRD's own rules would let a key be replaced by another."""
    changes: list[dict[str, Any]] = [
        {"inputs": {"secret": None, "other": 1}},
        {"inputs": {"secret": "changed"}},
        {"inputs": None},
        {"timeout": "5s"},
        {"pipelineRef": {"name": "other"}},
    ]
    for change in changes:
        patch = json.dumps({"spec": change})
        done = kubectl.run("patch", "drun", name, "--type=merge", "-p", patch)
        assert done.returncode, change
        assert "can't be changed" in done.stderr, done.stderr
    patch = json.dumps({"spec": {"shutdown": "Stop"}})
    kubectl("patch", "drun", name, "--type=merge", "-p", patch)


def test_large_inputs_can_be_compared(kubectl: Kubectl) -> None:
    """The policy's cost stays within its budget for as much JSON as a run may carry."""
    values = {f"x{n}": [{"k": "v" * 64, "n": i} for i in range(60)] for n in range(60)}
    assert len(json.dumps(values)) > 300_000
    run_of_large = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "PipelineRun",
        "metadata": {"name": "large"},
        "spec": {"pipelineRef": {"name": "absent"}, "inputs": values},
    }
    kubectl("create", "-f", "-", stdin=json.dumps(run_of_large))
    kubectl("patch", "drun", "large", "--type=merge", "-p", '{"spec": {"shutdown": "Stop"}}')
    values["x0"][0]["n"] = math.ceil(math.pi)
    patch = json.dumps({"spec": {"inputs": {"x0": values["x0"]}}})
    done = kubectl.run("patch", "drun", "large", "--type=merge", "-p", patch)
    assert "can't be changed" in done.stderr, done.stderr


@pytest.fixture
def caller(kubectl: Kubectl) -> Account:
    """Return somebody who may start runs, and nothing else."""
    kubectl("create", "serviceaccount", "caller")
    who = f"--serviceaccount={kubectl.namespace}:caller"
    kubectl("create", "rolebinding", "caller", "--clusterrole=dspex-user", who)
    return Account(kubectl, kubectl("create", "token", "caller").strip())


def start(kubectl: Kubectl, caller: Account, name: str, *sources: dict[str, Any]) -> Answer:
    """Start a run whose inputs come from elsewhere."""
    body = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "PipelineRun",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": "absent"}, "inputsFrom": list(sources)},
    }
    path = f"/apis/dspex.dev/v1alpha1/namespaces/{kubectl.namespace}/pipelineruns"
    return caller.ask("POST", path, body)


def test_a_run_shows_nobody_a_secret(kubectl: Kubectl, caller: Account) -> None:
    """Who may not read a Secret can't have a run read it for him; a ConfigMap is no secret."""
    plain = {"configMapRef": {"name": "texts"}}
    mine, other = ({"secretRef": {"name": name}} for name in ("mine", "other"))
    assert start(kubectl, caller, "plain", plain).status == 201
    refused = start(kubectl, caller, "greedy", plain, mine)
    assert refused.status == 403
    assert "names a Secret that you may not read" in refused.message
    kubectl("create", "role", "mine", "--verb=get", "--resource=secrets", "--resource-name=mine")
    who = f"--serviceaccount={kubectl.namespace}:caller"
    kubectl("create", "rolebinding", "mine", "--role=mine", who)
    eventually(lambda: start(kubectl, caller, "right", mine).status == 201 or None, 10)
    assert start(kubectl, caller, "greedy", mine, other).status == 403


def test_the_operator_holds_what_its_role_says(kubectl: Kubectl) -> None:
    """It writes no spec, lists no Secret, starts no pod of its own, and reads no node."""
    account = Account(kubectl, kubectl.within("dspex-system")("create", "token", "dspex").strip())
    may = allowed(account, kubectl)
    for refused in (
        ("list", "", "secrets"),
        ("watch", "", "secrets"),
        ("create", "", "secrets"),
        ("create", "", "pods"),
        ("create", "", "pods/exec"),
        ("get", "", "pods/log"),
        ("create", "", "serviceaccounts/token"),
        ("get", "", "nodes"),
        ("update", "dspex.dev", "pools"),
        ("patch", "dspex.dev", "pools"),
        ("patch", "dspex.dev", "pipelines"),
        ("patch", "dspex.dev", "signatures"),
        ("get", "dspex.dev", "pipelinerundata"),
        ("create", "rbac.authorization.k8s.io", "clusterroles"),
        ("create", "rbac.authorization.k8s.io", "roles"),
        ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    ):
        assert refused not in may
    assert ("patch", "dspex.dev", "pipelineruns/status") in may


def test_the_operator_can_bind_one_role_alone(kubectl: Kubectl) -> None:
    """A RoleBinding to the runner's ClusterRole is made; one to any other is an escalation."""
    account = Account(kubectl, kubectl.within("dspex-system")("create", "token", "dspex").strip())
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{kubectl.namespace}/rolebindings"

    def bound(role: str) -> int:
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"to-{role}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": role,
            },
            "subjects": [{"kind": "ServiceAccount", "name": "dspex-runner"}],
        }
        return account.ask("POST", path, body).status

    assert bound("dspex-runner") == 201
    assert {bound(role) for role in ("edit", "admin", "cluster-admin", "dspex-pool-admin")} == {403}
