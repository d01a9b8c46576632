"""Loading manifests from files, directories and standard input."""

import io
from pathlib import Path

import pytest

from dspex.errors import Diagnostic, ManifestError, Severity
from dspex.manifests import Manifests, load
from dspex.manifests.examples import EXAMPLES

POOL = """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {name: %s}
spec: {model: {embedded: true}}
"""


def _read(text: str | bytes) -> Manifests:
    stream = io.StringIO(text) if isinstance(text, str) else io.BytesIO(text)
    return load(["-"], stdin=stream)


def _errors(text: str | bytes) -> list[Diagnostic]:
    with pytest.raises(ManifestError) as caught:
        _read(text)
    return list(caught.value.diagnostics)


def test_one_file_holds_many_objects() -> None:
    """The examples of all kinds, as documents of one file, are all there by name."""
    found = _read("---\n".join(EXAMPLES.values()))
    assert list(found.signatures) == ["triage"]
    assert found.pools["small"].spec.replicas == 2
    assert [step.name for step in found.pipelines["support"].spec.steps] == [
        "triage",
        "mood",
        "page",
    ]
    assert found.runs["support-1"].spec.inputs == {"message": "I was charged twice!"}
    assert list(found.run_data) == ["support-1-triage"]
    assert found.notes == ()


def test_lists_are_their_items() -> None:
    """A List, also one of our own and one in a list, stands for the objects in it."""
    pool = "{apiVersion: dspex.dev/v1alpha1, kind: Pool, metadata: {name: %s}, spec: {model: {embedded: true}}}"
    inner = f"{{apiVersion: dspex.dev/v1alpha1, kind: PoolList, items: [{pool % 'b'}]}}"
    found = _read(f"apiVersion: v1\nkind: List\nitems:\n- {pool % 'a'}\n- {inner}\n")
    assert set(found.pools) == {"a", "b"}
    deep = pool % "a"
    for _ in range(5):
        deep = f"{{apiVersion: v1, kind: List, items: [{deep}]}}"
    assert [each.code for each in _errors(deep)] == ["TooDeep"]


def test_anchors_and_comments_are_yaml() -> None:
    """An anchor and a merge key give what they stand for."""
    text = """\
# the pool
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {name: a}
spec:
  model: {embedded: true}
  env:
  - &first {name: A, value: b} # one
  - {<<: *first, name: B}
"""
    env = _read(text).pools["a"].spec.env
    assert [(each.name, each.value) for each in env] == [("A", "b"), ("B", "b")]


def test_json_is_read_too() -> None:
    """Several JSON objects one after the other, with tabs, are several manifests."""
    pool = (
        '{\t"apiVersion": "dspex.dev/v1alpha1", "kind": "Pool", "metadata": {"name": "%s"},\n'
        '"spec": {"model": {"embedded": true}, "concurrency": 2.0, "env": []}}'
    )
    assert set(_read((pool % "a") + (pool % "b")).pools) == {"a", "b"}
    (wrong,) = _errors((pool % "a").replace("true", '"yes"'))
    assert (wrong.path, wrong.line, wrong.column) == ("spec.model.embedded", 2, 32)


def test_directories_are_read_sorted_and_once(tmp_path: Path) -> None:
    """All manifests below a directory are read; a file that is named twice is read once."""
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b.yaml").write_text(POOL % "b")
    (tmp_path / "a.yml").write_text(POOL % "a")
    (tmp_path / "sub/c.json").write_text('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}')
    (tmp_path / "note.txt").write_text("{")
    (tmp_path / ".hidden/d.yaml").write_text("{")
    (tmp_path / "circle").symlink_to(tmp_path)
    found = load([tmp_path, tmp_path / "a.yml"])
    assert list(found.pools) == ["a", "b"]
    assert [note.file for note in found.notes] == [str(tmp_path / "sub/c.json")]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file and a directory without manifests are errors, both at once."""
    with pytest.raises(ManifestError) as caught:
        load([tmp_path / "nope.yaml", tmp_path])
    assert [each.file for each in caught.value.diagnostics] == [
        str(tmp_path / "nope.yaml"),
        str(tmp_path),
    ]


def test_foreign_kinds_are_noted() -> None:
    """A Deployment, and a Pipeline of Tekton, are left out with a note, not an error."""
    text = "apiVersion: %s\nkind: %s\nmetadata: {name: x}\n"
    found = _read(text % ("apps/v1", "Deployment") + "---\n" + text % ("tekton.dev/v1", "Pipeline"))
    assert [(note.subject, note.line, note.severity) for note in found.notes] == [
        ("Deployment/x", 1, Severity.WARNING),
        ("Pipeline/x", 5, Severity.WARNING),
    ]


def test_secrets_and_config_maps_are_kept() -> None:
    """data, stringData and binaryData give bytes and texts by key."""
    text = """\
apiVersion: v1
kind: Secret
metadata: {name: llm}
data: {api-key: "c2VjcmV0", other: "YQ=="}
stringData: {other: "b"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: texts}
data: {a: "hello"}
binaryData: {b: "aGVsbG8=", c: "/w=="}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: empty}, data: }
"""
    found = _read(text)
    assert found.secrets == {"llm": {"api-key": b"secret", "other": b"b"}}
    assert found.config_maps == {"texts": {"a": "hello", "b": "hello"}, "empty": {}}


def test_wrong_secrets_are_refused_without_showing_them() -> None:
    """A value that is no string or no base64 is an error that does not repeat the value."""
    text = """\
apiVersion: v1
kind: Secret
metadata: {name: llm}
data: {api-key: "hunter2!"}
stringData: {pin: 12}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: [x]}
---
{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {}}
"""
    errors = _errors(text)
    assert [(each.path, each.line) for each in errors] == [
        ("data.api-key", 4),
        ("stringData.pin", 5),
        ("data", 7),
        ("metadata", 9),
    ]
    assert "hunter2" not in "".join(each.render() for each in errors)


def test_generated_names_are_steady() -> None:
    """A run with generateName gets a name, the same each time, another for another run."""
    text = """\
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata: {generateName: support-}
spec: {pipelineRef: {name: support}, timeout: %s}
"""
    names = [list(_read(text % timeout).runs) for timeout in ("1m", "1m", "2m")]
    assert names[0] == names[1] != names[2]
    assert names[0][0].startswith("support-")


def test_two_objects_of_one_name_are_refused() -> None:
    """The error names both places; another kind may have the name."""
    text = (POOL % "a") + "---\n" + (POOL % "a")
    (error,) = _errors(text)
    assert (error.code, error.line, error.message) == (
        "DuplicateObject",
        6,
        "Pool/a stands already in -:1",
    )


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("[]", "NotAnObject", None),
        ("text", "NotAnObject", None),
        ("kind: Pool", "MissingField", "apiVersion"),
        ("apiVersion: 1\nkind: Pool", "WrongType", "apiVersion"),
        ("apiVersion: v1\nkind: ''", "WrongType", "kind"),
        ("apiVersion: dspex.dev/v1\nkind: Pool", "WrongVersion", "apiVersion"),
        ("apiVersion: dspex.io/v1alpha1\nkind: Pool", "WrongVersion", "apiVersion"),
        ("apiVersion: dspex/v1alpha1\nkind: Pool", "WrongVersion", "apiVersion"),
        ("apiVersion: dspex.dev/v1alpha1\nkind: Pol", "UnknownKind", "kind"),
        ("apiVersion: dspex.dev/v1alpha1\nkind: Zebra", "UnknownKind", "kind"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, code: str, path: str | None) -> None:
    """ApiVersion and kind must be there and known."""
    assert (code, path) in [(each.code, each.path) for each in _errors(text)]


def test_all_errors_of_all_files_come_at_once(tmp_path: Path) -> None:
    """Broken YAML in one document hides nothing in the others; errors are in order."""
    first = (
        (POOL % "A") + "---\na: [\n---\n" + (POOL % "b").replace("true", "2") + "---\na: 1\na: 2\n"
    )
    (tmp_path / "1.yaml").write_text(first)
    (tmp_path / "2.yaml").write_text("\xff", encoding="latin-1")
    with pytest.raises(ManifestError) as caught:
        load([tmp_path])
    places = [(Path(str(e.file)).name, e.line, e.code) for e in caught.value.diagnostics]
    assert places == [
        ("1.yaml", 3, "InvalidValue"),
        ("1.yaml", 7, "BadYaml"),
        ("1.yaml", 11, "WrongType"),
        ("1.yaml", 13, "MissingField"),
        ("1.yaml", 13, "MissingField"),
        ("1.yaml", 14, "DuplicateKey"),
        ("2.yaml", 1, "NotUtf8"),
    ]


def test_rules_are_asked_of_broken_objects_too() -> None:
    """A wrong value in a step hides neither its two kinds nor the name that stands twice."""
    text = """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - {name: a, template: {source: x}, metric: {name: f1}, timeout: 3}
  - {name: a, template: {}, nope: 1}
  finally:
  - {name: a, template: {source: 3}}
  - text
"""
    errors = [(each.path, each.line) for each in _errors(text)]
    assert errors == [
        ("spec.steps[0]", 6),
        ("spec.steps[0].timeout", 6),
        ("spec.steps[1].name", 7),
        ("spec.steps[1].template", 7),
        ("spec.steps[1].nope", 7),
        ("spec.finally", 8),
        ("spec.finally[0].template.source", 9),
        ("spec.finally[1]", 10),
    ]


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("$(max(inputs.x, 1)", 23),
        ("'$(max(inputs.x, 1)'", 24),
        ('"a $(max(inputs.x, 1)"', 26),
        (">-\n        $(max(inputs.x,\n        1)", 23),
    ],
)
def test_an_unclosed_expression_is_refused_with_its_remedy(value: str, column: int) -> None:
    """Whatever quotes it has, the error stands where `$(` does and says what to do."""
    text = f"""\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {{name: p}}
spec:
  steps:
  - name: a
    template: {{source: x}}
    inputs:
      message:        {value}
"""
    (error,) = _errors(text)
    assert (error.code, error.path) == ("UnclosedExpression", "spec.steps[0].inputs.message")
    assert (error.line, error.column) == (9, column)
    assert ">-" in str(error.remedy)


def test_what_yaml_cuts_is_one_error() -> None:
    """A comma in flow style and a # cut an expression: one error each, not the debris too."""
    text = """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: a
    template: {source: x}
    inputs: {m: $(max(inputs.x, inputs.y)), n: 1}
  - name: b
    template: {source: x}
    if: $(inputs.x.contains(' #1'))
  - name: c
    template: {source: x}
    inputs: {$(a: 1}
"""
    errors = [(each.code, each.line) for each in _errors(text)]
    assert errors == [("UnclosedExpression", line) for line in (8, 11, 14)]


def test_broken_flow_style_around_an_expression_says_to_quote_it() -> None:
    """Where YAML itself gives up near a `$(`, the remedy is the same."""
    (error,) = _errors("a: {m: $(inputs.l[0])}\n")
    assert error.code == "BadYaml"
    assert "quote" in str(error.remedy)
    (error,) = _errors("a:\n\t- b\n")
    assert "tabs" in str(error.remedy)


def test_a_key_that_yaml_renames_is_shown_as_written() -> None:
    """Who writes `yes:` reads that kubectl takes it for true."""
    text = """\
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata: {name: r}
spec:
  pipelineRef: {name: p}
  inputs: {yes: 1}
"""
    (error,) = _errors(text)
    assert (error.path, error.line, error.column) == ("spec.inputs.true", 6, 12)
    assert error.found == "the key yes, which kubectl reads as 'true'"
