"""What the calls of a process share: the settings, the loop, the warm workers."""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dspex.api.pool import Pool
from dspex.errors import ConfigurationError, Diagnostic
from dspex.local import DEFAULT_WORKERS, Assignment, Sources, Store, read_assignment
from dspex.python.background import Background
from dspex.python.places import argument, in_python
from dspex.python.pools import PoolLike, embedded_pool, read_pool
from dspex.python.workers import WarmWorkers


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What calls use that say nothing themselves.

    Attributes:
        pool: The Pool of steps and calls that name none; None: the embedded model.
        secrets: Keys of Secrets; config_maps: keys of ConfigMaps.
        workers: Worker processes of one Pool at most.
    """

    pool: Pool | None = None
    secrets: tuple[Assignment, ...] = ()
    config_maps: tuple[Assignment, ...] = ()
    workers: int = DEFAULT_WORKERS


class Session:
    """The one session of a process.

    Attributes:
        settings: What `configure` has set.
        workers: The warm workers; they live in the loop of `background`.
        background: The loop.
    """

    def __init__(self) -> None:
        self.settings = Settings()
        self.workers = WarmWorkers()
        self.background = Background(self.end_workers, self.kill_workers)
        self._inherited: WarmWorkers | None = None
        os.register_at_fork(after_in_child=self._forget)

    async def end_workers(self) -> None:
        """End the warm workers; in the loop of `background`."""
        await self.workers.close()

    def kill_workers(self) -> None:
        """Kill the warm workers, from any thread."""
        self.workers.kill()

    def default_pool(self) -> Pool:
        """Return the Pool of what names none."""
        return self.settings.pool or embedded_pool()

    def sources(
        self,
        *,
        secrets: tuple[Assignment, ...] = (),
        config_maps: tuple[Assignment, ...] = (),
        secret_objects: Mapping[str, Mapping[str, bytes]] | None = None,
        config_map_objects: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Sources:
        """Return Secrets and ConfigMaps: of objects, over them the settings', then a call's."""
        return Sources(
            secrets=secret_objects,
            config_maps=config_map_objects,
            secret_flags=(*self.settings.secrets, *secrets),
            config_map_flags=(*self.settings.config_maps, *config_maps),
        )

    def _forget(self) -> None:
        """Leave the workers to the parent; what is kept here is not collected, which would warn."""
        self._inherited, self.workers = self.workers, WarmWorkers()
        self.background.forget()


@functools.cache
def session() -> Session:
    """Return the session of this process."""
    return Session()


session()  # made with the module: two threads that ask for it first must not make two


def configure(
    *,
    pool: PoolLike | None = None,
    secrets: Mapping[str, str] | None = None,
    config_maps: Mapping[str, str] | None = None,
    workers: int | None = None,
) -> None:
    """Set what calls use that say nothing themselves; what is left out stays as it is.

    Args:
        pool: The Pool of calls and steps that name none. Before: the embedded model.
        secrets: Keys of Secrets, such as `{"llm/api-key": "env:OPENAI_API_KEY"}`; `file:PATH`
            reads a file.
        config_maps: Keys of ConfigMaps, likewise.
        workers: Worker processes of one Pool at most. Before: 2.

    Raises:
        InputError: The Pool is wrong, a variable or file is not there, or no worker is wanted.
    """
    shared = session()
    settings = shared.settings
    if pool is not None:
        settings = replace(settings, pool=read_pool(pool))
    if secrets is not None:
        settings = replace(settings, secrets=assignments(Store.SECRET, secrets))
    if config_maps is not None:
        settings = replace(settings, config_maps=assignments(Store.CONFIG_MAP, config_maps))
    if workers is not None:
        if workers < 1:
            raise _too_few(workers)
        settings = replace(settings, workers=workers)
    shared.settings = settings


def assignments(store: Store, given: Mapping[str, str] | None) -> tuple[Assignment, ...]:
    """Read keys of Secrets or ConfigMaps, `{"name/key": "env:VARIABLE" or "file:PATH"}`.

    Raises:
        ConfigurationError: One has another form, or its variable or file is not there.
    """
    name = "secrets" if store is Store.SECRET else "config_maps"
    with argument(name):
        try:
            return tuple(
                read_assignment(store, f"{key}={text}") for key, text in (given or {}).items()
            )
        except ConfigurationError as error:
            found = [in_python(each) for each in error.diagnostics]
            raise ConfigurationError(*found) from None


def _too_few(workers: int) -> ConfigurationError:
    finding = Diagnostic(
        code="InvalidValue",
        message=f"{workers} workers can do nothing",
        expected="1 or more",
        remedy="dspex.shutdown() ends those that are there",
        file="workers",
    )
    return ConfigurationError(finding)


def shutdown() -> None:
    """End the warm workers before the process ends; the next call starts them anew."""
    shared = session()
    shared.background.run(shared.end_workers)


async def ashutdown() -> None:
    """As `shutdown`."""
    shared = session()
    await shared.background.wait(shared.end_workers)
