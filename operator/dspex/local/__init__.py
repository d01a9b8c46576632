"""Local mode: worker processes on this machine in place of a cluster."""

from dspex.local.events import (
    OnWorkerEvent,
    WorkerDied,
    WorkerEvent,
    WorkerReady,
    WorkerStarting,
)
from dspex.local.logs import OnLogLine
from dspex.local.pools import DEFAULT_WORKERS, LocalPools, PoolPlan, plan_pools
from dspex.local.sources import Assignment, Sources, Store, missing, read_assignment
from dspex.local.supervisor import PoolLaunch, Supervisor, Timing

__all__ = [
    "DEFAULT_WORKERS",
    "Assignment",
    "LocalPools",
    "OnLogLine",
    "OnWorkerEvent",
    "PoolLaunch",
    "PoolPlan",
    "Sources",
    "Store",
    "Supervisor",
    "Timing",
    "WorkerDied",
    "WorkerEvent",
    "WorkerReady",
    "WorkerStarting",
    "missing",
    "plan_pools",
    "read_assignment",
]
