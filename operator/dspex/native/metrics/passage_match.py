"""passage_match: DSPy's `answer_passage_match`."""

from typing import Any

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric, failed
from dspex.native.metrics.text import prediction_text, reference_texts, tokens


class PassageMatch(Metric):
    """1.0 where one of the passages contains a reference, else 0.0."""

    name = "passage_match"
    summary = (
        "1 where a passage of the prediction (a text, or a list of them) contains the reference, "
        "or one of a list, word by word: DSPy's answer_passage_match."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Look for each reference in each passage; no passage contains nothing."""
        passages = [tokens(each) for each in _passages(prediction)]
        wanted = [tokens(each) for each in reference_texts(reference)]
        return float(any(_stands_in(one, text) for text in passages for one in wanted))


def _passages(prediction: Any) -> list[str]:
    if not isinstance(prediction, list):
        return [prediction_text(prediction)]
    for index, each in enumerate(prediction):
        if not isinstance(each, str):
            raise failed(f"prediction[{index}] must be a passage, which is a string")
    return prediction


def _stands_in(wanted: list[str], text: list[str]) -> bool:
    size = len(wanted)
    return any(wanted == text[at : at + size] for at in range(len(text) - size + 1))
