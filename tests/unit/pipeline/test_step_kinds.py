"""The native step kinds, run through the engine."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from dspex.native.field import Field
from dspex.native.operations import OPERATIONS, NativeOperation
from dspex.native.types import INT, STR
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.record import RunRecord
from fakes.dispatcher import ScriptedDispatcher
from fakes.objects import compiled, plan, signature
from fakes.virtual_time import run_virtually


def run(text: str, inputs: Mapping[str, Any] | None = None, **given: Any) -> RunRecord:
    """Run a pipeline without workers."""
    engine = Engine(plan(text, **given), ScriptedDispatcher({}), RunIdentity("r"))
    return run_virtually(engine.run(inputs or {}))


def test_validate_tells_violations_without_failing() -> None:
    """Outputs are checked against the signature's outputs, with paths."""
    record = run(
        """
        steps:
        - name: check
          validate: {signatureRef: {name: s}}
          inputs: {answer: much too long, score: 7}
        outputs:
        - {name: ok, type: bool, value: $(steps.check.outputs.valid)}
        - {name: paths, type: "list[str]", value: "$(steps.check.outputs.violations.map(v, v.path))"}
        """,
        signatures={
            "s": signature(
                "{signature: 'q -> answer, score: int', fields: [{name: answer, maxLength: 5}]}",
                "s",
            )
        },
    )
    assert record.outputs == {"ok": False, "paths": ["answer"]}


def test_validate_by_schema_sees_all_inputs_as_one_object() -> None:
    """Paths begin at the inputs; a right value has no violations."""
    text = """
        inputs: [{name: age, type: Any}]
        steps:
        - name: check
          validate: {schema: {type: object, properties: {age: {type: integer, minimum: 0}}}}
          inputs: {age: $(inputs.age)}
        outputs:
        - {name: ok, type: bool, value: $(steps.check.outputs.valid)}
        - {name: paths, type: "list[str]", value: "$(steps.check.outputs.violations.map(v, v.path))"}
        """
    assert run(text, {"age": 3}).outputs == {"ok": True, "paths": []}
    assert run(text, {"age": -3}).outputs == {"ok": False, "paths": ["age"]}


def test_a_metric_scores_and_a_transform_gives_its_type_on() -> None:
    """Join makes a str, which a str input takes; the score is a float."""
    record = run("""
        steps:
        - {name: line, transform: {name: join, config: {separator: " "}}, inputs: {value: [a, b]}}
        - name: score
          metric: {name: exact_match}
          inputs: {prediction: $(steps.line.outputs.result), reference: a b}
        outputs:
        - {name: line, type: str, value: $(steps.line.outputs.result)}
        - {name: score, type: float, value: $(steps.score.outputs.score)}
        """)
    assert record.outputs == {"line": "a b", "score": 1.0}


def test_a_transform_refuses_at_compile_time_what_it_can_never_take() -> None:
    """Join over a number has no plan."""
    found = compiled("steps: [{name: a, transform: {name: join}, inputs: {value: 3}}]")
    assert found.plan is None
    assert found.errors[0].path == "spec.steps[0].transform"


def test_a_value_that_can_not_be_reshaped_fails_the_step() -> None:
    """JSON that can't be read is TransformFailed."""
    record = run(
        """
        inputs: [{name: text, type: str}]
        steps: [{name: a, transform: {name: json}, inputs: {value: $(inputs.text)}}]
        """,
        {"text": "{"},
    )
    assert record.errors[0][1].reason == "TransformFailed"


class Count(NativeOperation):
    """Counts words, in a coroutine."""

    name = "count"
    inputs = (Field(name="text", type=STR),)
    outputs = (Field(name="words", type=INT),)

    async def run(self, inputs: Mapping[str, Any], config: Any) -> Mapping[str, Any]:
        """Count; raise on a text that asks for it."""
        await asyncio.sleep(0)
        if inputs["text"] == "raise":
            raise KeyError("gone")
        if inputs["text"] == "garbage":
            return {"words": "many"}
        return {"words": len(str(inputs["text"]).split())}


OPERATION = """
    inputs: [{name: text, type: str}]
    steps: [{name: a, native: {operation: count}, inputs: {text: $(inputs.text)}}]
    outputs: [{name: words, type: int, value: $(steps.a.outputs.words)}]
    """


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the operation as an installed package would."""
    monkeypatch.setitem(OPERATIONS._loaded, "count", Count())


@pytest.mark.usefixtures("count")
def test_a_native_operation_runs_with_checked_inputs_and_outputs() -> None:
    """A coroutine is awaited; what it raises or gives wrongly fails the step by reason."""
    assert run(OPERATION, {"text": "one two"}).outputs == {"words": 2}
    assert run(OPERATION, {"text": "raise"}).errors[0][1].reason == "NativeFailed"
    assert run(OPERATION, {"text": "garbage"}).errors[0][1].reason == "OutputInvalid"


def test_a_template_source_may_come_from_a_config_map() -> None:
    """The plan holds the source as it was when it was compiled."""
    record = run(
        """
        steps:
        - name: a
          template: {sourceFrom: {configMapRef: {name: texts, key: hi}}}
          inputs: {name: Ann}
        outputs: [{name: text, value: $(steps.a.outputs.text)}]
        """,
        config_maps={"texts": {"hi": "Hi {{ name }}"}},
    )
    assert record.outputs == {"text": "Hi Ann"}


def test_a_template_may_slice_an_input_without_a_warning() -> None:
    """What minijinja's own list of variables misses is given and not called unused."""
    text = """
        steps:
        - name: a
          template: {source: "{{ word[:2] }}{% filter replace(old, 'x') %}abc{% endfilter %}"}
          inputs: {word: hello, old: b}
        outputs: [{name: text, value: $(steps.a.outputs.text)}]
        """
    assert compiled(text).warnings == ()
    assert run(text).outputs == {"text": "heaxc"}
