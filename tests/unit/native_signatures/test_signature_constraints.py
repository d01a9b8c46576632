"""Constraints from and to the manifests' names."""

from typing import Any

import pytest

from dspex.errors import SignatureError
from dspex.native.field import NO_CONSTRAINTS, Constraints
from dspex.native.signatures import constraint_names, constraints_from, constraints_to

ALL: dict[str, Any] = {
    "minLength": 1,
    "maxLength": 2,
    "pattern": "^a",
    "enum": ["a", 1, 2.5, True],
    "format": "email",
    "minimum": 0,
    "maximum": 1.5,
    "exclusiveMinimum": -1,
    "exclusiveMaximum": 3,
    "multipleOf": 0.5,
    "probability": True,
    "confidence": True,
    "minItems": 0,
    "maxItems": 4,
    "uniqueItems": True,
    "items": {"maxLength": 3, "items": {"minimum": 1}},
    "dimension": 8,
    "shape": [2, -1],
    "schema": {"type": "object"},
}


def test_every_constraint_reads_back() -> None:
    """The mapping holds each of them, and all of it comes back."""
    assert ALL.keys() == constraint_names().keys()
    constraints = constraints_from(ALL)
    assert constraints_to(constraints) == ALL
    assert constraints_from(constraints_to(constraints)) == constraints
    assert hash(constraints) == hash(constraints_from(ALL))


def test_nothing_asked_is_no_constraint() -> None:
    """None, false flags and empty items ask nothing."""
    asked: dict[str, Any] = {
        "minLength": None,
        "uniqueItems": False,
        "probability": False,
        "items": {},
    }
    assert constraints_from(asked) == NO_CONSTRAINTS
    assert not constraints_from(asked)
    assert Constraints(min_length=0)


def test_a_whole_float_is_a_count() -> None:
    """YAML writers may put 3.0."""
    assert constraints_from({"minLength": 3.0}).min_length == 3


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("minLength", [-1, 1.5, "3", True, [], 2**31]),
        ("maxItems", [-1, "x", {}]),
        ("dimension", [0, -1, "x"]),
        ("pattern", ["", 3, "x" * 1025, []]),
        ("format", ["", 3]),
        ("enum", [[], "abc", [[1]], [None], [1, 1], ["a", "a"], [float("nan")], [0] * 300]),
        ("minimum", ["1", True, float("nan"), float("inf"), []]),
        ("multipleOf", [0, -1, "x", False]),
        ("uniqueItems", ["true", 1]),
        ("confidence", ["true", 1]),
        ("items", [[], "x", 3]),
        ("shape", [[], "x", [1.5], ["x"], [-2], [True], [1] * 9]),
        ("schema", ["x", [], {"a": object()}, {"a": "x" * 70_000}, {"a": float("nan")}]),
    ],
)
def test_a_wrong_value_is_named(name: str, values: list[Any]) -> None:
    """Each wrong value has a finding with its path and what would be right."""
    for value in values:
        with pytest.raises(SignatureError) as caught:
            constraints_from({name: value})
        [diagnostic] = caught.value.diagnostics
        assert (diagnostic.code, diagnostic.path) == ("InvalidConstraint", name)
        assert diagnostic.expected
        assert diagnostic.found


def test_all_findings_come_at_once_with_paths_inside_items() -> None:
    """Unknown names are answered with the nearest known one."""
    with pytest.raises(SignatureError) as caught:
        constraints_from({"minlength": 3, "maximum": "x", "items": {"patern": "x", "qqq": 1}})
    found = [(each.code, each.path, each.remedy) for each in caught.value.diagnostics]
    assert found == [
        ("UnknownConstraint", "minlength", "write minLength"),
        ("InvalidConstraint", "maximum", None),
        ("UnknownConstraint", "items.patern", "write pattern"),
        ("UnknownConstraint", "items.qqq", None),
    ]


def test_items_nest_only_so_deep() -> None:
    """A mapping that never ends is refused where the bound is."""
    deep: dict[str, Any] = {"minLength": 1}
    for _ in range(9):
        deep = {"items": deep}
    with pytest.raises(SignatureError) as caught:
        constraints_from(deep)
    assert caught.value.diagnostics[0].path == ".".join(["items"] * 9)
