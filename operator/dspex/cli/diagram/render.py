"""The formats of a drawing; a new one is a file and a line here."""

from collections.abc import Callable, Mapping
from typing import Final

from dspex.cli.diagram.dot import to_dot
from dspex.cli.diagram.drawing import Drawing
from dspex.cli.diagram.mermaid import to_mermaid
from dspex.cli.diagram.svg import to_svg
from dspex.cli.diagram.text import to_text

RENDERERS: Final[Mapping[str, Callable[[Drawing], str]]] = {
    "text": to_text,
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
}
