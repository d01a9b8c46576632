"""AdmissionReviews of the API server: read, and answered. Nothing here judges."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dspex.controllers.decision import Object
from dspex.controllers.key import Key
from dspex.errors import Diagnostic, InputError
from dspex.kube.kind import PIPELINE, PIPELINE_RUN, POOL, SIGNATURE, Kind

API_VERSION: Final = "admission.k8s.io/v1"

KINDS: Final = {kind.name: kind for kind in (SIGNATURE, POOL, PIPELINE, PIPELINE_RUN)}
"""What the webhook is asked about."""

MAX_WARNINGS: Final = 15
"""Warnings in an answer: the API server cuts where all of them pass 4,096 characters."""

MAX_WARNING: Final = 256
"""Characters of one warning: what is longer the API server may cut."""

INVALID: Final = 422
"""HTTP status of an object that is refused."""

CUT: Final = 200
"""Levels of an AdmissionReview that are read; below, a list or an object counts as null."""

_SUFFIX: Final = "xxxxx"
"""Stands for what the API server puts behind a `generateName`."""

_MAX_PREFIX: Final = 58
"""Characters of a `generateName` that the API server keeps."""

_MARK: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class ReviewError(InputError):
    """What came is no AdmissionReview that the webhook can answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the API server asks.

    Attributes:
        uid: Of the question; the answer repeats it.
        key: The object's names.
        operation: CREATE or UPDATE; others are not asked by the chart.
        subresource: Such as status; empty for the object itself.
        item: The object as it would be kept; empty where there is none.
        before: The object as it is now; None on CREATE.
    """

    uid: str
    key: Key
    operation: str
    subresource: str
    item: Object
    before: Object | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is answered.

    Attributes:
        refusal: Why the object is refused, for a person; empty where it is admitted.
        warnings: What the person is told all the same, a line each.
    """

    refusal: str = ""
    warnings: tuple[str, ...] = ()


ADMITTED: Final = Verdict()
"""Nothing to say."""


def parse_review(body: bytes) -> Review:
    """Return what the API server asks.

    Raises:
        ReviewError: The body can't be made sense of.
    """
    try:
        given = _load(body)
    except ValueError as error:
        raise _wrong(None, f"no JSON: {error}", "an AdmissionReview as JSON") from None
    return read_review(given)


def read_review(given: Any) -> Review:
    """Return what an AdmissionReview asks.

    Raises:
        ReviewError: It is none, or one about something else.
    """
    if not isinstance(given, dict):
        raise _wrong(None, _shown(given), "an AdmissionReview")
    _expect(given, "kind", "AdmissionReview")
    _expect(given, "apiVersion", API_VERSION)
    request = _object(given, "request", "")
    uid = request.get("uid")
    if not isinstance(uid, str) or not uid:
        raise _wrong("request.uid", _shown(uid), "the uid of the question")
    kind = _kind(_object(request, "kind", "request"))
    operation = request.get("operation")
    if not isinstance(operation, str):
        raise _wrong("request.operation", _shown(operation), "CREATE or UPDATE")
    asked = operation in ("CREATE", "UPDATE")
    item = _item(request, "object", kind) if asked else {}
    before = _item(request, "oldObject", kind) if request.get("oldObject") else None
    name = item.get("metadata", {}).get("name") or request.get("name") or ""
    return Review(
        uid=uid,
        key=Key(kind, str(request.get("namespace") or ""), str(name)),
        operation=operation,
        subresource=str(request.get("subResource") or ""),
        item=item,
        before=before,
    )


def answer(review: Review, verdict: Verdict) -> Object:
    """Return the AdmissionReview that answers."""
    response: Object = {"uid": review.uid, "allowed": not verdict.refusal}
    if verdict.refusal:
        # Without `details`: kubectl would print them in place of the message.
        response["status"] = {"code": INVALID, "reason": "Invalid", "message": verdict.refusal}
    if verdict.warnings:
        response["warnings"] = _warnings(verdict.warnings)
    return {"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}


def _warnings(given: tuple[str, ...]) -> list[str]:
    lines = [_line(each) for each in given[:MAX_WARNINGS]]
    left = len(given) - len(lines)
    return [*lines, f"and {left} more: see status.warnings"] if left else lines


def _line(text: str) -> str:
    """Return a text as a header can hold it: one line, cut."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MAX_WARNING else line[: MAX_WARNING - 1] + "…"


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError:
        # Free JSON may be nested as deep as Go reads. An object that got in so must still be
        # judged: refused, or let go where it is being deleted.
        return json.loads(_shallow(body))


def _shallow(body: bytes) -> bytes:
    """Return JSON with null in place of what is nested deeper than is read."""
    kept = []
    depth = start = 0
    for mark in _MARK.finditer(body):
        if mark[0] in (b"{", b"["):
            depth += 1
            if depth == CUT + 1:
                kept += [body[start : mark.start()], b"null"]
        elif mark[0] in (b"}", b"]"):
            if depth == CUT + 1:
                start = mark.end()
            depth -= 1
    return b"".join([*kept, body[start:]])


def _kind(given: Object) -> Kind:
    named = f"{given.get('group')}/{given.get('version')} {given.get('kind')}"
    kind = KINDS.get(str(given.get("kind")))
    if kind is None or named != f"{kind.version} {kind.name}":
        names = ", ".join(KINDS)
        raise _wrong("request.kind", named, f"one of {names}, of {SIGNATURE.version}")
    return kind


def _item(request: Object, name: str, kind: Kind) -> Object:
    item = _object(request, name, "request")
    path = f"request.{name}"
    for part, expected in (("kind", kind.name), ("apiVersion", kind.version)):
        if item.get(part) != expected:
            raise _wrong(f"{path}.{part}", _shown(item.get(part)), expected)
    metadata = _object(item, "metadata", path)
    prefix = metadata.get("generateName")
    if metadata.get("name") or not isinstance(prefix, str):
        return item
    # It gets its name later, and one that is right.
    return {**item, "metadata": {**metadata, "name": prefix[:_MAX_PREFIX] + _SUFFIX}}


def _object(given: Mapping[str, Any], name: str, path: str) -> Object:
    value = given.get(name)
    if not isinstance(value, dict):
        raise _wrong(f"{path}.{name}" if path else name, _shown(value), "an object")
    return value


def _expect(given: Mapping[str, Any], name: str, expected: str) -> None:
    if given.get(name) != expected:
        raise _wrong(name, _shown(given.get(name)), expected)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value if len(value) <= 80 else value[:79] + "…")
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else json.dumps(value)


def _wrong(path: str | None, found: str, expected: str) -> ReviewError:
    return ReviewError(
        Diagnostic(
            code="WrongReview",
            message="this is no question that the webhook can answer",
            path=path,
            found=found,
            expected=expected,
            remedy="let the chart's ValidatingWebhookConfiguration alone ask here",
        )
    )
