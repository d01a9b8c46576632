"""join: the items of a list as one text."""

import json
from typing import Any

from dspex.native import types
from dspex.native.transforms.base import Transform, item_type, the_list
from dspex.native.transforms.path import FieldConfig, type_of_each, values_at


class JoinConfig(FieldConfig):
    """Options of join, beside `field`.

    Attributes:
        separator: Between two items; a line break where it is not given.
        prefix: Before each item, such as `- `.
    """

    separator: str = "\n"
    prefix: str = ""


class Join(Transform):
    """Writes the items of a list into one text."""

    name = "join"
    summary = "The items of a list as one text; what is no string as compact JSON."
    config = JoinConfig

    def transform(self, value: Any, config: JoinConfig) -> str:
        """Join the items."""
        parts = values_at(the_list(value, self.name), config.field)
        return config.separator.join(config.prefix + _text(part) for part in parts)

    def result_type(self, input_type: types.Type, config: JoinConfig) -> types.Type:
        """Return str."""
        type_of_each(item_type(input_type, self.name), config.field)
        return types.STR


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
