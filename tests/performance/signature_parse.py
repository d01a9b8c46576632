"""Parsing signatures against DSPy itself."""

import dspy

from dspex.native.signatures import compile_signature, parse_signature
from performance.measure import Contender, compare
from performance.row import Row
from performance.signatures import SIGNATURES


def signature_parse() -> list[Row]:
    """Time a parse of each written signature, and looking each up once it is compiled."""
    rival = Contender(name="dspy.Signature", run=_dspy, units=len(SIGNATURES))
    parsing = Contender(name="parse", run=_parse, units=len(SIGNATURES))
    memoised = Contender(name="memoised", run=_memoised, units=len(SIGNATURES))
    return [
        Row(
            name="signature: parse",
            rival=rival.name,
            measured=compare(parsing, rival, rounds=15),
            at_least=10,
        ),
        Row(
            name="signature: compile, memoised",
            rival=rival.name,
            measured=compare(memoised, rival, rounds=15),
            at_least=500,
        ),
    ]


def _parse(_: None) -> None:
    for text in SIGNATURES:
        parse_signature(text)


def _memoised(_: None) -> None:
    for text in SIGNATURES:
        compile_signature(text)


def _dspy(_: None) -> None:
    for text in SIGNATURES:
        dspy.Signature(text)
