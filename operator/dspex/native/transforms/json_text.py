"""json: between a value and its JSON text."""

import json
import re
from typing import Any, Literal

from dspex.errors import CompileError, Diagnostic
from dspex.native import types
from dspex.native.config import Config
from dspex.native.json_reading import read_json_text
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed

MAX_INDENT = 16
"""Blanks that `indent` may ask for."""

_FENCE = re.compile(r"\s*```[A-Za-z0-9]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)


class JsonConfig(Config):
    """Options of json.

    Attributes:
        mode: Parse reads a text into a value, Format writes a value as text.
        indent: Blanks for each level under Format; without it all stands on one line.
        fenced: Under Parse, take the text out of a Markdown code fence, which models like to add.
    """

    mode: Literal["Parse", "Format"] = "Parse"
    indent: int | None = None
    fenced: bool = True

    def __post_init__(self) -> None:
        if self.indent is not None and not 0 <= self.indent <= MAX_INDENT:
            raise ValueError(f"indent must be from 0 to {MAX_INDENT}")
        if self.indent is not None and self.mode == "Parse":
            raise ValueError("indent belongs to mode Format")


class Json(Transform):
    """Reads JSON text into a value, or writes a value as JSON text."""

    name = "json"
    summary = "Reads a JSON text into a value (Parse), or writes a value as JSON text (Format)."
    config = JsonConfig

    def transform(self, value: Any, config: JsonConfig) -> Any:
        """Parse or format."""
        if config.mode == "Format":
            separators = (",", ":") if config.indent is None else None
            return json.dumps(
                value, ensure_ascii=False, indent=config.indent, separators=separators
            )
        if not isinstance(value, str):
            raise failed(f"json with mode Parse takes a string, not {kind_of(value)}")
        return _parsed(value, config)

    def result_type(self, input_type: types.Type, config: JsonConfig) -> types.Type:
        """Return str for Format, Any for Parse."""
        if config.mode == "Format":
            return types.STR
        unknown = isinstance(input_type, types.AnyType | types.UnionOf | types.LiteralOf)
        if input_type == types.STR or unknown:
            return types.ANY
        raise CompileError(
            Diagnostic(
                code="WrongType",
                message="json with mode Parse takes a string",
                expected="str",
                found=str(input_type),
                remedy="for the other direction give mode: Format",
            )
        )


def _parsed(text: str, config: JsonConfig) -> Any:
    fence = _FENCE.fullmatch(text) if config.fenced else None
    try:
        return read_json_text(fence.group(1) if fence else text)
    except ValueError as error:
        raise failed(str(error)) from None
