"""The names of the images that the tests build and load."""

from typing import Final

OPERATOR: Final = "dspex/operator:dev"
WORKER: Final = "dspex/worker:dev"
EMBEDDED: Final = "dspex/worker:dev-embedded"
