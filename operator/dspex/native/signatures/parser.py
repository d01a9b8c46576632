"""The parser of signatures: DSPy's `inputs -> outputs` strings.

Python's parser would read them as a function's parameters, as DSPy does. This one reads the same
language, keeps positions, imports nothing, and refuses what DSPy drops without a word.
"""

from typing import Final

from dspex.errors import Diagnostic, SignatureError
from dspex.native.field import Field
from dspex.native.signatures.names import check_field_name, is_valid_field_name
from dspex.native.signatures.parse_error import ParseError
from dspex.native.signatures.signature import MAX_FIELDS, Signature
from dspex.native.signatures.tokens import END, Tokens, is_name, tokenize
from dspex.native.signatures.type_parser import TypeParser
from dspex.native.types import NONE, STR, Type

MAX_FINDINGS: Final = 64
"""Findings after which the parser gives up: such a text was not meant as a signature."""

_FIELD_END: Final = (",", "->", END)


def parse_signature(text: str) -> Signature:
    """Return the signature that a text such as `question: str -> answer: int` spells.

    A field without a type is a str, as in DSPy.

    Raises:
        SignatureError: It spells none; with all findings and their places.
    """
    return _SignatureParser(tokenize(text)).signature()


class _SignatureParser:
    """Reads one signature; findings are gathered field by field."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.texts = tokens.texts
        self.types = TypeParser(tokens)
        self.diagnostics: list[Diagnostic] = []
        self.seen: dict[str, int] = {}

    def signature(self) -> Signature:
        inputs = self._side()
        arrow = self.types.index
        if self.texts[arrow] != "->":
            self._note(
                ParseError(
                    "MissingArrow",
                    "There is no '->' between inputs and outputs",
                    arrow,
                    expected="inputs -> outputs",
                )
            )
            outputs: list[Field] = []
        else:
            self._check_side(arrow, inputs, "input")
            self.types.index += 1
            outputs = self._outputs()
            self._check_side(self.types.index, outputs, "output")
        if len(inputs) + len(outputs) > MAX_FIELDS and not self.diagnostics:
            self._note(
                ParseError(
                    "TooManyFields",
                    f"The signature has {len(inputs) + len(outputs)} fields",
                    0,
                    expected=f"{MAX_FIELDS} at most",
                    remedy="group some in one field of type object",
                )
            )
        if self.diagnostics:
            raise SignatureError(*self.diagnostics)
        return Signature(tuple(inputs), tuple(outputs))

    def _outputs(self) -> list[Field]:
        fields = self._side()
        while self.texts[self.types.index] == "->":
            self._note(
                ParseError(
                    "SecondArrow",
                    "There is a second '->'",
                    self.types.index,
                    expected="inputs -> outputs",
                )
            )
            self.types.index += 1
            fields += self._side()
        return fields

    def _check_side(self, end: int, fields: list[Field], what: str) -> None:
        # A side whose fields were all refused has been reported already.
        if not fields and not self.diagnostics:
            self._note(
                ParseError(
                    "EmptySide",
                    f"There is no {what} field",
                    end,
                    remedy=f"name at least one {what}: DSPy would take none without a word",
                )
            )

    def _side(self) -> list[Field]:
        """Read fields up to the arrow or the end."""
        types, texts = self.types, self.texts
        fields: list[Field] = []
        while texts[types.index] not in ("->", END):
            start = types.index
            try:
                fields.append(self._field(start))
                if texts[types.index] not in _FIELD_END:
                    raise types.unexpected(expected="',' or '->'")
            except ParseError as error:
                self._note(error)
                self._recover(start)
            if texts[types.index] == ",":
                types.index += 1
        return fields

    def _field(self, start: int) -> Field:
        types, texts = self.types, self.texts
        types.depth = 0
        name = texts[start]
        if not is_valid_field_name(name):
            self._refuse_name(name, start)
        types.index = start + 1
        type_: Type = STR
        if texts[start + 1] == ":":
            types.index = start + 2
            type_ = types.type()
            if type_ == NONE and not {*texts[start + 2 : types.index]} - {"(", "None", ")"}:
                raise ParseError(
                    "NoneAlone",
                    "DSPy reads None alone as str",
                    start + 2,
                    types.index - 1,
                    remedy="write str, or NoneType for a field that is always null",
                )
        if name in self.seen:
            raise ParseError(
                "DuplicateField",
                f"There are two fields {name!r}",
                start,
                remedy="rename one: DSPy would keep only one of them",
            )
        self.seen[name] = start
        return Field(name=name, type=type_)

    def _refuse_name(self, name: str, start: int) -> None:
        if not is_name(name):
            self.types.index = start
            error = self.types.unexpected(expected="a field's name")
            if name == ",":
                error.remedy = "take out the comma, or name the field"
            elif name in (":", ")", "]"):
                error.remedy = "write fields as name: type"
            raise error
        finding = check_field_name(name)
        if finding is not None:
            # Noted, not raised: the field's type may hold a mistake of its own.
            self._note(
                ParseError(
                    finding.code,
                    finding.message,
                    start,
                    expected=finding.expected,
                    remedy=finding.remedy,
                )
            )

    def _recover(self, start: int) -> None:
        """Go on behind the field that began at `start`: at its comma, the arrow or the end."""
        texts, depth, index = self.texts, 0, start
        while texts[index] not in ("->", END):
            word = texts[index]
            if word == "," and depth <= 0 and index > start:
                break
            depth += (word in ("[", "(")) - (word in ("]", ")"))
            index += 1
        self.types.index = index

    def _note(self, error: ParseError) -> None:
        self.diagnostics.append(error.diagnostic(self.tokens))
        if len(self.diagnostics) == MAX_FINDINGS:
            raise SignatureError(*self.diagnostics)
