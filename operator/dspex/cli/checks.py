"""What `dspex lint` finds in some manifests: all that can be found without running them."""

from dspex.api.pipelinerun import PipelineRun
from dspex.cli.inputs import read_inputs
from dspex.cli.workspace import compile_findings, compile_sources, referenced_pipeline
from dspex.errors import Diagnostic, InputError
from dspex.manifests import Manifests
from dspex.pipeline.compile import Compiled
from dspex.pipeline.declare import signature_of


def check(manifests: Manifests) -> tuple[Diagnostic, ...]:
    """Compile every Signature and Pipeline, check every run's inputs; return all findings."""
    findings: list[Diagnostic] = []
    for signature in manifests.signatures.values():
        try:
            signature_of(signature.spec)
        except InputError as error:
            findings += (
                each.at(subject=signature.subject, path="spec") for each in error.diagnostics
            )
    sources = compile_sources(manifests)
    compiled = {
        name: compile_findings(manifests, pipeline, sources)
        for name, pipeline in manifests.pipelines.items()
    }
    for each in compiled.values():
        findings += each.diagnostics
    for run in manifests.runs.values():
        findings += _check_run(manifests, run, compiled)
    return tuple(dict.fromkeys(manifests.place(each) for each in findings))


def _check_run(
    manifests: Manifests, run: PipelineRun, compiled: dict[str, Compiled]
) -> tuple[Diagnostic, ...]:
    try:
        plan = compiled[referenced_pipeline(manifests, run).name].plan
        if plan is not None:
            read_inputs(plan.input_fields, run=run)
    except InputError as error:
        # What is missing altogether has no place of its own in the run.
        return tuple(
            each if each.subject else each.at(subject=run.subject, path="spec.inputs")
            for each in error.diagnostics
        )
    return ()
