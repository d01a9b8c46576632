"""From the flags of `dspex run` to what is to be run, or to everything that is wrong with them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dspex.api.conditions import timestamp
from dspex.api.duration import parse_duration
from dspex.api.names import MAX_NAME
from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.cli.inputs import read_inputs
from dspex.cli.local_run import LocalRun
from dspex.cli.output import print_findings
from dspex.cli.workspace import (
    choose_pipeline,
    choose_run,
    compile_findings,
    compile_sources,
    open_manifests,
    place_error,
    referenced_pipeline,
)
from dspex.errors import CompileError, InputError
from dspex.local import DEFAULT_WORKERS, Sources, Store, plan_pools, read_assignment
from dspex.manifests import Manifests
from dspex.pipeline.plan import Plan
from dspex.resources.run_inputs import sensitive_inputs

_SUFFIX_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for, as it was typed."""

    files: Sequence[str]
    pipeline: str | None = None
    run: str | None = None
    assignments: Sequence[str] = ()
    input_file: str | None = None
    secret_flags: Sequence[str] = ()
    config_map_flags: Sequence[str] = ()
    workers: int = DEFAULT_WORKERS
    timeout: str | None = None
    verbose: bool = False


def prepare(request: Request) -> LocalRun:
    """Load, compile, and resolve all that the run takes from elsewhere; start nothing.

    Raises:
        InputError: With everything that is wrong, at its place in the files.
    """
    limit = None if request.timeout is None else parse_duration(request.timeout)
    manifests = open_manifests(request.files)
    sources = Sources(
        secrets=manifests.secrets,
        config_maps=manifests.config_maps,
        secret_flags=[read_assignment(Store.SECRET, text) for text in request.secret_flags],
        config_map_flags=[
            read_assignment(Store.CONFIG_MAP, text) for text in request.config_map_flags
        ],
    )
    given = choose_run(manifests, request.run, request.pipeline)
    pipeline = (
        choose_pipeline(manifests, request.pipeline)
        if given is None
        else referenced_pipeline(manifests, given)
    )
    plan = _compile(manifests, pipeline, sources)
    try:
        inputs = read_inputs(
            plan.input_fields,
            run=given,
            file=request.input_file,
            assignments=request.assignments,
            sensitive=sensitive_inputs(pipeline),
            sources=sources,
        )
        pools = plan_pools([manifests.pools[name] for name in plan.pools], sources)
    except InputError as error:
        raise place_error(manifests, error) from None
    if limit is None and given is not None and given.spec.timeout is not None:
        limit = parse_duration(given.spec.timeout)
    return LocalRun(
        run=_run(given, pipeline, inputs.given, request.timeout),
        plan=plan,
        pools=pools,
        inputs=inputs.values,
        sensitive=inputs.sensitive,
        timeout=limit,
        max_workers=request.workers,
        verbose=request.verbose,
    )


def _compile(manifests: Manifests, pipeline: Pipeline, sources: Sources) -> Plan:
    compiled = compile_findings(
        manifests, pipeline, compile_sources(manifests, sources.config_maps)
    )
    if compiled.plan is None or compiled.errors:
        raise CompileError(*compiled.diagnostics)
    print_findings(compiled.warnings, summary=False)
    return compiled.plan


def _run(
    given: PipelineRun | None, pipeline: Pipeline, inputs: dict[str, Any], timeout: str | None
) -> PipelineRun:
    """Make the PipelineRun that would be applied, with what the API server adds to it."""
    metadata: dict[str, Any] = {"name": generated_name(pipeline.name)}
    spec: dict[str, Any] = {"pipelineRef": {"name": pipeline.name}}
    if given is not None:
        metadata = given.metadata.model_dump(mode="json")
        spec = given.spec.to_json()
    metadata.setdefault("namespace", "default")
    metadata |= {"generation": 1, "creationTimestamp": timestamp(datetime.now(UTC))}
    if inputs:
        spec["inputs"] = inputs
    if timeout is not None:
        spec["timeout"] = timeout
    return PipelineRun.model_validate(
        {"kind": "PipelineRun", "metadata": metadata, "spec": spec}, by_alias=True
    )


def generated_name(pipeline: str) -> str:
    """Return a name as the API server makes one from generateName."""
    suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(_SUFFIX_LENGTH))
    return f"{pipeline[: MAX_NAME - _SUFFIX_LENGTH - 1]}-{suffix}"
