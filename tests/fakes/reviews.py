"""What an API server asks of a webhook."""

from typing import Any

from dspex.kube.kind import Kind
from fakes.items import Object


def question(kind: Kind, item: Object, before: Object | None = None, **given: Any) -> Object:
    """Make an AdmissionReview as an API server sends it.

    Args:
        kind: The object's kind.
        item: As it would be kept.
        before: As it is now, which makes it an UPDATE.
        given: What the request has besides or instead.
    """
    group, _, version = kind.version.partition("/")
    metadata = item.get("metadata", {})
    request = {
        "uid": "0d5e-1",
        "kind": {"group": group, "version": version, "kind": kind.name},
        "resource": {"group": group, "version": version, "resource": kind.plural},
        "requestKind": {"group": group, "version": version, "kind": kind.name},
        "requestResource": {"group": group, "version": version, "resource": kind.plural},
        "name": metadata.get("name", ""),
        "namespace": metadata.get("namespace", ""),
        "operation": "CREATE" if before is None else "UPDATE",
        "userInfo": {"username": "ada", "groups": ["system:authenticated"]},
        "object": item,
        "oldObject": before,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": request | given,
    }
