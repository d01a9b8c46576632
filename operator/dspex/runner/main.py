"""The runner's command: reads its environment, holds its signals, ends with a status."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dspex.errors import ConfigurationError
from dspex.kube.client import KubeClient
from dspex.kube.config import load_config
from dspex.resources.names import RUNNER_MANAGER
from dspex.runner.failure import LostRunError
from dspex.runner.log import JsonFormatter, configure, logger
from dspex.runner.redactor import Redactor
from dspex.runner.session import Result, Session
from dspex.runner.settings import ROOT, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the run of this pod; returns the exit status (`Result`)."""
    options = _parser().parse_args(arguments)
    formatter = configure(
        os.environ.get("DSPEX_LOG_LEVEL", "INFO"),
        namespace=os.environ.get("DSPEX_RUN_NAMESPACE", ""),
        run=os.environ.get("DSPEX_RUN_NAME", ""),
    )
    try:
        settings = Settings.of(os.environ, options.root)
        return asyncio.run(_run(settings, formatter))
    except ConfigurationError as error:
        for finding in error.diagnostics:
            logger.error("%s", finding.headline(), extra={"remedy": finding.remedy})
    except Exception:  # noqa: BLE001 the log is the only place that can still hear of it
        logger.exception("a fault of the runner itself")
    return Result.FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dspex.runner",
        description="Run the PipelineRun of this pod; started by the operator's Job.",
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=ROOT,
        help="where plan, tokens and inputs are mounted (%(default)s)",
    )
    return parser


async def _run(settings: Settings, formatter: JsonFormatter) -> Result:
    def learn(redactor: Redactor) -> None:
        formatter.redactor = redactor

    async with KubeClient(load_config(), manager=RUNNER_MANAGER) as client:
        session = Session(client, settings, on_secrets=learn)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, session.terminate)
        try:
            return await session.run()
        except LostRunError as error:
            # Now, before anything that unwinds could write one more word.
            logger.warning("left: %s", error)
            logging.shutdown()
            sys.stderr.flush()
            os._exit(Result.LOST)
