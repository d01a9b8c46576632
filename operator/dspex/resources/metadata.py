"""Metadata of what DSPex makes: labels, and the owner with which it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dspex.api.base import API_VERSION, Resource
from dspex.resources import names

Manifest: TypeAlias = dict[str, Any]
"""An object as it is applied: JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object that others belong to.

    Attributes:
        kind: Its kind, of group dspex.dev.
        name: Its name.
        namespace: Its namespace, which is theirs.
        uid: Its uid.
    """

    kind: str
    name: str
    namespace: str
    uid: str

    def reference(self) -> Manifest:
        """Return the entry of `ownerReferences`; the owner is not gone before what it owns."""
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


def owner_of(resource: Resource, kind: str) -> Owner:
    """Return an object of ours as an owner.

    Args:
        resource: An object that the cluster has given a uid.
        kind: Its kind.
    """
    given = resource.metadata
    return Owner(kind=kind, name=given.name, namespace=given.namespace, uid=given.uid)


def metadata(
    owner: Owner, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Manifest:
    """Return the metadata of an object that an owner owns."""
    made: Manifest = {
        "name": name,
        "namespace": owner.namespace,
        "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY, **labels},
        "ownerReferences": [owner.reference()],
    }
    return {**made, "annotations": dict(annotations)} if annotations else made
