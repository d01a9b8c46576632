"""What a model is shown of a tool's result: JSON, bounded, without secrets, whatever it is."""

import dataclasses
import json
import math
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex_worker.tools.observation import observe
from dspex_worker.tools.redactor import Redactor

LIMIT = 100


def shown(value: Any, limit: int = LIMIT, secrets: tuple[str, ...] = ()) -> Any:
    """Return what is shown of a value."""
    return observe(value, limit, Redactor(secrets))


@dataclasses.dataclass
class Order:
    """A dataclass."""

    number: int
    lines: tuple[str, ...]


class Customer(pydantic.BaseModel):
    """A model."""

    name: str
    orders: list[int] = []


class Hostile:
    """Raises wherever it can."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (5, 5),
        (True, True),
        ("text", "text"),
        ({"a": (1, 2), 3: {4}}, {"a": [1, 2], "3": [4]}),
        (b"bytes", "bytes"),
        (b"\xff\xfe", "<2 bytes>"),
        (Order(1, ("a",)), {"number": 1, "lines": ["a"]}),
        (Customer(name="n"), {"name": "n", "orders": []}),
        (math.inf, "inf"),
        (2**63, str(2**63)),
        ([10**50_000], "[an integer of 166097 bits]"),
        ("\ud800", "?"),
        (Hostile(), "<Hostile that can't be shown: RuntimeError>"),
    ],
)
def test_a_small_result_is_shown_as_json_has_it(value: Any, told: Any) -> None:
    """What JSON has stays what it is; the rest becomes the next best, or text."""
    got = shown(value)
    if value == [10**50_000]:
        assert got == ["an integer of 166097 bits"]
    else:
        assert got == told


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        list(range(1_000_000)),
        {str(number): "y" * 1000 for number in range(1000)},
        [["z" * 1_000_000]],
        range(10).__class__(10**9).__iter__().__class__,
    ],
)
def test_a_long_result_is_cut_and_says_so(value: Any) -> None:
    """The text has the limit's length at most."""
    got = shown(value)
    assert isinstance(got, str)
    assert len(got) <= LIMIT
    if not isinstance(value, type):
        assert "cut" in got[-40:]


def test_a_cut_result_is_not_cut_again() -> None:
    """Looking at it twice changes nothing, so that no layer has to know of another."""
    once = shown("x" * 1000)
    assert shown(once) == once


def test_results_without_an_end_are_cut() -> None:
    """A list in itself, and one that is a thousand levels deep."""
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    assert "cut" in shown(endless)
    assert "cut" in shown(deep)


def test_known_secrets_are_taken_out_of_results_even_at_the_cut() -> None:
    """A secret that the limit cuts in two is found all the same."""
    secret = "correct-horse-battery-staple-" * 3
    assert shown({"a": [secret]}, secrets=(secret,)) == {"a": ["[redacted]"]}
    for before in range(LIMIT):
        text = "x" * before + secret + "y" * 1000
        assert "corr" not in shown(text, secrets=(secret,))
        assert "corr" not in str(shown([text], secrets=(secret,)))


_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.characters(categories=["Cs"])
    | st.binary()
    | st.dates()
    | st.complex_numbers()
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner)
        | st.tuples(inner, inner)
        | st.frozensets(_leaves)
    ),
    max_leaves=40,
)


@given(value=_values, limit=st.integers(100, 300))
def test_any_result_is_json_within_its_limit(value: Any, limit: int) -> None:
    """Whatever a tool returns, it can be sent, and is not longer than it may be."""
    got = shown(value, limit)
    msgspec.json.encode(got)
    text = got if isinstance(got, str) else json.dumps(got, ensure_ascii=False, allow_nan=False)
    assert len(text) <= limit
    assert shown(got, limit) == got
