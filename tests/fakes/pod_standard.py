"""Kubernetes' pod security standard `restricted`, as its page puts it, for pods without a cluster."""

from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def violations(pod: dict[str, Any]) -> list[str]:
    """Return what the standard does not let a pod have; a pod is its spec."""
    found = [f"{name} is set" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    for volume in pod.get("volumes", []):
        found += [f"volume {kind}" for kind in set(volume) - {"name"} - VOLUMES]
    shared = pod.get("securityContext", {})
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        found += [f"{container['name']}: {each}" for each in _of_container(container, shared)]
    return found


def _of_container(container: dict[str, Any], shared: dict[str, Any]) -> list[str]:
    own = container.get("securityContext", {})
    context = {**shared, **own}
    capabilities = own.get("capabilities", {})
    checks = {
        "privileged": not own.get("privileged"),
        "may gain privileges": own.get("allowPrivilegeEscalation") is False,
        "keeps capabilities": "ALL" in capabilities.get("drop", []),
        "adds capabilities": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "may run as root": context.get("runAsNonRoot") is True,
        "runs as root": context.get("runAsUser", 1) != 0,
        "no seccomp profile": context.get("seccompProfile", {}).get("type")
        in ("RuntimeDefault", "Localhost"),
        "host ports": not any(port.get("hostPort") for port in container.get("ports", [])),
    }
    return [words for words, good in checks.items() if not good]
