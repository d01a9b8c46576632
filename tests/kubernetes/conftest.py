"""A real cluster with the images of this tree and the chart; a namespace for each test."""

import os
import secrets
from collections.abc import Iterator
from typing import Final

import pytest

import images
from cluster import open_cluster
from cluster.choose import choose
from cluster.cluster import Cluster, environment
from stage import model
from stage.kubectl import Kubectl
from stage.release import Release

AS_IT_IS: Final = "DSPEX_TEST_AS_IT_IS"
"""Set while tests are written: images and chart are taken as the cluster has them."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster, started if it is not up, with the images that its pods run."""
    found = open_cluster()
    if not os.environ.get(AS_IT_IS):
        images.load(found)
    return found


@pytest.fixture(scope="session")
def own_node(cluster: Cluster) -> Cluster:
    """Return the cluster for a test that breaks its node; left out where that is not ours."""
    return cluster


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests that break a node out where the cluster is somebody's, or kind's."""
    breaking = [item for item in items if "own_node" in getattr(item, "fixturenames", ())]
    if breaking and not choose().owns_node:
        config.hook.pytest_deselected(items=breaking)
        items[:] = [item for item in items if item not in breaking]


@pytest.fixture(scope="session")
def release(cluster: Cluster) -> Release:
    """Return the installed chart with the operator of this tree, and one that stands by."""
    made = Release(Kubectl(cluster.kubeconfig, cluster.context, environment=environment(cluster)))
    if not os.environ.get(AS_IT_IS):
        made.install()
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
