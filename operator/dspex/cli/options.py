"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

STDIN: Final = "-"


def manifest_files(command: F) -> F:
    """Add `-f PATH`, which may be repeated, and paths behind it, as a shell's `*` makes them."""
    option = click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        metavar="PATH...",
        type=click.Path(allow_dash=True),
        help="Manifests: a file, a folder, or - for standard input. May be repeated.",
    )
    more = click.argument("more", nargs=-1, type=click.Path(allow_dash=True), metavar="")
    return option(more(command))


def all_files(files: tuple[str, ...], more: tuple[str, ...]) -> list[str]:
    """Join what `-f` and the arguments behind it gave.

    Raises:
        click.UsageError: If there is none.
    """
    if not files:
        example = more[0] if more else "manifests/"
        raise click.UsageError(f"Say where the manifests are, such as -f {example}")
    return [*files, *more]


def output_format(*choices: str) -> Callable[[F], F]:
    """Add `-o FORMAT`; the first choice is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="How to print it.",
    )


pipeline_name = click.option(
    "--pipeline", metavar="NAME", help="Which Pipeline; needed only where there are several."
)
