"""Compiles one pipeline with its sub-pipelines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from dspex.api.duration import parse_duration
from dspex.api.limits import MAX_STATUS_STEPS
from dspex.api.pipeline import Pipeline, Timeouts
from dspex.api.step import Step as StepSpec
from dspex.errors import Diagnostic, InputError, Severity
from dspex.native.expressions import Variable
from dspex.native.field import Field
from dspex.native.signatures.wire_form import fields_to_wire
from dspex.pipeline import graph, scope
from dspex.pipeline.compile.dependencies import Dependencies, find_dependencies
from dspex.pipeline.compile.outputs import compile_outputs
from dspex.pipeline.compile.reach import warn_unreached, warn_unused_inputs
from dspex.pipeline.compile.step import StepCompiler
from dspex.pipeline.compile.triggers import compile_triggers
from dspex.pipeline.context import Context, Findings, Missing, Sources
from dspex.pipeline.declare import fields_of
from dspex.pipeline.plan import Plan, Step
from dspex.pipeline.plan import Timeouts as PlanTimeouts

MAX_DEPTH: Final = 8
"""Sub-pipelines inside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What the compiler made of a pipeline.

    Attributes:
        plan: None where there are errors or missing references.
        missing: References to what is not there (yet): the operator waits, local mode fails.
        diagnostics: Errors and warnings, also those of Signatures and sub-pipelines.
    """

    plan: Plan | None
    missing: tuple[Missing, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors."""
        return tuple(each for each in self.diagnostics if each.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are warnings."""
        return tuple(each for each in self.diagnostics if each.severity is Severity.WARNING)


def compile_pipeline(pipeline: Pipeline, sources: Sources) -> Compiled:
    """Compile a pipeline; findings come back, none is raised."""
    compiler = _Compiler(sources)
    plan = compiler.compile(pipeline)
    # Those of sub-pipelines start no part of this one.
    compile_triggers(pipeline.spec, compiler.context(pipeline))
    findings = compiler.findings
    if plan is not None and (count := _count_steps(plan, compiler.plans)) > MAX_STATUS_STEPS:
        findings.diagnostics.append(
            Diagnostic(
                code="TooManySteps",
                message=f"with its sub-pipelines the pipeline has {count} steps",
                expected=f"at most {MAX_STATUS_STEPS}, which is what a run's status holds",
                remedy="name fewer sub-pipelines, or run one under forEach",
                subject=pipeline.subject,
                path="spec.steps",
            )
        )
    if plan is not None:
        plan = msgspec.structs.replace(
            plan, pools=sorted(compiler.pools), pipelines=dict(sorted(compiler.plans.items()))
        )
    return Compiled(
        plan=None if findings.missing or findings.failed else plan,
        missing=tuple(findings.missing),
        diagnostics=tuple(findings.diagnostics),
    )


def _count_steps(plan: Plan, plans: Mapping[str, Plan]) -> int:
    """Return how many steps a run will report, those of sub-pipelines included."""
    sizes: dict[str, int] = {}

    def size(plan: Plan) -> int:
        if plan.pipeline not in sizes:
            inner = [
                size(plans[step.sub_pipeline])
                for step in plan.all_steps
                if step.sub_pipeline is not None
            ]
            sizes[plan.pipeline] = len(plan.all_steps) + sum(inner)
        return sizes[plan.pipeline]

    return size(plan)


class _Compiler:
    """Compiles a pipeline and those that it names, each of them once."""

    def __init__(self, sources: Sources) -> None:
        self.findings = Findings()
        self.plans: dict[str, Plan] = {}
        self.pools: set[str] = set()
        self._sources = sources
        self._stack: list[str] = []
        self._broken: set[str] = set()
        self._depths: dict[str, int] = {}

    def compile(self, pipeline: Pipeline) -> Plan | None:
        self._stack.append(pipeline.name)
        try:
            return _PipelineCompiler(pipeline, self.context(pipeline), self.pools).plan()
        finally:
            self._stack.pop()

    def context(self, pipeline: Pipeline) -> Context:
        subject = pipeline.subject
        return Context(
            subject=subject,
            path="spec",
            sources=self._sources,
            findings=self.findings,
            compile_sub=lambda name: self._compile_sub(name, subject),
        )

    def _compile_sub(self, name: str, subject: str) -> Plan | None:
        if name in self._broken:
            return None
        if name in self._stack:
            cycle = " → ".join([*self._stack[self._stack.index(name) :], name])
            self._fail(subject, "PipelineCycle", f"pipelines name each other in a cycle: {cycle}")
            return None
        # One that is compiled is asked again how deep it goes: it may stand deeper here.
        if len(self._stack) + self._depth(name) > MAX_DEPTH:
            chain = " → ".join([*self._stack, name])
            self._fail(
                subject, "TooDeep", f"more than {MAX_DEPTH} pipelines inside each other: {chain}"
            )
            return None
        if name in self.plans:
            return self.plans[name]
        plan = self.compile(self._sources.pipelines[name])
        if plan is None:
            self._broken.add(name)
            return None
        self.plans[name] = plan
        return plan

    def _depth(self, name: str) -> int:
        """Return how many levels a compiled pipeline has below itself, 0 for others."""
        if name not in self.plans:
            return 0
        if name not in self._depths:
            inner = [
                1 + self._depth(step.body["name"])
                for step in self.plans[name].all_steps
                if step.kind == "pipelineRef"
            ]
            self._depths[name] = max(inner, default=0)
        return self._depths[name]

    def _fail(self, subject: str, code: str, message: str) -> None:
        self.findings.diagnostics.append(
            Diagnostic(
                code=code,
                message=message,
                remedy="take one pipelineRef out",
                subject=subject,
                path="spec.steps",
            )
        )


class _PipelineCompiler:
    """Compiles one pipeline's own parts."""

    def __init__(self, pipeline: Pipeline, context: Context, pools: set[str]) -> None:
        self._spec = pipeline.spec
        self._name = pipeline.name
        self._context = context
        self._pools = pools

    def plan(self) -> Plan | None:
        spec, context = self._spec, self._context
        before = len(context.findings.diagnostics)
        inputs = self._inputs()
        dependencies = find_dependencies(spec, context)
        if inputs is None or dependencies is None:
            return None
        variables = {**scope.RUN_VARIABLES, **scope.input_variables(inputs)}
        steps = self._steps(spec.steps, "steps", dependencies, variables)
        late = {**variables, **scope.FINALLY_VARIABLES}
        for step in steps.values():
            if step is not None:
                late |= scope.step_variables(step, in_finally=True)
        finally_ = self._steps(spec.finally_, "finally", dependencies, late, _broken(steps))
        outputs = compile_outputs(spec.outputs, variables, context, _broken(steps))
        timeouts = self._timeouts(spec.timeouts or Timeouts())
        whole = [step for step in steps.values() if step is not None]
        whole_finally = [step for step in finally_.values() if step is not None]
        warn_unused_inputs(inputs, spec, context)
        warn_unreached(spec, whole, variables, context)
        if context.findings.failed_since(before) or outputs is None:
            return None
        if len(whole) + len(whole_finally) < len(spec.steps) + len(spec.finally_):
            return None
        return Plan(
            pipeline=self._name,
            inputs=fields_to_wire(inputs),
            outputs=outputs,
            steps=whole,
            finally_=whole_finally,
            timeouts=timeouts,
            concurrency=spec.concurrency,
        )

    def _inputs(self) -> tuple[Field, ...] | None:
        try:
            return fields_of(self._spec.inputs, "inputs")
        except InputError as error:
            self._context.report_all(error)
            return None

    def _steps(
        self,
        specs: tuple[StepSpec, ...],
        side: str,
        dependencies: Dependencies,
        variables: dict[str, Variable],
        broken: frozenset[str] = frozenset(),
    ) -> dict[str, Step | None]:
        """Compile steps in the order of their dependencies; those that can't be are None.

        What reads a `broken` step, or one that turns out so, is not reported again.
        """
        places = {step.name: index for index, step in enumerate(specs)}
        needs = {name: dependencies.needs[name] for name in places}
        compiled: dict[str, Step | None] = {}
        own = {name: [need for need in before if need in places] for name, before in needs.items()}
        for name in graph.order(own):
            spec = specs[places[name]]
            context = self._context.at(f"{side}[{places[name]}]")
            stuck = broken | {step for step, done in compiled.items() if done is None}
            if not stuck.isdisjoint(dependencies.reads[name]):
                compiled[name] = None
                continue
            compiler = StepCompiler(spec, context, variables, self._spec.defaults, self._pools)
            step = compiler.compile(needs[name])
            compiled[name] = step
            if step is not None:
                variables |= scope.step_variables(step)
        return compiled

    def _timeouts(self, given: Timeouts) -> PlanTimeouts:
        total = seconds(given.total)
        finally_ = seconds(given.finally_)
        if not self._spec.finally_:
            return PlanTimeouts(total=total, steps=seconds(given.steps))
        if finally_ is not None and total is not None and finally_ >= total:
            self._context.error(
                "NoTimeForSteps",
                "timeouts.finally leaves no time for the steps",
                path="timeouts.finally",
                expected=f"less than timeouts.total, which is {given.total}",
                found=given.finally_,
                remedy="raise total or lower finally",
            )
        return PlanTimeouts(total=total, steps=seconds(given.steps), finally_=finally_)


def _broken(steps: dict[str, Step | None]) -> frozenset[str]:
    return frozenset(name for name, step in steps.items() if step is None)


def seconds(duration: str | None) -> float | None:
    """Read a duration that may be left out."""
    return None if duration is None else parse_duration(duration)
