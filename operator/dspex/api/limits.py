"""How much of everything a manifest may hold. The CRDs carry the same numbers."""

from typing import Final

KIB: Final = 1024

MAX_STEPS: Final = 256
"""Steps of a pipeline, and `finally` steps."""

MAX_FIELDS: Final = 64
"""Inputs or outputs of a signature or a pipeline, and inputs of a step."""

MAX_EXPRESSION: Final = 4 * KIB
"""Characters of an expression."""

MAX_TEMPLATE: Final = 64 * KIB
"""Characters of a template's source."""

MAX_SIGNATURE: Final = 4 * KIB
"""Characters of a signature string."""

MAX_TYPE: Final = 4 * KIB
"""Characters of a type."""

MAX_INSTRUCTIONS: Final = 64 * KIB
"""Characters of a signature's instructions."""

MAX_DESCRIPTION: Final = 4 * KIB
"""Characters of a description or a message."""

MAX_PATTERN: Final = KIB
"""Characters of a regular expression."""

MAX_PATH: Final = 255
"""Characters of a dotted path."""

MAX_LIST: Final = 64
"""Entries of a list that has no bound of its own: tools, modules, demos, env, fallback, enum."""

MAX_TRACEBACK: Final = 16 * KIB
"""Characters of a traceback in a status."""

MAX_STATUS_STEPS: Final = 2048
"""Steps in a run's status, those of sub-pipelines included."""

MAX_ITEMS: Final = 100_000
"""Items that a forEach may be allowed."""

MAX_JSON: Final = 64 * KIB
"""Bytes of one free JSON field of a spec, written without spaces."""

MAX_RUN_INPUTS: Final = 512 * KIB
"""Bytes of a run's inputs, written as JSON without spaces."""

MAX_DATA: Final = 512 * KIB
"""Bytes of outputs or checkpoint in one PipelineRunData, written as JSON without spaces."""

MAX_CONSTRAINT_DEPTH: Final = 3
"""Levels of `items` in a field's constraints: a list of lists of lists."""
