"""Takes secrets out of what a model is told and what is logged."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from dspex_worker.config import API_KEY_VARIABLE, TOKEN_VARIABLE

SHOWN: Final = "[redacted]"
"""What stands in a secret's place."""
SHORTEST: Final = 8
"""Characters of a value that is looked for; a shorter one would be found in other words."""

_SECRET_NAME: Final = re.compile(r"key|token|secret|passw|credential|auth|dsn", re.IGNORECASE)
"""What the name of a variable has whose value counts as a secret."""

# What looks like a secret without being one that the worker knows: in errors only, where a URL or
# a header of a failed request is told.
_PATTERNS: Final = (
    re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?P<keep>://)[^\s/:@]*:[^\s/@]+(?=@)"),
    re.compile(r"(?P<keep>)\bsk-[\w-]{16,}"),
    re.compile(
        r"(?P<keep>\b[\w-]*(?:api[-_]?key|token|password|secret)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{4,}",
        re.IGNORECASE,
    ),
)


class Redactor:
    """Replaces secrets by `[redacted]`.

    Args:
        secrets: Values; those of fewer than 8 characters are left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {text.strip() for text in secrets}
        # The longest first: one secret may be part of another.
        self._secrets = sorted(filter(_long_enough, found), key=len, reverse=True)
        self.longest = max(map(len, self._secrets), default=0)

    def known(self, text: str) -> str:
        """Return a text without the values that are known to be secret."""
        for secret in self._secrets:
            text = text.replace(secret, SHOWN)
        return text

    def shown(self, text: str) -> str:
        """Return an error's text without those, and without what looks like a secret."""
        text = self.known(text)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<keep>{SHOWN}", text)
        return text


def _long_enough(text: str) -> bool:
    return len(text) >= SHORTEST


def encodable(text: str) -> str:
    """Return a text without lone surrogates, which no answer could be written with."""
    return text.encode("utf-8", "replace").decode()


def worker_redactor(names: Iterable[str], environment: Mapping[str, str] = os.environ) -> Redactor:
    """Return what knows the worker's own secrets.

    Args:
        names: Variables whose values come from Secrets, as the Pool says.
        environment: Where they stand. Other variables count too whose name says so, such as
            SHOP_TOKEN: what a Pool takes whole from a Secret (`envFrom`) is known by nothing else.
    """
    known = {TOKEN_VARIABLE, API_KEY_VARIABLE, *names}
    return Redactor(
        value for name, value in environment.items() if name in known or _SECRET_NAME.search(name)
    )
