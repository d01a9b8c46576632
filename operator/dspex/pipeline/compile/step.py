"""Compiles one step."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dspex.api import step as step_api
from dspex.api.pipeline import StepDefaults
from dspex.errors import nearest
from dspex.native.expressions import CompiledValue, Scope, Variable
from dspex.native.field import MISSING, Field
from dspex.native.signatures.wire_form import fields_to_wire
from dspex.native.types import ANY, INT, Type
from dspex.pipeline import scope
from dspex.pipeline.compile import policies
from dspex.pipeline.compile.typed import check_fits, compile_at, compile_whole
from dspex.pipeline.context import Context, Findings
from dspex.pipeline.plan import Fallback, Step
from dspex.pipeline.steps import KINDS
from dspex.pipeline.steps.base import Shape
from dspex.pipeline.steps.dspy import compile_fallback


class StepCompiler:
    """Compiles one step whose dependencies are compiled."""

    def __init__(
        self,
        spec: step_api.Step,
        context: Context,
        variables: Mapping[str, Variable],
        defaults: StepDefaults | None,
        pools: set[str],
    ) -> None:
        """Make ready.

        Args:
            spec: As written.
            context: The step's place, `spec.steps[2]`.
            variables: What its expressions may read outside of forEach and repeat.
            defaults: The pipeline's.
            pools: Takes in the names of the Pools that it may call.
        """
        self._spec = spec
        self._context = context
        self._variables = variables
        self._defaults = defaults or StepDefaults()
        self._pools = pools
        self._kind = KINDS[spec.kind]

    def compile(self, needs: list[str]) -> Step | None:
        """Return the planned step; None where an error or a missing reference is in its way."""
        spec, context = self._spec, self._context
        before = len(context.findings.diagnostics)
        outer = Scope(self._variables)
        condition = self._condition(outer)
        items = self._items(outer)
        inner = self._inner(items)
        values = self._inputs(Scope(inner))
        if values is None:
            return None
        types = {name: value.type for name, value in values.items()}
        shape = self._kind.shape(spec.body, types, context.at(self._kind.name))
        if shape is None:
            return None
        strict = policies.strict(spec, self._defaults)
        if shape.inputs is not None:
            self._check_inputs(values, shape.inputs, strict=strict)
        until = self._until(inner, shape.outputs)
        self._warn_own_reads(values)
        # After the last iteration of a repeat there is no present one to speak of.
        seen = self._variables if spec.repeat is not None else inner
        self._check_default(Scope(seen), shape.outputs, strict=strict)
        fallback = self._fallback(shape, strict=strict)
        self._note_pools(shape, fallback)
        if context.findings.failed_since(before):
            return None
        on_error = policies.on_error(spec, self._defaults)
        reads = [each for each in (condition, items, until, *values.values()) if each is not None]
        return Step(
            name=spec.name,
            kind=self._kind.name,
            body=_builtins(shape.body),
            needs=needs,
            inputs=dict(spec.inputs or {}),
            input_fields=None if shape.inputs is None else fields_to_wire(shape.inputs),
            output_fields=fields_to_wire(shape.outputs),
            condition=spec.if_,
            for_each=policies.for_each(spec, on_error),
            repeat=policies.repeat(spec),
            timeout=policies.timeout(spec, self._defaults),
            retry=policies.retry(spec, self._defaults),
            fallback=fallback,
            on_error=on_error,
            default=dict(spec.default.outputs) if spec.default else None,
            strict=strict,
            may_be_absent=self._may_be_absent(condition, reads, on_error),
        )

    # expressions

    def _condition(self, outer: Scope) -> CompiledValue | None:
        if self._spec.if_ is None:
            return None
        return compile_whole(self._spec.if_, outer, self._context, "if", expected="bool")

    def _items(self, outer: Scope) -> CompiledValue | None:
        spec = self._spec
        if spec.for_each is None:
            return None
        if spec.repeat is not None:
            self._context.error(
                "ForEachWithRepeat",
                "a step can't have both forEach and repeat",
                path="repeat",
                remedy="put the repeated step into a pipeline of its own, and run that by "
                "pipelineRef under forEach",
            )
        return compile_whole(
            spec.for_each.items, outer, self._context, "forEach.items", expected="list"
        )

    def _inner(self, items: CompiledValue | None) -> dict[str, Variable]:
        """Declare what inputs may read: also item and index, or the iteration before."""
        inner = dict(self._variables)
        if self._spec.for_each is not None:
            inner |= scope.item_variables(items.type if items is not None else ANY)
        if self._spec.repeat is not None:
            inner[scope.INDEX] = scope.variable(INT)
            # The kind's findings come when it is asked again, with the inputs' real types.
            aside = dataclasses.replace(self._context, findings=Findings())
            shape = self._kind.shape(
                self._spec.body, dict.fromkeys(self._spec.inputs or {}, ANY), aside
            )
            if shape is not None:
                inner |= scope.own_variables(self._spec.name, shape.outputs, first=True)
        return inner

    def _inputs(self, inner: Scope) -> dict[str, CompiledValue] | None:
        """Compile the inputs; None where one can't be."""
        compiled = {
            name: compile_at(value, inner, self._context, f"inputs.{name}")
            for name, value in (self._spec.inputs or {}).items()
        }
        whole = {name: value for name, value in compiled.items() if value is not None}
        return whole if len(whole) == len(compiled) else None

    def _until(
        self, inner: Mapping[str, Variable], outputs: Sequence[Field]
    ) -> CompiledValue | None:
        repeat = self._spec.repeat
        if repeat is None:
            return None
        own = scope.own_variables(self._spec.name, outputs, first=False)
        return compile_whole(
            repeat.until,
            Scope({**inner, **own}),
            self._context,
            "repeat.until",
            expected="bool",
        )

    def _warn_own_reads(self, values: Mapping[str, CompiledValue]) -> None:
        """Report inputs that read the iteration before, which the first one has not."""
        for name, value in values.items():
            own = [read for read in value.unhandled if read.startswith(f"steps.{self._spec.name}.")]
            if own:
                self._context.warn(
                    "UnreachableStep",
                    f"the step {self._spec.name} never runs: its first iteration has no "
                    f"{min(own)} to read",
                    path=f"inputs.{name}",
                    remedy=f"write $(coalesce({min(own)}, …)) with what the first one takes",
                )

    # checks

    def _check_inputs(
        self, values: Mapping[str, CompiledValue], fields: Sequence[Field], *, strict: bool
    ) -> None:
        known = {field.name: field for field in fields}
        raw = self._spec.inputs or {}
        for name, value in values.items():
            if name in known:
                path = f"inputs.{name}"
                check_fits(value, raw[name], known[name], self._context, path, strict=strict)
                continue
            near = nearest(name, known)
            self._context.error(
                "UnknownInput",
                f"the step takes no input {name}",
                path=f"inputs.{name}",
                expected=f"one of {', '.join(known)}" if known else "no inputs",
                remedy=f"did you mean {near}?" if near else "take it out",
            )
        for name, field in known.items():
            if name not in values and field.default is MISSING and not _takes_none(field.type):
                self._context.error(
                    "MissingInput",
                    f"the step needs the input {name}: {field.type}",
                    path="inputs",
                    remedy=f"add {name} to the step's inputs, such as {name}: $(inputs.{name})",
                )

    def _check_default(self, inner: Scope, outputs: Sequence[Field], *, strict: bool) -> None:
        default = self._spec.default
        if default is None:
            return
        path = "default.outputs"
        compiled = compile_at(dict(default.outputs), inner, self._context, path)
        if compiled is None:
            return
        if compiled.unhandled:
            self._context.error(
                "MayBeAbsent",
                f"it reads {', '.join(sorted(compiled.unhandled))}, which may be absent",
                path=path,
                remedy="write coalesce() with what stands in for it",
            )
        self._check_given(default.outputs, outputs, inner, path, strict=strict)

    def _check_given(
        self,
        given: Mapping[str, Any],
        outputs: Sequence[Field],
        inner: Scope,
        path: str,
        *,
        strict: bool,
    ) -> None:
        """Check outputs that stand in for the step's own: all of them, each of its type."""
        known = {field.name: field for field in outputs}
        for name, raw in given.items():
            if name not in known:
                near = nearest(name, known)
                self._context.error(
                    "UnknownOutput",
                    f"the step has no output {name}",
                    path=f"{path}.{name}",
                    expected=f"one of {', '.join(known)}",
                    remedy=f"did you mean {near}?" if near else "take it out",
                )
                continue
            value = compile_at(raw, inner, self._context, f"{path}.{name}")
            if value is not None:
                place = f"{path}.{name}"
                check_fits(value, raw, known[name], self._context, place, strict=strict)
        for name, field in known.items():
            if name not in given and not _takes_none(field.type):
                self._context.error(
                    "MissingOutput",
                    f"{path} lacks {name}: {field.type}",
                    path=path,
                    remedy=f"add {name}",
                )

    def _fallback(self, shape: Shape[Any], *, strict: bool) -> list[Fallback]:
        compiled: list[Fallback] = []
        for number, fallback in enumerate(self._spec.fallback):
            if fallback.outputs is not None:
                compiled.append(self._constant_fallback(number, fallback, shape, strict=strict))
            elif self._spec.dspy is not None:
                context = self._context.at(f"fallback[{number}]")
                compiled.append(compile_fallback(self._spec.dspy, fallback, shape.outputs, context))
        return compiled

    def _constant_fallback(
        self, number: int, fallback: step_api.Fallback, shape: Shape[Any], *, strict: bool
    ) -> Fallback:
        path = f"fallback[{number}].outputs"
        given = dict(fallback.outputs or {})
        value = compile_at(given, Scope({}), self._context, path)
        if value is None:
            return Fallback()
        if not value.constant:
            self._context.error(
                "ExpressionInFallback",
                "a fallback's outputs are constants",
                path=path,
                remedy="write $$( for a literal $(; for an expression use onError: Default with "
                "default.outputs",
            )
            return Fallback()
        outputs = value.evaluate({})
        self._check_given(outputs, shape.outputs, Scope({}), path, strict=strict)
        return Fallback(outputs=outputs)

    # the rest

    def _note_pools(self, shape: Shape[Any], fallback: Sequence[Fallback]) -> None:
        own = getattr(shape.body, "pool", None)
        others = [each.pool for each in fallback]
        self._pools.update(name for name in (own, *others) if name is not None)

    def _may_be_absent(
        self, condition: CompiledValue | None, reads: Sequence[CompiledValue], on_error: str
    ) -> bool:
        if condition is not None or on_error == "Continue":
            return True
        return any(
            name.startswith(("inputs.", "steps.")) for value in reads for name in value.unhandled
        )


def _takes_none(type_: Type) -> bool:
    return scope.may_be_none(type_)


def _builtins(body: Any) -> dict[str, Any]:
    return dict(msgspec.to_builtins(body))
