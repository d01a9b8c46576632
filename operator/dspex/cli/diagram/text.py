"""A drawing as plain text: one level after the other, what each step waits for behind an arrow."""

from dspex.cli.diagram.drawing import Drawing, Node


def to_text(drawing: Drawing) -> str:
    """Return the drawing as text; steps of one level may run at the same time."""
    names = max(len(node.name) for node in drawing.nodes)
    work = max(len(node.work) for node in drawing.nodes)
    by_name = drawing.by_name
    lines = [f"{drawing.title}: {_size(drawing)}", ""]
    announced = False
    for number, level in enumerate(drawing.levels, start=1):
        nodes = [by_name[name] for name in level]
        if nodes[0].in_finally and not announced:
            announced = True
            lines += ["", "  finally, however the steps end"]
        for index, node in enumerate(nodes):
            mark = f"{number:>3}" if index == 0 else "   "
            lines.append(
                f"{mark}  {node.name:{names}}  {node.work:{work}}  {_arrow(drawing, node)}"
            )
            lines += [f"     {'':{names}}    {note}" for note in node.notes]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _arrow(drawing: Drawing, node: Node) -> str:
    sources = drawing.sources(node.name)
    return "← " + ", ".join(sources) if sources else ""


def _size(drawing: Drawing) -> str:
    steps, long = len(drawing.nodes), len(drawing.levels)
    in_a_row = f", at most {long} in a row" if long > 1 else ""
    return f"{steps} step{'s' if steps > 1 else ''}{in_a_row}"
