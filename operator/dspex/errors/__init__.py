"""One tree of errors, and the diagnostics that bad input is reported with.

    DspexError
    ├── InputError               what a person wrote is wrong; carries diagnostics with positions
    │   ├── ManifestError        a YAML document, or a field of a kind
    │   ├── SignatureError       a signature string or a field of one
    │   ├── ExpressionError      a CEL expression in $( )
    │   ├── TemplateError        a template's source
    │   ├── CompileError         a pipeline that can't be compiled to a plan
    │   └── ConfigurationError   a flag, an environment variable, a secret that is missing
    ├── StepError                one attempt of a step failed; carries a Reason
    │   ├── NativeError          … in the native engine
    │   └── PythonError          … in a worker; carries error class and traceback
    └── PipelineError            a run ended without success; carries every step's error

Everything below `InputError` is a user's mistake and is printed without a traceback.
"""

from dspex.errors.condition import ConditionReason
from dspex.errors.diagnostic import Diagnostic, Severity, join_path, nearest
from dspex.errors.reason import Reason
from dspex.errors.tree import (
    CompileError,
    ConfigurationError,
    DspexError,
    ExpressionError,
    InputError,
    ManifestError,
    NativeError,
    PipelineError,
    PythonError,
    SignatureError,
    StepError,
    TemplateError,
)

__all__ = [
    "CompileError",
    "ConditionReason",
    "ConfigurationError",
    "Diagnostic",
    "DspexError",
    "ExpressionError",
    "InputError",
    "ManifestError",
    "NativeError",
    "PipelineError",
    "PythonError",
    "Reason",
    "Severity",
    "SignatureError",
    "StepError",
    "TemplateError",
    "join_path",
    "nearest",
]
