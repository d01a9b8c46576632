"""Canonical requests of DSPy to bodies of the Chat Completions API, and answers back.

Both our engines speak through this file, so a model in the process and one behind HTTP get the
same messages and the same schema.
"""

from collections.abc import Mapping
from typing import Any, Final

from dspy import lm15

from dspex_worker.lm.completion import Completion

JsonObject = dict[str, Any]

_PLAIN: Final = (
    *("max_tokens", "temperature", "top_p", "top_k", "seed"),
    *("frequency_penalty", "presence_penalty"),
)


def messages_of(request: lm15.Request) -> list[JsonObject]:
    """Return a request's messages as chat messages, the system's first.

    Raises:
        lm15.UnsupportedFeatureError: A part has no place in the Chat Completions API.
    """
    messages: list[JsonObject] = []
    if request.system:
        content = request.system if isinstance(request.system, str) else _content(request.system)
        messages.append({"role": "system", "content": content})
    messages.extend(
        {"role": message.role, "content": _content(message.parts)} for message in request.messages
    )
    return messages


def _content(parts: Any) -> str | list[JsonObject]:
    if len(parts) == 1 and isinstance(parts[0], lm15.TextPart):
        return str(parts[0].text)
    return [_part(part) for part in parts]


def _part(part: Any) -> JsonObject:
    match part:
        case lm15.TextPart():
            return {"type": "text", "text": part.text}
        case lm15.ImagePart() if part.file_id is None:
            image: JsonObject = {"url": part.url or _data_uri(part)}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case lm15.AudioPart() if part.data is not None:
            kind = part.media_type.partition("/")[2].removeprefix("x-")
            return {
                "type": "input_audio",
                "input_audio": {"data": part.data, "format": {"mpeg": "mp3"}.get(kind, kind)},
            }
        case lm15.DocumentPart() | lm15.BinaryPart() if part.url is None:
            file = {"file_id": part.file_id} if part.file_id else {"file_data": _data_uri(part)}
            return {"type": "file", "file": file}
        case _:
            raise lm15.UnsupportedFeatureError(
                f"a part of type {part.type} can't be sent to a Chat Completions endpoint"
            )


def _data_uri(part: Any) -> str:
    return f"data:{part.media_type};base64,{part.data}"


def parameters_of(request: lm15.Request) -> JsonObject:
    """Return a request's settings as fields of a Chat Completions body."""
    config = request.config
    body = {name: value for name in _PLAIN if (value := getattr(config, name)) is not None}
    if config.stop:
        body["stop"] = list(config.stop)
    if config.reasoning is not None and config.reasoning.effort:
        body["reasoning_effort"] = config.reasoning.effort
    if config.response_format:
        body["response_format"] = _response_format(config.response_format)
    body.update(config.extensions or {})
    return body


def _response_format(form: Any) -> JsonObject:
    if form["type"] == "json_object":
        return {"type": "json_object"}
    schema: JsonObject = {"name": form.get("name") or "response", "schema": form["schema"]}
    if "strict" in form:
        schema["strict"] = form["strict"]
    return {"type": "json_schema", "json_schema": schema}


def schema_of(parameters: Mapping[str, Any]) -> JsonObject | None:
    """Return the JSON Schema that `response_format` holds an answer to, None for free text."""
    form = parameters.get("response_format")
    if not form:
        return None
    if form["type"] == "json_object":
        return {"type": "object"}
    schema: JsonObject = form["json_schema"]["schema"]
    return schema


def response_of(model: str, answer: Completion) -> lm15.Response:
    """Return an answer as DSPy's canonical response."""
    return lm15.Response(
        id=None,
        model=model,
        message=lm15.Message(role="assistant", parts=(lm15.TextPart(text=answer.text),)),
        finish_reason="stop" if answer.finished else "length",
        usage=lm15.Usage(input_tokens=answer.prompt_tokens, output_tokens=answer.completion_tokens),
    )
