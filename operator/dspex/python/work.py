"""From manifests and inputs to what is to be run, and through the engine to how it ended."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dspex.api.duration import parse_duration
from dspex.api.pipelinerun import PipelineRun, Shutdown
from dspex.cli.inputs import inputs_from_sources
from dspex.cli.prepare import generated_name
from dspex.cli.workspace import (
    choose_pipeline,
    choose_run,
    compile_findings,
    compile_sources,
    place_error,
    referenced_pipeline,
)
from dspex.errors import CompileError, Diagnostic, InputError
from dspex.local import Assignment, PoolPlan, plan_pools
from dspex.manifests import Manifests
from dspex.native.signatures import field_from_wire
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, Listener, RunFinished, RunStarted, StepFinished
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import StepRecord
from dspex.pipeline.status import StatusWriter
from dspex.python.inputs import check_inputs, to_wire_values
from dspex.python.places import all_in_python, argument
from dspex.python.result import Result, python_form
from dspex.python.session import session
from dspex.resources.run_inputs import sensitive_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be run.

    Attributes:
        name: The run's name.
        plan: The compiled pipeline.
        pools: The Pools that the plan needs, with what they take from elsewhere.
        inputs: Checked inputs.
        workers: Worker processes of one Pool at most.
        timeout: Seconds for the whole run; None: the pipeline's.
        shutdown: What the PipelineRun asks for before it has begun.
    """

    name: str
    plan: Plan
    pools: Sequence[PoolPlan]
    inputs: Mapping[str, Any]
    workers: int
    timeout: float | None = None
    shutdown: Shutdown | None = None


def prepare(
    manifests: Manifests,
    inputs: Mapping[str, Any],
    *,
    pipeline: str | None = None,
    run: str | None = None,
    timeout: float | str | None = None,
    secrets: tuple[Assignment, ...] = (),
    config_maps: tuple[Assignment, ...] = (),
) -> Work:
    """Choose, compile, and resolve all that a run takes from elsewhere; start nothing.

    What the compiler warns of is warned of, at the line of the call of `run_pipeline`.

    Raises:
        InputError: With everything that is wrong.
    """
    shared = session()
    limit = _seconds(timeout)
    sources = shared.sources(
        secrets=secrets,
        config_maps=config_maps,
        secret_objects=manifests.secrets,
        config_map_objects=manifests.config_maps,
    )
    given = choose_run(manifests, run, pipeline)
    chosen = (
        choose_pipeline(manifests, pipeline)
        if given is None
        else referenced_pipeline(manifests, given)
    )
    try:
        compiled = _compile(manifests, chosen.name, sources.config_maps)
        for finding in compiled.warnings:
            warnings.warn(finding.render(), stacklevel=4)
        plan = compiled.plan
        fields = plan.input_fields
        sensitive = sensitive_inputs(chosen)
        outer, secret = inputs_from_sources(fields, given, sensitive, sources)
        own = {} if given is None else dict(given.spec.inputs or {})
        values = check_inputs(
            fields,
            {**outer, **own, **to_wire_values(fields, inputs)},
            owner="pipeline",
            hidden=frozenset(sensitive | secret.keys()),
        )
        pools = plan_pools([manifests.pools[name] for name in plan.pools], sources)
    except InputError as error:
        placed = place_error(manifests, error)
        raise type(placed)(*all_in_python(placed.diagnostics)) from None
    return Work(
        name=generated_name(chosen.name) if given is None else given.name,
        plan=plan,
        pools=pools,
        inputs=values,
        workers=shared.settings.workers,
        timeout=_timeout_of(given) if limit is None else limit,
        shutdown=None if given is None else given.spec.shutdown,
    )


def compile_plan(manifests: Manifests, pipeline: str) -> Plan:
    """Compile a pipeline of some manifests.

    Raises:
        CompileError: With every finding, warnings too.
    """
    return _compile(manifests, pipeline, None).plan


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A plan, and what is allowed but probably not meant."""

    plan: Plan
    warnings: tuple[Diagnostic, ...]


def _compile(
    manifests: Manifests, pipeline: str, config_maps: Mapping[str, Mapping[str, str]] | None
) -> _Compiled:
    sources = compile_sources(manifests, config_maps)
    compiled = compile_findings(manifests, manifests.pipelines[pipeline], sources)
    if compiled.plan is None or compiled.errors:
        raise CompileError(*all_in_python(compiled.diagnostics))
    return _Compiled(compiled.plan, compiled.warnings)


async def perform(work: Work, on_event: Listener | None = None) -> Result:
    """Run work on the warm workers; in the session's loop.

    Raises:
        ConfigurationError: A worker found its configuration wrong.
        PythonError: The workers could not be started.
        Exception: What the listener raised: it heard nothing more, and the run went on.
    """
    witness = _Witness(work, on_event)
    async with session().workers.of(work.pools, work.workers) as dispatcher:
        engine = Engine(
            work.plan,
            dispatcher,
            RunIdentity(work.name),
            on_event=witness.hear,
            timeout=work.timeout,
        )
        if work.shutdown is Shutdown.STOP:
            engine.stop()
        elif work.shutdown is Shutdown.CANCEL:
            engine.cancel()
        record = await engine.run(work.inputs)
    if witness.problem is not None:
        raise witness.problem
    fields = {field.name: field for field in map(field_from_wire, witness.output_fields)}
    return Result(
        work.name,
        record,
        python_form(fields, record.outputs or {}),
        steps=witness.steps,
        status=witness.status.status,
        seconds=witness.seconds,
    )


class _Witness:
    """Hears a run's events and keeps what its result tells."""

    def __init__(self, work: Work, on_event: Listener | None) -> None:
        self.steps: dict[str, StepRecord] = {}
        self.status = StatusWriter(work.name)
        self.seconds = 0.0
        self.problem: Exception | None = None
        self.output_fields = [output.field for output in work.plan.outputs]
        self._began: datetime | None = None
        self._on_event = on_event

    def hear(self, event: Event) -> None:
        """Take in an event, and pass it on."""
        self.status(event)
        if isinstance(event, RunStarted):
            self._began = event.time
            self.steps = {record.name: record for record in event.steps}
        elif isinstance(event, StepFinished):
            self.steps[event.record.name] = event.record
        elif isinstance(event, RunFinished) and self._began is not None:
            self.seconds = (event.time - self._began).total_seconds()
        self._tell(event)

    def _tell(self, event: Event) -> None:
        """Pass an event on; an error of the listener must not end the engine in its midst."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 -- raised when the run has ended
            self.problem, self._on_event = error, None


def duration(value: float | str) -> str:
    """Return a time as manifests hold it: 90 and "90s" are the same."""
    return value if isinstance(value, str) else f"{value:g}s"


def _seconds(timeout: float | str | None) -> float | None:
    if timeout is None or isinstance(timeout, int | float):
        return timeout
    with argument("timeout"):
        return parse_duration(timeout)


def _timeout_of(run: PipelineRun | None) -> float | None:
    if run is None or run.spec.timeout is None:
        return None
    return parse_duration(run.spec.timeout)
