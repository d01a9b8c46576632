"""The step kinds, one file each. A new kind is one file and one line in `KINDS`."""

from typing import Any

from dspex.pipeline.steps.base import Kind
from dspex.pipeline.steps.dspy import DspyKind
from dspex.pipeline.steps.metric import MetricKind
from dspex.pipeline.steps.native import NativeKind
from dspex.pipeline.steps.pipeline_ref import PipelineRefKind
from dspex.pipeline.steps.template import TemplateKind
from dspex.pipeline.steps.transform import TransformKind
from dspex.pipeline.steps.validate import ValidateKind

KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind
    for kind in (
        DspyKind(),
        TemplateKind(),
        ValidateKind(),
        MetricKind(),
        TransformKind(),
        NativeKind(),
        PipelineRefKind(),
    )
}
"""By the field of a step that chooses the kind."""
