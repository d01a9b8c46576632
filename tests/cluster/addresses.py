"""The addresses of the node, its pods and its services; all inside a network namespace."""

from typing import Final

NAMESPACE: Final = "dspex-test"
"""The network namespace in which the whole cluster runs."""

NODE_NAME: Final = "node0"
NODE: Final = "10.88.0.1"
SERVICES: Final = "10.89.0.0/16"
API_SERVICE: Final = "10.89.0.1"
PODS: Final = "10.90.0.0/21"
PODS_GATEWAY: Final = "10.90.0.1"
API_PORT: Final = 6443

OUTSIDE_LINK: Final = "dspex-out"
INSIDE_LINK: Final = "dspex-in"
OUTSIDE: Final = "10.88.1.1"
INSIDE: Final = "10.88.1.2"
"""The two ends of the cable between the namespace and the machine."""
