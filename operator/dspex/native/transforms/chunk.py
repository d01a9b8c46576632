"""chunk: a list or a text in pieces of a size."""

from collections.abc import Callable
from typing import Any, Final

from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed, item_type, wrong_type
from dspex.native.transforms.boundary import Boundary, cut, next_place

MAX_ITEMS: Final = 1_000_000
"""Items that the chunks of a list may repeat of each other."""

MAX_TEXT: Final = 4 * 1024 * 1024
"""Characters that the chunks of a text may repeat of each other."""


class ChunkConfig(Config):
    """Options of chunk.

    Attributes:
        size: Items of a list, or characters of a text, that a chunk has at most.
        overlap: How many of them, at most, a chunk repeats of the one before it.
        boundary: Where a text is cut: behind a Line, behind the blanks behind a Word, or between
            any two Characters; where a chunk has no such place, at the next finer one. A letter
            stays with its accents, and an emoji whole. Lists are not concerned.
    """

    size: int
    overlap: int = 0
    boundary: Boundary = "Word"

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be 1 or more")
        if not 0 <= self.overlap < self.size:
            raise ValueError("overlap must be from 0 to less than size")


class Chunk(Transform):
    """Cuts a list or a text into pieces that follow each other; an empty one into none.

    Without an overlap the chunks, one behind the other, are the value again.
    """

    name = "chunk"
    summary = "A list, or a text, in pieces of a size, which may overlap."
    config = ChunkConfig

    def transform(self, value: Any, config: ChunkConfig) -> Any:
        """Return the chunks."""
        if isinstance(value, list):
            return [value[start:end] for start, end in _list_spans(len(value), config)]
        if isinstance(value, str):
            return [value[start:end] for start, end in _text_spans(value, config)]
        raise failed(f"chunk takes a list or a string, not {kind_of(value)}")

    def result_type(self, input_type: types.Type, config: ChunkConfig) -> types.Type:
        """Return a list of the input's type."""
        match input_type:
            case types.Scalar("str") | types.LiteralOf():
                return types.ListOf(types.STR)
            case types.AnyType() | types.UnionOf():
                return types.ListOf(types.ANY)
            case types.ListOf() | types.SetOf() | types.TupleOf():
                return types.ListOf(types.ListOf(item_type(input_type, self.name)))
        raise wrong_type(self.name, "a list or a string", "list or str", input_type)


Span = tuple[int, int]


def _list_spans(length: int, config: ChunkConfig) -> list[Span]:
    def stop(start: int, before: int) -> int:
        return min(start + config.size, length)

    def begin(start: int, end: int) -> int:
        return end - config.overlap

    return _spans(length, stop, begin, MAX_ITEMS, "items")


def _text_spans(text: str, config: ChunkConfig) -> list[Span]:
    def stop(start: int, before: int) -> int:
        last = min(start + config.size, len(text))
        return cut(text, before + 1, last, config.boundary)

    def begin(start: int, end: int) -> int:
        first = max(start + 1, end - config.overlap)
        return next_place(text, first, end, config.boundary)

    return _spans(len(text), stop, begin, MAX_TEXT, "characters")


def _spans(
    length: int,
    stop: Callable[[int, int], int],
    begin: Callable[[int, int], int],
    most: int,
    unit: str,
) -> list[Span]:
    """Walk over a value; each chunk ends behind the end of the one before it.

    Args:
        length: The value's length.
        stop: Where a chunk ends that begins at a place, where the one before ended at another.
        begin: Where the chunk behind one with this start and end begins.
        most: How much the chunks may repeat of each other.
        unit: What is counted.
    """
    spans: list[Span] = []
    start = end = made = 0
    while end < length:
        end = stop(start, end)
        spans.append((start, end))
        made += end - start
        if made > length + most:
            raise failed(
                f"the chunks repeat more than {most} {unit}; take a smaller overlap or a larger "
                "size"
            )
        start = begin(start, end)
    return spans
