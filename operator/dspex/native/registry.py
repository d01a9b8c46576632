"""Named plug-ins: those that DSPex brings, and those that installed packages declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dspex.errors import CompileError, Diagnostic, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def entry_points(*, group: str) -> Iterable[EntryPoint]:
    """Return what the installed packages declare; the module is slow to import and seldom asked."""
    from importlib import metadata

    return metadata.entry_points(group=group)


class Registry(Generic[T]):
    """Plug-ins of one kind by name. Packages are only looked at, and loaded, when asked for.

    Args:
        what: What a plug-in is called in errors, such as `metric`.
        base: Its base class. An entry point names a subclass without arguments, or an instance.
        group: Entry-point group, such as `dspex.metrics`; the entry's name is the plug-in's.
        builtin: DSPex's own. They can't be replaced by a package's.
    """

    def __init__(self, what: str, base: type[Any], group: str, builtin: Mapping[str, T]) -> None:
        self._what = what
        self._base = base
        self._group = group
        self._loaded: dict[str, T] = dict(builtin)
        self._declared: dict[str, list[EntryPoint]] | None = None
        self._lock = Lock()

    def names(self) -> list[str]:
        """Return every name, sorted; loads nothing."""
        return sorted({*self._loaded, *self._entries()})

    def get(self, name: str) -> T:
        """Return a plug-in.

        Raises:
            CompileError: There is none of that name, or it can't be loaded.
        """
        found = self._loaded.get(name)
        if found is not None:
            return found
        entries = self._entries().get(name)
        if entries is None:
            raise self._unknown(name)
        if len(entries) > 1:
            raise self._ambiguous(name, entries)
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(entries[0])
        return self._loaded[name]

    def _entries(self) -> dict[str, list[EntryPoint]]:
        if self._declared is None:
            declared: dict[str, list[EntryPoint]] = {}
            for entry in entry_points(group=self._group):
                declared.setdefault(entry.name, []).append(entry)
            self._declared = declared
        return self._declared

    def _load(self, entry: EntryPoint) -> T:
        try:
            loaded = entry.load()
            plugin: T = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:
            raise self._broken(entry, f"{type(error).__name__}: {error}") from error
        if not isinstance(plugin, self._base):
            raise self._broken(entry, f"it is no {self._base.__module__}.{self._base.__qualname__}")
        return plugin

    def _broken(self, entry: EntryPoint, why: str) -> CompileError:
        return CompileError(
            Diagnostic(
                code="PluginBroken",
                message=f"the {self._what} '{entry.name}' ({_origin(entry)}) can't be used: {why}",
                remedy="mend or remove the package that declares it",
            )
        )

    def _ambiguous(self, name: str, entries: list[EntryPoint]) -> CompileError:
        origins = " and ".join(sorted(map(_origin, entries)))
        return CompileError(
            Diagnostic(
                code="PluginBroken",
                message=f"the {self._what} '{name}' is declared more than once: {origins}",
                remedy="remove one of the packages, or have it use another name",
            )
        )

    def _unknown(self, name: str) -> CompileError:
        names = self.names()
        near = nearest(name, names)
        known = f"known: {', '.join(names)}" if names else f"none is installed ({self._group})"
        return CompileError(
            Diagnostic(
                code="UnknownName",
                message=f"unknown {self._what} '{name}'",
                remedy=f"did you mean '{near}'? {known}" if near else known,
            )
        )


def _origin(entry: EntryPoint) -> str:
    """Name what an entry point loads, and the distribution that declares it."""
    return f"{entry.value} of {entry.dist.name}" if entry.dist is not None else entry.value
