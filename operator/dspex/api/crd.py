"""CustomResourceDefinitions from the models."""

from typing import Any, Final

from dspex.api import names
from dspex.api.base import GROUP, VERSION
from dspex.api.conditions import pending
from dspex.api.kinds import Kind
from dspex.api.structural import structural_schema

MAX_CRD_BYTES: Final = 256 * 1024
"""What one annotation holds, and so the most that `kubectl apply` takes."""

Column = dict[str, Any]


def _column(
    name: str, path: str, description: str, type_: str = "string", priority: int = 0
) -> Column:
    column: Column = {
        "name": name,
        "type": type_,
        "description": description,
        "jsonPath": path,
    }
    return {**column, "priority": priority} if priority else column


def _condition(name: str, type_: str, part: str, description: str, priority: int = 0) -> Column:
    path = f'.status.conditions[?(@.type=="{type_}")].{part}'
    return _column(name, path, description, priority=priority)


_READY: Final = _condition("Ready", "Ready", "status", "Whether the object is done and good.")
_REASON: Final = _condition("Reason", "Ready", "reason", "Why, in one word.")
_MESSAGE: Final = _condition("Message", "Ready", "message", "Why, for a person.", priority=1)
_AGE: Final = _column("Age", ".metadata.creationTimestamp", "Time since creation.", "date")

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "Signature": (
        _column("Signature", ".status.signature", "The signature in its canonical spelling."),
        _READY,
        _REASON,
        _MESSAGE,
        _AGE,
    ),
    "Pool": (
        _column("Profile", ".spec.profile", "What the workers are for."),
        _column("Model", ".status.effective.model.name", "The model."),
        _column("Desired", ".spec.replicas", "Workers wanted.", "integer"),
        _column("Available", ".status.readyReplicas", "Workers that answer.", "integer"),
        _READY,
        _REASON,
        _MESSAGE,
        _AGE,
    ),
    "Pipeline": (
        _READY,
        _REASON,
        _column("Description", ".spec.description", "What it does.", priority=1),
        _MESSAGE,
        _AGE,
    ),
    "PipelineRun": (
        _column("Pipeline", ".spec.pipelineRef.name", "The Pipeline that runs."),
        _condition("Succeeded", "Succeeded", "status", "Whether the run succeeded."),
        _condition("Reason", "Succeeded", "reason", "Why, in one word."),
        _column("Started", ".status.startTime", "When the run started.", "date"),
        _column("Completed", ".status.completionTime", "When the run ended.", "date"),
        _column("Tokens", ".status.usage.totalTokens", "Tokens used.", "integer", priority=1),
        _column("Message", ".status.message", "How the run stands.", priority=1),
        _AGE,
    ),
    "PipelineRunData": (
        _column("Run", ".spec.runRef.name", "The run that it belongs to."),
        _column("Step", ".spec.step", "The step that it belongs to."),
        _AGE,
    ),
}
"""The columns of `kubectl get`, by kind."""


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind, ready to be written as YAML."""
    subresources: dict[str, Any] = {"status": {}}
    if kind.name == "Pool":
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": ["dspex"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _root(kind)},
                    "subresources": subresources,
                    "additionalPrinterColumns": list(COLUMNS[kind.name]),
                }
            ],
        },
    }


def _root(kind: Kind) -> dict[str, Any]:
    spec, status = structural_schema(kind.spec), structural_schema(kind.status)
    conditions = pending(run=kind.name == "PipelineRun")
    status["default"] = {"conditions": [condition.to_json() for condition in conditions]}
    name = {
        "type": "string",
        "maxLength": names.MAX_NAME,
        "pattern": names.OBJECT_NAME_PATTERN,
    }
    return {
        "description": kind.summary,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Always dspex.dev/v1alpha1."},
            "kind": {"type": "string", "description": f"Always {kind.name}."},
            "metadata": {"type": "object", "properties": {"name": name}},
            "spec": spec,
            "status": status,
        },
    }
