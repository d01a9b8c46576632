"""What all our adapters do beside DSPy's: feedback to the model, and parsing by our own rules."""

import json
from collections.abc import Mapping
from typing import Any, Final

import json_repair
from dspy.adapters.utils import parse_value
from dspy.utils.exceptions import AdapterParseError

from dspex.native import types
from dspex.native.field import Field
from dspex.native.validation import Validated, Violation, may_be_left_out
from dspex_worker.adapters import frame
from dspex_worker.failures import OutputInvalidError
from dspex_worker.lm import ledger
from dspex_worker.signatures import native_field, validator
from dspex_worker.values import to_python

CUT: Final = "the answer was cut at its token limit; raise max_tokens or ask for less"
_ABSENT: Final = object()


class Checked:
    """A base to put before one of DSPy's adapters.

    Subclasses give `read`, which takes an answer apart into raw values by field name.

    Attributes:
        textual: Whether raw values are text, whatever their type, or what JSON gave.
    """

    textual = False

    def format(self, signature: Any, demos: Any, inputs: Any) -> list[dict[str, Any]]:
        """Write the messages; former invalid answers stand at their end."""
        messages: list[dict[str, Any]] = super().format(signature, demos, inputs)  # type: ignore[misc]
        return messages + frame.feedback_turns(set(signature.output_fields))

    def read(self, signature: Any, completion: str) -> Mapping[str, Any]:
        """Return raw values by field name; text, or what JSON gave."""
        raise NotImplementedError

    def is_whole(self, completion: str) -> bool:
        """Say whether an answer that a token limit cut has all of its fields nevertheless."""
        return False

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """Return the Python values of an answer.

        Raises:
            AdapterParseError: A field is missing; DSPy may then try another format.
            OutputInvalidError: The values don't fit; all that is wrong about them.
        """
        record = ledger.current()
        if record.cut and record.answer == completion and not self.is_whole(completion):
            raise OutputInvalidError([CUT], completion)
        raw = self.read(signature, completion)
        fields = signature.output_fields
        native = {name: field for name, info in fields.items() if (field := native_field(info))}
        missing = [
            name
            for name in fields
            if name not in raw and not (name in native and may_be_left_out(native[name]))
        ]
        if missing:
            raise AdapterParseError(
                type(self).__name__, signature, completion, parsed_result=dict(raw)
            )
        values, violations = _native_values(native, raw, textual=self.textual)
        if violations:
            raise OutputInvalidError([str(violation) for violation in violations], completion)
        for name, info in fields.items():
            if name not in native:
                values[name] = self._parse_foreign(signature, completion, info, name, raw[name])
        return {name: values[name] for name in fields}

    def _parse_foreign(
        self, signature: Any, completion: str, info: Any, name: str, raw: Any
    ) -> Any:
        try:
            return parse_value(raw, info.annotation)
        except ValueError as error:
            raise AdapterParseError(
                type(self).__name__, signature, completion, f"Failed to parse field {name}: {error}"
            ) from error


def _native_values(
    fields: Mapping[str, Field], raw: Mapping[str, Any], *, textual: bool
) -> tuple[dict[str, Any], list[Violation]]:
    strict = frame.current().strict
    values: dict[str, Any] = {}
    violations: list[Violation] = []
    for name, field in fields.items():
        given = [raw.get(name, _ABSENT)]
        if textual and name in raw:
            given = _candidates(field, raw[name], strict)
        checked = [_check(field, candidate, strict=strict) for candidate in given]
        best = next((each for each in checked if each.valid), checked[0])
        violations.extend(best.violations)
        if best.valid:
            values[name] = to_python(field.type, best.values[name])
    return values, violations


def _check(field: Field, candidate: Any, *, strict: bool) -> Validated:
    values = {} if candidate is _ABSENT else {field.name: candidate}
    return validator((field,)).validate(values, strict=strict)


def _candidates(field: Field, raw: str, strict: bool) -> list[Any]:
    """Return what a text may stand for, the likeliest first."""
    if field.type == types.STR:
        return [raw]
    try:
        decoded = json.loads(raw)
    except ValueError:
        if strict or raw[:1] not in {"[", "{"}:
            return [raw]
        decoded = json_repair.loads(raw)
    return [decoded, raw] if isinstance(field.type, types.AnyType) else [raw, decoded]
