"""`dspex.load`: a folder of manifests in Python."""

import os
from collections.abc import Mapping

from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.api.pool import Pool
from dspex.api.signature import Signature as SignatureKind
from dspex.cli.checks import check
from dspex.errors import Diagnostic
from dspex.manifests import Manifests
from dspex.manifests import load as load_manifests
from dspex.native.signatures import Signature
from dspex.pipeline.declare import signature_of


class Project:
    """Manifests that were loaded; `dspex.run_pipeline` runs them.

    Attributes:
        manifests: The objects with their places in the files.
    """

    def __init__(self, manifests: Manifests) -> None:
        self.manifests = manifests

    @property
    def signatures(self) -> Mapping[str, SignatureKind]:
        """The Signatures by name."""
        return self.manifests.signatures

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The Pools by name."""
        return self.manifests.pools

    @property
    def pipelines(self) -> Mapping[str, Pipeline]:
        """The Pipelines by name."""
        return self.manifests.pipelines

    @property
    def runs(self) -> Mapping[str, PipelineRun]:
        """The PipelineRuns by name."""
        return self.manifests.runs

    def signature(self, name: str) -> Signature:
        """Return a Signature as `dspex.predict` and the others take it.

        Raises:
            KeyError: There is none of that name.
            SignatureError: It is wrong.
        """
        return signature_of(self.signatures[name].spec)

    def check(self) -> tuple[Diagnostic, ...]:
        """Return all that `dspex lint` finds; errors and warnings, each with its place."""
        return check(self.manifests)

    def __repr__(self) -> str:
        kinds = {
            "signatures": self.signatures,
            "pools": self.pools,
            "pipelines": self.pipelines,
            "runs": self.runs,
        }
        return f"Project({', '.join(f'{kind}={list(names)}' for kind, names in kinds.items())})"


def load(*paths: str | os.PathLike[str]) -> Project:
    """Load manifests as `dspex run -f` does.

    Args:
        paths: Files, or folders with all `.yaml`, `.yml` and `.json` below them.

    Raises:
        ManifestError: With everything that is wrong in any of the files.
    """
    return Project(load_manifests([os.fspath(path) for path in paths]))
