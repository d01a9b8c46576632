"""Objects and plans from short YAML, for tests of the compiler and the engine."""

from textwrap import dedent
from typing import Any

import yaml

from dspex.api.pipeline import Pipeline
from dspex.api.pool import Pool
from dspex.api.signature import Signature
from dspex.pipeline.compile import Compiled, compile_pipeline
from dspex.pipeline.context import Sources
from dspex.pipeline.plan import Plan


def pipeline(text: str, name: str = "main") -> Pipeline:
    """Read the spec of a Pipeline; `if:` and `on:` are quoted for PyYAML where they must be."""
    return Pipeline.model_validate({"metadata": {"name": name}, "spec": _load(text)})


def signature(text: str, name: str) -> Signature:
    """Read the spec of a Signature."""
    return Signature.model_validate({"metadata": {"name": name}, "spec": _load(text)})


def pool(name: str, **spec: Any) -> Pool:
    """Make a Pool with an embedded model."""
    given = {"model": {"embedded": True}, "callTimeout": "600s", **spec}
    return Pool.model_validate({"metadata": {"name": name}, "spec": given})


def sources(**given: Any) -> Sources:
    """Make sources with the Pools `fast` and `other`, and what is given."""
    pools = {"fast": pool("fast"), "other": pool("other")}
    return Sources(**{"pools": pools, **given})


def compiled(text: str, **given: Any) -> Compiled:
    """Compile the spec of a Pipeline named main."""
    return compile_pipeline(pipeline(text), sources(**given))


def plan(text: str, **given: Any) -> Plan:
    """Compile the spec of a Pipeline that has no errors."""
    found = compiled(text, **given)
    assert found.plan is not None, "\n".join(
        [each.render() for each in found.diagnostics]
        + [each.diagnostic.render() for each in found.missing]
    )
    return found.plan


def messages(found: Compiled) -> list[str]:
    """Return the compiler's findings, a line each, with their paths."""
    return [f"{each.path}: {each.message}" for each in found.diagnostics]


def _load(text: str) -> Any:
    return yaml.safe_load(dedent(text))
