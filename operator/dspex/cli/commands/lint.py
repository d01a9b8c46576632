"""`dspex lint`."""

import click

from dspex.cli.command import ExampleCommand
from dspex.cli.options import all_files, manifest_files, output_format


@click.command(
    "lint",
    cls=ExampleCommand,
    examples=(
        ("Check a folder before it is committed:", "dspex lint -f manifests/"),
        ("Check what a template renders:", "helm template . | dspex lint -f -"),
        ("Findings for an editor or CI:", "dspex lint -f pipeline.yaml -o json"),
    ),
)
@manifest_files
@output_format("text", "json")
def command(files: tuple[str, ...], more: tuple[str, ...], output: str) -> int:
    """Check manifests without running anything.

    Reads them as the cluster would, compiles every Signature and every
    Pipeline, and prints all findings: wrong fields and types, expressions that
    can't work, cycles, references to what is not there. Exit status 0 if there
    is no error, 2 if there is one.
    """
    from dspex.cli.checks import check
    from dspex.cli.failures import BAD_INPUT
    from dspex.cli.output import finding_to_json, print_findings, print_json
    from dspex.cli.workspace import count_objects, open_manifests
    from dspex.errors import ManifestError, Severity

    checked = 0
    try:
        manifests = open_manifests(all_files(files, more), notes=output == "text")
        checked, findings = count_objects(manifests), check(manifests)
    except ManifestError as error:
        findings = error.diagnostics
    failed = any(each.severity is Severity.ERROR for each in findings)
    if output == "json":
        print_json([finding_to_json(each) for each in findings])
    else:
        print_findings(findings)
        if not failed:
            click.echo(f"{checked} object{'' if checked == 1 else 's'} checked: no errors")
    return BAD_INPUT if failed else 0
