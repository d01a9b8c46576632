"""Commands whose help ends with examples."""

from collections.abc import Sequence
from typing import Any

import click

Example = tuple[str, str]
"""What an example does, and its command line; either may be empty."""


class ExampleCommand(click.Command):
    """A command with examples; make one by `@click.command(cls=ExampleCommand, examples=…)`."""

    def __init__(self, *args: Any, examples: Sequence[Example], **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Close the help with the examples."""
        write_examples(formatter, self.examples)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[Example]) -> None:
    """Write examples as they are to be typed: never wrapped."""
    with formatter.section("Examples"):
        for explanation, line in examples:
            if explanation:
                formatter.write(f"  {explanation}\n")
            if line:
                formatter.write(f"    {line}\n")
