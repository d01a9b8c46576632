"""sample: some items of a list by chance."""

from typing import Any

from dspex.native import types
from dspex.native.config import Config
from dspex.native.transforms.base import Transform, item_type, the_list
from dspex.native.transforms.shuffle import check_seed, shuffled


class SampleConfig(Config):
    """Options of sample.

    Attributes:
        size: How many items; a list that has no more than these stays whole.
        seed: Another number gives another sample. The same one gives the same positions for lists
            of the same length, in every run and version.
    """

    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size must be 0 or more")
        check_seed(self.seed)


class Sample(Transform):
    """Takes some items of a list by chance, each at most once, in the list's order."""

    name = "sample"
    summary = "Some items of a list by chance, the same ones in every run."
    config = SampleConfig

    def transform(self, value: Any, config: SampleConfig) -> Any:
        """Return the sample."""
        items = the_list(value, self.name)
        return [items[index] for index in sorted(shuffled(len(items), config.seed)[: config.size])]

    def result_type(self, input_type: types.Type, config: SampleConfig) -> types.Type:
        """Return the list's own type."""
        return types.ListOf(item_type(input_type, self.name))
