"""CEL itself: environments, compiled programs, and what it says when it fails."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dspex.errors import Diagnostic, ExpressionError, NativeError, Reason, nearest
from dspex.native.expressions.celtypes import shown, to_cel
from dspex.native.expressions.library import (
    INTERNAL,
    METHODS,
    NAMESPACED,
    SUM,
    SUM_FLOAT,
    SUM_WHOLE,
    Function,
    begin_calls,
    checked,
    end_calls,
    running,
)
from dspex.native.expressions.rewrite import Rewritten

if TYPE_CHECKING:
    from cel_expr_python import cel

_UNBOUND = re.compile(r'No value with name "(_v\d+)" found in Activation')
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_OVERLOAD = re.compile(r"found no matching overload for '(.+)' applied to '(.*)'")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_CALLED = re.compile(r"\w+$")
_WORD = re.compile(r"\w+|[^\w\s]{1,2}")
_SELECT = re.compile(r"expression of type '(.+)' cannot be the operand of a select")
_RANGE = re.compile(r"expression of type '(.+)' cannot be the range of a comprehension")
_INTERNAL = re.compile(rf"\b(?:{'|'.join(INTERNAL)})(?=\()")
_STATUS = re.compile(r"^[A-Z_]+: ")

FUNCTIONS = (
    "size", "matches", "contains", "startsWith", "endsWith", "string", "int", "double", "bool",
    "bytes", "uint", "dyn", "type", "timestamp", "duration", "getFullYear", "getMonth", "getDate",
    "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds",
    "getMilliseconds", "has", "all", "exists", "exists_one", "map", "filter", "coalesce",
    "present", "charAt", "indexOf", "lastIndexOf", "lowerAscii", "upperAscii", "replace", "split",
    "substring", "trim", "join", "reverse", "format", "quote", "greatest", "least", "ceil",
    "floor", "round", "trunc", "abs", "sign", "sqrt", "isNaN", "isInf", "isFinite", "encode",
    "decode", *METHODS, *NAMESPACED,
)  # fmt: skip
"""What may be called, for suggestions."""


class Unbound(Exception):  # noqa: N818 - not an error: the caller decides what it means
    """The program read a slot that has no value; `args[0]` is the slot's name."""


class TooManyIterations(NativeError):  # noqa: N818 - said as CEL says it
    """CEL's own loops went past its budget."""


class Program:
    """A compiled expression.

    Attributes:
        type_name: CEL's name for the type of its result.
    """

    __slots__ = ("_error", "_expression", "type_name")

    def __init__(self, expression: "cel.Expression", type_name: str) -> None:
        from cel_expr_python import cel

        self._expression = expression
        self._error = cel.Type.ERROR
        self.type_name = type_name

    def run(self, slots: Mapping[str, Any]) -> Any:
        """Evaluate and return CEL's plain value.

        Raises:
            Unbound: A slot without a value was read.
            NativeError: The evaluation failed.
        """
        try:
            result = self._expression.eval(data=slots)
            value = result.plain_value()
            # An error comes as a value too: its text.
            if type(value) is not str or result.type() != self._error:
                return value
            message = value
        except RuntimeError as error:
            message = str(error)
        except TypeError:
            message = "the result is of a type that is no value of a field"
        unbound = _UNBOUND.search(message)
        if unbound is not None:
            raise Unbound(unbound.group(1))
        if "Iteration budget" in message:
            raise TooManyIterations(
                Reason.EXPRESSION_FAILED,
                "the expression loops over more than 10,000 items; use a transform step or forEach",
            )
        raise NativeError(Reason.EXPRESSION_FAILED, _plain(message))


class LibraryProgram(Program):
    """A compiled expression that calls functions of the library."""

    __slots__ = ()

    def run(self, slots: Mapping[str, Any]) -> Any:
        """Evaluate and return CEL's plain value; raises what `Program.run` raises."""
        kept = begin_calls()
        try:
            return super().run(slots)
        finally:
            end_calls(kept)


def compile_program(rewritten: Rewritten) -> Program:
    """Compile a rewritten expression.

    Raises:
        ExpressionError: With the caret in the person's own source.
    """
    slot_types = tuple(slot.type_name for slot in rewritten.slots)
    environment = _environment(slot_types, len(rewritten.tested), library=rewritten.library)
    try:
        expression = environment.compile(rewritten.text)
        type_name: str = expression.return_type().name()
        if rewritten.library:
            text = _exact_sums(rewritten, environment)
            runner = _runner(slot_types, len(rewritten.tested))
            return LibraryProgram(runner.compile(text), type_name)
        return Program(expression, type_name)
    except RuntimeError as error:
        raise ExpressionError(_diagnostic(str(error), rewritten)) from None


@lru_cache(maxsize=256)
def _environment(slot_types: tuple[str, ...], tested: int, *, library: bool) -> "cel.Env":
    """Make an environment, once for all expressions with the same types in the same order.

    One costs a millisecond and 0.2 MB: a pipeline of thousands of expressions needs to share them.
    The library is declared, with its types, for those that use it alone.
    """
    from cel_expr_python import cel

    config = _configuration() if library else None
    variables = _variables(slot_types, tested)
    return cel.NewEnv(config=config, variables=variables, extensions=_extensions())


@lru_cache(maxsize=256)
def _runner(slot_types: tuple[str, ...], tested: int) -> "cel.Env":
    """Make an environment that runs what one with the library has checked.

    Here the functions take and return values without types, which all that was checked satisfies.
    """
    from cel_expr_python import cel

    variables = _variables(slot_types, tested)
    return cel.NewEnv(variables=variables, extensions=_extensions(), functions=running())


@lru_cache(maxsize=1)
def _configuration() -> "cel.EnvConfig":
    from cel_expr_python import cel

    return cel.NewEnvConfigFromYaml(checked())


def _variables(slot_types: tuple[str, ...], tested: int) -> dict[str, "cel.Type"]:
    from cel_expr_python import cel

    variables = {f"_v{index}": to_cel(name) for index, name in enumerate(slot_types)}
    variables.update({f"_p{index}": cel.Type.BOOL for index in range(tested)})
    return variables


def _extensions() -> list["cel.CelExtensionBase"]:
    from cel_expr_python.ext import ext_encoders, ext_math, ext_strings

    return [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_encoders.ExtEncoders()]


def _exact_sums(rewritten: Rewritten, environment: "cel.Env") -> str:
    """Return the text with its sums of floats told apart from those of integers."""
    text = rewritten.text
    for place in reversed(rewritten.sums):
        before, after = text[:place], text[place + len(SUM.internal) :]
        try:
            environment.compile(f"{before}{SUM_WHOLE.internal}{after}")
        except RuntimeError:
            text = f"{before}{SUM_FLOAT.internal}{after}"
    return text


def _diagnostic(text: str, rewritten: Rewritten) -> Diagnostic:
    """Turn CEL's words into ours, with the caret in what the person wrote."""
    match = _ERROR.search(text)
    if match is None or int(match.group(1)) < 1:
        message = match.group(3) if match else _plain(text.splitlines()[0] if text else "")
        if "recursion" in text:
            message = "the expression is too long a chain or nested too deep"
        return Diagnostic(
            code="ExpressionTooDeep" if "recursion" in text else "WrongExpression",
            message=message,
            remedy="split it over several steps" if "recursion" in text else None,
            source=rewritten.source,
            start=0,
            end=len(rewritten.source),
        )
    line, column, words = int(match.group(1)), int(match.group(2)), match.group(3).strip()
    offset = _offset(rewritten.text, line, column)
    start = rewritten.position(offset)
    start, end = _word(rewritten.source, start)
    return _explained(words, rewritten.source, start, end)


def _explained(words: str, source: str, start: int, end: int) -> Diagnostic:
    if overload := _OVERLOAD.search(words):
        return _wrong_types(overload.group(1), overload.group(2), source, start, end)
    if undeclared := _UNDECLARED.search(words):
        name = undeclared.group(1)
        near = nearest(name, FUNCTIONS)
        return Diagnostic(
            code="UnknownFunction",
            message=f"unknown function '{name}'",
            remedy=f"did you mean '{near}'?" if near else None,
            source=source,
            start=start,
            end=end,
        )
    if select := _SELECT.search(words):
        words = f"a value of type {shown(_canonical(select.group(1)))} has no fields"
    elif range_ := _RANGE.search(words):
        words = f"a loop needs a list or a map, not {shown(_canonical(range_.group(1)))}"
    return Diagnostic(code="WrongExpression", message=words, source=source, start=start, end=end)


def _wrong_types(function: str, applied: str, source: str, start: int, end: int) -> Diagnostic:
    operands = [shown(_canonical(name)) for name in _arguments(applied)]
    if function == "_?_:_":
        if operands[0] not in ("bool", "Any"):
            message = f"a condition must be bool, not {operands[0]}"
        else:
            message = f"the values have different types: {operands[1]} and {operands[2]}"
            operands = operands[1:]
    elif function in INTERNAL:
        return _misapplied(INTERNAL[function], operands, source, start, end)
    elif function.startswith("_") or function.endswith("_"):
        operator = function.replace("_", " ").strip()
        message = f"'{operator}' can't be applied to {' and '.join(operands)}"
    else:
        message = f"{function} can't be applied to ({', '.join(operands)})"
    return Diagnostic(
        code="WrongType",
        message=message,
        remedy=_type_remedy(operands),
        source=source,
        start=start,
        end=end,
    )


def _misapplied(
    function: Function, operands: list[str], source: str, start: int, end: int
) -> Diagnostic:
    """Say that a function of the library does not take these types."""
    if function.namespace:
        applied = f"({', '.join(operands)})"
    else:
        arguments = f" with ({', '.join(operands[1:])})" if len(operands) > 1 else ""
        applied = f"{operands[0]}{arguments}"
    return Diagnostic(
        code="WrongType",
        message=f"{function.name} can't be applied to {applied}",
        remedy=function.takes,
        source=source,
        start=start,
        end=end,
    )


def _type_remedy(operands: list[str]) -> str | None:
    kinds = set(operands)
    if kinds == {"int", "float"}:
        return "CEL does not mix int and float: write 1.0 for 1, or double(x)"
    if "str" in kinds and kinds & {"int", "float", "bool"}:
        return "convert one of them: string(x), int(x) or double(x)"
    if "None" in kinds:
        return "ask with present(x), or give a default with coalesce(x, default)"
    return None


def _arguments(applied: str) -> list[str]:
    """Split `(list(int), string)` or `string.(int)` into its types."""
    receiver, dot, rest = applied.partition(".(")
    text = f"{receiver}, {rest[:-1]}" if dot else applied[1:-1]
    arguments, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            arguments.append(text[start:index].strip())
            start = index + 1
    arguments.append(text[start:].strip())
    return [argument for argument in arguments if argument]


def _canonical(name: str) -> str:
    """Turn the checker's spelling of a type, `list(int)`, into the printed one, `LIST<INT>`."""
    return (
        name.upper()
        .replace("(", "<")
        .replace(")", ">")
        .replace("NULL_TYPE", "NULL")
        .replace("GOOGLE.PROTOBUF.", "")
    )


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


def _word(source: str, start: int) -> tuple[int, int]:
    """Widen a place to its word or operator; CEL points a call at its bracket."""
    if source[start : start + 1] == "(" and (name := _CALLED.search(source, 0, start)):
        return name.start(), name.end()
    match = _WORD.match(source, start)
    return start, match.end() if match else start + 1


def _plain(message: str) -> str:
    """Leave out the status names that CEL puts around a message, and its inner names."""
    if "<jump_condition>" in message:
        return "a condition is neither true nor false"
    if "Non-CEL value type for 'Python function" in message:
        return (
            "a function that DSPex adds to CEL gives no timestamp and no duration back; make texts "
            "of them by string(x)"
        )
    message = message.replace("No matching overloads found : ", "no such operation: ")
    for internal in _INTERNAL.findall(message):
        message = message.replace(f"{internal}(", f"{INTERNAL[internal].name}(")
    return re.sub(r" \[[A-Z_]+\]$", "", _STATUS.sub("", message)).strip()
