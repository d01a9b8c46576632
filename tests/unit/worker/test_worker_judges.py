"""DSPy's judged metrics on a worker: the same prompts and the same numbers as in DSPy."""

from typing import Any

import dspy
import pytest
from dspy.evaluate import CompleteAndGrounded, SemanticF1
from dspy.utils import DummyLM

from dspex.errors import Reason
from fakes.openai_endpoint import OpenAIEndpoint, fields
from fakes.serving import call_of, remote, serving

TEXTS = {"question": "Why is it so?", "reference": "It rains.", "prediction": "It pours."}
IDEAS = {"ground_truth_key_ideas": "rain", "system_response_key_ideas": "rain", "discussion": "-"}


async def told_by_dspy(judge: Any, *answers: dict[str, Any]) -> tuple[float, list[Any]]:
    """Return the score that DSPy itself gives, and the messages that it sends."""
    lm = DummyLM([{name: str(value) for name, value in each.items()} for each in answers])
    example = dspy.Example(question=TEXTS["question"], response=TEXTS["reference"])
    given = dspy.Prediction(response=TEXTS["prediction"], context="Clouds are grey.")
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter()):
        score = float(judge(example, given).score)
    return score, [each["messages"] for each in lm.history]


@pytest.mark.parametrize(
    ("module", "decompositional", "precision", "recall"),
    [
        ("SemanticF1", False, 0.25, 0.75),
        ("SemanticF1", False, 0.0, 0.0),
        ("SemanticF1", False, 1.5, 0.5),
        ("DecompositionalSemanticF1", True, 1.0, 0.5),
    ],
)
async def test_semantic_f1_is_dspys(
    endpoint: OpenAIEndpoint, module: str, decompositional: bool, precision: float, recall: float
) -> None:
    """Prompt and score; what the score is made of comes beside it."""
    answer: dict[str, Any] = {"reasoning": "so", **IDEAS, "recall": recall, "precision": precision}
    score, messages = await told_by_dspy(SemanticF1(decompositional=decompositional), answer)
    endpoint.default = fields(**answer)
    call = call_of(
        "question, prediction, reference -> score: float, precision: float, recall: float",
        TEXTS,
        module=module,
    )
    async with serving(remote(endpoint.base)) as worker:
        found = await worker.answer(call)
    assert found.outputs == {"score": score, "precision": precision, "recall": recall}
    assert [each.body["messages"] for each in endpoint.requests] == messages
    assert found.usage.calls == 1


async def test_complete_and_grounded_is_dspys(endpoint: OpenAIEndpoint) -> None:
    """Two questions to the model, DSPy's own, and both count."""
    complete: dict[str, Any] = {"reasoning": "so", **IDEAS, "completeness": 0.5}
    claims = {"system_response_claims": "-", "discussion": "-"}
    grounded: dict[str, Any] = {"reasoning": "so", **claims, "groundedness": 0.25}
    score, messages = await told_by_dspy(CompleteAndGrounded(), complete, grounded)

    def answer(body: dict[str, Any]) -> Any:
        asked = str(body["messages"])
        return fields(**(grounded if "retrieved_context" in asked else complete))(body)

    endpoint.default = answer
    call = call_of(
        "question, prediction, reference, context -> "
        "score: float, completeness: float, groundedness: float",
        {**TEXTS, "context": "Clouds are grey."},
        module="CompleteAndGrounded",
    )
    async with serving(remote(endpoint.base)) as worker:
        found = await worker.answer(call)
    assert found.outputs == {"score": score, "completeness": 0.5, "groundedness": 0.25}
    sent = [each.body["messages"] for each in endpoint.requests]
    assert sorted(map(str, sent)) == sorted(map(str, messages))
    assert found.usage.calls == 2


@pytest.mark.parametrize("module", ["SemanticF1", "CompleteAndGrounded"])
async def test_other_inputs_are_refused(endpoint: OpenAIEndpoint, module: str) -> None:
    """The judge reads by name: a call of another shape is told which names."""
    call = call_of("q -> score: float", {"q": "x"}, module=module)
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(call)
    assert failure.reason == Reason.REQUEST_REFUSED
    assert "prediction, question, reference, not q" in failure.message


async def test_a_judge_without_a_number_is_an_invalid_output(endpoint: OpenAIEndpoint) -> None:
    """No score is made up: the attempt fails, and may be repeated."""
    endpoint.default = fields(reasoning="so", recall="much", precision=0.5)
    call = call_of(
        "question, prediction, reference -> score: float, precision: float, recall: float",
        TEXTS,
        module="SemanticF1",
    )
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(call)
    assert failure.reason == Reason.OUTPUT_INVALID
