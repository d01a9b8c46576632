"""The constraint schema: a JSON Schema (2020-12) that a value must satisfy."""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from dspex.native.validation.patterns import REGEX_SIZE
from dspex.native.validation.schema_cost import SchemaError, check_cost
from dspex.native.validation.violation import MAX_VIOLATIONS, Finding, describe, shorten

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


@lru_cache(maxsize=256)
def schema_errors(text: str) -> Callable[[Any], Iterable[Finding]]:
    """Return the function that gives the findings of a value against the schema of a JSON text.

    Nothing is fetched: references must lead to the schema itself.

    Raises:
        SchemaError: The schema is invalid, of another draft, refers elsewhere, or costs too much.
    """
    # The import costs 20 ms, which a signature without schemas need not pay.
    import jsonschema_rs

    schema = json.loads(text)
    _check_draft(schema)
    check_cost(schema)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=REGEX_SIZE, dfa_size_limit=REGEX_SIZE
            ),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaError(shorten_line(str(error))) from None

    def findings(value: Any) -> Iterable[Finding]:
        for count, error in enumerate(validator.iter_errors(value)):
            if count >= MAX_VIOLATIONS:
                break
            expected = f"schema: {error.kind.name}"
            finding = Finding(shorten_line(error.message), expected, describe(error.instance))
            finding.parts.extend(reversed(error.instance_path))
            yield finding

    return findings


def shorten_line(text: str) -> str:
    """Return the first line of a message, cut where it is long."""
    line = text.partition("\n")[0]
    return line if len(line) <= 200 else f"{line[:197]}..."


def _check_draft(schema: dict[str, Any]) -> None:
    draft = schema.get("$schema", _DRAFT)
    if not isinstance(draft, str) or draft.rstrip("#") != _DRAFT:
        raise SchemaError(f"$schema must be {_DRAFT}, not {shorten(str(draft))}")
