"""Inputs from the command line."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.api.pipelinerun import PipelineRun
from dspex.cli.inputs import example, read_input_file, read_inputs, read_value
from dspex.errors import ConfigurationError
from dspex.native.field import Field
from dspex.native.signatures import parse_type

TYPES = [
    *("str", "int", "float", "bool", "bytes", "Any", "date", "datetime", "object", "Image"),
    *("Audio", "list[str]", "list[int]", "set[float]", "tuple[int,str]", "tuple[bool,...]"),
    *("dict[str,int]", "Literal['a','b']", "Literal[1,2]", "int|str", "str|None"),
    *("list[int]|None", "Optional[bool]", "list[list[str]]", "dict[str,list[bool]]"),
]


def field(type_: str, name: str = "value", default: str | None = None) -> Field:
    """Make a field."""
    if default is None:
        return Field(name=name, type=parse_type(type_))
    return Field(name=name, type=parse_type(type_), default=default)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("str", "as it is", "as it is"),
        ("str", "5", "5"),
        ("str", "", ""),
        ("str", '"quoted"', '"quoted"'),
        ("str|None", "null", None),
        ("str|None", "nothing", "nothing"),
        ("date", "2026-11-22", "2026-11-22"),
        ("Literal['a','b']", "a", "a"),
        ("int", "5", 5),
        ("float", "1e3", 1000.0),
        ("bool", "true", True),
        ("list[str]", '["a", "b"]', ["a", "b"]),
        ("dict[str,int]", '{"a": 1}', {"a": 1}),
        ("int|None", "null", None),
        ("int|str", "5", 5),
        ("int|str", "five", "five"),
        ("int|str", "true", "true"),
        ("str|float", "0.5", 0.5),
        ("bool|str", "true", True),
        ("None|bool|str", "null", None),
        ("list[str]|str", "[1, 2", "[1, 2"),
        ("list[str]|str", "[]", []),
        ("dict[str,str]|str", "{}", {}),
        ("Literal['a', 1]", "1", 1),
        ("Literal['a', 1]", "true", "true"),
        ("Literal[1, 2]", "2", 2),
        ("Any", '{"a": [1]}', {"a": [1]}),
        ("Any", "just words", "just words"),
        ("str", "@@home", "@home"),
    ],
)
def test_values_are_read_by_their_type(type_: str, text: str, value: Any) -> None:
    """A str as it stands, others as JSON; a union takes JSON where that fits one of its types."""
    read = read_value(field(type_), text)
    assert read == value
    assert type(read) is type(value)


def test_what_is_no_json_is_refused_with_an_example() -> None:
    """The error names input, type, place and a value that would do."""
    with pytest.raises(ConfigurationError) as caught:
        read_value(field("list[str]", "tags"), "[a, b]")
    text = str(caught.value)
    assert "input 'tags' can't be read as JSON" in text
    assert "[a, b]\n     ^" in text
    assert """tags='["some text"]'""" in text
    for type_, broken in (("float", "NaN"), ("float", "Infinity"), ("int", ""), ("object", "{")):
        with pytest.raises(ConfigurationError, match="JSON"):
            read_value(field(type_), broken)
    with pytest.raises(ConfigurationError, match="JSON"):
        read_value(field("list[str]"), "[" * 100_000)


def test_files_give_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`@path` is text for str, base64 for bytes, JSON for others; `@-` is standard input."""
    file = tmp_path / "f"
    file.write_bytes(b"[1, 2]\n")
    assert read_value(field("str"), f"@{file}") == "[1, 2]\n"
    assert read_value(field("bytes"), f"@{file}") == "WzEsIDJdCg=="
    assert read_value(field("list[int]"), f"@{file}") == [1, 2]

    class Stdin:
        buffer = io.BytesIO(b"piped")

    monkeypatch.setattr("sys.stdin", Stdin)
    assert read_value(field("str"), "@-") == "piped"


def test_files_that_cant_be_read_are_named(tmp_path: Path) -> None:
    """A missing file and one that is no text are a person's mistakes."""
    with pytest.raises(ConfigurationError, match=r"none: No such file.*\n.*@@"):
        read_value(field("str"), f"@{tmp_path}/none")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_value(field("str"), f"@{tmp_path}/binary")


@pytest.mark.parametrize("type_", TYPES)
def test_the_example_of_every_type_can_be_typed(type_: str, tmp_path: Path) -> None:
    """What messages show as an example is taken, and valid, for the type."""
    declared = field(type_)
    text = example(declared.type).strip("'")
    if "…" in text:
        return
    if text == "@FILE":
        (tmp_path / "f").write_text("x")
        text = f"@{tmp_path}/f"
    read = read_inputs([declared], assignments=[f"value={text}"])
    assert set(read.values) == {"value"}


@given(type_=st.sampled_from(TYPES), text=st.text(max_size=20))
def test_no_text_breaks_the_reader(type_: str, text: str) -> None:
    """Whatever is typed, the outcome is inputs or findings."""
    with contextlib.suppress(ConfigurationError):
        read_inputs([field(type_)], assignments=[f"value={text.lstrip('@')}"])


FIELDS = (field("str", "message"), field("int", "count", default="3"), field("list[str]", "tags"))


def run(**inputs: Any) -> PipelineRun:
    """Make a PipelineRun."""
    return PipelineRun.model_validate(
        {
            "kind": "PipelineRun",
            "metadata": {"name": "r"},
            "spec": {"pipelineRef": {"name": "p"}, "inputs": inputs},
        }
    )


def test_the_command_line_overrides_the_file_overrides_the_run(tmp_path: Path) -> None:
    """`given` is what stands in the spec; `values` has types and defaults."""
    file = tmp_path / "inputs.yaml"
    file.write_text("message: from file\ntags: [file]\n")
    inputs = read_inputs(
        FIELDS,
        run=run(message="from run", tags=["run"]),
        file=str(file),
        assignments=["message=typed=twice"],
    )
    assert inputs.given == {"message": "typed=twice", "tags": ["file"]}
    assert inputs.values == {"message": "typed=twice", "count": 3, "tags": ["file"]}


def test_everything_that_is_wrong_comes_at_once() -> None:
    """Unknown names with the nearest, texts without =, values without JSON: one error."""
    with pytest.raises(ConfigurationError) as caught:
        read_inputs(FIELDS, assignments=["mesage=x", "count", "tags=a", "count=1"])
    text = str(caught.value)
    assert "no input 'mesage'" in text
    assert "did you mean message?" in text
    assert "--input 'count' has no =" in text
    assert len(caught.value.diagnostics) == 3


def test_missing_inputs_print_the_flag_to_add() -> None:
    """What is missing can be typed at once."""
    with pytest.raises(ConfigurationError) as caught:
        read_inputs(FIELDS, assignments=["count=1"])
    text = str(caught.value)
    assert "add --input message='some text'" in text
    assert """add --input tags='["some text"]'""" in text


def test_a_runs_wrong_inputs_keep_their_place() -> None:
    """Findings about values of the PipelineRun point there, those about typed ones do not."""
    with pytest.raises(ConfigurationError) as caught:
        read_inputs(FIELDS, run=run(message="m", tags=[1, {}], typo=1), assignments=["count=[]"])
    placed = {(each.subject, each.path) for each in caught.value.diagnostics}
    assert ("PipelineRun/r", "spec.inputs.tags[1]") in placed
    assert ("PipelineRun/r", "spec.inputs.typo") in placed
    assert (None, None) in placed
    assert "no input 'typo'" in str(caught.value)
    with pytest.raises(ConfigurationError, match="no inputs at all"):
        read_inputs([], assignments=["a=1"])


@pytest.mark.parametrize(
    ("text", "words"),
    [("[1]", "one object"), ("", "one object"), ("a: 1\n---\nb: 2", "one object"), ("{", "YAML")],
)
def test_a_file_of_inputs_must_hold_one_object(tmp_path: Path, text: str, words: str) -> None:
    """Lists, nothing, two documents and broken YAML are refused with the file's name."""
    file = tmp_path / "inputs.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_input_file(str(file))
    assert str(file) in str(caught.value)
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_input_file(str(tmp_path / "none"))


@given(
    st.dictionaries(
        st.from_regex("[a-z]{3,8}", fullmatch=True), st.integers(-(2**63), 2**63 - 1), max_size=4
    )
)
def test_json_files_are_read_as_they_are(tmp_path_factory: Any, value: dict[str, int]) -> None:
    """JSON is YAML."""
    file = tmp_path_factory.mktemp("inputs") / "i.json"
    file.write_text(json.dumps(value))
    assert read_input_file(str(file)) == value
