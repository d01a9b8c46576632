"""Checks of DSPy's own types, in the wire forms that `dspex.native.wire` fixes."""

import re
from collections.abc import Callable
from typing import Any, Final

from dspex.native.types import MediaName
from dspex.native.validation.check import Check, refuse
from dspex.native.validation.encoded import is_base64
from dspex.native.validation.json_value import check_json
from dspex.native.validation.violation import Finding

_IMAGE_URL = re.compile(r"(?:https?|gs)://[^/?#\s]\S*|data:[^,\s]{0,255},\S*").fullmatch
_DATA_AUDIO = re.compile(
    r"data:audio/([A-Za-z0-9.+-]{1,64})(?:;[^,;]{1,64})*;base64,(.*)"
).fullmatch
_TOOL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}").fullmatch

FORMS: Final[dict[MediaName, str]] = {
    "Image": '{"url": an http, https, gs or data URL}',
    "Audio": '{"data": base64, "audio_format": such as wav}',
    "File": '{"file_data": a data URL, or "file_id", and "filename"}',
    "History": '{"messages": a list of objects}',
    "Tool": '{"name": name of a tool of the Pool}',
}


def media_check(name: MediaName, *, strict: bool) -> Check:
    """Return a check of one of the types; coerce mode takes the short form, a string."""
    accept, widen = _ACCEPT[name], _WIDEN.get(name)
    message = f"must be {FORMS[name]}"

    def check(value: Any, findings: list[Finding]) -> Any:
        form = value
        if widen is not None and not strict and isinstance(value, str):
            form = widen(value)
        if not isinstance(form, dict) or not accept(form):
            return refuse(value, findings, message, name)
        return check_json(form, findings) if name == "History" else form

    return check


def _is_image(form: dict[str, Any]) -> bool:
    # DSPy reads no files by a URL's text; others than these would fail there.
    return form.keys() == {"url"} and isinstance(form["url"], str) and bool(_IMAGE_URL(form["url"]))


def _is_audio(form: dict[str, Any]) -> bool:
    return (
        form.keys() == {"data", "audio_format"}
        and all(isinstance(value, str) for value in form.values())
        and bool(form["audio_format"])
        and is_base64(form["data"])
    )


def _is_file(form: dict[str, Any]) -> bool:
    return (
        form.keys() <= {"file_data", "file_id", "filename"}
        and any(form.values())
        and all(value is None or isinstance(value, str) for value in form.values())
    )


def _is_history(form: dict[str, Any]) -> bool:
    messages = form.get("messages")
    return (
        form.keys() == {"messages"}
        and isinstance(messages, list)
        and all(isinstance(message, dict) for message in messages)
    )


def _is_tool(form: dict[str, Any]) -> bool:
    name = form.get("name")
    return form.keys() == {"name"} and isinstance(name, str) and bool(_TOOL_NAME(name))


def _audio(text: str) -> dict[str, Any] | None:
    match = _DATA_AUDIO(text)
    return {"data": match[2], "audio_format": match[1].removeprefix("x-")} if match else None


_ACCEPT: Final[dict[MediaName, Callable[[dict[str, Any]], bool]]] = {
    "Image": _is_image,
    "Audio": _is_audio,
    "File": _is_file,
    "History": _is_history,
    "Tool": _is_tool,
}
_WIDEN: Final[dict[MediaName, Callable[[str], dict[str, Any] | None]]] = {
    "Image": lambda text: {"url": text},
    "Audio": _audio,
    "File": lambda text: {"file_data": text} if text.startswith("data:") else {"file_id": text},
    "Tool": lambda text: {"name": text},
}
