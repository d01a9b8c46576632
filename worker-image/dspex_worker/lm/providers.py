"""From the Pool's model to a `dspy.LM`: which engine serves it, and what can't be served here."""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dspy
from dspy.clients.engines import AsyncLM15Engine
from dspy.utils.exceptions import DSPyError

from dspex.errors import ConfigurationError, Diagnostic
from dspex_worker.config import ModelConfig
from dspex_worker.lm.engine import AsyncEngine, SyncEngine
from dspex_worker.lm.lean import LeanLM

if TYPE_CHECKING:
    from dspex_worker.lm.local import LocalEngine

LITELLM_REMEDY: Final = (
    "use the image target litellm for this provider; an endpoint that speaks OpenAI's API works "
    "here as model.name openai/<model> with model.apiBase"
)
# Served by DSPy's own client only with settings that an apiBase rules out.
_NEED_LITELLM: Final = frozenset({"azure"})


Aside = Callable[[Callable[[], AsyncEngine]], Awaitable[AsyncEngine]]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is connected.

    Attributes:
        name: As it is shown.
        lm: For `dspy.context(lm=…)`.
        engine: What makes its calls; closed when the worker ends.
    """

    name: str
    lm: dspy.LM
    engine: AsyncEngine


async def connect(
    config: ModelConfig, api_key: str | None, aside: Aside = asyncio.to_thread
) -> Model:
    """Connect the model that a Pool names; the embedded one is fetched and loaded.

    Args:
        config: The Pool's model.
        api_key: For an endpoint; None sends none.
        aside: Runs slow work in a thread.

    Raises:
        ConfigurationError: The provider can't be served here, or the embedded model not be had.
    """
    loop = asyncio.get_running_loop()
    if config.embedded:
        # Seconds of disk and processor: not on the loop that answers the probes.
        engine = await aside(_embedded)
        name = engine.name
    else:
        name = config.name
        if not name:
            raise _unusable("the Pool's model has no name", found="", remedy="set model.name")
        engine = _remote(config, api_key)
    # DSPy refuses some parameters for some models (reasoning models want no temperature).
    try:
        lm = LeanLM(
            name,
            engine=SyncEngine(engine, loop),
            async_engine=engine,
            cache=False,
            num_retries=0,
            temperature=_temperature(config),
            max_tokens=config.max_tokens,
        )
    except (DSPyError, ValueError) as error:
        await engine.aclose()
        raise _unusable(str(error), found=name, remedy="mend the Pool's model") from error
    return Model(name=name, lm=lm, engine=engine)


def _temperature(config: ModelConfig) -> float | None:
    # Greedy, so that a demonstration repeats.
    if config.embedded and config.temperature is None:
        return 0.0
    return config.temperature


def _embedded() -> "LocalEngine":
    from dspex_worker.lm.embedded import EmbeddedModel
    from dspex_worker.lm.local import LocalEngine

    return LocalEngine(EmbeddedModel())


def _remote(config: ModelConfig, api_key: str | None) -> AsyncEngine:
    provider, slash, model = config.name.partition("/")
    if not slash or provider == "openai":
        from dspex_worker.lm.http import HttpEngine

        return HttpEngine(
            model or provider, api_base=config.api_base, api_key=api_key, extra=config.extra
        )
    return _by_dspy(config, provider, api_key)


def _by_dspy(config: ModelConfig, provider: str, api_key: str | None) -> AsyncEngine:
    from dspex_worker.lm.native import NativeEngine

    try:
        if provider in _NEED_LITELLM:
            raise ValueError(f"DSPy needs litellm for {provider}")
        capabilities = dspy.LM(config.name, engine="lm15", cache=False)
        route = AsyncLM15Engine().resolve(config.name).provider
        inner = AsyncLM15Engine(
            dspy.lm15.RouterConfig(
                api_keys={route: api_key} if api_key else None,
                base_urls={route: config.api_base} if config.api_base else None,
            )
        )
        return NativeEngine(inner, capabilities, config.extra, cached_apart="anthropic" in route)
    except (DSPyError, dspy.lm15.LM15Error, ValueError) as error:
        if importlib.util.find_spec("litellm") is not None:
            return _by_litellm(config, api_key)
        raise _unusable(
            f"the provider {provider} can't be served without litellm",
            found=config.name,
            remedy=LITELLM_REMEDY,
        ) from error


def _by_litellm(config: ModelConfig, api_key: str | None) -> AsyncEngine:
    """Return an engine over litellm, which the image target of that name has."""
    from dspy.clients.engines import AsyncLiteLLMEngine
    from dspy.clients.engines.litellm_errors import litellm_errors

    from dspex_worker.lm.native import NativeEngine

    options = {"api_key": api_key, "api_base": config.api_base}
    inner = AsyncLiteLLMEngine(**{name: value for name, value in options.items() if value})
    try:
        # Else a provider that it does not know would be found out by the first call.
        with litellm_errors(model=config.name):
            importlib.import_module("litellm").get_llm_provider(model=config.name)
        # Its capabilities are what litellm knows of the model.
        capabilities = dspy.LM(config.name, engine="litellm", cache=False)
        return NativeEngine(inner, capabilities, config.extra)
    except (DSPyError, dspy.lm15.LM15Error, ValueError) as error:
        words = str(error).partition("\n")[0]
        raise _unusable(words, found=config.name, remedy="mend model.name") from error


def _unusable(message: str, *, found: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(
        Diagnostic(code="ModelUnusable", message=message, found=found, remedy=remedy)
    )
