"""numeric: whether two numbers are close."""

import math
import re
import unicodedata
from typing import Annotated, Any, Final

import msgspec

from dspex.native.config import Config
from dspex.native.metrics.base import Metric, failed

Tolerance = Annotated[float, msgspec.Meta(ge=0)]

_NUMBER: Final = re.compile(
    r"[+-]?(\d{1,3}(,\d{3})+(\.\d*)?|\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE
)


class NumericConfig(Config):
    """Options of numeric; a difference within either is close, as `math.isclose` has it.

    Attributes:
        rel_tol: Of the larger of the two numbers.
        abs_tol: In the numbers' own unit.
    """

    rel_tol: Tolerance = 1e-9
    abs_tol: Tolerance = 0.0


class Numeric(Metric):
    """1.0 where the prediction is close to a reference, else 0.0."""

    name = "numeric"
    summary = (
        "1 where the prediction is a number close to the reference, or to one of a list, within "
        "`relTol` or `absTol`. A text such as `$1,234.50` or `12 %` is read as the number that it "
        "is; one that is no number is close to none."
    )
    config = NumericConfig

    def compare(self, prediction: Any, reference: Any, config: NumericConfig) -> float:
        """Compare with each reference; one that is close is enough."""
        wanted = reference if isinstance(reference, list) else [reference]
        if not wanted:
            raise failed("reference is an empty list: there is nothing to compare with")
        found = _number(prediction, "prediction")
        numbers = [_wanted(each, index, reference) for index, each in enumerate(wanted)]
        if found is None:
            return 0.0
        return float(any(_close(found, number, config) for number in numbers))


def _close(first: float, second: float, config: NumericConfig) -> bool:
    return math.isclose(first, second, rel_tol=config.rel_tol, abs_tol=config.abs_tol)


def _wanted(value: Any, index: int, reference: Any) -> float:
    what = f"reference[{index}]" if isinstance(reference, list) else "reference"
    number = _number(value, what)
    if number is None or math.isnan(number):
        raise failed(f"{what} is no number: {str(value)[:60]!r}")
    return number


def _number(value: Any, what: str) -> float | None:
    """Return a number, read from a text where it is one; None for a text that is none."""
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise failed(f"{what} must be a number or a text with one")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _read(text: str) -> float | None:
    bare = "".join(each for each in text if unicodedata.category(each) not in ("Sc", "Zs"))
    percent = bare.endswith("%")
    bare = bare.strip().removesuffix("%").replace("\u2212", "-")
    if not _NUMBER.fullmatch(bare):
        return None
    number = float(bare.replace(",", ""))
    return number / 100 if percent else number
