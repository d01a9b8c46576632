"""`dspex signature`."""

from typing import TYPE_CHECKING, Any

import click

from dspex.cli.command import ExampleCommand
from dspex.cli.options import output_format

if TYPE_CHECKING:
    from dspex.native.signatures import CompiledSignature


@click.command(
    "signature",
    cls=ExampleCommand,
    examples=(
        ("", 'dspex signature "question, context: list[str] -> answer: str, confidence: float"'),
        ("With both JSON Schemas:", "dspex signature \"text -> label: Literal['a', 'b']\" -o json"),
    ),
)
@click.argument("text", metavar="SIGNATURE")
@click.option("--instructions", default="", metavar="TEXT", help="What the model is to do.")
@output_format("text", "json")
def command(text: str, instructions: str, output: str) -> None:
    """Show how a signature string is understood.

    SIGNATURE is DSPy's string syntax: inputs, ->, outputs, each with its type
    behind a colon; a field without a type is a str.
    """
    from dspex.cli.output import print_json
    from dspex.native.signatures import compile_signature

    compiled = compile_signature(text, instructions=instructions)
    if output == "json":
        print_json(_to_json(compiled))
        return
    signature = compiled.signature
    click.echo(signature.text)
    for title, fields in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        click.secho(f"\n{title}", bold=True)
        width = max(len(field.name) for field in fields)
        for field in fields:
            click.echo(f"  {field.name:{width}}  {field.type}")
    click.secho("\ninstructions", bold=True)
    for line in signature.effective_instructions.splitlines():
        click.echo(f"  {line}")
    click.secho("\ndigest", bold=True)
    click.echo(f"  {signature.digest}")


def _to_json(compiled: "CompiledSignature") -> dict[str, Any]:
    """Return what stands in a Signature's status."""
    signature = compiled.signature
    return {
        "signature": signature.text,
        "instructions": signature.effective_instructions,
        "inputs": [{"name": each.name, "type": str(each.type)} for each in signature.inputs],
        "outputs": [{"name": each.name, "type": str(each.type)} for each in signature.outputs],
        "inputSchema": compiled.input_schema,
        "outputSchema": compiled.output_schema,
        "digest": signature.digest,
    }
