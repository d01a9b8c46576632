"""The choice among workers."""

import random
from collections.abc import Sequence

import pytest

from dspex.bridge.client import Balancer, Endpoint
from dspex.bridge.client.balancer import FIRST_BACKOFF, LONGEST_BACKOFF

A, B, C = (Endpoint(f"http://127.0.0.1:{port}", f"w-{port}") for port in (1, 2, 3))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time that is set."""
        return self.now


def first(endpoints: Sequence[Endpoint], count: int) -> list[Endpoint]:
    """Stand in for a random sample."""
    return list(endpoints[:count])


def test_the_less_loaded_of_the_two_sampled_is_chosen() -> None:
    """Of two sampled workers the one with fewer calls in flight gets the call."""
    balancer = Balancer(sample=first)
    with balancer.in_flight(A):
        assert balancer.choose([A, B, C]) == B
        with balancer.in_flight(B), balancer.in_flight(B):
            assert balancer.choose([A, B, C]) == A
    assert balancer.choose([A, B, C]) == A


def test_load_spreads_over_all_workers() -> None:
    """Over many calls that stay in flight no worker has far more than its share."""
    balancer = Balancer(sample=random.Random(7).sample)
    counts = dict.fromkeys([A, B, C], 0)
    for _ in range(300):
        chosen = balancer.choose([A, B, C])
        assert chosen is not None
        counts[chosen] += 1
        balancer.in_flight(chosen).__enter__()
    assert all(90 <= count <= 110 for count in counts.values())


def test_a_worker_that_is_left_out_is_never_chosen() -> None:
    """`without` takes a worker out of the choice."""
    balancer = Balancer()
    assert balancer.choose([A, B], without={A}) == B
    assert balancer.choose([A], without={A}) is None
    assert balancer.choose([]) is None


def test_a_failed_worker_rests_longer_with_each_failure_up_to_a_bound() -> None:
    """The rest doubles from FIRST_BACKOFF and stops at LONGEST_BACKOFF."""
    clock = Clock()
    balancer = Balancer(clock=clock)
    balancer.failed(A)
    assert balancer.choose([A]) is None
    assert balancer.rest([A]) == pytest.approx(FIRST_BACKOFF)
    assert balancer.rest([A, B]) == 0
    balancer.failed(A)
    assert balancer.rest([A]) == pytest.approx(2 * FIRST_BACKOFF)
    clock.now += 2 * FIRST_BACKOFF
    assert balancer.choose([A]) == A
    for _ in range(5000):
        balancer.failed(A)
    assert balancer.rest([A]) == pytest.approx(LONGEST_BACKOFF)


def test_an_answer_ends_the_rest() -> None:
    """A worker that answers is chosen at once, and its next failure counts as the first."""
    balancer = Balancer(clock=Clock())
    balancer.failed(A)
    balancer.failed(A)
    balancer.answered(A)
    assert balancer.choose([A]) == A
    balancer.failed(A)
    assert balancer.rest([A]) == pytest.approx(FIRST_BACKOFF)
    balancer.answered(B)
    assert balancer.choose([B]) == B


def test_nothing_is_kept_of_an_idle_worker() -> None:
    """What came and went (pods do) leaves no memory behind."""
    balancer = Balancer()
    for port in range(1000):
        with balancer.in_flight(Endpoint(f"http://127.0.0.1:{port}", "w")):
            pass
    assert not balancer._loads
