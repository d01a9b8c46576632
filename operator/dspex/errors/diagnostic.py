"""One finding about something that a person wrote: where, what, and how to mend it."""

import dataclasses
import difflib
import enum
from collections.abc import Iterable
from dataclasses import dataclass

MAX_SHOWN = 160
"""Characters of a source line that are shown around the caret."""


class Severity(enum.StrEnum):
    """Whether a finding stops the work."""

    ERROR = "Error"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A finding with its place.

    Attributes:
        code: CamelCase name of the finding, such as `UnknownField`.
        message: What is wrong, in one line without a full stop.
        expected: What would have been right.
        found: What stood there instead.
        remedy: How to mend it, as an instruction.
        source: The text that `start` and `end` count in (an expression, a signature, a scalar).
        start: Offset of the first wrong character in `source`, 0-based.
        end: Offset behind the last wrong character; `start` + 1 where it is not known.
        subject: The object that `path` counts in, as `Kind/name`.
        path: Field path such as `spec.steps[2].inputs.message`.
        file: File name as the person gave it, `-` for standard input.
        line: Line in the file, 1-based.
        column: Column in the file, 1-based.
        severity: Error or Warning.
    """

    code: str
    message: str
    expected: str | None = None
    found: str | None = None
    remedy: str | None = None
    source: str | None = None
    start: int | None = None
    end: int | None = None
    subject: str | None = None
    path: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = Severity.ERROR

    def at(
        self,
        *,
        subject: str | None = None,
        path: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> "Diagnostic":
        """Return the finding with its place filled in; `path` is put before the present one."""
        joined = join_path(path, self.path)
        return dataclasses.replace(
            self,
            subject=subject if subject is not None else self.subject,
            path=joined,
            file=file if file is not None else self.file,
            line=line if line is not None else self.line,
            column=column if column is not None else self.column,
        )

    def render(self) -> str:
        """Print the finding: a head line, the source with a caret line, then what would mend it."""
        lines = [self.headline(), *self._excerpt()]
        for label in ("expected", "found", "remedy"):
            text = getattr(self, label)
            if text:
                lines.append(f"  {label}: {text}")
        return "\n".join(lines)

    def headline(self) -> str:
        """Print the place and the message on one line."""
        place = ":".join(
            str(part) for part in (self.file, self.line, self.column) if part is not None
        )
        head = [part for part in (place, self.subject, self.path) if part]
        if self.severity is Severity.WARNING:
            head.append("warning")
        return ": ".join([*head, self.message])

    def _excerpt(self) -> list[str]:
        if self.source is None or self.start is None:
            return []
        start = min(max(self.start, 0), len(self.source))
        line_start = self.source.rfind("\n", 0, start) + 1
        line_end = self.source.find("\n", start)
        line = self.source[line_start : line_end if line_end >= 0 else len(self.source)]
        column = start - line_start
        end = self.end if self.end is not None else start + 1
        width = max(1, min(end - start, len(line) - column))
        if len(line) > MAX_SHOWN:
            shift = max(0, column - MAX_SHOWN // 2)
            line, column = line[shift : shift + MAX_SHOWN], column - shift
            width = max(1, min(width, len(line) - column))
        # A tab or a control character would move the caret away from its place.
        shown = "".join(char if char.isprintable() else " " for char in line)
        return [f"    {shown}", "    " + " " * column + "^" + "~" * (width - 1)]


def join_path(first: str | None, second: str | None) -> str | None:
    """Join two field paths: `spec` and `steps[0]` give `spec.steps[0]`."""
    if not first:
        return second
    if not second:
        return first
    return first + second if second.startswith("[") else f"{first}.{second}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that `name` was probably meant to be, None if none is near."""
    candidates = list(known)
    folded = {candidate.casefold(): candidate for candidate in candidates}
    if name.casefold() in folded:
        return folded[name.casefold()]
    matches = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None
