"""A run's inputs from the command line: `name=value` read by the declared type, or a file."""

import base64
import dataclasses
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dspex.api.pipelinerun import PipelineRun
from dspex.errors import ConfigurationError, Diagnostic, nearest
from dspex.local import Sources, Store
from dspex.local.sources import missing
from dspex.manifests.documents import read_documents
from dspex.manifests.files import read_files
from dspex.manifests.findings import Findings
from dspex.native.field import Field
from dspex.native.text_form import may_be_textual, value_of_text
from dspex.native.types import (
    BYTES,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    ObjectType,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)
from dspex.native.validation import Validator, Violation
from dspex.resources.run_inputs import input_sources, resolve_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """A run's inputs.

    Attributes:
        given: As they stand in the PipelineRun's spec; none that is sensitive.
        values: As the run sees them: converted to their types, defaults filled in.
        sensitive: Those that may be shown nowhere, as text and as value.
    """

    given: dict[str, Any]
    values: dict[str, Any]
    sensitive: dict[str, Any]


def read_inputs(
    fields: Sequence[Field],
    *,
    run: PipelineRun | None = None,
    file: str | None = None,
    assignments: Iterable[str] = (),
    sensitive: Collection[str] = (),
    sources: Sources | None = None,
) -> RunInputs:
    """Read and check a run's inputs.

    Args:
        fields: The pipeline's inputs.
        run: The PipelineRun whose inputs the others override.
        file: A JSON or YAML file with an object of inputs; `-` is standard input.
        assignments: `name=value` texts; `name=@path` reads a file; they override the file.
        sensitive: Names of inputs that may be shown nowhere.
        sources: Secrets and ConfigMaps for the run's inputsFrom.

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
    outer, secret = inputs_from_sources(fields, run, sensitive, sources or Sources())
    merged = {**outer, **given, **values}
    hidden = {name for name in merged if name in sensitive or name in secret}
    result = Validator(fields).validate(merged)
    for violation in result.violations:
        name = violation.path.partition(".")[0].partition("[")[0]
        finding = _describe(violation, by_name, missing=name not in merged)
        if name in hidden:
            finding = dataclasses.replace(finding, message=_unquoted(violation), found=None)
        if run is not None and name in given and name not in values:
            finding = finding.at(subject=run.subject, path=f"spec.inputs.{violation.path}")
        findings.append(finding)
    if findings:
        raise ConfigurationError(*findings)
    return RunInputs(
        given={name: each for name, each in {**given, **values}.items() if name not in hidden},
        values=result.values,
        sensitive={name: [secret.get(name), merged[name]] for name in sorted(hidden)},
    )


def inputs_from_sources(
    fields: Sequence[Field], run: PipelineRun | None, sensitive: Collection[str], sources: Sources
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a run's inputsFrom gives: values by name, and texts of those from Secrets."""
    if run is None:
        return {}, {}
    _check_sources(run, [*sensitive, *(field.name for field in fields)], sources)
    found = resolve_inputs(
        run,
        fields,
        sensitive,
        config_maps=sources.config_maps,
        secret_keys=sources.secret_keys,
    )
    types = {field.name: field.type for field in fields}
    texts = {name: sources.secret(key.secret, key.key) for name, key in found.secret.items()}
    values = dict(found.values)
    for name, text in texts.items():
        try:
            values[name] = value_of_text(types[name], text)
        except ValueError:
            # The error would quote the text.
            raise _refusal(
                f"input {name!r}: key {name!r} of Secret {found.secret[name].secret!r} is no JSON, "
                f"which the type {types[name]} needs",
                remedy="write the value as JSON",
            ) from None
    return values, texts


def _check_sources(run: PipelineRun, wanted: Sequence[str], sources: Sources) -> None:
    """Refuse a run whose inputsFrom names what is not there, with the flag that would give it."""
    named = input_sources(run)
    key = wanted[0] if wanted else "KEY"
    absent = [
        missing(store, name, key)
        for store, names, known in (
            (Store.SECRET, named.secrets, sources.secret_keys),
            (Store.CONFIG_MAP, named.config_maps, sources.config_maps),
        )
        for name in names
        if name not in known
    ]
    findings = [each for error in absent for each in error.diagnostics]
    if findings:
        path = "spec.inputsFrom"
        raise ConfigurationError(*(each.at(subject=run.subject, path=path) for each in findings))


def _unquoted(violation: Violation) -> str:
    """Say that a sensitive input is wrong, without a word of what it is."""
    return f"input {violation.path.partition('.')[0].partition('[')[0]!r} (sensitive) does not fit"


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
    try:
        return value_of_text(field.type, text)
    except ValueError as error:
        raise _no_json(field, text, error) from error


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
    return json.dumps(text) if may_be_textual(type_) else text


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
