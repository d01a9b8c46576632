"""split: a text at a separator, or a list into named parts such as train and dev."""

import re
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed, item_type, the_list, wrong_type
from dspex.native.transforms.shuffle import check_seed, shuffled

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_TOLERANCE: Final = Fraction(1, 1_000_000)


class SplitConfig(Config):
    """Options of split: exactly one of `separator`, `lines`, `fractions` and `sizes`.

    Attributes:
        separator: A text is split wherever this stands; it is left out.
        lines: A text is split at its line breaks; one at its end begins no further line.
        fractions: A list is split into parts of these names, each with its fraction of the items,
            from 0 to 1; together 1. A border between two items goes to the nearer one.
        sizes: A list is split into parts of these names, each with so many items. Exactly one is
            null: it gets the rest.
        seed: Under fractions and sizes, chooses the items of each part by chance, the same ones in
            every run; without it the parts follow each other in the list. Within a part the
            list's order stays in either case.
    """

    separator: str | None = None
    lines: bool = False
    fractions: dict[str, float] | None = None
    sizes: dict[str, int | None] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        ways = (self.separator is not None, self.lines, bool(self.fractions), bool(self.sizes))
        if sum(ways) != 1:
            raise ValueError("split takes exactly one of separator, lines, fractions and sizes")
        if self.separator == "":
            raise ValueError("separator must not be empty")
        if self.fractions:
            _check_fractions(self.fractions)
        if self.sizes:
            _check_sizes(self.sizes)
        if self.seed is not None:
            if not self.takes_list:
                raise ValueError("seed belongs to fractions and sizes")
            check_seed(self.seed)

    @property
    def takes_list(self) -> bool:
        """Whether a list is split, not a text."""
        return bool(self.fractions or self.sizes)


class Split(Transform):
    """Splits a text into a list, or a list into an object of lists. Nothing is lost but separators.

    To trim what comes of a text, or to drop what is empty, an expression is there:
    `x.map(s, s.trim()).filter(s, s != '')`.
    """

    name = "split"
    summary = "A text at a separator or its lines; a list into named parts by fraction or size."
    config = SplitConfig

    def transform(self, value: Any, config: SplitConfig) -> Any:
        """Return the parts."""
        if config.takes_list:
            return _parts(the_list(value, "split with fractions or sizes"), config)
        if not isinstance(value, str):
            raise failed(f"split with separator or lines takes a string, not {kind_of(value)}")
        if config.separator is not None:
            return value.split(config.separator)
        lines = _LINE_BREAK.split(value)
        return lines if lines[-1] else lines[:-1]

    def result_type(self, input_type: types.Type, config: SplitConfig) -> types.Type:
        """Return a list of str for a text, a dict of lists for a list."""
        if config.takes_list:
            item = item_type(input_type, "split with fractions or sizes")
            return types.DictOf(types.STR, types.ListOf(item))
        match input_type:
            case types.Scalar("str") | types.AnyType() | types.UnionOf() | types.LiteralOf():
                return types.ListOf(types.STR)
        name, remedy = "split with separator or lines", "a list is split by fractions or sizes"
        raise wrong_type(name, "a string", "str", input_type, remedy)


def _check_fractions(fractions: dict[str, float]) -> None:
    for name, part in fractions.items():
        if not 0 <= part <= 1:
            raise ValueError(f"the fraction of '{name}' must be from 0 to 1")
    total = sum(map(_exact, fractions.values()), Fraction(0))
    if abs(total - 1) > _TOLERANCE:
        raise ValueError(f"fractions must be 1 together, not {float(total):g}")


def _check_sizes(sizes: dict[str, int | None]) -> None:
    if list(sizes.values()).count(None) != 1:
        raise ValueError("exactly one of sizes must be null: it gets the rest")
    for name, size in sizes.items():
        if size is not None and size < 0:
            raise ValueError(f"the size of '{name}' must be 0 or more")


def _parts(items: list[Any], config: SplitConfig) -> dict[str, list[Any]]:
    count = len(items)
    positions = list(range(count)) if config.seed is None else shuffled(count, config.seed)
    names, borders = _borders(count, config)
    return {
        name: [items[index] for index in sorted(positions[start:end])]
        for name, (start, end) in zip(names, pairwise(borders), strict=True)
    }


def _borders(count: int, config: SplitConfig) -> tuple[list[str], list[int]]:
    """Return the parts' names, and where each begins and the last one ends."""
    if config.fractions:
        borders, total = [0], Fraction(0)
        for part in config.fractions.values():
            total += _exact(part)
            borders.append(min(count, int(total * count + Fraction(1, 2))))
        return list(config.fractions), [*borders[:-1], count]
    sizes = config.sizes or {}
    rest = count - sum(size or 0 for size in sizes.values())
    if rest < 0:
        raise failed(f"sizes ask for {count - rest} items, and the list has {count}")
    borders = [0]
    for size in sizes.values():
        borders.append(borders[-1] + (rest if size is None else size))
    return list(sizes), borders


def _exact(part: float) -> Fraction:
    """Read 0.1 as the tenth that was written, not as the float next to it."""
    return Fraction(repr(part))
