"""An image as an OCI archive: its name, and what its configuration says."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TITLE: Final = "org.opencontainers.image.title"
VERSION: Final = "org.opencontainers.image.version"
_NAME: Final = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class OciImage:
    """One image of an archive.

    Attributes:
        reference: Name and tag that it has in the archive; empty if none.
        user: Whom its processes run as; empty for root.
        labels: Its labels.
        bytes: Its layers, as they are sent to a registry.
    """

    reference: str
    user: str
    labels: Mapping[str, str]
    bytes: int


def read_image(archive: Path) -> OciImage:
    """Return the only image of an archive.

    Raises:
        ValueError: It is no OCI archive with one image.
    """
    try:
        with tarfile.open(archive) as tar:
            [entry] = _json(tar, "index.json")["manifests"]
            manifest = _json(tar, _blob(entry))
            config = _json(tar, _blob(manifest["config"])).get("config") or {}
    except (KeyError, ValueError, tarfile.TarError) as error:
        raise ValueError(f"{archive.name} is no OCI archive with one image: {error}") from error
    return OciImage(
        reference=(entry.get("annotations") or {}).get(_NAME, ""),
        user=config.get("User", ""),
        labels=config.get("Labels") or {},
        bytes=sum(layer["size"] for layer in manifest["layers"]),
    )


def _blob(entry: Mapping[str, str]) -> str:
    return f"blobs/{entry['digest'].replace(':', '/')}"


def _json(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return json.load(file)
