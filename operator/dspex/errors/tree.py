"""The error classes; the package's docstring draws the tree."""

from collections.abc import Mapping, Sequence

from dspex.errors.diagnostic import Diagnostic
from dspex.errors.reason import Reason


class DspexError(Exception):
    """Base of every error that DSPex raises on purpose."""


class InputError(DspexError):
    """Something that a person wrote is wrong.

    Attributes:
        diagnostics: All findings, in the order of the text; never empty.
    """

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics
        super().__init__("\n".join(diagnostic.render() for diagnostic in diagnostics))


class ManifestError(InputError):
    """A YAML document or a field of a kind is wrong."""


class SignatureError(InputError):
    """A signature string, or a field of a signature, is wrong."""


class ExpressionError(InputError):
    """A CEL expression does not compile."""


class TemplateError(InputError):
    """A template's source does not compile."""


class CompileError(InputError):
    """A pipeline can't be compiled to a plan."""


class ConfigurationError(InputError):
    """A flag, an environment variable, a secret or an installed part is missing or wrong."""


class StepError(DspexError):
    """One attempt of a step failed.

    Attributes:
        reason: Why, from the closed list.
        message: What happened, for a person.
        retry_after: Seconds to wait before the next attempt, where the other side said so.
        details: JSON-ready facts for the status: violations, limits, sizes.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retry_after: float | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.details: dict[str, object] = dict(details or {})
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class NativeError(StepError):
    """An attempt failed in the native engine."""


class PythonError(StepError):
    """An attempt failed in a worker or on the way to it.

    Attributes:
        error_class: Dotted class of the worker's exception, empty where there was none.
        traceback: A short traceback for the person who operates it; never shown to a model.
        usage: Tokens that the failed attempt used, as the wire's usage object.
        worker: Name of the worker, empty where none was reached.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        error_class: str = "",
        traceback: str = "",
        usage: Mapping[str, int] | None = None,
        worker: str = "",
        retry_after: float | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(reason, message, retry_after=retry_after, details=details)
        self.error_class = error_class
        self.traceback = traceback
        self.usage: dict[str, int] = dict(usage or {})
        self.worker = worker


class PipelineError(DspexError):
    """A run ended without success.

    Attributes:
        reason: `StepsFailed`, `RunTimeout`, `Stopped` or `Cancelled`.
        errors: Every step's error by step name, those of continued steps too.
    """

    def __init__(
        self, reason: Reason, message: str, errors: Sequence[tuple[str, StepError]] = ()
    ) -> None:
        self.reason = reason
        self.message = message
        self.errors = tuple(errors)
        super().__init__(f"{reason}: {message}")
