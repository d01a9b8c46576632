"""What a run's pod is given to read: the frozen plan, and the run's own inputs and pools."""

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dspex.api.duration import parse_duration
from dspex.api.pipelinerun import PipelineRun
from dspex.errors import CompileError, Diagnostic
from dspex.pipeline.plan import Plan, encode
from dspex.resources import names
from dspex.resources.metadata import Manifest, metadata, owner_of
from dspex.resources.run_inputs import RunInputs

MAX_PLAN: Final = 900 * 1024
"""Bytes of a plan as it is kept, compressed and encoded; an object of etcd holds little more."""

MAX_CONFIG_MAP: Final = 1024 * 1024
"""Bytes of all of a ConfigMap's data, as the API server counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAddress:
    """Where a run finds a Pool's workers.

    Attributes:
        host: Name of the Service, which leads to each worker that is ready.
        audience: Of the token that the workers ask for.
    """

    host: str
    audience: str


def run_document(
    run: PipelineRun, plan: Plan, pools: Mapping[str, PoolAddress], inputs: RunInputs
) -> Manifest:
    """Return what stands in `run.json`: what belongs to the run and not to its plan."""
    timeout = run.spec.timeout
    return {
        "digest": plan.digest,
        "timeout": None if timeout is None else parse_duration(timeout),
        "pools": {
            name: {"host": pool.host, "port": names.WORKER_PORT, "audience": pool.audience}
            for name, pool in sorted(pools.items())
        },
        "inputs": dict(sorted(inputs.values.items())),
        "sensitive": sorted(inputs.secret),
        "secretInputs": {name: {"file": key.file} for name, key in sorted(inputs.secret.items())},
    }


def plan_config_map(
    run: PipelineRun, plan: Plan, pools: Mapping[str, PoolAddress], inputs: RunInputs
) -> Manifest:
    """Return the ConfigMap with a run's plan; it is made once, can't be changed, goes with the run.

    Equal plans and equal inputs make equal bytes.

    Args:
        run: The run, with the uid that the cluster gave it.
        plan: The plan that is frozen for it.
        pools: The Pools that the plan calls, by name.
        inputs: The run's inputs; a validator has passed their values.

    Raises:
        CompileError: PlanTooLarge: it would not fit into an object of the cluster.
    """
    owner = owner_of(run, "PipelineRun")
    name = names.plan_name(names.job_name(owner.name, owner.uid))
    packed = base64.b64encode(gzip.compress(encode(plan), mtime=0)).decode()
    _check("the plan", len(packed), MAX_PLAN, plan)
    text = json.dumps(
        run_document(run, plan, pools, inputs), ensure_ascii=False, separators=(",", ":")
    )
    _check("the plan with the run's inputs", len(packed) + len(text.encode()), MAX_CONFIG_MAP, plan)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(owner, name, run_labels(run)),
        "immutable": True,
        "binaryData": {names.PLAN_FILE: packed},
        "data": {names.RUN_FILE: text},
    }


def run_labels(run: PipelineRun) -> dict[str, str]:
    """Return the labels of all that belongs to a run."""
    return {
        names.NAME_LABEL: names.RUNNER,
        names.INSTANCE_LABEL: run.metadata.name,
        names.PIPELINE_LABEL: run.spec.pipeline_ref.name,
        names.RUN_LABEL: run.metadata.name,
        names.RUN_UID_LABEL: run.metadata.uid,
    }


def _check(what: str, size: int, limit: int, plan: Plan) -> None:
    if size > limit:
        raise CompileError(
            Diagnostic(
                code="PlanTooLarge",
                message=f"{what} takes {size} bytes",
                expected=f"at most {limit} bytes",
                subject=f"Pipeline/{plan.pipeline}",
                remedy="move steps into Pipelines of their own that other runs start, shorten "
                "templates and demos, or pass inputs by reference",
            )
        )
