"""`dspex.signature`, `compile_signature`, `validate` and `render_template`: pure functions."""

import datetime
from typing import Any

import pytest

import dspex
from dspex.native.signatures import parse_signature


def refusal(error: dspex.InputError) -> tuple[str | None, str | None, str]:
    """Return place and words of the only finding."""
    [finding] = error.diagnostics
    return finding.file, finding.path, finding.message


def test_a_text_becomes_a_signature() -> None:
    """The same one as the manifests' parser makes."""
    made = dspex.signature("question, context: list[str] -> answer", instructions="Be brief.")
    assert made.instructions == "Be brief."
    assert made.inputs == parse_signature("question, context: list[str] -> answer").inputs


def test_fields_add_descriptions_and_constraints() -> None:
    """In snake_case, at any depth; a text is a description."""
    made = dspex.signature(
        "message -> tags: list[str], mood",
        fields={"tags": {"max_items": 3, "items": {"max_length": 9}}, "mood": "how they feel"},
    )
    tags, mood = made.outputs
    assert tags.constraints.max_items == 3
    assert tags.constraints.items is not None
    assert tags.constraints.items.max_length == 9
    assert mood.description == "how they feel"


@pytest.mark.parametrize(
    ("text", "fields", "place"),
    [
        ("m -> t: Litteral['a']", None, ("signature", None)),
        ("m -> t: Litteral['a']", {"t": "x"}, ("signature", None)),
        ("m -> t", {"topic": "x"}, ("fields", "topic")),
        ("m -> t", {"t": {"max_lenght": 3}}, ("fields", "t.max_lenght")),
        ("m -> t", {"t": {"minimum": 3}}, ("fields", "t.minimum")),
    ],
)
def test_a_finding_names_the_argument(
    text: str, fields: dict[str, Any] | None, place: tuple[str, str | None]
) -> None:
    """In place of a file, with the path in it."""
    with pytest.raises(dspex.InputError) as caught:
        dspex.signature(text, fields=fields)
    assert refusal(caught.value)[:2] == place


def test_the_text_is_shown_with_a_caret() -> None:
    """As the command line shows it."""
    with pytest.raises(dspex.SignatureError, match=r"signature: Litteral is no type\n.*\n +\^~+"):
        dspex.signature("m -> t: Litteral['a']")


def test_a_compiled_signature_has_schemas() -> None:
    """And is taken wherever a signature is."""
    compiled = dspex.compile_signature("message -> urgent: bool")
    assert compiled.output_schema["properties"]["urgent"]["type"] == "boolean"
    assert dspex.compile_signature(compiled) is compiled
    assert dspex.compile_signature(compiled.signature).signature == compiled.signature


def test_validation_reports_and_converts() -> None:
    """Nothing is raised for a wrong value; Python's objects are taken."""
    signature = "m: str -> when: date, count: int"
    found = dspex.validate({"when": datetime.date(2026, 11, 25), "count": "3"}, signature)
    assert found.valid
    assert found.values == {"when": "2026-11-25", "count": 3}
    assert not dspex.validate({"when": "2026-11-25", "count": "3"}, signature, strict=True).valid
    [violation] = dspex.validate({"x": 1, "m": "a"}, signature, side="inputs").violations
    assert violation.path == "x"


def test_templates_are_those_of_steps() -> None:
    """Strict and bounded; keywords win over the mapping."""
    text = dspex.render_template(
        "{{ a }} {{ day }}", {"a": 1, "day": datetime.date(2026, 1, 2)}, a=2
    )
    assert text == "2 2026-01-02"
    with pytest.raises(dspex.TemplateError) as caught:
        dspex.render_template("{{ a|uper }}")
    assert refusal(caught.value)[0] == "source"
    with pytest.raises(dspex.StepError, match="'b' is undefined"):
        dspex.render_template("{{ b }}")


async def test_each_has_an_async_form() -> None:
    """With the same results."""
    assert (await dspex.asignature("a -> b")).text == "a: str -> b: str"
    assert (await dspex.acompile_signature("a -> b")).signature.text == "a: str -> b: str"
    assert (await dspex.avalidate({"b": "x"}, "a -> b")).valid
    assert await dspex.arender_template("{{ a }}", a=1) == "1"
    assert (await dspex.apipeline("support")).name == "support"
