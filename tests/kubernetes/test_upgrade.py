"""From the chart's former version to this one, while runs are under way."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from stage import model
from stage.images import EMBEDDED, WORKER
from stage.kubectl import Kubectl, Object, condition, eventually, has_ended, is_reason, is_true
from stage.manifests import chain, pool, run
from stage.release import CHART, Release
from stage.space import staffed

FORMER: Final = "0.0.9"
LENGTH: Final = 12


@pytest.fixture
def wanted(release: Release) -> Iterator[int]:
    """Yield how many operators there are; in the end the release is as it was."""
    deployment = release.inside.get("deployment", release.name)
    replicas = int(deployment["spec"]["replicas"])
    yield replicas
    if chart_of(release).endswith(FORMER):
        release.install(replicas=replicas)


def former_chart(folder: Path) -> Path:
    """Copy the chart, as the version before this one."""
    chart = shutil.copytree(CHART, folder / "dspex")
    file = chart / "Chart.yaml"
    described = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**described, "version": FORMER, "appVersion": FORMER}))
    return chart


def chart_of(release: Release) -> str:
    """Return name and version of the chart that the operator was installed by."""
    labels = release.inside.get("deployment", release.name)["metadata"]["labels"]
    return str(labels["helm.sh/chart"])


def pods(kubectl: Kubectl, selector: str) -> dict[str, int]:
    """Return how often each pod's container was started again, by the pod's uid."""
    return {
        each["metadata"]["uid"]: each["status"]["containerStatuses"][0]["restartCount"]
        for each in kubectl.list("pods", selector)
    }


def steps(item: Object) -> dict[str, str]:
    """Return the states of a run's steps by name."""
    return {each["name"]: each["state"] for each in item.get("status", {}).get("steps", [])}


def start(kubectl: Kubectl, pipeline: str, *names: str) -> None:
    """Start runs whose questions have their names."""
    for name in names:
        kubectl.apply(run(pipeline, name, inputs={"question": name}))


def test_an_upgrade_loses_no_run_and_restarts_no_worker(
    release: Release, wanted: int, tmp_path: Path
) -> None:
    """Runs under way go on in their pods, waiting ones still wait, Pools keep the image they had."""
    # The next version brings other images of workers; here both are there already.
    image = EMBEDDED.partition(":")[2]
    release.install(former_chart(tmp_path), replicas=wanted, worker__image__tag=image)
    assert chart_of(release) == f"dspex-{FORMER}"
    with staffed(release) as shop:
        single = chain("single-file", 2, order="wait=1")
        single["spec"]["maxActiveRuns"] = 1
        shop.apply(chain("long", LENGTH, order="wait=1"), single)
        start(shop, "long", "amidst")
        start(shop, "single-file", "ahead", "queued")
        start(shop, "missing", "early")
        before = shop.until("drun", "amidst", lambda item: steps(item).get("s2") == "Succeeded")
        assert steps(before)[f"s{LENGTH}"] == "Pending"
        shop.until("drun", "early", is_reason("Succeeded", "MissingReference"))
        workers, operators = pods(shop, "dspex.dev/pool=small"), pods(release.inside, OPERATOR)

        release.install(replicas=wanted)

        assert chart_of(release) != f"dspex-{FORMER}"
        # helm waits for the new ones to be ready, not for the old ones to be gone.
        eventually(lambda: not operators.keys() & pods(release.inside, OPERATOR).keys() or None, 60)
        # The Pool is looked at by the new operator before its pods are looked at here.
        shop("scale", "dpool", "small", "--replicas=2")
        shop.until("dpool", "small", lambda item: item["status"].get("readyReplicas") == 2)
        shop.apply(chain("missing", 1))
        ended = {name: shop.until("drun", name, has_ended) for name in NAMES}
        for item in ended.values():
            assert condition(item, "Succeeded")["status"] == "True", item["status"]
            assert item["status"]["runner"]["epoch"] == 1
        assert ended["ahead"]["status"]["completionTime"] <= ended["queued"]["status"]["startTime"]
        assert set(model.answered(shop).values()) == {1}
        assert workers.items() <= pods(shop, "dspex.dev/pool=small").items()
        small = shop.get("dpool", "small")["status"]["effective"]
        assert small["image"] == EMBEDDED
        shop.apply(pool("later"))
        shop.until("dpool", "later", is_true("Ready"))
        assert shop.get("dpool", "later")["status"]["effective"]["image"] == WORKER


OPERATOR: Final = "app.kubernetes.io/component=operator"
NAMES: Final = ("amidst", "ahead", "queued", "early")
