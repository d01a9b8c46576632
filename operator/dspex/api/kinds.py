"""The registry of kinds: how each is called, and its model."""

import inspect
from dataclasses import dataclass
from typing import Final

from dspex.api.base import API_VERSION, GROUP, VERSION, ApiModel, Resource
from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.api.pipelinerundata import PipelineRunData
from dspex.api.pool import Pool
from dspex.api.signature import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind with its names.

    Attributes:
        name: As `kind:` has it.
        singular: Lower-case name.
        plural: Name in URLs and in `kubectl get`.
        short_names: What kubectl takes instead.
        model: The pydantic model.
    """

    name: str
    singular: str
    plural: str
    short_names: tuple[str, ...]
    model: type[Resource]

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names that the kind goes by, in lower case."""
        return (self.singular, self.plural, *self.short_names)

    @property
    def spec(self) -> type[ApiModel]:
        """The model of spec."""
        return _annotation(self.model, "spec")

    @property
    def status(self) -> type[ApiModel]:
        """The model of status."""
        return _annotation(self.model, "status")

    @property
    def summary(self) -> str:
        """What an object of the kind is, in one sentence."""
        return inspect.cleandoc(self.model.__doc__ or "")


def _annotation(model: type[Resource], field: str) -> type[ApiModel]:
    annotation = model.model_fields[field].annotation
    assert isinstance(annotation, type)  # noqa: S101
    return annotation


def _kind(model: type[Resource], plural: str, *short_names: str) -> Kind:
    return Kind(
        name=model.__name__,
        singular=model.__name__.lower(),
        plural=plural,
        short_names=short_names,
        model=model,
    )


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        _kind(Signature, "signatures", "sig"),
        _kind(Pool, "pools", "dpool"),
        _kind(Pipeline, "pipelines", "dpipe"),
        _kind(PipelineRun, "pipelineruns", "drun"),
        _kind(PipelineRunData, "pipelinerundata", "drundata"),
    )
}
"""The kinds of group dspex.dev by name."""


def find_kind(text: str) -> Kind | None:
    """Find a kind by name, singular, plural or short name, in any case; None if there is none."""
    wanted = text.casefold()
    return next((kind for kind in KINDS.values() if wanted in kind.spellings), None)


__all__ = ["API_VERSION", "GROUP", "KINDS", "VERSION", "Kind", "find_kind"]
