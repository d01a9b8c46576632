"""Modules that repeat another: MultiChainComparison, BestOfN, Refine."""

from typing import Any

import pytest

from dspex.errors import Reason
from dspex_worker.config import ToolConfig
from fakes.openai_endpoint import OpenAIEndpoint, fields
from fakes.serving import call_of, remote, serving

TOOLS = [
    ToolConfig(name=name, path=f"fakes.rewards.{name}")
    for name in ("shortness", "breaks", "words", "wants_more")
]
REWARDED = ["BestOfN", "Refine"]


def asking(module: str, **config: Any) -> Any:
    """Return a call of a module."""
    return call_of("question -> answer", {"question": "why?"}, module=module, config=config)


async def test_chains_are_compared_by_one_more_call(endpoint: OpenAIEndpoint) -> None:
    """Each with its own temperature; the comparison reads what each chain thought and answered."""
    endpoint.script(
        fields(reasoning="cold", answer="ice"),
        fields(reasoning="warm", answer="sun"),
        fields(rationale="both considered", answer="weather"),
    )
    async with serving(remote(endpoint.base)) as worker:
        answer = await worker.answer(asking("MultiChainComparison", attempts=2))
    assert answer.outputs == {"rationale": "both considered", "answer": "weather"}
    assert answer.usage.calls == 3
    first, second, comparison = endpoint.requests
    assert (first.body["temperature"], second.body["temperature"]) == (1.0, 1.0)
    for word in ("cold", "ice", "warm", "sun", "why?"):
        assert word in comparison.prompt


async def test_three_chains_are_the_default(endpoint: OpenAIEndpoint) -> None:
    """As in DSPy."""
    endpoint.default = fields(reasoning="so", rationale="so", answer="x")
    async with serving(remote(endpoint.base)) as worker:
        answer = await worker.answer(asking("MultiChainComparison"))
    assert answer.usage.calls == 4


async def test_the_best_attempt_is_returned(endpoint: OpenAIEndpoint) -> None:
    """All are made where none reaches the threshold; the reward comes back beside the outputs."""
    endpoint.script(fields(answer="much too long"), fields(answer="short"), fields(answer="a bit"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        call = asking("BestOfN", attempts=3, reward="shortness", threshold=1.0)
        answer = await worker.answer(call)
    assert answer.outputs == {"answer": "short", "reward": pytest.approx(1 / 5)}
    assert [each.body["temperature"] for each in endpoint.requests] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("module", REWARDED)
async def test_an_attempt_that_is_good_enough_is_the_last(
    endpoint: OpenAIEndpoint, module: str
) -> None:
    """What is not needed is not paid for."""
    endpoint.default = fields(answer="x")
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            asking(module, attempts=5, reward="shortness", threshold=1, base="Predict")
        )
    assert answer.outputs == {"answer": "x", "reward": 1.0}
    assert answer.usage.calls == 1


async def test_an_attempt_that_fails_is_left_out(endpoint: OpenAIEndpoint) -> None:
    """A garbled answer costs one attempt, not the call."""
    endpoint.script(fields(other="?"), fields(answer="fine"))
    async with serving(remote(endpoint.base, adapter="JSON", tools=TOOLS)) as worker:
        answer = await worker.answer(asking("BestOfN", attempts=2, reward="shortness"))
    assert answer.outputs["answer"] == "fine"


@pytest.mark.parametrize("module", REWARDED)
async def test_where_all_attempts_fail_the_last_error_is_told(
    endpoint: OpenAIEndpoint, module: str
) -> None:
    """Not a None that DSPy would return: the reason is the reward's own."""
    endpoint.default = fields(answer="x", advice={}, discussion="-")
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        failure = await worker.failure(asking(module, attempts=2, reward="breaks"))
        assert failure.reason == Reason.MODULE_FAILED
        assert "the reward breaks gave no number: The tool failed. ValueError" in failure.message
        failure = await worker.failure(asking(module, attempts=2, reward="words"))
        assert "gave no number: plenty" in failure.message


async def test_refine_gives_the_next_attempt_advice(endpoint: OpenAIEndpoint) -> None:
    """The model is asked what went wrong, and its advice stands in the next prompt, not before."""
    endpoint.script(
        fields(reasoning="so", answer="much too long"),
        fields(discussion="-", advice={"self": "be brief"}),
        fields(reasoning="so", answer="x"),
    )
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            asking("Refine", attempts=3, reward="shortness", threshold=1.0, base="ChainOfThought")
        )
    assert answer.outputs == {"answer": "x", "reward": 1.0}
    first, advice, second = (each.prompt for each in endpoint.requests)
    assert "be brief" not in first
    assert "much too long" in advice
    assert "How short the answer is" in advice
    assert "be brief" in second


@pytest.mark.parametrize(
    ("module", "config", "words"),
    [
        ("BestOfN", {}, "BestOfN needs config.reward"),
        ("BestOfN", {"reward": "nothing"}, "the Pool has no tool 'nothing'"),
        ("Refine", {"reward": "wants_more"}, "wants budget; an attempt has question, answer"),
        ("BestOfN", {"reward": "shortness", "attempts": 1}, "attempts is a whole number from 2"),
        ("BestOfN", {"reward": "shortness", "attempts": True}, "attempts is a whole number"),
        ("BestOfN", {"reward": "shortness", "base": "ReAct"}, "base is one of Predict, Chain"),
        ("BestOfN", {"reward": "shortness", "threshold": "1"}, "threshold is a number"),
        ("BestOfN", {"reward": 3}, "reward is the name of one of the Pool's tools"),
    ],
)
async def test_wrong_arguments_are_refused(
    endpoint: OpenAIEndpoint, module: str, config: dict[str, Any], words: str
) -> None:
    """Before the model is asked."""
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        failure = await worker.failure(asking(module, **config))
    assert failure.reason == Reason.REQUEST_REFUSED
    assert words in failure.message
    assert endpoint.requests == []


@pytest.mark.parametrize(
    ("module", "field"), [("MultiChainComparison", "rationale"), ("BestOfN", "reward")]
)
async def test_the_output_that_it_adds_is_its_own(
    endpoint: OpenAIEndpoint, module: str, field: str
) -> None:
    """A signature that has it already is refused."""
    call = call_of(
        f"question -> {field}", {"question": "x"}, module=module, config={"reward": "shortness"}
    )
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        failure = await worker.failure(call)
    assert f"adds the output '{field}'" in failure.message
