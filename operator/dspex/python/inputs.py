"""Checks the inputs of a call: each finding says which argument it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from dspex.errors import ConfigurationError, Diagnostic, nearest
from dspex.native.field import Field
from dspex.native.validation import Validator, Violation
from dspex.native.wire import to_wire


def to_wire_values(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python's objects in wire form, by their fields' types."""
    types = {field.name: field.type for field in fields}
    return {
        name: to_wire(types[name], value) if name in types else value
        for name, value in values.items()
    }


def check_inputs(
    fields: Sequence[Field],
    values: Mapping[str, Any],
    *,
    owner: str,
    hidden: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Return inputs in wire form, converted to their types, defaults filled in.

    Args:
        fields: The inputs.
        values: What was given, in wire form.
        owner: What has these inputs, for messages: `signature`, `pipeline`.
        hidden: Names of those whose values are not shown in an error.

    Raises:
        ConfigurationError: With everything that is wrong; the input's name is the place.
    """
    checked = Validator(fields).validate(values)
    if checked.valid:
        return checked.values
    by_name = {field.name: field for field in fields}
    findings = [_finding(each, by_name, values, owner, hidden) for each in checked.violations]
    raise ConfigurationError(*findings)


def _finding(
    violation: Violation,
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    owner: str,
    hidden: frozenset[str],
) -> Diagnostic:
    name = violation.path.partition(".")[0].partition("[")[0]
    if name not in fields:
        near = nearest(name, fields)
        return Diagnostic(
            code="UnknownInput",
            message=f"the {owner} has no input {name!r}",
            expected=f"one of {', '.join(fields)}" if fields else "no inputs at all",
            remedy=f"did you mean {near}?" if near else None,
            file="inputs",
            path=name,
        )
    shown = name not in hidden
    return Diagnostic(
        code="InvalidInput",
        message=violation.message if shown else "(sensitive) does not fit",
        expected=violation.expected or None,
        found=(violation.found or None) if shown else None,
        remedy=None if name in values else f"give {name}, of type {fields[name].type}",
        file="inputs",
        path=violation.path if shown else name,
    )
