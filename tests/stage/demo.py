"""`make demo-cluster`: cluster, images, chart, the triage example and its run, then how to go on.

PYTHONPATH=tests python -m stage.demo [--as-it-is] [--namespace NAME]
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

import yaml

import images
from cluster.choose import choose
from cluster.cluster import ClusterError, environment
from stage.kubectl import Kubectl, KubectlError, Object, condition, documents, has_ended
from stage.progress import news, table
from stage.release import ROOT, Release

EXAMPLE: Final = ROOT / "examples" / "triage"
KINDS: Final = "sig,dpool,dpipe,drun"

PATIENCE: Final = 600
"""Seconds within which the run must have ended."""


def main() -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="stage.demo", description=__doc__)
    parser.add_argument(
        "--as-it-is", action="store_true", help="take images and chart as the cluster has them"
    )
    parser.add_argument("--namespace", default="demo", help="where the example is applied")
    options = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.2f}s  {text}", flush=True)

    try:
        cluster = choose()
        cluster.up()
        kubectl = Kubectl(cluster.kubeconfig, cluster.context, environment=environment(cluster))
        if not options.as_it_is:
            images.load(cluster)
            say("installing the chart")
            Release(kubectl).install()
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": options.namespace}}
        kubectl.apply(space)
        run = start(kubectl.within(options.namespace), say)
        show(kubectl.within(options.namespace), run)
    except (ClusterError, AssertionError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print("\nLook around:")
    for command, what in ways_on(options.namespace, run["metadata"]["name"], cluster.context):
        print(f"  # {what}\n  {command}")
    return 0 if condition(run, "Succeeded")["status"] == "True" else 1


def start(kubectl: Kubectl, say: Callable[[str], None]) -> Object:
    """Apply the example, tell how its run goes, and return it as it ended.

    Raises:
        KubectlError: It did not end.
    """
    applied = documents(EXAMPLE)
    [name] = [each["metadata"]["name"] for each in applied if each["kind"] == "PipelineRun"]
    # A run can't be changed: a former one makes room.
    kubectl("delete", "drun", name, "--ignore-not-found")
    for line in kubectl.apply(EXAMPLE).splitlines():
        say(line)
    run: Object = {}
    for now in watch(kubectl, "drun", name):
        for line in news(run, now):
            say(line)
        run = now
        if has_ended(run):
            return run
    raise KubectlError(f"the watch ended, and {name} had not\n{kubectl('describe', 'drun', name)}")


def watch(kubectl: Kubectl, kind: str, name: str) -> Iterator[Object]:
    """Give an object as it is, and each time that it changes, for `PATIENCE` seconds at most."""
    context = ["--context", kubectl.context] if kubectl.context else []
    words = ["kubectl", *context, "--namespace", kubectl.namespace]
    asked = ["get", kind, name, "--watch", "--output=json", f"--request-timeout={PATIENCE}s"]
    with subprocess.Popen(
        [*words, *asked],
        stdout=subprocess.PIPE,
        text=True,
        env={**kubectl.environment, "KUBECONFIG": str(kubectl.kubeconfig)},
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    yield json.loads("".join(lines))
                    lines = []
        finally:
            process.terminate()


def show(kubectl: Kubectl, run: Object) -> None:
    """Print what came of a run, and how all objects stand."""
    status = dict(run["status"])
    outputs = status.pop("outputs", {})
    status.pop("steps", None)
    for title, shown in (("outputs", outputs), ("status", status)):
        text = yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=1 << 20)
        print(f"\n{title}:")
        print("".join(f"  {line}\n" for line in text.splitlines()), end="")
    print("\nsteps:")
    print("".join(f"  {line}\n" for line in table(run)), end="")
    print(f"\n$ kubectl -n {kubectl.namespace} get {KINDS}\n{kubectl('get', KINDS)}", end="")


def ways_on(namespace: str, run: str, context: str = "") -> list[tuple[str, str]]:
    """Return what a person can type to look around and to end it, each with what it is for.

    Args:
        namespace: Where the example is.
        run: Name of its run.
        context: Context of the kubeconfig; empty for its current one.
    """
    cluster = f"kubectl --context {context}" if context else "kubectl"
    kubectl = f"{cluster} -n {namespace}"
    return [
        (
            'eval "$(PYTHONPATH=tests .venv/bin/python -m cluster env)"',
            "kubectl and helm for this shell",
        ),
        (f"{kubectl} get {KINDS}", "everything at a glance"),
        (f"{kubectl} describe drun {run}", "conditions, steps, Events"),
        (f"{kubectl} get drun {run} -o jsonpath='{{.status.outputs}}'", "its outputs as JSON"),
        (f"{kubectl} logs -l dspex.dev/run={run} --tail=-1", "its runner, a line an event"),
        (f"{kubectl} logs -l dspex.dev/pool=small --tail=20", "the workers"),
        (f"{kubectl} scale dpool small --replicas=3", "one more worker"),
        (f"{kubectl} explain dpipe.spec.steps", "the fields, with their meaning"),
        (f"{kubectl} delete drun {run}", "its Job, pod and plan go with it"),
        ("make demo-cluster", "once more: a former run is replaced"),
        (f"{cluster} delete namespace {namespace}", "all of the demo"),
        ("make cluster-down", "the cluster; what was built is kept"),
    ]


if __name__ == "__main__":
    sys.exit(main())
