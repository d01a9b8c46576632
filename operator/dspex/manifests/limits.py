"""How much the loader reads."""

from typing import Final

MAX_FILE_BYTES: Final = 5_000_000
"""Bytes of one file."""

MAX_DEPTH: Final = 100
"""Levels of lists and objects in one document."""

MAX_VALUES: Final = 200_000
"""Values in one file, those that aliases repeat counted each time."""

MAX_ALIASED: Final = 50_000
"""Values in one document that come by aliases."""
