"""The harness of `make bench`: what it times, what it gates on, what it prints."""

import dataclasses
import gc
from collections.abc import Callable
from typing import Any

import pytest

from performance.__main__ import main
from performance.latency import CALLS, ROUNDS, Caller, compare_latency
from performance.measure import WALL, Clock, Comparison, Contender, compare, summarise
from performance.row import Row
from performance.session import settled
from performance.table import duration, table, verdict


class Hands:
    """A clock that moves only when somebody moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    @property
    def clock(self) -> Clock:
        """What reads it."""
        return Clock("hands", lambda: self.now)

    def work(self, seconds: float) -> Callable[[object], None]:
        """Make a run that takes some seconds."""

        def run(_: object) -> None:
            self.now += seconds

        return run


def comparison(cost: float, rival: float) -> Comparison:
    """Make a comparison of two costs."""
    return Comparison(cost=cost, rival_cost=rival, ratio=cost / rival, clock=WALL)


def row(cost: float, rival: float, **more: Any) -> Row:
    """Make a row of two costs."""
    return Row(name="thing", rival="floor", measured=comparison(cost, rival), **more)


def test_costs_are_those_of_one_unit() -> None:
    """A run of ten steps costs a step a tenth of its time, whatever the batch."""
    hands = Hands()
    ours = Contender(name="ours", run=hands.work(0.001), units=10)
    rival = Contender(name="rival", run=hands.work(0.02))
    found = compare(ours, rival, clock=hands.clock, rounds=3)
    assert found.cost == pytest.approx(0.0001)
    assert found.rival_cost == pytest.approx(0.02)
    assert found.ratio == pytest.approx(0.005)


def test_preparing_is_not_timed() -> None:
    """What a run uses up is made before the clock starts, once a run."""
    hands = Hands()
    used: list[object] = []

    def prepare() -> object:
        hands.now += 5
        return object()

    def run(made: object) -> None:
        used.append(made)
        hands.now += 1

    ours = Contender(name="ours", run=run, prepare=prepare)
    rival = Contender(name="rival", run=hands.work(1))
    assert compare(ours, rival, clock=hands.clock, rounds=4).ratio == pytest.approx(1)
    assert len(set(map(id, used))) == len(used)


def test_contenders_take_turns() -> None:
    """Who is first changes from round to round, so that a drift falls on both."""
    hands = Hands()
    order: list[str] = []

    def noting(name: str) -> Callable[[object], None]:
        def run(_: object) -> None:
            order.append(name)
            hands.now += 1

        return run

    ours, rival = (Contender(name=name, run=noting(name)) for name in "AB")
    compare(ours, rival, clock=hands.clock, rounds=3)
    assert "".join(order[2:]) == "ABBAAB"


@pytest.mark.parametrize("collect", [False, True])
def test_the_collector_is_off_while_timing(collect: bool) -> None:
    """It stays on only where it is asked for, and is on again afterwards."""
    hands = Hands()
    seen: set[bool] = set()

    def run(_: object) -> None:
        hands.now += 1
        seen.add(gc.isenabled())

    ours = Contender(name="ours", run=hands.work(1))
    probe = Contender(name="probe", run=run)
    compare(ours, probe, clock=hands.clock, rounds=2, collect=collect)
    # The warm-up runs without it in any case.
    assert seen == ({False, True} if collect else {False})
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_one_disturbed_round_changes_nothing() -> None:
    """Costs and ratio are medians, and the ratio is of neighbours in time."""
    found = summarise([(1, 2), (50, 2), (3, 6)], WALL)
    assert (found.cost, found.rival_cost, found.ratio) == (3, 2, 0.5)


async def test_latency_is_the_median_of_single_calls() -> None:
    """A slow call now and then moves no p50; preparing is not timed."""
    hands = Hands()
    count = 0

    async def floor(_: None) -> None:
        hands.now += 1

    async def ours(_: None) -> None:
        nonlocal count
        count += 1
        hands.now += 100 if count % 5 == 0 else 3

    def prepare() -> None:
        hands.now += 7

    (found,) = await compare_latency(
        [Caller(call=ours, prepare=prepare)], Caller(call=floor), clock=hands.clock
    )
    assert (found.cost, found.rival_cost, found.ratio) == (3, 1, 3)
    assert count == (ROUNDS + 1) * CALLS


@pytest.mark.parametrize(
    ("measured", "passed"),
    [
        (row(1, 10, at_least=10), True),
        (row(1.01, 10, at_least=10), False),
        (row(20, 10, at_most=2), True),
        (row(20.1, 10, at_most=2), False),
        (row(1000, 1), True),
        (row(1000, 1, goal=1), True),
    ],
)
def test_gates_are_on_ratios_alone(measured: Row, passed: bool) -> None:
    """A bound holds up to itself; without one, and for a goal, nothing can be missed."""
    assert measured.passed is passed


def test_a_goal_is_told() -> None:
    """A goal is met below it; a row without one has none to meet."""
    assert row(0.9, 1, goal=1).met is True
    assert row(1, 1, goal=1).met is False
    assert row(1, 1).met is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (1e-3, "1 ms"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (1.3e-7, "130 ns")],
)
def test_durations_have_units(seconds: float, text: str) -> None:
    """Three digits and the unit that fits."""
    assert duration(seconds) == text


def test_the_table_says_what_holds() -> None:
    """One line a row under one head: ratio, gate and goal, columns aligned."""
    text = table(
        [
            row(0.001, 0.05, at_least=10),
            row(0.02, 0.005, at_most=2, goal=0.01),
            row(0.000_4, 0.000_1, goal=0.001),
        ]
    )
    head, rule, first, second, third = text.splitlines()
    assert set(rule) == {"-", " "}
    assert "50.0x faster" in first
    assert first.split(">= 10 ")[1].split()[0] == "ok"
    assert "4.00x" in second
    assert second.endswith("<= 2 MISSED  < 10 ms not met")
    assert third.endswith("-            < 1 ms met")
    assert len({line.index("wall") for line in (first, second, third)}) == 1
    assert head.split()[0] == "benchmark"


def test_numbers_of_things_are_shown_without_a_unit() -> None:
    """Neither as seconds nor by a clock."""
    counted = dataclasses.replace(row(7.5, 12, at_most=1), counts=True)
    assert table([counted]).splitlines()[2].split()[1:3] == ["7.5", "-"]


def test_the_verdict_names_what_is_missed() -> None:
    """Counts of gates and goals, with the names of those that do not hold."""
    rows = [row(1, 1, at_most=2), row(3, 1, at_most=2), row(3, 1, goal=4)]
    assert verdict(rows) == "1 of 2 gates hold (missed: thing); 1 of 1 goals are met"
    assert verdict([row(5, 1, goal=4)]).endswith("0 of 1 goals are met (not: thing)")


def test_noise_is_measured_again() -> None:
    """A row that passed once stays, those that missed get another try, and no more than three."""
    good, bad = row(1, 1, at_most=2), row(3, 1, at_most=2)
    runs = iter([[bad, good], [bad, bad], [good, bad], [good, good]])
    assert settled(lambda: next(runs)) == [good, good]
    assert list(runs) == [[good, good]]


def test_a_gate_that_is_missed_each_time_is_missed() -> None:
    """Three misses end it."""
    count = 0

    def benchmark() -> list[Row]:
        nonlocal count
        count += 1
        return [row(3, 1, at_most=2)]

    assert not settled(benchmark)[0].passed
    assert count == 3


@pytest.mark.parametrize(("cost", "status"), [(2, 0), (2.5, 1)])
def test_the_exit_status_is_the_gates(
    cost: float, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One table on stdout, progress on stderr, 1 where a gate is missed; `--only` chooses."""

    def never() -> list[Row]:
        raise AssertionError("not chosen")

    chosen = {"it": lambda: [row(cost, 1, at_most=2)], "other": never}
    assert main(["--only", "it"], chosen) == status
    captured = capsys.readouterr()
    assert captured.out.startswith("benchmark")
    assert "of 1 gates hold" in captured.out
    assert captured.err.startswith("it …")
