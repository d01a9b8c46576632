"""What a set of files holds: the objects by kind and name, and where each stands."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.api.pipelinerundata import PipelineRunData
from dspex.api.pool import Pool
from dspex.api.signature import Signature
from dspex.errors import Diagnostic
from dspex.manifests.nodes import Node
from dspex.manifests.paths import walk_text


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object stands.

    Attributes:
        file: The file's name as the person gave it.
        root: The document.
    """

    file: str
    root: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """The objects of some files.

    Attributes:
        signatures: Signatures by name; pools, pipelines, runs and run_data likewise.
        secrets: Values of Secrets by key, by the Secret's name.
        config_maps: Texts of ConfigMaps by key, by the ConfigMap's name.
        notes: Documents that were left out: those of foreign kinds. Severity Warning.
        origins: Where each object stands, by `Kind/name`.
    """

    signatures: Mapping[str, Signature] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    runs: Mapping[str, PipelineRun] = field(default_factory=dict)
    run_data: Mapping[str, PipelineRunData] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def place(self, diagnostic: Diagnostic) -> Diagnostic:
        """Fill in file, line and column from the finding's subject (`Kind/name`) and path.

        Where the path leads to a string that stands on one line as it is, the column is that of
        `start` in it. A finding about an object of no file comes back as it is.
        """
        origin = self.origins.get(diagnostic.subject or "")
        if origin is None or diagnostic.line is not None:
            return diagnostic
        place = walk_text(origin.root, diagnostic.path or "")
        column = place.column + _offset(place.node, diagnostic)
        return dataclasses.replace(diagnostic, file=origin.file, line=place.line, column=column)


def _offset(node: Node, diagnostic: Diagnostic) -> int:
    if not node.verbatim or diagnostic.start is None or not isinstance(node.value, str):
        return 0
    source = node.value if diagnostic.source is None else diagnostic.source
    begin = node.value.find(source)
    return node.indent + begin + diagnostic.start if begin >= 0 else 0
