"""DSPex: typed DSPy tasks, warm workers and typed pipelines, on Kubernetes and on a laptop.

The functions of the Python API are found here, and loaded when they are first asked for: importing
this package loads neither DSPy nor a Kubernetes client, nor the engine. docs/python-api.md tells
how they are used.
"""

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dspex.errors import (
        CompileError,
        ConfigurationError,
        Diagnostic,
        DspexError,
        ExpressionError,
        InputError,
        ManifestError,
        PipelineError,
        Reason,
        SignatureError,
        StepError,
        TemplateError,
    )
    from dspex.python.builder import PipelineBuilder, StepOptions, apipeline, pipeline
    from dspex.python.pools import pool
    from dspex.python.predict import (
        achain_of_thought,
        apredict,
        areact,
        chain_of_thought,
        predict,
        react,
    )
    from dspex.python.project import Project, load
    from dspex.python.reference import Reference
    from dspex.python.result import Prediction, Result, RunError
    from dspex.python.run import arun_pipeline, run_pipeline
    from dspex.python.session import ashutdown, configure, shutdown
    from dspex.python.signature import (
        acompile_signature,
        asignature,
        compile_signature,
        signature,
    )
    from dspex.python.template import arender_template, render_template
    from dspex.python.validation import avalidate, validate

__all__ = [
    "CompileError",
    "ConfigurationError",
    "Diagnostic",
    "DspexError",
    "ExpressionError",
    "InputError",
    "ManifestError",
    "PipelineBuilder",
    "PipelineError",
    "Prediction",
    "Project",
    "Reason",
    "Reference",
    "Result",
    "RunError",
    "SignatureError",
    "StepError",
    "StepOptions",
    "TemplateError",
    "__version__",
    "achain_of_thought",
    "acompile_signature",
    "apipeline",
    "apredict",
    "areact",
    "arender_template",
    "arun_pipeline",
    "ashutdown",
    "asignature",
    "avalidate",
    "chain_of_thought",
    "compile_signature",
    "configure",
    "load",
    "pipeline",
    "pool",
    "predict",
    "react",
    "render_template",
    "run_pipeline",
    "shutdown",
    "signature",
    "validate",
]

__version__ = "0.1.0"

_MODULES = {
    "dspex.errors": (
        *("CompileError", "ConfigurationError", "Diagnostic", "DspexError", "ExpressionError"),
        *("InputError", "ManifestError", "PipelineError", "Reason", "SignatureError"),
        *("StepError", "TemplateError"),
    ),
    "dspex.python.builder": ("PipelineBuilder", "StepOptions", "apipeline"),
    "dspex.python.pools": ("pool",),
    "dspex.python.predict": (
        *("achain_of_thought", "apredict", "areact", "chain_of_thought", "predict", "react"),
    ),
    "dspex.python.project": ("Project", "load"),
    "dspex.python.reference": ("Reference",),
    "dspex.python.result": ("Prediction", "Result", "RunError"),
    "dspex.python.run": ("arun_pipeline", "run_pipeline"),
    "dspex.python.session": ("ashutdown", "configure", "shutdown"),
    "dspex.python.signature": (
        *("acompile_signature", "asignature", "compile_signature", "signature"),
    ),
    "dspex.python.template": ("arender_template", "render_template"),
    "dspex.python.validation": ("avalidate", "validate"),
}
"""Where each name is at home."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def _load(module: str, name: str) -> "Any":
    from importlib import import_module

    try:
        home = import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "dspex").partition(".")[0] == "dspex":
            raise
        raise ModuleNotFoundError(
            f"dspex.{name} needs the Python package {error.name}, which is not installed: "
            "pip install 'dspex[cli]'",
            name=error.name,
        ) from None
    return getattr(home, name)


class _Pipelines(ModuleType):
    """The package `dspex.pipeline`, which is also the function `dspex.pipeline()`."""

    def __call__(self, *arguments: "Any", **options: "Any") -> "PipelineBuilder":
        """Begin a pipeline: `dspex.python.builder.pipeline`."""
        made: PipelineBuilder = _load("dspex.python.builder", "pipeline")(*arguments, **options)
        return made


class _Package(ModuleType):
    """This package: the import system's own entry for a subpackage is made callable."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "pipeline" and type(value) is ModuleType:
            value.__class__ = _Pipelines
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load a name of the API when it is first asked for."""
        if name == "pipeline":
            from importlib import import_module

            return import_module("dspex.pipeline")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = _load(_HOMES[name], name)
        return value


def __dir__() -> list[str]:
    """List the API's names beside those that are loaded."""
    return sorted({*globals(), *__all__})
