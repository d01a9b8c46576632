"""The one place where errors become words and an exit status."""

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from dspex.cli.output import print_error, print_findings
from dspex.errors import DspexError, InputError

FAILED: Final = 1
BAD_INPUT: Final = 2


def report(error: Exception, arguments: Sequence[str]) -> int:
    """Print an error as a person needs it and return the exit status that it means."""
    if "--debug" in arguments:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, InputError):
        print_findings(error.diagnostics)
        return BAD_INPUT
    if isinstance(error, DspexError):
        print_error(str(error))
        return FAILED
    if isinstance(error, BrokenPipeError):
        return FAILED
    print_error(f"unexpected {type(error).__name__}: {error}")
    if "--debug" not in arguments:
        again = shlex.join(["dspex", "--debug", *arguments])
        print(f"  This is a fault of DSPex. Its trace: {again}", file=sys.stderr)
    return FAILED
