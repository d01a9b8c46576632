"""Amounts as Kubernetes writes them, and what a container asks for and may use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dspex.api.amounts import MAX_GPUS, Gpu, Quantity, Resources, amount
from dspex.api.crd import custom_resource_definition
from dspex.api.kinds import KINDS
from fakes.oracles import apiserver_verdicts

QUANTITY: TypeAdapter[int | str] = TypeAdapter(Quantity)


def _refusal(**given_: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Resources.model_validate(given_)
    return "; ".join(error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        (0, 0),
        (2, 2),
        (10**20, 10**20),
        ("2", 2),
        ("500m", 0.5),
        ("1.5", 1.5),
        ("1k", 10**3),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 2**10),
        ("512Mi", 512 * 2**20),
        ("4Gi", 4 * 2**30),
        ("0.5Gi", 2**29),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("2.5e2", 250),
    ],
)
def test_an_amount_comes_to_what_kubernetes_makes_of_it(quantity: int | str, value: float) -> None:
    """Units of ten and of two, thousandths, exponents; a bare number is itself."""
    assert QUANTITY.validate_python(quantity, strict=True) == quantity
    assert amount(quantity) == value


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.2.3", "1.", ".5", "-1", "+1", "1 Gi", "1gb", "1GiB", "5me2", "1K", "Gi", "½"],
)
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    """In a manifest it is told what an amount looks like; in code it is a ValueError."""
    with pytest.raises(ValidationError) as caught:
        QUANTITY.validate_python(text)
    (error,) = caught.value.errors()
    assert error["ctx"]["message"] == f"{text!r} is no amount"
    assert "512Mi" in error["ctx"]["expected"]
    assert error["ctx"]["remedy"]
    with pytest.raises(ValueError, match="is no amount"):
        amount(text)


@pytest.mark.parametrize("value", [-1, 1.5, None, True, ["1"], "1" * 33])
def test_other_values_are_no_amounts_either(value: Any) -> None:
    """A fraction is written as text, as in Kubernetes' own generated manifests."""
    with pytest.raises(ValidationError):
        QUANTITY.validate_python(value, strict=True)


@given(st.integers(0, 10**6), st.sampled_from(["", "k", "M", "Ki", "Mi", "Gi"]))
def test_the_same_number_in_thousandths_comes_to_the_same(number: int, unit: str) -> None:
    """Whatever way it is written, comparing compares what it comes to."""
    whole = amount(f"{number}{unit}")
    assert whole == amount(number) * amount(f"1{unit}")
    assert amount(f"{number}000m") == amount(number)


@pytest.mark.parametrize("side", ["requests", "limits"])
def test_resources_are_known_ones_and_devices(side: str) -> None:
    """A misspelt `memroy` would be refused by the API server only when a pod is made."""
    kept = {"cpu": 1, "memory": "1Gi", "ephemeral-storage": "1Gi", "amd.com/gpu": 1}
    assert Resources.model_validate({side: kept}).to_json() == {side: kept}
    assert "nvidia.com/gpu" in _refusal(**{side: {"memroy": "1Gi"}})


@pytest.mark.parametrize(
    ("requests", "limits"),
    [
        ({"memory": "2Gi"}, {"memory": "1Gi"}),
        ({"cpu": 1}, {"cpu": "999m"}),
        ({"nvidia.com/gpu": 1}, {"nvidia.com/gpu": 2}),
    ],
)
def test_a_request_is_not_above_its_limit_and_a_device_is_the_same(
    requests: dict[str, Any], limits: dict[str, Any]
) -> None:
    """The API server would refuse the pod: told at apply, at the field, with a remedy."""
    with pytest.raises(ValidationError) as caught:
        Resources.model_validate({"requests": requests, "limits": limits})
    (broken,) = caught.value.errors()[0]["ctx"]["broken"]
    assert broken.field == ("requests",)
    assert "can't be more than its limit" in broken.message
    assert broken.remedy


def test_model_and_api_server_agree_on_requests_and_limits() -> None:
    """The rule in CEL compares as the one in Python does, whatever the units."""
    sides = [
        {key: each for key, each in (("requests", requests), ("limits", limits)) if each}
        for name in ("cpu", "nvidia.com/gpu")
        for first in (0, 1, "1000m", "1001m", "1e0", "0.9", "1Ki", "1k")
        for second in (1, "1", "1024", "1Ki")
        for requests, limits in [({name: first}, {name: second}), ({name: first}, None)]
    ]
    manifests = [
        {
            "apiVersion": "dspex.dev/v1alpha1",
            "kind": "Pool",
            "metadata": {"name": "x"},
            "spec": {"model": {"name": "a"}, "resources": side},
        }
        for side in sides
    ]
    definition = custom_resource_definition(KINDS["Pool"])
    questions = [{"kind": "Pool", "object": each} for each in manifests]
    _, verdicts = apiserver_verdicts([definition], questions)
    refused = [bool(each["errors"]) for each in verdicts]
    assert refused == [not _is_taken(side) for side in sides]
    assert {True, False} == set(refused)
    messages = {error for each in verdicts for error in each["errors"]}
    assert all("a request can't be more than its limit" in message for message in messages)


def _is_taken(side: dict[str, Any]) -> bool:
    try:
        Resources.model_validate(side)
    except ValidationError:
        return False
    return True


def test_a_gpu_has_bounds_and_no_defaults_of_its_own() -> None:
    """What is left out is the profile's; a count is a small whole number."""
    assert Gpu().to_json() == {}
    assert Gpu(count=0).to_json() == {"count": 0}
    assert Gpu.model_validate({"resourceName": "amd.com/gpu"}).resource_name == "amd.com/gpu"
    for wrong in ({"count": -1}, {"count": MAX_GPUS + 1}, {"resourceName": "amd com"}):
        with pytest.raises(ValidationError):
            Gpu.model_validate(wrong)
