"""A rule between the fields of an object: checked here by Python and in the cluster by CEL."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a model.

    Attributes:
        cel: The rule for the API server, as in `x-kubernetes-validations`; `self` is the object.
        message: What a person reads who breaks it; one line.
        check: The same rule in Python. None for a rule that compares with the old object.
        field: The field that is blamed, by its manifest name; empty for the object itself.
        remedy: How to mend it.
        json_schema: The same rule for editors, as keywords of JSON Schema; None if it has none.
    """

    cel: str
    message: str
    check: Callable[[Any], bool] | None = None
    field: str = ""
    remedy: str = ""
    json_schema: JsonValue = None

    def to_kubernetes(self) -> dict[str, JsonValue]:
        """Return the entry of `x-kubernetes-validations`."""
        entry: dict[str, JsonValue] = {"rule": self.cel, "message": self.message}
        if self.field:
            entry["fieldPath"] = f".{self.field}"
        return entry


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that an object broke, as it travels in pydantic's error context."""

    message: str
    field: tuple[str | int, ...]
    remedy: str


def broken(rules: Iterable[Rule], value: object) -> list[Broken]:
    """List the rules that an object breaks."""
    return [
        Broken(rule.message, (rule.field,) if rule.field else (), rule.remedy)
        for rule in rules
        if rule.check is not None and not rule.check(value)
    ]


def _attribute(name: str) -> str:
    keyword = {"if": "if_", "finally": "finally_", "schema": "schema_", "validate": "validate_"}
    if name in keyword:
        return keyword[name]
    return "".join("_" + char.lower() if char.isupper() else char for char in name)


def given(value: object, *names: str) -> int:
    """Count how many of some fields, by their manifest names, an object has."""
    return sum(getattr(value, _attribute(name)) is not None for name in names)


def exactly_one(*names: str, message: str, remedy: str = "") -> Rule:
    """Make the rule that exactly one of some fields is there."""
    count = " + ".join(f"(has(self.{_cel_name(name)}) ? 1 : 0)" for name in names)
    return Rule(
        cel=f"{count} == 1",
        message=message,
        check=lambda value: given(value, *names) == 1,
        remedy=remedy or f"keep exactly one of {', '.join(names)}",
        json_schema={"oneOf": [{"required": [name]} for name in names]},
    )


def ordered(low: str, high: str) -> Rule:
    """Make the rule that of two numbers, where both are there, the first is not the greater."""

    def check(value: object) -> bool:
        first, second = getattr(value, _attribute(low)), getattr(value, _attribute(high))
        return first is None or second is None or bool(first <= second)

    return Rule(
        cel=f"!has(self.{low}) || !has(self.{high}) || self.{low} <= self.{high}",
        message=f"{low} must not be greater than {high}",
        check=check,
        field=low,
        remedy=f"lower {low} or raise {high}",
    )


def _cel_name(name: str) -> str:
    # The API server escapes names that are words of CEL.
    return f"__{name}__" if name in {"if", "namespace", "in", "for"} else name
