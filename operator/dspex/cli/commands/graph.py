"""`dspex graph`."""

import click

from dspex.cli.command import ExampleCommand
from dspex.cli.options import all_files, manifest_files, output_format, pipeline_name


@click.command(
    "graph",
    cls=ExampleCommand,
    examples=(
        ("Which steps run side by side:", "dspex graph -f pipeline.yaml"),
        ("A picture, without Graphviz:", "dspex graph -f pipeline.yaml -o svg > pipeline.svg"),
        ("For a README on GitHub:", "dspex graph -f pipeline.yaml -o mermaid"),
    ),
)
@manifest_files
@pipeline_name
@output_format("text", "mermaid", "dot", "svg")
def command(
    files: tuple[str, ...], more: tuple[str, ...], pipeline: str | None, output: str
) -> None:
    """Draw a pipeline: text, Mermaid, Graphviz or SVG.

    Shows its steps, and which waits for which: an arrow where a step reads what
    another gives, a dashed one where only `after` orders them. Signatures and
    Pools need not be among the files.
    """
    from dspex.cli.diagram.render import RENDERERS
    from dspex.cli.workspace import choose_pipeline, drawing_of, open_manifests

    manifests = open_manifests(all_files(files, more))
    drawing = drawing_of(manifests, choose_pipeline(manifests, pipeline))
    click.echo(RENDERERS[output](drawing), nl=False)
