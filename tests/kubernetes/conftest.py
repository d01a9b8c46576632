"""A real cluster with the images of this tree and the chart; a namespace for each test."""

import secrets
from collections.abc import Iterator

import pytest

import images
from cluster import open_cluster
from cluster.cluster import Cluster, environment
from stage import model
from stage.kubectl import Kubectl
from stage.release import Release


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster, started if it is not up, with the images that its pods run."""
    found = open_cluster()
    images.load(found, ("worker",))
    return found


@pytest.fixture(scope="session")
def release(cluster: Cluster) -> Release:
    """Return the installed chart, with no operator: what it sets up is tested by itself."""
    made = Release(Kubectl(cluster.kubeconfig, cluster.context, environment=environment(cluster)))
    made.install(replicas=0)
    return made


@pytest.fixture
def kubectl(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace of the test's own, which is deleted with all that is in it."""
    name = f"test-{secrets.token_hex(4)}"
    release.kubectl("create", "namespace", name)
    yield release.kubectl.within(name)
    release.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def stubbed(kubectl: Kubectl) -> Kubectl:
    """Return kubectl in a namespace in which a stub model answers."""
    model.start(kubectl)
    return kubectl
