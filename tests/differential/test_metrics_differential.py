"""exact_match and f1 give the numbers of DSPy's EM and F1."""

import pytest
from dspy.evaluate.metrics import EM, F1
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


@given(st.lists(_WORDS, max_size=6), st.lists(_WORDS, max_size=6))
def test_f1_of_overlapping_words_is_dspys(prediction: list[str], reference: list[str]) -> None:
    """Repeated words count as often as both sides have them."""
    texts = " ".join(prediction), " ".join(reference)
    assert metric("f1").score(*texts) == pytest.approx(float(F1(texts[0], [texts[1]])), abs=0)
