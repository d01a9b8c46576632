"""A drawing for Graphviz."""

from dspex.cli.diagram.drawing import Drawing, Node


def to_dot(drawing: Drawing) -> str:
    """Return a Graphviz digraph."""
    lines = [
        f"digraph {_quote(drawing.title)} {{",
        "  rankdir=TB;",
        '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
        '  edge [arrowsize=0.7, color="#666666"];',
    ]
    lines += [f"  {_node(node)}" for node in drawing.nodes if not node.in_finally]
    late = [node for node in drawing.nodes if node.in_finally]
    if late:
        lines += ["  subgraph cluster_finally {", '    label="finally"; style=dashed;']
        lines += [f"    {_node(node)}" for node in late]
        lines += ["  }"]
    for edge in drawing.edges:
        style = "" if edge.reads else " [style=dashed]"
        lines.append(f"  {_quote(edge.source)} -> {_quote(edge.target)}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def _node(node: Node) -> str:
    label = "\n".join([node.name, node.work, *(" ".join(note.split()) for note in node.notes)])
    return f"{_quote(node.name)} [label={_quote(label)}];"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
