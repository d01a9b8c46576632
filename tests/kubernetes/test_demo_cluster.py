"""`make demo-cluster`, once the cluster is up and the chart is there."""

import subprocess
import sys

from stage.demo import ways_on
from stage.kubectl import Kubectl
from stage.manifests import run
from stage.release import ROOT

RUN = "support-demo"


def demo(kubectl: Kubectl) -> str:
    """Run the demo in a namespace and return what it printed."""
    where = ["--as-it-is", "--namespace", kubectl.namespace]
    done = subprocess.run(
        [sys.executable, "-m", "stage.demo", *where],
        cwd=ROOT,
        env={**kubectl.environment, "PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_replaces_its_run_shows_it_and_says_how_to_go_on(kubectl: Kubectl) -> None:
    """Progress, outputs, status and objects are printed; what it tells to type can be typed."""
    kubectl.apply(run("support", RUN, suspend=True))
    former = kubectl.get("drun", RUN)
    printed = demo(kubectl)
    assert kubectl.get("drun", RUN)["metadata"]["uid"] != former["metadata"]["uid"]
    for shown in (f"{RUN} Succeeded", "10 of 10 items", "score: 1", "STEP", "WorkersReady"):
        assert shown in printed
    for command, _ in ways_on(kubectl.namespace, RUN, kubectl.context):
        assert command in printed
        # The others start and end a cluster, and the fixture deletes the namespace.
        if command.startswith("kubectl") and "delete namespace" not in command:
            done = shell(kubectl, command)
            assert (done.returncode, bool(done.stdout)) == (0, True), f"{command}\n{done.stderr}"


def shell(kubectl: Kubectl, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a person types it."""
    return subprocess.run(
        ["bash", "-c", command],
        env={**kubectl.environment, "KUBECONFIG": str(kubectl.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
