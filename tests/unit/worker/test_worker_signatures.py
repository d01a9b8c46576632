"""From native signatures to DSPy's, and values between their forms."""

import datetime
import typing
from typing import Any

import dspy
import pydantic
import pytest

from dspex.native import types
from dspex.native.field import Constraints, Field
from dspex.native.signatures import from_fields, parse_signature, parse_type
from dspex_worker.adapters.compact import CompactAdapter, type_hint
from dspex_worker.adapters.schema import is_strict, output_schema
from dspex_worker.signatures import describe, dspy_signature, native_field, python_type
from dspex_worker.values import to_python, to_wire


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("str", str),
        ("bytes", bytes),
        ("date", datetime.date),
        ("datetime", datetime.datetime),
        ("Any", Any),
        ("object", dict[str, Any]),
        ("list[int]", list[int]),
        ("set[str]", set[str]),
        ("dict[str, list[float]]", dict[str, list[float]]),
        ("tuple[int, str]", tuple[int, str]),
        ("tuple[int, ...]", tuple[int, ...]),
        ("Literal['a', 2]", typing.Literal["a", 2]),
        ("str | None", str | None),
        ("list[Image]", list[dspy.Image]),
    ],
)
def test_types_become_pythons(text: str, annotation: Any) -> None:
    """The annotation is the one that DSPy's own parser would give."""
    assert python_type(parse_type(text)) == annotation


@pytest.mark.parametrize(
    "text",
    [
        "question -> answer",
        "text: str, n_max: int -> items: list[str], ok: bool",
        "a: str | None -> label: Literal['x', 'y'], scores: dict[str, float]",
    ],
)
def test_our_way_gives_what_dspys_parser_gives(text: str) -> None:
    """Names, order, types, descriptions, prefixes and instructions are DSPy's."""
    ours, theirs = dspy_signature(parse_signature(text)), dspy.Signature(text)
    assert list(ours.fields) == list(theirs.fields)
    assert ours.instructions == theirs.instructions
    for name, field in theirs.fields.items():
        assert ours.fields[name].annotation == field.annotation
        for key in ("desc", "prefix", "__dspy_field_type"):
            assert ours.fields[name].json_schema_extra[key] == field.json_schema_extra[key]


def test_descriptions_prefixes_and_constraints_travel() -> None:
    """What the author wrote about a field is shown; the native field comes along."""
    field = Field(
        name="summary",
        type=types.STR,
        description="in one sentence",
        prefix="Short:",
        constraints=Constraints(max_length=80, enum='["a", "b"]'),
    )
    signature = dspy_signature(from_fields([Field(name="text", type=types.STR)], [field]))
    info = signature.output_fields["summary"]
    assert info.json_schema_extra["desc"] == "in one sentence"
    assert info.json_schema_extra["prefix"] == "Short:"
    assert info.json_schema_extra["constraints"] == "at most 80 characters, one of ['a', 'b']"
    assert native_field(info) == field
    assert native_field(dspy.OutputField()) is None
    assert "at most 80" in dspy.ChatAdapter().format_system_message(signature)


def test_constraints_of_items_are_described() -> None:
    """Those of a list's items are told as such."""
    rules = Constraints(min_items=1, unique_items=True, items=Constraints(minimum=0))
    assert describe(rules) == "at least 1 items, no item twice, each item: at least 0"


@pytest.mark.parametrize(
    ("text", "wire", "kind"),
    [
        ("Image", {"url": "https://x/y.png"}, dspy.Image),
        ("Audio", {"data": "QUJD", "audio_format": "wav"}, dspy.Audio),
        ("File", {"file_id": "f1", "filename": "a.pdf"}, dspy.File),
        ("History", {"messages": [{"q": "a"}]}, dspy.History),
        ("list[Image]", [{"url": "https://x/y.png"}], list),
        ("dict[str, Image]", {"a": {"url": "https://x/y.png"}}, dict),
        ("tuple[Image, int]", [{"url": "https://x/y.png"}, 1], tuple),
        ("tuple[Image, ...]", [{"url": "https://x/y.png"}], tuple),
        ("Image | str", {"url": "https://x/y.png"}, dspy.Image),
        ("Image | str", "text", str),
        ("Image | None", None, type(None)),
        ("date", "2024-03-01", datetime.date),
        ("bytes", "QUJD", bytes),
        ("set[int]", [1, 2], set),
    ],
)
def test_values_go_to_dspys_classes_and_back(text: str, wire: Any, kind: type) -> None:
    """A medium becomes DSPy's object, and its wire form comes back from it."""
    type_ = parse_type(text)
    value = to_python(type_, wire)
    assert isinstance(value, kind)
    assert to_wire(type_, value) == wire


def test_what_does_not_fit_is_left_for_validation() -> None:
    """A module's odd output is not hidden by the conversion."""
    odd = object()
    assert to_wire(types.INT, odd) is odd
    assert to_wire(types.INT, "three") == "three"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("str", "string"),
        ("bool", "true or false"),
        ("Literal['a', 'b', 3]", '"a" or "b" or 3'),
        ("list[int]", "[integer, …]"),
        ("tuple[int, str]", "[integer, string]"),
        ("tuple[int, ...]", "[integer, …]"),
        ("dict[str, float]", '{"…": number}'),
        ("str | None", "string or null"),
        ("object", "object"),
        ("Any", "any value"),
        ("Image", "Image"),
    ],
)
def test_compact_tells_types_in_a_few_words(text: str, hint: str) -> None:
    """The words are JSON's."""
    assert type_hint(parse_type(text)) == hint


def test_compact_tells_all_where_the_endpoint_holds_nothing() -> None:
    """Without a model that keeps to a schema, types and labels are told."""
    signature = dspy_signature(parse_signature("q -> kind: Literal['bug', 'no'], size: int"))
    text = CompactAdapter().format_system_message(signature)
    assert '{"kind": "bug" or "no", "size": integer}' in text


def test_schemas_of_foreign_fields_have_no_references() -> None:
    """A pydantic type of a module's own signature is written out; one that holds itself ends."""

    class Tree(pydantic.BaseModel):
        name: str
        left: "Tree | None" = None

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    signature = dspy.Signature({"q": (str, dspy.InputField()), "tree": (Tree, dspy.OutputField())})
    text = str(output_schema(signature))
    assert "$ref" not in text
    assert "name" in text


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "string", "pattern": "a"}, True),
        ({"type": "string", "maxLength": 3}, False),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "array", "items": {}}, False),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, True),
        ({"type": "object", "additionalProperties": {"type": "string"}}, False),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "null"}},
                "required": [],
                "additionalProperties": False,
            },
            False,
        ),
    ],
)
def test_strict_is_said_only_where_openai_takes_it(schema: Any, strict: bool) -> None:
    """A keyword that its strict mode refuses would refuse the whole request."""
    assert is_strict(schema) is strict
