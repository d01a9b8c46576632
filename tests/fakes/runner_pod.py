"""A run's pod without a cluster: the folders that the kubelet mounts, and the runner's process."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dspex.pipeline.plan import Plan, encode
from fakes.api_server import ApiServer, Pod


def mount(
    root: Path,
    plan: Plan,
    *,
    pools: Mapping[str, str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    **order: Any,
) -> Path:
    """Write what the operator's Job mounts, below a folder; gives the folder back.

    Args:
        root: The folder.
        plan: The frozen plan.
        pools: Address of the worker behind each Pool's Service.
        inputs: The run's inputs but for the sensitive ones.
        secrets: Text of sensitive inputs by name.
        order: More fields of run.json.
    """
    for name in ("plan", "tokens", "inputs"):
        (root / name).mkdir(parents=True)
    (root / "plan" / "plan.json.gz").write_bytes(gzip.compress(encode(plan)))
    addresses = {}
    for name, address in (pools or {}).items():
        url = urlsplit(address)
        addresses[name] = {"host": url.hostname, "port": url.port, "audience": f"a/{name}"}
        (root / "tokens" / name).write_text(f"token-of-{name}")
    files = {}
    for name, text in (secrets or {}).items():
        folder = root / "inputs" / "secret"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        files[name] = {"file": f"secret/{name}"}
    content = {
        "digest": plan.digest,
        "timeout": None,
        "pools": addresses,
        "inputs": dict(inputs or {}),
        "sensitive": list(files),
        "secretInputs": files,
        **order,
    }
    (root / "plan" / "run.json").write_text(json.dumps(content))
    return root


@dataclass
class Ended:
    """How a runner's process ended."""

    status: int
    log: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log, line by line."""
        return [json.loads(line) for line in self.log.splitlines()]


class Runner:
    """A runner's process under way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def send(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended gets none."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self, within: float = 60.0) -> Ended:
        """Wait for its end."""
        try:
            async with asyncio.timeout(within):
                _, err = await self.process.communicate()
        except TimeoutError:
            self.send(signal.SIGKILL)
            _, err = await self.process.communicate()
            raise AssertionError(f"the runner did not end: {err.decode()}") from None
        assert self.process.returncode is not None
        return Ended(self.process.returncode, err.decode())


async def start(api: ApiServer, root: Path, pod: Pod) -> Runner:
    """Start the runner of a pod."""
    config = root / f"kubeconfig-{pod.number}"
    named = {"context": {"cluster": "c", "user": "u"}, "name": "x"}
    config.write_text(
        json.dumps(
            {
                "current-context": "x",
                "contexts": [named],
                "clusters": [{"name": "c", "cluster": {"server": api.address}}],
                "users": [{"name": "u", "user": {"token": pod.token}}],
            }
        )
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dspex.runner", "--root", str(root)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **pod.environment, "KUBECONFIG": str(config)},
    )
    return Runner(process)
