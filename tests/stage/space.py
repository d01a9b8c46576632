"""Namespaces that several tests of a file share: setting one up with its workers takes seconds."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from stage import model
from stage.kubectl import Kubectl, is_true
from stage.manifests import pool
from stage.release import Release


@contextmanager
def namespace(release: Release, **labels: str) -> Iterator[Kubectl]:
    """Give kubectl in a namespace of its own, which is deleted with all that is in it.

    Args:
        release: The cluster.
        labels: Of the namespace; `__` in a name stands for `/`, `_` for `-`.
    """
    name = f"test-{secrets.token_hex(4)}"
    named = {key.replace("__", "/").replace("_", "-"): each for key, each in labels.items()}
    release.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": named}}
    )
    try:
        yield release.kubectl.within(name)
    finally:
        release.kubectl("delete", "namespace", name, "--wait=false")


@contextmanager
def staffed(release: Release) -> Iterator[Kubectl]:
    """Give kubectl in a namespace with a stub model, and a Pool `small` of one ready worker."""
    with namespace(release) as kubectl:
        kubectl.apply(pool())
        model.start(kubectl)
        kubectl.until("dpool", "small", is_true("Ready"))
        yield kubectl
