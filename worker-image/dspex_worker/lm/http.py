"""The engine for OpenAI-compatible endpoints: one aiohttp pool for the whole worker."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from dspy import lm15

from dspex_worker.lm.completion import Completion
from dspex_worker.lm.engine import ChatEngine

OPENAI_BASE: Final = "https://api.openai.com/v1"
CONNECT_TIMEOUT: Final = 10.0
"""Seconds to reach the endpoint; the answer itself has the call's whole deadline."""
MAX_ANSWER: Final = 32 * 1024 * 1024
"""Bytes of an answer that are read."""
MAX_WORDS: Final = 500
"""Characters of the endpoint's own message that are shown."""


class HttpEngine(ChatEngine):
    """Chat Completions over HTTP.

    Args:
        model: The name as the endpoint knows it.
        api_base: URL that ends before `/chat/completions`; None means OpenAI's.
        api_key: Sent as a bearer token; None sends none.
        extra: Fields that are put into each body as they are.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self._model = model
        self._url = (api_base or OPENAI_BASE).rstrip("/") + "/chat/completions"
        self._extra = extra or {}
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # OpenAI itself wants the new name; most other servers know the old one alone.
        self._tokens_field = "max_tokens" if api_base else "max_completion_tokens"
        self._proxy = _proxy(self._url)
        self._session: aiohttp.ClientSession | None = None

    async def _answer(
        self, messages: list[dict[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        fields = {**parameters, **self._extra}
        limit = fields.pop("max_completion_tokens", None) or fields.pop("max_tokens", None)
        if limit is not None:
            fields[self._tokens_field] = limit
        status, headers, raw = await self._post(
            {"model": self._model, "messages": messages, **fields}
        )
        if status != 200:
            raise failure(status, headers, raw)
        return _completion(raw)

    async def _post(self, body: dict[str, Any]) -> tuple[int, Any, bytes]:
        try:
            async with self._pool().post(
                self._url,
                data=json.dumps(body, ensure_ascii=False).encode(),
                headers={"Content-Type": "application/json", **self._headers},
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                raw = await response.content.read(MAX_ANSWER)
                while not response.content.at_eof() and len(raw) < MAX_ANSWER:
                    raw += await response.content.read(MAX_ANSWER - len(raw))
                return response.status, response.headers, raw
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The words of a client error may hold the URL, never the headers.
            words = str(error) or type(error).__name__
            raise lm15.TransportError(f"the model endpoint can't be reached: {words}") from error

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit of connections: the worker's own queue is the limit.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


def failure(status: int, headers: Any, raw: bytes) -> lm15.LM15Error:
    """Return the error that an endpoint's answer stands for.

    Args:
        status: HTTP status other than 200.
        headers: The answer's headers; only Retry-After is read.
        raw: The answer's body; OpenAI's error object is understood, other text shown cut.
    """
    code, words = _error_words(raw)
    message = f"the model endpoint answered {status}: {words}"
    if code in {"context_length_exceeded", "exceed_context_size_error"} or (
        status in {400, 413} and "context" in words.lower() and "length" in words.lower()
    ):
        return lm15.ContextLengthError(message, status=status)
    match status:
        case 429 if code != "insufficient_quota":
            return lm15.RateLimitError(message, status=status, retry_after=retry_after(headers))
        case 402 | 429:
            return lm15.BillingError(message, status=status)
        case 401 | 403:
            return lm15.AuthError(message, status=status)
        case 404:
            return lm15.UnsupportedModelError(message, status=status)
        case 408 | 425:
            return lm15.ServerError(message, status=status)
        case _ if status >= 500 or status < 300:
            hint = retry_after(headers) if status == 503 else None
            return lm15.ServerError(message, status=status, retry_after=hint)
        case _:
            return lm15.InvalidRequestError(message, status=status)


def retry_after(headers: Any) -> float | None:
    """Return the seconds of a Retry-After header; None where it has none that can be read."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        # A date is rare here and would need both clocks to agree.
        return None
    return seconds if 0 <= seconds < 86_400 else None


def _error_words(raw: bytes) -> tuple[str, str]:
    try:
        body = json.loads(raw)
    except ValueError:
        return "", raw[:MAX_WORDS].decode("utf-8", "replace").strip() or "(no text)"
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", str(error)[:MAX_WORDS]
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return str(code or ""), str(error.get("message") or error)[:MAX_WORDS]


def _completion(raw: bytes) -> Completion:
    try:
        body = json.loads(raw)
        choice = body["choices"][0]
        text = _text(choice["message"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        shown = raw[:80].decode("utf-8", "replace")
        raise lm15.ServerError(
            f"the model endpoint's answer is no chat completion: {shown!r}", status=200
        ) from error
    usage = body.get("usage") or {}
    return Completion(
        text=text,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        finished=choice.get("finish_reason") != "length",
    )


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(str(part) for part in parts if part)
    return str(content or "")


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL (HTTPS_PROXY, NO_PROXY)."""
    parts = urllib.parse.urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    return urllib.request.getproxies().get(parts.scheme)
