"""Transforms: one file each, and one line here. A package adds its own: `dspex.transforms`."""

from dspex.native.registry import Registry
from dspex.native.transforms.base import Transform
from dspex.native.transforms.chunk import Chunk
from dspex.native.transforms.dedupe import Dedupe
from dspex.native.transforms.filter import Filter
from dspex.native.transforms.group import Group
from dspex.native.transforms.join import Join
from dspex.native.transforms.json_text import Json
from dspex.native.transforms.merge import Merge
from dspex.native.transforms.pick import Pick
from dspex.native.transforms.rename import Rename
from dspex.native.transforms.sample import Sample
from dspex.native.transforms.sort import Sort
from dspex.native.transforms.split import Split

_BUILTIN: tuple[Transform, ...] = (
    Chunk(),
    Dedupe(),
    Filter(),
    Group(),
    Join(),
    Json(),
    Merge(),
    Pick(),
    Rename(),
    Sample(),
    Sort(),
    Split(),
)

TRANSFORMS: Registry[Transform] = Registry(
    "transform", Transform, "dspex.transforms", {plugin.name: plugin for plugin in _BUILTIN}
)


def transform(name: str) -> Transform:
    """Return a transform by its name in manifests; raises CompileError where there is none."""
    return TRANSFORMS.get(name)


__all__ = ["TRANSFORMS", "Transform", "transform"]
