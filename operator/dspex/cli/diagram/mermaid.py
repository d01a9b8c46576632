"""A drawing for Mermaid, which GitHub and many wikis render."""

from typing import Final

from dspex.cli.diagram.drawing import Drawing, Node

# The dollar too: Mermaid reads mathematics between two pairs of them.
_ENTITIES: Final = {
    "#": "#35;",
    "&": "#amp;",
    "<": "#lt;",
    ">": "#gt;",
    '"': "#quot;",
    "$": "#36;",
}


def to_mermaid(drawing: Drawing) -> str:
    """Return a Mermaid flowchart."""
    lines = ["flowchart TD", f"  %% {drawing.title}"]
    lines += [f"  {_node(node)}" for node in drawing.nodes if not node.in_finally]
    late = [node for node in drawing.nodes if node.in_finally]
    if late:
        lines += ["  subgraph finally_steps [finally]"]
        lines += [f"    {_node(node)}" for node in late]
        lines += ["  end"]
    for edge in drawing.edges:
        arrow = "-->" if edge.reads else "-.->"
        lines.append(f"  {_id(edge.source)} {arrow} {_id(edge.target)}")
    return "\n".join(lines) + "\n"


def _node(node: Node) -> str:
    # The prefix keeps a step called "end" from ending the chart.
    text = "<br/>".join([f"<b>{_escape(node.name)}</b>", *map(_escape, (node.work, *node.notes))])
    return f'{_id(node.name)}["{text}"]'


def _id(name: str) -> str:
    return f"s_{name}"


def _escape(text: str) -> str:
    """Return a text as a label may hold it; Mermaid's entities begin with # in place of &."""
    flat = " ".join(text.split())
    return "".join(_ENTITIES.get(letter, letter) for letter in flat)
