"""A ReAct module's tools: names of the Pool's, or functions, which are added to it."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dspex.api.pool import Pool, Tool
from dspex.errors import ConfigurationError, Diagnostic

ToolLike: TypeAlias = str | Callable[..., Any]
"""A tool: its name in the Pool, or a function that a worker can import."""


def with_tools(pool: Pool, tools: Sequence[ToolLike]) -> tuple[list[str], Pool]:
    """Return the tools' names, and the Pool with those that are functions among its tools.

    Raises:
        ConfigurationError: A worker could not import a function.
    """
    names: list[str] = []
    known = {each.name: each for each in pool.spec.tools}
    added: list[Tool] = []
    for index, tool in enumerate(tools):
        if isinstance(tool, str):
            names.append(tool)
            continue
        made = Tool(name=tool.__name__, path=_dotted(tool, index))
        names.append(made.name)
        if known.setdefault(made.name, made) is made:
            added.append(made)
        elif known[made.name].path != made.path:
            raise _refusal(
                f"Pool {pool.name} has another tool {made.name}, {known[made.name].path}",
                index,
                remedy="rename the function",
            )
    if not added:
        return names, pool
    spec = {**pool.spec.to_json(), "tools": [each.to_json() for each in known.values()]}
    return names, Pool.model_validate(
        {"kind": "Pool", "metadata": {"name": pool.name}, "spec": spec}, by_alias=True
    )


def _dotted(function: Callable[..., Any], index: int) -> str:
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if module == "__main__" or getattr(sys.modules.get(module), name, None) is not function:
        raise _refusal(
            f"the workers can't import the function {name or function!r}",
            index,
            remedy="write it into a module beside the notebook, such as tools.py, and import it "
            "from there",
        )
    return f"{module}.{name}"


def _refusal(message: str, index: int, *, remedy: str) -> ConfigurationError:
    finding = Diagnostic(
        code="ToolNotAllowed", message=message, remedy=remedy, file="tools", path=f"[{index}]"
    )
    return ConfigurationError(finding)
