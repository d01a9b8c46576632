"""The steps that a plan reports: known before any of them starts."""

from collections.abc import Iterator, Mapping

from dspex.pipeline.plan import Plan
from dspex.pipeline.record import State, StepRecord


def pending_steps(
    plan: Plan, pipelines: Mapping[str, Plan], prefix: str = ""
) -> Iterator[StepRecord]:
    """Give every step that a run of the plan reports, those of sub-pipelines behind their step.

    Args:
        plan: The run's own, or a sub-pipeline's.
        pipelines: The plans of all sub-pipelines.
        prefix: Path of the outer step with a slash, empty for the run's own.
    """
    for step in plan.all_steps:
        path = prefix + step.name
        yield StepRecord(name=path, kind=step.kind, state=State.PENDING)
        if step.sub_pipeline is not None:
            yield from pending_steps(pipelines[step.sub_pipeline], pipelines, f"{path}/")
