"""Which prompt's beginning stands in which of the decoder's slots."""

from collections import OrderedDict


class Slots:
    """Remembers the beginnings that were used last, one a slot.

    Args:
        count: How many slots there are.
    """

    def __init__(self, count: int) -> None:
        self._free = list(range(count))
        self._taken: OrderedDict[str, int] = OrderedDict()

    def take(self, beginning: str) -> tuple[int, bool]:
        """Return the slot for a beginning, and whether it stands there already.

        A new one takes the place of the one that was used longest ago.
        """
        known = beginning in self._taken
        if known:
            self._taken.move_to_end(beginning)
        elif self._free:
            self._taken[beginning] = self._free.pop()
        else:
            _, slot = self._taken.popitem(last=False)
            self._taken[beginning] = slot
        return self._taken[beginning], known
