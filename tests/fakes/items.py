"""Objects as the API server has them, in a line each."""

from typing import Any

from dspex.kube.kind import CONFIG_MAP, PIPELINE_RUN, SIGNATURE, Kind
from dspex.resources.names import MANAGED_BY, MANAGED_BY_LABEL

Object = dict[str, Any]


def item(
    kind: Kind,
    name: str,
    namespace: str = "shop",
    *,
    version: int = 1,
    uid: str = "",
    labels: dict[str, str] | None = None,
    metadata: Object | None = None,
    **parts: Any,
) -> Object:
    """Make an object.

    Args:
        kind: Its kind.
        name: Its name.
        namespace: Its namespace; empty for none.
        version: Its resourceVersion; 0 for an object that nobody has written yet.
        uid: Its uid; made of kind, namespace and name if not given.
        labels: Its labels.
        metadata: What else its metadata has.
        parts: `spec`, `status`, `data` and so on.
    """
    names: Object = {"name": name, **({"namespace": namespace} if namespace else {})}
    if version:
        names |= {
            "resourceVersion": str(version),
            "uid": uid or f"{kind.plural}/{namespace}/{name}",
            "generation": 1,
        }
    if labels is not None:
        names["labels"] = labels
    head = {"apiVersion": kind.version, "kind": kind.name}
    return {**head, "metadata": names | (metadata or {}), **parts}


def signature(name: str, text: str = "question -> answer", **given: Any) -> Object:
    """Make a Signature."""
    return item(SIGNATURE, name, spec={"signature": text}, **given)


def run(name: str, pipeline: str = "main", **given: Any) -> Object:
    """Make a PipelineRun."""
    return item(PIPELINE_RUN, name, spec={"pipelineRef": {"name": pipeline}}, **given)


def child(name: str, kind: Kind = CONFIG_MAP, **given: Any) -> Object:
    """Make an object as the operator applies it: with its label, not written yet."""
    parts = {"version": 0, "labels": {MANAGED_BY_LABEL: MANAGED_BY}, **given}
    if kind is CONFIG_MAP:
        parts.setdefault("data", {"k": "v"})
    return item(kind, name, **parts)
