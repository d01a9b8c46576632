"""The manifests that `dspex new` writes: task, pool, pipeline and run, ready to be tried."""

import json
from typing import Any, Final

from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.types import (
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    ObjectType,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
    without_none,
)

_HEAD: Final = """\
# {title}
#
#   try it     dspex run -f {name}.yaml
#   check it   dspex lint -f {name}.yaml
#   draw it    dspex graph -f {name}.yaml
#
# The same file runs in a cluster with DSPex: kubectl apply -f {name}.yaml
"""

_SIGNATURE: Final = """\
---
# The task: typed inputs and outputs, and what to do.
apiVersion: dspex.dev/v1alpha1
kind: Signature
metadata: {{name: {name}}}
spec:
  signature: {signature}
  instructions: {instructions}
  # Constraints for single fields, checked on every answer:
  # fields:
  # - {{name: {output}, description: what it means{constraint}}}
"""

_POOL: Final = """\
---
# Who does it: warm workers with one model.
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {{name: {name}}}
spec:
  model:
    embedded: true   # a small model inside the worker: no key, no network; for trying things out
  # A real one:
  # model:
  #   name: openai/gpt-4o-mini
  #   apiKeySecretRef: {{name: llm, key: api-key}}   # here: --secret llm/api-key=env:OPENAI_API_KEY
  # replicas: 2
"""

_PIPELINE: Final = """\
---
# How: a typed graph of steps. Steps that nothing ties run at the same time.
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}}}
spec:
  inputs:
{inputs}
  steps:
  - name: predict
    dspy: {{module: Predict, signatureRef: {{name: {name}}}, poolRef: {{name: {name}}}}}
    inputs:
{values}
    retry: {{attempts: 3}}   # an answer of the wrong type is shown to the model and asked for again
  # A step that reads another's output waits for it:
  # - name: report
  #   template: {{source: "got {{{{ value }}}}"}}
  #   inputs: {{value: $(steps.predict.outputs.{output})}}
  outputs:
{outputs}
"""

_RUN: Final = """\
---
# One execution. `dspex run --input name=value` overrides its inputs.
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata: {{name: {name}-1}}
spec:
  pipelineRef: {{name: {name}}}
  inputs:
{inputs}
"""


def starter(name: str, signature: Signature) -> str:
    """Return the manifests for a task as YAML with comments.

    Args:
        name: Name of all objects; a valid object name.
        signature: The task.
    """
    output = signature.outputs[0]
    parts = [
        _HEAD.format(name=name, title=f"{name}: {_summary(signature)}"),
        _SIGNATURE.format(
            name=name,
            signature=_quoted(signature.text),
            instructions=_quoted(signature.effective_instructions),
            output=output.name,
            constraint=", maxLength: 200" if str(output.type) == "str" else "",
        ),
        _POOL.format(name=name),
        _PIPELINE.format(
            name=name,
            inputs=_lines(
                f"  - {{name: {f.name}, type: {_quoted(str(_given(f.type)))}}}"
                for f in signature.inputs
            ),
            values=_lines(f"      {f.name}: $(inputs.{f.name})" for f in signature.inputs),
            outputs=_lines(_pipeline_output(each) for each in signature.outputs),
            output=output.name,
        ),
        _RUN.format(
            name=name,
            inputs=_lines(
                f"    {f.name}: {json.dumps(sample(_given(f.type), f.name), ensure_ascii=False)}"
                for f in signature.inputs
            ),
        ),
    ]
    return "".join(parts)


def sample(type_: Type, name: str) -> Any:
    """Return a value of a type in wire form, to begin with."""
    match type_:
        case LiteralOf(values):
            return values[0]
        case UnionOf(options):
            return sample(options[0], name)
        case ListOf(item) | SetOf(item):
            return [sample(item, name)]
        case TupleOf(items, variadic):
            return [sample(item, name) for item in items[: 1 if variadic else None]]
        case DictOf(key, value):
            return {str(sample(key, name)): sample(value, name)}
        case ObjectType():
            return {"key": "value"}
        case AnyType():
            return "anything"
        case Media(kind):
            return _MEDIA[kind]
    return _SCALARS.get(str(type_), f"Put your {name.replace('_', ' ')} here.")


_SCALARS: Final[dict[str, Any]] = {
    "int": 1,
    "float": 0.5,
    "bool": True,
    "bytes": "aGVsbG8=",
    "date": "2026-11-22",
    "datetime": "2026-11-22T20:57:00Z",
    "None": None,
}
_MEDIA: Final[dict[str, Any]] = {
    "Image": {"url": "https://example.com/picture.png"},
    "Audio": {"data": "UklGRg==", "audio_format": "wav"},
    "File": {"file_id": "file-1"},
    "History": {"messages": []},
    "Tool": {"name": "search"},
}


def _given(type_: Type) -> Type:
    """Return the type of a pipeline input that feeds an input of the task.

    Without None: a step that reads an absent value is skipped, and with it the only output.
    """
    return without_none(type_)


def _pipeline_output(field: Field) -> str:
    return (
        f"  - {{name: {field.name}, type: {_quoted(str(field.type))}, "
        f"value: $(steps.predict.outputs.{field.name})}}"
    )


def _summary(signature: Signature) -> str:
    inputs = ", ".join(field.name for field in signature.inputs)
    outputs = ", ".join(field.name for field in signature.outputs)
    return f"from {inputs} to {outputs}"


def _quoted(text: str) -> str:
    """Return a text as a YAML scalar that stands for exactly itself, on one line."""
    return json.dumps(text, ensure_ascii=False)


def _lines(lines: Any) -> str:
    return "\n".join(lines)
