"""Validation of ten fields against pydantic, whose core is Rust."""

from typing import Literal

import pydantic

from dspex.native.signatures import compile_signature
from dspex.native.validation import Validator
from performance.measure import Contender, compare
from performance.row import Row

SIGNATURE = (
    "q -> topic: Literal['billing', 'bug', 'other'], urgent: bool, summary: str, score: float, "
    "count: int, labels: list[str], scores: dict[str, float], note: str | None, ids: list[int], "
    "answer: str"
)
VALUES = {
    "topic": "bug",
    "urgent": True,
    "summary": "Charged twice for one order.",
    "score": 0.75,
    "count": 3,
    "labels": ["refund", "card"],
    "scores": {"refund": 0.9, "card": 0.4},
    "note": None,
    "ids": [17, 18, 19],
    "answer": "We refund one of the two.",
}


class Record(pydantic.BaseModel):
    """The same ten fields."""

    topic: Literal["billing", "bug", "other"]
    urgent: bool
    summary: str
    score: float
    count: int
    labels: list[str]
    scores: dict[str, float]
    note: str | None
    ids: list[int]
    answer: str


def validation() -> list[Row]:
    """Validate values that fit, exactly and by coercion."""
    validator = compile_signature(SIGNATURE).output_validator
    assert not validator.validate(VALUES, strict=True).violations
    rival = Contender(name="pydantic", run=lambda _: Record.model_validate(VALUES))
    return [_row(validator, strict, rival) for strict in (True, False)]


def _row(validator: Validator, strict: bool, rival: Contender) -> Row:
    name = "strict" if strict else "coerce"
    ours = Contender(name=name, run=lambda _: validator.validate(VALUES, strict=strict))
    measured = compare(ours, rival)
    return Row(name=f"validate ten fields, {name}", rival=rival.name, measured=measured)
