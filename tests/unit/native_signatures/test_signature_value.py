"""Signatures as values: made of fields, wire form, digest, words."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import SignatureError
from dspex.native.field import Constraints, Field
from dspex.native.signatures import (
    MAX_FIELDS,
    Signature,
    constraints_from,
    from_fields,
    infer_prefix,
    parse_signature,
    prompt_description,
    prompt_prefix,
)
from dspex.native.types import INT, STR, ListOf, LiteralOf
from fakes.typed_values import TYPES

A = Field(name="a", type=STR)
B = Field(name="b", type=INT)


def test_text_prints_every_type() -> None:
    """The canonical text names the types that the author left out."""
    assert parse_signature("a,b:List[int]->c").text == "a: str, b: list[int] -> c: str"


@settings(deadline=None, max_examples=100)
@given(st.lists(TYPES, min_size=2, max_size=4), st.text(max_size=20))
def test_wire_form_reads_back(types: list[Any], instructions: str) -> None:
    """The JSON form holds the whole signature, for every type."""
    fields = [Field(name=f"f{index}", type=type_) for index, type_ in enumerate(types)]
    signature = Signature(tuple(fields[:1]), tuple(fields[1:]), instructions)
    wire = json.loads(json.dumps(signature.to_wire()))
    assert Signature.from_wire(wire) == signature
    assert Signature.from_wire(wire).digest == signature.digest


def test_wire_form_holds_words_defaults_and_constraints() -> None:
    """What a field may have comes back equal."""
    field = Field(
        name="a",
        type=ListOf(STR),
        description="d",
        prefix="p:",
        default=json.dumps(["x"]),
        constraints=constraints_from(
            {"maxItems": 3, "items": {"pattern": "x", "enum": ["x", "y"]}}
        ),
    )
    signature = Signature((field,), (B,), "Do it.")
    assert Signature.from_wire(signature.to_wire()) == signature
    assert signature.to_wire()["inputs"][0]["default"] == ["x"]
    nothing = dataclasses.replace(field, default="null")
    assert Signature.from_wire(Signature((nothing,), (B,)).to_wire()).inputs == (nothing,)


@pytest.mark.parametrize(
    "wire",
    [
        {},
        {"inputs": [], "outputs": []},
        {"inputs": None, "outputs": []},
        {"inputs": [{"name": "a"}], "outputs": [{"name": "b", "type": "str"}]},
        {"inputs": ["a"], "outputs": ["b"]},
        {"inputs": [{"name": "a", "type": 3}], "outputs": [{"name": "b", "type": "str"}]},
        {"inputs": [{"name": "a", "type": []}], "outputs": [{"name": "b", "type": "str"}]},
        {"inputs": [{"name": "a", "type": "os.x"}], "outputs": [{"name": "b", "type": "str"}]},
        {"inputs": [{"name": "a", "type": "str", "constraints": 3}], "outputs": []},
        {"inputs": [{"name": "a", "type": "str", "constraints": {"x": 3}}], "outputs": []},
    ],
)
def test_a_wire_form_that_is_none_is_refused(wire: dict[str, Any]) -> None:
    """A plan or a call that was tampered with ends in a SignatureError, nothing else."""
    with pytest.raises(SignatureError):
        Signature.from_wire(wire)


def test_the_digest_changes_with_all_that_matters() -> None:
    """Name, type, order, side, words, default, constraints and instructions; nothing else."""
    base = Signature((A,), (B,))
    limited = dataclasses.replace(A, constraints=Constraints(max_length=3))
    others = [
        Signature((B,), (A,)),
        Signature((dataclasses.replace(A, name="c"),), (B,)),
        Signature((dataclasses.replace(A, type=INT),), (B,)),
        Signature((dataclasses.replace(A, description="x"),), (B,)),
        Signature((dataclasses.replace(A, prefix="x"),), (B,)),
        Signature((dataclasses.replace(A, default='"x"'),), (B,)),
        Signature((dataclasses.replace(A, default="null"),), (B,)),
        Signature((limited,), (B,)),
        Signature((A,), (B,), "x"),
        Signature((A, dataclasses.replace(A, name="d")), (B,)),
        Signature((dataclasses.replace(A, name="d"), A), (B,)),
        Signature((dataclasses.replace(A, type=LiteralOf((1,))),), (B,)),
        Signature((dataclasses.replace(A, type=LiteralOf((True,))),), (B,)),
        Signature((dataclasses.replace(A, type=LiteralOf(("1",))),), (B,)),
    ]
    digests = {base.digest, *(other.digest for other in others)}
    assert len(digests) == len(others) + 1
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)
    assert parse_signature("a -> b: int").digest == parse_signature("a:str->b : int,").digest


def test_fields_are_added_before_and_behind() -> None:
    """Modules that add outputs get a new signature; the old one stays."""
    base = Signature((A,), (B,))
    more = Field(name="reasoning", type=STR)
    assert base.with_output_prepended(more).outputs == (more, B)
    assert base.with_output_appended(more).outputs == (B, more)
    assert base.outputs == (B,)
    assert base.fields == (A, B)


def test_default_instructions_are_dspys() -> None:
    """Empty instructions mean DSPy's sentence; blank ones stay blank, as in DSPy."""
    base = parse_signature("a, b -> c")
    assert base.effective_instructions == "Given the fields `a`, `b`, produce the fields `c`."
    assert base.with_instructions("  ").effective_instructions == ""
    assert base.with_instructions("  x\n    y").effective_instructions == "x\ny"


def test_words_of_the_author_win() -> None:
    """Own description and prefix stand where there are some."""
    field = dataclasses.replace(A, description="d", prefix="P:")
    assert (prompt_description(field), prompt_prefix(field)) == ("d", "P:")
    assert (prompt_description(A), prompt_prefix(A)) == ("${a}", "A:")
    assert infer_prefix("top3HTMLWords") == "Top 3 HTML Words:"


def test_fields_that_make_no_signature_are_all_named() -> None:
    """Bad names, duplicates, empty sides and too many fields, each with its path."""
    bad = Field(name="on", type=STR)
    with pytest.raises(SignatureError) as caught:
        from_fields([A, bad, A], [])
    assert [(each.code, each.path) for each in caught.value.diagnostics] == [
        ("InvalidName", "inputs[1].name"),
        ("DuplicateField", "inputs[2].name"),
        ("EmptySide", "outputs"),
    ]
    many = [Field(name=f"f{index}", type=STR) for index in range(MAX_FIELDS)]
    with pytest.raises(SignatureError) as caught:
        from_fields(many, [B])
    assert [each.code for each in caught.value.diagnostics] == ["TooManyFields"]
    assert from_fields(many[1:], [B]).fields == (*many[1:], B)
