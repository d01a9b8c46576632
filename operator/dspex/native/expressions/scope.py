"""The names that an expression may read, with their types."""

from collections.abc import Mapping
from dataclasses import dataclass

from dspex.errors import Diagnostic, nearest
from dspex.native import types
from dspex.native.expressions.syntax import Path

MAX_LISTED = 12
"""Names in scope that an error lists."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A name's type.

    Attributes:
        type: The type of its values. Of an optional type, None counts as absent and the type that
            expressions see is the one without None.
        may_be_absent: Whether it may have no value, as a skipped step's outputs.
    """

    type: types.Type
    may_be_absent: bool = False


class Scope:
    """The variables of an expression by dotted name: `inputs.message`, `steps.a.outputs.x`, `item`.

    Immutable. Making one costs nothing: names are only looked at when an expression reads them.
    """

    __slots__ = ("variables",)

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        self.variables = variables

    def resolve(self, path: Path) -> tuple[str, int] | None:
        """Find the variable that a path begins with, the longest name first, as CEL does.

        Returns:
            Its name and how many of the path's segments it has; None where there is none.
        """
        names = [segment.text for segment in path.segments]
        for count in range(len(names), 0, -1):
            name = ".".join(names[:count])
            if name in self.variables:
                return name, count
        return None

    def may_be_absent(self, name: str) -> bool:
        """Say whether reading the name may find no value."""
        variable = self.variables[name]
        return variable.may_be_absent or _optional(variable.type)

    def type(self, name: str) -> types.Type:
        """Return the type that an expression sees: the variable's, without None."""
        variable = self.variables[name]
        return types.without_none(variable.type) if _optional(variable.type) else variable.type

    def nullable(self, name: str) -> bool:
        """Say whether a value may be None."""
        return types.is_optional(self.variables[name].type)

    def unknown(self, path: Path, source: str) -> Diagnostic:
        """Say that a path names nothing: where it goes wrong, what is near, what is in scope."""
        names = [segment.text for segment in path.segments]
        known, siblings = self._known_part(names)
        wrong = path.segments[min(known, len(names) - 1)]
        shown = ".".join(names[: known + 1])
        if known == len(names):
            message = f"'{shown}' is no value by itself"
        else:
            message = f"unknown name '{shown}'"
        return Diagnostic(
            code="UnknownName",
            message=message,
            remedy=self._remedy(names, known, siblings),
            source=source,
            start=path.start if known == len(names) else wrong.start,
            end=wrong.end,
        )

    def _known_part(self, names: list[str]) -> tuple[int, dict[str, None]]:
        """Count the leading segments that some name has, and list what may follow them."""
        siblings = {name.split(".", 1)[0]: None for name in self.variables}
        for count, part in enumerate(names):
            if part not in siblings:
                return count, siblings
            prefix = ".".join(names[: count + 1]) + "."
            siblings = {
                name[len(prefix) :].split(".", 1)[0]: None
                for name in self.variables
                if name.startswith(prefix)
            }
        return len(names), siblings

    def _remedy(self, names: list[str], known: int, siblings: dict[str, None]) -> str:
        prefix = "".join(f"{name}." for name in names[:known])
        hints = []
        if known < len(names):
            near = nearest(names[known], siblings) or self._nearest_anywhere(names)
            if near is not None:
                full = near if "." in near else ".".join([*names[:known], near])
                hints.append(f"did you mean '{full}'?")
            if names[known] in ("item", "index") and not known:
                hints.append(f"'{names[known]}' is there only under forEach")
        in_scope = [prefix + sibling for sibling in siblings]
        if not in_scope:
            hints.append("nothing is in scope here")
        else:
            more = "" if len(in_scope) <= MAX_LISTED else f" and {len(in_scope) - MAX_LISTED} more"
            hints.append(f"in scope: {', '.join(sorted(in_scope)[:MAX_LISTED])}{more}")
        return "; ".join(hints)

    def _nearest_anywhere(self, names: list[str]) -> str | None:
        return nearest(".".join(names), self.variables)


def _optional(type_: types.Type) -> bool:
    """Say whether None stands for absence; a null of `Any` is a value like another."""
    if isinstance(type_, types.UnionOf):
        return types.is_optional(type_)
    return isinstance(type_, types.LiteralOf) and None in type_.values
