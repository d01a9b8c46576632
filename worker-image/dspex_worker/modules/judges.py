"""DSPy's metrics that ask a model, by its own modules and so in its own words.

They take `question`, `prediction`, `reference` (and `context`), and give `score` beside what it is
made of.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from dspy.evaluate import CompleteAndGrounded, SemanticF1
from dspy.evaluate.auto_evaluation import f1_score

from dspex.errors import Reason
from dspex.native.signatures import Signature
from dspex_worker.failures import CallError
from dspex_worker.modules.program import ModuleArguments


class SemanticF1Program:
    """`dspy.evaluate.SemanticF1`: the model judges precision and recall."""

    decompositional = False

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        _check(signature, "SemanticF1", {"question", "prediction", "reference"})
        self.signature = signature
        self._judge = SemanticF1(decompositional=self.decompositional)

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Ask once."""
        found = await self._judge.module.acall(
            question=inputs["question"],
            ground_truth=inputs["reference"],
            system_response=inputs["prediction"],
        )
        score = f1_score(found.precision, found.recall)
        return {"score": score, "precision": found.precision, "recall": found.recall}


class DecompositionalSemanticF1Program(SemanticF1Program):
    """The same, with the key ideas of both texts listed first."""

    decompositional = True


class CompleteAndGroundedProgram:
    """`dspy.evaluate.CompleteAndGrounded`: the model judges twice, side by side."""

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        names = {"question", "prediction", "reference", "context"}
        _check(signature, "CompleteAndGrounded", names)
        self.signature = signature
        self._judge = CompleteAndGrounded()

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Ask for both at once; where one fails the other is given up."""
        question, response = inputs["question"], inputs["prediction"]
        async with asyncio.TaskGroup() as group:
            complete = group.create_task(
                self._judge.completeness_module.acall(
                    question=question,
                    ground_truth=inputs["reference"],
                    system_response=response,
                )
            )
            grounded = group.create_task(
                self._judge.groundedness_module.acall(
                    question=question,
                    retrieved_context=inputs["context"],
                    system_response=response,
                )
            )
        completeness = complete.result().completeness
        groundedness = grounded.result().groundedness
        score = f1_score(groundedness, completeness)
        return {"score": score, "completeness": completeness, "groundedness": groundedness}


def _check(signature: Signature, module: str, wanted: set[str]) -> None:
    found = {field.name for field in signature.inputs}
    if found != wanted:
        names, given = ", ".join(sorted(wanted)), ", ".join(sorted(found))
        raise CallError(Reason.REQUEST_REFUSED, f"{module} takes the inputs {names}, not {given}")
