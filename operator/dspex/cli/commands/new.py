"""`dspex new`."""

from pathlib import Path

import click

from dspex.cli.command import ExampleCommand


@click.command(
    "new",
    cls=ExampleCommand,
    examples=(
        ("", "dspex new triage --signature \"message -> topic: Literal['billing','bug']\""),
        ("", 'dspex new qa --signature "question, context: list[str] -> answer" --directory demo'),
        ("To look at it first:", 'dspex new qa --signature "question -> answer" --directory -'),
    ),
)
@click.argument("name")
@click.option("--signature", required=True, metavar="TEXT", help="The task in DSPy's syntax.")
@click.option("--instructions", default="", metavar="TEXT", help="What the model is to do.")
@click.option(
    "--directory",
    type=click.Path(allow_dash=True),
    default=".",
    show_default=True,
    help="Where to write NAME.yaml; - prints it.",
)
def command(name: str, signature: str, instructions: str, directory: str) -> None:
    """Write starter manifests that run at once.

    Writes NAME.yaml with a Signature, a Pool, a Pipeline and a PipelineRun
    that fit together. The Pool has the embedded model, so that it runs without
    a key. A file that is there already is never overwritten.
    """
    from dspex.api.names import check_object_name
    from dspex.cli.starter import starter
    from dspex.errors import ConfigurationError, Diagnostic
    from dspex.native.signatures import compile_signature

    reason = check_object_name(f"{name}-1")
    if reason is not None:
        raise ConfigurationError(
            Diagnostic(
                code="InvalidName",
                message=f"{name!r} can't be the name: {reason}",
                remedy="write lower-case letters, digits and -, such as support-triage",
            )
        )
    text = starter(name, compile_signature(signature, instructions=instructions).signature)
    if directory == "-":
        click.echo(text, nl=False)
        return
    file = Path(directory, f"{name}.yaml")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        there = isinstance(error, FileExistsError)
        raise ConfigurationError(
            Diagnostic(
                code="FileExists" if there else "NotWritable",
                message=f"{file} is there already"
                if there
                else f"{file} can't be written: {error.strerror}",
                remedy="choose another name or --directory; nothing was written",
            )
        ) from error
    click.echo(f"wrote {file}\n\nnext:\n  dspex run -f {file}", err=True)
