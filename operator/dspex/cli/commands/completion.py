"""`dspex completion`."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from dspex.cli.command import ExampleCommand

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    "completion",
    cls=ExampleCommand,
    examples=(
        (
            "bash, for this user:",
            "dspex completion bash > ~/.local/share/bash-completion/completions/dspex",
        ),
        ("zsh, into a folder of $fpath:", 'dspex completion zsh > "${fpath[1]}/_dspex"'),
        ("fish:", "dspex completion fish > ~/.config/fish/completions/dspex.fish"),
    ),
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> None:
    """Print a script that completes commands in your shell."""
    from dspex.cli.app import cli

    completion = _SHELLS[shell](cli, {}, "dspex", "_DSPEX_COMPLETE")
    # Not completion.source(): for bash that starts a bash to look at its version.
    click.echo(completion.source_template % completion.source_vars(), nl=False)
