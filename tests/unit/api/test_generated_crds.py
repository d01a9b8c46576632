"""The generated CRDs, by our own reading of what Kubernetes demands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dspex.api.crd import MAX_CRD_BYTES, custom_resource_definition
from dspex.api.kinds import KINDS, Kind
from dspex.api.names import YAML_WORDS
from dspex.api.structural import INT_OR_STRING, PRESERVE
from dspex.manifests import generate
from dspex.manifests.scalars import resolve_key

ROOT = Path(__file__).parents[3]
FORBIDDEN = {
    "$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title", "patternProperties",
    "propertyNames", "definitions",
}  # fmt: skip

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def _schema(kind: Kind) -> dict[str, Any]:
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def _walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from _walk(value, f"{path}.{name}")
    if "items" in schema:
        yield from _walk(schema["items"], f"{path}[]")


def _below(kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all schemas of spec and status; apiVersion, kind and metadata are the server's own."""
    for name in ("spec", "status"):
        yield from _walk(_schema(kind)["properties"][name], name)


@every_kind
def test_every_place_has_a_type(kind: Kind) -> None:
    """A structural schema knows the type of everything, or says that it takes anything."""
    for path, schema in _below(kind):
        assert schema.get("type") or schema.get(PRESERVE) or schema.get(INT_OR_STRING), path
        assert not FORBIDDEN & schema.keys(), path
        assert not any(key.startswith("x-dspex") for key in schema), path


@every_kind
def test_everything_is_bounded(kind: Kind) -> None:
    """Strings, lists and free objects have a most; without one CEL rules would cost too much."""
    for path, schema in _below(kind):
        if schema.get("type") == "string":
            assert "maxLength" in schema or "enum" in schema, path
        if schema.get("type") == "array":
            assert "maxItems" in schema, path
        if schema.get("type") == "object" and "properties" not in schema:
            assert "maxProperties" in schema, path


@every_kind
def test_every_field_is_described(kind: Kind) -> None:
    """`kubectl explain` has words for each field."""
    for path, schema in _below(kind):
        if not path.endswith("[]"):
            assert schema.get("description"), path


@every_kind
def test_no_field_is_a_word_that_yaml_renames(kind: Kind) -> None:
    """Kubectl reads a key such as `on` as true, so no field is called that."""
    names = {path.rpartition(".")[2].removesuffix("[]") for path, _ in _below(kind)}
    assert not names & YAML_WORDS
    assert all(resolve_key(name, None, True) == name for name in names)


@every_kind
def test_lists_say_how_they_merge(kind: Kind) -> None:
    """Each list is a list-map with its key required, a set of scalars, or atomic."""
    for path, schema in _below(kind):
        if schema.get("type") != "array":
            continue
        list_type = schema["x-kubernetes-list-type"]
        assert list_type in ("map", "set", "atomic"), path
        if list_type == "map":
            keys = schema["x-kubernetes-list-map-keys"]
            assert set(keys) <= set(schema["items"]["required"]), path
        if list_type == "set":
            assert schema["items"]["type"] == "string", path


@every_kind
def test_rules_have_messages(kind: Kind) -> None:
    """A person who breaks a rule reads what it is, not the rule's source."""
    for path, schema in _below(kind):
        for rule in schema.get("x-kubernetes-validations", []):
            assert rule["message"], path
            assert "\n" not in rule["message"], path


@every_kind
def test_objects_are_born_unready(kind: Kind) -> None:
    """The status default stands in for the operator until it has looked."""
    conditions = _schema(kind)["properties"]["status"]["default"]["conditions"]
    states = {each["type"]: (each["status"], each["reason"]) for each in conditions}
    assert states["Ready"] == ("Unknown", "Pending")
    assert states["Reconciling"] == ("True", "Pending")
    assert ("Succeeded" in states) == (kind.name == "PipelineRun")
    assert {each["lastTransitionTime"] for each in conditions} == {"1970-01-01T00:00:00Z"}


@every_kind
def test_the_definition_is_complete(kind: Kind) -> None:
    """Names, category, subresources and columns are as design.md has them, and it is small."""
    crd = custom_resource_definition(kind)
    version = crd["spec"]["versions"][0]
    assert crd["metadata"]["name"] == f"{kind.plural}.dspex.dev"
    assert crd["spec"]["scope"] == "Namespaced"
    assert crd["spec"]["names"]["categories"] == ["dspex"]
    assert crd["spec"]["names"]["shortNames"] == list(kind.short_names)
    assert "status" in version["subresources"]
    assert ("scale" in version["subresources"]) == (kind.name == "Pool")
    assert version["additionalPrinterColumns"][-1]["name"] == "Age"
    assert len(json.dumps(crd)) < MAX_CRD_BYTES


@every_kind
def test_columns_lead_to_fields(kind: Kind) -> None:
    """Each column's path is a field of the schema."""
    fields = {path.replace("[]", "") for path, _ in _below(kind)}
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    for column in version["additionalPrinterColumns"]:
        path = re.sub(r"\[\?\(.*?\)\]", "", column["jsonPath"]).removeprefix(".")
        assert path in fields or path == "metadata.creationTimestamp", path


def test_what_is_generated_is_current() -> None:
    """The files in the repository are what the models give; `make generate` writes them."""
    assert generate.differences(ROOT) == []


def test_generation_is_deterministic_and_mends_differences(tmp_path: Path) -> None:
    """Writing twice changes nothing; a changed, a missing and a left-over file are mended."""
    written = generate.write(tmp_path)
    assert set(written) == set(generate.generated_files())
    assert generate.write(tmp_path) == []
    (tmp_path / "crds/pools.yaml").write_text("changed")
    (tmp_path / "schemas/pool.json").unlink()
    (tmp_path / "crds/old.yaml").write_text("left over")
    wrong = ["crds/old.yaml", "crds/pools.yaml", "schemas/pool.json"]
    assert generate.main(["--check", str(tmp_path)]) == 1
    assert generate.differences(tmp_path) == wrong
    assert generate.main([str(tmp_path)]) == 0
    assert generate.main(["--check", str(tmp_path)]) == 0


def test_the_pages_name_every_field_and_reason() -> None:
    """The reference has a row for each field of spec, and one for each reason."""
    files = generate.generated_files()
    page = files["docs/reference/pool.md"]
    for field in ("profile", "model.apiKeySecretRef.name", "queue.size", "tools[].path"):
        assert f"| `{field}`" in page
    assert "**required**" in page
    assert "`ModelRateLimited` | retried" in files["docs/reference/reasons.md"]
    assert "pipelinerun.md" in files["docs/reference/README.md"]
