"""An order by chance that is the same in every run."""

import random
from typing import Final

MAX_SEED: Final = 2**32 - 1
"""The largest seed."""


def check_seed(seed: int) -> None:
    """Raise ValueError where a number is no seed."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be from 0 to {MAX_SEED}")


def shuffled(count: int, seed: int) -> list[int]:
    """Return the positions 0 to count - 1 in an order by chance.

    Position i is ranked by the i-th number of Python's Mersenne twister, whose `random()` is
    promised to give the same numbers for the same seed in every version. So the order does not
    depend on what stands at the positions, and one more position at the end leaves the order of
    the others as it is.
    """
    numbers = random.Random(seed)
    ranks = [numbers.random() for _ in range(count)]
    return sorted(range(count), key=ranks.__getitem__)
