"""What all pods of DSPex give up: root, privileges, a writable root file system."""

from typing import Final

from dspex.resources.metadata import Manifest

USER: Final = 65532
"""The user and the group of all containers, as the images have them."""


def pod_security() -> Manifest:
    """Return a pod's securityContext; the standard `restricted` admits it."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    """Return a container's securityContext; the standard `restricted` admits it."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
