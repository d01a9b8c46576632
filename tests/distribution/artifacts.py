"""What a release consists of, how it is named, and what is wrong about it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from distribution.oci import VERSION, OciImage
from images.image import Image

SUMS: Final = "SHA256SUMS"
REGISTRY: Final = "docker.io"
"""What a name without a registry means; archives name it, as containerd and podman want."""


def released(image: Image, version: str) -> str:
    """Return the name and tag of a released image: the version in place of `dev`."""
    name, _, tag = image.reference.partition(":")
    return f"{name}:{version}{tag.removeprefix('dev')}"


def file_name(reference: str) -> str:
    """Return the name of an image's archive: `dspex-worker-0.1.0-embedded.tar`."""
    return reference.replace("/", "-").replace(":", "-") + ".tar"


def rendered(manifests: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the images that pods of a chart run, or are told to run by a variable."""
    found: set[str] = set()
    for manifest in manifests:
        spec = manifest.get("spec") or {}
        pod = (spec.get("template") or {}).get("spec") or spec
        for container in pod.get("containers") or ():
            found.add(container["image"])
            found |= {
                variable["value"]
                for variable in container.get("env") or ()
                if variable["name"].endswith("_IMAGE")
            }
    return found


def problems(archives: Mapping[str, OciImage], wanted: set[str], version: str) -> Iterator[str]:
    """Find what is wrong about the images of a release.

    Args:
        archives: The images, by the name and tag that each should have.
        wanted: Those that the chart's defaults name.
        version: Of the release.
    """
    for reference, image in archives.items():
        if image.reference != f"{REGISTRY}/{reference}":
            yield f"{reference} is called {image.reference!r} in its archive"
        if image.user.partition(":")[0] in ("", "0", "root"):
            yield f"{reference} runs as root"
        if image.labels.get(VERSION) != version:
            yield f"{reference} says that it is version {image.labels.get(VERSION)!r}"
    for reference in sorted(wanted - archives.keys()):
        yield f"the chart names {reference}, which is not there"


def sums(files: Sequence[Path]) -> str:
    """Return the text of SHA256SUMS, which `sha256sum --check` reads."""
    lines = []
    for file in sorted(files, key=lambda each: each.name):
        with file.open("rb") as opened:
            lines.append(f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {file.name}\n")
    return "".join(lines)
