"""What each worker asks for and may use, and the digest of what it is configured with."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from dspex.api.amounts import amount
from dspex.api.effective import (
    GPU,
    PROFILE_VERSION,
    PROFILES,
    configuration_digest,
    effective_pool,
    effective_resources,
)
from dspex.api.pool import Pool, PoolSpec
from fakes.cluster_objects import cluster_pool
from fakes.full_manifests import FULL

FULL_SPEC: dict[str, Any] = next(each["spec"] for each in FULL if each["kind"] == "Pool")


def _resources(**spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return requests and limits of a worker."""
    found = effective_resources(cluster_pool(**spec)).to_json()
    return found["requests"], found["limits"]


@pytest.mark.parametrize(
    ("profile", "memory", "seconds", "gpus"),
    [("General", "512Mi", 30, 0), ("Optimizer", "4Gi", 300, 0), ("Neural", "8Gi", 600, 1)],
)
def test_profiles_carry_the_values_of_the_seed(
    profile: str, memory: str, seconds: float, gpus: int
) -> None:
    """512 MiB and 30 s; 4 GiB and 5 min; 8 GiB, a GPU and 10 min."""
    requests, limits = _resources(profile=profile)
    assert (requests["memory"], limits["memory"]) == (memory, memory)
    assert effective_pool(cluster_pool(profile=profile)).call_timeout == seconds
    devices = {GPU: gpus} if gpus else {}
    for side in (requests, limits):
        assert {name: each for name, each in side.items() if "/" in name} == devices


def test_a_version_of_the_values_is_never_changed() -> None:
    """Pools keep its number: another value under it would restart them, or contradict status."""
    assert {profile: dataclasses.astuple(values) for profile, values in PROFILES["1"].items()} == {
        "General": (32, 128, 30, 30, "100m", "512Mi", 0),
        "Optimizer": (8, 32, 300, 300, "250m", "4Gi", 0),
        "Neural": (1, 16, 600, 600, "500m", "8Gi", 1),
    }
    with pytest.raises(TypeError):
        PROFILES["2"] = PROFILES["1"]  # type: ignore[index] # that it can't be is what is tested


def test_cpu_is_asked_for_and_not_limited() -> None:
    """A worker is slowed by nobody unless its Pool says so."""
    requests, limits = _resources()
    values = PROFILES[PROFILE_VERSION][cluster_pool().spec.profile]
    assert requests["cpu"] == values.cpu
    assert "cpu" not in limits
    requests, limits = _resources(resources={"limits": {"cpu": "50m"}})
    assert (requests["cpu"], limits["cpu"]) == ("50m", "50m")


def test_an_embedded_model_has_room_for_its_weights() -> None:
    """It gets more than a profile that is too small for it, and not less than a larger one."""
    embedded = {"embedded": True}
    assert _resources(model=embedded)[1]["memory"] == "768Mi"
    assert _resources(model=embedded, profile="Optimizer")[1]["memory"] == "4Gi"


@pytest.mark.parametrize(
    ("given_", "request_", "limit"),
    [
        ({"limits": {"memory": "1Gi"}}, "1Gi", "1Gi"),
        ({"limits": {"memory": "256Mi"}}, "256Mi", "256Mi"),
        ({"requests": {"memory": "1Gi"}}, "1Gi", "1Gi"),
        ({"requests": {"memory": "256Mi"}}, "256Mi", "512Mi"),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}, "1Gi", "2Gi"),
    ],
)
def test_memory_that_is_left_out_never_contradicts_what_is_given(
    given_: dict[str, Any], request_: str, limit: str
) -> None:
    """A limit alone is the request too; a request alone raises the profile's limit."""
    requests, limits = _resources(resources=given_)
    assert (requests["memory"], limits["memory"]) == (request_, limit)


def test_what_the_pool_says_of_other_resources_stands() -> None:
    """Each on the side on which it stands."""
    given_ = {"requests": {"cpu": 2, "ephemeral-storage": "1Gi"}, "limits": {"cpu": "4"}}
    requests, limits = _resources(resources=given_)
    assert (requests["cpu"], requests["ephemeral-storage"]) == (2, "1Gi")
    assert (limits["cpu"], limits["memory"]) == ("4", "512Mi")


@pytest.mark.parametrize(
    ("spec", "devices"),
    [
        ({"profile": "Neural", "gpu": {"count": 2}}, {GPU: 2}),
        ({"profile": "Neural", "gpu": {"count": 0}}, {}),
        ({"profile": "Neural", "gpu": {"resourceName": "amd.com/gpu"}}, {"amd.com/gpu": 1}),
        ({"gpu": {"resourceName": "amd.com/gpu"}}, {}),
        ({"gpu": {"count": 1}}, {GPU: 1}),
        ({"profile": "Neural", "resources": {"limits": {"amd.com/gpu": 1}}}, {"amd.com/gpu": 1}),
        ({"profile": "Neural", "resources": {"limits": {GPU: 3}}}, {GPU: 3}),
        ({"profile": "Neural", "resources": {"limits": {GPU: 0}}}, {}),
        ({"resources": {"requests": {"nvidia.com/mig-1g.5gb": 1}}}, {"nvidia.com/mig-1g.5gb": 1}),
        ({"gpu": {"count": 0}, "resources": {"limits": {GPU: 1}}}, {}),
        ({"gpu": {"count": 2}, "resources": {"limits": {"a.b/nic": 1}}}, {"a.b/nic": 1, GPU: 2}),
        (
            {"profile": "Neural", "gpu": {"nodeSelector": {"gpu": "large"}}},
            {GPU: 1},
        ),
    ],
    ids=str,
)
def test_devices_stand_on_both_sides_alike(spec: dict[str, Any], devices: dict[str, int]) -> None:
    """The cluster takes no other; `gpu` wins over `resources`, and both over the profile."""
    for side in _resources(**spec):
        assert {name: each for name, each in side.items() if "/" in name} == devices


_AMOUNT = st.sampled_from(["1", "250m", "2", "100Mi", "700Mi", "3Gi", 1])
_SIDE = st.dictionaries(st.sampled_from(["cpu", "memory", "ephemeral-storage"]), _AMOUNT)


@given(st.sampled_from(["General", "Optimizer", "Neural"]), _SIDE, _SIDE)
def test_no_worker_asks_for_more_than_it_may_use(
    profile: str, requests: dict[str, Any], limits: dict[str, Any]
) -> None:
    """Whatever a Pool leaves out; memory is always bounded, so that one worker can't fill a node."""
    kept = {
        name: each
        for name, each in requests.items()
        if name not in limits or amount(each) <= amount(limits[name])
    }
    asked, most = _resources(profile=profile, resources={"requests": kept, "limits": limits})
    assert {"cpu", "memory"} <= set(asked)
    assert "memory" in most
    for name in set(asked) & set(most):
        assert amount(asked[name]) <= amount(most[name])
    assert kept.items() <= asked.items()
    assert limits.items() <= most.items()


def test_the_digest_says_nothing_of_the_number_of_workers() -> None:
    """`kubectl scale` restarts none."""
    assert configuration_digest(cluster_pool(replicas=5)) == configuration_digest(cluster_pool())


@pytest.mark.parametrize("field", sorted(set(FULL_SPEC) - {"replicas", "model", "volumes"}))
def test_the_digest_changes_with_every_other_field(field: str) -> None:
    """A field that is left out of it would change what workers do without replacing them."""
    less = {name: each for name, each in FULL_SPEC.items() if name != field}
    if field == "volumeMounts":
        less = {name: each for name, each in less.items() if name != "volumes"}
    before = configuration_digest(cluster_pool(**FULL_SPEC))
    assert configuration_digest(cluster_pool(**less)) != before
    assert before.startswith("sha256:")


def test_the_digest_changes_with_the_version_of_the_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Values that a Pool did not write are part of its configuration."""
    before = configuration_digest(cluster_pool())
    monkeypatch.setattr("dspex.api.effective.PROFILES", {"2": PROFILES["1"]})
    monkeypatch.setattr("dspex.api.effective.PROFILE_VERSION", "2")
    assert configuration_digest(cluster_pool()) != before


class LaterSpec(PoolSpec):
    """A spec as a later operator may know it: the API server has filled in what it defaults."""

    burst: int = Field(default=4, description="A field with a default.")
    shards: tuple[str, ...] = Field(default=(), description="A list.")
    parts: int | None = Field(default=None, description="A field without a default.")


def test_an_operator_that_knows_more_fields_makes_the_same_digest() -> None:
    """An upgrade of the operator rolls no Pool."""
    pool = cluster_pool(**FULL_SPEC)
    later = LaterSpec.model_validate({**FULL_SPEC, "burst": 4, "shards": ()})
    upgraded: Pool = pool.model_copy(update={"spec": later})
    assert configuration_digest(upgraded) == configuration_digest(pool)
    changed = LaterSpec.model_validate({**FULL_SPEC, "burst": 5})
    assert configuration_digest(pool.model_copy(update={"spec": changed})) != (
        configuration_digest(pool)
    )


def test_a_default_that_is_written_out_is_no_change() -> None:
    """The API server fills defaults in; the file of the Pool does not have them."""
    written = cluster_pool(profile="General", replicas=1, tools=[], modules=[])
    assert configuration_digest(written) == configuration_digest(cluster_pool())


def test_the_status_shows_resources_image_and_digest() -> None:
    """In local mode, where there are none, they are left out."""
    pool = cluster_pool()
    resources = effective_resources(pool)
    shown = effective_pool(pool).values(resources=resources, image="x", digest="sha256:0").to_json()
    assert shown["resources"] == resources.to_json()
    assert (shown["image"], shown["configDigest"]) == ("x", "sha256:0")
    local = effective_pool(pool).values().to_json()
    assert not {"resources", "image", "configDigest"} & set(local)
