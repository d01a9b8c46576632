"""Texts as DSPy's metrics compare them."""

import json
import re
import string
import unicodedata
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
