"""Valid manifests that, together, hold every field of every kind."""

from typing import Any

REF = {"name": "x"}
_KEY = {"name": "x", "key": "y"}
_CONSTRAINTS: dict[str, Any] = {
    "description": "words",
    "minLength": 1,
    "maxLength": 9,
    "pattern": "^a",
    "enum": ["a", 1, None],
    "format": "email",
    "minimum": 0,
    "maximum": 9.5,
    "exclusiveMinimum": -1,
    "exclusiveMaximum": 10,
    "multipleOf": 0.5,
    "minItems": 1,
    "maxItems": 9,
    "uniqueItems": True,
    "probability": True,
    "confidence": True,
    "dimension": 1,
    "shape": [-1, 2],
    "items": {"minLength": 1, "items": {"minLength": 1, "items": {"minimum": 1}}},
    "schema": {"type": "object"},
}
_FIELD: dict[str, Any] = {"name": "a", "type": "str", "default": "b", **_CONSTRAINTS}
_RETRY = {
    "attempts": 2,
    "initialDelay": "1s",
    "maxDelay": "2s",
    "maxElapsed": "1m",
    "jitter": "None",
    "reasons": ["Timeout", "QueueFull"],
}
_POLICIES: dict[str, Any] = {
    "inputs": {"a": "$(inputs.a)"},
    "after": ["b"],
    "if": "$(true)",
    "forEach": {"items": "$(inputs.a)", "concurrency": 2, "maxItems": 3, "maxFailures": 1},
    "repeat": {"until": "$(true)", "maxIterations": 3},
    "timeout": "30s",
    "retry": _RETRY,
    "fallback": [{"outputs": {"a": 1}}],
    "onError": "Default",
    "default": {"outputs": {"a": 1}},
    "validation": "Strict",
}
_STEPS: list[dict[str, Any]] = [
    {
        "name": "a",
        "dspy": {
            "module": "Predict",
            "signature": "a -> b",
            "poolRef": REF,
            "demos": [{"a": "b"}],
            "tools": ["search"],
            "config": {"temperature": 0},
        },
        **_POLICIES,
        "fallback": [{"poolRef": REF}, {"module": "a.B"}, {"outputs": {"a": 1}}],
    },
    {"name": "b", "dspy": {"module": "Predict", "signatureRef": REF, "poolRef": REF}},
    {"name": "c", "template": {"source": "text"}},
    {"name": "d", "template": {"sourceFrom": {"configMapRef": {"name": "x", "key": "y"}}}},
    {"name": "e", "validate": {"signatureRef": REF}},
    {"name": "f", "validate": {"schema": {"type": "object"}}},
    {"name": "g", "metric": {"name": "f1", "config": {"a": 1}, "poolRef": {"name": "p"}}},
    {"name": "h", "transform": {"name": "pick", "config": {"a": 1}}},
    {"name": "i", "native": {"operation": "rank", "config": {"a": 1}}},
    {"name": "j", "pipelineRef": REF},
]
_CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Fine",
    "message": "words",
    "lastTransitionTime": "2026-11-22T20:57:00Z",
    "observedGeneration": 1,
}
_STATUS: dict[str, Any] = {"observedGeneration": 1, "conditions": [_CONDITION]}
_USAGE = {"calls": 1, "promptTokens": 2, "completionTokens": 3, "totalTokens": 5}
_TIMES = {
    "startTime": "2026-11-22T20:57:00.000001Z",
    "completionTime": "2026-11-22T20:57:01+01:00",
}


_RESOURCES = {
    "requests": {"cpu": "500m", "memory": "4Gi"},
    "limits": {"cpu": 2, "memory": "4Gi", "ephemeral-storage": "1G", "nvidia.com/gpu": 1},
}
_TOLERATIONS = [
    {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoExecute"},
    {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30},
]
_PODS: dict[str, Any] = {
    "image": "example.com/worker:1",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [REF],
    "resources": _RESOURCES,
    "gpu": {"count": 2, "resourceName": "amd.com/gpu", "nodeSelector": {"gpu": "large"}},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": _TOLERATIONS,
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "priorityClassName": "high",
    "volumes": [
        {"name": "a", "configMap": {"name": "x", "optional": True}},
        {"name": "b", "secret": {"secretName": "x", "optional": True}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "x", "readOnly": True}},
        {"name": "d", "emptyDir": {"sizeLimit": "1Gi"}},
    ],
    "volumeMounts": [{"name": "a", "mountPath": "/data", "subPath": "x", "readOnly": True}],
    "podAnnotations": {"example.com/scrape": "true"},
    "allowedClients": ["shop"],
}


_TRIGGERS: list[dict[str, Any]] = [
    {
        "name": "nightly",
        "schedule": {
            "cron": "0 3 * * MON-FRI",
            "timeZone": "Europe/Zurich",
            "concurrencyPolicy": "Forbid",
            "startingDeadline": "2h",
        },
        "suspend": True,
        "runTemplate": {
            "metadata": {"labels": {"team": "a"}, "annotations": {"example.com/b": "c d"}},
            "inputs": {"a": "$(string(trigger.time))"},
            "inputsFrom": [{"secretRef": REF}, {"configMapRef": REF}],
            "timeout": "1h",
            "ttlAfterFinished": "24h",
        },
    },
    {"name": "check", "onChange": {"concurrencyPolicy": "Replace"}},
]


def _manifest(kind: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": spec,
        "status": {**_STATUS, **status},
    }


FULL: list[dict[str, Any]] = [
    _manifest(
        "Signature",
        {
            "inputs": [{**_FIELD, "prefix": "A:"}],
            "outputs": [{**_FIELD, "prefix": "B:"}],
            "instructions": "words",
        },
        {
            "signature": "a: str -> b: str",
            "inputs": [{**_FIELD, "prefix": "A:"}],
            "outputs": [{**_FIELD, "prefix": "B:"}],
            "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"},
            "digest": "sha256:0",
        },
    ),
    _manifest(
        "Signature",
        {"signature": "a -> b", "fields": [{"name": "a", **_CONSTRAINTS, "prefix": "A:"}]},
        {},
    ),
    _manifest(
        "Pool",
        {
            "profile": "Neural",
            "replicas": 2,
            "model": {
                "name": "openai/gpt-4o-mini",
                "apiBase": "http://127.0.0.1/v1",
                "apiKeySecretRef": {"name": "x", "key": "y"},
                "temperature": 0.5,
                "maxTokens": 9,
                "adapter": "JSON",
                "extra": {"seed": 1},
            },
            "modules": ["a.B"],
            "tools": [
                {"name": "search", "path": "a.b", "timeout": "5s", "maxResult": 100},
                {
                    "name": "near",
                    "mcp": {
                        "stdio": {
                            "command": "python",
                            "args": ["-m", "shop.mcp"],
                            "env": [
                                {"name": "A", "value": "b"},
                                {"name": "B", "valueFrom": {"secretKeyRef": _KEY}},
                                {"name": "C", "valueFrom": {"configMapKeyRef": _KEY}},
                            ],
                        },
                        "tools": ["find-order"],
                    },
                },
                {
                    "name": "far",
                    "mcp": {
                        "http": {
                            "url": "https://mcp.example.com/mcp",
                            "headers": [
                                {"name": "X-Shop", "value": "north"},
                                {
                                    "name": "Authorization",
                                    "prefix": "Bearer ",
                                    "valueFrom": {"secretKeyRef": _KEY},
                                },
                                {"name": "X-Y", "valueFrom": {"configMapKeyRef": _KEY}},
                            ],
                        }
                    },
                },
            ],
            "concurrency": 2,
            "queue": {"size": 3, "timeout": "3s"},
            "callTimeout": "4s",
            "env": [
                {"name": "A", "value": "b"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
                {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "y"}}},
            ],
            "envFrom": [{"prefix": "P_", "secretRef": REF}, {"configMapRef": REF}],
            **_PODS,
        },
        {
            "replicas": 1,
            "readyReplicas": 1,
            "endpoint": "x:80",
            "selector": "a=b",
            "effective": {
                "profileVersion": "1",
                "model": {"name": "a", "adapter": "Chat", "temperature": 0.1, "maxTokens": 3},
                "concurrency": 2,
                "queue": {"size": 3, "timeout": "3s"},
                "callTimeout": "4s",
                "resources": _RESOURCES,
                "image": "example.com/worker:1",
                "configDigest": "sha256:0",
            },
            "workerVersion": "1.2.3",
        },
    ),
    _manifest("Pool", {"model": {"embedded": True}}, {}),
    _manifest(
        "Pipeline",
        {
            "description": "words",
            "inputs": [{**_FIELD, "sensitive": True}],
            "outputs": [{"name": "a", "type": "str", "value": "$(inputs.a)"}],
            "defaults": {
                "timeout": "3s",
                "retry": _RETRY,
                "onError": "Continue",
                "validation": "Coerce",
            },
            "steps": _STEPS[:1],
            "timeouts": {"total": "3s", "steps": "2s", "finally": "1s"},
            "concurrency": 3,
            "runner": {
                "resources": _RESOURCES,
                "nodeSelector": {"a": "b"},
                "tolerations": _TOLERATIONS,
                "priorityClassName": "high",
            },
            "maxActiveRuns": 2,
            "historyLimits": {"succeeded": 3, "failed": 0},
            "triggers": _TRIGGERS,
        },
        {
            "lastRun": {"name": "x", "state": "Running", "time": "2026-11-22T20:57:00Z"},
            "runs": {
                "active": 1,
                "succeeded": 2,
                "failed": 3,
                "time": "2026-11-22T20:57:00.000001Z",
            },
            "triggers": [
                {
                    "name": "nightly",
                    "schedule": "0 3 * * MON-FRI Europe/Zurich",
                    "since": "2026-11-22T20:57:00Z",
                    "lastScheduleTime": "2026-11-22T02:00:00Z",
                    "nextScheduleTime": "2026-11-23T02:00:00Z",
                },
                {"name": "check", "lastDigest": "sha256:0", "changes": 2},
            ],
            "graph": [{"name": "a", "kind": "dspy", "dependsOn": ["b"], "finally": True}],
            "digest": "sha256:0",
            "warnings": ["words"],
        },
    ),
    *(_manifest("Pipeline", {"steps": [step]}, {}) for step in _STEPS[1:]),
    _manifest(
        "Pipeline",
        {"steps": _STEPS, "finally": [{**step, "name": f"{step['name']}2"} for step in _STEPS]},
        {},
    ),
    _manifest(
        "PipelineRun",
        {"pipelineRef": REF, "inputs": {"a": 1}, "timeout": "3s", "shutdown": "Stop"}
        | {
            "inputsFrom": [{"secretRef": REF}, {"configMapRef": REF}],
            "suspend": True,
            "ttlAfterFinished": "24h",
        },
        {
            **_TIMES,
            "steps": [
                {
                    "name": "a/b",
                    "kind": "dspy",
                    "state": "Failed",
                    "reason": "Timeout",
                    "message": "words",
                    "attempts": 1,
                    **_TIMES,
                    "pool": "x",
                    "worker": "y",
                    "usage": _USAGE,
                    "error": {
                        "reason": "Timeout",
                        "message": "words",
                        "class": "a.B",
                        "traceback": "lines",
                        "details": {"a": 1},
                    },
                    "items": {"total": 1, "succeeded": 1, "failed": 1, "skipped": 1},
                }
            ],
            "outputs": {"a": 1},
            "usage": _USAGE,
            "outputsRef": {"name": "run-1-outputs"},
            "planDigest": "sha256:0",
            "message": "words",
            "runner": {
                "epoch": 1,
                "podUID": "u",
                "podName": "run-1-0123456789ab-abcde",
                "phase": "Finished",
                "state": "Failed",
                "reason": "StepsFailed",
                "message": "words",
                "startTime": "2026-01-01T00:00:00Z",
                "completionTime": "2026-01-01T00:00:00Z",
                "heartbeatTime": "2026-01-01T00:00:00Z",
            },
        },
    ),
    _manifest("PipelineRunData", {"runRef": REF, "step": "a", "outputs": {"a": 1}}, {}),
    _manifest("PipelineRunData", {"runRef": REF, "step": "a", "checkpoint": {"a": 1}}, {}),
]
"""Valid manifests; a test holds that no field of a CRD is left out."""
