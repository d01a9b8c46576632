"""Secrets and ConfigMaps of a local run: from documents in the files, or from flags."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from dspex.errors import ConfigurationError, Diagnostic

_ASSIGNMENT: Final = re.compile(
    r"(?P<name>[a-z0-9]([-a-z0-9.]*[a-z0-9])?)/(?P<key>[-._a-zA-Z0-9]+)"
    r"=(?P<source>env|file):(?P<place>.+)",
    re.DOTALL,
)


class Store(StrEnum):
    """Which of the two kinds of key-value objects."""

    SECRET = "Secret"  # noqa: S105 -- a kind's name
    CONFIG_MAP = "ConfigMap"

    @property
    def flag(self) -> str:
        """The flag that gives one key of it."""
        return "--secret" if self is Store.SECRET else "--config-map"

    def example(self, name: str, key: str) -> str:
        """Return the whole flag that would give a key, ready to be pasted."""
        if self is Store.SECRET:
            variable = re.sub(r"\W", "_", f"{name}_{key}").upper()
            return f"{self.flag} {name}/{key}=env:{variable}"
        return f"{self.flag} {name}/{key}=file:PATH"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A flag's value: one key of a Secret or ConfigMap with its content."""

    name: str
    key: str
    content: bytes


def read_assignment(
    store: Store, text: str, *, environment: Mapping[str, str] = os.environ
) -> Assignment:
    """Read a flag such as `llm/api-key=env:OPENAI_API_KEY` or `texts/rules=file:rules.txt`.

    Raises:
        ConfigurationError: If it has another form, or the variable or file is not there.
    """
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            Diagnostic(
                code="InvalidFlag",
                message=f"{store.flag} {text!r} can't be read",
                expected="NAME/KEY=env:VARIABLE or NAME/KEY=file:PATH",
                remedy=f"write for example {store.example('llm', 'api-key')}",
            )
        )
    read = _read_variable if match["source"] == "env" else _read_file
    try:
        content = read(match["place"], environment)
    except (LookupError, OSError) as error:
        raise ConfigurationError(
            Diagnostic(
                code="SourceMissing",
                message=f"{store.flag} {text}: {_describe(error)}",
                remedy="set the variable (and export it)"
                if match["source"] == "env"
                else "check the path",
            )
        ) from error
    return Assignment(match["name"], match["key"], content)


class Sources:
    """The keys of all Secrets and ConfigMaps that a run can read; flags win over documents."""

    def __init__(
        self,
        *,
        secrets: Mapping[str, Mapping[str, bytes]] | None = None,
        config_maps: Mapping[str, Mapping[str, str]] | None = None,
        secret_flags: Iterable[Assignment] = (),
        config_map_flags: Iterable[Assignment] = (),
    ) -> None:
        self._secrets = {name: dict(keys) for name, keys in (secrets or {}).items()}
        self._config_maps = {name: dict(keys) for name, keys in (config_maps or {}).items()}
        for flag in secret_flags:
            self._secrets.setdefault(flag.name, {})[flag.key] = flag.content
        for flag in config_map_flags:
            texts = self._config_maps.setdefault(flag.name, {})
            texts[flag.key] = _text(flag.content, Store.CONFIG_MAP, flag.name, flag.key)

    @property
    def config_maps(self) -> Mapping[str, Mapping[str, str]]:
        """The texts of all ConfigMaps, by name and key."""
        return self._config_maps

    def secret(self, name: str, key: str) -> str:
        """Return one key of a Secret as text.

        Raises:
            ConfigurationError: If it is not there, or is no UTF-8.
        """
        keys = self._secrets.get(name, {})
        if key not in keys:
            raise missing(Store.SECRET, name, key, known=keys)
        return _text(keys[key], Store.SECRET, name, key)

    @property
    def secret_keys(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of all Secrets, by name."""
        return {name: tuple(keys) for name, keys in self._secrets.items()}

    def all_of_secret(self, name: str) -> dict[str, str]:
        """Return all keys of a Secret as text.

        Raises:
            ConfigurationError: If it is not there, or a value is no UTF-8.
        """
        if name not in self._secrets:
            raise missing(Store.SECRET, name, "KEY")
        return {key: self.secret(name, key) for key in self._secrets[name]}

    def all_of_config_map(self, name: str) -> dict[str, str]:
        """Return all keys of a ConfigMap.

        Raises:
            ConfigurationError: If it is not there.
        """
        if name not in self._config_maps:
            raise missing(Store.CONFIG_MAP, name, "KEY")
        return dict(self._config_maps[name])

    def config_map(self, name: str, key: str) -> str:
        """Return one key of a ConfigMap.

        Raises:
            ConfigurationError: If it is not there.
        """
        keys = self._config_maps.get(name, {})
        if key not in keys:
            raise missing(Store.CONFIG_MAP, name, key, known=keys)
        return keys[key]


def missing(store: Store, name: str, key: str, *, known: Iterable[str] = ()) -> ConfigurationError:
    """Make the error for a key that is not there; it prints the flag that would give it."""
    keys = ", ".join(sorted(known))
    return ConfigurationError(
        Diagnostic(
            code=f"{store}Missing",
            message=f"key {key!r} of {store} {name!r} is not there",
            found=f"the keys {keys}" if keys else None,
            remedy=f"add a {store} document to the files, or {store.example(name, key)}",
        )
    )


def _read_variable(name: str, environment: Mapping[str, str]) -> bytes:
    if name not in environment:
        raise LookupError(f"the environment variable {name} is not set")
    return environment[name].encode("utf-8", "surrogateescape")


def _read_file(path: str, _: Mapping[str, str]) -> bytes:
    return Path(path).expanduser().read_bytes()


def _text(content: bytes, store: Store, name: str, key: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            Diagnostic(
                code="NotText",
                message=f"key {key!r} of {store} {name!r} is not UTF-8 text",
                remedy="give it as text",
            )
        ) from error


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error.args[0])
