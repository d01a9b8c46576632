"""Labels, taints and spreads, as manifests may write them."""

import itertools
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from dspex.api.crd import custom_resource_definition
from dspex.api.kinds import KINDS
from dspex.api.pool import Pool
from dspex.api.scheduling import (
    MAX_LABEL,
    MAX_LABELS,
    LabelMap,
    Toleration,
    TopologySpread,
    Unsatisfiable,
)
from fakes.oracles import apiserver_verdicts

LABELS: TypeAdapter[dict[str, str]] = TypeAdapter(LabelMap)


def _refusal(model: type[Toleration] | type[TopologySpread], **fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return "; ".join(error["msg"] for error in caught.value.errors())


def _pool(**spec: Any) -> dict[str, Any]:
    base = {"apiVersion": "dspex.dev/v1alpha1", "kind": "Pool", "metadata": {"name": "x"}}
    return {**base, "spec": {"model": {"name": "m"}, **spec}}


def _is_taken(manifest: dict[str, Any]) -> bool:
    try:
        Pool.model_validate(manifest)
    except ValidationError:
        return False
    return True


def test_model_and_api_server_agree_on_tolerations_and_spreads() -> None:
    """Every combination of their fields, and each effect and each kind of spread."""
    values: dict[str, tuple[Any, ...]] = {
        "key": (None, "gpu"),
        "operator": (None, "Equal", "Exists"),
        "value": (None, "large"),
        "effect": (None, "NoSchedule", "PreferNoSchedule", "NoExecute"),
        "tolerationSeconds": (None, 3),
    }
    manifests = [
        _pool(tolerations=[{name: each for name, each in zip(values, given, strict=True) if each}])
        for given in itertools.product(*values.values())
    ]
    manifests += [
        _pool(
            topologySpreadConstraints=[
                {"topologyKey": "zone", "maxSkew": skew, "whenUnsatisfiable": kind}
            ]
        )
        for skew in (0, 1, 1000, 1001)
        for kind in ("DoNotSchedule", "ScheduleAnyway", "Never")
    ]
    definition = custom_resource_definition(KINDS["Pool"])
    questions = [{"kind": "Pool", "object": each} for each in manifests]
    _, verdicts = apiserver_verdicts([definition], questions)
    taken = [not each["errors"] for each in verdicts]
    assert taken == [_is_taken(each) for each in manifests]
    assert 20 < sum(taken) < len(manifests) - 20


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gpu", ""),
        ("kubernetes.io/arch", "amd64"),
        ("cloud.google.com/gke-accelerator", "nvidia-tesla-t4"),
        ("a" * 253 + "/" + "b" * 63, "c" * 63),
        ("A_b.c-d", "A_b.c-d"),
    ],
)
def test_labels_are_those_of_nodes(key: str, value: str) -> None:
    """A prefix, a name and a value in Kubernetes' letters and lengths."""
    assert len(key) <= MAX_LABEL
    assert LABELS.validate_python({key: value}) == {key: value}


@pytest.mark.parametrize(
    "labels",
    [
        {"": "a"},
        {"a/": "b"},
        {"/a": "b"},
        {"a/b/c": "d"},
        {"-a": "b"},
        {"a": "b c"},
        {"a": "-b"},
        {"a": "b" * 64},
        {"A.b/c": "d"},
        {"a" * 254 + "/b": "c"},
        {f"a{number}": "" for number in range(MAX_LABELS + 1)},
    ],
    ids=str,
)
def test_what_is_no_label_is_refused(labels: dict[str, str]) -> None:
    """The API server would refuse the pod, which only the operator would see."""
    with pytest.raises(ValidationError):
        LABELS.validate_python(labels)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "gpu", "value": "large"},
        {"key": "gpu", "operator": "Equal", "value": "large", "effect": "NoSchedule"},
        {"key": "gpu", "operator": "Exists"},
        {"operator": "Exists"},
        {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},
    ],
    ids=str,
)
def test_a_toleration_goes_into_a_pod_as_it_stands(fields: dict[str, Any]) -> None:
    """What is left out stays so: the cluster's own defaults hold."""
    assert Toleration.model_validate(fields).to_json() == fields


@pytest.mark.parametrize(
    ("fields", "words", "field"),
    [
        (
            {"key": "a", "operator": "Exists", "value": "b"},
            "operator Exists takes no value",
            ("value",),
        ),
        ({"value": "b"}, "without a key the operator must be Exists", ()),
        ({"operator": "Equal"}, "without a key the operator must be Exists", ()),
        (
            {"key": "a", "effect": "NoSchedule", "tolerationSeconds": 3},
            "tolerationSeconds goes with effect NoExecute",
            ("tolerationSeconds",),
        ),
    ],
    ids=str,
)
def test_a_toleration_that_kubernetes_would_refuse_is_told_why(
    fields: dict[str, Any], words: str, field: tuple[str, ...]
) -> None:
    """Its rules are Kubernetes' own, said at the Pool, with a remedy."""
    with pytest.raises(ValidationError) as caught:
        Toleration.model_validate(fields)
    (broken,) = caught.value.errors()[0]["ctx"]["broken"]
    assert (broken.message, broken.field) == (words, field)
    assert broken.remedy


def test_an_effect_that_there_is_not_is_told_with_those_that_there_are() -> None:
    """A misspelt one would tolerate nothing."""
    assert "PreferNoSchedule" in _refusal(Toleration, key="a", effect="Never")


def test_a_spread_only_asks_unless_it_says_that_it_insists() -> None:
    """Pods are never held back by a spread that did not say DoNotSchedule."""
    spread = TopologySpread.model_validate({"topologyKey": "kubernetes.io/hostname"})
    assert spread.when_unsatisfiable is Unsatisfiable.SCHEDULE_ANYWAY
    assert spread.to_json() == {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
    }


@pytest.mark.parametrize("fields", [{}, {"topologyKey": "a", "maxSkew": 0}], ids=str)
def test_a_spread_names_what_it_spreads_over(fields: dict[str, Any]) -> None:
    """Without a topologyKey, or with a skew of nothing, it means nothing."""
    assert _refusal(TopologySpread, **fields)
