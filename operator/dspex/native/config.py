"""Reads the free `config` of a plug-in into the struct that it declares."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from dspex.errors import CompileError, Diagnostic, nearest

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


class Config(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Base of the structs that declare a plug-in's options; camelCase in the manifest."""


class NoConfig(Config):
    """For a plug-in without options."""


C = TypeVar("C", bound=Config)


def read_config(kind: type[C], config: Mapping[str, Any] | None) -> C:
    """Turn a manifest's `config` into its struct.

    Raises:
        CompileError: An unknown option, a missing one or one of a wrong type; `path` is within
            the config.
    """
    try:
        return msgspec.convert(dict(config or {}), kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise CompileError(_diagnostic(kind, str(error))) from None


def _diagnostic(kind: type[Config], words: str) -> Diagnostic:
    place = _PATH.search(words)
    path = place.group(1) if place else None
    message = _PATH.sub("", words)
    options = [field.encode_name for field in msgspec.structs.fields(kind)]
    unknown = _UNKNOWN.search(message)
    if unknown is None:
        return Diagnostic(code="WrongConfig", message=_decapitalised(message), path=path)
    name = unknown.group(1)
    near = nearest(name, options)
    known = f"options: {', '.join(options)}" if options else "it has no options"
    return Diagnostic(
        code="UnknownField",
        message=f"unknown option '{name}'",
        remedy=f"did you mean '{near}'? {known}" if near else known,
        path=path,
    )


def _decapitalised(text: str) -> str:
    """Begin msgspec's own sentences as ours begin; an option's name keeps its capital."""
    if text.startswith(("Expected", "Invalid", "Object")):
        return text[:1].lower() + text[1:]
    return text
