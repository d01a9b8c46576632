"""`dspex version`."""

import click

from dspex.cli.command import ExampleCommand
from dspex.cli.output import print_json

_PARTS = ("dspy", "aiohttp", "cel-expr-python", "minijinja", "xllamacpp")


@click.command(
    "version",
    cls=ExampleCommand,
    examples=(("", "dspex version"), ("", "dspex version -o json")),
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(output: str) -> None:
    """Print the versions of DSPex and of what it runs on."""
    import importlib.metadata
    import platform

    from dspex import __version__

    versions = {"dspex": __version__, "python": platform.python_version()}
    for part in _PARTS:
        try:
            versions[part] = importlib.metadata.version(part)
        except importlib.metadata.PackageNotFoundError:
            versions[part] = "not installed"
    if output == "json":
        print_json(versions)
        return
    width = max(map(len, versions))
    for name, version in versions.items():
        click.echo(f"{name:{width}}  {version}")
