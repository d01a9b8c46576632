"""A row of the table: what something costs beside what else, and whether that is good enough."""

from dataclasses import dataclass

from performance.measure import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line.

    Attributes:
        name: What was measured.
        rival: What it was measured against: a rival does the same, a floor the least.
        measured: Both costs and their ratio.
        at_most: The gate: how many times the rival's cost it may have.
        at_least: The gate the other way round: how many times faster it must be.
        goal: Seconds that it should stay under on a quiet machine; told, never a gate.
        counts: Whether the costs are numbers of something, not seconds.
    """

    name: str
    rival: str
    measured: Comparison
    at_most: float | None = None
    at_least: float | None = None
    goal: float | None = None
    counts: bool = False

    @property
    def passed(self) -> bool:
        """Whether the gate holds; a row without one passes."""
        ratio = self.measured.ratio
        if self.at_most is not None and ratio > self.at_most:
            return False
        return self.at_least is None or ratio * self.at_least <= 1

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, None where there is none."""
        return None if self.goal is None else self.measured.cost < self.goal
