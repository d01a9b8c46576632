"""Metrics that DSPy has give DSPy's numbers."""

import dspy
import pytest
from dspy.evaluate import answer_exact_match, answer_passage_match
from dspy.evaluate.metrics import EM, F1, HotPotF1, precision_score
from hypothesis import example, given
from hypothesis import strategies as st

from dspex.native.metrics import metric

_WORDS = st.sampled_from(
    ["the", "a", "an", "The", "A.", "Paris", "paris!", "a-b", "é", "É", "yes", "no", "1", "ﬁ", "İ"]
)
_TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(_WORDS, st.text(max_size=4)), max_size=8).map(" ".join),
    st.text(alphabet=" \t\n.,!aAtThe\u0301\u00a0\u200b", max_size=20),
)


@given(_TEXTS, st.lists(_TEXTS, min_size=1, max_size=4))
@example("", [""])
@example("The a an", ["!"])
@example("the, cat", ["a the cat", "cat"])
def test_scores_are_dspys(prediction: str, references: list[str]) -> None:
    """For any texts, with one reference or the best of several."""
    assert metric("exact_match").score(prediction, references) == float(EM(prediction, references))
    assert metric("f1").score(prediction, references) == float(F1(prediction, references))
    one = references[0]
    assert metric("exact_match").score(prediction, one) == float(EM(prediction, [one]))
    assert metric("f1").score(prediction, one) == float(F1(prediction, [one]))
    assert metric("hotpot_f1").score(prediction, references) == HotPotF1(prediction, references)
    assert metric("precision").score(prediction, one) == precision_score(prediction, one)
    best = max(precision_score(prediction, each) for each in references)
    assert metric("precision").score(prediction, references) == best


@given(_TEXTS, _TEXTS)
def test_f1_is_the_mean_of_precision_and_recall(prediction: str, reference: str) -> None:
    """DSPy has no recall of its own: with its precision and its F1 there is one only."""
    precision = metric("precision").score(prediction, reference)
    recall = metric("recall").score(prediction, reference)
    mean = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert mean == pytest.approx(float(F1(prediction, [reference])))


@given(_TEXTS, st.lists(_TEXTS, min_size=1, max_size=3), st.floats(0.01, 1.0))
def test_exact_match_has_dspys_frac(prediction: str, references: list[str], frac: float) -> None:
    """Below 1.0 so much of f1 is enough."""
    wanted = dspy.Example(answer=references)
    found = answer_exact_match(wanted, dspy.Prediction(answer=prediction), frac=frac)
    assert metric("exact_match").score(prediction, references, {"frac": frac}) == float(found)


_ASSIGNED = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12)
"""DSPy splits with a newer Unicode than Python's: what one of them does not know is left out."""


@given(
    st.lists(st.one_of(_ASSIGNED, st.lists(_WORDS, max_size=8).map(" ".join)), max_size=3),
    st.lists(st.one_of(_ASSIGNED, _WORDS), min_size=1, max_size=3),
)
@example(["It is in Paris, France"], ["paris france"])
@example(["x"], ["!"])
def test_passage_match_is_dspys(passages: list[str], answers: list[str]) -> None:
    """For any passages and any answers."""
    found = answer_passage_match(dspy.Example(answer=answers), dspy.Prediction(context=passages))
    assert metric("passage_match").score(passages, answers) == float(found)


@given(st.lists(_WORDS, max_size=6), st.lists(_WORDS, max_size=6))
def test_f1_of_overlapping_words_is_dspys(prediction: list[str], reference: list[str]) -> None:
    """Repeated words count as often as both sides have them."""
    texts = " ".join(prediction), " ".join(reference)
    assert metric("f1").score(*texts) == pytest.approx(float(F1(texts[0], [texts[1]])), abs=0)
