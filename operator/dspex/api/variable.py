"""Environment variables: values, and where they come from."""

from typing import Annotated, ClassVar

from pydantic import Field

from dspex.api.base import ENV_PATTERN, ApiModel, CoreReference, KeyReference
from dspex.api.rule import Rule, exactly_one

OWN_ENV = "DSPEX_"
"""What the names of variables begin with that DSPex itself sets."""


class EnvSource(ApiModel):
    """Where the value of an environment variable comes from."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "secretKeyRef",
            "configMapKeyRef",
            message="give exactly one of secretKeyRef and configMapKeyRef",
        ),
    )

    secret_key_ref: KeyReference | None = Field(
        default=None, description="A key of a Secret in the same namespace."
    )
    config_map_key_ref: KeyReference | None = Field(
        default=None, description="A key of a ConfigMap in the same namespace."
    )


class EnvVar(ApiModel):
    """An environment variable of the workers."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("value", "valueFrom", message="give exactly one of value and valueFrom"),
        Rule(
            cel=f"!self.name.startsWith('{OWN_ENV}')",
            message=f"names that begin with {OWN_ENV} are taken",
            check=lambda variable: not variable.name.startswith(OWN_ENV),
            field="name",
            remedy="choose another name",
        ),
    )

    name: Annotated[str, Field(max_length=253, pattern=ENV_PATTERN)] = Field(
        description=f"Name of the variable. Names that begin with {OWN_ENV} are taken."
    )
    value: Annotated[str, Field(max_length=32768)] | None = Field(
        default=None, description="The value as it stands here; nothing in it is expanded."
    )
    value_from: EnvSource | None = Field(
        default=None, description="Where the value comes from instead."
    )


class EnvFrom(ApiModel):
    """A Secret or ConfigMap all of whose keys become environment variables."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "secretRef", "configMapRef", message="give exactly one of secretRef and configMapRef"
        ),
    )

    prefix: Annotated[str, Field(min_length=1, max_length=253, pattern=ENV_PATTERN)] | None = Field(
        default=None, description="What the variables' names begin with. Default: nothing."
    )
    secret_ref: CoreReference | None = Field(
        default=None, description="A Secret in the same namespace."
    )
    config_map_ref: CoreReference | None = Field(
        default=None, description="A ConfigMap in the same namespace."
    )
