"""Transforms of texts: chunk and split."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import NativeError
from dspex.native.transforms import transform

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"
WAVE = "\U0001f44b\U0001f3fd"
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e007f"


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("the red door is open", {"size": 9}, ["the red ", "door is ", "open"]),
        ("the red door", {"size": 5, "boundary": "Character"}, ["the r", "ed do", "or"]),
        ("antidisestablishment", {"size": 8}, ["antidise", "stablish", "ment"]),
        ("one\ntwo three\nfour", {"size": 10, "boundary": "Line"}, ["one\n", "two three\n", "four"]),
        ("one two three\nx", {"size": 9, "boundary": "Line"}, ["one two ", "three\nx"]),
        ("a b c d e", {"size": 6, "overlap": 2}, ["a b c ", "c d e"]),
        ("abcdef", {"size": 4, "overlap": 2}, ["abcd", "cdef"]),
        ("a\r\nb", {"size": 2, "boundary": "Character"}, ["a", "\r\n", "b"]),
        ("e\u0301e\u0301", {"size": 3, "boundary": "Character"}, ["e\u0301", "e\u0301"]),
        (f"ab{FAMILY}", {"size": 6, "boundary": "Character"}, ["ab", FAMILY]),
        (FLAGS, {"size": 3, "boundary": "Character"}, [FLAGS[:2], FLAGS[2:]]),
        (WAVE * 2, {"size": 3, "boundary": "Character"}, [WAVE, WAVE]),
        (WALES * 2, {"size": 6, "boundary": "Character"}, [WALES, WALES]),
        ("e" + "\u0301" * 5, {"size": 4, "boundary": "Character"}, ["e\u0301\u0301\u0301", "\u0301" * 2]),
        ("日本語日本語", {"size": 4, "overlap": 1}, ["日本語日", "日本語"]),
        ("short", {"size": 100, "overlap": 20}, ["short"]),
        ("", {"size": 3}, []),
    ],
)  # fmt: skip
def test_chunks(text: str, config: dict[str, Any], expected: list[str]) -> None:
    """A cut is where the boundary says, and never inside of what is read as one character."""
    assert transform("chunk").apply(text, config) == expected


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("a, b,", {"separator": ", "}, ["a", "b,"]),
        ("a,b,", {"separator": ","}, ["a", "b", ""]),
        ("", {"separator": ","}, [""]),
        ("a.b", {"separator": "."}, ["a", "b"]),
        ("a\r\nb\n\nc\rd\n", {"lines": True}, ["a", "b", "", "c", "d"]),
        ("a\u2028b", {"lines": True}, ["a\u2028b"]),
        ("", {"lines": True}, []),
        ("\n", {"lines": True}, [""]),
    ],
)
def test_splits(text: str, config: dict[str, Any], expected: list[str]) -> None:
    """At each separator, or at each line break."""
    assert transform("split").apply(text, config) == expected


def test_a_list_has_no_lines() -> None:
    """What has to be a text is said."""
    with pytest.raises(NativeError, match="split with separator or lines takes a string, not a li"):
        transform("split").apply(["a"], {"lines": True})


_texts = st.text(
    alphabet=st.sampled_from([*"ab \n\r\u0301\u200d日", FLAGS[0], WAVE[1], WALES[1]]),
    max_size=60,
)
_boundaries = st.sampled_from(["Character", "Word", "Line"])


@given(_texts, st.integers(1, 12), _boundaries)
def test_chunks_of_a_text_are_the_text(text: str, size: int, boundary: str) -> None:
    """One behind the other, none empty, none too long."""
    chunks = transform("chunk").apply(text, {"size": size, "boundary": boundary})
    assert "".join(chunks) == text
    assert all(0 < len(chunk) <= size for chunk in chunks)


@given(_texts, st.integers(2, 12), st.data())
def test_chunks_that_overlap_lose_nothing(text: str, size: int, data: st.DataObject) -> None:
    """Each begins in the one before it or behind it, at most so far back, and ends behind it."""
    overlap = data.draw(st.integers(1, size - 1))
    config = {"size": size, "overlap": overlap, "boundary": data.draw(_boundaries)}
    ends = {0}  # where the chunks so far may end: in a text that repeats itself that is not unique
    for chunk in transform("chunk").apply(text, config):
        assert 0 < len(chunk) <= size
        ends = {
            end - back + len(chunk)
            for end in ends
            for back in range(min(overlap, end, len(chunk) - 1) + 1)
            if text.startswith(chunk, end - back)
        }
    assert len(text) in ends


@given(st.text(), st.text(min_size=1, max_size=2))
def test_a_split_text_can_be_joined(text: str, separator: str) -> None:
    """What split does, join takes back."""
    parts = transform("split").apply(text, {"separator": separator})
    assert transform("join").apply(parts, {"separator": separator}) == text


@pytest.mark.parametrize("text", ["\u0301" * 200_000, FLAGS * 50_000, "a " * 100_000])
def test_odd_texts_take_no_longer(text: str) -> None:
    """Time grows with the text, whatever stands in it."""
    start = time.monotonic()
    chunks = transform("chunk").apply(text, {"size": 100, "boundary": "Line"})
    assert "".join(chunks) == text
    assert time.monotonic() - start < 20


def test_an_overlap_cannot_explode() -> None:
    """A text is not repeated without a bound."""
    with pytest.raises(NativeError, match="the chunks repeat more than 4194304 characters"):
        transform("chunk").apply("a" * 100_000, {"size": 50_000, "overlap": 49_999})
