"""The parser of types: Python's annotation syntax as DSPy reads it, without importing anything."""

from functools import lru_cache
from typing import Final, TypeAlias

from dspex.errors import SignatureError, nearest
from dspex.native.signatures.literals import (
    INT64_MAX,
    LiteralError,
    read_integer,
    read_string,
)
from dspex.native.signatures.parse_error import ParseError
from dspex.native.signatures.tokens import END, Tokens, is_name, is_number, is_string, tokenize
from dspex.native.signatures.type_names import BARE, GENERIC, INSTEAD, Generic
from dspex.native.types import (
    DictOf,
    ListOf,
    LiteralOf,
    SetOf,
    TupleOf,
    Type,
    optional,
    union,
)

MAX_DEPTH: Final = 32
"""Brackets and parentheses that may be open at once."""

_CLOSING: Final = {"[": "]", "(": ")"}
_BUILTIN_TYPES: Final = (
    "str",
    "int",
    "float",
    "bool",
    "bytes",
    "Any",
    "object",
    "date",
    "datetime",
    "list",
    "dict",
    "set",
    "tuple",
    "Optional",
    "Union",
    "Literal",
    "Image",
    "Audio",
    "File",
    "History",
    "Tool",
)

Constant: TypeAlias = str | int | bool | None


@lru_cache(maxsize=4096)
def parse_type(text: str) -> Type:
    """Return the type that a text such as `list[str] | None` spells; memoised.

    Raises:
        SignatureError: It spells none; with the place of the mistake.
    """
    tokens = tokenize(text)
    parser = TypeParser(tokens)
    try:
        type_ = parser.type()
        if tokens.texts[parser.index] != END:
            raise parser.unexpected(expected="the end of the type")
    except ParseError as error:
        raise SignatureError(error.diagnostic(tokens)) from None
    return type_


class TypeParser:
    """Reads types from a list of tokens, from `index` on; `index` ends behind what was read."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.texts = tokens.texts
        self.index = 0
        self.depth = 0

    def type(self) -> Type:
        """Read a type, unions included.

        Raises:
            ParseError: There is no type, or one that is refused.
        """
        texts = self.texts
        first = self._atom()
        if texts[self.index] != "|":
            return first
        options = [first]
        while texts[self.index] == "|":
            self.index += 1
            options.append(self._atom())
        return union(*options)

    def _atom(self) -> Type:
        texts, start = self.texts, self.index
        name = texts[start]
        if texts[start + 1] == "." and is_name(name):
            name = self._dotted()
        known = BARE.get(name)
        if known is None and name not in GENERIC:
            return self._group() if name == "(" else self._no_type(name, start)
        self.index += 1
        if texts[self.index] != "[":
            return known if known is not None else self._naked(name, start)
        generic = GENERIC.get(name)
        if generic is None:
            raise ParseError(
                "NotGeneric", f"{name} takes no brackets", start, self.index, remedy=f"write {name}"
            )
        return self._generic(generic, start)

    def _dotted(self) -> str:
        """Read all of a dotted name but its last word, and return the whole."""
        parts = [self.texts[self.index]]
        while self.texts[self.index + 1] == ".":
            part = self.texts[self.index + 2]
            if not is_name(part):
                raise ParseError(
                    "UnexpectedToken", "A name must follow the dot", self.index, self.index + 1
                )
            parts.append(part)
            self.index += 2
        return ".".join(parts)

    def _group(self) -> Type:
        opening = self._open()
        if self.texts[self.index] == ")":
            raise ParseError(
                "MissingType", "There is no type in the parentheses", opening, self.index
            )
        inner = self.type()
        if self.texts[self.index] == ",":
            raise ParseError(
                "UnexpectedToken",
                "Types in parentheses are no type",
                self.index,
                remedy="write tuple[…] for a tuple, or | between alternatives",
            )
        self._close(opening)
        return inner

    def _generic(self, generic: Generic, start: int) -> Type:
        if generic == "Literal":
            return LiteralOf(tuple(self._constants(start)))
        items, variadic = self._arguments(start)
        last = self.index - 1
        if variadic and generic != "tuple":
            raise ParseError("UnexpectedToken", f"{generic} takes no ...", start, last)
        match generic:
            case "tuple":
                if variadic and len(items) != 1:
                    raise ParseError(
                        "WrongArguments",
                        "A tuple of any length has one type before the ...",
                        start,
                        last,
                        expected="tuple[type, ...]",
                    )
                return TupleOf(tuple(items), variadic=variadic)
            case "Union" if items:
                return union(*items)
            case "dict" if len(items) == 2:
                return DictOf(items[0], items[1])
            case "list" if len(items) == 1:
                return ListOf(items[0])
            case "set" if len(items) == 1:
                return SetOf(items[0])
            case "Optional" if len(items) == 1:
                return optional(items[0])
        raise ParseError(
            "WrongArguments",
            f"{generic} takes {_ARITY[generic]}, not {len(items)}",
            start,
            last,
            expected=_USAGE[generic],
        )

    def _arguments(self, start: int) -> tuple[list[Type], bool]:
        """Read `[a, b, …]`; say also whether it ended in an ellipsis."""
        opening = self._open()
        inner = self._open() if self._wraps_tuple() else None
        end = "]" if inner is None else ")"
        texts = self.texts
        items: list[Type] = []
        variadic = False
        if texts[self.index] == "]":
            raise ParseError("MissingType", "There is no type in the brackets", start, self.index)
        while texts[self.index] != end:
            if variadic:
                raise ParseError("UnexpectedToken", "Nothing may follow the ...", self.index)
            if texts[self.index] == "...":
                variadic = True
                self.index += 1
            else:
                items.append(self.type())
            if texts[self.index] != ",":
                break
            self.index += 1
        if inner is not None:
            self._close(inner)
        self._close(opening)
        return items, variadic

    def _wraps_tuple(self) -> bool:
        """Say whether a parenthesis opens here that wraps all arguments, as in `dict[(a, b)]`."""
        texts, index = self.texts, self.index
        if texts[index] != "(":
            return False
        depth, commas = 0, texts[index + 1] == ")"
        while texts[index] != END:
            word = texts[index]
            if word in "([":
                depth += 1
            elif word in ")]":
                depth -= 1
                if depth == 0:
                    return commas and texts[index + 1] == "]"
            elif word == "," and depth == 1:
                commas = True
            index += 1
        return False

    def _constants(self, start: int) -> list[Constant]:
        """Read `['a', 1, …]` behind Literal, without duplicates."""
        opening = self._open()
        inner = self._open() if self._wraps_tuple() else None
        end = "]" if inner is None else ")"
        values: dict[tuple[type, Constant], Constant] = {}
        while self.texts[self.index] != end:
            for value in self._constant():
                values[type(value), value] = value
            if self.texts[self.index] != ",":
                break
            self.index += 1
        if inner is not None:
            self._close(inner)
        self._close(opening)
        if not values:
            raise ParseError(
                "MissingType", "Literal needs at least one constant", start, self.index - 1
            )
        return list(values.values())

    def _constant(self) -> list[Constant]:
        start = self.index
        word = self.texts[start]
        if is_string(word):
            return [self._text()]
        if is_number(word) or word == "-":
            return [self._number()]
        if word in _CONSTANT_WORDS:
            self.index += 1
            return [_CONSTANT_WORDS[word]]
        if word == "(":
            opening = self._open()
            values = self._constant()
            self._close(opening)
            return values
        if is_name(word):
            name = self._dotted() if self.texts[start + 1] == "." else word
            if GENERIC.get(name) == "Literal" and self.texts[self.index + 1] == "[":
                self.index += 1
                return self._constants(start)
            raise ParseError(
                "NotConstant",
                f"{name} is no constant",
                start,
                self.index,
                remedy=f"write it in quotes: '{name}'",
            )
        if word in ("'", '"'):
            raise self._unterminated(start)
        raise ParseError(
            "NotConstant",
            "A constant is missing here",
            start,
            expected="a string in quotes, an integer, True, False or None",
        )

    def _text(self) -> str:
        parts = []
        while is_string(self.texts[self.index]):
            try:
                parts.append(read_string(self.texts[self.index]))
            except LiteralError as error:
                raise ParseError(
                    "NotConstant",
                    f"This can't be in a Literal: {error}",
                    self.index,
                    expected="a string in quotes, an integer, True, False or None",
                ) from None
            self.index += 1
        return "".join(parts)

    def _number(self) -> int:
        start = self.index
        negative = self.texts[start] == "-"
        self.index += negative
        try:
            value = read_integer(self.texts[self.index])
            if value > INT64_MAX and not negative:
                raise LiteralError("the integer does not fit 64 bits")
        except LiteralError as error:
            raise ParseError(
                "NotConstant",
                f"This can't be in a Literal: {error}",
                start,
                self.index,
                expected="a string in quotes, an integer, True, False or None",
            ) from None
        self.index += 1
        return -value if negative else value

    def _open(self) -> int:
        opening = self.index
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError(
                "TooDeep",
                f"More than {MAX_DEPTH} brackets are open here",
                opening,
                remedy="use object with a schema for a value of this shape",
            )
        self.index += 1
        return opening

    def _close(self, opening: int) -> None:
        closing = _CLOSING[self.texts[opening]]
        word = self.texts[self.index]
        if word != closing:
            if word in (END, "->"):
                raise ParseError(
                    "NotClosed",
                    f"The {self.texts[opening]!r} is never closed",
                    opening,
                    remedy=f"add the missing {closing!r}",
                )
            raise self.unexpected(expected=f"{closing!r} or ','")
        self.depth -= 1
        self.index += 1

    def _naked(self, name: str, start: int) -> Type:
        usage = _USAGE[GENERIC[name]]
        raise ParseError("WrongArguments", f"{name} needs brackets", start, expected=usage)

    def _no_type(self, name: str, start: int) -> Type:
        if is_string(name):
            raise ParseError(
                "UnknownType",
                "A type in quotes would have to be evaluated",
                start,
                remedy="take off the quotes, or write Literal[…] for a constant",
            )
        if name in ("'", '"'):
            raise self._unterminated(start)
        if not is_name(self.texts[start]):
            raise ParseError(
                "MissingType",
                "A type is missing here",
                start,
                expected="a type such as str, list[int] or Literal['a', 'b']",
            )
        raise ParseError(
            "UnknownType", f"{name} is no type", start, self.index, remedy=_remedy_for(name)
        )

    def _unterminated(self, start: int) -> ParseError:
        return ParseError(
            "NotClosed", "The string is never closed", start, remedy="add the closing quote"
        )

    def unexpected(self, *, expected: str) -> ParseError:
        """Return the finding that the word here is not what may stand here."""
        word = self.texts[self.index]
        if word in _DROPPED:
            code, message, remedy = _DROPPED[word]
            return ParseError(code, message, self.index, expected=expected, remedy=remedy)
        message = "The text ends too early" if word == END else f"{word!r} can't stand here"
        return ParseError("UnexpectedToken", message, self.index, expected=expected)


_CONSTANT_WORDS: Final[dict[str, Constant]] = {"True": True, "False": False, "None": None}

_ARITY: Final[dict[Generic, str]] = {
    "list": "one type",
    "set": "one type",
    "dict": "two types",
    "Optional": "one type",
    "Union": "at least one type",
}
_USAGE: Final[dict[Generic, str]] = {
    "list": "list[type]",
    "set": "set[type]",
    "dict": "dict[key type, value type]",
    "tuple": "tuple[type, type] or tuple[type, ...]",
    "Optional": "Optional[type]",
    "Union": "Union[type, type]",
    "Literal": "Literal['a', 'b']",
}

_DROPPED: Final[dict[str, tuple[str, str, str | None]]] = {
    "=": (
        "DefaultDropped",
        "A signature string can't hold a default: DSPy drops it silently",
        "write the field in inputs or outputs instead of the string, with its default there",
    ),
    "#": (
        "CommentDropped",
        "A signature string can't hold a comment: DSPy drops it silently",
        "write it as the field's description in the fields list",
    ),
    "*": ("StarDropped", "DSPy drops * and what follows it silently", "take it out"),
    "/": ("SlashDropped", "DSPy drops what stands before / silently", "take it out"),
}


def _remedy_for(name: str) -> str:
    last = name.rpartition(".")[2]
    if last in INSTEAD:
        return INSTEAD[last]
    if "." in name and last in BARE:
        return f"write {last}"
    near = nearest(last, _BUILTIN_TYPES) or nearest(last.lower(), _BUILTIN_TYPES)
    # A dotted name means a class of some other package, and no spelling mistake.
    if near is not None and ("." not in name or name.startswith("dspy.")):
        return f"write {near}"
    return "use one of " + ", ".join(_BUILTIN_TYPES) + "; DSPy would import others by name"
