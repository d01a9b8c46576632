"""kubectl as a person runs it, with JSON read back and conditions awaited."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

PAUSE: Final = 0.1
"""Seconds between two looks at something that is awaited."""

Object = dict[str, Any]


class KubectlError(AssertionError):
    """A kubectl command that ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against one cluster, in one namespace.

    Attributes:
        kubeconfig: The cluster.
        context: Context of the kubeconfig; empty for its current one.
        namespace: Where namespaced objects are.
        environment: PATH and what else the program needs.
    """

    kubeconfig: Path
    context: str = ""
    namespace: str = "default"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def within(self, namespace: str) -> "Kubectl":
        """Return the same for another namespace."""
        return replace(self, namespace=namespace)

    def run(
        self, *arguments: str, stdin: str | None = None, seconds: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command; whatever its end, it is returned."""
        context = ["--context", self.context] if self.context else []
        return subprocess.run(
            ["kubectl", *context, "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**self.environment, "KUBECONFIG": str(self.kubeconfig)},
        )

    def __call__(self, *arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
        """Run a command and return what it printed.

        Raises:
            KubectlError: It failed.
        """
        done = self.run(*arguments, stdin=stdin, seconds=seconds)
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}\n{done.stderr}{done.stdout}")
        return done.stdout

    def apply(self, *documents: Object | str | Path) -> str:
        """Apply documents: objects, YAML texts or paths of files and folders."""
        printed = []
        for document in documents:
            if isinstance(document, Path):
                printed.append(self("apply", "-f", str(document)))
            else:
                text = document if isinstance(document, str) else json.dumps(document)
                printed.append(self("apply", "-f", "-", stdin=text))
        return "".join(printed)

    def refused(self, document: Object | str) -> str:
        """Apply a document that must be refused; return the words of the refusal."""
        text = document if isinstance(document, str) else json.dumps(document)
        done = self.run("apply", "-f", "-", stdin=text)
        assert done.returncode, f"it was accepted: {done.stdout}"
        return done.stderr

    def get(self, kind: str, name: str) -> Object:
        """Return an object.

        Raises:
            KubectlError: It is not there.
        """
        found: Object = json.loads(self("get", kind, name, "-o", "json"))
        return found

    def find(self, kind: str, name: str) -> Object | None:
        """Return an object, or None if it is not there."""
        printed = self("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Object | None = json.loads(printed) if printed.strip() else None
        return found

    def list(self, kind: str, selector: str = "") -> "list[Object]":
        """Return the objects of a kind, those that a selector chooses."""
        chosen = ["--selector", selector] if selector else []
        items: list[Object] = json.loads(self("get", kind, *chosen, "-o", "json"))["items"]
        return items

    def until(
        self, kind: str, name: str, holds: Callable[[Object], bool], seconds: float = 60
    ) -> Object:
        """Wait until something holds of an object; return it then.

        Raises:
            AssertionError: It did not within `seconds`; the message shows the object.
        """

        def look() -> Object | None:
            found = self.find(kind, name)
            return found if found is not None and holds(found) else None

        try:
            found: Object = eventually(look, seconds)
        except TimeoutError:
            shown = self.run("get", kind, name, "-o", "yaml").stdout
            pods = self.run("get", "pods", "-o", "wide").stdout
            raise AssertionError(f"{kind}/{name} after {seconds} s:\n{shown}\n{pods}") from None
        return found

    def gone(self, kind: str, name: str, seconds: float = 60) -> None:
        """Wait until an object is not there any more."""
        eventually(lambda: self.find(kind, name) is None or None, seconds)


def eventually(look: Callable[[], Any], seconds: float) -> Any:
    """Return the first value of `look` that is not None.

    Raises:
        TimeoutError: There was none within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(PAUSE)
    return found


def condition(item: Object, kind: str) -> Object:
    """Return an object's condition of a type, empty if it has none."""
    conditions = item.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def is_true(kind: str) -> Callable[[Object], bool]:
    """Say that a condition must be True, for the object's present generation."""

    def holds(item: Object) -> bool:
        seen = item.get("status", {}).get("observedGeneration")
        current = seen == item["metadata"].get("generation")
        return current and condition(item, kind).get("status") == "True"

    return holds


def is_reason(kind: str, reason: str) -> Callable[[Object], bool]:
    """Say that a condition must give a reason."""
    return lambda item: condition(item, kind).get("reason") == reason


def has_ended(item: Object) -> bool:
    """Say that a run has ended, well or not."""
    return condition(item, "Succeeded").get("status") in ("True", "False")


def documents(*paths: Path) -> list[Object]:
    """Read the objects of manifest files and folders, in their order."""
    found: list[Object] = []
    for path in paths:
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            found += [each for each in yaml.safe_load_all(file.read_text()) if each]
    return found
