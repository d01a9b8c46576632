"""`dspex run`."""

import click

from dspex.cli.command import ExampleCommand
from dspex.cli.options import all_files, manifest_files, output_format, pipeline_name


@click.command(
    "run",
    cls=ExampleCommand,
    examples=(
        (
            "One pipeline, one input:",
            "dspex run -f triage.yaml --input message='I was charged twice!'",
        ),
        (
            "Inputs of other types are JSON; @ reads a file:",
            'dspex run -f qa.yaml --input \'context=["a", "b"]\' --input question=@question.txt',
        ),
        (
            "With a key from the environment:",
            "dspex run -f manifests/ --secret llm/api-key=env:OPENAI_API_KEY",
        ),
        (
            "The run as the cluster would hold it:",
            "dspex run -f triage.yaml -o json | jq .status.steps",
        ),
    ),
)
@manifest_files
@pipeline_name
@click.option(
    "--run", "run_name", metavar="NAME", help="Which PipelineRun; needed where there are several."
)
@click.option(
    "-i",
    "--input",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input: a str as it stands, others as JSON; NAME=@FILE reads a file. May be repeated.",
)
@click.option(
    "--input-file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="An object of inputs, JSON or YAML; - is standard input.",
)
@click.option(
    "--secret",
    "secret_flags",
    multiple=True,
    metavar="NAME/KEY=env:VAR",
    help="A key of a Secret, from the environment or (=file:PATH) a file. May be repeated.",
)
@click.option(
    "--config-map",
    "config_map_flags",
    multiple=True,
    metavar="NAME/KEY=file:PATH",
    help="A key of a ConfigMap, from a file or (=env:VAR) the environment. May be repeated.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Worker processes of one Pool at most.",
)
@click.option("--timeout", metavar="DURATION", help="The longest that the run may take, as 90s.")
@click.option("-v", "--verbose", is_flag=True, help="Show the workers' logs and tracebacks.")
@output_format("text", "json", "yaml")
def command(
    files: tuple[str, ...],
    more: tuple[str, ...],
    pipeline: str | None,
    run_name: str | None,
    assignments: tuple[str, ...],
    input_file: str | None,
    secret_flags: tuple[str, ...],
    config_map_flags: tuple[str, ...],
    workers: int,
    timeout: str | None,
    verbose: bool,
    output: str,
) -> int:
    """Run a pipeline here, without a cluster.

    Compiles the manifests, starts worker processes for the Pools that the
    pipeline needs, runs it as the cluster would, and prints its outputs. A
    single PipelineRun in the files is the run; --input overrides its inputs.

    Exit status: 0 succeeded, 1 failed, 2 bad input, 130 cancelled.
    """
    import asyncio

    from dspex.cli.local_run import execute
    from dspex.cli.prepare import Request, prepare
    from dspex.cli.progress import choose_progress
    from dspex.cli.report import report

    work = prepare(
        Request(
            files=all_files(files, more),
            pipeline=pipeline,
            run=run_name,
            assignments=assignments,
            input_file=input_file,
            secret_flags=secret_flags,
            config_map_flags=config_map_flags,
            workers=workers,
            timeout=timeout,
            verbose=verbose,
        )
    )
    # A loop of its own: asyncio.run would also change which loop is the thread's.
    with (
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
        choose_progress() as progress,
    ):
        outcome = runner.run(execute(work, progress))
    return report(work, outcome, output=output, verbose=verbose)
