"""Compiles and renders one template."""

import re
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import minijinja

from dspex.errors import Diagnostic, NativeError, Reason, TemplateError, nearest
from dspex.native.templates.filters import FILTERS, FilterLimitError
from dspex.native.templates.tags import longest_text, tags
from dspex.native.templates.values import read_only

MAX_SOURCE = 64 * 1024
"""Bytes of UTF-8 that a template's source may have."""

MAX_OUTPUT = 1024 * 1024
"""Characters that a rendered template may have."""

MAX_FUEL = 500_000
"""Instructions of minijinja that one rendering may take; a loop's turn takes three and more."""

MIN_FUEL = 20_000

_MAX_LITERAL = 128 * 1024 * 1024
"""Characters of literal text that loops may write before the output's bound is looked at."""

_REFUSED = {"include", "import", "from", "extends"}
_GLOBALS = ("cycler", "dict", "joiner", "namespace", "range")
_QUOTED = re.compile(r"`([^`]+)`")
_NAME = "template"
_MAX_LISTED = 20


class Template:
    """A compiled template. Immutable, safe to render from several threads.

    Attributes:
        source: Its source.
        variables: The names that it uses and does not set itself, as far as minijinja finds them:
            it misses the base of a slice and what a filter block is given.
        words: Every word in its tags; a name that is not among them is not used for certain.
    """

    __slots__ = ("_environment", "source", "variables", "words")

    def __init__(self, source: str, environment: minijinja.Environment) -> None:
        self.source = source
        self._environment = environment
        used = environment.undeclared_variables_in_template(_NAME)
        self.variables = frozenset(used) - set(_GLOBALS)
        self.words = frozenset(word for tag in tags(source) for word in tag.words())

    def render(self, values: Mapping[str, Any]) -> str:
        """Render the template with values in wire form.

        Values are data: what looks like a tag in one of them is printed as it stands.

        Raises:
            NativeError: `TemplateFailed` with the line, for an undefined name with the names that
                are in scope; `TemplateLimitExceeded` past the fuel or the output's size.
        """
        _written.count = 0
        context = {name: read_only(value) for name, value in values.items() if name in self.words}
        try:
            text = self._environment.render_template(_NAME, **context)
        except minijinja.TemplateError as error:
            raise self._failed(error, values) from None
        except (_OutputTooLargeError, FilterLimitError) as error:
            raise NativeError(Reason.TEMPLATE_LIMIT_EXCEEDED, str(error)) from None
        except Exception as error:  # noqa: BLE001 - a filter or a method of a value failed
            raise NativeError(Reason.TEMPLATE_FAILED, f"{type(error).__name__}: {error}") from None
        if len(text) > MAX_OUTPUT:
            raise NativeError(Reason.TEMPLATE_LIMIT_EXCEEDED, str(_OutputTooLargeError()))
        return text

    def _failed(self, error: minijinja.TemplateError, values: Mapping[str, Any]) -> NativeError:
        line = f"line {error.line}: " if error.line is not None else ""
        if error.kind == "OutOfFuel":
            return NativeError(
                Reason.TEMPLATE_LIMIT_EXCEEDED,
                f"{line}the template takes more steps than it may: a loop is too long",
            )
        detail = error.detail or error.message
        if error.kind == "UndefinedError" or "is undefined" in detail:
            return NativeError(Reason.TEMPLATE_FAILED, line + _undefined(detail, values))
        return NativeError(Reason.TEMPLATE_FAILED, line + detail)


@lru_cache(maxsize=512)
def compile_template(source: str) -> Template:
    """Compile a template's source; compiled once and cached.

    Raises:
        TemplateError: Wrong syntax, an unknown filter or test, a tag that would load another
            template, a `$(`, or more than 64 KiB; with line and caret.
    """
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > MAX_SOURCE:
        raise TemplateError(
            Diagnostic(
                code="TemplateTooLong",
                message=f"the template has {size} bytes, the bound is {MAX_SOURCE}",
                remedy="move fixed text into an input, or split the template over steps",
            )
        )
    _refuse_expression(source)
    environment = _new_environment(source)
    try:
        environment.add_template(_NAME, source)
    except minijinja.TemplateError as error:
        raise TemplateError(_syntax_error(source, error)) from None
    findings = list(_findings(source, environment))
    if findings:
        raise TemplateError(*findings)
    return Template(source, environment)


def _new_environment(source: str) -> minijinja.Environment:
    fuel = min(MAX_FUEL, max(MIN_FUEL, _MAX_LITERAL // longest_text(source)))
    environment = minijinja.Environment(
        fuel=fuel,
        undefined_behavior="strict",
        auto_escape_callback=_no_escape,
        finalizer=_count,
        filters=FILTERS,
        pycompat=False,
    )
    environment.remove_global("debug")  # prints the whole environment
    return environment


def _no_escape(_: str) -> bool:
    return False


class _OutputTooLargeError(Exception):
    def __str__(self) -> str:
        return f"the output has more than {MAX_OUTPUT} characters"


class _Written(threading.local):
    """Characters that the rendering in this thread has printed so far."""

    count = 0


_written = _Written()


def _count(value: Any) -> Any:
    """Count what is printed, so that a rendering ends when it is too much and not after it."""
    if isinstance(value, str):
        _written.count += len(value)
    elif isinstance(value, dict | list | tuple):
        _written.count += len(str(value))
    if _written.count > MAX_OUTPUT:
        raise _OutputTooLargeError
    return NotImplemented


def _refuse_expression(source: str) -> None:
    position = source.find("$(")
    if position < 0:
        return
    raise TemplateError(
        Diagnostic(
            code="ExpressionInTemplate",
            message=f"line {_line(source, position)}: a template can't hold '$('",
            remedy="give the value under the step's inputs, and write {{ name }} in the template",
            source=source,
            start=position,
            end=position + 2,
        )
    )


def _findings(source: str, environment: minijinja.Environment) -> Iterable[Diagnostic]:
    """Find what minijinja itself would only find when it renders."""
    for tag in tags(source):
        if tag.statement in _REFUSED:
            yield Diagnostic(
                code="TagRefused",
                message=(
                    f"line {_line(source, tag.start)}: '{tag.statement}' would load another "
                    "template, and there is none"
                ),
                remedy="write it in this template; a macro may stand in the same source",
                source=source,
                start=tag.start,
                end=tag.start + len(tag.text),
            )
        for name, start in tag.filters():
            if not _knows(environment, f"0|{name}", "UnknownFilter"):
                yield _unknown("filter", name, start, source)
        for name, start in tag.tests():
            if not _knows(environment, f"0 is {name}", "UnknownTest"):
                yield _unknown("test", name, start, source)


def _knows(environment: minijinja.Environment, expression: str, kind: str) -> bool:
    """Ask minijinja whether it has a filter or a test; what it says to a zero does not matter."""
    try:
        environment.eval_expr(expression)
    except minijinja.TemplateError as error:
        return error.kind != kind
    except Exception:  # noqa: BLE001 - a filter of ours that takes more arguments
        return True
    return True


def _unknown(what: str, name: str, start: int, source: str) -> Diagnostic:
    near = nearest(name, _FILTERS if what == "filter" else _TESTS)
    return Diagnostic(
        code=f"Unknown{what.capitalize()}",
        message=f"line {_line(source, start)}: unknown {what} '{name}'",
        remedy=f"did you mean '{near}'?" if near else None,
        source=source,
        start=start,
        end=start + len(name),
    )


def _syntax_error(source: str, error: minijinja.TemplateError) -> Diagnostic:
    start = end = None
    if error.range is not None:
        # minijinja counts bytes.
        encoded = source.encode("utf-8", "surrogatepass")
        start, end = (len(encoded[:at].decode("utf-8", "ignore")) for at in error.range)
    line = f"line {error.line}: " if error.line is not None else ""
    return Diagnostic(
        code="TemplateSyntax",
        message=line + (error.detail or error.message),
        source=source if start is not None else None,
        start=start,
        end=end,
    )


def _undefined(detail: str, values: Mapping[str, Any]) -> str:
    """Say which name is undefined, what it may have meant, and which there are."""
    match = _QUOTED.search(detail)
    if match is None:
        return detail
    path = match.group(1)
    parts = [part.rstrip("]").strip("'\"") for part in re.split(r"[.\[]", path)]
    current: Any = values
    for part in parts:
        if not isinstance(current, Mapping) or part not in current:
            names = current if isinstance(current, Mapping) else ()
            return f"'{path}' is undefined{_hints(part, names)}"
        current = current[part]
    return f"'{path}' is undefined"


def _hints(name: str, known: Iterable[str]) -> str:
    names = sorted(str(one) for one in known)
    near = nearest(name, names)
    hint = f"; did you mean '{near}'?" if near else ""
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    listed = ", ".join(names[:_MAX_LISTED]) or "nothing"
    return f"{hint}; in scope: {listed}{more}"


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


_FILTERS = (
    "abs", "attr", "batch", "bool", "capitalize", "default", "dictsort", "escape", "first", "float",
    "format", "groupby", "indent", "int", "items", "join", "last", "length", "lines", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe",
    "select", "selectattr", "slice", "sort", "split", "string", "sum", "title", "tojson", "trim",
    "truncate", "unique", "upper", "urlencode",
)  # fmt: skip
_TESTS = (
    "defined", "undefined", "none", "true", "false", "string", "number", "integer", "float",
    "boolean", "mapping", "sequence", "iterable", "odd", "even", "divisibleby", "startingwith",
    "endingwith", "in", "eq", "ne", "lt", "le", "gt", "ge",
)  # fmt: skip
