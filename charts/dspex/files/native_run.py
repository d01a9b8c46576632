"""What `helm test` runs: a pipeline without a model, from its apply to its outputs.

Needs nothing but Python's standard library, the ServiceAccount's token and two variables:
NAMESPACE and TIMEOUT (seconds). Ends with 0 if the run succeeded with its outputs as they must be.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NAMESPACE = os.environ["NAMESPACE"]
NAME = os.environ["POD_NAME"]
SERVER = f"https://kubernetes.default.svc/apis/dspex.dev/v1alpha1/namespaces/{NAMESPACE}"
PIPELINE = {
    "inputs": [{"name": "who", "type": "str"}],
    "steps": [
        {
            "name": "greet",
            "template": {"source": "Hello {{ who }}!"},
            "inputs": {"who": "$(inputs.who)"},
        },
        {
            "name": "score",
            "metric": {"name": "exact_match"},
            "inputs": {"prediction": "$(steps.greet.outputs.text)", "reference": "Hello world!"},
        },
    ],
    "outputs": [
        {"name": "text", "type": "str", "value": "$(steps.greet.outputs.text)"},
        {"name": "score", "type": "float", "value": "$(steps.score.outputs.score)"},
    ],
}
OUTPUTS = {"text": "Hello world!", "score": 1.0}


def call(method, path, body=None):
    """Ask the API server; return its answer."""
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(
        f"{SERVER}/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    trust = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
        return json.load(answer)


def say(text):
    """Print a line for `kubectl logs`."""
    sys.stdout.write(f"{text}\n")


def create(kind, plural, spec):
    """Create an object of the test's name."""
    body = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": NAME},
        "spec": spec,
    }
    call("POST", plural, body)


def succeeded(run):
    """Return the condition Succeeded, empty if it is not there yet."""
    conditions = run.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Succeeded"), {})


def main():
    """Run the pipeline; say how it went."""
    deadline = time.monotonic() + float(os.environ["TIMEOUT"])
    create("Pipeline", "pipelines", PIPELINE)
    create(
        "PipelineRun",
        "pipelineruns",
        {"pipelineRef": {"name": NAME}, "inputs": {"who": "world"}},
    )
    while True:
        run = call("GET", f"pipelineruns/{NAME}")
        condition = succeeded(run)
        if condition.get("status") in ("True", "False"):
            break
        if time.monotonic() > deadline:
            say(f"the run has not ended: {condition}")
            return 1
        time.sleep(0.5)
    say(json.dumps(run["status"], indent=2))
    right = condition["status"] == "True" and run["status"].get("outputs") == OUTPUTS
    say("the pipeline gave what it must" if right else f"expected outputs {OUTPUTS}")
    return 0 if right else 1


def clean():
    """Delete what was made; what is not there is no error."""
    for plural in ("pipelineruns", "pipelines"):
        try:
            call("DELETE", f"{plural}/{NAME}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


if __name__ == "__main__":
    try:
        status = main()
    except urllib.error.HTTPError as error:
        say(f"{error.url}: {error.code} {error.read().decode()}")
        status = 1
    finally:
        clean()
    sys.exit(status)
