"""What a pod knows of itself and of its run before it has asked anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspex.errors import ConfigurationError, Diagnostic
from dspex.resources.names import job_name

ROOT: Final = Path("/etc/dspex")
"""Where plan, tokens and sensitive inputs are mounted."""

_VARIABLES: Final = (
    "DSPEX_RUN_NAME",
    "DSPEX_RUN_NAMESPACE",
    "DSPEX_RUN_UID",
    "POD_NAME",
    "POD_UID",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A run's pod.

    Attributes:
        run: Name of the PipelineRun.
        namespace: Its namespace.
        uid: Its uid: a later run of the same name is another one.
        pod_name: Name of this pod.
        pod_uid: Its uid, as its token has it.
        root: Where plan, tokens and sensitive inputs are mounted.
    """

    run: str
    namespace: str
    uid: str
    pod_name: str
    pod_uid: str
    root: Path = ROOT

    @property
    def job(self) -> str:
        """Name of the run's Job, with which the names of its checkpoints begin."""
        return job_name(self.run, self.uid)

    @classmethod
    def of(cls, environment: Mapping[str, str], root: Path = ROOT) -> "Settings":
        """Read the environment of the Job's pod.

        Raises:
            ConfigurationError: With every variable that is missing.
        """
        missing = [name for name in _VARIABLES if not environment.get(name)]
        if missing:
            raise ConfigurationError(*(_missing(name) for name in missing))
        run, namespace, uid, pod_name, pod_uid = (environment[name] for name in _VARIABLES)
        return cls(
            run=run, namespace=namespace, uid=uid, pod_name=pod_name, pod_uid=pod_uid, root=root
        )


def _missing(name: str) -> Diagnostic:
    return Diagnostic(
        code="MissingVariable",
        message=f"the environment has no {name}",
        remedy="a runner is started by the operator's Job; to run a pipeline here, use dspex run",
    )
