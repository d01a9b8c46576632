"""The semantics of runs, one behaviour a test, in virtual time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import (
    AttemptFailed,
    Event,
    FallbackTaken,
    FinallyStarted,
    RunStarted,
    StepFinished,
)
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import Items, RunRecord, State, StepRecord
from fakes.dispatcher import ScriptedDispatcher, after
from fakes.objects import pipeline, plan
from fakes.virtual_time import run_virtually, virtual_clock


class Ran:
    """What came of a run."""

    def __init__(self, record: RunRecord, events: list[Event], seconds: float) -> None:
        self.record = record
        self.events = events
        self.seconds = seconds
        self.steps: dict[str, StepRecord] = {
            event.record.name: event.record for event in events if isinstance(event, StepFinished)
        }

    def state(self, step: str) -> str:
        """Return `State` or `State/Reason`."""
        record = self.steps[step]
        return f"{record.state}/{record.reason}" if record.reason else str(record.state)


def run(
    compiled: Plan,
    inputs: Mapping[str, Any] | None = None,
    *,
    scripts: Mapping[str, Any] | None = None,
    stop_at: float | None = None,
    cancel_at: float | None = None,
    timeout: float | None = None,
) -> Ran:
    """Run a plan to its end in virtual time."""

    async def whole() -> Ran:
        events: list[Event] = []
        engine = Engine(
            compiled,
            ScriptedDispatcher(scripts or {}),
            RunIdentity("r1"),
            on_event=events.append,
            timeout=timeout,
            clock=virtual_clock,
        )
        loop = asyncio.get_running_loop()
        if stop_at is not None:
            loop.call_later(stop_at, engine.stop)
        if cancel_at is not None:
            loop.call_later(cancel_at, engine.cancel)
        record = await engine.run(inputs or {})
        return Ran(record, events, loop.time())

    return run_virtually(whole())


def failing(times: int, then: Mapping[str, Any], reason: Reason, **given: Any) -> Any:
    """Make a script that fails some times, then answers; each takes a second."""
    count = 0

    async def script(call: Call) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        number = count
        await asyncio.sleep(1)
        if number <= times:
            raise PythonError(reason, f"failure {number}", **given)
        return then

    return script


CALL = "dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}"


def test_steps_that_nothing_ties_run_at_the_same_time() -> None:
    """Three calls of ten seconds, two of them tied, take twenty seconds and not thirty."""
    ran = run(
        plan(f"""
        steps:
        - {{name: a, inputs: {{x: "1"}}, {CALL}}}
        - {{name: b, inputs: {{x: "2"}}, {CALL}}}
        - {{name: c, inputs: {{x: $(steps.a.outputs.out)}}, {CALL}}}
        """),
        scripts={"fast": after(10, {"out": "v"})},
    )
    assert ran.record.reason == "Succeeded"
    assert ran.seconds == pytest.approx(20)
    assert ran.steps["a"].start_time == ran.steps["b"].start_time


def test_concurrency_bounds_what_runs_at_once() -> None:
    """Four independent calls of ten seconds under concurrency 2 take twenty seconds."""
    steps = "\n".join(f"        - {{name: s{i}, inputs: {{x: '1'}}, {CALL}}}" for i in range(4))
    ran = run(
        plan(f"        concurrency: 2\n        steps:\n{steps}\n"),
        scripts={"fast": after(10, {"out": "v"})},
    )
    assert ran.seconds == pytest.approx(20)


def test_what_waits_for_a_slot_does_not_begin_after_a_failure() -> None:
    """Under concurrency 1 the first failure leaves the other steps and items uncalled."""
    steps = "\n".join(f"        - {{name: s{i}, inputs: {{x: '1'}}, {CALL}}}" for i in range(4))
    each = f"""
        - {{name: each, inputs: {{x: $(item)}}, {CALL},
           forEach: {{items: "$(['a', 'b'])", concurrency: 2}}}}
        """
    ran = run(
        plan(f"        concurrency: 1\n        steps:\n{steps}{each}"),
        scripts={"fast": failing(1, {"out": "v"}, Reason.MODULE_FAILED)},
    )
    assert ran.state("s0") == "Failed/ModuleFailed"
    assert {ran.state(name) for name in ("s1", "s2", "s3", "each")} == {"Cancelled/RunEnded"}
    assert sum(step.attempts for step in ran.steps.values()) == 1
    assert ran.seconds == pytest.approx(1)


def test_no_fallback_begins_after_another_step_failed_the_run() -> None:
    """The attempt under way may finish; where it fails, its error stands."""

    async def late(call: Call) -> Mapping[str, Any]:
        await asyncio.sleep(5)
        raise PythonError(Reason.MODULE_FAILED, f"late {call.module}")

    ran = run(
        plan(f"""
        steps:
        - {{name: bad, inputs: {{x: "1"}}, {CALL}}}
        - {{name: slow, inputs: {{x: "1"}}, fallback: [{{module: ChainOfThought}}],
           {CALL.replace("fast", "other")}}}
        """),
        scripts={"fast": failing(1, {}, Reason.MODULE_FAILED), "other": late},
    )
    assert ran.state("slow") == "Failed/ModuleFailed"
    assert ran.steps["slow"].attempts == 1
    assert not [event for event in ran.events if isinstance(event, FallbackTaken)]


def test_after_orders_without_needing_success() -> None:
    """A step comes after one that failed under Continue, and runs all the same."""
    ran = run(
        plan(f"""
        steps:
        - {{name: a, inputs: {{x: "1"}}, onError: Continue, {CALL}}}
        - {{name: b, after: [a], template: {{source: ran}}}}
        """),
        scripts={"fast": failing(9, {}, Reason.MODULE_FAILED)},
    )
    assert ran.state("a") == "Failed/ModuleFailed"
    assert ran.state("b") == "Succeeded"
    assert ran.record.reason == "Succeeded"
    assert [name for name, _ in ran.record.errors] == ["a"]


def test_a_false_if_skips_and_the_skip_travels_until_it_is_handled() -> None:
    """DependencySkipped goes down the data; coalesce, present and .state stop it."""
    ran = run(
        plan("""
        steps:
        - {name: a, if: $(false), template: {source: a}}
        - {name: b, template: {source: "{{ t }}"}, inputs: {t: $(steps.a.outputs.text)}}
        - {name: c, template: {source: "{{ t }}"}, inputs: {t: $(steps.b.outputs.text)}}
        - {name: d, template: {source: "{{ t }}"},
           inputs: {t: "$(coalesce(steps.b.outputs.text, 'none'))"}}
        - {name: e, template: {source: "{{ t }}"}, inputs: {t: $(steps.a.state)}}
        - {name: f, if: $(present(steps.a.outputs.text)), template: {source: f}}
        outputs:
        - {name: d, value: $(steps.d.outputs.text)}
        - {name: e, value: $(steps.e.outputs.text)}
        """)
    )
    assert ran.state("a") == "Skipped/ConditionFalse"
    assert ran.state("b") == ran.state("c") == "Skipped/DependencySkipped"
    assert ran.state("f") == "Skipped/ConditionFalse"
    assert ran.record.outputs == {"d": "none", "e": "Skipped"}


def test_retries_wait_longer_each_time_and_obey_retry_after() -> None:
    """Delays without jitter are 1, 2, 4 s; a Retry-After of 60 s is waited out beyond maxDelay."""
    text = f"""
        steps:
        - {{name: a, inputs: {{x: "1"}}, retry: {{attempts: 4, jitter: None, maxDelay: 4s}}, {CALL}}}
        """
    ran = run(plan(text), scripts={"fast": failing(3, {"out": "v"}, Reason.MODEL_UNAVAILABLE)})
    assert ran.seconds == pytest.approx(4 + 1 + 2 + 4)
    assert ran.steps["a"].attempts == 4
    waits = [event.retry_in for event in ran.events if isinstance(event, AttemptFailed)]
    assert waits == [1, 2, 4]
    limited = failing(1, {"out": "v"}, Reason.MODEL_RATE_LIMITED, retry_after=60.0)
    assert run(plan(text), scripts={"fast": limited}).seconds == pytest.approx(62)


def test_full_jitter_never_exceeds_the_bound() -> None:
    """With Full jitter three delays of at most 1, 2 and 4 s are drawn."""
    ran = run(
        plan(f"""
        steps:
        - {{name: a, inputs: {{x: "1"}}, retry: {{attempts: 4, maxDelay: 4s}}, {CALL}}}
        """),
        scripts={"fast": failing(3, {"out": "v"}, Reason.MODEL_UNAVAILABLE)},
    )
    waits = [event.retry_in for event in ran.events if isinstance(event, AttemptFailed)]
    assert all(0 <= (wait or 0) <= bound for wait, bound in zip(waits, (1, 2, 4), strict=True))
    assert len(set(waits)) == 3


def test_a_reason_that_is_not_transient_is_not_retried() -> None:
    """ModelRejected ends the step at the first attempt unless the policy names it."""
    text = (
        'steps: [{{name: a, inputs: {{x: "1"}}, retry: {{attempts: 3{0}}}, '
        + CALL.replace("{", "{{").replace("}", "}}")
        + "}}]"
    )
    rejected = failing(1, {"out": "v"}, Reason.MODEL_REJECTED)
    assert run(plan(text.format("")), scripts={"fast": rejected}).steps["a"].attempts == 1
    rejected = failing(1, {"out": "v"}, Reason.MODEL_REJECTED)
    named = plan(text.format(", reasons: [ModelRejected]"))
    assert run(named, scripts={"fast": rejected}).state("a") == "Succeeded"


def test_max_elapsed_ends_the_retries() -> None:
    """No attempt starts later than maxElapsed after the first one."""
    ran = run(
        plan(f"""
        steps:
        - name: a
          inputs: {{x: "1"}}
          retry: {{attempts: 50, jitter: None, maxDelay: 1s, maxElapsed: 5s}}
          {CALL}
        """),
        scripts={"fast": failing(99, {}, Reason.MODEL_UNAVAILABLE)},
    )
    assert ran.steps["a"].attempts == 3
    assert ran.seconds == pytest.approx(5)


def test_an_invalid_answer_is_shown_to_the_model_in_the_next_attempt() -> None:
    """The second call carries the first answer and its violations."""
    seen: list[Call] = []

    async def script(call: Call) -> Mapping[str, Any]:
        seen.append(call)
        if len(seen) == 1:
            raise PythonError(
                Reason.OUTPUT_INVALID,
                "too long",
                details={"answer": "{...}", "violations": ["out: too long"]},
            )
        return {"out": "v"}

    text = f"steps: [{{name: a, inputs: {{x: '1'}}, retry: {{attempts: 2}}, {CALL}}}]"
    ran = run(plan(text), scripts={"fast": script})
    assert ran.state("a") == "Succeeded"
    assert seen[0].feedback == []
    assert [(each.answer, each.errors) for each in seen[1].feedback] == [
        ("{...}", ["out: too long"])
    ]


def test_timeout_is_per_attempt() -> None:
    """Each of two attempts gets its two seconds; the calls are cancelled."""
    ran = run(
        plan(f"""
        steps:
        - {{name: a, timeout: 2s, inputs: {{x: "1"}}, retry: {{attempts: 2, jitter: None}}, {CALL}}}
        """),
        scripts={"fast": after(60, {"out": "v"})},
    )
    assert ran.state("a") == "Failed/Timeout"
    assert ran.seconds == pytest.approx(2 + 1 + 2)


def test_fallbacks_are_tried_in_order_after_the_retries() -> None:
    """The first alternative's pool fails too, the constant outputs stand in."""
    ran = run(
        plan(f"""
        steps:
        - name: a
          inputs: {{x: "1"}}
          fallback: [{{poolRef: {{name: other}}}}, {{outputs: {{out: constant}}}}]
          {CALL}
        outputs: [{{name: out, value: $(steps.a.outputs.out)}}]
        """),
        scripts={
            "fast": failing(9, {}, Reason.MODEL_UNAVAILABLE),
            "other": failing(9, {}, Reason.QUEUE_FULL),
        },
    )
    assert ran.record.outputs == {"out": "constant"}
    taken = [(e.number, e.reason) for e in ran.events if isinstance(e, FallbackTaken)]
    assert taken == [(0, "ModelUnavailable"), (1, "QueueFull")]
    assert ran.steps["a"].attempts == 2


def test_default_outputs_stand_in_with_the_error_kept() -> None:
    """onError: Default succeeds with reason DefaultUsed; expressions in it are evaluated."""
    ran = run(
        plan(f"""
        inputs: [{{name: q, type: str}}]
        steps:
        - name: a
          inputs: {{x: $(inputs.q)}}
          onError: Default
          default: {{outputs: {{out: "no answer to $(inputs.q)"}}}}
          {CALL}
        outputs: [{{name: out, value: $(steps.a.outputs.out)}}]
        """),
        {"q": "why"},
        scripts={"fast": failing(9, {}, Reason.MODEL_REJECTED)},
    )
    assert ran.record.outputs == {"out": "no answer to why"}
    assert ran.state("a") == "Succeeded/DefaultUsed"
    assert ran.steps["a"].error is not None
    assert ran.steps["a"].error.reason == "ModelRejected"


def test_errors_of_parallel_steps_all_come_back() -> None:
    """After a failure nothing new starts, what runs finishes, and both errors are kept."""
    scripts = {
        "fast": failing(9, {}, Reason.MODULE_FAILED),
        "other": failing(9, {}, Reason.MODEL_REJECTED),
    }
    other = CALL.replace("fast", "other")
    ran = run(
        plan(f"""
        steps:
        - {{name: a, inputs: {{x: "1"}}, {CALL}}}
        - {{name: b, inputs: {{x: "1"}}, {other}}}
        - {{name: c, inputs: {{x: $(steps.a.outputs.out)}}, {CALL}}}
        """),
        scripts=scripts,
    )
    assert ran.record.state is State.FAILED
    assert ran.record.reason == "StepsFailed"
    assert {name: fault.reason for name, fault in ran.record.errors} == {
        "a": "ModuleFailed",
        "b": "ModelRejected",
    }
    assert ran.state("c") == "Skipped/RunEnded"


FINALLY = f"""
        timeouts: {{finally: 30s}}
        steps:
        - {{name: a, inputs: {{x: "1"}}, {CALL}}}
        finally:
        - {{name: tidy, template: {{source: "{{{{ s }}}} {{{{ r }}}} {{{{ v }}}}"}},
           inputs: {{s: $(steps.a.state), r: $(run.reason), v: "$(coalesce(steps.a.outputs.out, '-'))"}}}}
        """


@pytest.mark.parametrize(
    ("given", "text", "reason"),
    [
        ({}, "Succeeded Succeeded v", "Succeeded"),
        ({"stop_at": 5}, "Cancelled Stopped -", "Stopped"),
        ({"timeout": 35}, "Cancelled RunTimeout -", "RunTimeout"),
    ],
)
def test_finally_runs_after_success_stop_and_timeout(
    given: dict[str, Any], text: str, reason: str
) -> None:
    """It sees every state, the reason, and only outputs that are there."""
    seconds = 3 if not given else 100
    ran = run(plan(FINALLY), scripts={"fast": after(seconds, {"out": "v"})}, **given)
    assert ran.steps["tidy"].outputs == {"text": text}
    assert ran.record.reason == reason
    assert any(isinstance(event, FinallyStarted) for event in ran.events)


def test_finally_runs_after_failure() -> None:
    """A failed step leaves its state to finally, and the run stays failed."""
    ran = run(plan(FINALLY), scripts={"fast": failing(9, {}, Reason.MODULE_FAILED)})
    assert ran.steps["tidy"].outputs == {"text": "Failed StepsFailed -"}
    assert ran.record.reason == "StepsFailed"


def test_cancel_runs_no_finally_and_interrupts_one_that_runs() -> None:
    """After Cancel nothing starts."""
    ran = run(plan(FINALLY), scripts={"fast": after(100, {"out": "v"})}, cancel_at=5)
    assert ran.state("a") == "Cancelled/Cancelled"
    assert ran.state("tidy") == "Skipped/RunEnded"
    assert ran.record.state is State.CANCELLED
    assert ran.seconds == pytest.approx(5)


def test_finally_has_a_timeout_of_its_own() -> None:
    """A finally step that hangs ends the run as RunTimeout after timeouts.finally."""
    ran = run(
        plan(f"""
        timeouts: {{finally: 7s}}
        steps: [{{name: a, template: {{source: a}}}}]
        finally: [{{name: b, inputs: {{x: "1"}}, {CALL}}}]
        """),
        scripts={"fast": after(100, {"out": "v"})},
    )
    assert ran.state("b") == "Cancelled/RunTimeout"
    assert ran.record.reason == "RunTimeout"
    assert ran.seconds == pytest.approx(7)


def test_a_failed_finally_step_fails_the_run_but_not_the_other_finally_steps() -> None:
    """Cleaning up goes on."""
    ran = run(
        plan(f"""
        steps: [{{name: a, template: {{source: a}}}}]
        finally:
        - {{name: b, inputs: {{x: "1"}}, {CALL}}}
        - {{name: c, after: [b], template: {{source: tidy}}}}
        """),
        scripts={"fast": failing(9, {}, Reason.MODULE_FAILED)},
    )
    assert ran.state("c") == "Succeeded"
    assert ran.record.reason == "StepsFailed"


def test_cancel_beats_timeout_and_timeout_beats_stop() -> None:
    """Precedence: Cancel, run timeout, step failure; Stop gives way to both."""
    text = f"""
        timeouts: {{finally: 50s}}
        steps: [{{name: a, template: {{source: a}}}}]
        finally: [{{name: b, inputs: {{x: "1"}}, {CALL}}}]
        """
    slow = {"fast": after(100, {"out": "v"})}
    assert run(plan(text), scripts=slow, stop_at=1, cancel_at=2).record.reason == "Cancelled"
    assert run(plan(text), scripts=slow, stop_at=1).record.reason == "RunTimeout"
    assert run(plan(text), scripts=slow, cancel_at=2, stop_at=3).record.reason == "Cancelled"


FAN_OUT = f"""
        inputs: [{{name: words, type: "list[str]"}}]
        steps:
        - name: each
          forEach: {{items: $(inputs.words), concurrency: 2}}
          inputs: {{x: "$(index): $(item)"}}
          {CALL}
        outputs:
        - {{name: all, type: "list[str]", value: $(steps.each.outputs.out)}}
        """


async def _echo(call: Call) -> Mapping[str, Any]:
    await asyncio.sleep(1)
    text = str(call.inputs["x"])
    if "bad" in text:
        raise PythonError(Reason.MODULE_FAILED, f"bad item {text}")
    return {"out": text.upper()}


def test_for_each_keeps_the_order_of_the_input() -> None:
    """Outputs are lists in the items' order, two at once."""
    ran = run(plan(FAN_OUT), {"words": ["a", "b", "c"]}, scripts={"fast": _echo})
    assert ran.record.outputs == {"all": ["0: A", "1: B", "2: C"]}
    assert ran.seconds == pytest.approx(2)
    items = ran.steps["each"].items
    assert items is not None
    assert (items.total, items.succeeded) == (3, 3)


def test_for_each_over_an_empty_list_succeeds() -> None:
    """Its outputs are empty lists."""
    ran = run(plan(FAN_OUT), {"words": []}, scripts={"fast": _echo})
    assert ran.record.outputs == {"all": []}
    assert ran.state("each") == "Succeeded"


def test_for_each_fails_with_its_item_under_fail() -> None:
    """The first failure starts no further item; its reason and item stand in the error."""
    words = ["a", "bad", "c", "d", "e", "f"]
    ran = run(plan(FAN_OUT), {"words": words}, scripts={"fast": _echo})
    assert ran.state("each") == "Failed/ModuleFailed"
    items = ran.steps["each"].items
    assert items is not None
    assert items.failed == 1
    assert items.succeeded < 5
    assert ran.steps["each"].message.startswith("item 1: ")


def test_under_continue_failed_items_drop_out_and_indices_keep_positions() -> None:
    """What is left keeps its order; `.indices` says where it was."""
    text = (
        FAN_OUT.replace("name: each\n", "name: each\n          onError: Continue\n")
        .replace(
            "        outputs:\n",
            "        - {name: at, template: {source: '{{ i|tojson }}'},"
            " inputs: {i: $(steps.each.indices)}}\n"
            "        outputs:\n"
            "        - {name: at, value: \"$(coalesce(steps.at.outputs.text, ''))\"}\n",
        )
        .replace(
            "value: $(steps.each.outputs.out)", "value: '$(coalesce(steps.each.outputs.out, []))'"
        )
    )
    ran = run(plan(text), {"words": ["a", "bad", "c"]}, scripts={"fast": _echo})
    assert ran.record.outputs == {"at": "[0, 2]", "all": ["0: A", "2: C"]}
    assert ran.state("each") == "Succeeded"
    assert ran.steps["each"].error is not None


def test_default_outputs_stand_in_for_single_items_and_never_for_the_lists() -> None:
    """A failed item takes the default and is told of; a step that fails as a whole stays failed."""
    text = FAN_OUT.replace(
        "name: each\n",
        "name: each\n          onError: Default\n          default: {outputs: {out: none}}\n",
    )
    ran = run(plan(text), {"words": ["a", "bad", "c"]}, scripts={"fast": _echo})
    assert ran.record.outputs == {"all": ["0: A", "none", "2: C"]}
    assert ran.state("each") == "Succeeded/DefaultUsed"
    assert ran.steps["each"].error is not None
    assert ran.steps["each"].error.details["items"][0]["index"] == 1
    short = plan(text.replace("concurrency: 2", "maxItems: 1"))
    ran = run(short, {"words": ["a", "b"]}, scripts={"fast": _echo})
    assert ran.state("each") == "Failed/TooManyItems"


def test_more_items_than_max_items_fail_the_step() -> None:
    """TooManyItems tells both numbers."""
    text = FAN_OUT.replace("concurrency: 2", "maxItems: 2")
    ran = run(plan(text), {"words": ["a", "b", "c"]}, scripts={"fast": _echo})
    assert ran.state("each") == "Failed/TooManyItems"
    assert "3" in ran.steps["each"].message


def test_max_failures_tolerates_so_many() -> None:
    """One failure of one allowed drops out; two are too many."""
    text = FAN_OUT.replace("concurrency: 2", "maxFailures: 1")
    ran = run(plan(text), {"words": ["bad", "b"]}, scripts={"fast": _echo})
    assert ran.record.outputs == {"all": ["1: B"]}
    ran = run(plan(text), {"words": ["bad", "bad", "c"]}, scripts={"fast": _echo})
    assert ran.state("each") == "Failed/TooManyFailures"


def test_the_first_items_errors_are_kept_and_all_are_counted() -> None:
    """Of thirty failed items the first twenty are told of, whatever the order of their ends."""

    async def later_first(call: Call) -> Mapping[str, Any]:
        await asyncio.sleep(100 - int(call.inputs["x"]))
        raise PythonError(Reason.MODULE_FAILED, f"failure {call.inputs['x']}")

    ran = run(
        plan(f"""
        steps:
        - {{name: each, onError: Continue, inputs: {{x: $(string(item))}}, {CALL},
           forEach: {{items: "$({list(range(30))})", concurrency: 30}}}}
        """),
        scripts={"fast": later_first},
    )
    step = ran.steps["each"]
    assert step.items == Items(total=30, failed=30)
    assert step.error is not None
    assert step.error.message == "item 0: failure 0"
    assert [one["index"] for one in step.error.details["items"]] == list(range(20))
    assert (step.pool, step.attempts) == ("fast", 30)


def test_repeat_runs_until_the_condition_holds_and_may_read_the_iteration_before() -> None:
    """Each iteration gets the last one's output; the last iteration's outputs are the step's."""
    text = """
        steps:
        - name: grow
          repeat: {until: "$(size(steps.grow.outputs.text) >= 3)", maxIterations: 9}
          template: {source: "{{ before }}{{ i }}"}
          inputs: {before: "$(coalesce(steps.grow.outputs.text, ''))", i: $(index)}
        outputs: [{name: text, value: $(steps.grow.outputs.text)}]
        """
    ran = run(plan(text))
    assert ran.record.outputs == {"text": "012"}
    assert ran.steps["grow"].attempts == 3
    exhausted = run(plan(text.replace("maxIterations: 9", "maxIterations: 2")))
    assert exhausted.state("grow") == "Failed/RepeatExhausted"


def test_an_until_that_reads_a_skipped_step_skips_before_any_iteration() -> None:
    """Nothing is called for a step whose end could never be decided."""
    ran = run(
        plan(f"""
        steps:
        - {{name: gone, if: "$(run.name == 'other')", inputs: {{x: "1"}}, {CALL}}}
        - name: again
          repeat: {{until: "$(steps.gone.outputs.out == 'v')", maxIterations: 3}}
          inputs: {{x: "1"}}
          {CALL}
        """),
        scripts={"fast": after(1, {"out": "v"})},
    )
    assert ran.state("again") == "Skipped/DependencySkipped"
    assert ran.steps["again"].attempts == 0


CHILD = f"""
        inputs: [{{name: q, type: str}}]
        timeouts: {{finally: 20s}}
        steps: [{{name: ask, inputs: {{x: $(inputs.q)}}, {CALL}}}]
        finally: [{{name: tidy, template: {{source: tidied}}}}]
        outputs: [{{name: a, value: $(steps.ask.outputs.out)}}]
        """


def _with_child(text: str) -> Plan:
    return plan(text, pipelines={"child": pipeline(CHILD, "child")})


def test_a_sub_pipeline_runs_inside_and_reports_its_steps() -> None:
    """Its outputs are the step's; its steps are `outer/inner`; usage adds up."""
    ran = run(
        _with_child("""
        steps: [{name: sub, pipelineRef: {name: child}, inputs: {q: why}}]
        outputs: [{name: a, value: $(steps.sub.outputs.a)}]
        """),
        scripts={"fast": after(1, {"out": "because"})},
    )
    assert ran.record.outputs == {"a": "because"}
    assert ran.state("sub/ask") == ran.state("sub/tidy") == "Succeeded"
    assert ran.record.usage.calls == 1


def test_stop_lets_a_sub_pipelines_finally_run_and_cancel_does_not() -> None:
    """Stop travels in as Stop."""
    compiled = _with_child("""
        steps: [{name: sub, pipelineRef: {name: child}, inputs: {q: why}}]
        """)
    slow = {"fast": after(100, {"out": "v"})}
    stopped = run(compiled, scripts=slow, stop_at=5)
    assert stopped.state("sub/ask") == "Cancelled/Stopped"
    assert stopped.state("sub/tidy") == "Succeeded"
    assert stopped.state("sub") == "Cancelled/Stopped"
    cancelled = run(compiled, scripts=slow, cancel_at=5)
    assert cancelled.state("sub/tidy") == "Skipped/RunEnded"


def test_a_steps_timeout_bounds_its_sub_pipeline_and_can_be_caught() -> None:
    """The sub-pipeline's finally has its time within; the step fails with Timeout."""
    ran = run(
        _with_child("""
        steps:
        - {name: sub, timeout: 30s, onError: Continue, pipelineRef: {name: child}, inputs: {q: w}}
        """),
        scripts={"fast": after(100, {"out": "v"})},
    )
    assert ran.state("sub") == "Failed/Timeout"
    assert ran.state("sub/tidy") == "Succeeded"
    assert ran.seconds == pytest.approx(10)
    assert ran.record.reason == "Succeeded"


def test_a_short_bound_from_outside_leaves_the_steps_half_of_it() -> None:
    """Neither the default time of finally nor a longer one of its own takes all from the steps."""
    default = plan(f"""
        steps: [{{name: ask, inputs: {{x: why}}, {CALL}}}]
        finally: [{{name: tidy, template: {{source: tidied}}}}]
        """)
    quick, slow = {"fast": after(9, {"out": "v"})}, {"fast": after(11, {"out": "v"})}
    assert run(default, scripts=quick, timeout=20).record.reason == "Succeeded"
    assert run(default, scripts=slow, timeout=20).state("ask") == "Cancelled/RunTimeout"
    nested = _with_child("""
        steps: [{name: sub, timeout: 20s, pipelineRef: {name: child}, inputs: {q: why}}]
        """)
    assert run(nested, scripts=quick).record.reason == "Succeeded"
    assert run(nested, scripts=slow).state("sub/ask") == "Cancelled/RunTimeout"


def test_a_sub_pipelines_finally_ends_within_the_total_of_the_run() -> None:
    """Its own timeouts.finally of twenty seconds can't outlast a run of ten."""
    child = CHILD.replace("template: {source: tidied}", f"inputs: {{x: tidy}}, {CALL}")
    ran = run(
        plan(
            """
        timeouts: {total: 10s}
        steps: [{name: sub, pipelineRef: {name: child}, inputs: {q: why}}]
        """,
            pipelines={"child": pipeline(child, "child")},
        ),
        scripts={"fast": after(100, {"out": "v"})},
    )
    assert ran.state("sub/tidy") == "Cancelled/RunTimeout"
    assert ran.seconds == pytest.approx(10)


def test_a_sub_pipeline_that_had_nothing_more_to_start_keeps_its_outputs() -> None:
    """A failure beside its last step does not take them from the finally steps."""
    ran = run(
        _with_child(f"""
        steps:
        - {{name: sub, pipelineRef: {{name: child}}, inputs: {{q: why}}}}
        - {{name: bad, inputs: {{x: "1"}}, {CALL.replace("fast", "other")}}}
        finally:
        - {{name: tell, template: {{source: "{{{{ a }}}}"}}, inputs: {{a: $(steps.sub.outputs.a)}}}}
        """),
        scripts={"fast": after(10, {"out": "kept"}), "other": failing(1, {}, Reason.MODULE_FAILED)},
    )
    assert ran.record.reason == "StepsFailed"
    assert ran.state("sub") == "Succeeded"
    assert ran.steps["tell"].outputs == {"text": "kept"}


def test_no_step_stays_pending_when_its_sub_pipeline_is_not_entered() -> None:
    """Skipped, refused or never begun: inner steps at any depth are Skipped; repeated not listed."""
    middle = """
        inputs: [{name: q, type: str}]
        steps: [{name: inner, pipelineRef: {name: child}, inputs: {q: $(inputs.q)}}]
        """
    compiled = plan(
        f"""
        inputs: [{{name: go, type: bool}}]
        steps:
        - {{name: skipped, if: $(inputs.go), pipelineRef: {{name: middle}}, inputs: {{q: why}}}}
        - name: again
          repeat: {{until: $(index == 1), maxIterations: 2}}
          pipelineRef: {{name: child}}
          inputs: {{q: why}}
        - {{name: bad, after: [again], inputs: {{x: "1"}}, {CALL.replace("fast", "other")}}}
        - {{name: late, after: [bad], pipelineRef: {{name: child}}, inputs: {{q: why}}}}
        """,
        pipelines={"child": pipeline(CHILD, "child"), "middle": pipeline(middle, "middle")},
    )
    ran = run(
        compiled,
        {"go": False},
        scripts={"fast": after(1, {"out": "v"}), "other": failing(1, {}, Reason.MODULE_FAILED)},
    )
    started = ran.events[0]
    assert isinstance(started, RunStarted)
    assert {step.name for step in started.steps} == set(ran.steps)
    skipped = {name for name, step in ran.steps.items() if step.state is State.SKIPPED}
    assert skipped == set(ran.steps) - {"again", "bad"}
    assert {"skipped/inner/tidy", "late/ask"} <= skipped


def test_sub_pipelines_under_for_each_report_counts_only() -> None:
    """Inner steps of items are not listed; a failed one's error names the item."""
    ran = run(
        _with_child("""
        steps:
        - name: sub
          forEach: {items: "$(['a', 'bad'])"}
          onError: Continue
          pipelineRef: {name: child}
          inputs: {q: $(item)}
        """),
        scripts={"fast": _echo},
    )
    assert set(ran.steps) == {"sub"}
    items = ran.steps["sub"].items
    assert items is not None
    assert (items.succeeded, items.failed) == (1, 1)
    assert "sub[1]/ask" in [name for name, _ in ran.record.errors]


EACH_CHILD = """
        steps:
        - name: sub
          forEach: {items: "$(['a', 'b', 'c'])", concurrency: 2}
          pipelineRef: {name: child}
          inputs: {q: $(item)}
        """


@pytest.mark.parametrize(
    ("given", "reason", "seconds", "tidied"),
    [
        ({"stop_at": 5}, "Stopped", 5, 2),
        ({"cancel_at": 5}, "Cancelled", 5, 0),
    ],
)
def test_sub_pipelines_of_all_items_end_with_the_run(
    given: dict[str, Any], reason: str, seconds: float, tidied: int
) -> None:
    """Each running item's finally has its turn after Stop and none after Cancel."""
    renders: list[str] = []
    child = CHILD.replace(
        "template: {source: tidied}",
        "dspy: {module: Predict, signature: 'x -> out', poolRef: {name: other}}, inputs: {x: t}",
    )

    async def tidy(call: Call) -> Mapping[str, Any]:
        renders.append(call.key)
        return {"out": "tidied"}

    ran = run(
        plan(EACH_CHILD, pipelines={"child": pipeline(child, "child")}),
        scripts={"fast": after(100, {"out": "v"}), "other": tidy},
        **given,
    )
    assert ran.record.reason == reason
    assert ran.state("sub") == f"Cancelled/{reason}"
    assert ran.seconds == pytest.approx(seconds)
    assert len(renders) == tidied


def test_items_sub_pipelines_wind_up_when_another_step_fails() -> None:
    """What runs in them may finish, nothing more starts, and the run reports the failure."""
    ran = run(
        _with_child(
            EACH_CHILD
            + f"""
        - {{name: bad, inputs: {{x: "1"}}, {CALL.replace("fast", "other")}}}
        """
        ),
        scripts={"fast": after(10, {"out": "v"}), "other": failing(1, {}, Reason.MODULE_FAILED)},
    )
    assert ran.record.reason == "StepsFailed"
    assert ran.state("bad") == "Failed/ModuleFailed"
    assert ran.state("sub") == "Cancelled/RunEnded"
    assert ran.seconds == pytest.approx(10)


def test_inputs_that_do_not_fit_end_the_run_before_it_starts() -> None:
    """InputInvalid names the input; no step runs."""
    ran = run(plan(FAN_OUT), {"words": "no list", "more": 1}, scripts={"fast": _echo})
    assert ran.record.reason == "InputInvalid"
    assert "words" in ran.record.message
    assert "more" in ran.record.message
    assert ran.state("each") == "Skipped/RunEnded"


def test_a_runtime_error_of_an_expression_fails_its_step() -> None:
    """A division by zero is ExpressionFailed, in `if`, inputs and outputs alike."""
    text = """
        inputs: [{name: d, type: int}]
        steps:
        - {name: a, onError: Continue, if: $(1 / inputs.d > 0), template: {source: a}}
        - {name: b, onError: Continue, template: {source: "{{ x }}"}, inputs: {x: $(1 / inputs.d)}}
        outputs: [{name: o, type: int, value: $(1 / inputs.d)}]
        """
    ran = run(plan(text), {"d": 0})
    assert ran.state("a") == ran.state("b") == "Failed/ExpressionFailed"
    assert ran.record.reason == "ExpressionFailed"


def test_an_output_that_no_object_could_keep_fails_its_step_with_size_and_limit() -> None:
    """OutputTooLarge, never a cut value; a run's outputs together have the same bound."""
    big = {"fast": after(1, {"out": "x" * 600_000})}
    ran = run(plan(f"steps: [{{name: a, inputs: {{x: q}}, {CALL}}}]"), scripts=big)
    assert ran.state("a") == "Failed/OutputTooLarge"
    assert ran.steps["a"].error is not None
    assert ran.steps["a"].error.details["limit"] == 524_288
    half = {"fast": after(1, {"out": "x" * 300_000})}
    ran = run(
        plan(f"""
        steps:
        - {{name: a, inputs: {{x: q}}, {CALL}}}
        outputs:
        - {{name: one, value: $(steps.a.outputs.out)}}
        - {{name: two, value: $(steps.a.outputs.out)}}
        """),
        scripts=half,
    )
    assert ran.record.reason == "OutputTooLarge"


@pytest.mark.parametrize("error", [TimeoutError("late"), asyncio.CancelledError()])
@pytest.mark.parametrize("timeout", ["", "timeout: 9s, "])
def test_what_a_kind_raises_by_itself_fails_its_attempt(error: BaseException, timeout: str) -> None:
    """A TimeoutError or CancelledError that the engine did not cause is a failure, of items too."""

    async def script(call: Call) -> Mapping[str, Any]:
        if call.inputs["x"] == "b":
            raise error
        return {"out": call.inputs["x"]}

    ran = run(
        plan(f"""
        steps:
        - {{name: one, onError: Continue, {timeout}inputs: {{x: b}}, {CALL}}}
        - {{name: each, onError: Continue, {timeout}inputs: {{x: $(item)}}, {CALL},
           forEach: {{items: "$(['a', 'b', 'c'])", concurrency: 1}}}}
        """),
        scripts={"fast": script},
    )
    assert ran.state("one") == "Failed/InternalError"
    assert ran.steps["each"].outputs == {"out": ["a", "c"]}
    assert ran.steps["each"].items == Items(total=3, succeeded=2, failed=1)


def test_cancelling_the_awaiting_task_is_cancel() -> None:
    """All is wound up, RunFinished is emitted, and the cancellation goes on."""

    async def whole() -> list[Event]:
        events: list[Event] = []
        engine = Engine(
            plan(FINALLY),
            ScriptedDispatcher({"fast": after(100, {"out": "v"})}),
            RunIdentity("r1"),
            on_event=events.append,
            clock=virtual_clock,
        )
        task = asyncio.create_task(engine.run({}))
        asyncio.get_running_loop().call_later(3, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        return events

    events = run_virtually(whole())
    assert [type(event).__name__ for event in events][-1] == "RunFinished"


def test_no_step_catches_the_runs_timeout_through_a_sub_pipeline() -> None:
    """The sub-pipeline ends early to keep its finally's time; the run still ends as RunTimeout."""
    ran = run(
        _with_child("""
        timeouts: {total: 50s}
        steps: [{name: sub, onError: Continue, pipelineRef: {name: child}, inputs: {q: w}}]
        """),
        scripts={"fast": after(100, {"out": "v"})},
    )
    assert ran.record.reason == "RunTimeout"
    assert ran.state("sub/tidy") == "Succeeded"
    assert ran.seconds == pytest.approx(30)


def test_messages_do_not_double_with_each_level_of_sub_pipelines() -> None:
    """A long error eight levels down makes a short message at the top, and comes back whole."""
    bodies = {
        f"p{level}": pipeline(
            f"steps: [{{name: s, pipelineRef: {{name: p{level + 1}}}}}]", f"p{level}"
        )
        for level in range(1, 8)
    }
    bodies["p8"] = pipeline(f"steps: [{{name: s, inputs: {{x: q}}, {CALL}}}]", "p8")

    async def script(call: Call) -> Mapping[str, Any]:
        raise PythonError(Reason.MODULE_FAILED, "m" * 1000)

    compiled_plan = plan("steps: [{name: s, pipelineRef: {name: p1}}]", pipelines=bodies)
    ran = run(compiled_plan, scripts={"fast": script})
    assert len(ran.record.message) < 4000
    assert any(fault.message == "m" * 1000 for _, fault in ran.record.errors)
