"""A drawing as SVG, laid out here: no Graphviz needed."""

from collections.abc import Sequence
from html import escape
from typing import Final

from dspex.cli.diagram.drawing import Drawing, Node
from dspex.cli.diagram.layout import Box, Placed, place

_MARGIN: Final = 20.0
_TITLE: Final = 34.0
_LINE: Final = 17.0
_PADDING: Final = 12.0
_LETTER: Final = 6.9
"""Width of a letter of the bold name, the widest text of a box; a generous mean."""

_LONGEST_NOTE: Final = 44
_STYLE: Final = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .title { font-size: 15px; font-weight: 600; fill: #24292f; }
  .name { font-weight: 600; fill: #24292f; } .work { fill: #0550ae; } .note { fill: #57606a; }
  .box { fill: #f6f8fa; stroke: #8c959f; } .late { stroke-dasharray: 5 3; }
  .edge { fill: none; stroke: #8c959f; stroke-width: 1.4; } .after { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    .title, .name { fill: #e6edf3; } .work { fill: #79c0ff; } .note { fill: #9198a1; }
    .box { fill: #161b22; stroke: #57606a; } .edge { stroke: #6e7681; }
  }
"""
_ARROW: Final = """<defs>
  <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
    orient="auto"><path d="M0 0 8 4 0 8z" fill="#8c959f"/></marker>
</defs>"""


def to_svg(drawing: Drawing) -> str:
    """Return a self-contained SVG document, for light and dark backgrounds."""
    placed = place(
        drawing.levels,
        [(edge.source, edge.target) for edge in drawing.edges],
        {node.name: _size(node) for node in drawing.nodes},
    )
    width = max(placed.width, len(drawing.title) * 9.0) + 2 * _MARGIN
    height = placed.height + _TITLE + 2 * _MARGIN
    title = escape(drawing.title)
    lines = [
        _open(
            "svg",
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width:.0f} {height:.0f}",
            width=round(width),
            height=round(height),
            role="img",
            aria_label=drawing.title,
        ),
        f"<style>{_STYLE}</style>",
        _ARROW,
        _open("text", class_="title", x=_MARGIN, y=_MARGIN + 12) + f"{title}</text>",
        _open("g", transform=f"translate({_MARGIN} {_MARGIN + _TITLE})"),
        *_edges(drawing, placed),
    ]
    for node in drawing.nodes:
        lines += _box(node, placed.boxes[node.name])
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _open(tag: str, **attributes: str | float) -> str:
    """Return an opening tag; numbers get one decimal."""
    parts = [tag]
    for name, value in attributes.items():
        text = f"{value:.1f}" if isinstance(value, float) else escape(str(value))
        parts.append(f'{name.rstrip("_").replace("_", "-")}="{text}"')
    return f"<{' '.join(parts)}>"


def _lines(node: Node) -> list[tuple[str, str]]:
    """Return the lines of a box, each with its class."""
    notes = [(" ".join(note.split()), "note") for note in node.notes]
    shown = [
        (text if len(text) <= _LONGEST_NOTE else text[: _LONGEST_NOTE - 1] + "…", kind)
        for text, kind in notes
    ]
    return [(node.name, "name"), (node.work, "work"), *shown]


def _size(node: Node) -> tuple[float, float]:
    lines = _lines(node)
    width = max(len(text) for text, _ in lines) * _LETTER + 2 * _PADDING
    return max(width, 90.0), len(lines) * _LINE + 2 * _PADDING - 4


def _box(node: Node, box: Box) -> list[str]:
    left = box.x - box.width / 2
    late = " late" if node.in_finally else ""
    tooltip = escape("\n".join([node.name, node.work, *node.notes]))
    frame = _open(
        "rect", class_="box" + late, x=left, y=box.top, width=box.width, height=box.height, rx=7
    )
    lines = ["<g>", f"<title>{tooltip}</title>", frame + "</rect>"]
    for index, (text, kind) in enumerate(_lines(node)):
        y = box.top + _PADDING + 10 + index * _LINE
        lines.append(_open("text", class_=kind, x=left + _PADDING, y=y) + escape(text) + "</text>")
    return [*lines, "</g>"]


def _edges(drawing: Drawing, placed: Placed) -> list[str]:
    lines = []
    for edge in drawing.edges:
        above, below = placed.boxes[edge.source], placed.boxes[edge.target]
        points = [
            (above.x, above.bottom),
            *placed.bends[edge.source, edge.target],
            (below.x, below.top),
        ]
        kind = "edge" if edge.reads else "edge after"
        path = _open("path", class_=kind, marker_end="url(#arrow)", d=_curve(points))
        lines.append(path + "</path>")
    return lines


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a path that leaves and meets each point straight from above."""
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in points[1:]:
        half = (y + next_y) / 2
        parts.append(f"C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return " ".join(parts)
