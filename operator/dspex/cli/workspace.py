"""The manifests that a command works on, and what is chosen among them."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import TypeVar

from dspex.api.base import Resource
from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.cli.diagram.drawing import Drawing, draw
from dspex.cli.output import print_note
from dspex.errors import CompileError, ConfigurationError, Diagnostic, InputError, nearest
from dspex.local.sources import Store
from dspex.manifests import Manifests, load
from dspex.pipeline.compile import Compiled, compile_pipeline
from dspex.pipeline.compile.dependencies import find_dependencies
from dspex.pipeline.context import Context, Findings, Missing, Sources

R = TypeVar("R", bound=Resource)


def open_manifests(files: Sequence[str], *, notes: bool = True) -> Manifests:
    """Load manifests and, with `notes`, say which documents of other kinds were left out.

    Raises:
        ManifestError: With everything that is wrong in any of the files.
    """
    manifests = load(files, stdin=sys.stdin.buffer)
    for note in manifests.notes if notes else ():
        print_note(f"{note.file}:{note.line}: {note.subject} {note.message}")
    return manifests


def count_objects(manifests: Manifests) -> int:
    """Return how many objects of DSPex the files hold."""
    kinds = (manifests.signatures, manifests.pools, manifests.pipelines, manifests.runs)
    return sum(map(len, kinds)) + len(manifests.run_data)


def compile_sources(
    manifests: Manifests, config_maps: Mapping[str, Mapping[str, str]] | None = None
) -> Sources:
    """Return what a pipeline of the manifests may name."""
    return Sources(
        signatures=manifests.signatures,
        pools=manifests.pools,
        pipelines=manifests.pipelines,
        config_maps=manifests.config_maps if config_maps is None else config_maps,
    )


def compile_findings(manifests: Manifests, pipeline: Pipeline, sources: Sources) -> Compiled:
    """Compile a pipeline; every finding has its place in a file."""
    compiled = compile_pipeline(pipeline, sources)
    missing = [_with_flag(each, pipeline) for each in compiled.missing]
    placed = [manifests.place(each) for each in (*compiled.diagnostics, *missing)]
    return Compiled(plan=compiled.plan, missing=(), diagnostics=tuple(dict.fromkeys(placed)))


def drawing_of(manifests: Manifests, pipeline: Pipeline) -> Drawing:
    """Draw a pipeline; only the dependencies between its steps must be right.

    Raises:
        CompileError: If they are not: a cycle, an unknown name in `after`.
    """
    findings = Findings()
    context = Context(
        subject=pipeline.subject,
        path="spec",
        sources=compile_sources(manifests),
        findings=findings,
        compile_sub=lambda _: None,
    )
    dependencies = find_dependencies(pipeline.spec, context)
    if dependencies is None or findings.failed:
        raise CompileError(*(manifests.place(each) for each in findings.diagnostics))
    return draw(pipeline, dependencies.needs, dependencies.reads)


def place_error(manifests: Manifests, error: InputError) -> InputError:
    """Return the error with the places of its findings in the files."""
    return type(error)(*(manifests.place(each) for each in error.diagnostics))


def choose_pipeline(manifests: Manifests, name: str | None) -> Pipeline:
    """Return the pipeline of a name, or the only one.

    Raises:
        ConfigurationError: If there is none of that name, none at all, or several.
    """
    if name is None:
        return _only(manifests.pipelines, "Pipeline", "--pipeline")
    return _named(manifests.pipelines, "Pipeline", name)


def choose_run(manifests: Manifests, name: str | None, pipeline: str | None) -> PipelineRun | None:
    """Return the run of a name, or the only one (of a pipeline); None if there is none.

    Raises:
        ConfigurationError: If there is none of that name, or several.
    """
    if name is not None:
        return _named(manifests.runs, "PipelineRun", name)
    runs = {
        key: run
        for key, run in manifests.runs.items()
        if pipeline is None or run.spec.pipeline_ref.name == pipeline
    }
    return _only(runs, "PipelineRun", "--run") if runs else None


def referenced_pipeline(manifests: Manifests, run: PipelineRun) -> Pipeline:
    """Return the pipeline that a run names.

    Raises:
        CompileError: If it is not there.
    """
    name = run.spec.pipeline_ref.name
    found = manifests.pipelines.get(name)
    if found is None:
        miss = Missing("Pipeline", name, known=tuple(manifests.pipelines))
        finding = miss.diagnostic.at(subject=run.subject, path="spec.pipelineRef.name")
        raise CompileError(manifests.place(finding))
    return found


def _with_flag(missing: Missing, pipeline: Pipeline) -> Diagnostic:
    """Return the finding for a missing reference; a ConfigMap's says which flag would give it."""
    if missing.kind != "ConfigMap":
        return missing.diagnostic
    flag = Store.CONFIG_MAP.example(missing.name, missing.key or _key_of(missing.name, pipeline))
    return dataclasses.replace(
        missing.diagnostic, remedy=f"add a ConfigMap document to the files, or {flag}"
    )


def _key_of(name: str, pipeline: Pipeline) -> str:
    """Return the key that some step reads from a ConfigMap."""
    for step in (*pipeline.spec.steps, *pipeline.spec.finally_):
        source = step.template.source_from if step.template is not None else None
        if source is not None and source.config_map_ref.name == name:
            return source.config_map_ref.key
    return "KEY"


def _only(objects: Mapping[str, R], kind: str, flag: str) -> R:
    if len(objects) == 1:
        return next(iter(objects.values()))
    if not objects:
        remedy = f"give a file with a {kind} by -f"
        raise ConfigurationError(
            Diagnostic(code="NoObject", message=f"the files hold no {kind}", remedy=remedy)
        )
    names = list(objects)
    raise ConfigurationError(
        Diagnostic(
            code="SeveralObjects",
            message=f"the files hold several {kind}s: {', '.join(names)}",
            remedy=f"choose one, such as {flag} {names[0]}",
        )
    )


def _named(objects: Mapping[str, R], kind: str, name: str) -> R:
    if name in objects:
        return objects[name]
    near = nearest(name, objects)
    raise ConfigurationError(
        Diagnostic(
            code="UnknownObject",
            message=f"the files hold no {kind} {name!r}",
            expected=f"one of {', '.join(objects)}" if objects else None,
            remedy=f"did you mean {near}?" if near else None,
        )
    )
