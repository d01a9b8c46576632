"""Where a text may be cut without hurting a character, a word or a line."""

import unicodedata
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

Boundary: TypeAlias = Literal["Character", "Word", "Line"]

_JOINER: Final = "\u200d"
_BLACK_FLAG_TAGS: Final = range(0xE0020, 0xE0080)
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_MAX_FLAG_LETTERS: Final = 256


def cut(text: str, first: int, last: int, boundary: Boundary) -> int:
    """Return the last place from `first` to `last` where a text may be cut.

    Without one it is looked for with the next finer boundary: no line end, then a word's, then a
    character's; without even that `last` itself is taken, so that any text can be cut.

    Args:
        text: The text.
        first: The first place that is allowed, at least 1.
        last: The last one, at most the text's length.
        boundary: What should stay whole.
    """
    if last == len(text):
        return last
    for whole in _FINER[boundary]:
        for place in range(last, first - 1, -1):
            if whole(text, place):
                return place
    return last


def next_place(text: str, first: int, last: int, boundary: Boundary) -> int:
    """Return the first place from `first` to before `last`, as `cut` returns the last one."""
    for whole in _FINER[boundary]:
        for place in range(first, last):
            if whole(text, place):
                return place
    return last


def _between_characters(text: str, place: int) -> bool:
    """Say whether no letter with its marks, no emoji and no line break stands across a place.

    These are the rules of Unicode's grapheme clusters (UAX 29) that need no table but Python's
    own; Hangul that is written in single letters is not looked at.
    """
    before, after = text[place - 1], text[place]
    if before == "\r" and after == "\n":
        return False
    if after < "\u0300":
        return True
    code = ord(after)
    if code in _FLAG_LETTERS and ord(before) in _FLAG_LETTERS:
        return _flag_letters_before(text, place) % 2 == 0
    extends = unicodedata.category(after).startswith("M") or after == _JOINER
    return not (extends or before == _JOINER or code in _SKIN_TONES or code in _BLACK_FLAG_TAGS)


def _flag_letters_before(text: str, place: int) -> int:
    """Count the letters in front of a place that make flags in pairs, as far as is affordable."""
    start = place
    while start > max(0, place - _MAX_FLAG_LETTERS) and ord(text[start - 1]) in _FLAG_LETTERS:
        start -= 1
    return place - start


def _behind_blank(text: str, place: int) -> bool:
    return text[place - 1].isspace() and not text[place].isspace()


def _behind_line(text: str, place: int) -> bool:
    return text[place - 1] == "\n"


_FINER: Final[dict[Boundary, tuple[Callable[[str, int], bool], ...]]] = {
    "Character": (_between_characters,),
    "Word": (_behind_blank, _between_characters),
    "Line": (_behind_line, _behind_blank, _between_characters),
}
