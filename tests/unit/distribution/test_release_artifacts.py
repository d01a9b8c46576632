"""What `make release` finds in images and chart before it lets them go."""

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.render import CHART
from distribution.artifacts import SUMS, file_name, problems, released, rendered, sums
from distribution.oci import VERSION, OciImage, read_image
from dspex import __version__
from images.image import IMAGES

GOOD = OciImage(
    reference="docker.io/dspex/operator:1", user="65532:65532", labels={VERSION: "1"}, bytes=1
)


def write(file: Path, *, images: int = 1) -> Path:
    """Write an OCI archive as buildah does."""
    with tarfile.open(file, "w") as tar:

        def add(name: str, value: Any) -> None:
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

        add("blobs/sha256/c", {"config": {"User": "7:7", "Labels": {VERSION: "1"}}})
        layers = [{"digest": "sha256:x", "size": 20}, {"digest": "sha256:y", "size": 3}]
        add("blobs/sha256/m", {"config": {"digest": "sha256:c"}, "layers": layers})
        name = {"org.opencontainers.image.ref.name": "docker.io/dspex/operator:1"}
        add("index.json", {"manifests": [{"digest": "sha256:m", "annotations": name}] * images})
    return file


def test_archives_have_the_names_that_the_charts_defaults_give() -> None:
    """Repositories and tags of values.yaml lead to images of a release."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    names = {released(image, __version__) for image in IMAGES.values()}
    worker = values["worker"]
    for image, suffix in (
        (values["image"], ""),
        (worker["image"], ""),
        (worker["embeddedImage"], "-embedded"),
    ):
        assert f"{image['repository']}:{image['tag'] or __version__ + suffix}" in names
    assert file_name(released(IMAGES["embedded"], "1.2.3")) == "dspex-worker-1.2.3-embedded.tar"


def test_an_archive_tells_name_user_labels_and_size(tmp_path: Path) -> None:
    """What the registry and the kubelet will see, read without either."""
    assert read_image(write(tmp_path / "a.tar")) == OciImage(
        reference="docker.io/dspex/operator:1", user="7:7", labels={VERSION: "1"}, bytes=23
    )


@pytest.mark.parametrize("images", [0, 2])
def test_an_archive_with_none_or_several_images_is_refused(tmp_path: Path, images: int) -> None:
    """It would not be known which of them is released."""
    with pytest.raises(ValueError, match=r"a\.tar is no OCI archive with one image"):
        read_image(write(tmp_path / "a.tar", images=images))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    """A text, and an archive of something else."""
    (tmp_path / "a.tar").write_text("hello")
    tarfile.open(tmp_path / "b.tar", "w").close()
    for name in ("a.tar", "b.tar"):
        with pytest.raises(ValueError, match="is no OCI archive"):
            read_image(tmp_path / name)


def test_images_of_pods_and_of_variables_are_found() -> None:
    """Those of a Deployment, of a bare pod, and those that the operator is told to start."""
    env = [{"name": "DSPEX_WORKER_IMAGE", "value": "w:1"}, {"name": "POD_NAME"}]
    operator = {"image": "o:1", "env": [*env, {"name": "DSPEX_LOG_LEVEL", "value": "info"}]}
    found = rendered(
        [
            {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [operator]}}}},
            {"kind": "Pod", "spec": {"containers": [{"image": "t:1"}]}},
            {"kind": "ClusterRole", "rules": []},
        ]
    )
    assert found == {"o:1", "w:1", "t:1"}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (replace(GOOD, reference="docker.io/dspex/operator:dev"), "is called"),
        (replace(GOOD, user=""), "runs as root"),
        (replace(GOOD, user="0:0"), "runs as root"),
        (replace(GOOD, labels={VERSION: "dev"}), "is version 'dev'"),
        (replace(GOOD, labels={}), "is version None"),
    ],
    ids=str,
)
def test_a_wrong_image_is_told(image: OciImage, words: str) -> None:
    """One fault, one line that names the image."""
    [problem] = problems({"dspex/operator:1": image}, {"dspex/operator:1"}, "1")
    assert problem.startswith("dspex/operator:1 ")
    assert words in problem


def test_an_image_that_the_chart_names_must_be_there() -> None:
    """More may be there: the chart does not name the one with litellm."""
    whole = {"dspex/operator:1": GOOD}
    assert list(problems(whole, set(), "1")) == []
    [problem] = problems(whole, {"dspex/operator:1", "dspex/worker:1"}, "1")
    assert problem == "the chart names dspex/worker:1, which is not there"


def test_the_sums_can_be_checked_by_sha256sum(tmp_path: Path) -> None:
    """A line a file, by name; a changed file is found."""
    for name in ("b", "a"):
        (tmp_path / name).write_text(name)
    text = sums([tmp_path / "b", tmp_path / "a"])
    assert text.startswith(f"{hashlib.sha256(b'a').hexdigest()}  a\n")
    (tmp_path / SUMS).write_text(text)
    check = ["sha256sum", "--check", "--quiet", SUMS]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "a").write_text("other")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1
