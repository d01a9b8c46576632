"""Bad input: refused at apply with place and remedy, or told by conditions where the webhook is off."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.kstatus import CURRENT, FAILED, kstatus
from stage.kubectl import Kubectl, Object, condition, eventually, has_ended, is_reason, is_true
from stage.manifests import asking, greeting, pool, resource, run
from stage.release import Release
from stage.space import namespace

HI: Object = {"source": "hi"}


def pipeline(*steps: Object, **spec: Any) -> Object:
    """Return a Pipeline named bad."""
    return resource("Pipeline", "bad", steps=list(steps), **spec)


def signature(text: str) -> Object:
    """Return a Signature named bad."""
    return resource("Signature", "bad", signature=text)


def template(source: str, **step: Any) -> Object:
    """Return a template step."""
    return {"name": "a", "template": {"source": source}, **step}


SCHEMA: dict[str, tuple[Object, list[str]]] = {
    "a field that there is not": (
        pipeline(template("hi"), stepz=[]),
        ['unknown field "spec.stepz"'],
    ),
    "a field that there is not, deep inside": (
        pipeline(template("hi", retries={"attempts": 3})),
        ['unknown field "spec.steps[0].retries"'],
    ),
    "a wrong type": (
        pool("bad", callTimeout=30),
        ["spec.callTimeout: Invalid value", "must be of type string"],
    ),
    "a missing field": (
        resource("Pool", "bad", replicas=1),
        ["spec.model: Required value"],
    ),
    "a word that is none of the list": (
        pool("bad", profile="Big"),
        ['spec.profile: Unsupported value: "Big"', '"General", "Optimizer", "Neural"'],
    ),
    "a number out of bounds": (
        pool("bad", replicas=1001),
        ["spec.replicas: Invalid value: 1001", "less than or equal to 1000"],
    ),
    "a duration": (
        pool("bad", callTimeout="soon"),
        ['spec.callTimeout: Invalid value: "soon"'],
    ),
    "a name that YAML reads as something else": (
        pipeline({"name": "yes", "template": HI}),
        ["spec.steps[0].name: Invalid value"],
    ),
    "a step of two kinds": (
        pipeline({"name": "a", "template": HI, "metric": {"name": "accuracy"}}),
        ["spec.steps[0]: Invalid value", "exactly one of"],
    ),
    "two ways to name a model": (
        pool("bad", model={"name": "openai/x", "embedded": True}),
        ["spec.model: Invalid value", "give either name, or embedded: true"],
    ),
    "a name that refers to nothing in the object": (
        pool("bad", volumeMounts=[{"name": "data", "mountPath": "/data"}]),
        ["spec.volumeMounts: Invalid value", "each of volumeMounts names one of volumes"],
    ),
    "one name twice": (
        pipeline(template("hi"), **{"finally": [template("hi")]}),
        ["spec.finally: Invalid value", "a finally step can't have the name of a step"],
    ),
}
"""What the API server refuses by itself, by the CRDs: with the webhook or without."""

DEEPER: dict[str, tuple[Object, list[str]]] = {
    "a signature": (
        signature("question -> answer: lisst[str]"),
        [
            "Signature/bad: spec.signature: ",
            "\n    question -> answer: lisst[str]\n                        ^~~~~\n",
            "remedy: ",
        ],
    ),
    "a name in an expression": (
        pipeline(
            template("{{ x }}", inputs={"x": "$(inputs.topik)"}),
            inputs=[{"name": "topic", "type": "str"}],
        ),
        [
            "Pipeline/bad: spec.steps[0].inputs.x: ",
            "\n    $(inputs.topik)\n             ^~~~~\n",
            "remedy: did you mean",
        ],
    ),
    "types in an expression": (
        pipeline(template("hi", **{"if": "$(1 + 'a' == 2)"})),
        ["Pipeline/bad: spec.steps[0].if: ", "\n    $(1 + 'a' == 2)\n        ^", "remedy: "],
    ),
    "an expression without an end": (
        pipeline(template("hi", inputs={"x": "$(max(1, 2)"})),
        ["Pipeline/bad: spec.steps[0].inputs.x: ", "is not closed", "remedy: "],
    ),
    "a cycle of steps": (
        pipeline(
            template("hi", after=["b"]),
            {"name": "b", "template": HI, "after": ["a"]},
        ),
        ["Pipeline/bad: spec.steps", "a → b → a"],
    ),
    "a pipeline in itself": (
        pipeline({"name": "a", "pipelineRef": {"name": "bad"}}),
        ["Pipeline/bad: spec.steps", "bad → bad", "remedy: take one pipelineRef out"],
    ),
    "a template": (
        pipeline(template("one\n{% if %}")),
        ["Pipeline/bad: spec.steps[0].template.source: ", "\n    {% if %}\n"],
    ),
    "a metric that there is not": (
        pipeline({"name": "a", "metric": {"name": "acuracy"}}),
        ["Pipeline/bad: spec.steps[0].metric.name: ", "remedy: did you mean 'accuracy'?"],
    ),
    "a schedule": (
        pipeline(template("hi"), triggers=[{"name": "t", "schedule": {"cron": "61 * * * *"}}]),
        ["Pipeline/bad: spec.triggers[0].schedule.cron: ", "61", "remedy: "],
    ),
    "no time": (
        run("absent", "bad", timeout="0s"),
        ["PipelineRun/bad: spec.timeout: ", "remedy: "],
    ),
}
"""What only DSPex can see: the webhook refuses it, and without it a condition says the same."""


@pytest.fixture(scope="module")
def guarded(release: Release) -> Iterator[Kubectl]:
    """Yield a namespace that the webhook looks after."""
    with namespace(release) as kubectl:
        yield kubectl


@pytest.fixture(scope="module")
def unguarded(release: Release) -> Iterator[Kubectl]:
    """Yield a namespace that the webhook is not asked about, while this file's tests run."""
    with namespace(release) as kubectl:
        name = "kubernetes.io/metadata.name"
        but = {"key": name, "operator": "NotIn", "values": [kubectl.namespace]}
        before = _selector(release)
        _select(release, {"matchExpressions": [*before.get("matchExpressions", []), but]})
        try:
            document = json.dumps(signature("a -> b: lisst"))
            dry = ("apply", "--dry-run=server", "-f", "-")
            eventually(lambda: kubectl.run(*dry, stdin=document).returncode == 0 or None, 20)
            yield kubectl
        finally:
            _select(release, before)


@pytest.mark.parametrize("case", SCHEMA)
def test_the_server_refuses_it_by_the_crd(guarded: Kubectl, case: str) -> None:
    """With the path, and what is allowed there; nothing is kept."""
    document, parts = SCHEMA[case]
    words = guarded.refused(document)
    for part in parts:
        assert part in words, words
    assert guarded.find(document["kind"], "bad") is None


@pytest.mark.parametrize("case", DEEPER)
def test_the_webhook_refuses_it(guarded: Kubectl, case: str) -> None:
    """With place, caret line and remedy; nothing is kept."""
    document, parts = DEEPER[case]
    words = guarded.refused(document)
    assert 'admission webhook "validate.dspex.dev" denied the request' in words
    for part in parts:
        assert part in words, words
    assert guarded.find(document["kind"], "bad") is None


@pytest.mark.parametrize("case", DEEPER)
def test_without_the_webhook_a_condition_says_it(unguarded: Kubectl, case: str) -> None:
    """The same words, on an object that is Stalled; kstatus calls it Failed."""
    document, parts = DEEPER[case]
    kind = document["kind"]
    unguarded("delete", kind, "bad", "--ignore-not-found")
    unguarded.apply(document)
    told = unguarded.until(kind, "bad", is_true("Stalled"))
    words = condition(told, "Ready")
    assert words["status"] == "False"
    for part in parts:
        assert part.removeprefix(f"{kind}/bad: ") in words["message"], words["message"]
    assert kstatus(told) == FAILED
    assert words["reason"] in unguarded("get", kind, "bad")


def test_a_mended_object_recovers(unguarded: Kubectl) -> None:
    """It gets Ready by itself, and a run that it has failed meanwhile stays failed."""
    unguarded("delete", "dpipe", "bad", "--ignore-not-found")
    document, parts = DEEPER["a name in an expression"]
    unguarded.apply(document, run("bad", "unlucky", inputs={"topic": "x"}))
    ended = condition(unguarded.until("drun", "unlucky", has_ended), "Succeeded")
    assert ended["reason"] == "PipelineInvalid"
    assert parts[1] in ended["message"]
    unguarded.apply(json.loads(json.dumps(document).replace("topik", "topic")))
    assert kstatus(unguarded.until("dpipe", "bad", is_true("Ready"))) == CURRENT
    unguarded.apply(run("bad", "lucky", inputs={"topic": "x"}))
    assert condition(unguarded.until("drun", "lucky", has_ended), "Succeeded")["status"] == "True"


def test_what_is_wrong_beside_another_object_is_told_by_a_condition(guarded: Kubectl) -> None:
    """The Pool allows no such module: no webhook can know, as the Pool may come later."""
    step = asking("a", question="x")
    step["dspy"]["module"] = "shop.Rank"
    guarded.apply(resource("Pipeline", "foreign", steps=[step]))
    guarded.until("dpipe", "foreign", is_reason("Ready", "MissingReference"))
    guarded.apply(pool(replicas=0))
    told = guarded.until("dpipe", "foreign", is_true("Stalled"))
    words = condition(told, "Ready")["message"]
    for part in ("spec.steps[0].dspy.module", "shop.Rank", "remedy: "):
        assert part in words, words
    guarded.apply(pool(replicas=0, modules=["shop.Rank"]))
    guarded.until("dpipe", "foreign", is_true("Ready"))


@pytest.mark.parametrize(
    ("inputs", "parts"),
    [
        ({}, ["input 'name'", "spec.inputs.name", "remedy: "]),
        ({"name": ["x"]}, ["input 'name'", "spec.inputs.name", "remedy: "]),
        ({"name": "x", "nmae": "y"}, ["nmae"]),
    ],
    ids=["missing", "wrong type", "unknown"],
)
def test_inputs_that_do_not_fit_end_the_run(
    guarded: Kubectl, inputs: Object, parts: list[str]
) -> None:
    """What only the Pipeline knows is told by the run's conditions, before anything has run."""
    guarded.apply(greeting())
    name = f"unfit-{len(parts)}-{len(inputs)}"
    guarded.apply(run("greeting", name, inputs=inputs))
    ended = guarded.until("drun", name, has_ended)
    words = condition(ended, "Succeeded")
    assert words["reason"] == "InputInvalid"
    for part in parts:
        assert part in words["message"], words["message"]
    assert guarded.list("jobs", f"dspex.dev/run={name}") == []
    assert kstatus(ended) == FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"pipelineRef": {"name": "other"}},
        {"timeout": "5s"},
        {"inputs": {"name": "changed"}},
        {"inputs": {"name": None, "other": "x"}},
        {"inputs": None},
        {"inputsFrom": [{"configMapRef": {"name": "x"}}]},
    ],
    ids=lambda change: json.dumps(change),
)
def test_the_spec_of_a_run_is_fixed(guarded: Kubectl, change: Object) -> None:
    """Free JSON too; the refusal says that a new run is the way."""
    guarded.apply(run("absent", "fixed", inputs={"name": "x"}))
    before = guarded.get("drun", "fixed")["spec"]
    patch = json.dumps({"spec": change})
    done = guarded.run("patch", "drun", "fixed", "--type=merge", "-p", patch)
    assert done.returncode
    assert "can't be changed" in done.stderr
    assert guarded.get("drun", "fixed")["spec"] == before


def test_what_of_a_run_may_change_does(guarded: Kubectl) -> None:
    """Suspend, shutdown and ttlAfterFinished."""
    guarded.apply(run("absent", "free", inputs={"name": "x"}))
    for change in ({"suspend": True}, {"ttlAfterFinished": "1h"}, {"shutdown": "Cancel"}):
        guarded("patch", "drun", "free", "--type=merge", "-p", json.dumps({"spec": change}))
    ended = guarded.until("drun", "free", has_ended)
    assert condition(ended, "Succeeded")["reason"] == "Cancelled"


def test_what_is_probably_not_meant_is_warned_of(guarded: Kubectl) -> None:
    """The object is kept; kubectl prints the warning, and status has it."""
    unused = pipeline(template("hi"), inputs=[{"name": "unused", "type": "str"}])
    done = guarded.run("apply", "-f", "-", stdin=json.dumps(unused))
    assert done.returncode == 0
    assert "Warning: Pipeline/bad: spec.inputs" in done.stderr
    kept = guarded.until("dpipe", "bad", is_true("Ready"))
    assert "unused" in kept["status"]["warnings"][0]


def _selector(release: Release) -> Object:
    found = release.kubectl.get("validatingwebhookconfiguration", release.name)
    selector: Object = found["webhooks"][0].get("namespaceSelector", {})
    return selector


def _select(release: Release, selector: Object) -> None:
    patch = [{"op": "replace", "path": "/webhooks/0/namespaceSelector", "value": selector}]
    release.kubectl(
        *("patch", "validatingwebhookconfiguration", release.name, "--type=json"),
        *("-p", json.dumps(patch)),
    )
