"""Texts as DSPy's metrics compare them."""

import json
import re
import string
import unicodedata
from collections import Counter
from itertools import groupby
from typing import Any

from dspex.native.metrics.base import failed

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Bring a text to the form that DSPy's `EM` and `F1` compare.

    Unicode NFD, lower case, without ASCII punctuation, without the articles a, an and the, blanks
    made one.
    """
    bare = unicodedata.normalize("NFD", text).lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def words(text: str) -> list[str]:
    """Return the words of a text in the form that DSPy's `F1` counts."""
    return normalised(text).split()


def shared(first: list[str], second: list[str]) -> int:
    """Return how many words two texts share; one counts as often as both have it."""
    return sum((Counter(first) & Counter(second)).values())


def tokens(text: str) -> list[str]:
    """Split a text as DSPy's `answer_passage_match` does, which has it from DPR.

    Runs of letters, digits and marks are tokens, and so is each other character that is neither
    blank nor a control character.

    Source: SimpleTokenizer of Karpukhin et al., Dense Passage Retrieval (2020).
    """
    found: list[str] = []
    for kind, run in groupby(normalised(text), _kind_of):
        if kind == "word":
            found.append("".join(run))
        elif kind == "sign":
            found.extend(run)
    return found


def _kind_of(character: str) -> str:
    category = unicodedata.category(character)[0]
    return "word" if category in "LNM" else "blank" if category in "ZC" else "sign"


def prediction_text(prediction: Any) -> str:
    """Return a prediction's text: a string as it is, a number or a boolean as JSON writes it."""
    return _text(prediction, "prediction")


def reference_texts(reference: Any) -> list[str]:
    """Return the texts of a reference, which may be a list of which the best counts."""
    if not isinstance(reference, list):
        return [_text(reference, "reference")]
    if not reference:
        raise failed("reference is an empty list: there is nothing to compare with")
    return [_text(item, f"reference[{index}]") for index, item in enumerate(reference)]


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise failed(f"{what} must be a string, a number or a boolean, not {_kind(value)}")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)
