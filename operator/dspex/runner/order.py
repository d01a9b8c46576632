"""The frozen plan and what goes with it: the ConfigMap that the operator wrote for this run."""

import gzip
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec

from dspex.pipeline.plan import Plan, decode
from dspex.resources.names import PLAN_FILE, RUN_FILE
from dspex.runner.failure import UnfitError

MAX_PLAN: Final = 64 * 1024 * 1024
"""Bytes of a plan that is not compressed any more."""


class PoolAddress(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a Pool's workers are found, and for whom a token for them is made out."""

    host: str
    port: int = 8080
    audience: str = ""


class SecretFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a sensitive input is mounted, below `inputs`."""

    file: str


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a runner is told besides the plan.

    Attributes:
        digest: The plan's.
        timeout: Seconds for the whole run, in place of the plan's; None: as the plan says.
        pools: Where the workers are, by the Pool's name.
        inputs: All inputs but those from Secrets.
        sensitive: Names of the inputs whose values may stand nowhere.
        secret_inputs: Inputs that are read from files.
    """

    digest: str
    timeout: float | None = None
    pools: dict[str, PoolAddress] = {}
    inputs: dict[str, Any] = {}
    sensitive: list[str] = []
    secret_inputs: dict[str, SecretFile] = {}


def read_order(folder: Path) -> tuple[Plan, Order]:
    """Read the plan and what goes with it.

    Raises:
        UnfitError: A file can't be read, or the plan is not the one that was frozen.
    """
    try:
        order = msgspec.json.decode((folder / RUN_FILE).read_bytes(), type=Order)
        plan = decode(_unzipped(folder / PLAN_FILE))
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise UnfitError("PlanInvalid", f"the plan can't be read: {error}") from error
    if plan.digest != order.digest:
        raise UnfitError(
            "PlanInvalid",
            f"the plan has the digest {plan.digest}, {order.digest} was frozen for this run: "
            "its ConfigMap was changed; start a new run",
        )
    return plan, order


def _unzipped(path: Path) -> bytes:
    with gzip.open(path) as file:
        data = file.read(MAX_PLAN + 1)
    if len(data) > MAX_PLAN:
        raise ValueError(f"it has more than {MAX_PLAN} bytes")
    return data
