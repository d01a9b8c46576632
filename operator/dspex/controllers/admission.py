"""What the webhook says of an object: the findings of the loader and of the controllers.

It refuses what a person has to change whatever else is there. What an object only lacks, such as a
Signature that is applied after it, is left to its conditions; so is what changes of a run are
allowed, which CRD and admission policies say.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from dspex.api.base import Resource
from dspex.api.limits import MAX_DESCRIPTION
from dspex.api.pipeline import Pipeline
from dspex.api.signature import Signature
from dspex.controllers import outcome
from dspex.controllers.judge import judge
from dspex.controllers.review import ADMITTED, Review, Verdict
from dspex.errors import Diagnostic, Severity, SignatureError
from dspex.kube.kind import PIPELINE, PIPELINE_RUN, SIGNATURE, Kind
from dspex.pipeline.compile import compile_pipeline
from dspex.pipeline.context import Sources
from dspex.pipeline.declare import signature_of

CHANGEABLE: Final = ("spec.suspend", "spec.shutdown", "spec.ttlAfterFinished")
"""What of a run can be changed."""

_UNJUDGED: Final = (
    "DSPex could not judge this object, for a fault of its own, and admits it: its conditions "
    "will say whether it is right; the operator's log has the fault"
)

UNJUDGED: Final = Verdict(warnings=(_UNJUDGED,))
"""The verdict where judging failed."""


def admit(review: Review) -> Verdict:
    """Say whether an object may be kept as it is."""
    if not _is_judged(review):
        return ADMITTED
    found = findings(review.key.kind, review.item)
    if review.key.kind is PIPELINE_RUN and review.before is not None:
        # A run that is wrong for another reason must still be ended or put to rest.
        found = [each for each in found if each.path in CHANGEABLE]
    errors = [each for each in found if each.severity is Severity.ERROR]
    warnings = [each for each in found if each.severity is Severity.WARNING]
    return Verdict(
        refusal=_refusal(errors) if errors else "",
        warnings=tuple(_warning(each) for each in warnings),
    )


def findings(kind: Kind, item: dict[str, Any]) -> Sequence[Diagnostic]:
    """Return what is wrong about an object, or probably not meant, whatever else there is."""
    model, found = judge(item)
    if model is None or kind not in _DEEPER:
        return found
    return _DEEPER[kind](model)


def _is_judged(review: Review) -> bool:
    if review.subresource or review.operation not in ("CREATE", "UPDATE"):
        return False
    if review.item["metadata"].get("deletionTimestamp"):
        return False
    # Whoever labels an object, or takes a finalizer away, can't mend its spec.
    return review.before is None or _text(review.item) != _text(review.before)


def _text(item: dict[str, Any]) -> str:
    """Return the spec as text: 1 and true are equal in Python, and not in JSON."""
    return json.dumps(item.get("spec"), sort_keys=True)


def _signature(model: Resource) -> Sequence[Diagnostic]:
    try:
        signature_of(cast("Signature", model).spec)
    except SignatureError as error:
        return [each.at(subject=model.subject, path="spec") for each in error.diagnostics]
    return ()


def _pipeline(model: Resource) -> Sequence[Diagnostic]:
    """Compile with nothing else there; what is missing is no finding, and hides what follows it.

    The Pipeline itself is there: one that names itself is wrong in any company.
    """
    pipeline = cast("Pipeline", model)
    return compile_pipeline(pipeline, Sources(pipelines={pipeline.name: pipeline})).diagnostics


_DEEPER: Final[dict[Kind, Callable[[Resource], Sequence[Diagnostic]]]] = {
    SIGNATURE: _signature,
    PIPELINE: _pipeline,
}


def _refusal(errors: Sequence[Diagnostic]) -> str:
    """Print as many findings as there is room for, and say how many are left."""
    shown: list[str] = []
    size = 0
    for each in errors:
        text = outcome.cut(outcome.render([each]))
        size += len(text) + 1
        if shown and size > MAX_DESCRIPTION:
            left = len(errors) - len(shown)
            shown.append(f"… and {left} more: dspex lint -f FILE shows all")
            break
        shown.append(text)
    return "\n".join(shown)


def _warning(finding: Diagnostic) -> str:
    place = ": ".join(part for part in (finding.subject, finding.path) if part)
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{place}: {finding.message}{remedy}"
