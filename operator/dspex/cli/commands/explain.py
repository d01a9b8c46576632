"""`dspex explain`."""

import textwrap
from typing import TYPE_CHECKING

import click

from dspex.cli.command import ExampleCommand

if TYPE_CHECKING:
    from dspex.api.documentation import FieldDoc
    from dspex.api.explain import Explained

_WIDTH = 92
_LONGEST_DEFAULT = 40


@click.command(
    "explain",
    cls=ExampleCommand,
    examples=(
        ("A kind:", "dspex explain Pool"),
        ("A field; spec may be left out:", "dspex explain pipeline.steps.retry"),
        ("All that is below it, in short:", "dspex explain drun.status --recursive"),
    ),
)
@click.argument("path", metavar="KIND[.FIELD]...")
@click.option("--recursive", is_flag=True, help="List all fields below, without descriptions.")
def command(path: str, recursive: bool) -> None:
    """Explain a kind or a field of one.

    Kinds go by their names, plurals and short names: Signature (sig), Pool
    (dpool), Pipeline (dpipe), PipelineRun (drun), PipelineRunData (drundata).
    """
    from dspex.api.explain import explain

    explained = explain(path)
    _print_head(explained)
    if recursive:
        _print_tree(explained.field, 1)
        return
    for field in explained.field.fields:
        click.echo(f"  {click.style(field.name, bold=True)}  {_facts(field)}")
        if field.description:
            click.echo(_wrapped(field.description, "    "))
        click.echo()


def _print_head(explained: "Explained") -> None:
    kind, field = explained.kind, explained.field
    short = ", ".join(kind.short_names)
    click.echo(f"{click.style('kind', dim=True)}    {kind.name}" + (f" ({short})" if short else ""))
    if field.path:
        click.echo(f"{click.style('field', dim=True)}   {click.style(field.path, bold=True)}")
        click.echo(f"{click.style('type', dim=True)}    {_facts(field)}")
    click.echo(f"\n{_wrapped(field.description, '')}\n")


def _print_tree(field: "FieldDoc", depth: int) -> None:
    for each in field.fields:
        click.echo(f"{'  ' * depth}{click.style(each.name, bold=True)}  {_facts(each)}")
        _print_tree(each, depth + 1)


def _facts(field: "FieldDoc") -> str:
    """Return type, necessity, default and bounds in one line."""
    facts = [field.type]
    if field.required:
        facts.append("required")
    if field.default is not None and len(field.default) <= _LONGEST_DEFAULT:
        facts.append(f"default {field.default}")
    return ", ".join([*facts, *field.bounds])


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
