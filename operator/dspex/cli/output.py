"""What a person sees: findings, errors, JSON and YAML; colours on a terminal only."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click

from dspex.errors import Diagnostic, Severity

_CARET = re.compile(r" +\^~*")
_LABEL = re.compile(r"  (expected|found|remedy): ")


def print_findings(findings: Iterable[Diagnostic], *, summary: bool = True) -> None:
    """Print findings to standard error, and how many there were."""
    errors = warnings = 0
    for finding in findings:
        errors += finding.severity is Severity.ERROR
        warnings += finding.severity is Severity.WARNING
        click.echo(_coloured(finding), err=True)
    if summary and errors + warnings > 1:
        click.secho(_count(errors, warnings), err=True, bold=True)


def print_error(message: str) -> None:
    """Print an error of one or more lines to standard error."""
    first, _, rest = message.partition("\n")
    click.echo(click.style("error: ", fg="red", bold=True) + first, err=True)
    if rest:
        click.echo(rest, err=True)


def print_note(message: str) -> None:
    """Print a note to standard error."""
    click.secho(f"note: {message}", err=True, dim=True)


_UNFOLDED: Final = 1 << 30
"""Characters of a line of YAML; more than any text has."""


def print_json(value: Any) -> None:
    """Print a value as JSON, indented, to standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_yaml(value: Any) -> None:
    """Print a value as YAML to standard output."""
    click.echo(to_yaml(value), nl=False)


def to_yaml(value: Any) -> str:
    """Write a value as YAML: keys in their order, long texts as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """A dumper of our own, so that the representer is nobody else's."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    # Nothing is folded: a terminal wraps by itself, and grep finds whole sentences.
    text: str = yaml.dump(
        value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_UNFOLDED
    )
    return text


def finding_to_json(finding: Diagnostic) -> dict[str, Any]:
    """Return a finding as JSON, for editors and CI: what is not known is left out."""
    names = (
        *("severity", "code", "message", "file", "line", "column", "subject", "path"),
        *("expected", "found", "remedy", "source", "start", "end"),
    )
    values: Mapping[str, Any] = {name: getattr(finding, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _coloured(finding: Diagnostic) -> str:
    head, *rest = finding.render().split("\n")
    colour = "yellow" if finding.severity is Severity.WARNING else "red"
    lines = [click.style(head, fg=colour, bold=True)]
    for line in rest:
        if _CARET.fullmatch(line):
            lines.append(click.style(line, fg="green"))
        elif match := _LABEL.match(line):
            lines.append(click.style(match[0], dim=True) + line[match.end() :])
        else:
            lines.append(line)
    return "\n".join(lines)


def _count(errors: int, warnings: int) -> str:
    parts = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return ", ".join(parts)
