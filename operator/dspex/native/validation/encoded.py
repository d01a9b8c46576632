"""Checks of what JSON writes as text: bytes, date and datetime."""

import binascii
import datetime
import re
from typing import Any, Final

from dspex.native.validation.check import Check, refuse
from dspex.native.validation.violation import Finding

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch
_MAX_MOMENT_LENGTH: Final = 64


def strict_bytes(value: Any, findings: list[Finding]) -> Any:
    """Take standard base64 with padding."""
    if isinstance(value, str) and is_base64(value):
        return value
    return refuse(value, findings, "must be bytes in standard base64", "bytes")


def coerce_bytes(value: Any, findings: list[Finding]) -> Any:
    """Take base64 of either alphabet, with white space or without padding."""
    if isinstance(value, str):
        text = "".join(value.split()).translate(_TO_STANDARD).rstrip("=")
        text += "=" * (-len(text) % 4)
        if is_base64(text):
            return text
    return refuse(value, findings, "must be bytes in standard base64", "bytes")


_TO_STANDARD: Final = str.maketrans("-_", "+/")


def is_base64(text: str) -> bool:
    """Say whether the text is standard base64 with its padding."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    return True


def strict_date(value: Any, findings: list[Finding]) -> Any:
    """Take an ISO 8601 date, `2026-11-22`."""
    if isinstance(value, str) and _DATE(value) and _parse_date(value) is not None:
        return value
    return refuse(value, findings, "must be a date such as 2026-11-22", "date")


def coerce_date(value: Any, findings: list[Finding]) -> Any:
    """Take any ISO 8601 date, or a moment at midnight."""
    if isinstance(value, str) and len(value) <= _MAX_MOMENT_LENGTH:
        text = value.strip()
        date = _parse_date(text)
        if date is not None:
            return date.isoformat()
        moment = _parse_datetime(text)
        if moment is not None and moment.time() == datetime.time():
            return moment.date().isoformat()
    return refuse(value, findings, "must be a date such as 2026-11-22", "date")


def strict_datetime(value: Any, findings: list[Finding]) -> Any:
    """Take an ISO 8601 moment, `2026-11-22T21:04:05Z`, with or without an offset."""
    if isinstance(value, str) and _DATETIME(value):
        moment = _parse_datetime(value)
        if moment is not None:
            return format_datetime(moment)
    return refuse(value, findings, "must be a moment such as 2026-11-22T21:04:05Z", "datetime")


def coerce_datetime(value: Any, findings: list[Finding]) -> Any:
    """Take any ISO 8601 moment; a date alone means its midnight."""
    if isinstance(value, str) and len(value) <= _MAX_MOMENT_LENGTH:
        moment = _parse_datetime(value.strip())
        if moment is not None:
            return format_datetime(moment)
    return refuse(value, findings, "must be a moment such as 2026-11-22T21:04:05Z", "datetime")


def format_datetime(moment: datetime.datetime) -> str:
    """Return a moment's wire form: ISO 8601, with Z for an offset of zero."""
    text = moment.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _parse_date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _parse_datetime(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


STRICT: Final[dict[str, Check]] = {
    "bytes": strict_bytes,
    "date": strict_date,
    "datetime": strict_datetime,
}
COERCE: Final[dict[str, Check]] = {
    "bytes": coerce_bytes,
    "date": coerce_date,
    "datetime": coerce_datetime,
}
