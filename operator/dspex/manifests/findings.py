"""Findings of one file, collected while it is read."""

from dataclasses import dataclass, field

from dspex.errors import Diagnostic

MAX_FINDINGS = 200
"""Findings that one file may bring; a further one only says that there are more."""


@dataclass(slots=True)
class Findings:
    """Collects findings of a file.

    Attributes:
        file: The file's name as the person gave it.
        found: What was found so far.
    """

    file: str
    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: str,
        message: str,
        *,
        line: int,
        column: int,
        path: str | None = None,
        subject: str | None = None,
        expected: str | None = None,
        actual: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Note an error at a place of the file."""
        self.put(
            Diagnostic(
                code=code,
                message=message,
                expected=expected,
                found=actual,
                remedy=remedy,
                subject=subject,
                path=path,
                file=self.file,
                line=line,
                column=column,
            )
        )

    def put(self, diagnostic: Diagnostic) -> None:
        """Note a finding that has its place already."""
        if len(self.found) < MAX_FINDINGS:
            self.found.append(diagnostic)
        elif len(self.found) == MAX_FINDINGS:
            self.found.append(
                Diagnostic(
                    code="TooManyErrors",
                    message=f"more than {MAX_FINDINGS} errors in this file; the rest is not shown",
                    file=self.file,
                    line=diagnostic.line,
                    column=diagnostic.column,
                )
            )
