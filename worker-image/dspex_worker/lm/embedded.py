"""A small language model in the process: llama.cpp with schema-constrained decoding.

Usable on its own: messages and a schema in, text and token counts out. It decodes greedily by
default and one call after the other, so that equal messages give equal answers.
"""

import asyncio
import contextvars
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from dspex.errors import ConfigurationError, Diagnostic
from dspex_worker.lm import fetch, grammar
from dspex_worker.lm.completion import Completion
from dspex_worker.lm.slots import Slots

CONTEXT: Final = 4096
"""Tokens of prompt and answer together."""
REMEMBERED: Final = 2
"""Prompts whose beginnings need not be read again; each takes 90 MB."""
FREE_TEXT: Final = 256
"""Tokens of an answer that no schema bounds and no caller limits."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat as the model reads it.

    Attributes:
        beginning: All turns but the last: instructions and demos, alike in the calls of a step.
        text: The whole, up to where the answer begins.
    """

    beginning: str
    text: str

    @classmethod
    def of(cls, messages: list[dict[str, Any]]) -> Self:
        """Write chat messages as a ChatML prompt."""
        turns = [f"<|im_start|>{m['role']}\n{_text(m['content'])}<|im_end|>\n" for m in messages]
        return cls("".join(turns[:-1]), "".join(turns) + "<|im_start|>assistant\n")


class PromptTooLongError(Exception):
    """The prompt does not fit into the context."""


class DecodingError(Exception):
    """The model could not be made to answer."""


class EmbeddedModel:
    """A GGUF chat model with the ChatML template, loaded in the process.

    Args:
        path: The model's file; without one the model of `dspex_worker.lm.fetch`.
        threads: Threads that compute; one by default, because two beside a busy core are slower.
        context: Tokens of prompt and answer together.

    Raises:
        ConfigurationError: The file, or the package xllamacpp, can't be had.
    """

    def __init__(
        self, path: Path | None = None, *, threads: int = 1, context: int = CONTEXT
    ) -> None:
        self.path = path or fetch.model_file()
        known = self.path.name == fetch.FILE_NAME
        self.name = fetch.MODEL_NAME if known else self.path.stem
        self.context = context
        self._server = _load(self.path, threads, context)
        self._slots = Slots(REMEMBERED)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="embedded")
        # Schemas whose patterns the decoder can't do, so that it is tried once only.
        self._patternless: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model; a call that runs ends first."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._server = None

    async def complete(
        self,
        messages: list[dict[str, Any]],
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        stop: list[str] | None = None,
        seed: int | None = None,
    ) -> Completion:
        """Answer a chat.

        Args:
            messages: Chat messages with text content, the system's first.
            schema: JSON Schema of an object that the answer must be; None lets it write freely.
            max_tokens: Tokens of the answer at most; by default the schema's worst case.
            temperature: 0 decodes greedily.
            stop: Texts that end an answer.
            seed: For a temperature above 0.

        Raises:
            PromptTooLongError: The messages do not fit into the context.
            DecodingError: The engine refused, or gave no object where a schema asks for one.
        """
        parameters: dict[str, Any] = {"temperature": temperature, "stop": stop or []}
        if seed is not None:
            parameters["seed"] = seed
        stopped = threading.Event()
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        work = loop.run_in_executor(
            self._executor,
            lambda: context.run(
                self._decode, Prompt.of(messages), schema, max_tokens, parameters, stopped
            ),
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread sees this at its next token; it is not waited for.
            stopped.set()
            work.cancel()
            raise

    def _decode(
        self,
        prompt: "Prompt",
        schema: dict[str, Any] | None,
        max_tokens: int | None,
        parameters: dict[str, Any],
        stopped: threading.Event,
    ) -> Completion:
        if schema is None:
            request = {**parameters, "n_predict": max_tokens or FREE_TEXT}
            return self._run(prompt, request, stopped, "")
        key = json.dumps(schema, sort_keys=True)
        patterns = key not in self._patternless and grammar.has_patterns(schema)
        for kept in [True, False] if patterns else [False]:
            fit = grammar.decodable(schema, patterns=kept)
            limit = max_tokens or min(grammar.longest(fit), self.context)
            request = {**parameters, "json_schema": fit, "n_predict": limit}
            answer = self._run(prompt, request, stopped, "{")
            if answer.text.startswith("{"):
                return answer
            if stopped.is_set():
                break
            self._patternless.add(key)
        raise DecodingError(f"the decoder did not keep to the schema: {answer.text[:80]!r}")

    def _run(
        self, prompt: "Prompt", request: dict[str, Any], stopped: threading.Event, first: str
    ) -> Completion:
        if stopped.is_set():
            raise DecodingError("the call was cancelled")
        pieces: list[str] = []
        last: dict[str, Any] = {}

        def receive(chunk: dict[str, Any]) -> bool:
            last.update(chunk)
            for choice in chunk.get("choices", ()):
                pieces.append(choice["text"])
                last["finish_reason"] = choice["finish_reason"]
            text = "".join(pieces[:2])
            return stopped.is_set() or (bool(text) and not text.startswith(first))

        self._server.handle_completions(
            {
                **request,
                "prompt": prompt.text,
                "id_slot": self._prepare(prompt.beginning),
                "stream": True,
                "stream_options": {"include_usage": True},
                "cache_prompt": bool(prompt.beginning),
            },
            receive,
        )
        return _completion(pieces, last)

    def _prepare(self, beginning: str) -> int:
        """Bring a slot to hold a prompt's beginning and nothing behind it; return the slot.

        What the decoder computes depends, in its last digits, on how a prompt was cut into pieces.
        Left alone it cuts where the prompt before differs; here the cut is always at the same
        place, so that no former call can tip the balance between two words.
        """
        slot, known = self._slots.take(beginning)
        request = {"prompt": beginning, "n_predict": 0, "id_slot": slot}
        if beginning and not known:
            self._server.handle_completions({**request, "cache_prompt": False}, _ignore)
        if beginning:
            self._server.handle_completions({**request, "cache_prompt": True}, _ignore)
        return slot


def _ignore(chunk: dict[str, Any]) -> bool:
    """Hear of a prompt that was read; if it can't be, the call that follows says so."""
    return False


def _completion(pieces: list[str], last: dict[str, Any]) -> Completion:
    error = last.get("error")
    if error:
        kind = PromptTooLongError if "context" in str(error.get("type")) else DecodingError
        raise kind(str(error.get("message")))
    usage = last.get("usage") or {}
    return Completion(
        text="".join(pieces),
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or len(pieces)),
        finished=last.get("finish_reason") == "stop",
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        text = content
    else:
        text = "\n".join(_text_part(part) for part in content or ())
    # A value must not be able to end its turn and begin another one.
    return text.replace("<|im_start|>", "<im_start>").replace("<|im_end|>", "<im_end>")


def _text_part(part: dict[str, Any]) -> str:
    if part.get("type") != "text":
        raise DecodingError(f"the embedded model reads text only, not {part.get('type')}")
    return str(part["text"])


def _load(path: Path, threads: int, context: int) -> Any:
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            Diagnostic(
                code="ExtraMissing",
                message="the embedded model needs the package xllamacpp",
                remedy="pip install 'dspex[embedded]', or give the Pool's model an apiBase",
            )
        ) from error
    except ImportError as error:
        raise ConfigurationError(
            Diagnostic(
                code="EngineUnloadable",
                message="the embedded model's engine can't be loaded",
                found=str(error),
                remedy="install the system's library that it names; Debian has libgomp.so.1 in the "
                "package libgomp1",
            )
        ) from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    # Calls come one after the other; a second slot keeps two steps that take turns from pushing
    # each other's instructions and demos out. Each slot has memory of its own: in a shared one the
    # order of sums, and with it an answer, depends on what else is there.
    parameters.n_ctx = context * REMEMBERED
    parameters.n_parallel = REMEMBERED
    parameters.kv_unified = False
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.warmup = False
    # llama.cpp keeps prompts of the past in memory, up to 8 GiB, unless told not to.
    parameters.cache_ram_mib = 0
    parameters.n_ctx_checkpoints = 0
    parameters.verbosity = 0
    try:
        return xllamacpp.Server(parameters)
    except Exception as error:
        raise ConfigurationError(
            Diagnostic(
                code="EmbeddedModelUnreadable",
                message="the embedded model's file can't be loaded",
                found=f"{path}: {error}",
                remedy=f"delete the file, so that it is fetched anew, or {fetch.REMEDY}",
            )
        ) from error
