"""Objects that were made in Python, read as if they stood in a file: the same rules and errors."""

import dataclasses
import io
from collections.abc import Iterable, Mapping
from typing import Any

from dspex.api.base import API_VERSION
from dspex.errors import ManifestError
from dspex.manifests import Manifests, load
from dspex.manifests.write import write_documents


def make_object(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of group dspex.dev as a manifest holds it."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def read_objects(objects: Iterable[Mapping[str, Any]]) -> Manifests:
    """Read objects through their YAML, so that they are what a file of them would be.

    Raises:
        ManifestError: With everything that is wrong, by object and field path; there is no file.
    """
    stream = io.BytesIO(write_documents(objects).encode("utf-8", "surrogatepass"))
    try:
        manifests = load(["-"], stdin=stream)
    except ManifestError as error:
        raise ManifestError(
            *(
                dataclasses.replace(each, file=None, line=None, column=None)
                for each in error.diagnostics
            )
        ) from None
    return dataclasses.replace(manifests, origins={})
