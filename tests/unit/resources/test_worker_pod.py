"""The pod of a Pool's worker."""

import argparse
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.api.effective import GPU, effective_pool, effective_resources
from dspex.api.pool import Pool
from dspex.api.volume import OWN_PATHS, OWN_VOLUMES
from dspex.resources import names
from dspex.resources.worker_pod import (
    CLOSING_SECONDS,
    HUNG_SECONDS,
    NAME_ENV,
    PRE_STOP_SECONDS,
    STARTUP_SECONDS,
    worker_pod,
)
from dspex_worker import main as worker_main
from fakes.cluster_objects import cluster_pool
from fakes.expansion import environment, expand
from fakes.full_manifests import FULL

LABELS = {"dspex.dev/pool": "small", "app.kubernetes.io/instance": "small-1"}
FULL_SPEC: dict[str, Any] = next(each["spec"] for each in FULL if each["kind"] == "Pool")


def pod(**spec: Any) -> dict[str, Any]:
    """Make the pod of a Pool with some fields."""
    return _pod(cluster_pool(**spec))


def _pod(pool: Pool) -> dict[str, Any]:
    return worker_pod(
        pool,
        effective_pool(pool),
        child="small-1",
        image="example.com/worker:1",
        pull_policy="IfNotPresent",
        labels=LABELS,
    )


def container(**spec: Any) -> dict[str, Any]:
    """Make the one container of such a pod."""
    (found,) = pod(**spec)["containers"]
    return dict(found)


def options(made: dict[str, Any]) -> argparse.Namespace:
    """Read a container's arguments as the worker's own command does, variables expanded."""
    known = {NAME_ENV: "small-1-abcde", names.API_KEY_ENV: "sk", "B": "", "C": ""}
    variables = environment(made, known)
    return worker_main._parser().parse_args([expand(each, variables) for each in made["args"]])


def test_the_worker_reads_its_arguments() -> None:
    """Configuration, keys, address and name are where the pod has them."""
    made = container()
    read = options(made)
    assert made["command"] == ["dspex-worker"]
    assert str(read.config) == f"{names.POOL_DIR}/{names.POOL_FILE}"
    assert str(read.keys) == names.KEYS_DIR
    assert (read.host, read.port, read.name) == ("0.0.0.0", names.WORKER_PORT, "small-1-abcde")  # noqa: S104 -- in a pod
    mounts = {each["mountPath"]: each["name"] for each in made["volumeMounts"]}
    volumes = {each["name"]: each for each in pod()["volumes"]}
    assert volumes[mounts[names.POOL_DIR]]["configMap"] == {"name": "small-1"}
    assert volumes[mounts[names.KEYS_DIR]]["configMap"] == {"name": names.KEYS_CONFIG_MAP}
    assert made["ports"] == [
        {"name": names.WORKER_PORT_NAME, "containerPort": names.WORKER_PORT, "protocol": "TCP"}
    ]


def test_a_worker_has_no_token_and_an_account_of_its_own() -> None:
    """What a module does in a worker, it does with no right in the cluster."""
    made = pod()
    assert made["automountServiceAccountToken"] is False
    assert made["serviceAccountName"] == "small-1"
    # Variables of all Services of the namespace tell of them, and slow the start.
    assert made["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [({}, 30), ({"profile": "Neural"}, 600), ({"callTimeout": "1500ms"}, 2)],
    ids=str,
)
def test_a_pod_that_goes_lets_calls_finish(spec: dict[str, Any], seconds: int) -> None:
    """The longest call fits between the preStop and the kubelet's SIGKILL, with time to close."""
    made = pod(**spec)
    (worker,) = made["containers"]
    grace = options(worker).grace
    assert grace == seconds >= effective_pool(cluster_pool(**spec)).call_timeout
    stop = worker["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert stop == PRE_STOP_SECONDS > 0
    assert made["terminationGracePeriodSeconds"] == stop + grace + CLOSING_SECONDS
    assert CLOSING_SECONDS > worker_main.HARD_END


def test_probes_tell_starting_busy_and_hung_apart() -> None:
    """Slow starting is no death, a busy loop is none for a minute, a hung one gets no long grace."""
    made = container(profile="Neural")
    probes = {name: made[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    for probe in probes.values():
        assert probe["httpGet"]["port"] == names.WORKER_PORT_NAME
        assert probe["timeoutSeconds"] == 5
    assert {name: probe["httpGet"]["path"] for name, probe in probes.items()} == {
        "startup": "/readyz",
        "readiness": "/readyz",
        "liveness": "/healthz",
    }
    assert _patience(probes["startup"]) == STARTUP_SECONDS
    assert _patience(probes["liveness"]) == 60
    # Clients hear of one that turned unready before the next call's time is up.
    assert _patience(probes["readiness"]) < 10
    for name in ("startup", "liveness"):
        assert probes[name]["terminationGracePeriodSeconds"] == HUNG_SECONDS
    # The API server takes none there.
    assert "terminationGracePeriodSeconds" not in probes["readiness"]


def _patience(probe: dict[str, Any]) -> int:
    return int(probe["periodSeconds"] * probe["failureThreshold"])


def test_resources_are_the_effective_ones() -> None:
    """What status.effective shows is what the container has."""
    pool = cluster_pool(profile="Neural")
    assert container(profile="Neural")["resources"] == effective_resources(pool).to_json()
    assert container(profile="Neural")["resources"]["limits"] == {"memory": "8Gi", GPU: 1}


def test_the_pools_word_on_pulling_wins() -> None:
    """Else the operator's policy holds; pull secrets go along."""
    assert container()["imagePullPolicy"] == "IfNotPresent"
    assert container(imagePullPolicy="Always")["imagePullPolicy"] == "Always"
    assert container()["image"] == "example.com/worker:1"
    assert pod(imagePullSecrets=[{"name": "reg"}])["imagePullSecrets"] == [{"name": "reg"}]


def test_the_models_key_comes_from_its_secret_and_stands_nowhere() -> None:
    """The pod names the Secret; no value is in it."""
    made = container(
        model={"name": "openai/x", "apiKeySecretRef": {"name": "llm", "key": "api-key"}}
    )
    assert {
        "name": names.API_KEY_ENV,
        "valueFrom": {"secretKeyRef": {"name": "llm", "key": "api-key"}},
    } in made["env"]
    assert all(each["name"] != names.API_KEY_ENV for each in container()["env"])


def test_variables_of_the_pool_come_along() -> None:
    """Values, keys of Secrets and of ConfigMaps, and whole ones; in the Pool's order."""
    made = container(env=FULL_SPEC["env"], envFrom=FULL_SPEC["envFrom"])
    assert made["env"][-3:] == FULL_SPEC["env"]
    assert made["envFrom"] == FULL_SPEC["envFrom"]
    assert [each["name"] for each in made["env"]] == [NAME_ENV, "HOME", "A", "B", "C"]


def test_what_mcp_servers_take_from_secrets_comes_in_variables_of_their_own() -> None:
    """By place in the Pool, as the worker's configuration names them; no value is in the pod."""
    spec = {"tools": FULL_SPEC["tools"]}
    reference = {"name": "x", "key": "y"}
    assert container(**spec)["env"][-4:] == [
        {"name": "DSPEX_TOOL_1_1", "valueFrom": {"secretKeyRef": reference}},
        {"name": "DSPEX_TOOL_1_2", "valueFrom": {"configMapKeyRef": reference}},
        {"name": "DSPEX_TOOL_2_1", "valueFrom": {"secretKeyRef": reference}},
        {"name": "DSPEX_TOOL_2_2", "valueFrom": {"configMapKeyRef": reference}},
    ]
    near, far = [each.mcp for each in effective_pool(cluster_pool(**spec)).tools if each.mcp]
    assert near.stdio is not None
    assert far.http is not None
    told = [each.variable for each in (*near.stdio.env, *far.http.headers) if each.variable]
    assert told == [each["name"] for each in container(**spec)["env"][-4:]]


def test_the_pool_may_choose_its_home() -> None:
    """Without a word it is /tmp, the one place that can be written to; never two of one name."""
    assert environment(container(), {NAME_ENV: "x"})["HOME"] == "/tmp"  # noqa: S108 -- in a container
    made = container(env=[{"name": "HOME", "value": "/data"}])
    assert environment(made, {NAME_ENV: "x"})["HOME"] == "/data"
    assert sorted(each["name"] for each in made["env"]) == [NAME_ENV, "HOME"]


@given(st.text(alphabet="$()Aa{} \n", max_size=40) | st.text(max_size=20))
def test_nothing_in_a_value_is_expanded(text: str) -> None:
    """A value reaches the worker as it stands in the Pool, `$(NAME)`, `$$` and all."""
    variables = [{"name": "A", "value": "one"}, {"name": "B", "value": text}]
    seen = environment(container(env=variables), {NAME_ENV: "x"})
    assert seen["B"] == text


def test_the_expansion_that_is_tested_against_is_the_kubelets() -> None:
    """Cases of its documentation: known and unknown names, escapes, what is no reference."""
    known = {"A": "one"}
    cases = {
        "$(A)": "one",
        "a$(A)b$(A)": "aonebone",
        "$(B)": "$(B)",
        "$$(A)": "$(A)",
        "$$$(A)": "$one",
        "$": "$",
        "$A": "$A",
        "$(A": "$(A",
        "a$$": "a$",
    }
    assert {text: expand(text, known) for text in cases} == cases


def test_volumes_of_the_pool_come_along_with_the_workers_own() -> None:
    """Each mount finds its volume, and no two have one name or one place."""
    made = pod(volumes=FULL_SPEC["volumes"], volumeMounts=FULL_SPEC["volumeMounts"])
    volumes = [each["name"] for each in made["volumes"]]
    mounts = made["containers"][0]["volumeMounts"]
    assert made["volumes"][-4:] == FULL_SPEC["volumes"]
    assert mounts[-1:] == FULL_SPEC["volumeMounts"]
    assert {each["name"] for each in mounts} <= set(volumes)
    assert len(set(volumes)) == len(volumes)
    assert len({each["mountPath"] for each in mounts}) == len(mounts)


def test_names_and_places_of_the_workers_own_volumes_are_those_that_are_taken() -> None:
    """A Pool can't have a volume of such a name, nor mount one there."""
    made = pod()
    assert all(each["name"].startswith(OWN_VOLUMES) for each in made["volumes"])
    for mount in made["containers"][0]["volumeMounts"]:
        assert any(f"{mount['mountPath']}/".startswith(f"{own}/") for own in OWN_PATHS)


def test_scratch_space_is_each_pods_own() -> None:
    """Changing one pod's volumes changes no other's."""
    pod()["volumes"][2]["emptyDir"]["sizeLimit"] = "1Gi"
    assert pod()["volumes"][2] == {"name": "dspex-tmp", "emptyDir": {}}


def test_workers_of_one_pool_avoid_each_other_where_they_can() -> None:
    """A wish, by the labels that only they have; an affinity of the Pool takes its place, whole."""
    wish = pod()["affinity"]["podAntiAffinity"]
    (term,) = wish["preferredDuringSchedulingIgnoredDuringExecution"]
    assert term["podAffinityTerm"]["labelSelector"] == {"matchLabels": LABELS}
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert "requiredDuringSchedulingIgnoredDuringExecution" not in wish
    own: dict[str, Any] = {"nodeAffinity": {}}
    assert pod(affinity=own)["affinity"] == own
    assert pod(affinity={})["affinity"] == {}


def test_a_spread_selects_the_pools_own_workers() -> None:
    """The Pool says over what; which pods count is not its to say."""
    (spread,) = pod(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 2}])[
        "topologySpreadConstraints"
    ]
    assert spread == {
        "maxSkew": 2,
        "topologyKey": "zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": LABELS},
    }


def test_scheduling_fields_come_along() -> None:
    """Node selector, tolerations and priority class stand as the Pool has them."""
    made = pod(
        nodeSelector={"disk": "ssd"},
        tolerations=FULL_SPEC["tolerations"],
        priorityClassName="high",
    )
    assert made["nodeSelector"] == {"disk": "ssd"}
    assert made["tolerations"] == FULL_SPEC["tolerations"]
    assert made["priorityClassName"] == "high"


def test_fields_that_the_pool_leaves_out_are_left_out() -> None:
    """An empty list or mapping would be a field that is owned for nothing."""
    assert not {
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "topologySpreadConstraints",
        "priorityClassName",
    } & set(pod())
    assert "envFrom" not in container()


@pytest.mark.parametrize(
    ("spec", "device"),
    [
        ({"profile": "Neural"}, GPU),
        ({"gpu": {"count": 1}}, GPU),
        ({"gpu": {"count": 2, "resourceName": "amd.com/gpu"}}, "amd.com/gpu"),
        ({"resources": {"limits": {"amd.com/gpu": 1}}}, "amd.com/gpu"),
    ],
    ids=str,
)
def test_a_worker_with_a_device_goes_where_the_device_is(spec: dict[str, Any], device: str) -> None:
    """It asks for it, tolerates the taint of such nodes, and takes gpu.nodeSelector too."""
    gpu = {**spec.get("gpu", {}), "nodeSelector": {"gpu": "large"}}
    made = pod(**{**spec, "gpu": gpu}, nodeSelector={"disk": "ssd", "gpu": "any"})
    assert made["containers"][0]["resources"]["limits"][device] >= 1
    assert made["nodeSelector"] == {"disk": "ssd", "gpu": "large"}
    assert {"key": device, "operator": "Exists", "effect": "NoSchedule"} in made["tolerations"]


@pytest.mark.parametrize(
    "spec",
    [
        {"profile": "Neural", "gpu": {"count": 0, "nodeSelector": {"gpu": "large"}}},
        {"gpu": {"nodeSelector": {"gpu": "large"}}},
        {
            "profile": "Neural",
            "gpu": {"nodeSelector": {"gpu": "large"}},
            "resources": {"limits": {GPU: 0}},
        },
    ],
    ids=str,
)
def test_a_worker_without_a_device_keeps_off_such_nodes(spec: dict[str, Any]) -> None:
    """gpu.nodeSelector counts only where there are accelerators, and no taint is tolerated."""
    made = pod(**spec)
    assert not {"nodeSelector", "tolerations"} & set(made)
    assert all("/" not in name for name in made["containers"][0]["resources"]["limits"])


def test_a_crash_says_why_in_the_pods_status() -> None:
    """The last lines of the log stand where the operator reads them."""
    assert container()["terminationMessagePolicy"] == "FallbackToLogsOnError"


@given(st.integers(1, 10**6))
def test_the_grace_is_a_whole_number_above_the_longest_call(milliseconds: int) -> None:
    """The API server takes no fraction, and a call is never cut short by rounding."""
    made = pod(callTimeout=f"{milliseconds}ms")
    seconds = made["terminationGracePeriodSeconds"] - PRE_STOP_SECONDS - CLOSING_SECONDS
    assert isinstance(seconds, int)
    assert seconds == math.ceil(milliseconds / 1000)
