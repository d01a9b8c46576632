"""Builds and asks the oracles of tests/oracles: Kubernetes' own packages behind a JSON pipe."""

import fcntl
import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent.parent / "oracles"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dspex-tests"


@functools.cache
def _binary(name: str) -> Path:
    """Build an oracle once for each version of its sources; several processes may ask at once."""
    source = SOURCES / name
    digest = hashlib.sha256()
    for file in ("go.mod", "go.sum", "main.go"):
        digest.update((source / file).read_bytes())
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{name}-{digest.hexdigest()[:16]}"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_suffix(".partial")
            command = ["go", "build", "-trimpath", "-o", str(partial), "."]
            subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
            partial.replace(target)
    return target


def _ask(name: str, question: object) -> Any:
    done = subprocess.run(
        [str(_binary(name))],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def kubectl_readings(texts: Sequence[str]) -> list[list[Any] | str]:
    """Return what kubectl reads from each text: its documents, or an error's message."""
    answers = _ask("kubectl", list(texts))
    return [answer.get("error") or answer["documents"] for answer in answers]


def apiserver_verdicts(
    crds: Sequence[dict[str, Any]], objects: Sequence[dict[str, Any]]
) -> tuple[dict[str, list[str]], list[dict[str, Any]]]:
    """Return what kube-apiserver says of CRDs (errors by name) and of objects.

    An object is asked about as {"kind", "object"} or, for an update, with "old"; the verdict holds
    "errors" and, as it would be stored, "object".
    """
    answer = _ask("apiserver", {"crds": list(crds), "objects": list(objects)})
    return answer["crds"], answer["objects"]
