"""What is printed when a run has ended: outputs on standard output, the rest beside it."""

from collections.abc import Mapping
from typing import Any, Final

import click

from dspex.cli.failures import BAD_INPUT, FAILED
from dspex.cli.local_run import LocalRun, Outcome
from dspex.cli.main import CANCELLED
from dspex.cli.output import print_json, print_yaml
from dspex.cli.progress.words import count, summary
from dspex.errors import Reason
from dspex.pipeline.record import Fault, RunRecord, State

_REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}


def report(work: LocalRun, outcome: Outcome, *, output: str, verbose: bool) -> int:
    """Print how a run ended and return the exit status that it means."""
    record = outcome.record
    for step, fault in record.errors:
        print_fault(step, fault, verbose=verbose)
    click.secho(
        f"{work.run.name} {summary(record, outcome.seconds)}",
        fg=_COLOURS[record.state],
        bold=True,
        err=True,
    )
    if record.state is State.FAILED and not record.errors:
        click.echo(record.message, err=True)
    elif record.state is State.CANCELLED:
        click.echo(_done(outcome.status), err=True)
    if output == "json":
        print_json(as_in_cluster(work, outcome))
    elif output == "yaml":
        print_yaml(as_in_cluster(work, outcome))
    elif record.outputs:
        print_yaml(dict(record.outputs))
    return exit_status(record)


def exit_status(record: RunRecord) -> int:
    """Return 0 for success, 130 where it was cancelled, 2 for bad input, else 1."""
    if record.state is State.SUCCEEDED:
        return 0
    if record.state is State.CANCELLED:
        return CANCELLED
    return BAD_INPUT if record.reason == Reason.INPUT_INVALID else FAILED


def as_in_cluster(work: LocalRun, outcome: Outcome) -> dict[str, Any]:
    """Return the PipelineRun with its status as the cluster would hold it.

    Outputs too large for a status are an object of their own, and both come as a List.
    """
    run = {**work.run.to_json(), "status": outcome.status}
    if outcome.data is None:
        return run
    return {"apiVersion": "v1", "kind": "List", "items": [run, outcome.data]}


_COLOURS: Final = {State.SUCCEEDED: "green", State.CANCELLED: "yellow", State.FAILED: "red"}


def _done(status: Mapping[str, Any]) -> str:
    """Say what a cancelled run had done: how many steps stand in which state."""
    steps = status.get("steps", [])
    by_state: dict[str, list[str]] = {}
    for step in steps:
        by_state.setdefault(step["state"], []).append(step["name"])
    if not by_state.get(State.SUCCEEDED):
        return f"none of {count(len(steps), 'step')} had been done"
    parts = []
    for state, names in by_state.items():
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        parts.append(f"{state.lower()}: {shown}")
    return "; ".join(parts)


def print_fault(step: str, fault: Fault, *, verbose: bool) -> None:
    """Print a step's error with what would mend it; its traceback only where asked for."""
    click.echo(click.style(f"{step}: {fault.reason}: ", fg="red") + fault.message, err=True)
    violations = fault.details.get("violations") if fault.details else None
    for violation in violations if isinstance(violations, list) else []:
        click.echo(f"  {violation}", err=True)
    reason = _REASONS.get(fault.reason)
    if reason is not None:
        click.echo(click.style("  remedy: ", dim=True) + reason.remedy, err=True)
    if fault.traceback and verbose:
        click.echo("\n".join(f"  {line}" for line in fault.traceback.splitlines()), err=True)
    elif fault.traceback:
        click.echo(f"  {fault.error_class}; -v shows its traceback", err=True)
