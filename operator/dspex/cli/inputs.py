"""A run's inputs from the command line: `name=value` read by the declared type, or a file."""

import base64
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dspex.api.pipelinerun import PipelineRun
from dspex.errors import ConfigurationError, Diagnostic, nearest
from dspex.manifests.documents import read_documents
from dspex.manifests.files import read_files
from dspex.manifests.findings import Findings
from dspex.native.field import Field
from dspex.native.types import (
    BOOL,
    BYTES,
    FLOAT,
    INT,
    NONE,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    ObjectType,
    Scalar,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)
from dspex.native.validation import Validator, Violation

_TEXTUAL: Final = frozenset({"str", "bytes", "date", "datetime"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """A run's inputs.

    Attributes:
        given: As they stand in the PipelineRun's spec.
        values: As the run sees them: converted to their types, defaults filled in.
    """

    given: dict[str, Any]
    values: dict[str, Any]


def read_inputs(
    fields: Sequence[Field],
    *,
    run: PipelineRun | None = None,
    file: str | None = None,
    assignments: Iterable[str] = (),
) -> RunInputs:
    """Read and check a run's inputs.

    Args:
        fields: The pipeline's inputs.
        run: The PipelineRun whose inputs the others override.
        file: A JSON or YAML file with an object of inputs; `-` is standard input.
        assignments: `name=value` texts; `name=@path` reads a file; they override the file.

    Raises:
        ConfigurationError: With everything that is wrong.
    """
    by_name = {field.name: field for field in fields}
    values: dict[str, Any] = read_input_file(file) if file is not None else {}
    findings: list[Diagnostic] = []
    for assignment in assignments:
        try:
            name, value = _read_assignment(by_name, assignment)
            values[name] = value
        except ConfigurationError as error:
            findings += error.diagnostics
    if findings:
        raise ConfigurationError(*findings)
    given = {} if run is None else dict(run.spec.inputs or {})
    merged = {**given, **values}
    result = Validator(fields).validate(merged)
    for violation in result.violations:
        name = violation.path.partition(".")[0].partition("[")[0]
        finding = _describe(violation, by_name, missing=name not in merged)
        if run is not None and name in given and name not in values:
            finding = finding.at(subject=run.subject, path=f"spec.inputs.{violation.path}")
        findings.append(finding)
    if findings:
        raise ConfigurationError(*findings)
    return RunInputs(given=merged, values=result.values)


def _read_assignment(fields: Mapping[str, Field], text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise _refusal(f"--input {text!r} has no =", remedy="write --input name=value")
    if name not in fields:
        raise ConfigurationError(_unknown(name, fields))
    return name, read_value(fields[name], value)


def read_value(field: Field, text: str) -> Any:
    """Read one value as its type wants it: a str as it stands, others as JSON.

    `@path` stands for a file's content, `@-` for standard input's, `@@` for an @ itself.

    Raises:
        ConfigurationError: If the file is not there, or the text is no JSON where JSON is needed.
    """
    if text.startswith("@@"):
        text = text[1:]
    elif text.startswith("@"):
        content = _read_file(field, text[1:])
        if field.type == BYTES:
            return base64.b64encode(content).decode()
        text = _decoded(field, content)
    return _read_text(field, text)


def read_input_file(path: str) -> dict[str, Any]:
    """Read an object of inputs from a file, JSON or YAML as kubectl reads it; `-` is stdin.

    Raises:
        ConfigurationError: If it can't be read, or is no object.
    """
    files, failures = read_files([path], sys.stdin.buffer)
    if failures:
        raise ConfigurationError(*failures)
    findings = Findings(path)
    roots = [root for _, data in files for root in read_documents(data, findings)]
    if findings.found:
        raise ConfigurationError(*findings.found)
    value = roots[0].to_json() if len(roots) == 1 else None
    if not isinstance(value, dict):
        raise ConfigurationError(
            Diagnostic(
                code="InvalidInput",
                message="the file of inputs must hold one object",
                remedy='write {"name": value, …} or lines such as name: value',
                file=path,
            )
        )
    return value


def _read_text(field: Field, text: str) -> Any:
    if _is_textual(field.type):
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if _may_be_textual(field.type):
            return text
        raise _no_json(field, text, error) from error
    if _may_be_textual(field.type) and not _has_place_for(field.type, value):
        return text
    return value


def _is_textual(type_: Type) -> bool:
    """Say whether every value of the type is written as a string, which then needs no quotes."""
    match type_:
        case Scalar(name):
            return name in _TEXTUAL
        case LiteralOf(values):
            return all(isinstance(value, str) for value in values)
        case UnionOf(options):
            return all(_is_textual(option) for option in options)
    return False


def _may_be_textual(type_: Type) -> bool:
    match type_:
        case UnionOf(options):
            return any(_may_be_textual(option) for option in options)
        case LiteralOf(values):
            return any(isinstance(value, str) for value in values)
        case AnyType():
            return True
    return _is_textual(type_)


def _has_place_for(type_: Type, value: Any) -> bool:
    """Say whether a JSON value that is no string is meant as itself: `5` for `int | str`."""
    match type_:
        case UnionOf(options):
            return any(_has_place_for(option, value) for option in options)
        case LiteralOf(values):
            return any(value == each and type(value) is type(each) for each in values)
        case AnyType():
            return True
        case ListOf() | SetOf() | TupleOf():
            return isinstance(value, list)
        case DictOf() | ObjectType() | Media():
            return isinstance(value, dict)
    if type_ == FLOAT:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if type_ == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == BOOL:
        return isinstance(value, bool)
    return type_ == NONE and value is None


def _read_file(field: Field, path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).expanduser().read_bytes()
    except OSError as error:
        raise _refusal(
            f"input {field.name!r}: {path}: {error.strerror}",
            remedy=f"check the path; for a text that begins with @ write {field.name}=@@…",
        ) from error


def _decoded(field: Field, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _refusal(
            f"input {field.name!r}: the file is not UTF-8 text", remedy="save it as UTF-8"
        ) from error


def _describe(violation: Violation, fields: Mapping[str, Field], *, missing: bool) -> Diagnostic:
    name = violation.path.partition(".")[0].partition("[")[0]
    field = fields.get(name)
    if field is None:
        return _unknown(name, fields)
    return Diagnostic(
        code="InvalidInput",
        message=f"input {violation.path!r} {violation.message}",
        expected=violation.expected or None,
        found=violation.found or None,
        remedy=f"add --input {name}={example(field.type)}" if missing else None,
    )


def example(type_: Type) -> str:
    """Return a value of a type as one would type it, for messages."""
    match type_:
        case LiteralOf(values):
            first = values[0]
            return first if isinstance(first, str) else json.dumps(first)
        case UnionOf(options):
            return example(options[0])
        case ListOf(item) | SetOf(item):
            return f"'[{_example_json(item)}]'"
        case TupleOf(items):
            return f"'[{', '.join(_example_json(item) for item in items)}]'"
        case DictOf(_, value):
            return f"'{{\"key\": {_example_json(value)}}}'"
        case ObjectType():
            return '\'{"key": "value"}\''
        case Media("Image"):
            return '\'{"url": "https://…"}\''
        case Media():
            return "'{…}'"
    return _EXAMPLES.get(str(type_), "…")


_EXAMPLES: Final = {
    "str": "'some text'",
    "int": "3",
    "float": "0.5",
    "bool": "true",
    "bytes": "@FILE",
    "date": "2026-11-22",
    "datetime": "2026-11-22T20:57:00Z",
    "None": "null",
}


def _example_json(type_: Type) -> str:
    text = example(type_).strip("'")
    return json.dumps(text) if _may_be_textual(type_) else text


def _no_json(field: Field, text: str, error: Exception) -> ConfigurationError:
    start = error.pos if isinstance(error, json.JSONDecodeError) else 0
    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return ConfigurationError(
        Diagnostic(
            code="InvalidInput",
            message=f"input {field.name!r} can't be read as JSON: {reason}",
            expected=f"a value of type {field.type}, such as {field.name}={example(field.type)}",
            source=text,
            start=start,
        )
    )


def _unknown(name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    near = nearest(name, names)
    return Diagnostic(
        code="UnknownInput",
        message=f"the pipeline has no input {name!r}",
        expected=f"one of {', '.join(names)}" if names else "no inputs at all",
        remedy=f"did you mean {near}?" if near else None,
    )


def _refusal(message: str, *, remedy: str) -> ConfigurationError:
    return ConfigurationError(Diagnostic(code="InvalidInput", message=message, remedy=remedy))


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
