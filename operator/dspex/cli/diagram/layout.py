"""Where boxes of a layered graph go: few crossings, short edges. Knows sizes, never steps.

The usual four steps for layered graphs: edges over several layers get an invisible point in each
layer between; each layer is sorted by where its neighbours stand, down and up a few times; boxes
are pulled to the middle of their neighbours as far as those beside them allow.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GAP_ACROSS: Final = 28.0
GAP_DOWN: Final = 46.0
_SWEEPS: Final = 8
_PULLS: Final = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A placed box: its middle across, its top, its size."""

    x: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Placed:
    """A layout.

    Attributes:
        boxes: By name.
        bends: For each edge the points between its ends, from above to below.
        width: Of the whole.
        height: Of the whole.
    """

    boxes: Mapping[str, Box]
    bends: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def place(
    layers: Sequence[Sequence[str]],
    edges: Sequence[tuple[str, str]],
    sizes: Mapping[str, tuple[float, float]],
) -> Placed:
    """Lay out a graph.

    Args:
        layers: Names from above to below; each edge leads from a higher layer to a lower one.
        edges: Pairs of names.
        sizes: Width and height by name.
    """
    chains, rows = _with_points(layers, edges)
    links = [(a, b) for chain in chains.values() for a, b in itertools.pairwise(chain)]
    above, below = _neighbours(links)
    rows = _uncross(rows, above, below, links)
    widths = {name: sizes[name][0] if name in sizes else 0.0 for row in rows for name in row}
    across = _spread(rows, widths, above, below)
    tops, total = _stack(rows, sizes)
    boxes = {
        name: Box(across[name], tops[index], *sizes[name])
        for index, row in enumerate(rows)
        for name in row
        if name in sizes
    }
    middles = {
        name: tops[index] + _height(row, sizes) / 2
        for index, row in enumerate(rows)
        for name in row
    }
    bends = {
        edge: tuple((across[point], middles[point]) for point in chain[1:-1])
        for edge, chain in chains.items()
    }
    width = max((across[n] + widths[n] / 2 for row in rows for n in row), default=0.0)
    return Placed(boxes, bends, width, total)


def _with_points(
    layers: Sequence[Sequence[str]], edges: Sequence[tuple[str, str]]
) -> tuple[dict[tuple[str, str], list[str]], list[list[str]]]:
    """Cut long edges into chains with an invisible point in each layer that they cross."""
    rows = [list(layer) for layer in layers]
    depth = {name: index for index, row in enumerate(rows) for name in row}
    chains = {}
    for source, target in edges:
        chain = [source]
        for level in range(depth[source] + 1, depth[target]):
            point = f"{source} {target} {level}"
            rows[level].append(point)
            chain.append(point)
        chains[source, target] = [*chain, target]
    return chains, rows


def _neighbours(
    links: Sequence[tuple[str, str]],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    return above, below


def _uncross(
    rows: list[list[str]],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
    links: Sequence[tuple[str, str]],
) -> list[list[str]]:
    """Sort each row by the mean place of its neighbours, down and up; keep the best order seen."""
    best, fewest = rows, _crossings(rows, links)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        rows = _sorted_rows(rows, above if down else below, down=down)
        count = _crossings(rows, links)
        if count < fewest:
            best, fewest = rows, count
    return best


def _sorted_rows(
    rows: list[list[str]], neighbours: Mapping[str, list[str]], *, down: bool
) -> list[list[str]]:
    made = [list(row) for row in rows]
    for index in range(len(made)) if down else reversed(range(len(made))):
        place = {name: position for row in made for position, name in enumerate(row)}
        made[index].sort(
            key=lambda name: _mean([place[n] for n in neighbours.get(name, [])], place[name])
        )
    return made


def _crossings(rows: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> int:
    """Count the crossings: pairs of links between two rows whose ends are in opposite order."""
    place = {name: position for row in rows for position, name in enumerate(row)}
    row_of = {name: index for index, row in enumerate(rows) for name in row}
    by_row: dict[int, list[tuple[int, int]]] = {}
    for upper, lower in links:
        by_row.setdefault(row_of[upper], []).append((place[upper], place[lower]))
    return sum(_inversions([lower for _, lower in sorted(ends)]) for ends in by_row.values())


def _inversions(values: list[int]) -> int:
    """Count pairs in the wrong order by merging halves."""
    if len(values) < 2:
        return 0
    half = len(values) // 2
    left, right = values[:half], values[half:]
    count = _inversions(left) + _inversions(right)
    left.sort()
    right.sort()
    position = 0
    for value in right:
        while position < len(left) and left[position] <= value:
            position += 1
        count += len(left) - position
    return count


def _spread(
    rows: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
) -> dict[str, float]:
    """Give each name its middle across, close to its neighbours', without overlaps."""
    across: dict[str, float] = {}
    for row in rows:
        edge = 0.0
        for name in row:
            across[name] = edge + widths[name] / 2
            edge += widths[name] + GAP_ACROSS
    for pull in range(_PULLS):
        neighbours = above if pull % 2 == 0 else below
        for row in rows if pull % 2 == 0 else reversed(rows):
            wanted = [
                _mean([across[n] for n in neighbours.get(name, [])], across[name]) for name in row
            ]
            across.update(zip(row, _apart(wanted, [widths[name] for name in row]), strict=True))
    left = min((across[name] - widths[name] / 2 for row in rows for name in row), default=0.0)
    return {name: x - left for name, x in across.items()}


def _apart(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return places as near to the wanted ones as gaps allow, in the same order.

    Boxes that would overlap form a group, which stands where its members want to be on average.
    """
    groups: list[tuple[float, float, int]] = []  # sum of wanted starts, its mean, members
    offsets: list[float] = []
    offset = 0.0
    for index, width in enumerate(widths):
        if index:
            offset += (widths[index - 1] + width) / 2 + GAP_ACROSS
        offsets.append(offset)
        total, count = wanted[index] - offset, 1
        while groups and groups[-1][1] >= total / count:
            before, _, members = groups.pop()
            total, count = total + before, count + members
        groups.append((total, total / count, count))
    starts = [mean for _, mean, count in groups for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


def _stack(
    rows: Sequence[Sequence[str]], sizes: Mapping[str, tuple[float, float]]
) -> tuple[list[float], float]:
    tops, y = [], 0.0
    for row in rows:
        tops.append(y)
        y += _height(row, sizes) + GAP_DOWN
    return tops, max(0.0, y - GAP_DOWN)


def _height(row: Sequence[str], sizes: Mapping[str, tuple[float, float]]) -> float:
    return max((sizes[name][1] for name in row if name in sizes), default=0.0)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
