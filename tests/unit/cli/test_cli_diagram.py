"""Drawings of pipelines in all formats."""

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.cli.diagram.layout import GAP_ACROSS, place
from fakes.command_line import Ran

Dspex = Callable[..., Ran]

MANIFEST = """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: all-kinds}
spec:
  inputs: [{name: items, type: "list[str]"}, {name: text, type: str}]
  steps:
  - name: end
    dspy: {module: ReAct, signature: "text -> answer", poolRef: {name: big}}
    inputs: {text: $(inputs.text)}
    retry: {attempts: 4}
    fallback: [{poolRef: {name: small}}, {module: Predict}, {outputs: {answer: none}}]
    onError: Continue
  - name: each
    forEach: {items: $(inputs.items)}
    pipelineRef: {name: other}
    inputs: {text: $(item)}
    after: [end]
  - name: shown
    if: $(size(inputs.text) > 3 && steps.end.state == 'Succeeded')
    template: {source: "{{ a }}"}
    inputs: {a: "$(coalesce(steps.end.outputs.answer, '\\"<&>\\"'))"}
  - name: again
    repeat: {until: "$(steps.again.outputs.result == 'x')", maxIterations: 3}
    transform: {name: pick}
    inputs: {value: $(steps.shown.outputs.text)}
  - name: checked
    validate: {schema: {type: object}}
    inputs: {value: $(steps.again.outputs.result)}
  - name: scored
    metric: {name: f1}
    inputs: {prediction: $(steps.shown.outputs.text), reference: $(inputs.text)}
  - name: plugged
    native: {operation: thing}
  finally:
  - name: close
    template: {source: "{{ s }}"}
    inputs: {s: $(steps.scored.state)}
  - name: last
    template: {source: "x"}
    after: [close]
"""
EDGES = {
    ("end", "each"),
    ("end", "shown"),
    ("shown", "again"),
    ("again", "checked"),
    ("shown", "scored"),
    ("scored", "close"),
    ("close", "last"),
}


@pytest.fixture
def drawn(tmp_path: Path, dspex: Dspex) -> Callable[[str], str]:
    """Return a function that draws the manifest."""
    file = tmp_path / "p.yaml"
    file.write_text(MANIFEST)

    def draw(output: str) -> str:
        ran = dspex("graph", "-f", file, "-o", output)
        assert ran.status == 0, ran.err
        return ran.out

    return draw


def test_text_lists_levels_and_what_each_step_waits_for(drawn: Callable[[str], str]) -> None:
    """Steps of one level stand together; finally steps come last, under their own line."""
    text = drawn("text")
    assert text.startswith("all-kinds: 9 steps, at most 6 in a row\n")
    assert "  1  end      ReAct in big\n" in text
    assert "each     pipeline other  ← end\n" in text
    assert "for each of $(inputs.items)" in text
    assert "until $(steps.again.outputs.result == 'x')" in text
    assert "up to 4 attempts" in text
    assert text.count(" else ") == 3
    assert text.index("finally, however the steps end") < text.index("close")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_mermaid_has_every_step_and_arrow(drawn: Callable[[str], str]) -> None:
    """Dashed where only `after` orders; a step called end does not end the chart."""
    text = drawn("mermaid")
    assert text.startswith("flowchart TD\n")
    for source, target in EDGES:
        arrow = "-.->" if (source, target) in {("end", "each"), ("close", "last")} else "-->"
        assert f"  s_{source} {arrow} s_{target}\n" in text
    assert "subgraph finally_steps [finally]" in text
    assert "if #36;(size(inputs.text) #gt; 3 #amp;#amp; steps.end.state == 'Succeeded')" in text
    assert "&" not in text


def test_dot_has_every_step_and_arrow(drawn: Callable[[str], str]) -> None:
    """Names and labels are quoted, finally steps stand in their own cluster."""
    text = drawn("dot")
    assert 'digraph "all-kinds" {' in text
    for source, target in EDGES:
        assert f'"{source}" -> "{target}"' in text
    assert "subgraph cluster_finally" in text
    assert text.count("[style=dashed]") == 2
    assert text.count("{") == text.count("}")


def test_svg_is_xml_with_every_step_and_edge(drawn: Callable[[str], str]) -> None:
    """It parses, holds a box and a tooltip a step, a path an edge, and all is inside the frame."""
    root = ET.fromstring(drawn("svg"))
    space = "{http://www.w3.org/2000/svg}"
    titles = [node.text or "" for node in root.iter(f"{space}title")]
    assert len(titles) == 9
    assert any("$(size(inputs.text) > 3 && steps.end.state" in title for title in titles)
    paths = [node for node in root.iter(f"{space}path") if "edge" in node.get("class", "")]
    assert len(paths) == len(EDGES)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter(f"{space}rect"):
        assert 0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"])
        assert 0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"])


def test_formats_agree_with_a_pipeline_of_one_step(dspex: Dspex, tmp_path: Path) -> None:
    """The smallest pipeline is drawn too."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
        "spec: {steps: [{name: only, template: {source: x}}]}\n"
    )
    assert dspex("graph", "-f", file).out == "p: 1 step\n\n  1  only  template\n"
    for output in ("mermaid", "dot", "svg"):
        assert "only" in dspex("graph", "-f", file, "-o", output).out


def test_a_cycle_is_an_error_that_prints_it(dspex: Dspex, tmp_path: Path) -> None:
    """What can't be drawn is said, with its place."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
        "  - {name: a, template: {source: x}, after: [b]}\n"
        "  - {name: b, template: {source: x}, after: [a]}\n"
    )
    ran = dspex("graph", "-f", file)
    assert ran.status == 2
    assert "a → b → a" in ran.err
    assert f"{file}:" in ran.err


@st.composite
def layered(draw: st.DrawFn) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Make layers and edges from higher to lower ones."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    layers = [[f"n{row}x{i}" for i in range(size)] for row, size in enumerate(sizes)]
    pairs = [
        (a, b) for upper, lower in itertools.combinations(layers, 2) for a in upper for b in lower
    ]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []
    return layers, edges


@settings(max_examples=60, deadline=None)
@given(layered())
def test_boxes_never_overlap(graph: tuple[list[list[str]], list[tuple[str, str]]]) -> None:
    """Within a layer there is a gap between all boxes; layers do not touch; all fits the frame."""
    layers, edges = graph
    sizes = {name: (40.0 + 13 * len(name), 30.0) for layer in layers for name in layer}
    placed = place(layers, edges, sizes)
    for layer in layers:
        row = sorted((placed.boxes[name] for name in layer), key=lambda box: box.x)
        for left, right in itertools.pairwise(row):
            gap = (right.x - right.width / 2) - (left.x + left.width / 2)
            assert gap >= GAP_ACROSS - 0.01
    for upper, lower in itertools.pairwise(layers):
        bottom = max(placed.boxes[name].bottom for name in upper)
        assert bottom < min(placed.boxes[name].top for name in lower)
    for box in placed.boxes.values():
        assert box.x - box.width / 2 >= -0.01
        assert box.x + box.width / 2 <= placed.width + 0.01
        assert box.bottom <= placed.height + 0.01
    depth = {name: row for row, layer in enumerate(layers) for name in layer}
    for source, target in edges:
        assert len(placed.bends[source, target]) == depth[target] - depth[source] - 1


def test_edges_that_need_not_cross_do_not() -> None:
    """Two pairs in opposite order are sorted so that their edges do not cross."""
    placed = place(
        [["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")], dict.fromkeys("abcd", (50.0, 20.0))
    )
    boxes = placed.boxes
    assert (boxes["a"].x < boxes["b"].x) == (boxes["d"].x < boxes["c"].x)


def test_a_node_alone_stands_over_its_only_neighbour() -> None:
    """A chain is a straight line."""
    placed = place([["a"], ["b"], ["c"]], [("a", "b"), ("b", "c")], dict.fromkeys("abc", (50, 20)))
    assert {round(box.x, 3) for box in placed.boxes.values()} == {25.0}
