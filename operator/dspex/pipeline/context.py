"""What a compiler works in: the objects that a pipeline may name, and what was found so far."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dspex.api.pipeline import Pipeline
from dspex.api.pool import Pool
from dspex.api.signature import Signature as SignatureKind
from dspex.errors import Diagnostic, InputError, Severity, nearest
from dspex.native.signatures import Signature
from dspex.pipeline.declare import signature_of
from dspex.pipeline.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The objects that a pipeline may name, by name, all of one namespace.

    `config_maps` holds the data of ConfigMaps as text by key.
    """

    signatures: Mapping[str, SignatureKind] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A reference to something that is not there (yet)."""

    kind: str
    name: str
    key: str = ""
    subject: str = field(default="", compare=False)
    path: str = field(default="", compare=False)
    known: tuple[str, ...] = field(default=(), compare=False)

    @property
    def diagnostic(self) -> Diagnostic:
        """The finding for those who can't wait for it."""
        what = f"key {self.key!r} of ConfigMap {self.name}" if self.key else ""
        near = nearest(self.key or self.name, self.known)
        return Diagnostic(
            code="MissingReference",
            message=f"there is no {what or f'{self.kind} {self.name}'}",
            expected=f"one of {', '.join(sorted(self.known))}" if self.known else None,
            remedy=f"did you mean {near}?" if near else f"add a {self.kind} of that name",
            subject=self.subject or None,
            path=self.path or None,
        )


@dataclass(slots=True)
class Findings:
    """Collects what the compiler finds, in the order in which it finds it."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether an error is among them; warnings and missing references are none."""
        return self.failed_since(0)

    def failed_since(self, count: int) -> bool:
        """Say whether an error is among those found after the first `count`."""
        return any(found.severity is Severity.ERROR for found in self.diagnostics[count:])


CompileSub = Callable[[str], Plan | None]
"""Compiles a sub-pipeline by name; None where that can't be, which is then among the findings."""


@dataclass(frozen=True, slots=True)
class Context:
    """A place in a manifest, and the ways to report and to look up from there."""

    subject: str
    path: str
    sources: Sources
    findings: Findings
    compile_sub: CompileSub

    def at(self, path: str) -> "Context":
        """Return the context of a place further inside."""
        joined = self.path + path if path.startswith("[") else f"{self.path}.{path}"
        return dataclasses.replace(self, path=joined)

    def outside(self) -> "Context":
        """Return the context of the place around this one."""
        return dataclasses.replace(self, path=self.path.rpartition(".")[0])

    def error(
        self,
        code: str,
        message: str,
        *,
        path: str = "",
        expected: str | None = None,
        found: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Report an error."""
        finding = Diagnostic(
            code=code,
            message=message,
            expected=expected,
            found=found,
            remedy=remedy,
            path=path or None,
        )
        self.report(finding)

    def warn(self, code: str, message: str, *, path: str = "", remedy: str | None = None) -> None:
        """Report something that is allowed but probably not meant."""
        self.report(
            Diagnostic(
                code=code,
                message=message,
                path=path or None,
                remedy=remedy,
                severity=Severity.WARNING,
            )
        )

    def report(self, finding: Diagnostic) -> None:
        """Report a finding whose path begins at this place."""
        self.findings.diagnostics.append(finding.at(subject=self.subject, path=self.path))

    def report_all(self, error: InputError, path: str = "") -> None:
        """Report all findings of an error."""
        for finding in error.diagnostics:
            self.report(finding.at(path=path or None))

    def signature(self, name: str, path: str) -> Signature | None:
        """Look up a Signature and compile it."""
        found = self.sources.signatures.get(name)
        if found is None:
            self._miss("Signature", name, path, tuple(self.sources.signatures))
            return None
        try:
            return signature_of(found.spec)
        except InputError as error:
            for finding in error.diagnostics:
                placed = finding.at(subject=found.subject, path="spec")
                # Several steps may name the same Signature: one report is enough.
                if placed not in self.findings.diagnostics:
                    self.findings.diagnostics.append(placed)
            return None

    def pool(self, name: str, path: str) -> Pool | None:
        """Look up a Pool."""
        found = self.sources.pools.get(name)
        if found is None:
            self._miss("Pool", name, path, tuple(self.sources.pools))
        return found

    def pipeline(self, name: str, path: str) -> Plan | None:
        """Look up a Pipeline and compile it."""
        if name not in self.sources.pipelines:
            self._miss("Pipeline", name, path, tuple(self.sources.pipelines))
            return None
        return self.compile_sub(name)

    def config_map(self, name: str, key: str, path: str) -> str | None:
        """Look up a key of a ConfigMap."""
        data = self.sources.config_maps.get(name)
        if data is None:
            self._miss("ConfigMap", name, path, tuple(self.sources.config_maps))
        elif key not in data:
            self._miss("ConfigMap", name, path, tuple(data), key=key)
        else:
            return data[key]
        return None

    def _miss(self, kind: str, name: str, path: str, known: tuple[str, ...], key: str = "") -> None:
        self.findings.missing.append(
            Missing(
                kind=kind,
                name=name,
                key=key,
                subject=self.subject,
                path=f"{self.path}.{path}",
                known=known,
            )
        )
