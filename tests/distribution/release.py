"""`make release`: images, wheel and chart into `dist/`, with their checksums.

PYTHONPATH=tests python -m distribution.release

Exit status 1 where the chart and the images do not fit together.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import images
from chart.render import CHART, KUBERNETES, ROOT, Helm, HelmError, objects
from cluster.choose import choose
from cluster.cluster import ClusterError, environment
from distribution.__main__ import build
from distribution.archive import problems as wheel_problems
from distribution.artifacts import REGISTRY, SUMS, file_name, problems, released, rendered, sums
from distribution.oci import OciImage, read_image
from dspex import __version__

FOLDER: Final = ROOT / "dist"


def main() -> int:
    """Make the release; print a line a file; returns the exit status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        helm = Helm(environment(choose()))
        wheel, chart = build(ROOT), package(helm)
        archives = [archive(image) for image in images.IMAGES.values()]
        found = [*wheel_problems(wheel, ROOT)]
        found += problems(dict(archives), chart_images(helm, chart), __version__)
    except (ClusterError, HelmError, ValueError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    files = [wheel, chart, *(FOLDER / file_name(reference) for reference, _ in archives)]
    (FOLDER / SUMS).write_text(sums(files))
    for file in files:
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file.relative_to(ROOT)}")
    for problem in found:
        print(f"release: {problem}", file=sys.stderr)
    return 1 if found else 0


def package(helm: Helm) -> Path:
    """Package the chart."""
    helm("package", str(CHART), "--destination", str(FOLDER))
    [made] = FOLDER.glob("*.tgz")
    return made


def chart_images(helm: Helm, chart: Path) -> set[str]:
    """Return the images that the packaged chart names by its defaults."""
    version = f"--kube-version={KUBERNETES}"
    return rendered(objects(helm("template", "dspex", str(chart), version)))


def archive(image: images.Image) -> tuple[str, OciImage]:
    """Build an image where it is not yet, and write its OCI archive; returns its name, and it."""
    images.archive(image)
    reference = released(image, __version__)
    file = FOLDER / file_name(reference)
    target = f"oci-archive:{file}:{REGISTRY}/{reference}"
    done = subprocess.run(
        ["buildah", "push", "--quiet", image.reference, target],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ClusterError(f"buildah push {reference}: {done.stderr[-2000:]}")
    return reference, read_image(file)


if __name__ == "__main__":
    sys.exit(main())
