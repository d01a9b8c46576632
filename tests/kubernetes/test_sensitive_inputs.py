"""An input from a Secret: the model gets it, and nobody else can find it anywhere."""

import base64
import gzip
import json
import secrets
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from stage import model
from stage.kubectl import Kubectl, Object, condition, has_ended
from stage.manifests import asking, resource, run
from stage.release import Release
from stage.space import staffed

KINDS = "drun,drundata,dpipe,dpool,jobs,pods,configmaps,events,deployments,replicasets,controllerrevisions"


class Paid(NamedTuple):
    """A run that has used a secret.

    Attributes:
        kubectl: Where.
        card: The secret value.
        item: The run, ended.
    """

    kubectl: Kubectl
    card: str
    item: Object


@pytest.fixture(scope="module")
def paid(release: Release) -> Iterator[Paid]:
    """Yield a run that asks about a secret, gives the answer out, and fails at making it a number."""
    card = f"card:{secrets.token_hex(8)}"
    # It takes long enough for a checkpoint to be written of the first one.
    number = asking("number", question="wait=2 sum of $(inputs.card)", onError="Continue")
    number["after"] = ["charge"]
    number["dspy"]["signature"] = "question -> answer: int"
    pipeline = resource(
        "Pipeline",
        "paying",
        inputs=[{"name": "card", "type": "str", "sensitive": True}],
        steps=[asking("charge", question="charge $(inputs.card)"), number],
        outputs=[{"name": "receipt", "value": "$(steps.charge.outputs.answer)"}],
    )
    with staffed(release) as kubectl:
        kubectl("create", "secret", "generic", "customer", f"--from-literal=card={card}")
        source = {"secretRef": {"name": "customer"}}
        kubectl.apply(pipeline, run("paying", "paid", inputsFrom=[source]))
        yield Paid(kubectl, card, kubectl.until("drun", "paid", has_ended))


def test_the_model_gets_the_value(paid: Paid) -> None:
    """The value is used as it is; what the model made of it is there, with the value blacked out."""
    assert condition(paid.item, "Succeeded")["status"] == "True", paid.item["status"]
    assert model.answered(paid.kubectl)[f"charge {paid.card}"] == 1
    assert paid.item["status"]["outputs"] == {"receipt": "re: charge [redacted]"}


def test_no_object_shows_the_value(paid: Paid) -> None:
    """Neither status nor plan, checkpoints, Job, pods or Events hold it, in any spelling."""
    text = paid.kubectl("get", KINDS, "-o", "json", "--show-managed-fields")
    items = json.loads(text)["items"]
    assert {"PipelineRun", "PipelineRunData", "ConfigMap", "Job", "Pod", "Event"} <= {
        each["kind"] for each in items
    }
    failed = next(each for each in paid.item["status"]["steps"] if each["name"] == "number")
    assert failed["error"]["reason"] == "OutputInvalid"
    assert "[redacted]" in json.dumps(failed["error"]), "the error has no word of the answer"
    plans = [
        gzip.decompress(base64.b64decode(each["binaryData"]["plan.json.gz"])).decode()
        for each in items
        if "plan.json.gz" in each.get("binaryData", {})
    ]
    assert len(plans) == 1
    for spelling in (paid.card, paid.card.partition(":")[2], _encoded(paid.card)):
        assert spelling not in text
        assert spelling not in plans[0]


def test_no_log_shows_the_value(paid: Paid, release: Release) -> None:
    """Neither the runner, nor a worker, nor an operator has logged it."""
    logs = {
        "runner": paid.kubectl("logs", "-l", "dspex.dev/run=paid", "--tail=-1"),
        "worker": paid.kubectl("logs", "-l", "dspex.dev/pool=small", "--tail=-1"),
        "operator": release.logs(),
    }
    assert "ended" in logs["runner"]
    for each, text in logs.items():
        assert text, each
        assert paid.card.partition(":")[2] not in text, each


def test_a_value_from_elsewhere_is_refused(paid: Paid) -> None:
    """A sensitive input in the run's own spec ends the run, and the message does not repeat it."""
    paid.kubectl.apply(run("paying", "careless", inputs={"card": "4711-4711"}))
    ended = condition(paid.kubectl.until("drun", "careless", has_ended), "Succeeded")
    assert ended["reason"] == "InputInvalid"
    assert "spec.inputs.card" in ended["message"]
    assert "Secret" in ended["message"]
    assert "4711" not in ended["message"]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
