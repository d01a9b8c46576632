"""The test cluster's pure parts: which way, what decides a build, what the node is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cluster import build, components, settings
from cluster.choose import CONTEXT, which_way
from cluster.cluster import ClusterError
from cluster.node_cluster import pause_image
from images.base import mirror
from images.build import too_large
from images.image import IMAGES


def only(*programs: str) -> Callable[..., bool]:
    """Return a machine on which some programs work."""
    return lambda *command: command[0] in programs


@pytest.mark.parametrize(
    ("environment", "programs", "user", "way"),
    [
        ({CONTEXT: "mine"}, ("kind", "docker", "go"), 0, "context"),
        ({"KUBECONFIG": "/production"}, ("kind", "docker", "go"), 0, "kind"),
        ({}, ("kind", "podman"), 1000, "kind"),
        ({}, ("kind", "go"), 0, "node"),
        ({}, ("go",), 0, "node"),
    ],
)
def test_the_first_way_that_is_open_is_taken(
    environment: dict[str, str], programs: tuple[str, ...], user: int, way: str
) -> None:
    """A named context, then kind with a daemon, then a node of one's own; never KUBECONFIG alone."""
    found = which_way(environment, works=only(*programs), user=user, platform="linux")
    assert found == way


@pytest.mark.parametrize(("user", "platform"), [(1000, "linux"), (0, "darwin")])
def test_without_a_way_the_error_names_all_three(user: int, platform: str) -> None:
    """What would open each of them."""
    with pytest.raises(ClusterError, match=rf"{CONTEXT}.*kind.*root on Linux"):
        which_way({}, works=only("go"), user=user, platform=platform)


def test_a_builds_name_changes_with_each_input() -> None:
    """And does not depend on where one input ends and the next begins."""
    assert build.digest(b"ab", b"c") != build.digest(b"a", b"bc")
    assert build.digest(*build.inputs()) == build.digest(*build.inputs())


def test_every_component_is_started_once_in_order() -> None:
    """What is started is what has a command line; all of it stays under one folder."""
    state = Path("/somewhere/state")
    commands = components.commands(Path("/programs"), state)
    assert set(commands) == set(components.ORDER)
    assert components.ORDER.index("etcd") < components.ORDER.index("kube-apiserver")
    configured = settings.containerd(state) + settings.kubelet(state) + settings.network(state)
    assert "/var/" not in configured
    assert json.loads(settings.kubelet(state))["cgroupRoot"] == f"/{settings.CGROUP}"


def test_the_pause_image_is_the_same_each_time() -> None:
    """A cache would otherwise never hit."""
    assert pause_image(b"x") == pause_image(b"x")
    assert pause_image(b"x") != pause_image(b"y")


def test_kinds_configuration_is_one_that_kind_reads() -> None:
    """The file at the top level has kind's own form."""
    found = yaml.safe_load((Path(__file__).parents[3] / "kind-config.yaml").read_text())
    assert (found["kind"], found["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert found["nodes"]


def test_debians_mirror_is_read_from_either_form_of_sources() -> None:
    """The one that ends in /debian, not that of security updates."""
    old = "deb [signed-by=/k] http://m.example/debian bookworm main\n"
    new = "URIs: http://m.example/debian-security\nURIs: http://m.example/debian\nSuites: x\n"
    assert mirror(old) == mirror(new) == "http://m.example/debian"
    with pytest.raises(ClusterError, match="no Debian mirror"):
        mirror("URIs: http://m.example/debian-security\n")


def test_an_images_name_changes_with_its_base() -> None:
    """Another base or target is another image."""
    worker, embedded = IMAGES["worker"], IMAGES["embedded"]
    assert worker.digest("a") != worker.digest("b")
    assert worker.digest("a") == worker.digest("a") != embedded.digest("a")


def test_an_image_that_grew_too_large_is_told() -> None:
    """What counts is what it has above its base; the model and litellm may be as large as they are."""
    base, mega = 200_000_000, 1_000_000
    fits = {"base": base, "worker": base + 150 * mega, "embedded": base + 900 * mega}
    assert too_large(fits) == []
    assert too_large({**fits, "operator": base + 281 * mega}) == [
        "operator has 281 MB above its base, at most 280 are allowed"
    ]
