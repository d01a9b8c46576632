"""Owner references, labels and annotations of what DSPex makes."""

from dspex.resources import names
from dspex.resources.metadata import Owner, metadata, owner_of
from fakes.cluster_objects import NAMESPACE, POOL_UID, RUN_UID, cluster_pool, cluster_run

OWNER = Owner(kind="Pool", name="small", namespace="shop", uid="u-1")


def test_an_owner_is_the_object_itself_and_not_a_namesake() -> None:
    """Kind, name, namespace and uid come from the object."""
    assert owner_of(cluster_pool(), "Pool") == Owner(
        kind="Pool", name="small", namespace=NAMESPACE, uid=POOL_UID
    )
    assert owner_of(cluster_run(), "PipelineRun").uid == RUN_UID


def test_what_is_owned_goes_with_its_owner_and_the_owner_not_before() -> None:
    """The reference is a controller's, and holds a deletion in the foreground back."""
    assert OWNER.reference() == {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "Pool",
        "name": "small",
        "uid": "u-1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    made = metadata(OWNER, "small-1", {})
    assert made["ownerReferences"] == [OWNER.reference()]
    assert (made["name"], made["namespace"]) == ("small-1", "shop")


def test_everything_has_the_label_by_which_it_is_watched() -> None:
    """The operator watches by one selector, and keeps the labels that it was given."""
    labels = metadata(OWNER, "x", {"a": "b"})["labels"]
    assert labels == {names.MANAGED_BY_LABEL: names.MANAGED_BY, "a": "b"}
    assert "=".join([names.MANAGED_BY_LABEL, labels[names.MANAGED_BY_LABEL]]) == names.MANAGED


def test_annotations_stand_there_only_where_there_are_any() -> None:
    """An empty mapping would be a field that is owned for nothing."""
    assert "annotations" not in metadata(OWNER, "x", {})
    assert "annotations" not in metadata(OWNER, "x", {}, {})
    without = metadata(OWNER, "x", {})
    assert metadata(OWNER, "x", {}, {"a": "b"}) == {**without, "annotations": {"a": "b"}}
