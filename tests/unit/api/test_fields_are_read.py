"""No field of a spec is accepted and then ignored: code outside the models reads each."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

import dspex
from dspex.api.amounts import Resources
from dspex.api.constraints import Constraints
from dspex.api.effective import EffectivePool, WorkerModel, WorkerQueue
from dspex.api.kinds import KINDS
from dspex.api.pipelinerundata import PipelineRunDataSpec
from dspex.api.scheduling import Toleration, TopologySpread
from dspex.api.volume import (
    ClaimVolume,
    ConfigMapVolume,
    EmptyDirVolume,
    SecretVolume,
    Volume,
    VolumeMount,
)

OPERATOR = Path(dspex.__file__).parent
WORKER = OPERATOR.parent.parent / "worker-image" / "dspex_worker"

FOR_PEOPLE = {"PipelineSpec.description"}
"""Fields that only tell a person something."""

BY_KIND = {"Step.validate_"}
"""Read by `Step.body`, as all kinds are."""

WHOLE = (
    Constraints,
    PipelineRunDataSpec,
    Resources,
    Toleration,
    TopologySpread,
    Volume,
    VolumeMount,
    ConfigMapVolume,
    SecretVolume,
    ClaimVolume,
    EmptyDirVolume,
)
"""Read as whole mappings: constraints by `constraints_of`; run data is written, never read; what
stands in a pod as it stands here is handed on to it."""


def _models(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in _classes(field.annotation):
            yield from _models(inner, seen)


def _classes(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _classes(part)


def _attributes_read() -> set[str]:
    """Collect every attribute that is read anywhere but where the models are declared."""
    effective = OPERATOR / "api" / "effective.py"
    files = [
        file
        for root in (OPERATOR, WORKER)
        for file in root.rglob("*.py")
        if OPERATOR / "api" not in file.parents
    ]
    return {
        node.attr
        for file in [*files, effective]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
    }


def test_every_field_of_every_spec_is_read_by_code() -> None:
    """A field that nothing reads would be accepted and ignored."""
    read = _attributes_read()
    seen: set[type[BaseModel]] = set()
    unread = [
        f"{model.__name__}.{name}"
        for kind in KINDS.values()
        for model in _models(_classes_of_spec(kind.model), seen)
        if not issubclass(model, WHOLE)
        for name in model.model_fields
        if name not in read
    ]
    assert set(unread) <= FOR_PEOPLE | BY_KIND, unread


def _classes_of_spec(model: type[BaseModel]) -> type[BaseModel]:
    return next(_classes(model.model_fields["spec"].annotation))


def test_every_field_of_a_workers_configuration_is_read_by_the_worker() -> None:
    """What the Pool says reaches the code that acts on it."""
    read = {
        node.attr
        for file in WORKER.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
    }
    # Name, namespace and profile say which Pool it is; their values are filled in already.
    identity = {"namespace", "profile", "profile_version"}
    for model in (EffectivePool, WorkerModel, WorkerQueue):
        assert set(model.model_fields) - read <= identity, model
