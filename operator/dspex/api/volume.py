"""Volumes of a Pool's workers: ConfigMaps, Secrets, claims and scratch space."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from dspex.api.amounts import Quantity
from dspex.api.base import ApiModel, CoreName, ObjectName
from dspex.api.rule import Rule, exactly_one

MOUNT_PATTERN: Final = r"^/[^:]*$"
SUB_PATTERN: Final = r"^[^/:][^:]*$"
OWN_VOLUMES: Final = "dspex-"
OWN_PATHS: Final = ("/tmp", "/etc/dspex")  # noqa: S108 -- places in a container


class ConfigMapVolume(ApiModel):
    """The keys of a ConfigMap as files."""

    name: CoreName = Field(description="Name of the ConfigMap, in the same namespace.")
    optional: bool | None = Field(
        default=None, description="true: pods start without it too. Default: false."
    )


class SecretVolume(ApiModel):
    """The keys of a Secret as files."""

    secret_name: CoreName = Field(description="Name of the Secret, in the same namespace.")
    optional: bool | None = Field(
        default=None, description="true: pods start without it too. Default: false."
    )


class ClaimVolume(ApiModel):
    """A volume that a PersistentVolumeClaim asks for."""

    claim_name: CoreName = Field(description="Name of the claim, in the same namespace.")
    read_only: bool | None = Field(
        default=None, description="true: nothing can be written to it. Default: false."
    )


class EmptyDirVolume(ApiModel):
    """Scratch space that goes with its pod."""

    size_limit: Quantity | None = Field(
        default=None, description="The most that it holds, such as 2Gi. Default: the node's disk."
    )


class Volume(ApiModel):
    """A volume that workers mount."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "configMap",
            "secret",
            "persistentVolumeClaim",
            "emptyDir",
            message="give exactly one of configMap, secret, persistentVolumeClaim and emptyDir",
        ),
        Rule(
            cel=f"!self.name.startsWith('{OWN_VOLUMES}')",
            message=f"names that begin with {OWN_VOLUMES} are taken",
            check=lambda volume: not volume.name.startswith(OWN_VOLUMES),
            field="name",
            remedy="choose another name",
        ),
    )

    name: ObjectName = Field(description="Name of the volume, for volumeMounts.")
    config_map: ConfigMapVolume | None = Field(
        default=None, description="The keys of a ConfigMap as files."
    )
    secret: SecretVolume | None = Field(default=None, description="The keys of a Secret as files.")
    persistent_volume_claim: ClaimVolume | None = Field(
        default=None, description="A volume that a PersistentVolumeClaim asks for."
    )
    empty_dir: EmptyDirVolume | None = Field(
        default=None, description="Scratch space that goes with its pod: {} for the node's disk."
    )


class VolumeMount(ApiModel):
    """Where a volume stands in the workers."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.mountPath != '/' && "
            + " && ".join(
                f"self.mountPath != '{path}' && !self.mountPath.startsWith('{path}/')"
                for path in OWN_PATHS
            ),
            message=f"the folders {' and '.join(OWN_PATHS)} and / are the worker's own",
            check=lambda mount: not _is_own(mount.mount_path),
            field="mountPath",
            remedy="choose another folder, such as /data",
        ),
        Rule(
            cel="!has(self.subPath) || !self.subPath.split('/').exists(part, part == '..')",
            message="subPath can't lead out of the volume",
            check=lambda mount: ".." not in (mount.sub_path or "").split("/"),
            field="subPath",
            remedy="write the path without ..",
        ),
    )

    name: ObjectName = Field(description="Name of one of volumes.")
    mount_path: Annotated[str, Field(min_length=2, max_length=1024, pattern=MOUNT_PATTERN)] = Field(
        description="The folder, such as /data."
    )
    sub_path: Annotated[str, Field(min_length=1, max_length=1024, pattern=SUB_PATTERN)] | None = (
        Field(default=None, description="A path within the volume. Default: all of it.")
    )
    read_only: bool | None = Field(
        default=None, description="true: workers can't write to it. Default: false."
    )


def _is_own(path: str) -> bool:
    return path == "/" or any(path == own or path.startswith(f"{own}/") for own in OWN_PATHS)
