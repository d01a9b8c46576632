"""`dspex.pipeline`: a Pipeline built in Python, which writes its manifests."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

from dspex.api.names import MAX_NAME
from dspex.api.pipeline import PipelineInput, PipelineOutput, PipelineSpec
from dspex.api.pool import Pool
from dspex.api.step import Step
from dspex.cli.checks import check
from dspex.errors import (
    ConfigurationError,
    Diagnostic,
    ManifestError,
    join_path,
)
from dspex.manifests import Manifests
from dspex.manifests.write import write_documents
from dspex.native.signatures import CompiledSignature, Signature
from dspex.python.manifest_form import manifest_form
from dspex.python.objects import make_object, read_objects
from dspex.python.places import all_in_python
from dspex.python.pools import PoolLike, read_pool
from dspex.python.reference import Reference, step_name
from dspex.python.session import session
from dspex.python.signature import (
    SignatureLike,
    compile_signature,
    is_inline,
    signature_spec,
)
from dspex.python.tools import ToolLike, with_tools
from dspex.python.type_text import TypeLike, type_text
from dspex.python.work import compile_plan, duration

Value: TypeAlias = Any
"""JSON of any depth, with references and texts that hold expressions in `$( )`."""


class StepOptions(TypedDict, total=False):
    """What every step may have; the names are those of the manifests in snake_case.

    Attributes:
        inputs: Values by input name.
        after: Steps that must have ended first.
        if_: Condition; where it is false, the step is skipped.
        for_each: The list, or `{"items": …, "concurrency": …, "max_items": …, "max_failures": …}`.
        repeat: `{"until": …, "max_iterations": …}`.
        timeout: The longest that one attempt may take: seconds, or a duration such as `30s`.
        retry: Attempts in all, or `{"attempts": …, "initial_delay": …, …}`.
        fallback: What is tried where all attempts failed, in order.
        on_error: What a failed step does to its run.
        default: The outputs for `on_error="Default"`, by name.
        validation: How outputs are made to fit their types.
        finally_: Whether it runs when all others have ended, however they did.
    """

    inputs: Mapping[str, Value]
    after: Sequence[str | Reference]
    if_: str | Reference
    for_each: str | Reference | Mapping[str, Value]
    repeat: Mapping[str, Value]
    timeout: float | str
    retry: int | Mapping[str, Any]
    fallback: Sequence[Mapping[str, Any]]
    on_error: Literal["Fail", "Continue", "Default"]
    default: Mapping[str, Value]
    validation: Literal["Coerce", "Strict"]
    finally_: bool


class PipelineBuilder:
    """A Pipeline under construction; `dspex.run_pipeline` runs it, `write` writes its manifests.

    Attributes:
        name: The Pipeline's name.
        inputs: Leads to the inputs: `p.inputs.message`.
        steps: Leads to the steps: `p.steps.triage.outputs.topic`, `p.steps.triage.state`.
        run: Leads to the run: `p.run.name`.
        item: Under `for_each` the present item.
        index: Under `for_each` its 0-based position.
    """

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        self.name = name
        self.inputs = Reference("inputs")
        self.steps = Reference("steps")
        self.run = Reference("run")
        self.item = Reference("item")
        self.index = Reference("index")
        self._spec = dict(spec)
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []
        self._steps: list[dict[str, Any]] = []
        self._finally: list[dict[str, Any]] = []
        self._signatures: dict[str, Signature] = {}
        self._pools: list[tuple[Pool, tuple[ToolLike, ...]]] = []
        self._below: list[PipelineBuilder] = []

    def input(
        self,
        name: str,
        type: TypeLike = "str",  # noqa: A002 -- the manifest's name
        *,
        description: str = "",
        sensitive: bool = False,
        **more: Any,
    ) -> Reference:
        """Add an input and return the reference to it.

        Args:
            name: Its name.
            type: Its type, as a text in a signature's spelling or as Python's own
                (`list[str]`, `Literal["a", "b"]`).
            description: What it holds, in words.
            sensitive: Whether its value may be shown nowhere.
            more: `default`, and constraints in snake_case (`max_length`, `minimum`, …).

        Raises:
            InputError: Something about it is wrong.
        """
        given: dict[str, Any] = {"name": name, "type": type_text(type), **more}
        if description:
            given["description"] = description
        if sensitive:
            given["sensitive"] = True
        self._add("inputs", self._inputs, manifest_form(given, PipelineInput))
        return Reference(f"inputs.{name}")

    def output(
        self,
        name: str,
        value: Value,
        type: TypeLike = "str",  # noqa: A002 -- the manifest's name
    ) -> None:
        """Add an output.

        Args:
            name: Its name.
            value: A reference, a text with expressions, or JSON that holds them at any depth.
            type: Its type, which the value must fit.

        Raises:
            InputError: Something about it is wrong.
        """
        given = {"name": name, "type": type_text(type), "value": value}
        self._add("outputs", self._outputs, manifest_form(given, PipelineOutput))

    def step(
        self,
        name: str,
        *,
        template: str | Mapping[str, Any] | None = None,
        validate: SignatureLike | Mapping[str, Any] | None = None,
        metric: str | None = None,
        transform: str | None = None,
        native: str | None = None,
        pipeline: "PipelineBuilder | None" = None,
        config: Mapping[str, Any] | None = None,
        dspy: Mapping[str, Any] | None = None,
        **options: Unpack[StepOptions],
    ) -> Reference:
        """Add a step of any kind and return the reference to it; give exactly one kind.

        Args:
            name: Its name, unique in the pipeline.
            template: Source of a Jinja template; or `{"source_from": …}`.
            validate: A signature, or a JSON Schema as a mapping.
            metric: Name of a metric.
            transform: Name of a transform.
            native: Name of a plug-in's operation.
            pipeline: Another pipeline, which is run as this step.
            config: Options of metric, transform or native.
            dspy: The fields of a dspy step as the manifest has them, for what `predict`,
                `chain_of_thought` and `react` do not say.
            options: Inputs, order and policies: `StepOptions`.

        Raises:
            InputError: With everything that is wrong about it.
        """
        kinds: dict[str, Any] = {
            "template": {"source": template} if isinstance(template, str) else template,
            "metric": None if metric is None else {"name": metric},
            "transform": None if transform is None else {"name": transform},
            "native": None if native is None else {"operation": native},
            "pipeline_ref": None if pipeline is None else {"name": pipeline.name},
            "dspy": dspy,
        }
        body = {kind: value for kind, value in kinds.items() if value is not None}
        for kind in ("metric", "transform", "native"):
            if config is not None and kind in body:
                body[kind]["config"] = config
        with self._all_or_nothing():
            if validate is not None:
                body["validate"] = self._validate(name, validate)
            added = self._add_step(name, body, options)
        if pipeline is not None:
            self._below.append(pipeline)
        return added

    def predict(
        self,
        name: str,
        signature: SignatureLike,
        *,
        pool: PoolLike | None = None,
        module: str = "Predict",
        demos: Sequence[Mapping[str, Any]] = (),
        config: Mapping[str, Any] | None = None,
        **options: Unpack[StepOptions],
    ) -> Reference:
        """Add a step that asks a model for the outputs of a signature.

        Args:
            name: The step's name.
            signature: The task.
            pool: Whose workers do it; None: the default Pool.
            module: Predict, or the dotted path of a `dspy.Module` that the Pool allows.
            demos: Examples that the model is shown, values by field name.
            config: Parameters of the model calls, such as `{"temperature": 0}`.
            options: Inputs, order and policies: `StepOptions`.

        Raises:
            InputError: With everything that is wrong about it.
        """
        body = {"module": module, "demos": demos, "config": config}
        return self._add_dspy(name, signature, body, pool, (), options)

    def chain_of_thought(
        self,
        name: str,
        signature: SignatureLike,
        *,
        pool: PoolLike | None = None,
        demos: Sequence[Mapping[str, Any]] = (),
        config: Mapping[str, Any] | None = None,
        **options: Unpack[StepOptions],
    ) -> Reference:
        """As `predict`, with a model that reasons first: adds the output `reasoning`."""
        body = {"module": "ChainOfThought", "demos": demos, "config": config}
        return self._add_dspy(name, signature, body, pool, (), options)

    def react(
        self,
        name: str,
        signature: SignatureLike,
        *,
        tools: Sequence[ToolLike],
        pool: PoolLike | None = None,
        demos: Sequence[Mapping[str, Any]] = (),
        config: Mapping[str, Any] | None = None,
        **options: Unpack[StepOptions],
    ) -> Reference:
        """As `predict`, with a model that may call tools: adds the output `trajectory`.

        Args:
            name: The step's name.
            signature: The task.
            tools: Names of the Pool's tools, or functions of importable modules.
            pool: Whose workers do it; None: the default Pool.
            demos: Examples that the model is shown.
            config: Parameters of the model calls; `max_iters` bounds the turns.
            options: Inputs, order and policies: `StepOptions`.

        Raises:
            InputError: With everything that is wrong about it.
        """
        body = {"module": "ReAct", "demos": demos, "config": config}
        return self._add_dspy(name, signature, body, pool, tools, options)

    def to_manifests(self) -> list[dict[str, Any]]:
        """Return all objects that the pipeline needs, itself last, as manifests hold them.

        Raises:
            InputError: Two different objects have one name, or the pipeline has no steps.
        """
        objects = self._objects()
        read_objects(objects)
        return objects

    def to_yaml(self) -> str:
        """Return the objects as YAML, as `write` writes it.

        Raises:
            InputError: As `to_manifests`.
        """
        return write_documents(self.to_manifests())

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the manifests, which `dspex run` and `kubectl apply` take, and return the file.

        Args:
            path: A folder, in which `NAME.yaml` is written, or a file that ends in `.yaml` or
                `.yml`.
            overwrite: Whether a file with another content may be replaced.

        Raises:
            ConfigurationError: There is another file already, or it can't be written.
            InputError: As `to_manifests`.
        """
        text = self.to_yaml()
        target = Path(path)
        file = target if target.suffix in (".yaml", ".yml") else target / f"{self.name}.yaml"
        try:
            if not overwrite and file.exists() and file.read_bytes() != text.encode():
                raise _no_file("FileExists", f"{file} is there already, with another content")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise _no_file("NotWritable", f"{file} can't be written: {error.strerror}") from error
        return file

    def manifests(self) -> Manifests:
        """Return the objects as they are read from the written file.

        Raises:
            InputError: As `to_manifests`.
        """
        return read_objects(self._objects())

    def check(self) -> tuple[Diagnostic, ...]:
        """Return all that `dspex lint` finds; errors and warnings.

        Raises:
            InputError: As `to_manifests`.
        """
        return all_in_python(check(self.manifests()))

    @property
    def digest(self) -> str:
        """The compiled plan's digest, which a cluster shows as the Pipeline's `status.digest`."""
        return compile_plan(self.manifests(), self.name).digest

    def __repr__(self) -> str:
        count = len(self._steps) + len(self._finally)
        return f"<pipeline {self.name}: {count} step{'' if count == 1 else 's'}>"

    def _add_dspy(
        self,
        name: str,
        signature: SignatureLike,
        body: dict[str, Any],
        pool: PoolLike | None,
        tools: Sequence[ToolLike],
        options: StepOptions,
    ) -> Reference:
        chosen = session().default_pool() if pool is None else read_pool(pool)
        names, _ = with_tools(chosen, tools)
        given = {key: value for key, value in body.items() if value}
        if names:
            given["tools"] = names
        given["pool_ref"] = {"name": chosen.name}
        with self._all_or_nothing():
            given |= self._signature(name, signature)
            added = self._add_step(name, {"dspy": given}, options)
        self._pools.append((chosen, tuple(tools)))
        return added

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Take a Signature back whose step is refused."""
        before = dict(self._signatures)
        try:
            yield
        except BaseException:
            self._signatures = before
            raise

    def _add_step(self, name: str, body: Mapping[str, Any], options: StepOptions) -> Reference:
        given: dict[str, Any] = {"name": name, **body, **_policies(options)}
        late = bool(given.pop("finally_", False))
        written = manifest_form(given, Step)
        if late:
            self._add("finally", self._finally, written)
        else:
            self._add("steps", self._steps, written)
        return Reference(f"steps.{name}")

    def _add(self, field: str, entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        """Add an entry of the spec, if it is right by itself and the first of its name."""
        spec = {"steps": [_ANY_STEP], field: [entry]}
        try:
            read_objects([make_object("Pipeline", self.name, spec)])
        except ManifestError as error:
            raise ManifestError(
                *(_of_entry(each, field, entry) for each in error.diagnostics)
            ) from None
        if any(each["name"] == entry["name"] for each in entries):
            raise ConfigurationError(
                Diagnostic(
                    code="DuplicateName",
                    message=f"there is one of the name {entry['name']!r} already",
                    remedy="choose another name, or begin the pipeline anew",
                    file=field,
                    path=str(entry["name"]),
                )
            )
        entries.append(entry)

    def _signature(self, step: str, given: SignatureLike) -> dict[str, Any]:
        """Return the fields by which a dspy step names a signature."""
        if isinstance(given, str):
            return {"signature": given}
        signature = given.signature if isinstance(given, CompiledSignature) else given
        if is_inline(signature):
            return {"signature": signature.text}
        return {"signature_ref": {"name": self._named(step, signature)}}

    def _validate(self, step: str, given: SignatureLike | Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(given, Mapping):
            return {"schema": given}
        if isinstance(given, str):
            given = compile_signature(given)
        signature = given.signature if isinstance(given, CompiledSignature) else given
        return {"signature_ref": {"name": self._named(step, signature)}}

    def _named(self, step: str, signature: Signature) -> str:
        """Return the name of the object that a signature becomes; equal ones are the same."""
        for name, known in self._signatures.items():
            if known == signature:
                return name
        words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<!^)([A-Z])", r"-\1", step).lower())
        name = f"{self.name}-{words.strip('-')}"[:MAX_NAME].rstrip("-")
        if name in self._signatures:
            digest = signature.digest.removeprefix("sha256:")[:8]
            name = f"{name[: MAX_NAME - 9].rstrip('-')}-{digest}"
        self._signatures[name] = signature
        return name

    def _objects(self) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for each in self._own_objects([]):
            key = (each["kind"], each["metadata"]["name"])
            if found.setdefault(key, each) != each:
                raise ConfigurationError(
                    Diagnostic(
                        code="DuplicateObject",
                        message=f"there are two different objects {key[0]}/{key[1]}",
                        remedy="give each a name of its own",
                        subject=f"Pipeline/{self.name}",
                    )
                )
        return list(found.values())

    def _own_objects(self, outer: "list[PipelineBuilder]") -> list[dict[str, Any]]:
        """Return the objects of this pipeline and of those below it, itself last.

        Args:
            outer: Those around it: in a cycle, which the compiler reports, it is one of them.
        """
        below = [
            each
            for builder in self._below
            if builder not in (*outer, self)
            for each in builder._own_objects([*outer, self])
        ]
        signatures = [
            make_object("Signature", name, signature_spec(signature))
            for name, signature in self._signatures.items()
        ]
        pools = [
            make_object("Pool", pool.name, pool.spec.to_json()) for pool in self._whole_pools()
        ]
        return [*signatures, *pools, *below, make_object("Pipeline", self.name, self._whole_spec())]

    def _whole_pools(self) -> list[Pool]:
        """Return the steps' Pools, each with the tools that any step has brought."""
        tools: dict[str, list[ToolLike]] = {}
        for pool, brought in self._pools:
            tools.setdefault(pool.name, []).extend(brought)
        return [with_tools(pool, tools[pool.name])[1] for pool, _ in self._pools]

    def _whole_spec(self) -> dict[str, Any]:
        parts = {
            "inputs": self._inputs,
            "steps": self._steps,
            "finally": self._finally,
            "outputs": self._outputs,
        }
        return {**self._spec, **{name: list(part) for name, part in parts.items() if part}}


def pipeline(name: str, *, description: str = "", **spec: Any) -> PipelineBuilder:
    """Begin a pipeline.

    Args:
        name: Its name: lower-case letters, digits and -.
        description: What it does, in words.
        spec: Further fields of a Pipeline's spec in snake_case, such as `concurrency=4`,
            `timeouts={"total": "5m"}` or `defaults={"retry": {"attempts": 3}}`.

    Raises:
        InputError: Name or spec is wrong.
    """
    given = {"description": description, **spec} if description else spec
    written = manifest_form(given, PipelineSpec)
    read_objects([make_object("Pipeline", name, {"steps": [_ANY_STEP], **written})])
    return PipelineBuilder(name, written)


async def apipeline(name: str, *, description: str = "", **spec: Any) -> PipelineBuilder:
    """As `pipeline`, which needs no loop; for code that awaits every call."""
    return pipeline(name, description=description, **spec)


_ANY_STEP = {"name": "placeholder", "template": {"source": ""}}
"""A step that is right, for parts that are read without their pipeline."""


def _policies(options: StepOptions) -> dict[str, Any]:
    """Return options in the manifest's shapes: short forms written out."""
    given: dict[str, Any] = dict(options)
    if "after" in given:
        given["after"] = [step_name(each) for each in given["after"]]
    if "for_each" in given and not isinstance(given["for_each"], Mapping):
        given["for_each"] = {"items": given["for_each"]}
    if "retry" in given and not isinstance(given["retry"], Mapping):
        given["retry"] = {"attempts": given["retry"]}
    if "timeout" in given:
        given["timeout"] = duration(given["timeout"])
    if "default" in given:
        given["default"] = {"outputs": given["default"]}
    return given


def _of_entry(finding: Diagnostic, field: str, entry: Mapping[str, Any]) -> Diagnostic:
    """Say of a finding about one entry which it is: by name, in place of a position."""
    path = (finding.path or "").removeprefix(f"spec.{field}[0]").removeprefix(".")
    name = str(entry.get("name"))
    return dataclasses.replace(
        finding, subject=None, file=field, path=join_path(name, path or None)
    )


def _no_file(code: str, message: str) -> ConfigurationError:
    remedy = "write to another place, or with overwrite=True" if code == "FileExists" else None
    return ConfigurationError(Diagnostic(code=code, message=message, remedy=remedy))
