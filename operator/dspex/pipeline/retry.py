"""When a failed attempt is repeated, and after which delay: pure functions."""

import random

from dspex.errors import Reason, StepError
from dspex.errors.reason import TRANSIENT
from dspex.pipeline.plan import Retry


def delay_before_next(
    policy: Retry, error: StepError, *, attempt: int, elapsed: float, draw: random.Random
) -> float | None:
    """Return the seconds to wait before the next attempt, or None if there is to be none.

    Full jitter: a draw between 0 and min(max_delay, initial_delay * 2^(attempt-1)), as in the AWS
    Architecture Blog's "Exponential Backoff And Jitter". A Retry-After is a lower bound, above
    `max_delay` too: who asks sooner is refused again.

    Args:
        policy: The step's.
        error: Why the attempt failed.
        attempt: Number of the failed attempt, counted from 1.
        elapsed: Seconds since the first attempt's start.
        draw: Source of the jitter.
    """
    if attempt >= policy.attempts or not is_repeated(policy, error.reason):
        return None
    # 2**64 seconds is beyond any max_delay, and a float can hold it.
    bound = min(policy.max_delay, policy.initial_delay * 2.0 ** min(attempt - 1, 64))
    delay = draw.uniform(0.0, bound) if policy.jitter == "Full" else bound
    delay = max(delay, error.retry_after or 0.0)
    if policy.max_elapsed is not None and elapsed + delay > policy.max_elapsed:
        return None
    return delay


def is_repeated(policy: Retry, reason: Reason) -> bool:
    """Say whether the policy answers this reason."""
    return reason in TRANSIENT if policy.reasons is None else str(reason) in policy.reasons
