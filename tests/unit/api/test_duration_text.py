"""Durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.api.duration import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("0s", 0), ("1m1s1ms", 61.001)],
)
def test_durations_are_the_sum_of_their_parts(text: str, seconds: float) -> None:
    """Each number counts in its unit."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "s", "30 s", "-1s", "1d", "1h 30m", "1e3s", "9999h", "1s" * 9]
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    """The refusal shows what a duration looks like."""
    with pytest.raises(DurationError, match="30s"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=8760 * 3600 * 1000))
def test_printing_and_reading_agree(milliseconds: int) -> None:
    """Every duration up to a year, to the millisecond, is read back as it was printed."""
    text = format_duration(milliseconds / 1000)
    assert parse_duration(text) == pytest.approx(milliseconds / 1000, abs=1e-6)
