"""The network namespace that the cluster runs in, and the cable to it."""

import contextlib
import subprocess
from pathlib import Path
from typing import Final

from cluster.addresses import (
    INSIDE,
    INSIDE_LINK,
    NAMESPACE,
    NODE,
    OUTSIDE,
    OUTSIDE_LINK,
    PODS,
    SERVICES,
)

NAMESPACE_FILE: Final = Path("/run/netns") / NAMESPACE
ENTER: Final = ("nsenter", f"--net={NAMESPACE_FILE}")
"""What stands before a command that runs inside (`ip netns exec` would hide the cgroups)."""


def create() -> None:
    """Make the namespace with the node's address, and the way to node, services and pods."""
    _ip("netns", "add", NAMESPACE)
    _inside("ip", "link", "set", "lo", "up")
    _inside("ip", "link", "add", "node", "type", "bridge")
    _inside("ip", "address", "add", f"{NODE}/32", "dev", "node")
    _inside("ip", "link", "set", "node", "up")
    _ip("link", "add", OUTSIDE_LINK, "type", "veth", "peer", "name", INSIDE_LINK)
    _ip("link", "set", INSIDE_LINK, "netns", NAMESPACE)
    _ip("address", "add", f"{OUTSIDE}/30", "dev", OUTSIDE_LINK)
    _ip("link", "set", OUTSIDE_LINK, "up")
    _inside("ip", "address", "add", f"{INSIDE}/30", "dev", INSIDE_LINK)
    _inside("ip", "link", "set", INSIDE_LINK, "up")
    # Without a default route Linux refuses service addresses before kube-proxy rewrites them.
    _inside("ip", "route", "add", "default", "via", OUTSIDE)
    _inside("sysctl", "-qw", "net.ipv4.ip_forward=1")
    for network in (f"{NODE}/32", SERVICES, PODS):
        _ip("route", "add", network, "via", INSIDE, "dev", OUTSIDE_LINK)


def delete() -> None:
    """Take the namespace away, and with it its devices, routes and iptables rules."""
    if NAMESPACE_FILE.exists():
        _ip("netns", "delete", NAMESPACE)
    # The kernel takes the cable away with the namespace, but not at once.
    with contextlib.suppress(subprocess.CalledProcessError):
        _ip("link", "delete", OUTSIDE_LINK)


def exists() -> bool:
    """Say whether the namespace is there."""
    return NAMESPACE_FILE.exists()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _inside(*command: str) -> None:
    subprocess.run([*ENTER, *command], check=True, capture_output=True)
