"""Pools and runs as a cluster has them: with a namespace and a uid."""

from typing import Any

from dspex.api.pipelinerun import PipelineRun
from dspex.api.pool import Pool
from dspex.resources.pool_children import PoolSettings

NAMESPACE = "shop"
POOL_UID = "0b9d5c1e-93b6-4b53-8ee7-2c2f3d0a9f11"
RUN_UID = "5e0a4c70-6f0e-4a8e-9d55-b1c2d3e4f5a6"

SETTINGS = PoolSettings(
    worker_image="example.com/worker:1",
    embedded_image="example.com/worker:1-embedded",
    operator_namespace="dspex-system",
)


def cluster_pool(name: str = "small", *, status: dict[str, Any] | None = None, **spec: Any) -> Pool:
    """Make a Pool that the cluster has given a uid."""
    model = {"name": "openai/gpt-4o-mini"}
    manifest = {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": POOL_UID, "generation": 1},
        "spec": {"model": model, **spec},
        "status": status or {},
    }
    return Pool.model_validate(manifest)


def cluster_run(name: str = "support-1", **spec: Any) -> PipelineRun:
    """Make a run that the cluster has given a uid."""
    manifest = {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": RUN_UID, "generation": 1},
        "spec": {"pipelineRef": {"name": "support"}, **spec},
    }
    return PipelineRun.model_validate(manifest)
