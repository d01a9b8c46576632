"""What the compiler finds about triggers, and the inputs that they give their runs."""

import datetime

import pytest

from dspex.errors import NativeError
from dspex.pipeline.trigger import run_inputs
from fakes.objects import compiled, messages, pipeline, plan

HEAD = """
inputs:
- {name: day, type: str}
- {name: count, type: int, default: 3}
- {name: note, type: 'Optional[str]'}
- {name: key, type: str, default: none, sensitive: true}
steps: [{name: a, template: {source: '{{ x }}'}, inputs: {x: "$(inputs.day)$(inputs.count)$(inputs.key)$(coalesce(inputs.note, ''))"}}]
"""
NIGHTLY = "triggers: [{name: nightly, schedule: {cron: '@daily'}, runTemplate: %s}]"
CHECK = "triggers: [{name: check, onChange: {}, runTemplate: %s}]"
TIME = datetime.datetime(2026, 11, 22, 2, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "triggers",
    [
        NIGHTLY % "{inputs: {day: $(trigger.time)}}",
        NIGHTLY % "{inputs: {day: 'for $(trigger.name)', count: 4, note: null}}",
        NIGHTLY % "{inputs: {day: a, count: $(trigger.time.getHours())}}",
        NIGHTLY % "{inputsFrom: [{secretRef: {name: s}}]}",
        CHECK % "{inputs: {day: $(trigger.digest)}}",
    ],
)
def test_inputs_that_fit_are_taken(triggers: str) -> None:
    """The trigger's name, time and digest have types, and defaults need not be given."""
    assert messages(compiled(HEAD + triggers)) == []


ERRORS = {
    "lacks an input": (NIGHTLY % "{}", "inputs: a run needs the input day: str"),
    "has no template": (
        "triggers: [{name: nightly, schedule: {cron: '@daily'}}]",
        "inputs: a run needs the input day: str",
    ),
    "gives an input too much": (
        NIGHTLY % "{inputs: {day: a, dai: b}}",
        "inputs.dai: the pipeline takes no input dai",
    ),
    "gives a wrong constant": (
        NIGHTLY % "{inputs: {day: a, count: many}}",
        "inputs.count: inputs.count does not fit count: must be an integer",
    ),
    "gives a wrong type": (
        NIGHTLY % "{inputs: {day: a, count: $(trigger.name)}}",
        "inputs.count: inputs.count does not fit count: int",
    ),
    "reads the digest of a schedule": (
        NIGHTLY % "{inputs: {day: $(trigger.digest)}}",
        "inputs.day: unknown name 'trigger.digest'",
    ),
    "reads an input": (
        NIGHTLY % "{inputs: {day: $(inputs.day)}}",
        "inputs.day: unknown name 'inputs'",
    ),
    "shows a sensitive input": (
        NIGHTLY % "{inputs: {day: a, key: b}}",
        "inputs.key: input key is sensitive, and stands here for everybody to read",
    ),
}


@pytest.mark.parametrize(("triggers", "message"), ERRORS.values(), ids=ERRORS)
def test_what_does_not_fit_is_found_at_its_place(triggers: str, message: str) -> None:
    """Before any run has started, with the path of the very value."""
    found = compiled(HEAD + triggers)
    assert messages(found) == [f"spec.triggers[0].runTemplate.{message}"]
    assert found.plan is None


def test_a_required_sensitive_input_asks_for_a_secret() -> None:
    """The remedy is not to write it down."""
    text = HEAD.replace("default: none, ", "") + NIGHTLY % "{inputs: {day: a}}"
    (finding,) = compiled(text).diagnostics
    assert "a Secret that inputsFrom names" in str(finding.remedy)


def test_wrong_inputs_of_the_pipeline_are_reported_once() -> None:
    """A type that can't be read says nothing about the triggers."""
    text = HEAD.replace("type: int", "type: 'list]'") + NIGHTLY % "{inputs: {day: a}}"
    assert {each.path for each in compiled(text).diagnostics} == {"spec.inputs[1].type"}


def test_triggers_are_no_part_of_the_plan() -> None:
    """A change of a trigger does not change the digest, or onChange would answer itself."""
    without = plan(HEAD)
    assert plan(HEAD + NIGHTLY % "{inputs: {day: a}}").digest == without.digest
    assert plan(HEAD + CHECK % "{inputs: {day: b}}").digest == without.digest


def test_triggers_of_a_sub_pipeline_are_its_own_matter() -> None:
    """Who runs it as a step has inputs of his own for it."""
    inner = pipeline(HEAD + NIGHTLY % "{}", "inner")
    outer = "steps: [{name: a, pipelineRef: {name: inner}, inputs: {day: a}}]"
    assert messages(compiled(outer, pipelines={"inner": inner})) == []


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        (
            NIGHTLY % "{inputs: {day: $(trigger.time), count: $(trigger.time.getHours('+01:00'))}}",
            {"day": "2026-11-22T02:00:00+00:00", "count": 3},
        ),
        (
            CHECK % "{inputs: {day: '$(trigger.name): $(trigger.digest)', note: $$(x)}}",
            {"day": "check: sha256:0", "note": "$(x)"},
        ),
        (CHECK % "{inputsFrom: [{configMapRef: {name: x}}]}", {}),
        ("triggers: [{name: check, onChange: {}}]", {}),
    ],
)
def test_inputs_of_a_run_are_evaluated(text: str, inputs: dict[str, object]) -> None:
    """In wire form, of the time that the run is for."""
    (trigger,) = pipeline(HEAD + text).spec.triggers
    local = TIME.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    assert run_inputs(trigger, local, "sha256:0") == inputs


def test_an_expression_may_fail_when_its_time_has_come() -> None:
    """What types can't tell is an error of the native engine."""
    text = HEAD + NIGHTLY % "{inputs: {day: a, count: $(1 / trigger.time.getMinutes())}}"
    (trigger,) = pipeline(text).spec.triggers
    with pytest.raises(NativeError):
        run_inputs(trigger, TIME, "")
