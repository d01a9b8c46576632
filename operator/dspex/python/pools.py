"""A Pool in Python: `dspex.pool`, and what else the API takes for one."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from dspex.api.pool import Pool, PoolSpec
from dspex.errors import ConfigurationError, Diagnostic
from dspex.manifests import load
from dspex.manifests.files import SUFFIXES
from dspex.python.manifest_form import manifest_form
from dspex.python.objects import make_object, read_objects
from dspex.python.places import argument

PoolLike: TypeAlias = Pool | Mapping[str, Any] | str | os.PathLike[str]
"""A Pool: as an object, a manifest or a spec as a mapping, or the path of a manifest."""

EMBEDDED: Final = "embedded"
"""Name of the Pool that stands in where none is named; it has the model of `dspex new`."""

UNNAMED: Final = "pool"
"""Name of a Pool of which only the spec was given."""


def pool(name: str = UNNAMED, *, model: str | Mapping[str, Any] | None = None, **spec: Any) -> Pool:
    """Make a Pool.

    Args:
        name: Its name; pools that differ need different ones.
        model: Provider and model (`openai/gpt-4o-mini`), or the fields of `model` as a mapping.
            None: the embedded model.
        spec: The other fields of a Pool's spec in snake_case, such as `replicas=2`,
            `tools=[{"name": "search", "path": "shop.tools.search"}]` or `call_timeout="60s"`.

    Raises:
        ManifestError: With everything that is wrong, by field path.
    """
    given: Any = {"embedded": True} if model is None else model
    fields = {"model": {"name": given} if isinstance(given, str) else given, **spec}
    return _read(make_object("Pool", name, _spec(fields)))


def embedded_pool() -> Pool:
    """Return the Pool of the embedded model."""
    return pool(EMBEDDED)


def read_pool(given: PoolLike) -> Pool:
    """Return the Pool that somebody meant.

    Raises:
        InputError: It can't be read; `pool` stands in place of a file, where there is none.
    """
    with argument("pool"):
        if isinstance(given, Pool):
            return given
        if isinstance(given, Mapping):
            return _from_mapping(given)
        return _from_path(os.fspath(given))


def _from_mapping(given: Mapping[str, Any]) -> Pool:
    if "kind" not in given:
        return _read(make_object("Pool", UNNAMED, _spec(given)))
    if given["kind"] != "Pool":
        raise ConfigurationError(
            Diagnostic(
                code="WrongKind",
                message=f"the manifest is of kind {given['kind']}",
                expected="the kind Pool",
                path="kind",
            )
        )
    return _read(manifest_form(given))


def _spec(given: Mapping[str, Any]) -> dict[str, Any]:
    return dict(manifest_form(given, PoolSpec))


def _read(manifest: Mapping[str, Any]) -> Pool:
    return next(iter(read_objects([manifest]).pools.values()))


def _from_path(path: str) -> Pool:
    if Path(path).suffix not in SUFFIXES and not Path(path).exists():
        raise ConfigurationError(
            Diagnostic(
                code="UnreadableFile",
                message=f"there is no file {path!r}",
                expected="the path of a manifest",
                remedy=f"for a model of that name write pool=dspex.pool(model={path!r})",
            )
        )
    pools = load([path]).pools
    if len(pools) == 1:
        return next(iter(pools.values()))
    names = ", ".join(pools)
    raise ConfigurationError(
        Diagnostic(
            code="SeveralObjects" if pools else "NoObject",
            message=f"the files hold several Pools: {names}" if pools else "no Pool is there",
            expected="one Pool",
            file=path,
            remedy=f"choose one: dspex.load({path!r}).pools[…]" if pools else None,
        )
    )
