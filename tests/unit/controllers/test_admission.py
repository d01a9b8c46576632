"""What the webhook says of objects: refused with place and remedy, or admitted."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dspex.controllers.admission import admit
from dspex.controllers.review import answer, read_review
from dspex.kube.kind import KINDS, PIPELINE, PIPELINE_RUN, POOL, SIGNATURE, Kind
from fakes.items import Object, item, run, signature
from fakes.reviews import question

ROOT = Path(__file__).parents[3]
HI = {"source": "hi"}


def pipeline(*steps: Object, **spec: Any) -> Object:
    """Make a Pipeline named main."""
    return item(PIPELINE, "main", spec={"steps": list(steps), **spec})


def pool(**spec: Any) -> Object:
    """Make a Pool with an embedded model."""
    return item(POOL, "fast", spec={"model": {"embedded": True}, **spec})


def nested(levels: int) -> Any:
    """Make lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def asked(object_: Object, before: Object | None = None, **given: Any) -> Object:
    """Ask, and return the response."""
    kind = next(each for each in KINDS if each.name == object_["kind"])
    review = read_review(question(kind, object_, before, **given))
    response: Object = answer(review, admit(review))["response"]
    assert response["uid"] == "0d5e-1"
    return response


def refused(object_: Object, before: Object | None = None) -> str:
    """Ask, and return why it is refused."""
    response = asked(object_, before)
    assert not response["allowed"]
    status = response["status"]
    assert (status["code"], status["reason"]) == (422, "Invalid")
    return str(status["message"])


REFUSED: dict[str, tuple[Object, list[str]]] = {
    "a signature that can't be parsed": (
        signature("s", "question -> answer: lisst[str]"),
        [
            "Signature/s: spec.signature: ",
            "\n    question -> answer: lisst[str]\n                        ^~~~~\n",
            "remedy: ",
        ],
    ),
    "a field's type": (
        item(
            SIGNATURE,
            "s",
            spec={
                "inputs": [{"name": "a", "type": "strr"}],
                "outputs": [{"name": "b", "type": "str"}],
            },
        ),
        ["Signature/s: spec.inputs[0].type: ", "    strr\n    ^~~~", "remedy: "],
    ),
    "a constraint of another type": (
        item(
            SIGNATURE,
            "s",
            spec={
                "inputs": [{"name": "a", "type": "int", "maxLength": 3}],
                "outputs": [{"name": "b", "type": "str"}],
            },
        ),
        ["Signature/s: spec.inputs[0]", "maxLength"],
    ),
    "a field that there is not": (
        item(SIGNATURE, "s", spec={"signature": "a -> b", "instruction": "Be brief."}),
        ["Signature/s: spec.instruction: ", "remedy: write instructions"],
    ),
    "a name": (
        item(SIGNATURE, "S_1", spec={"signature": "a -> b"}),
        ["Signature/S_1: metadata.name: ", "remedy: write lower-case letters"],
    ),
    "a pool without a model": (
        item(POOL, "fast", spec={"model": {}}),
        ["Pool/fast: spec.model", "remedy: "],
    ),
    "a duration": (
        pool(callTimeout=30),
        ["Pool/fast: spec.callTimeout: 30 is not a duration", "remedy: write 30s"],
    ),
    "a number for a text": (
        pool(image=3),
        ["Pool/fast: spec.image: ", "found: the number 3"],
    ),
    "a name in an expression": (
        pipeline(
            {"name": "a", "template": {"source": "{{ x }}"}, "inputs": {"x": "$(inputs.topik)"}},
            inputs=[{"name": "topic", "type": "str"}],
        ),
        [
            "Pipeline/main: spec.steps[0].inputs.x: ",
            "    $(inputs.topik)\n             ^~~~~",
            "remedy: did you mean",
        ],
    ),
    "types in an expression": (
        pipeline({"name": "a", "template": HI, "if": "$(1 + 'a' == 2)"}),
        ["Pipeline/main: spec.steps[0].if: ", "    $(1 + 'a' == 2)\n        ^", "remedy: "],
    ),
    "an expression without an end": (
        pipeline({"name": "a", "template": HI, "inputs": {"x": "$(max(1, 2)"}}),
        ["Pipeline/main: spec.steps[0].inputs.x: ", "is not closed", "remedy: "],
    ),
    "a cycle of steps": (
        pipeline(
            {"name": "a", "template": HI, "after": ["b"]},
            {"name": "b", "template": HI, "after": ["a"]},
        ),
        ["Pipeline/main: spec.steps", "a → b → a"],
    ),
    "a pipeline in itself": (
        pipeline({"name": "a", "pipelineRef": {"name": "main"}}),
        ["Pipeline/main: spec.steps: ", "main → main", "remedy: take one pipelineRef out"],
    ),
    "two kinds in a step": (
        pipeline({"name": "a", "template": HI, "metric": {"name": "exact_match"}}),
        ["Pipeline/main: spec.steps[0]", "remedy: "],
    ),
    "a template": (
        pipeline({"name": "a", "template": {"source": "one\n{% if %}"}}),
        ["Pipeline/main: spec.steps[0].template.source: ", "    {% if %}\n"],
    ),
    "a metric that there is not": (
        pipeline({"name": "a", "metric": {"name": "exact_mach"}}),
        ["Pipeline/main: spec.steps[0].metric.name: ", "remedy: did you mean 'exact_match'?"],
    ),
    "a step's signature, whatever its pool": (
        pipeline(
            {
                "name": "a",
                "dspy": {
                    "module": "Predict",
                    "signature": "question ->",
                    "poolRef": {"name": "fast"},
                },
            },
        ),
        ["Pipeline/main: spec.steps[0].dspy.signature: ", "    question ->\n"],
    ),
    "an input that is missing, whatever the pool": (
        pipeline(
            {
                "name": "a",
                "dspy": {"module": "Predict", "signature": "a -> b", "poolRef": {"name": "fast"}},
            },
        ),
        ["Pipeline/main: spec.steps[0].inputs: ", "remedy: add a to the step's inputs"],
    ),
    "inputs that are too large": (
        item(
            PIPELINE_RUN,
            "r",
            spec={"pipelineRef": {"name": "main"}, "inputs": {"a": "x" * 530_000}},
        ),
        ["PipelineRun/r: spec.inputs: ", "expected: at most 524288 bytes", "remedy: "],
    ),
    "inputs that are nested too deep": (
        item(
            PIPELINE_RUN, "r", spec={"pipelineRef": {"name": "main"}, "inputs": {"a": nested(600)}}
        ),
        ["PipelineRun/r: spec.inputs.a[0]: nested deeper than 100 levels", "remedy: nest it less"],
    ),
    "no time": (
        item(PIPELINE_RUN, "r", spec={"pipelineRef": {"name": "main"}, "timeout": "0s"}),
        ["PipelineRun/r: spec.timeout: ", "remedy: "],
    ),
    "a source of inputs that is none": (
        item(PIPELINE_RUN, "r", spec={"pipelineRef": {"name": "main"}, "inputsFrom": [{}]}),
        ["PipelineRun/r: spec.inputsFrom[0]", "give exactly one of secretRef and configMapRef"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_at_its_place(case: str) -> None:
    """The message has the path, the line with a caret where there is one, and the remedy."""
    object_, words = REFUSED[case]
    message = refused(object_)
    for each in words:
        assert each in message
    assert len(message) <= 5000


@pytest.mark.parametrize("case", REFUSED)
def test_an_update_that_makes_it_wrong_is_refused(case: str) -> None:
    """Only of a run nothing but three fields can be changed, and nothing else is looked at."""
    object_, _ = REFUSED[case]
    before = {**object_, "spec": {**object_["spec"], "was": "another"}}
    assert asked(object_, before)["allowed"] is (object_["kind"] == "PipelineRun")


def test_all_findings_come_at_once() -> None:
    """One apply is enough to learn of them."""
    steps = [{"name": f"s{i}", "template": HI, "if": f"$(inputs.x{i})"} for i in range(3)]
    message = refused(pipeline(*steps))
    assert [f"spec.steps[{i}].if: " in message for i in range(3)] == [True] * 3


def test_a_message_has_bounds_and_whole_findings() -> None:
    """Of very many findings the first are shown, each whole, and the others counted."""
    steps = [{"name": f"s{i}", "template": HI, "if": f"$(inputs.x{i})"} for i in range(256)]
    message = refused(pipeline(*steps))
    assert len(message) < 4200
    shown = message.count("Pipeline/main: spec.steps[")
    assert 5 < shown < 256
    assert message.endswith(f"\n… and {256 - shown} more: dspex lint -f FILE shows all")
    assert message.count("\n    $(inputs.x") == shown


@pytest.mark.parametrize(
    "step",
    [
        {
            "dspy": {
                "module": "Predict",
                "signatureRef": {"name": "later"},
                "poolRef": {"name": "later"},
            }
        },
        {
            "dspy": {
                "module": "Predict",
                "signature": "a -> b: dict[str, Any]",
                "poolRef": {"name": "later"},
                "tools": ["t"],
            }
        },
        {
            "dspy": {
                "module": "shop.Rank",
                "signature": "a -> b: dict[str, Any]",
                "poolRef": {"name": "later"},
            }
        },
        {"template": {"sourceFrom": {"configMapRef": {"name": "later", "key": "k"}}}},
        {"pipelineRef": {"name": "later"}},
        {
            "dspy": {
                "module": "Predict",
                "signature": "a -> b: dict[str, Any]",
                "poolRef": {"name": "later"},
            },
            "fallback": [{"poolRef": {"name": "later"}}],
        },
    ],
    ids=str,
)
def test_what_is_missing_is_no_fault(step: Object) -> None:
    """Objects can be applied in any order; what reads the outputs of such a step can't be judged."""
    first = {"name": "first", "inputs": {"a": "$(inputs.topic)"}, **step}
    reads = {"name": "second", "template": HI, "if": "$(steps.first.outputs.b.x > 3)"}
    late = {"name": "third", "template": {"source": "{{ x }}"}}
    late["inputs"] = {"x": "$(steps.first.outputs.b)"}
    response = asked(
        pipeline(
            first,
            reads,
            **{"finally": [late]},
            inputs=[{"name": "topic", "type": "str"}],
            outputs=[{"name": "o", "type": "Any", "value": "$(steps.first.outputs.b)"}],
        )
    )
    assert response == {"uid": "0d5e-1", "allowed": True}


def test_a_fault_beside_what_is_missing_is_refused() -> None:
    """And only it is told."""
    lacking = {"name": "a", "pipelineRef": {"name": "later"}}
    message = refused(pipeline(lacking, {"name": "b", "template": HI, "if": "$(inputs.no)"}))
    assert message.startswith("Pipeline/main: spec.steps[1].if: ")
    assert "later" not in message


MANIFESTS = [
    each
    for file in sorted((ROOT / "examples").rglob("*.yaml"))
    if "{{" not in file.read_text()
    for each in yaml.safe_load_all(file.read_text())
    if isinstance(each, dict) and each.get("apiVersion") == "dspex.dev/v1alpha1"
]


def test_the_examples_are_admitted_one_by_one() -> None:
    """Each is judged with nothing else there."""
    judged = [each for each in MANIFESTS if "spec" in each]
    assert len({each["kind"] for each in judged}) >= 3
    for each in judged:
        assert asked(each)["allowed"], each


def test_warnings_are_told_and_refuse_nothing() -> None:
    """With place and remedy, in one line."""
    response = asked(
        pipeline({"name": "a", "template": HI}, inputs=[{"name": "topic", "type": "str"}])
    )
    assert response["allowed"]
    assert response["warnings"] == [
        "Pipeline/main: spec.inputs[0]: nothing reads the input topic; read it, or take it out"
    ]


def test_warnings_fit_where_they_are_sent() -> None:
    """In headers: each has one line of at most 256 characters, all together 4,096."""
    names = [f"{'n' * 50}{i}" for i in range(60)]
    step = {"name": "a", "template": HI, "inputs": dict.fromkeys(names, "x")}
    deep = {"name": "b" * 63, "template": HI, "if": "$(false)"}
    warnings = asked(pipeline(step, deep))["warnings"]
    assert len(warnings) == 16
    assert warnings[-1] == "and 46 more: see status.warnings"
    assert sum(map(len, warnings)) <= 4096
    assert max(map(len, warnings)) <= 256


def test_a_long_warning_is_cut() -> None:
    """What does not fit is left out, and its lines are joined."""
    from dspex.controllers.review import Verdict

    review = read_review(question(SIGNATURE, signature("s")))
    [line] = answer(review, Verdict(warnings=("one\ntwo\t" + "x" * 300,)))["response"]["warnings"]
    assert len(line) == 256
    assert line.startswith("one two xxx")
    assert line.endswith("…")


WRONG = [object_ for object_, _ in REFUSED.values()]


@pytest.mark.parametrize("object_", WRONG, ids=list(REFUSED))
def test_an_update_of_metadata_alone_is_admitted(object_: Object) -> None:
    """Who labels a wrong object, or takes a finalizer away, is not kept from it."""
    after = {**object_, "metadata": {**object_["metadata"], "labels": {"team": "a"}}}
    assert asked(after, object_) == {"uid": "0d5e-1", "allowed": True}


@pytest.mark.parametrize("object_", WRONG, ids=list(REFUSED))
def test_what_is_being_deleted_is_admitted(object_: Object) -> None:
    """Its spec may even change: nothing comes of it any more."""
    gone = {**object_["metadata"], "deletionTimestamp": "2026-11-25T01:00:00Z"}
    before = {**object_, "spec": {}}
    assert asked({**object_, "metadata": gone}, before)["allowed"]


def test_true_in_place_of_1_is_a_change() -> None:
    """Python holds them for equal."""
    fields = {"outputs": [{"name": "b", "type": "str"}]}
    one, true = (
        item(
            SIGNATURE, "s", spec={"inputs": [{"name": "a", "type": "int", "default": v}], **fields}
        )
        for v in (1, True)
    )
    assert asked(one, true)["allowed"]
    assert "spec.inputs[0].default: " in refused(true, one)


@pytest.mark.parametrize(
    "change",
    [{"pipelineRef": {"name": "other"}}, {"inputs": {"a": 2}}, {"timeout": "3s"}, {}],
    ids=str,
)
def test_what_may_change_of_a_run_is_not_the_webhooks_to_say(change: Object) -> None:
    """The CRD's rules and an admission policy say it, and they have no failurePolicy Ignore."""
    before = run("r")
    after = {**before, "spec": {**before["spec"], **change}}
    assert asked(after, before)["allowed"]


def test_a_run_that_is_wrong_can_be_cancelled() -> None:
    """Its spec can't be mended, so its faults are no reason to let it go on."""
    spec = {"pipelineRef": {"name": "main"}, "timeout": "0s"}
    before = item(PIPELINE_RUN, "r", spec=spec)
    assert asked({**before, "spec": {**spec, "shutdown": "Cancel"}}, before)["allowed"]
    message = refused({**before, "spec": {**spec, "ttlAfterFinished": "0s"}}, before)
    assert message.startswith("PipelineRun/r: spec.ttlAfterFinished: ")
    assert "spec.timeout" not in message


@pytest.mark.parametrize(
    "given", [{"operation": "DELETE", "object": None}, {"subResource": "status"}], ids=str
)
def test_what_is_not_judged_is_admitted(given: Object) -> None:
    """A deletion, or a status: the chart asks of neither."""
    wrong, _ = REFUSED["a duration"]
    assert asked(wrong, **given) == {"uid": "0d5e-1", "allowed": True}


def test_status_is_not_judged() -> None:
    """It is ours; nor is what the API server adds to metadata."""
    given = signature("s")
    given["metadata"] |= {"creationTimestamp": None, "managedFields": [{"manager": "kubectl"}]}
    assert asked({**given, "status": {"nonsense": 1}}) == {"uid": "0d5e-1", "allowed": True}


@pytest.mark.parametrize(
    "kind", [SIGNATURE, POOL, PIPELINE, PIPELINE_RUN], ids=lambda kind: str(kind.name)
)
def test_a_name_that_is_still_to_be_made_is_no_fault(kind: Kind) -> None:
    """By `generateName`, be it as long as the API server takes it."""
    specs = {
        "Signature": {"signature": "a -> b"},
        "Pool": {"model": {"embedded": True}},
        "Pipeline": {"steps": [{"name": "a", "template": HI}]},
        "PipelineRun": {"pipelineRef": {"name": "main"}},
    }
    metadata = {"generateName": "n" * 60 + "-", "namespace": "shop"}
    object_ = item(kind, "", spec=specs[kind.name]) | {"metadata": metadata}
    assert asked(object_)["allowed"]
