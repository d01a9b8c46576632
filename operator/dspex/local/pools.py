"""The workers of all pools that a run needs, on this machine, behind one dispatcher."""

import asyncio
import importlib.util
import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dspex.api.base import ENV_PATTERN, KeyReference
from dspex.api.effective import effective_pool
from dspex.api.pool import Pool, tool_sources
from dspex.api.variable import EnvFrom, EnvSource, EnvVar
from dspex.bridge.client import PoolClient, Pools
from dspex.bridge.protocol import Answer, Call
from dspex.errors import ConfigurationError, Diagnostic
from dspex.local import process
from dspex.local.environment import worker_environment
from dspex.local.events import OnWorkerEvent
from dspex.local.logs import LogFollower, OnLogLine
from dspex.local.sources import Sources
from dspex.local.supervisor import TIMING, PoolLaunch, Supervisor, Timing

DEFAULT_WORKERS: Final = 2
"""Worker processes of one pool at most, where nobody says otherwise."""

_NEEDED: Final = ("dspex_worker", "dspy", "prometheus_client")
_NEEDED_EMBEDDED: Final = (*_NEEDED, "xllamacpp")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """One pool of a local run, with everything that it takes from elsewhere resolved.

    Attributes:
        pool: The manifest.
        api_key: The model's API key; empty for none.
        env: The Pool's `envFrom` and `env`, and what its MCP servers take from Secrets.
    """

    pool: Pool
    api_key: str
    env: dict[str, str]

    @property
    def name(self) -> str:
        """The Pool's name."""
        return self.pool.metadata.name


def plan_pools(pools: Iterable[Pool], sources: Sources) -> tuple[PoolPlan, ...]:
    """Resolve the Secrets and ConfigMaps that some pools read.

    Raises:
        ConfigurationError: With every key that is missing, each with the flag that gives it, and
            with what must be installed.
    """
    findings: list[Diagnostic] = []
    plans = []
    for pool in pools:
        findings += _missing_parts(pool)
        try:
            plans.append(_plan(pool, sources))
        except ConfigurationError as error:
            findings += error.diagnostics
    if findings:
        raise ConfigurationError(*dict.fromkeys(findings))
    return tuple(plans)


def _plan(pool: Pool, sources: Sources) -> PoolPlan:
    findings: list[Diagnostic] = []

    def read(path: str, lookup: Callable[[str, str], str], reference: KeyReference) -> str:
        try:
            return lookup(reference.name, reference.key)
        except ConfigurationError as error:
            findings.extend(each.at(subject=pool.subject, path=path) for each in error.diagnostics)
            return ""

    def taken(path: str, source: EnvSource) -> str:
        if source.secret_key_ref is not None:
            return read(f"{path}.secretKeyRef", sources.secret, source.secret_key_ref)
        assert source.config_map_key_ref is not None  # noqa: S101 -- exactly one is there
        return read(f"{path}.configMapKeyRef", sources.config_map, source.config_map_key_ref)

    def value(index: int, variable: EnvVar) -> str:
        if variable.value_from is None:
            return variable.value or ""
        return taken(f"spec.env[{index}].valueFrom", variable.value_from)

    api_key = ""
    if (reference := pool.spec.model.api_key_secret_ref) is not None:
        # A file's last line break is no part of a key; an HTTP header could not hold it.
        api_key = read("spec.model.apiKeySecretRef", sources.secret, reference).strip()
    env: dict[str, str] = {}
    for index, source in enumerate(pool.spec.env_from):
        try:
            env |= _all_keys(source, sources)
        except ConfigurationError as error:
            path = f"spec.envFrom[{index}]"
            findings.extend(each.at(subject=pool.subject, path=path) for each in error.diagnostics)
    env |= {each.name: value(index, each) for index, each in enumerate(pool.spec.env)}
    env |= {name: taken(path, each) for name, path, each in tool_sources(pool.spec.tools)}
    if findings:
        raise ConfigurationError(*findings)
    return PoolPlan(pool=pool, api_key=api_key, env=env)


def _all_keys(source: EnvFrom, sources: Sources) -> dict[str, str]:
    """Return all keys of a Secret or ConfigMap as variables; a name that is none is left out."""
    if source.secret_ref is not None:
        texts = sources.all_of_secret(source.secret_ref.name)
    elif source.config_map_ref is not None:
        texts = sources.all_of_config_map(source.config_map_ref.name)
    else:
        texts = {}
    named = {f"{source.prefix or ''}{key}": text for key, text in texts.items()}
    return {name: text for name, text in named.items() if re.fullmatch(ENV_PATTERN, name)}


def _missing_parts(pool: Pool) -> list[Diagnostic]:
    """Find what must be installed before the pool's workers can start."""
    embedded = bool(pool.spec.model.embedded)
    extra = "embedded" if embedded else "worker"
    for module in _NEEDED_EMBEDDED if embedded else _NEEDED:
        if importlib.util.find_spec(module) is None:
            return [
                Diagnostic(
                    code="NotInstalled",
                    message=f"workers can't run here: the Python package {module} is not installed",
                    remedy=f"pip install 'dspex[{extra}]'",
                )
            ]
    return []


class LocalPools:
    """Worker processes for some pools; a `Dispatcher`, and an async context manager.

    Entering starts all workers and waits until they are ready; leaving ends every process.

    Args:
        plans: The pools.
        on_event: Hears what happens to the processes.
        max_workers: Processes of one pool at most.
        directory: Current directory of the workers; default this process' own.
        command: What starts a worker; default: this Python's dspex_worker.
        timing: How patient the supervisors are.
        on_log: Hears every line that a worker logs; None: nobody does.
    """

    def __init__(
        self,
        plans: Sequence[PoolPlan],
        on_event: OnWorkerEvent,
        *,
        max_workers: int = DEFAULT_WORKERS,
        directory: Path | None = None,
        command: Sequence[str] | None = None,
        timing: Timing = TIMING,
        on_log: OnLogLine | None = None,
    ) -> None:
        self._plans = plans
        self._on_event = on_event
        self._max_workers = max_workers
        self._directory = directory or Path.cwd()
        self._command = command or process.WORKER_COMMAND
        self._timing = timing
        self._supervisors: list[Supervisor] = []
        self._folder: Path | None = None
        self._pools = Pools({})
        self._follower = None if on_log is None else LogFollower(on_log)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run one call on some worker of the pool; as `bridge.dispatch.Dispatcher`."""
        return await self._pools.execute(pool, call)

    def kill(self) -> None:
        """Send SIGKILL to all workers now, for a person who will not wait."""
        for supervisor in self._supervisors:
            supervisor.kill()

    async def _start(self) -> None:
        if not self._plans:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="dspex-"))
        # One token for the whole run: whoever else is on this machine can't use the workers.
        token = secrets.token_urlsafe(32)
        clients, logs = {}, []
        for plan in self._plans:
            launch = self._launch(plan, token, self._folder)
            logs += [worker.log for worker in launch.workers]
            supervisor = Supervisor(launch, self._on_event, timing=self._timing)
            self._supervisors.append(supervisor)
            clients[plan.name] = PoolClient(supervisor, pool=plan.name, token=token)
        if self._follower is not None:
            self._follower.follow(logs)
        self._pools = Pools(clients)
        await _all_or_first_error([supervisor.start() for supervisor in self._supervisors])

    def _launch(self, plan: PoolPlan, token: str, folder: Path) -> PoolLaunch:
        config = folder / f"{plan.name}.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(effective_pool(plan.pool).to_json()))
        return PoolLaunch(
            pool=plan.name,
            # A Pool scaled to zero gets its worker all the same: somebody wants to run it.
            replicas=max(1, min(plan.pool.spec.replicas, self._max_workers)),
            config=config,
            environment=worker_environment(token=token, api_key=plan.api_key, pool=plan.env),
            directory=self._directory,
            logs=folder,
            command=self._command,
        )

    async def _stop(self) -> None:
        try:
            await self._pools.close()
            await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors))
            if self._follower is not None:
                await self._follower.stop()
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)


async def _all_or_first_error(starts: Iterable[Coroutine[None, None, None]]) -> None:
    """Wait for all; the first error cancels the rest and is raised itself, in no group."""
    tasks = [asyncio.create_task(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
