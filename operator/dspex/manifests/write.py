"""Objects to YAML that reads back as what it was: kubectl takes `y` and `012` for no texts."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from dspex.manifests.scalars import ScalarError, resolve_value

_UNFOLDED: Final = 1 << 30
"""Characters of a line of YAML; more than any text has."""


class _Dumper(yaml.SafeDumper):
    """Writes block style, without anchors, and quotes what would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None if _is_plain(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_documents(objects: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as a stream of YAML documents, their keys in the order given."""
    return yaml.dump_all(
        objects,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_UNFOLDED,
        explicit_start=True,
    )


def _is_plain(text: str) -> bool:
    try:
        return resolve_value(text, None, True) == text
    except ScalarError:
        return False
