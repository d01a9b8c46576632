"""What DSPy shows of a field and of a signature where the author wrote nothing."""

import re
from collections.abc import Iterable

from dspex.native.field import Field

_word_start = re.compile(
    r"(?<=.)(?=[A-Z][a-z])"  # parseHTMLPage: before Page
    r"|(?<=[a-z0-9])(?=[A-Z])"  # before HTML
    r"|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"  # top3words: around 3
)


def infer_prefix(name: str) -> str:
    """Return the prefix that DSPy infers from a field's name: `top3words` gives `Top 3 Words:`."""
    words = _word_start.sub("_", name).split("_")
    return " ".join(word if word.isupper() else word.capitalize() for word in words) + ":"


def prompt_prefix(field: Field) -> str:
    """Return the field's own prefix, or the one that DSPy infers from its name."""
    return field.prefix or infer_prefix(field.name)


def prompt_description(field: Field) -> str:
    """Return the field's own description, or DSPy's default, `${name}`."""
    return field.description or f"${{{field.name}}}"


def default_instructions(inputs: Iterable[Field], outputs: Iterable[Field]) -> str:
    """Return the instructions that DSPy writes where there are none."""
    given = ", ".join(f"`{field.name}`" for field in inputs)
    wanted = ", ".join(f"`{field.name}`" for field in outputs)
    return f"Given the fields {given}, produce the fields {wanted}."
