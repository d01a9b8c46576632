"""What a call's `config` says to the module, read by compiler and worker alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dspex.bridge.protocol.allowed import (
    BASES,
    LM_PARAMETERS,
    MAX_ATTEMPTS,
    MAX_ITERS,
    MODULE_ARGUMENTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArguments:
    """What a call's `config` says to the module; None where it says nothing.

    Attributes:
        max_iters: The most turns of an agent.
        attempts: How often a module is repeated.
        base: The module that is repeated.
        reward: Name of the tool that tells how good an attempt is.
        threshold: The reward that is good enough.
    """

    max_iters: int | None
    attempts: int | None
    base: str
    reward: str | None
    threshold: float | None


def module_arguments(config: Mapping[str, Any]) -> GivenArguments:
    """Read what a call's `config` says to the module.

    Raises:
        ValueError: A name that is unknown, or a value that is wrong; the message begins with its
            name and goes on with what it may be.
    """
    for name in config:
        if name not in LM_PARAMETERS | MODULE_ARGUMENTS:
            known = ", ".join(sorted(LM_PARAMETERS | MODULE_ARGUMENTS))
            raise ValueError(f"{name} is unknown; config has {known}")
    base = config.get("base", BASES[0])
    if base not in BASES:
        raise ValueError(f"base is one of {', '.join(BASES)}")
    reward = config.get("reward")
    if reward is not None and not isinstance(reward, str):
        raise ValueError("reward is the name of one of the Pool's tools")
    threshold = config.get("threshold")
    if threshold is not None and (
        isinstance(threshold, bool) or not isinstance(threshold, int | float)
    ):
        raise ValueError("threshold is a number")
    return GivenArguments(
        max_iters=_whole(config, "max_iters", 1, MAX_ITERS),
        attempts=_whole(config, "attempts", 2, MAX_ATTEMPTS),
        base=base,
        reward=reward,
        threshold=None if threshold is None else float(threshold),
    )


def _whole(config: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = config.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return value
