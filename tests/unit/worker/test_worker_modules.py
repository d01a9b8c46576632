"""The Pool's own modules: which may run, how they are built, how they fail."""

import asyncio
import re

import msgspec
import pytest

from dspex.errors import ConfigurationError, Reason
from dspex_worker.config import WorkerConfig
from dspex_worker.lifecycle import Lifecycle
from dspex_worker.loading import load
from fakes import worker_modules
from fakes.openai_endpoint import OpenAIEndpoint, fields
from fakes.serving import call_of, remote, serving


def path(kind: type) -> str:
    """Return the dotted path of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


async def test_a_module_of_the_pool_runs_and_its_model_calls_are_counted(
    endpoint: OpenAIEndpoint,
) -> None:
    """Outputs are the signature's, usage is the sum, and the class is built once, at the start."""
    endpoint.default = fields(answer="hi")
    built = worker_modules.Shout.built
    allowed = path(worker_modules.Shout)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        assert worker_modules.Shout.built == built + 1
        call = call_of("question -> answer", {"question": "q"}, module=allowed)
        answers = await asyncio.gather(worker.answer(call), worker.answer(call))
        assert worker_modules.Shout.built == built + 1
    assert [answer.outputs for answer in answers] == [{"answer": "HI HI"}] * 2
    assert [answer.usage.calls for answer in answers] == [2, 2]
    assert answers[0].usage.prompt_tokens == 20


async def test_a_module_without_an_async_path_runs_in_a_thread(endpoint: OpenAIEndpoint) -> None:
    """Its model calls go through the same engine, and are counted for its call."""
    endpoint.default = fields(answer="hi")
    allowed = path(worker_modules.OnlySync)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        answer = await worker.answer(
            call_of("question -> answer", {"question": "q"}, module=allowed, prompts=True)
        )
    assert answer.outputs["answer"].startswith("hi in module")
    assert answer.usage.calls == 1
    assert len(answer.prompts) == 1


async def test_faults_of_the_endpoint_reach_a_module_in_a_thread(endpoint: OpenAIEndpoint) -> None:
    """The reason is the same as for one on the loop."""
    allowed = path(worker_modules.OnlySync)
    async with serving(remote("http://127.0.0.1:9", modules=[allowed])) as worker:
        failure = await worker.failure(
            call_of("question -> answer", {"question": "q"}, module=allowed)
        )
    assert failure.reason == Reason.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (worker_modules.OverridesForward, "mine"),
        (worker_modules.NotImplementedAsync, "sync"),
        (worker_modules.WantsDemos, "1 demos"),
    ],
)
async def test_what_a_module_can_do_is_found_out(
    endpoint: OpenAIEndpoint, kind: type, answer: str
) -> None:
    """An inherited or unimplemented aforward gives way; demos and bare values are understood."""
    allowed = path(kind)
    call = call_of(
        "question -> answer",
        {"question": "q"},
        module=allowed,
        demos=[{"question": "a", "answer": "b"}],
    )
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        assert (await worker.answer(call)).outputs == {"answer": answer}
        assert (await worker.answer(call)).outputs == {"answer": answer}


async def test_a_constructor_that_takes_a_signature_gets_the_calls(
    endpoint: OpenAIEndpoint,
) -> None:
    """The class is built for each signature, with the call's own."""
    endpoint.default = fields(k=4, m=5)
    allowed = path(worker_modules.TakesSignature)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        one = await worker.answer(call_of("q -> k: int", {"q": "x"}, module=allowed))
        two = await worker.answer(call_of("q -> m: int", {"q": "x"}, module=allowed))
    assert (one.outputs, two.outputs) == ({"k": 4}, {"m": 5})


async def test_a_failing_module_tells_its_operator_class_message_and_five_frames(
    endpoint: OpenAIEndpoint,
) -> None:
    """The traceback is short, without this machine's paths, and names the cause."""
    allowed = path(worker_modules.Fails)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        status, _, body = await worker.post(
            call_of("question -> answer", {"question": "q"}, module=allowed)
        )
    failure = msgspec.json.decode(body)
    assert status == 500
    assert failure["reason"] == Reason.MODULE_FAILED
    assert failure["message"] == "no such thing"
    assert failure["errorClass"] == "LookupError"
    assert len(re.findall(r"^  \S+:\d+ in ", failure["traceback"], re.MULTILINE)) == 5
    assert "fakes/worker_modules.py" in failure["traceback"]
    assert "caused by KeyError: 'inner'" in failure["traceback"]
    assert "/site-packages" not in failure["traceback"]


async def test_a_module_can_not_end_the_worker(endpoint: OpenAIEndpoint) -> None:
    """SystemExit in a module is that call's failure."""
    allowed = path(worker_modules.Exits)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        call = call_of("question -> answer", {"question": "q"}, module=allowed)
        assert (await worker.failure(call)).reason == Reason.MODULE_FAILED
        assert (await worker.failure(call)).reason == Reason.MODULE_FAILED


async def test_outputs_that_a_module_lacks_are_violations(endpoint: OpenAIEndpoint) -> None:
    """What the signature wants and the prediction does not have is OutputInvalid."""
    allowed = path(worker_modules.Odd)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        for question, word in (("bare", "int"), ("some", "other: is missing")):
            failure = await worker.failure(
                call_of("question -> answer, other", {"question": question}, module=allowed)
            )
            assert failure.reason == Reason.OUTPUT_INVALID
            assert word in failure.message


async def test_a_thread_whose_call_has_ended_stops_at_its_next_model_call(
    endpoint: OpenAIEndpoint,
) -> None:
    """A thread can't be killed, but it can no longer spend anything."""
    endpoint.default = fields(answer="x", latency=0.01)
    allowed = path(worker_modules.Blocks)
    worker_modules.Blocks.asked = 0
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        failure = await worker.failure(
            call_of("question -> answer", {"question": "q"}, module=allowed, timeout=0.3)
        )
        assert failure.reason == Reason.TIMEOUT
        assert worker.server.worker
        await asyncio.to_thread(worker.server.worker.threads._executor.shutdown, wait=True)
        spent = len(endpoint.requests)
    assert spent >= 1
    assert worker_modules.Blocks.asked <= spent + 1


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("no_such_package.Thing", "ModuleNotFoundError"),
        ("fakes.worker_modules.Nope", "AttributeError"),
        ("fakes.worker_modules.add", "no subclass of dspy.Module"),
        ("fakes.worker_modules:CannotBeBuilt", "no licence"),
        ("justaname", "no dotted path"),
    ],
)
async def test_a_module_that_can_not_be_used_stops_the_start(module: str, words: str) -> None:
    """The worker never gets ready, and says which path and why."""
    with pytest.raises(ConfigurationError) as caught:
        await load(WorkerConfig(modules=[module]), "w", Lifecycle())
    finding = caught.value.diagnostics[0]
    assert module in finding.message
    assert finding.found
    assert words in finding.found
    assert finding.remedy


async def test_a_pool_without_a_model_runs_what_needs_none() -> None:
    """A module that never asks a model works without one; Predict says what is missing."""
    allowed = path(worker_modules.WantsDemos)
    async with serving(WorkerConfig(modules=[allowed])) as worker:
        call = call_of("question -> answer", {"question": "q"}, module=allowed)
        assert (await worker.answer(call)).outputs == {"answer": "0 demos"}
        failure = await worker.failure(call_of("q -> a", {"q": "x"}))
    assert failure.reason == Reason.MODULE_FAILED
    assert "No LM is loaded" in failure.message


@pytest.mark.parametrize("adapter", ["JSON", "Compact"])
async def test_a_module_in_a_thread_uses_the_pools_adapter_and_schema(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """The schema goes with the request from there too."""
    endpoint.default = fields(answer="hi")
    allowed = path(worker_modules.OnlySync)
    async with serving(remote(endpoint.base, modules=[allowed], adapter=adapter)) as worker:
        await worker.answer(call_of("question -> answer", {"question": "q"}, module=allowed))
    form = endpoint.requests[0].body["response_format"]
    assert form["json_schema"]["schema"]["required"] == ["answer"]


async def test_an_adapter_of_dspys_own_works(endpoint: OpenAIEndpoint) -> None:
    """Its pydantic schema takes DSPy's own way to the endpoint."""
    endpoint.default = fields(answer="hi", size=3)
    allowed = path(worker_modules.OwnAdapter)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        answer = await worker.answer(
            call_of("question -> answer, size: int", {"question": "q"}, module=allowed)
        )
    assert answer.outputs == {"answer": "hi", "size": 3}
    assert answer.usage.calls == 1
    assert endpoint.requests[0].body["response_format"]["type"] == "json_schema"


async def test_a_module_may_track_usage_for_itself(endpoint: OpenAIEndpoint) -> None:
    """DSPy's tracker sees what the endpoint reports."""
    endpoint.default = fields(answer="hi")
    allowed = path(worker_modules.TracksUsage)
    async with serving(remote(endpoint.base, modules=[allowed])) as worker:
        answer = await worker.answer(
            call_of("question -> answer", {"question": "q"}, module=allowed)
        )
    assert answer.outputs == {"answer": "15"}
