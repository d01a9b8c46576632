"""`dspex.run_pipeline`: a pipeline to its end, on the process' warm workers."""

import functools
import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from dspex.local import Store
from dspex.pipeline.events import Listener
from dspex.python.builder import PipelineBuilder
from dspex.python.project import Project, load
from dspex.python.result import Result, RunError
from dspex.python.session import assignments, session
from dspex.python.work import Work, perform, prepare

PipelineLike: TypeAlias = PipelineBuilder | Project | str | os.PathLike[str]
"""A pipeline: one built in Python, loaded manifests, or their path."""


def run_pipeline(
    target: PipelineLike,
    /,
    inputs: Mapping[str, Any] | None = None,
    *,
    pipeline: str | None = None,
    run: str | None = None,
    timeout: float | str | None = None,
    secrets: Mapping[str, str] | None = None,
    config_maps: Mapping[str, str] | None = None,
    check: bool = True,
    on_event: Listener | None = None,
) -> Result:
    """Run a pipeline to its end.

    Works where an event loop runs, in a notebook too. Workers are started where they are not
    there yet, and stay for the next call. Ctrl-C cancels the run and waits for its end.

    Args:
        target: A pipeline built in Python, loaded manifests, or a path of manifests.
        inputs: Values by input name, as Python's objects or in wire form; they override those of
            the PipelineRun.
        pipeline: Which Pipeline of the manifests; needed where there are several.
        run: Which PipelineRun of the manifests; needed where there are several.
        timeout: The longest that the run may take: seconds, or a duration such as `90s`.
        secrets: Keys of Secrets, such as `{"llm/api-key": "env:OPENAI_API_KEY"}`.
        config_maps: Keys of ConfigMaps, likewise.
        check: Whether a run that does not succeed raises; else its result says so.
        on_event: Hears every event of the run, in a thread of DSPex's own: it must not block.
            Where it raises, it hears nothing more, and its error is raised when the run has ended.

    Raises:
        InputError: Pipeline, inputs or settings are wrong; with every finding and its place.
        RunError: The run did not succeed, and `check` is set; `result` has its steps.
        PythonError: The workers could not be started.
    """
    work = _work(target, inputs, pipeline, run, timeout, secrets, config_maps)
    return _checked(session().background.run(functools.partial(perform, work, on_event)), check)


async def arun_pipeline(
    target: PipelineLike,
    /,
    inputs: Mapping[str, Any] | None = None,
    *,
    pipeline: str | None = None,
    run: str | None = None,
    timeout: float | str | None = None,
    secrets: Mapping[str, str] | None = None,
    config_maps: Mapping[str, str] | None = None,
    check: bool = True,
    on_event: Listener | None = None,
) -> Result:
    """As `run_pipeline`; cancelling the caller cancels the run and waits for its end."""
    work = _work(target, inputs, pipeline, run, timeout, secrets, config_maps)
    done = await session().background.wait(functools.partial(perform, work, on_event))
    return _checked(done, check)


def _checked(result: Result, check: bool) -> Result:
    if check and not result.succeeded:
        raise RunError(result)
    return result


def _work(
    target: PipelineLike,
    inputs: Mapping[str, Any] | None,
    pipeline: str | None,
    run: str | None,
    timeout: float | str | None,
    secrets: Mapping[str, str] | None,
    config_maps: Mapping[str, str] | None,
) -> Work:
    if isinstance(target, PipelineBuilder):
        manifests, pipeline = target.manifests(), target.name
    else:
        project = target if isinstance(target, Project) else load(target)
        manifests = project.manifests
    return prepare(
        manifests,
        inputs or {},
        pipeline=pipeline,
        run=run,
        timeout=timeout,
        secrets=assignments(Store.SECRET, secrets),
        config_maps=assignments(Store.CONFIG_MAP, config_maps),
    )
