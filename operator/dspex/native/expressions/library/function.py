"""What a function of the library is."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dspex.errors import NativeError
from dspex.native.expressions.convert import ConversionError, Meter

if TYPE_CHECKING:
    from cel_expr_python import cel


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function beside CEL's own.

    Attributes:
        name: As people write it: `sum`, or with a namespace `json.encode`.
        overloads: For each form its parameters' types, that of a method's receiver first, and its
            result's, as CEL's configuration spells them: `list<~A>` is a list of any one type.
        run: What it does to plain values; a ValueError's text is the error that a person sees.
        takes: What it can be applied to, as a remedy.
    """

    name: str
    overloads: tuple[tuple[tuple[str, ...], str], ...]
    run: Callable[..., Any]
    takes: str

    @property
    def namespace(self) -> str:
        """What stands before its name; empty for a method."""
        return self.name.rpartition(".")[0]

    @property
    def internal(self) -> str:
        """The name that CEL knows."""
        return "_" + self.name.replace(".", "_")

    def checked(self) -> dict[str, Any]:
        """Return its entry in CEL's configuration."""
        overloads = []
        for index, (parameters, result) in enumerate(self.overloads):
            receiver = "" if self.namespace else f"{parameters[0]}."
            arguments = ",".join(parameters if self.namespace else parameters[1:])
            signature = f"{receiver}{self.internal}({arguments})"
            overload = {"id": f"{self.internal}_{index}", "signature": signature, "return": result}
            overloads.append(overload)
        return {"name": self.internal, "overloads": overloads}

    def running(self) -> "cel.FunctionDecl":
        """Return its declaration with its implementation, by the kinds of values that it takes."""
        from cel_expr_python import cel

        kinds = {
            kinds: None
            for parameters, _ in self.overloads
            for kinds in itertools.product(*map(_kinds, parameters))
        }
        overloads = [
            cel.Overload(
                f"{self.internal}_{index}",
                return_type=cel.Type.DYN,
                parameters=[getattr(cel.Type, kind) for kind in names],
                is_member=not self.namespace,
                impl=_guarded(self.run),
            )
            for index, names in enumerate(kinds)
        ]
        return cel.FunctionDecl(self.internal, overloads)


_ALL_KINDS = (
    "LIST", "MAP", "STRING", "INT", "UINT", "DOUBLE", "BOOL", "BYTES", "NULL", "TIMESTAMP",
    "DURATION",
)  # fmt: skip


def _kinds(type_name: str) -> tuple[str, ...]:
    """Return what a value of a type may be when it runs, where items have no type."""
    if type_name == "dyn":
        return _ALL_KINDS
    return (type_name.partition("<")[0].upper(),)


class _Running(threading.local):
    """The evaluation that runs in this thread: its bounds, why it is at an end, what is kept."""

    meter: Meter
    check_time: Callable[[], None]
    spent: str
    kept: list[Any]


_RUNNING = _Running()


def bound(meter: Meter, check_time: Callable[[], None]) -> None:
    """Let the functions of the evaluation that is about to run keep to its bounds.

    Args:
        meter: Counts what they make.
        check_time: Raises NativeError where the evaluation has taken too long.
    """
    _RUNNING.meter = meter
    _RUNNING.check_time = check_time


def begin_calls() -> list[Any]:
    """Make ready for one run of a program that calls functions.

    CEL's Python binding (0.1.3) never lets go of what a function takes and returns. It all comes
    into the list that is returned, for `end_calls`.
    """
    _RUNNING.spent = ""
    kept: list[Any] = []
    _RUNNING.kept = kept
    return kept


def end_calls(kept: list[Any]) -> None:
    """Empty lists and maps, of which CEL's result is a copy; a text can't be emptied."""
    for value in kept:
        if type(value) is list or type(value) is dict:
            value.clear()


def _guarded(run: Callable[..., Any]) -> Callable[..., Any]:
    """Bound what a function makes, so that many of them can't take all memory or time.

    CEL goes on with the other items of a list when one has failed, so what is past its bounds
    fails at once when it is called again.
    """

    def call(*arguments: Any) -> Any:
        running = _RUNNING
        running.kept += arguments
        failed = running.spent
        if not failed:
            try:
                running.check_time()
                result = run(*arguments)
                _account(result, running.meter)
                running.kept.append(result)
                return result
            except (ConversionError, NativeError) as error:
                failed = running.spent = getattr(error, "message", str(error))
            except ValueError as error:
                failed = str(error)
        raise ValueError(failed)

    return call


def _account(value: Any, meter: Meter) -> None:
    """Count a value with all that it holds; raise ConversionError for what CEL would cut."""
    pending = [value]
    while pending:
        current = pending.pop()
        kind = type(current)
        if kind is list:
            meter.add()
            pending.extend(current)
        elif kind is dict:
            meter.add()
            pending.extend(current)
            pending.extend(current.values())
        elif kind is str:
            if "\0" in current:
                raise ConversionError(
                    "a text holds the character U+0000, where it would be cut off"
                )
            meter.add(len(current))
        else:
            meter.add()
