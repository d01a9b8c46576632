"""What each extra promises: what it can import and run, and what it must not bring along."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(__file__).parent / "programs"
EXAMPLE: Final = "examples/triage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the environment.

    Attributes:
        words: The command and its arguments.
        status: The exit status that it must have.
        says: What stdout and stderr together must hold.
    """

    words: Sequence[str]
    status: int = 0
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One extra.

    Attributes:
        name: Its name; `core` is the wheel without any, and `requirements/<name>.txt` the lock.
        absent: Modules that must not be there.
        programs: Files of `programs/` that must run.
        commands: Commands that must run.
    """

    name: str
    absent: frozenset[str]
    programs: Sequence[str] = ()
    commands: Sequence[Command] = ()

    @property
    def requirement(self) -> str:
        """How a person asks for it: `dspex[cli]`."""
        return "dspex" if self.name == "core" else f"dspex[{self.name}]"


_CLI: Final = frozenset({"click", "rich"})
_CEL: Final = frozenset({"cel_expr_python"})
_DSPY: Final = frozenset({"dspy", "prometheus_client"})
_MCP: Final = frozenset({"mcp", "mcp_types", "httpx2", "anyio"})
_MODEL: Final = frozenset({"xllamacpp"})
_NEVER: Final = frozenset({"litellm", "kubernetes"})
_NO_CLI: Final = Command(words=["dspex", "--help"], status=2, says="pip install 'dspex[cli]'")

EXTRAS: Final = (
    Extra(
        name="core",
        absent=_NEVER | _CLI | _CEL | _DSPY | _MCP | _MODEL | {"kopf", "yaml", "cronsim", "jwt"},
        programs=["use_native.py"],
        commands=[_NO_CLI],
    ),
    Extra(
        name="cli",
        absent=_NEVER | _DSPY | _MCP | _MODEL | {"kopf", "jwt"},
        programs=["use_native.py", "run_plan.py", "read_trigger.py"],
        commands=[
            Command(words=["dspex", "--help"], says="Usage"),
            Command(words=["dspex", "lint", "-f", EXAMPLE]),
            Command(words=["dspex", "graph", "-f", EXAMPLE, "--pipeline", "support"], says="reply"),
            Command(words=["dspex", "signature", "question -> answer: int"], says="answer"),
            Command(words=["dspex", "explain", "pipeline.spec.steps"], says="steps"),
            Command(words=["dspex", "run", "-f", EXAMPLE], status=2, says="pip install 'dspex["),
        ],
    ),
    Extra(
        name="worker",
        absent=_NEVER | _CEL | _MODEL | {"rich", "kopf", "cronsim"},  # click comes with mcp
        programs=["use_native.py", "serve.py"],
        commands=[Command(words=["dspex-worker", "--help"], says="--config")],
    ),
    Extra(
        name="embedded",
        absent=_NEVER | _CEL | {"rich", "kopf", "cronsim"},
        programs=["use_embedded.py", "serve.py"],
        commands=[Command(words=["dspex-worker", "--help"], says="--config")],
    ),
    Extra(
        name="operator",
        absent=_NEVER | {"rich", "dspy"} | _MCP | _MODEL,
        programs=["use_native.py", "run_plan.py", "read_trigger.py"],
    ),
)
