"""The validator of a record of fields: inputs, outputs, a step's values."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from dspex.errors import Diagnostic, SignatureError, nearest
from dspex.native.field import Field
from dspex.native.types import NONE, LiteralOf, UnionOf
from dspex.native.validation.check import Check
from dspex.native.validation.compile import compile_check
from dspex.native.validation.patterns import PatternError
from dspex.native.validation.schema_cost import SchemaError
from dspex.native.validation.violation import (
    MAX_VIOLATIONS,
    Finding,
    Violation,
    describe,
)

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Validated:
    """What a validation found.

    Attributes:
        values: Normalised values in wire form, defaults filled in, in the fields' order; those
            with violations are as they were given.
        violations: All that is wrong, in the fields' order; empty if nothing is.
    """

    values: dict[str, Any]
    violations: tuple[Violation, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


class Validator:
    """Checks records against fields.

    The fields' constraints must fit their types: `check_constraints` finds what does not. A field
    with a default may be missing, and so may one whose type has None among its options: then it
    is None, as DSPy has it.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self._names = {field.name for field in self.fields}

    def validate(self, values: Mapping[str, Any], *, strict: bool = False) -> Validated:
        """Check a record of values in wire form.

        Strict takes only values that have their type exactly, but for an integer where a float is
        meant. Otherwise values are converted where that loses nothing: `"3"` to 3, `"yes"` to
        true, 3.0 to 3, JSON text to a list or a dict, a Literal in another case to its own.

        Raises:
            SignatureError: A pattern or schema can't be compiled, which `check_constraints` would
                have found.
        """
        findings: list[Finding] = []
        checked: dict[str, Any] = {}
        for name, check, default in self._strict if strict else self._coerce:
            value = values.get(name, _ABSENT)
            before = len(findings)
            if value is _ABSENT:
                if default is _ABSENT:
                    findings.append(Finding("is missing", "a value"))
                else:
                    checked[name] = _fresh(default)
            else:
                checked[name] = check(value, findings)
            if len(findings) > before:
                for finding in findings[before:]:
                    finding.parts.append(name)
        if not self._names.issuperset(values):
            findings += [
                self._unknown(name, values[name]) for name in values if name not in self._names
            ]
        return Validated(checked, _violations(findings)) if findings else Validated(checked, ())

    @cached_property
    def _strict(self) -> list[tuple[str, Check, Any]]:
        return [_plan(field, strict=True) for field in self.fields]

    @cached_property
    def _coerce(self) -> list[tuple[str, Check, Any]]:
        return [_plan(field, strict=False) for field in self.fields]

    def _unknown(self, name: object, value: Any) -> Finding:
        near = nearest(str(name), self._names)
        hint = f"; did you mean {near}?" if near else ""
        finding = Finding(f"is not one of the fields{hint}", "a known field", describe(value))
        finding.parts.append(str(name))
        return finding


def _plan(field: Field, *, strict: bool) -> tuple[str, Check, Any]:
    default: Any = _ABSENT
    if isinstance(field.default, str):
        default = json.loads(field.default)
    elif may_be_left_out(field):
        default = None
    return field.name, _compiled(field, strict=strict), default


def _compiled(field: Field, *, strict: bool) -> Check:
    try:
        return compile_check(field.type, field.constraints, strict=strict)
    except (PatternError, SchemaError) as error:
        finding = Diagnostic(code="InvalidConstraint", message=str(error), path=field.name)
        raise SignatureError(finding) from error


def may_be_left_out(field: Field) -> bool:
    """Say whether a record may lack the field: it has a default, or None says that it is absent.

    A field of type Any must be given: nothing says that its author thought of None.
    """
    if isinstance(field.default, str) or field.type == NONE:
        return True
    match field.type:
        case UnionOf():
            options = field.type.options
            return any(may_be_left_out(Field(name=field.name, type=each)) for each in options)
        case LiteralOf():
            return None in field.type.values
    return False


def _fresh(default: Any) -> Any:
    # A default that is a list or a dict must not be shared between records.
    return copy.deepcopy(default) if isinstance(default, (list, dict)) else default


def _violations(findings: list[Finding]) -> tuple[Violation, ...]:
    violations = [finding.violation() for finding in findings[:MAX_VIOLATIONS]]
    if len(findings) > MAX_VIOLATIONS:
        violations.append(Violation("", f"there are more than {MAX_VIOLATIONS} violations"))
    return tuple(violations)
