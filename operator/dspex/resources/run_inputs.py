"""A run's inputs: its own, those of ConfigMaps, and where the ones of Secrets are found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.errors import ConfigurationError, Diagnostic
from dspex.native.field import Field
from dspex.native.text_form import value_of_text
from dspex.native.types import Type


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Where a run finds an input that nobody else may see: a key of a Secret."""

    secret: str
    key: str

    @property
    def file(self) -> str:
        """The file's path below the folder of inputs."""
        return f"{self.secret}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """A run's inputs, as far as one may know them who may not see Secrets.

    Attributes:
        values: By name: the run's own, and those of ConfigMaps.
        secret: By name: those whose values the runner alone reads.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, SecretKey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputSources:
    """Names of the objects that a run takes inputs from."""

    config_maps: tuple[str, ...]
    secrets: tuple[str, ...]


def input_sources(run: PipelineRun) -> InputSources:
    """Return the ConfigMaps and Secrets that a run names, each once."""
    sources = run.spec.inputs_from
    maps = [each.config_map_ref.name for each in sources if each.config_map_ref is not None]
    secrets = [each.secret_ref.name for each in sources if each.secret_ref is not None]
    return InputSources(tuple(dict.fromkeys(maps)), tuple(dict.fromkeys(secrets)))


def sensitive_inputs(pipeline: Pipeline) -> frozenset[str]:
    """Return the names of a pipeline's sensitive inputs."""
    return frozenset(each.name for each in pipeline.spec.inputs if each.sensitive)


def resolve_inputs(
    run: PipelineRun,
    fields: Sequence[Field],
    sensitive: Collection[str],
    *,
    config_maps: Mapping[str, Mapping[str, str]],
    secret_keys: Mapping[str, Collection[str]],
) -> RunInputs:
    """Put a run's inputs together; whether they fit the pipeline is not looked at.

    Args:
        run: The run.
        fields: The pipeline's inputs; keys of other names are ignored.
        sensitive: Names of those that must come from Secrets.
        config_maps: Texts by key of the ConfigMaps that the run names, by their names.
        secret_keys: Keys of the Secrets that it names, by their names.

    Raises:
        ConfigurationError: With everything that is wrong: an object that is not there, a text that
            is no JSON, a sensitive input that comes from elsewhere.
    """
    found = _Collected({each.name: each.type for each in fields}, sensitive)
    for index, source in enumerate(run.spec.inputs_from):
        path = f"spec.inputsFrom[{index}]"
        if source.secret_ref is not None:
            name = source.secret_ref.name
            found.take_secret(name, secret_keys.get(name), f"{path}.secretRef.name")
        elif source.config_map_ref is not None:
            name = source.config_map_ref.name
            found.take_config_map(name, config_maps.get(name), f"{path}.configMapRef.name")
    for name, value in (run.spec.inputs or {}).items():
        found.take(name, value, f"spec.inputs.{name}")
    if found.findings:
        raise ConfigurationError(*(each.at(subject=run.subject) for each in found.findings))
    return RunInputs(values=found.values, secret=found.secret)


class _Collected:
    """What was found so far; a later value takes a former one's place."""

    def __init__(self, types: Mapping[str, Type], sensitive: Collection[str]) -> None:
        self.values: dict[str, Any] = {}
        self.secret: dict[str, SecretKey] = {}
        self.findings: list[Diagnostic] = []
        self._types = types
        self._sensitive = sensitive

    def take(self, name: str, value: Any, path: str) -> None:
        if name in self._sensitive:
            self.findings.append(_exposed(name, path))
        self.secret.pop(name, None)
        self.values[name] = value

    def take_secret(self, name: str, keys: Collection[str] | None, path: str) -> None:
        if keys is None:
            self.findings.append(_missing("Secret", name, path))
        for key in keys or ():
            if key in self._types:
                self.values.pop(key, None)
                self.secret[key] = SecretKey(name, key)

    def take_config_map(self, name: str, texts: Mapping[str, str] | None, path: str) -> None:
        if texts is None:
            self.findings.append(_missing("ConfigMap", name, path))
        for key, text in (texts or {}).items():
            if key not in self._types:
                continue
            try:
                # The error would quote the text.
                value = None if key in self._sensitive else value_of_text(self._types[key], text)
            except ValueError as error:
                finding = _no_json(key, name, str(self._types[key]), error, path)
                self.findings.append(finding)
            else:
                self.take(key, value, path)


def _missing(kind: str, name: str, path: str) -> Diagnostic:
    return Diagnostic(
        code=f"{kind}Missing",
        message=f"{kind} {name!r} is not there",
        path=path,
        remedy="create it in the run's namespace",
    )


def _exposed(name: str, path: str) -> Diagnostic:
    return Diagnostic(
        code="SensitiveInput",
        message=f"input {name!r} is sensitive, and stands here for everybody to read",
        expected="a key of a Secret",
        path=path,
        remedy=f"put it into a Secret under the key {name}, and name that in spec.inputsFrom",
    )


def _no_json(name: str, config_map: str, type_: str, error: ValueError, path: str) -> Diagnostic:
    return Diagnostic(
        code="InvalidInput",
        message=f"input {name!r}: its text in ConfigMap {config_map!r} is no JSON: {error}",
        expected=f"a value of type {type_}, as JSON",
        path=path,
        remedy="write the value as JSON",
    )
