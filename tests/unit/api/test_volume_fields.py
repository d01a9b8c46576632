"""Volumes of a Pool and where they stand in its workers."""

from typing import Any

import pytest
from pydantic import ValidationError

from dspex.api.crd import custom_resource_definition
from dspex.api.kinds import KINDS
from dspex.api.volume import OWN_PATHS, Volume, VolumeMount
from fakes.oracles import apiserver_verdicts


def _broken(model: type[Volume] | type[VolumeMount], **fields: Any) -> tuple[str, str, str]:
    """Return message, field and remedy of the one rule that some fields break."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    (rule,) = caught.value.errors()[0]["ctx"]["broken"]
    return rule.message, ".".join(map(str, rule.field)), rule.remedy


@pytest.mark.parametrize(
    "source",
    [
        {"configMap": {"name": "x"}},
        {"configMap": {"name": "x", "optional": True}},
        {"secret": {"secretName": "x", "optional": False}},
        {"persistentVolumeClaim": {"claimName": "x", "readOnly": True}},
        {"emptyDir": {}},
        {"emptyDir": {"sizeLimit": "2Gi"}},
    ],
    ids=str,
)
def test_a_volume_goes_into_a_pod_as_it_stands(source: dict[str, Any]) -> None:
    """The empty mapping of an emptyDir stays too: it is what makes it one."""
    manifest = {"name": "data", **source}
    assert Volume.model_validate(manifest).to_json() == manifest


@pytest.mark.parametrize(
    "sources", [{}, {"emptyDir": {}, "configMap": {"name": "x"}}], ids=["none", "two"]
)
def test_a_volume_has_exactly_one_source(sources: dict[str, Any]) -> None:
    """Which are to choose from is said."""
    message, _, remedy = _broken(Volume, name="a", **sources)
    assert "exactly one of configMap, secret, persistentVolumeClaim and emptyDir" in message
    assert remedy


def test_hosts_files_can_not_be_mounted() -> None:
    """A Pool's author gets nothing of a node, whatever the cluster would admit."""
    with pytest.raises(ValidationError, match="hostPath"):
        Volume.model_validate({"name": "a", "hostPath": {"path": "/"}})


def test_names_of_the_workers_own_volumes_are_taken() -> None:
    """Two volumes of one name would be refused with the pod."""
    message, field, remedy = _broken(Volume, name="dspex-tmp", emptyDir={})
    assert (message, field) == ("names that begin with dspex- are taken", "name")
    assert remedy


@pytest.mark.parametrize("path", ["/data", "/etc/dspexes", "/etc", "/opt/models/", "/a b"])
def test_a_mount_may_stand_nearly_anywhere(path: str) -> None:
    """Only the worker's own folders and the root are not to be had."""
    manifest = {"name": "a", "mountPath": path, "subPath": "x/..y", "readOnly": True}
    assert VolumeMount.model_validate(manifest).to_json() == manifest


@pytest.mark.parametrize("own", OWN_PATHS)
@pytest.mark.parametrize("below", ["", "/", "/x"])
def test_a_mount_leaves_the_workers_own_folders_alone(own: str, below: str) -> None:
    """A volume over its configuration or its scratch space would break the worker."""
    message, field, remedy = _broken(VolumeMount, name="a", mountPath=f"{own}{below}")
    assert own in message
    assert field == "mountPath"
    assert "/data" in remedy


@pytest.mark.parametrize("path", ["/", "data", "", "/a:b"])
def test_a_mount_path_is_absolute_and_no_root(path: str) -> None:
    """As the API server has it."""
    with pytest.raises(ValidationError):
        VolumeMount.model_validate({"name": "a", "mountPath": path})


@pytest.mark.parametrize("path", ["..", "../x", "a/../b", "a/.."])
def test_a_sub_path_stays_in_its_volume(path: str) -> None:
    """The API server would refuse the pod."""
    message, field, remedy = _broken(VolumeMount, name="a", mountPath="/data", subPath=path)
    assert (message, field) == ("subPath can't lead out of the volume", "subPath")
    assert remedy


def test_model_and_api_server_agree_on_places() -> None:
    """The rules in CEL refuse the same paths as those in Python."""
    paths = ["/data", "/etcx", *OWN_PATHS, *(f"{path}/x" for path in OWN_PATHS), "/"]
    subs = ["a", "a..b", "..", "a/../b", "/a", "..a"]
    mounts = [
        {"name": "a", "mountPath": path, **sub}
        for path in paths
        for sub in ({}, *({"subPath": each} for each in subs))
    ]
    spec = {"model": {"name": "m"}, "volumes": [{"name": "a", "emptyDir": {}}]}
    base = {"apiVersion": "dspex.dev/v1alpha1", "kind": "Pool", "metadata": {"name": "x"}}
    questions = [
        {"kind": "Pool", "object": {**base, "spec": {**spec, "volumeMounts": [mount]}}}
        for mount in mounts
    ]
    _, verdicts = apiserver_verdicts([custom_resource_definition(KINDS["Pool"])], questions)
    refused = [bool(each["errors"]) for each in verdicts]
    assert refused == [not _is_taken(mount) for mount in mounts]
    assert set(refused) == {True, False}


def _is_taken(mount: dict[str, Any]) -> bool:
    try:
        VolumeMount.model_validate(mount)
    except ValidationError:
        return False
    return True
