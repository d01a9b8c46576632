"""The Job in which a run takes place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.api.amounts import amount
from dspex.api.pipeline import Runner
from dspex.resources import names
from dspex.resources.run_inputs import RunInputs, SecretKey
from dspex.resources.run_plan import PoolAddress, plan_config_map, run_document, run_labels
from dspex.resources.runner_job import (
    BACKOFF_LIMIT,
    GRACE_SECONDS,
    LIMITS,
    LOST_NODES,
    REQUESTS,
    UNREACHABLE_SECONDS,
    RunnerSettings,
    runner_job,
    runner_resources,
)
from dspex.runner.settings import ROOT, Settings
from fakes.cluster_objects import NAMESPACE, RUN_UID, cluster_run
from fakes.objects import plan

SETTINGS = RunnerSettings(image="example.com/operator:1", pull_policy="Never")
POOLS = {
    "small": PoolAddress(host="small-1.shop.svc", audience="dspex.dev/shop/small"),
    "big": PoolAddress(host="big-1.shop.svc", audience="dspex.dev/shop/big"),
}
SECRETS = (SecretKey("customer", "token"), SecretKey("bank", "pin"), SecretKey("customer", "name"))
JOB = names.job_name("support-1", RUN_UID)


def job(
    pools: dict[str, PoolAddress] = POOLS,
    secrets: tuple[SecretKey, ...] = SECRETS,
    runner: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Make the Job of a run."""
    return runner_job(
        cluster_run(**spec),
        settings=SETTINGS,
        pools=pools,
        secrets=secrets,
        runner=None if runner is None else Runner.model_validate(runner),
    )


def pod(**given_: Any) -> dict[str, Any]:
    """Make the pod of a run."""
    found: dict[str, Any] = job(**given_)["spec"]["template"]["spec"]
    return found


def container(**given_: Any) -> dict[str, Any]:
    """Make the one container of such a pod."""
    (found,) = pod(**given_)["containers"]
    return dict(found)


def mounted(made: dict[str, Any]) -> dict[str, tuple[dict[str, Any], bool]]:
    """Return the volumes of a pod by where they are mounted, and whether they can be written to."""
    volumes = {each["name"]: each for each in made["volumes"]}
    assert len(volumes) == len(made["volumes"])
    (runner,) = made["containers"]
    return {
        mount["mountPath"]: (volumes.pop(mount["name"]), not mount.get("readOnly"))
        for mount in runner["volumeMounts"]
    }


def test_the_job_is_the_runs_and_the_policies_know_its_name() -> None:
    """It goes with the run; its pods' names hold the run's uid."""
    made = job()
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
    assert made["metadata"]["name"] == JOB
    assert made["metadata"]["namespace"] == NAMESPACE
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("PipelineRun", "support-1", RUN_UID)
    for labels in (made["metadata"]["labels"], made["spec"]["template"]["metadata"]["labels"]):
        assert labels == {names.MANAGED_BY_LABEL: names.MANAGED_BY, **run_labels(cluster_run())}


def test_one_pod_a_run_and_a_few_more_if_it_fails() -> None:
    """Steps are no pods; a pod that is gone is replaced, and a run can't fail for ever."""
    spec = job()["spec"]
    assert (spec["parallelism"], spec["completions"]) == (1, 1)
    assert spec["backoffLimit"] == BACKOFF_LIMIT > 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_a_lost_node_holds_no_run_up() -> None:
    """Its pod ends never: another starts beside it, soon, and takes the run over."""
    spec = job()["spec"]
    assert spec["podReplacementPolicy"] == "TerminatingOrFailed"
    assert spec["template"]["spec"]["tolerations"] == [
        {
            "key": key,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": UNREACHABLE_SECONDS,
        }
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ]
    # The cluster's own word, where a pod has none.
    assert UNREACHABLE_SECONDS < 300


def test_the_cluster_ends_no_run_by_itself() -> None:
    """Timeouts are the runner's, which has a finally to run; the run's own end deletes the Job."""
    assert not {
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
        "podFailurePolicy",
    } & set(job(timeout="3s", ttlAfterFinished="1h")["spec"])


@pytest.mark.parametrize("own", [None, False, True])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_suspended_run_has_no_pod(own: bool | None, cancelled: bool) -> None:
    """By the run's own word, or by a Cancel."""
    given_: dict[str, Any] = {} if own is None else {"suspend": own}
    made = runner_job(
        cluster_run(**given_),
        settings=SETTINGS,
        pools={},
        suspend=cancelled,
    )
    assert made["spec"]["suspend"] is (bool(own) or cancelled)


def test_the_runner_learns_who_it_is() -> None:
    """It reads run, namespace, uid and its own pod from its environment, and nothing is missing."""
    known = {"POD_NAME": f"{JOB}-abcde", "POD_UID": "pod-uid"}
    fields = {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid"}
    environment = {}
    for each in container()["env"]:
        name = each["name"]
        assert "value" in each or each["valueFrom"] == {"fieldRef": {"fieldPath": fields[name]}}
        environment[name] = each.get("value", known.get(name))
    settings = Settings.of(environment)
    assert (settings.run, settings.namespace, settings.uid) == ("support-1", NAMESPACE, RUN_UID)
    assert (settings.pod_name, settings.pod_uid) == (known["POD_NAME"], "pod-uid")
    assert settings.job == JOB


def test_the_runner_runs_as_the_account_that_may_write_its_run() -> None:
    """With a token for the API server; nothing else of the cluster is told to it."""
    made = pod()
    assert made["serviceAccountName"] == names.RUNNER_SERVICE_ACCOUNT
    assert made["automountServiceAccountToken"] is True
    assert made["enableServiceLinks"] is False
    assert made["terminationGracePeriodSeconds"] == GRACE_SECONDS
    worker = made["containers"][0]
    assert (worker["image"], worker["imagePullPolicy"]) == (SETTINGS.image, "Never")
    assert worker["command"] == ["python", "-m", "dspex.runner"]
    assert worker["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_everything_stands_where_the_runner_looks() -> None:
    """Plan, a token for each Pool, and each Secret under its name; only /tmp can be written to."""
    places = mounted(pod())
    assert {path for path, (_, writable) in places.items() if writable} == {"/tmp"}  # noqa: S108 -- in a container
    assert places[str(ROOT / "plan")][0]["configMap"] == {"name": names.plan_name(JOB)}
    made = plan_config_map(
        cluster_run(), plan("steps: [{name: a, template: {source: x}}]"), {}, RunInputs()
    )
    assert made["metadata"]["name"] == names.plan_name(JOB)
    tokens = places[str(ROOT / "tokens")][0]["projected"]["sources"]
    assert [each["serviceAccountToken"] for each in tokens] == [
        {"audience": POOLS[name].audience, "expirationSeconds": 600, "path": name}
        for name in ("big", "small")
    ]
    inputs = RunInputs(secret={each.key: each for each in SECRETS})
    told = run_document(
        cluster_run(), plan("steps: [{name: a, template: {source: x}}]"), {}, inputs
    )
    files = {
        f"{path}/{item['path']}"
        for path, (volume, _) in places.items()
        for item in volume.get("secret", {}).get("items", ())
    }
    assert files == {f"{ROOT}/inputs/{each['file']}" for each in told["secretInputs"].values()}


def test_of_a_secret_only_the_wanted_keys_are_mounted_for_the_pods_group() -> None:
    """Other keys of it are none of the run's business, and nobody else in the pod reads them."""
    places = mounted(pod())
    assert places[f"{ROOT}/inputs/customer"][0]["secret"] == {
        "secretName": "customer",
        "items": [{"key": "name", "path": "name"}, {"key": "token", "path": "token"}],
        "defaultMode": 0o440,
    }
    assert places[f"{ROOT}/inputs/bank"][0]["secret"]["items"] == [{"key": "pin", "path": "pin"}]
    # The group that a mode of 0440 speaks of.
    assert pod()["securityContext"]["fsGroup"] == pod()["securityContext"]["runAsGroup"]


def test_a_run_without_pools_and_secrets_mounts_its_plan_alone() -> None:
    """A projected volume without sources would be refused."""
    places = mounted(pod(pools={}, secrets=()))
    assert sorted(places) == [str(ROOT / "plan"), "/tmp"]  # noqa: S108 -- in a container


def test_equal_runs_make_equal_jobs() -> None:
    """Whatever the order of pools and secrets."""
    turned = job(pools=dict(reversed(POOLS.items())), secrets=tuple(reversed(SECRETS)))
    assert json.dumps(turned) == json.dumps(job())
    assert json.loads(json.dumps(turned)) == turned


def test_the_pipeline_says_where_its_runs_go() -> None:
    """Node selector, tolerations and priority class; without a word they are left out."""
    wanted = {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "priorityClassName": "high",
    }
    made = pod(runner=wanted)
    assert made["nodeSelector"] == {"disk": "ssd"}
    assert made["priorityClassName"] == "high"
    assert made["tolerations"][0] == {"key": "spot", "operator": "Exists"}
    assert len(made["tolerations"]) == 1 + len(LOST_NODES)
    assert not {"nodeSelector", "priorityClassName", "imagePullSecrets"} & set(pod())


def test_the_pipelines_word_on_lost_nodes_wins() -> None:
    """Of two tolerations of one taint the cluster takes the shorter: ours would win."""
    own = {
        "key": LOST_NODES[1],
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 900,
    }
    tolerations = pod(runner={"tolerations": [own]})["tolerations"]
    assert [each for each in tolerations if each["key"] == LOST_NODES[1]] == [own]
    assert [each["key"] for each in tolerations] == [LOST_NODES[1], LOST_NODES[0]]


def resources(**given_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return requests and limits of a runner."""
    found = runner_resources(Runner.model_validate({"resources": given_})).to_json()
    return found["requests"], found["limits"]


def test_a_runner_is_small_unless_the_pipeline_says_otherwise() -> None:
    """The defaults are those of the reference page; cpu has no limit."""
    assert runner_resources(Runner()).to_json() == {
        "requests": {"cpu": "50m", "memory": "96Mi"},
        "limits": {"memory": "512Mi"},
    }
    description = Runner.model_fields["resources"].description or ""
    for each in (*REQUESTS.values(), *LIMITS.values()):
        assert str(each) in description
    assert container()["resources"] == runner_resources(Runner()).to_json()


@pytest.mark.parametrize(
    ("given_", "requests", "limits"),
    [
        (
            {"limits": {"memory": "64Mi"}},
            {"cpu": "50m", "memory": "64Mi"},
            {"memory": "64Mi"},
        ),
        (
            {"limits": {"cpu": "10m"}},
            {"cpu": "10m", "memory": "96Mi"},
            {"cpu": "10m", "memory": "512Mi"},
        ),
        (
            {"requests": {"memory": "2Gi"}},
            {"cpu": "50m", "memory": "2Gi"},
            {"memory": "2Gi"},
        ),
        (
            {"requests": {"cpu": 1}},
            {"cpu": 1, "memory": "96Mi"},
            {"memory": "512Mi"},
        ),
        (
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            {"cpu": "50m", "memory": "1Gi"},
            {"memory": "2Gi"},
        ),
        (
            {"requests": {"a.b/nic": 1}},
            {"cpu": "50m", "memory": "96Mi", "a.b/nic": 1},
            {"memory": "512Mi", "a.b/nic": 1},
        ),
    ],
    ids=str,
)
def test_what_the_pipeline_gives_moves_the_defaults(
    given_: dict[str, Any], requests: dict[str, Any], limits: dict[str, Any]
) -> None:
    """A lower limit lowers the request, a higher request raises the limit, a device has both."""
    assert resources(**given_) == (requests, limits)


_SIDE = st.dictionaries(
    st.sampled_from(["cpu", "memory", "ephemeral-storage", "a.b/nic"]),
    st.sampled_from(["1", "10m", "2", "64Mi", "700Mi", "3Gi", 1]),
)


@given(_SIDE, _SIDE)
def test_no_runner_asks_for_more_than_it_may_use(
    requests: dict[str, Any], limits: dict[str, Any]
) -> None:
    """What the Pipeline says stands, and the rest fits to it."""
    kept = {
        name: each
        for name, each in requests.items()
        if name not in limits
        or amount(each) == amount(limits[name])
        or ("/" not in name and amount(each) < amount(limits[name]))
    }
    asked, most = resources(requests=kept, limits=limits)
    for name in set(asked) & set(most):
        assert amount(asked[name]) <= amount(most[name])
    assert kept.items() <= asked.items()
    assert limits.items() <= most.items()
    assert "memory" in most
