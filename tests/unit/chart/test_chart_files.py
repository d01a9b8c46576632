"""What of the chart and of deploy/ can be told without helm and without a cluster."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from chart.render import CHART, ROOT
from dspex import __version__
from dspex.api.crd import custom_resource_definition
from dspex.api.kinds import KINDS

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = sorted((CHART / "templates").rglob("*.*"))


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Give the path of each value that has no further names in it."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    else:
        yield path


def schema_leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Give the path of each value that a schema names."""
    if schema.get("properties"):
        for name, each in schema["properties"].items():
            yield from schema_leaves(each, f"{path}.{name}" if path else name)
    else:
        yield path


def test_versions_agree() -> None:
    """Chart, images and Python package are released as one."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert {chart["version"], chart["appVersion"]} == {__version__}


def test_the_defaults_fit_their_schema() -> None:
    """Helm would refuse to install a chart whose own values do not."""
    assert list(jsonschema_rs.validator_for(SCHEMA).iter_errors(VALUES)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"replica": 3},
        {"replicas": "two"},
        {"image": {"pullpolicy": "Never"}},
        {"namespaces": ["Not_A_Name"]},
        {"webhook": {"failurePolicy": "ignore"}},
        {"webhook": {"certificate": {"source": "helm"}}},
        {"rbac": {"aggregate": {"view": ["everyone"]}}},
        {"image": {"digest": "latest"}},
        {"logLevel": "trace"},
    ],
    ids=str,
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    """A misspelt name or a wrong type is an error of `helm install`, not a value without effect."""
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(wrong)


def test_every_value_has_a_schema_and_the_reverse() -> None:
    """values.yaml and values.schema.json name the same values."""
    inside = {"webhook.certificate.issuerRef", "resources", "metrics"}
    named = {path for path in schema_leaves(SCHEMA) if path != "global"}
    given = set(leaves(VALUES))

    def covered(path: str, by: set[str]) -> bool:
        return any(path == each or path.startswith(f"{each}.") for each in by | inside)

    assert [path for path in given if not covered(path, named)] == []
    assert [path for path in named if not covered(path, given)] == []


def test_every_value_is_used() -> None:
    """A value that no template reads would be a promise without effect."""
    text = "\n".join(path.read_text() for path in TEMPLATES)
    used = set(re.findall(r"\.Values\.([A-Za-z.]+[A-Za-z])", text))
    # A whole part is handed to a helper or a variable, which reads what is in it.
    used |= {f"webhook.certificate.{name}" for name in re.findall(r"\$certificate\.(\w+)", text)}
    parts = {"image", "worker.image", "worker.embeddedImage", "resources", "metrics.dashboard"}
    unread = [
        path
        for path in leaves(VALUES)
        if path not in used and not any(path.startswith(f"{part}.") for part in parts)
    ]
    assert unread == []


def test_every_value_says_what_it_is() -> None:
    """A value's line, the one above it, or the part that it stands in has words for a person."""
    lines = (CHART / "values.yaml").read_text().splitlines()
    assert sum(line.lstrip().startswith("#") for line in lines) > len(VALUES)


def test_the_charts_crds_are_the_models() -> None:
    """The copy that the chart carries, and the one in deploy/, are what the models give."""
    wanted = {
        f"{kind.plural}.dspex.dev": custom_resource_definition(kind) for kind in KINDS.values()
    }
    for folder in (CHART / "files/crds", ROOT / "deploy/base/crds"):
        copies = [yaml.safe_load(path.read_text()) for path in folder.glob("*.yaml")]
        assert {each["metadata"]["name"]: each for each in copies} == wanted


def test_every_rule_of_the_operator_has_its_reason() -> None:
    """Each rule of a role is preceded by a comment."""
    text = (CHART / "templates/rbac/_operator-rules.tpl").read_text()
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("- apiGroups")]
    bare = [
        lines[number]
        for number in rules
        if not lines[number - 1].startswith("#") and "clusterroles" not in lines[number + 1]
    ]
    assert len(rules) > 10
    assert bare == ["- apiGroups: [policy]"], "it shares the comment of the rule before it"


def references() -> Iterator[tuple[str, str]]:
    """Give kind and path of each reference to another object that a kind has."""

    def walk(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
        for name, each in schema.get("properties", {}).items():
            yield from walk(each, (*path, name))
        if "items" in schema:
            yield from walk(schema["items"], path)
        if path[-1] == "name" and path[-2].endswith("Ref"):
            yield "/".join(path)

    for kind in KINDS.values():
        crd = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]
        spec = crd["openAPIV3Schema"]["properties"]["spec"]
        yield from ((kind.name, path) for path in walk(spec, ("spec",)))


def test_kustomize_follows_every_reference() -> None:
    """A prefix that renames a Pool renames it in the Pipelines that name it; run data is ours."""
    listed = yaml.safe_load((ROOT / "deploy/kustomize/name-reference.yaml").read_text())
    followed = {
        (spec["kind"], spec["path"])
        for each in listed["nameReference"]
        for spec in each["fieldSpecs"]
    }
    missing = {each for each in references() if each[0] != "PipelineRunData"} - followed
    assert missing == set()


def test_policies_hold_to_the_contract_of_names() -> None:
    """The account that the policies look for is the one that runners have."""
    text = (CHART / "templates/policies/_policy.tpl").read_text()
    assert ":dspex-runner$" in text


def test_plain_manifests_name_nothing_of_helm() -> None:
    """`kubectl apply -k` leaves no sign of helm, which would believe the objects its own."""
    for path in Path(ROOT / "deploy/base").glob("*.yaml"):
        assert "helm.sh" not in path.read_text()
        assert "managed-by: Helm" not in path.read_text()
