"""The command group: help, errors, signals, colours."""

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest

from dspex.cli import main as entry
from dspex.cli.app import COMMANDS, cli
from dspex.cli.command import ExampleCommand
from dspex.cli.failures import report
from dspex.errors import ConfigurationError, Diagnostic, DspexError
from fakes.command_line import Ran, start_dspex

Dspex = Callable[..., Ran]


def commands() -> list[ExampleCommand]:
    """Return all commands."""
    context = click.Context(cli)
    found = [cli.get_command(context, name) for name in cli.list_commands(context)]
    return [command for command in found if isinstance(command, ExampleCommand)]


def test_every_command_is_there_and_teaches_by_example() -> None:
    """Each name leads to a command with its own summary and with two to four examples."""
    assert [command.name for command in commands()] == list(COMMANDS)
    for command in commands():
        assert command.get_short_help_str(200) == COMMANDS[str(command.name)]
        assert 2 <= len(command.examples) <= 4


def test_examples_name_options_that_exist() -> None:
    """No example of any help shows an option that its command does not have."""
    for command in commands():
        known = {name for option in command.params for name in (*option.opts, "--help")}
        for _, line in command.examples:
            words = itertools.takewhile(lambda word: word not in "|>", shlex.split(line))
            used = {word for word in words if re.match("--?[a-z]", word)}
            assert used <= known or not line.startswith("dspex"), line


def test_help_lists_commands_and_examples(dspex: Dspex) -> None:
    """`dspex --help` shows every command and what to type first; no arguments show the same."""
    shown = dspex("--help")
    assert shown.status == 0
    assert all(f"  {name} " in shown.out for name in COMMANDS)
    assert "dspex run -f triage.yaml" in shown.out
    for name in COMMANDS:
        assert "Examples:\n" in dspex(name, "--help").out


def test_help_imports_nothing_heavy() -> None:
    """Help needs click and nothing else of size."""
    program = """
import sys
from dspex.cli.app import run
run(["--help"])
heavy = {"pydantic", "aiohttp", "asyncio", "yaml", "rich", "cel_expr_python", "minijinja",
         "msgspec", "dspy", "kopf", "kubernetes", "dspex_worker", "dspex.errors"}
print("heavy:", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "heavy: []" in done.stdout


def test_help_takes_less_than_a_fifth_of_a_second(tmp_path: Path) -> None:
    """The whole process, interpreter included; in processor time, for the machine is shared."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    for name in [name for name in environment if name.startswith(("COV", "PYTHONDONTWRITE"))]:
        del environment[name]
    command = [sys.executable, "-c", "from dspex.cli.main import main; main()", "--help"]
    times = []
    for _ in range(6):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        times.append(usage.ru_utime + usage.ru_stime)
    assert min(times) < 0.2


def test_unknown_commands_and_options_are_bad_input(dspex: Dspex) -> None:
    """Exit status 2, without a trace."""
    for arguments in (["frob"], ["run", "--frob"], ["lint"], ["explain"]):
        ran = dspex(*arguments)
        assert ran.status == 2
        assert "Traceback" not in ran.err
    assert "-f manifests/" in dspex("lint").err


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_that_became_another_error_is_still_one(name: str) -> None:
    """As where pydantic builds a model: status 130, and no word of a fault."""
    program = f"""
import signal
from dspex.cli import app
from dspex.cli.main import main

def build(*arguments, **options):
    try:
        signal.raise_signal(signal.{name})
    except KeyboardInterrupt:
        raise ValueError("could not build") from None

app.cli.main = build
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "\ncancelled; nothing had been started\n"


def fail_with(error: BaseException) -> click.Command:
    """Make a command that raises."""

    @click.command()
    def command() -> NoReturn:
        raise error

    return command


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, dspex: Dspex) -> Callable[..., Ran]:
    """Return a function that runs `dspex version` with an error inside."""

    def call(error: BaseException, *options: str) -> Ran:
        monkeypatch.setattr("dspex.cli.commands.version.command", fail_with(error))
        return dspex(*options, "version")

    return call


def test_a_persons_mistakes_are_findings_with_status_2(failing: Callable[..., Ran]) -> None:
    """Diagnostics are printed as they render, counted where there are several."""
    one, two = (Diagnostic(code="X", message=text, remedy="mend it") for text in ("a", "b"))
    ran = failing(ConfigurationError(one, two))
    assert ran.status == 2
    assert ran.err == "a\n  remedy: mend it\nb\n  remedy: mend it\n2 errors\n"


def test_errors_of_dspex_are_one_line_with_status_1(failing: Callable[..., Ran]) -> None:
    """No trace for what DSPex raises on purpose."""
    ran = failing(DspexError("the workers are gone\nlast lines"))
    assert (ran.status, ran.err) == (1, "error: the workers are gone\nlast lines\n")


def test_an_unexpected_error_says_how_to_get_its_trace(failing: Callable[..., Ran]) -> None:
    """One line, and the command that shows more; with --debug the trace itself."""
    ran = failing(ZeroDivisionError("oh"))
    assert ran.status == 1
    assert ran.err.startswith("error: unexpected ZeroDivisionError: oh\n")
    assert "dspex --debug version" in ran.err
    assert "Traceback" not in ran.err
    ran = failing(ZeroDivisionError("oh"), "--debug")
    assert "Traceback" in ran.err
    assert "--debug" not in ran.err.splitlines()[-1]


def test_a_reader_that_has_gone_is_no_error_message(failing: Callable[..., Ran]) -> None:
    """`| head` ends a command silently."""
    ran = failing(BrokenPipeError())
    assert ran.err == ""
    assert report(BrokenPipeError(), []) == 1


def test_an_abort_is_an_interrupt(failing: Callable[..., Ran]) -> None:
    """What click makes of Ctrl-C goes on as one."""
    with pytest.raises(KeyboardInterrupt):
        failing(KeyboardInterrupt())


def run_main(monkeypatch: pytest.MonkeyPatch, effect: Callable[[], int]) -> Any:
    """Run the entry point around something else than the command line."""
    monkeypatch.setattr("dspex.cli.app.run", lambda arguments: effect())
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    monkeypatch.setattr(entry, "_asked", False)
    try:
        with pytest.raises(SystemExit) as caught:
            entry.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return caught.value.code


def test_main_ends_with_the_commands_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is the command's."""
    assert run_main(monkeypatch, lambda: 2) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_before_anything_runs_end_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM during start-up: 130, and it says that nothing was done."""

    def interrupted() -> int:
        signal.raise_signal(number)
        return 0

    assert run_main(monkeypatch, interrupted) == 130
    assert "nothing had been started" in capsys.readouterr().err


def test_output_pipes_into_head() -> None:
    """A reader that stops early makes neither a message nor a trace."""
    command = f"{sys.executable} -c 'from dspex.cli.main import main; main()'"
    line = f"{command} explain pipeline --recursive | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("kind    Pipeline")
    assert done.stderr == ""


def test_no_color_is_honoured(support: Path) -> None:
    """On a terminal there are colours, with NO_COLOR there are none."""
    support.write_text("kind: Nope\napiVersion: dspex.dev/v1alpha1\n")
    line = f"{sys.executable} -c 'from dspex.cli.main import main; main()' lint -f {support}"
    for extra, coloured in (("env -u NO_COLOR", True), ("env NO_COLOR=1", False)):
        done = subprocess.run(
            ["script", "-qec", f"{extra} {line}", "/dev/null"], capture_output=True, check=False
        )
        assert (b"\x1b[" in done.stdout) is coloured, done.stdout


def test_ctrl_c_while_manifests_are_read_ends_with_130(tmp_path: Path) -> None:
    """Interrupted at its slowest part before a run: no trace, status 130."""
    fifo = tmp_path / "slow.yaml"
    os.mkfifo(fifo)
    process = start_dspex("lint", "-f", fifo)
    with fifo.open("w"):  # opens when the command reads it
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
