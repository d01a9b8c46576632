"""What a step kind is: how it compiles, how one attempt of it runs.

Called by `dspex.pipeline.compile` (`shape`) and by the engine (`execute`). A kind is one file here
and one line in `dspex.pipeline.steps`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from dspex.bridge.dispatch import Dispatcher
from dspex.bridge.protocol import Feedback, Usage
from dspex.native.field import Field
from dspex.native.types import Type
from dspex.pipeline.plan import Fallback

if TYPE_CHECKING:
    from dspex.api.base import ApiModel
    from dspex.pipeline.context import Context


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of what a kind keeps in the plan."""


SpecT = TypeVar("SpecT", bound="ApiModel")
BodyT = TypeVar("BodyT", bound=Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[BodyT]):
    """A compiled step's kind: what it keeps in the plan, takes and gives.

    Attributes:
        body: For the plan.
        inputs: The fields that its inputs must fit; None takes any names and values.
        outputs: The fields of one execution's outputs.
    """

    body: BodyT
    inputs: tuple[Field, ...] | None
    outputs: tuple[Field, ...]


class RunPipeline(Protocol):
    """Runs a sub-pipeline of the plan inside the present run."""

    def __call__(
        self, name: str, inputs: Mapping[str, Any], timeout: float | None
    ) -> Awaitable[Executed]:
        """Run the pipeline `name` for at most `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of one execution.

    Attributes:
        key: run/step/item/attempt, the idempotency key.
        timeout: Seconds that are left for it; None: no bound.
        strict: Whether outputs must have their types exactly.
        fallback: The alternative that is tried, None for the step itself.
        feedback: What was wrong about former answers.
        dispatcher: The way to the workers.
        run_pipeline: The way to sub-pipelines.
    """

    key: str
    timeout: float | None
    strict: bool
    fallback: Fallback | None
    feedback: Sequence[Feedback]
    dispatcher: Dispatcher
    run_pipeline: RunPipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What an attempt gave."""

    outputs: Mapping[str, Any]
    usage: Usage = field(default_factory=Usage)
    pool: str = ""
    worker: str = ""


class Kind(ABC, Generic[SpecT, BodyT]):
    """A step kind; its instances hold no state.

    Attributes:
        name: The field of a step that chooses it.
        body_type: The struct that it keeps in the plan.
        nests: Whether it runs a sub-pipeline, which then minds timeout, Stop and concurrency.
    """

    name: ClassVar[str]
    body_type: type[BodyT]
    nests: ClassVar[bool] = False

    @abstractmethod
    def shape(
        self, spec: SpecT, inputs: Mapping[str, Type], context: Context
    ) -> Shape[BodyT] | None:
        """Compile what is the kind's own; report findings to `context`, return None on an error.

        Args:
            spec: The step's field of the kind's name, as written.
            inputs: Static type of each of its inputs.
            context: The place of `spec`: reports, and other objects by name.
        """

    @abstractmethod
    async def execute(self, body: BodyT, inputs: Mapping[str, Any], attempt: Attempt) -> Executed:
        """Run one attempt on validated inputs in wire form.

        Raises:
            StepError: The attempt failed.
        """
