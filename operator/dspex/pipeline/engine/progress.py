"""What a step has done so far: kept while it runs, so that an interrupted one can tell."""

from dataclasses import dataclass, field
from datetime import datetime

from dspex.bridge.protocol import Usage
from dspex.pipeline.record import Items, State


@dataclass(slots=True)
class Progress:
    """Counts of a running step."""

    start_time: datetime | None = None
    attempts: int = 0
    pool: str = ""
    worker: str = ""
    usage: Usage = field(default_factory=Usage)
    total: int | None = None
    ended: dict[State, int] = field(default_factory=dict)

    def end_item(self, state: State) -> None:
        """Count an item that ended."""
        self.ended[state] = self.ended.get(state, 0) + 1

    @property
    def items(self) -> Items | None:
        """The counts of a forEach, None for other steps."""
        if self.total is None:
            return None
        return Items(
            total=self.total,
            succeeded=self.ended.get(State.SUCCEEDED, 0),
            failed=self.ended.get(State.FAILED, 0),
            skipped=self.ended.get(State.SKIPPED, 0),
        )
