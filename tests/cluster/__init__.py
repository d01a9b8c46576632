"""A real Kubernetes cluster for tests: one of one's own, kind's, or one built here from modules.

PYTHONPATH=tests python -m cluster up|down|status|logs|load|kubeconfig|env
"""

from cluster.choose import open_cluster
from cluster.cluster import Cluster

__all__ = ["Cluster", "open_cluster"]
