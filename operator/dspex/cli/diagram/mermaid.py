"""A drawing for Mermaid, which GitHub and many wikis render."""

import html

from dspex.cli.diagram.drawing import Drawing, Node


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
    # Mermaid writes entities with # in place of &.
    escaped = html.escape(" ".join(text.split()), quote=True).replace("#", "&num;")
    return escaped.replace("&", "#")
