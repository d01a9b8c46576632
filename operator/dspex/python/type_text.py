"""Python's own types as a signature spells them."""

import re
from typing import Any, Final, TypeAlias

TypeLike: TypeAlias = Any
"""A type: a text in a signature's spelling, or Python's own, such as `list[str]`."""

_MODULE: Final = re.compile(r"\b(?:typing|datetime)\.")


def type_text(given: TypeLike) -> str:
    """Return a type in a signature's spelling; whether it is one is seen when that is read."""
    if isinstance(given, str):
        return given
    if given is None:
        return "NoneType"
    # list[str] is a type for isinstance, and its name would be list alone.
    if isinstance(given, type) and not hasattr(given, "__args__"):
        return given.__name__
    return _MODULE.sub("", repr(given))
