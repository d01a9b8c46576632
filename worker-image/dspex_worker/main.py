"""The worker's command: reads its configuration, serves, drains, ends."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from dspex.errors import ConfigurationError, Diagnostic
from dspex_worker import log
from dspex_worker.config import TOKEN_VARIABLE, WorkerConfig, read_config, secret
from dspex_worker.lifecycle import Lifecycle
from dspex_worker.lm import fetch
from dspex_worker.loading import load
from dspex_worker.log import logger
from dspex_worker.server import Server

if TYPE_CHECKING:
    from dspex_worker.accounts import Accounts

GRACE: Final = 25.0
"""Seconds that running calls have to end in when the worker drains."""
HARD_END: Final = 2.0
"""Seconds after which a worker ends that should have ended, whatever it does."""
BAD_CONFIGURATION: Final = 2
"""Exit status of a worker that can't become ready."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until it is told to end; returns the exit status."""
    options = _parser().parse_args(arguments)
    log.configure(options.log_level)
    try:
        status = asyncio.run(_serve(read_config(options.config), options))
    except ConfigurationError as error:
        _report(error)
        status = BAD_CONFIGURATION
    _leave_threads(status)
    return status


def _leave_threads(status: int) -> None:
    """End the process now if a thread of a module would keep it: threads can't be stopped."""
    deadline = time.monotonic() + HARD_END
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning("a thread still works; the process ends without it")
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dspex-worker",
        description="Serve the DSPy modules of one Pool over HTTP.",
        epilog="example: dspex-worker --config pool.json --port 8080",
    )
    parser.add_argument("--config", type=Path, required=True, help="the effective Pool as JSON")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=0, help="port; 0, the default, finds a free one"
    )
    parser.add_argument("--name", default="", help="name in answers and logs; default the host's")
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="verify callers' ServiceAccount tokens by jwks.json and issuer in this folder",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input closes, which happens when the parent dies",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE,
        help="seconds for running calls to end after SIGTERM (%(default)s)",
    )
    parser.add_argument(
        "--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"]
    )
    return parser


async def _serve(config: WorkerConfig, options: argparse.Namespace) -> int:
    lifecycle = Lifecycle()
    name = options.name or f"{socket.gethostname()}-{os.getpid()}"
    server = Server(
        config,
        name=name,
        token=secret(TOKEN_VARIABLE),
        lifecycle=lifecycle,
        accounts=_accounts(config, options.keys),
    )
    _stop_on_signals(lifecycle)
    if options.exit_with_parent:
        _end_with_parent(asyncio.get_running_loop(), lifecycle)
    # Calls have had the grace; aiohttp would take 0 as no limit.
    runner = web.AppRunner(
        server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.01
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port).start()
        _announce(runner)
        await _until_stopped(server)
        logger.info("draining", extra={"active": server.gate.active, "queued": server.gate.queued})
        await lifecycle.drained(options.grace)
    finally:
        await runner.cleanup()
        fetch.stop()
        if server.worker:
            await server.worker.aclose()
    logger.info("ended")
    return 0


def _accounts(config: WorkerConfig, folder: Path | None) -> "Accounts | None":
    if folder is None:
        return None
    try:
        from dspex_worker.accounts import Accounts
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            Diagnostic(
                code="MissingExtra",
                message=f"--keys needs the package {error.name}, which is not installed",
                remedy="pip install 'dspex[worker]'",
            )
        ) from error
    return Accounts(
        folder, namespace=config.namespace, pool=config.pool, allowed=config.allowed_clients
    )


def _announce(runner: web.AppRunner) -> None:
    """Tell the parent where the worker listens: the first line of standard output."""
    host, port = runner.addresses[0][:2]
    host = f"[{host}]" if ":" in host else host
    line = {"address": f"http://{host}:{port}", "pid": os.getpid()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def _until_stopped(server: Server) -> None:
    """Load, be ready, and wait for the signal; a signal during loading ends it."""
    loading = asyncio.ensure_future(load(server.config, server.name, server.lifecycle))
    stopping = asyncio.ensure_future(server.lifecycle.stopped.wait())
    try:
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            return
        server.worker = loading.result()
        server.lifecycle.loaded()
        logger.info("ready", extra={"worker": server.name, "modules": server.worker.modules.names})
        await stopping
    finally:
        stopping.cancel()
        if not loading.done():
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading


def _stop_on_signals(lifecycle: Lifecycle) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifecycle.stop)


def _end_with_parent(loop: asyncio.AbstractEventLoop, lifecycle: Lifecycle) -> None:
    """Watch standard input in a thread: it closes when the parent dies, even by SIGKILL."""

    def end() -> None:
        lifecycle.stop()
        lifecycle.over.set()

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(end)
        timer = threading.Timer(HARD_END, os._exit, [1])
        timer.daemon = True
        timer.start()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _report(error: ConfigurationError) -> None:
    for finding in error.diagnostics:
        logger.error(
            finding.headline(),
            extra={
                "code": finding.code,
                "expected": finding.expected,
                "found": finding.found,
                "remedy": finding.remedy,
            },
        )


if __name__ == "__main__":
    sys.exit(main())
