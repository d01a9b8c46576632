"""Builds images into docker-archives, once for each set of inputs."""

import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from cluster.build import locked, say
from cluster.cluster import Cluster, ClusterError
from cluster.paths import cache
from dspex import __version__
from images.base import base
from images.image import IMAGES, ON_CLUSTER, ROOT, Image

CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""What the build trusts; mounted, so that none of it stays in the image."""

VERSION_LABEL: Final = "org.opencontainers.image.version"

MOST: Final = {"operator": 280, "worker": 150}
"""Megabytes above their base that images may have; the worker without model and litellm."""

KEPT: Final = 2
"""Archives of one image that stay in the cache."""


def archive(image: Image) -> Path:
    """Return an image's docker-archive; build it if this tree's is not there.

    Raises:
        ClusterError: The build failed; its last words are quoted.
    """
    root = base()
    folder = cache().parent / "images" / image.name
    file = folder / f"{image.digest(root)}.tar"
    with locked(folder):
        if not file.exists():
            _build(image, root, file)
        file.touch()
        for old in sorted(folder.glob("*.tar"), key=lambda each: -each.stat().st_mtime)[KEPT:]:
            old.unlink()
    return file


def load(cluster: Cluster, names: Iterable[str] = ON_CLUSTER) -> None:
    """Build images where they are not yet, and load those that the cluster lacks."""
    mark = Path(cluster.kubeconfig).parent / "loaded"
    mark.mkdir(exist_ok=True)
    for name in names:
        file = archive(IMAGES[name])
        loaded = mark / f"{name}-{file.stem}"
        if not loaded.exists():
            began = time.monotonic()
            cluster.load(file)
            loaded.touch()
            say(f"loaded {name} in {time.monotonic() - began:.0f} s")


def sizes() -> dict[str, int]:
    """Return the bytes of each built image, and of its base under `base`."""
    root = base()
    found = {"base": _bytes(root)}
    for image in IMAGES.values():
        if size := _bytes(image.reference):
            found[image.name] = size
    return found


def too_large(found: Mapping[str, int]) -> list[str]:
    """Say which images have more above their base than they may; `found` is of `sizes`."""
    return [
        f"{name} has {above / 1e6:.0f} MB above its base, at most {most} are allowed"
        for name, most in MOST.items()
        if name in found and (above := found[name] - found["base"]) > most * 1e6
    ]


def _build(image: Image, root: str, file: Path) -> None:
    began = time.monotonic()
    say(f"building {image.reference}")
    target = ["--target", image.target] if image.target else []
    trust = []
    if CERTIFICATES.exists():
        trust = [
            "--volume",
            f"{CERTIFICATES}:{CERTIFICATES}:ro",
            f"--build-arg=PIP_CERT={CERTIFICATES}",
        ]
    _buildah(
        "bud",
        "--isolation=chroot",
        "--network=host",
        "--layers",
        f"--build-arg=BASE={root}",
        # Not by the Dockerfile's argument: a layer that buildah has kept would bring a former one.
        f"--label={VERSION_LABEL}={__version__}",
        *trust,
        *target,
        f"--file={ROOT / image.dockerfile}",
        f"--tag={image.reference}",
        str(ROOT),
    )
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    _buildah(
        "push", "--quiet", image.reference, f"docker-archive:{part}:docker.io/{image.reference}"
    )
    part.rename(file)
    say(f"built {image.reference} in {time.monotonic() - began:.0f} s")


def _bytes(reference: str) -> int:
    words = ["buildah", "images", "--format", "{{.Size}}", reference]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    text = done.stdout.split("\n")[0].strip()
    if done.returncode or not text:
        return 0
    number, unit = text.split()
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])


def _buildah(*arguments: str) -> None:
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"buildah {arguments[0]}: {(done.stdout + done.stderr)[-4000:]}")
