"""The command group: names of all commands, and what becomes of their errors."""

import importlib
import os
from collections.abc import Sequence
from typing import Any, Final

import click

from dspex import __version__
from dspex.cli.command import write_examples

COMMANDS: Final = {
    "new": "Write starter manifests that run at once.",
    "lint": "Check manifests without running anything.",
    "run": "Run a pipeline here, without a cluster.",
    "graph": "Draw a pipeline: text, Mermaid, Graphviz or SVG.",
    "signature": "Show how a signature string is understood.",
    "explain": "Explain a kind or a field of one.",
    "completion": "Print a script that completes commands in your shell.",
    "version": "Print the versions of DSPex and of what it runs on.",
}
"""Each in its own module of `dspex.cli.commands`, imported only when it is called."""

EXAMPLES: Final = (
    ("Write a first pipeline and run it on a small model, without any key:", ""),
    ("", "dspex new triage --signature \"message -> topic: Literal['billing','bug']\""),
    ("", "dspex run -f triage.yaml --input message='I was charged twice!'"),
    ("Check every manifest of a folder before it is applied:", ""),
    ("", "dspex lint -f manifests/"),
    ("Read about a field:", ""),
    ("", "dspex explain Pipeline.spec.steps.forEach"),
)


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dspex.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Close the help with examples."""
        write_examples(formatter, EXAMPLES)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, help="Show the full trace of an unexpected error.")
@click.version_option(__version__, "--version", prog_name="dspex", message="%(prog)s %(version)s")
def cli(debug: bool) -> None:
    """Run DSPy programs as typed pipelines, on this machine or on Kubernetes.

    A task is a Signature, its workers are a Pool, the graph of steps is a
    Pipeline, and one execution of it a PipelineRun: plain manifests, the same
    here and in a cluster.
    """
    del debug


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status.

    Raises:
        KeyboardInterrupt: The command was interrupted where it could not handle that itself.
    """
    # A terminal gets colours, a file none; NO_COLOR takes them from both.
    colour = False if os.environ.get("NO_COLOR") else None
    try:
        status: Any = cli.main(list(arguments), "dspex", standalone_mode=False, color=colour)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        from dspex.cli.failures import report
        from dspex.cli.main import interrupted

        if interrupted():
            raise KeyboardInterrupt from error
        return report(error, arguments)
    return status if isinstance(status, int) else 0
