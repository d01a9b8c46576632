"""The runs that triggers start: their names, labels and owner."""

import datetime
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.api.names import check_object_name
from dspex.api.pipeline import Pipeline
from dspex.api.trigger import Trigger
from dspex.resources.triggered_run import changed_name, scheduled_name, triggered_run

TIME = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def pipeline(name: str = "support", uid: str = "u-1") -> Pipeline:
    """Make a Pipeline that the cluster has given a uid."""
    metadata = {"name": name, "namespace": "shop", "uid": uid}
    steps = [{"name": "a", "template": {"source": "x"}}]
    return Pipeline.model_validate({"metadata": metadata, "spec": {"steps": steps}})


def trigger(name: str = "nightly", template: dict[str, object] | None = None) -> Trigger:
    """Make a trigger."""
    return Trigger.model_validate({"name": name, "onChange": {}, "runTemplate": template or {}})


@settings(deadline=None)
@given(NAMES, NAMES, st.integers(0, 10**6))
def test_names_are_names_of_objects(name: str, cause: str, change: int) -> None:
    """Whatever pipeline and trigger are called, up to 63 characters."""
    owner, by = pipeline(name), trigger(cause)
    assert check_object_name(scheduled_name(owner, by, TIME)) is None
    assert check_object_name(changed_name(owner, by, "sha256:" + "ab" * 32, change)) is None


def test_a_name_tells_where_the_run_comes_from() -> None:
    """Pipeline, trigger, and the minutes since 1970 or the digest's beginning."""
    name = scheduled_name(pipeline(), trigger(), TIME)
    assert name.startswith("support-nightly-")
    assert name.endswith(f"-{int(TIME.timestamp()) // 60}")
    assert changed_name(pipeline(), trigger(), "sha256:0123456789abcdef", 0).endswith(
        "-0123456789ab"
    )


def test_a_name_is_cut_where_no_dash_is_left_over() -> None:
    """A name with two dashes in a row reads as if something was missing."""
    name = scheduled_name(pipeline("a" * 44), trigger("b"), TIME)
    assert "--" not in name
    assert name.startswith("a" * 44 + "-")


def test_names_differ_where_runs_do() -> None:
    """Also where names are cut, run into each other, or were those of an object that is gone."""
    owners = [
        pipeline("a" * 63),
        pipeline("a" * 63, "u-2"),
        pipeline("a-b", "u-3"),
        pipeline("a", "u-4"),
        pipeline("a", "u-5"),
    ]
    causes = [trigger("c"), trigger("b-c"), trigger("c" * 63)]
    times = [TIME, TIME + datetime.timedelta(minutes=1)]
    scheduled = {
        scheduled_name(owner, by, time)
        for owner, by, time in itertools.product(owners, causes, times)
    }
    changed = {
        changed_name(owner, by, digest, change)
        for owner, by, digest, change in itertools.product(
            owners, causes, ["sha256:a", "sha256:b"], [0, 1]
        )
    }
    assert len(scheduled | changed) == len(owners) * len(causes) * (2 + 4)


def test_the_same_occasion_has_the_same_name() -> None:
    """A restart, or another leader, means the same run."""
    assert scheduled_name(pipeline(), trigger(), TIME) == scheduled_name(
        pipeline(), trigger(), TIME
    )


def test_a_run_belongs_to_its_pipeline() -> None:
    """It goes with it, is found by labels, and says what time it is for."""
    run = triggered_run(pipeline(), trigger(), "name", {}, TIME)
    metadata = run["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("name", "shop")
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "dspex",
        "dspex.dev/pipeline": "support",
        "dspex.dev/trigger": "nightly",
    }
    assert metadata["annotations"] == {"dspex.dev/scheduled-time": "2026-11-22T09:00:00Z"}
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Pipeline", "u-1", True)
    assert run["spec"] == {"pipelineRef": {"name": "support"}}


def test_labels_of_the_template_come_along() -> None:
    """For Kueue, cost centres and the like."""
    by = trigger(template={"metadata": {"labels": {"team": "a"}, "annotations": {"why": "b"}}})
    metadata = triggered_run(pipeline(), by, "name", {}, TIME)["metadata"]
    assert metadata["labels"]["team"] == "a"
    assert metadata["annotations"]["why"] == "b"
