"""Calls through a whole worker against a stub endpoint: outputs, usage, prompts, feedback."""

import asyncio
from typing import Any

import pytest

from dspex.bridge.protocol import Feedback, Usage
from dspex.errors import Reason
from fakes.openai_endpoint import OpenAIEndpoint, Text, fields
from fakes.serving import call_of, remote, serving

ADAPTERS = ["Chat", "JSON", "Compact"]


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_predict_returns_typed_outputs_in_wire_form(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """Every adapter turns the model's text into values of the signature's types."""
    endpoint.script(
        fields(count=3, ratio="0.5", tags=["a", "b"], day="2024-03-01", ok="true", kind="bug")
    )
    signature = (
        "text -> count: int, ratio: float, tags: list[str], day: date, ok: bool,"
        " kind: Literal['bug', 'billing']"
    )
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        answer = await worker.answer(call_of(signature, {"text": "hello"}))
    assert answer.outputs == {
        "count": 3,
        "ratio": 0.5,
        "tags": ["a", "b"],
        "day": "2024-03-01",
        "ok": True,
        "kind": "bug",
    }
    assert answer.worker == "worker-1"
    assert "hello" in endpoint.requests[0].prompt


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_chain_of_thought_adds_its_reasoning(endpoint: OpenAIEndpoint, adapter: str) -> None:
    """ChainOfThought's reasoning stands among the outputs, before the signature's own."""
    endpoint.script(fields(reasoning="two and two", answer=4))
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        answer = await worker.answer(
            call_of("question -> answer: int", {"question": "2+2?"}, module="ChainOfThought")
        )
    assert list(answer.outputs.items()) == [("reasoning", "two and two"), ("answer", 4)]


@pytest.mark.parametrize("module", ["ChainOfThought", "ReAct"])
async def test_a_signature_that_has_the_added_output_already_is_refused(
    endpoint: OpenAIEndpoint, module: str
) -> None:
    """A module whose own output collides says so, instead of one of the two being lost."""
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(
            call_of("q -> reasoning, trajectory", {"q": "x"}, module=module)
        )
    assert failure.reason == Reason.REQUEST_REFUSED


async def test_usage_is_summed_and_timings_are_given(endpoint: OpenAIEndpoint) -> None:
    """Usage is the endpoint's own, and the model's time is part of the execution's."""
    endpoint.script(lambda body: Text(text="[[ ## a ## ]]\nx", usage=(7, 3), latency=0.05))
    async with serving(remote(endpoint.base)) as worker:
        answer = await worker.answer(call_of("q -> a", {"q": "x"}))
    assert answer.usage == Usage(calls=1, prompt_tokens=7, completion_tokens=3)
    assert 0.05 <= answer.timings.model <= answer.timings.execute
    assert answer.timings.queue == 0


async def test_an_endpoint_that_reports_no_usage_still_counts_calls(
    endpoint: OpenAIEndpoint,
) -> None:
    """Without token counts from the endpoint the calls are known all the same."""
    endpoint.script(Text(text="[[ ## a ## ]]\nx", usage=None))
    async with serving(remote(endpoint.base)) as worker:
        answer = await worker.answer(call_of("q -> a", {"q": "x"}))
    assert answer.usage == Usage(calls=1)


async def test_prompts_come_back_when_they_are_asked_for_and_only_then(
    endpoint: OpenAIEndpoint,
) -> None:
    """`prompts` returns the messages that the endpoint got, and what it answered."""
    endpoint.default = fields(a="yes")
    async with serving(remote(endpoint.base, adapter="Compact")) as worker:
        asked = await worker.answer(call_of("q -> a", {"q": "x"}, prompts=True))
        silent = await worker.answer(call_of("q -> a", {"q": "x"}))
    assert [exchange.messages for exchange in asked.prompts] == [
        endpoint.requests[0].body["messages"]
    ]
    assert asked.prompts[0].answer == '{"a": "yes"}'
    assert silent.prompts == []


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_wrong_type_is_output_invalid_with_violations_and_the_raw_text(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """All that is wrong comes back at once, with the text that the model wrote."""
    endpoint.default = fields(count="many", kind="other")
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        failure = await worker.failure(
            call_of("text -> count: int, kind: Literal['bug']", {"text": "x"})
        )
    assert failure.reason == Reason.OUTPUT_INVALID
    assert [line.split(":")[0] for line in failure.violations] == ["count", "kind"]
    assert "many" in failure.answer
    assert "other" in failure.answer
    assert failure.usage.calls == 1


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_coerce_takes_what_means_the_same_and_strict_does_not(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """A Literal in another case is its own value when coerced, and a violation when strict."""
    endpoint.default = fields(kind="BUG")
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        call = call_of("text -> kind: Literal['bug', 'billing']", {"text": "x"})
        coerced = await worker.answer(call)
        strict = await worker.failure(
            call_of("text -> kind: Literal['bug', 'billing']", {"text": "x"}, strict=True)
        )
    assert coerced.outputs == {"kind": "bug"}
    assert strict.reason == Reason.OUTPUT_INVALID


@pytest.mark.parametrize(
    ("adapter", "calls"), [("Chat", 2), ("JSON", 1), ("Compact", 1)], ids=ADAPTERS
)
async def test_text_that_is_not_the_format_is_output_invalid(
    endpoint: OpenAIEndpoint, adapter: str, calls: int
) -> None:
    """Prose instead of fields is OutputInvalid; Chat has then tried JSON, as DSPy does."""
    endpoint.default = Text(text="I would rather talk about dogs.")
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        failure = await worker.failure(call_of("q -> a, b", {"q": "x"}))
    assert failure.reason == Reason.OUTPUT_INVALID
    assert failure.answer == "I would rather talk about dogs."
    assert failure.violations
    assert failure.usage.calls == len(endpoint.requests) == calls


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_an_empty_answer_is_output_invalid(endpoint: OpenAIEndpoint, adapter: str) -> None:
    """A model that says nothing did not answer."""
    endpoint.default = Text(text="")
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        failure = await worker.failure(call_of("q -> a", {"q": "x"}))
    assert failure.reason == Reason.OUTPUT_INVALID


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_an_answer_cut_at_its_token_limit_is_never_half_a_value(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """What a token limit cut is OutputInvalid and says so, however much of it could be read."""
    cut = {"Chat": "[[ ## a ## ]]\nonce upon a ti"}.get(adapter, '{"a": "once upon a ti')
    endpoint.default = Text(text=cut, finish_reason="length")
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        failure = await worker.failure(call_of("q -> a", {"q": "x"}))
    assert failure.reason == Reason.OUTPUT_INVALID
    assert "token limit" in failure.message


async def test_a_chat_answer_cut_behind_its_last_marker_is_whole(endpoint: OpenAIEndpoint) -> None:
    """Rambling behind the last field costs nothing."""
    text = "[[ ## a ## ]]\nyes\n\n[[ ## completed ## ]]\nand furthermore"
    endpoint.default = Text(text=text, finish_reason="length")
    async with serving(remote(endpoint.base)) as worker:
        answer = await worker.answer(call_of("q -> a", {"q": "x"}))
    assert answer.outputs == {"a": "yes"}


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("module", ["Predict", "ChainOfThought"])
async def test_feedback_shows_the_model_its_former_answer_and_what_was_wrong(
    endpoint: OpenAIEndpoint, adapter: str, module: str
) -> None:
    """The former answer is the last but one turn, the errors are the last."""
    endpoint.default = fields(reasoning="r", a="better")
    feedback = [Feedback(answer="the first answer", errors=["a: must be shorter", "b: is odd"])]
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        await worker.answer(call_of("q -> a", {"q": "x"}, module=module, feedback=feedback))
    *_, former, errors = endpoint.requests[0].body["messages"]
    assert former == {"role": "assistant", "content": "the first answer"}
    assert errors["role"] == "user"
    assert "a: must be shorter" in errors["content"]
    assert "b: is odd" in errors["content"]


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_demos_are_shown_as_former_turns(endpoint: OpenAIEndpoint, adapter: str) -> None:
    """A demo's inputs and outputs stand before the question."""
    endpoint.default = fields(a="no")
    demos = [{"q": "is water wet", "a": "indeed"}]
    async with serving(remote(endpoint.base, adapter=adapter)) as worker:
        await worker.answer(call_of("q -> a", {"q": "is fire cold"}, demos=demos))
    roles = [message["role"] for message in endpoint.requests[0].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    shown = endpoint.requests[0].body["messages"]
    assert "is water wet" in shown[1]["content"]
    assert "indeed" in shown[2]["content"]


async def test_wrong_inputs_demos_and_config_are_refused_before_the_model_is_asked(
    endpoint: OpenAIEndpoint,
) -> None:
    """What the caller got wrong costs no model call and names what is wrong."""
    wrong: list[tuple[dict[str, Any], Reason, str]] = [
        ({"inputs": {"q": "x", "z": 1}}, Reason.INPUT_INVALID, "z"),
        ({"inputs": {}}, Reason.INPUT_INVALID, "q"),
        ({"demos": [{"q": "x", "z": "y"}]}, Reason.INPUT_INVALID, "z"),
        ({"config": {"api_base": "http://evil"}}, Reason.REQUEST_REFUSED, "api_base"),
        ({"config": {"max_iters": 0}}, Reason.REQUEST_REFUSED, "max_iters"),
        ({"module": "os.system"}, Reason.REQUEST_REFUSED, "os.system"),
        ({"tools": ["nope"]}, Reason.REQUEST_REFUSED, "nope"),
        ({"signature": {"inputs": 3}}, Reason.INPUT_INVALID, "signature"),
    ]
    async with serving(remote(endpoint.base)) as worker:
        for change, reason, word in wrong:
            call = call_of(
                "q -> a",
                **{"inputs": {"q": "x"}, **{k: v for k, v in change.items() if k == "inputs"}},
            )
            given = {**change}
            given.pop("inputs", None)
            import msgspec

            failure = await worker.failure(msgspec.structs.replace(call, **given))
            assert failure.reason == reason, change
            assert word in failure.message, change
    assert endpoint.requests == []


async def test_a_name_that_dspy_takes_for_itself_is_refused(endpoint: OpenAIEndpoint) -> None:
    """An input called `config` would silently become DSPy's own argument."""
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(call_of("config -> a", {"config": "x"}))
    assert failure.reason == Reason.REQUEST_REFUSED
    assert "'config'" in failure.message


async def test_names_that_hide_pydantics_methods_work(endpoint: OpenAIEndpoint) -> None:
    """Fields may be called copy, json or schema."""
    endpoint.default = fields(json="j", schema="s", reasoning="r")
    async with serving(remote(endpoint.base, adapter="Compact")) as worker:
        answer = await worker.answer(
            call_of(
                "copy, append -> json, schema",
                {"copy": "c", "append": "d"},
                module="ChainOfThought",
            )
        )
    assert answer.outputs == {"reasoning": "r", "json": "j", "schema": "s"}


async def test_config_reaches_the_model_and_does_not_stay(endpoint: OpenAIEndpoint) -> None:
    """A call's model parameters are that call's alone."""
    endpoint.default = fields(a="x")
    async with serving(remote(endpoint.base)) as worker:
        config = {"temperature": 0.7, "max_tokens": 99, "top_p": 0.5, "seed": 3, "stop": ["END"]}
        await worker.answer(call_of("q -> a", {"q": "1"}, config=config))
        await worker.answer(call_of("q -> a", {"q": "2"}))
    first, second = (request.body for request in endpoint.requests)
    assert {name: first[name] for name in config} == config
    assert not set(config) & set(second)


async def test_concurrent_calls_share_nothing(endpoint: OpenAIEndpoint) -> None:
    """Calls side by side get their own inputs, prompts, feedback and usage, and leave no history."""
    import dspy
    from dspy.clients.base_lm import GLOBAL_HISTORY

    def echo(body: dict[str, Any]) -> Text:
        question = body["messages"][-1]["content"].splitlines()[0]
        return Text(text=f'{{"a": "{question}"}}', latency=0.02)

    endpoint.default = echo
    async with serving(remote(endpoint.base, adapter="Compact", concurrency=16)) as worker:
        answers = await asyncio.gather(
            *(
                worker.answer(call_of("q -> a", {"q": f"number {i}"}, prompts=True))
                for i in range(40)
            )
        )
        assert worker.server.worker
        assert worker.server.worker.model
        lm = worker.server.worker.model.lm
        assert lm.history == []
    assert [answer.outputs["a"] for answer in answers] == [f"q: number {i}" for i in range(40)]
    assert all(len(answer.prompts) == 1 for answer in answers)
    assert all(answer.usage.calls == 1 for answer in answers)
    assert GLOBAL_HISTORY == []
    assert dspy.settings.trace == []


async def test_images_reach_the_endpoint_as_image_parts(endpoint: OpenAIEndpoint) -> None:
    """An Image input is sent as DSPy sends one, never as text."""
    endpoint.default = fields(a="a cat")
    url = "data:image/png;base64,iVBORw0KGgo="
    async with serving(remote(endpoint.base)) as worker:
        await worker.answer(call_of("picture: Image, q -> a", {"picture": {"url": url}, "q": "?"}))
    parts = endpoint.requests[0].body["messages"][-1]["content"]
    assert {"type": "image_url", "image_url": {"url": url}} in parts
