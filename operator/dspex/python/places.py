"""Where a finding of the Python API stands: an argument takes the place of a file."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from dspex.errors import Diagnostic, InputError

_FLAG: Final = re.compile(r"--(?P<store>secret|config-map) (?P<key>[^\s=]+)=(?P<source>\S+)")


@contextmanager
def argument(name: str) -> Iterator[None]:
    """Give every finding that has no file the argument's name in its place."""
    try:
        yield
    except InputError as error:
        raise type(error)(*(at_argument(each, name) for each in error.diagnostics)) from None


def at_argument(finding: Diagnostic, name: str) -> Diagnostic:
    """Return the finding with an argument in place of a file; one that has a file keeps it."""
    if finding.file is not None:
        return in_python(finding)
    return in_python(dataclasses.replace(finding, file=name, line=None, column=None))


def in_python(finding: Diagnostic) -> Diagnostic:
    """Return the finding whose remedy names arguments in place of the command line's flags."""
    if finding.remedy is None:
        return finding
    return dataclasses.replace(finding, remedy=_FLAG.sub(_as_argument, finding.remedy))


def all_in_python(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return each finding as `in_python` does."""
    return tuple(map(in_python, findings))


def _as_argument(flag: re.Match[str]) -> str:
    name = flag["store"].replace("-", "_") + "s"
    return f"{name}={{{flag['key']!r}: {flag['source']!r}}}"
