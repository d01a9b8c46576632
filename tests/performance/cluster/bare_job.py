"""The floor: a bare Job with the runner's image that prints one line, the time of day."""

import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from dspex.kube.kind import JOB
from performance.cluster.place import Place
from stage.images import OPERATOR
from stage.kubectl import Object

PROGRAM: Final = "import time; print(time.time())"


@dataclass(frozen=True, slots=True)
class BareJob:
    """One bare Job.

    Attributes:
        first_line: Seconds from its creation to its first line.
        complete: Seconds from its creation until a watcher sees it complete.
    """

    first_line: float
    complete: float


async def bare_job(place: Place) -> BareJob:
    """Run one and time it."""
    import time

    name = f"bare-{secrets.token_hex(4)}"
    began = await place.create(_manifest(name))
    await place.until(JOB, name, is_complete)
    complete = time.time() - began
    return BareJob(float(place.log(name)) - began, complete)


def _manifest(name: str) -> Object:
    container: dict[str, Any] = {
        "name": "bare",
        "image": OPERATOR,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", PROGRAM],
    }
    pod = {"restartPolicy": "Never", "containers": [container]}
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod}},
    }
    loaded: Object = json.loads(json.dumps(manifest))
    return loaded


def is_complete(job: Object) -> bool:
    """Say whether a Job is complete."""
    conditions = job.get("status", {}).get("conditions", [])
    return any(each["type"] == "Complete" and each["status"] == "True" for each in conditions)
