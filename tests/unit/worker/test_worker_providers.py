"""Which engine serves a model, and which models can't be served here."""

import json
from typing import Any

import pytest
from dspy import lm15

from dspex.errors import ConfigurationError
from dspex_worker.config import ModelConfig
from dspex_worker.lm import chat
from dspex_worker.lm.http import HttpEngine
from dspex_worker.lm.ledger import Ledger, current, recording
from dspex_worker.lm.native import NativeEngine
from dspex_worker.lm.providers import LITELLM_REMEDY, connect
from fakes.openai_endpoint import OpenAIEndpoint, Text, fields
from fakes.serving import call_of, remote, serving


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "my-model"])
async def test_openai_and_names_without_a_provider_get_our_engine(name: str) -> None:
    """An OpenAI-compatible model goes through the one aiohttp pool."""
    model = await connect(ModelConfig(name=name), "key")
    assert isinstance(model.engine, HttpEngine)
    assert model.lm.model == name
    assert model.lm.cache is False
    assert model.lm.num_retries == 0
    assert model.lm.supports_response_schema
    await model.engine.aclose()


@pytest.mark.parametrize("name", ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"])
async def test_providers_that_dspy_serves_itself_keep_its_client(name: str) -> None:
    """Their capabilities are the ones that DSPy knows of them."""
    model = await connect(ModelConfig(name=name), "key")
    assert isinstance(model.engine, NativeEngine)
    assert model.lm.supports_response_schema
    assert "response_format" in model.lm.supported_params
    await model.engine.aclose()


@pytest.mark.parametrize(
    "name",
    ["azure/x", "bedrock/x", "vertex_ai/x", "mistral/x", "cohere/x", "together_ai/x", "odd/x"],
)
async def test_providers_that_need_litellm_are_refused_with_the_way_out(name: str) -> None:
    """The start fails, not the first call."""
    with pytest.raises(ConfigurationError) as caught:
        await connect(ModelConfig(name=name), None)
    finding = caught.value.diagnostics[0]
    assert finding.remedy == LITELLM_REMEDY
    assert finding.found == name


async def test_a_model_without_a_name_and_parameters_that_dspy_refuses_are_told() -> None:
    """What the Pool got wrong is a configuration error with DSPy's words."""
    with pytest.raises(ConfigurationError, match="no name"):
        await connect(ModelConfig(), None)
    with pytest.raises(ConfigurationError, match="reasoning models"):
        await connect(ModelConfig(name="openai/gpt-5", temperature=0.5), None)
    with pytest.raises(ConfigurationError, match="no model id"):
        await connect(ModelConfig(name="openai/"), None)


async def test_the_pools_parameters_and_extra_fields_reach_the_endpoint(
    endpoint: OpenAIEndpoint,
) -> None:
    """Temperature, token limit and extra fields stand in each body; the provider's name does not."""
    endpoint.default = fields(a="x")
    model = ModelConfig(
        name="openai/org/m",
        api_base=endpoint.base + "/",
        temperature=0.25,
        max_tokens=50,
        extra={"guided": {"deep": True}},
    )
    async with serving(remote("", model=model)) as worker:
        await worker.answer(call_of("q -> a", {"q": "x"}))
    body = endpoint.requests[0].body
    assert body["model"] == "org/m"
    assert (body["temperature"], body["max_tokens"]) == (0.25, 50)
    assert body["guided"] == {"deep": True}
    assert "Authorization" not in endpoint.requests[0].headers


async def test_a_reasoning_models_limit_keeps_its_newer_name(endpoint: OpenAIEndpoint) -> None:
    """A call's max_tokens reaches such a model too."""
    endpoint.default = fields(a="x")
    model = ModelConfig(name="openai/gpt-5", api_base=endpoint.base)
    async with serving(remote("", model=model)) as worker:
        config = {"max_tokens": 20_000, "reasoning_effort": "low"}
        await worker.answer(call_of("q -> a", {"q": "x"}, config=config))
    assert endpoint.requests[0].body["max_tokens"] == 20_000
    assert endpoint.requests[0].body["reasoning_effort"] == "low"


async def test_the_schema_is_passed_through_with_compact_and_json(
    endpoint: OpenAIEndpoint,
) -> None:
    """The endpoint gets our schema with its constraints, strict where OpenAI takes it so."""
    endpoint.default = fields(kind="bug", scores={"a": 1})
    for adapter in ("Compact", "JSON"):
        async with serving(remote(endpoint.base, adapter=adapter)) as worker:
            await worker.answer(call_of("q -> kind: Literal['bug', 'no']", {"q": "x"}))
            await worker.answer(call_of("q -> scores: dict[str, int]", {"q": "x"}))
    forms = [request.body["response_format"]["json_schema"] for request in endpoint.requests]
    assert [form["strict"] for form in forms] == [True, False] * 2
    assert forms[0]["schema"]["required"] == ["kind"]
    assert "bug" in json.dumps(forms[0]["schema"])
    assert forms[1]["schema"]["properties"]["scores"]["type"] == "object"


async def test_a_base_without_an_answer_uses_the_proxy_of_the_environment(
    endpoint: OpenAIEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY is obeyed, and NO_PROXY excepts from it."""
    proxy = endpoint.base.removesuffix("/v1")
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "inside.example")
    assert HttpEngine("m", api_base="http://outside.example/v1")._proxy == proxy
    assert HttpEngine("m", api_base="http://inside.example/v1")._proxy is None


class Inner:
    """Stands in for DSPy's own client."""

    def __init__(self, finish: str = "stop") -> None:
        self.requests: list[lm15.Request] = []
        self.closed = False
        self.finish = finish

    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Answer."""
        self.requests.append(request)
        return lm15.Response(
            id=None,
            model="m",
            message=lm15.Message.assistant("hello"),
            finish_reason=self.finish,
            usage=lm15.Usage(
                input_tokens=3, output_tokens=2, cache_read_tokens=10, cache_write_tokens=5
            ),
        )

    async def aclose(self) -> None:
        """Close."""
        self.closed = True


class Capable:
    """Stands in for a `dspy.LM` that is asked what it can."""

    supports_response_schema = False
    supports_reasoning = True
    supported_params = frozenset({"temperature"})


@pytest.mark.parametrize("cached_apart", [True, False])
async def test_calls_by_dspys_client_are_recorded(cached_apart: bool) -> None:
    """Usage, text and prompts come out the same way as with our own engine."""
    inner: Any = Inner()
    engine = NativeEngine(inner, Capable(), {"top": 1}, cached_apart=cached_apart)
    request = lm15.Request(
        model="m",
        messages=(lm15.Message.user("hi"),),
        config=lm15.Config(extensions={"metadata": {"k": "v"}}),
    )
    with recording(Ledger(keep=True)) as ledger:
        await engine.complete(request)
    assert ledger.usage.prompt_tokens == (18 if cached_apart else 3)
    assert ledger.usage.completion_tokens == 2
    assert ledger.exchanges[0].messages == [{"role": "user", "content": "hi"}]
    assert ledger.answer == "hello"
    assert inner.requests[0].config.extensions == {"metadata": {"k": "v"}, "top": 1}
    await engine.aclose()
    assert inner.closed


def test_every_part_that_chat_completions_knows_is_written() -> None:
    """Text, images, audio and files have their places; video has none."""
    parts = (
        lm15.TextPart(text="see"),
        lm15.ImagePart(media_type="image/png", data="QUJD"),
        lm15.ImagePart(url="https://x/y.png", detail="low"),
        lm15.AudioPart(media_type="audio/mpeg", data="QUJD"),
        lm15.DocumentPart(media_type="application/pdf", data="QUJD"),
        lm15.DocumentPart(file_id="f1"),
    )
    request = lm15.Request(model="m", messages=(lm15.Message.user(parts),), system="be brief")
    system, user = chat.messages_of(request)
    assert system == {"role": "system", "content": "be brief"}
    assert [part["type"] for part in user["content"]] == [
        "text",
        "image_url",
        "image_url",
        "input_audio",
        "file",
        "file",
    ]
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,QUJD"
    assert user["content"][3]["input_audio"]["format"] == "mp3"
    video = lm15.Message.user((lm15.VideoPart(media_type="video/mp4", data="QUJD"),))
    with pytest.raises(lm15.UnsupportedFeatureError):
        chat.messages_of(lm15.Request(model="m", messages=(video,)))


def test_json_mode_is_any_object() -> None:
    """`json_object` is passed on, and a decoder gets the schema of an object."""
    config = lm15.Config(response_format={"type": "json_object"})
    request = lm15.Request(model="m", messages=(lm15.Message.user("x"),), config=config)
    parameters = chat.parameters_of(request)
    assert parameters["response_format"] == {"type": "json_object"}
    assert chat.schema_of(parameters) == {"type": "object"}
    assert chat.schema_of({}) is None


def test_outside_of_a_call_there_is_a_ledger_that_nobody_reads() -> None:
    """An engine that is used by itself works."""
    assert current() is not current()


async def test_content_in_parts_is_joined(endpoint: OpenAIEndpoint) -> None:
    """Some servers answer with a list of text parts."""
    parts: Any = [{"type": "text", "text": '{"a":'}, {"type": "text", "text": ' "x"}'}, "odd"]
    endpoint.default = Text(text=parts)
    async with serving(remote(endpoint.base, adapter="JSON")) as worker:
        assert (await worker.answer(call_of("q -> a", {"q": "x"}))).outputs == {"a": "x"}
