"""Transforms: one file each, and one line here. A package adds its own: `dspex.transforms`."""

from dspex.native.registry import Registry
from dspex.native.transforms.base import Transform
from dspex.native.transforms.filter import Filter
from dspex.native.transforms.join import Join
from dspex.native.transforms.json_text import Json
from dspex.native.transforms.pick import Pick

TRANSFORMS: Registry[Transform] = Registry(
    "transform",
    Transform,
    "dspex.transforms",
    {plugin.name: plugin for plugin in (Filter(), Join(), Json(), Pick())},
)


def transform(name: str) -> Transform:
    """Return a transform by its name in manifests; raises CompileError where there is none."""
    return TRANSFORMS.get(name)


__all__ = ["TRANSFORMS", "Transform", "transform"]
