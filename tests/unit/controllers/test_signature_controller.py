"""Signatures: parsed, with the canonical form in status, or Stalled at the fault's place."""

from typing import Any

import pytest

from dspex.api.limits import MAX_JSON
from dspex.api.signature import SignatureStatus
from dspex.controllers.decision import Decision
from dspex.controllers.signature import decide, describe
from dspex.kube.kind import SIGNATURE
from dspex.native.field import Field
from dspex.native.signatures import compile_fields, parse_type
from fakes.items import Object, item
from fakes.worlds import Desk, condition, notes, unchanged


@pytest.fixture
def desk() -> Desk:
    """Make a World to put Signatures in."""
    return Desk()


def look(desk: Desk, **spec: Any) -> Decision:
    """Apply a Signature, and look at it; what was decided fits the kind."""
    status = desk.get(SIGNATURE, "a").get("status", {}) if desk.has(SIGNATURE, "a") else {}
    desk.put(item(SIGNATURE, "a", version=0, spec=spec, status=status))
    decision = desk.ask(decide, desk.get(SIGNATURE, "a"))
    desk.do(desk.get(SIGNATURE, "a"), decision)
    SignatureStatus.model_validate(decision.status, by_alias=True)
    return decision


def ready(decision: Decision) -> Object:
    """Return the condition Ready."""
    return condition(decision.status, "Ready")


def test_a_signature_that_is_right_is_ready(desk: Desk) -> None:
    """Its canonical form is the message; status has fields, schemas and digest."""
    decision = look(
        desk,
        signature="message:str->topic:Literal['a','b']",
        fields=[{"name": "topic", "description": "What about", "prefix": "Topic:"}],
    )
    status = decision.status or {}
    assert ready(decision)["status"] == "True"
    assert ready(decision)["reason"] == "Parsed"
    canonical = "message: str -> topic: Literal['a', 'b']"
    assert (ready(decision)["message"], status["signature"]) == (canonical, canonical)
    assert status["inputs"] == [{"name": "message", "type": "str"}]
    assert status["outputs"] == [
        {
            "name": "topic",
            "type": "Literal['a', 'b']",
            "description": "What about",
            "prefix": "Topic:",
        }
    ]
    assert status["inputSchema"]["properties"]["message"]["type"] == "string"
    assert status["outputSchema"]["properties"]["topic"]["enum"] == ["a", "b"]
    assert status["digest"].startswith("sha256:")
    assert status["observedGeneration"] == 1


def test_constraints_and_defaults_stand_in_status(desk: Desk) -> None:
    """As they were declared."""
    decision = look(
        desk,
        inputs=[{"name": "text", "type": "str", "maxLength": 9, "default": "x"}],
        outputs=[{"name": "score", "type": "float", "minimum": 0, "maximum": 1}],
    )
    status = decision.status or {}
    assert status["inputs"] == [{"name": "text", "type": "str", "maxLength": 9, "default": "x"}]
    assert status["outputs"] == [{"name": "score", "type": "float", "minimum": 0, "maximum": 1}]


def test_the_same_signature_has_the_same_digest(desk: Desk) -> None:
    """However it is written; another one has another."""
    first = (look(desk, signature="a->b").status or {})["digest"]
    assert (look(desk, signature="a: str -> b: str").status or {})["digest"] == first
    assert (look(desk, signature="a -> c").status or {})["digest"] != first


def test_a_fault_in_the_text_is_shown_with_its_place(desk: Desk) -> None:
    """Stalled, with path and caret line; nothing of the former status is left."""
    look(desk, signature="a -> b")
    decision = look(desk, signature="a -> b: strr")
    status = decision.status or {}
    assert condition(status, "Stalled")["status"] == "True"
    message = ready(decision)["message"]
    assert "spec.signature" in message
    assert "a -> b: strr\n" in message
    assert "^" in message
    assert set(status) == {"observedGeneration", "conditions"}
    assert status["observedGeneration"] == 2
    assert [warned for _, warned in notes(decision)] == [True]


def test_a_fault_in_a_field_is_shown_with_its_path(desk: Desk) -> None:
    """Its index counts below `spec`."""
    fields = [{"name": "a", "type": "str"}, {"name": "b", "type": "strr"}]
    decision = look(desk, inputs=fields, outputs=[{"name": "c", "type": "str"}])
    assert "spec.inputs[1].type" in ready(decision)["message"]


def test_an_object_that_does_not_fit_its_schema_is_stalled(desk: Desk) -> None:
    """One that an older CRD let through, or a cluster without the rules."""
    decision = look(desk, signature="a -> b", outputs=[{"name": "b", "type": "str"}])
    assert condition(decision.status, "Stalled")["status"] == "True"
    assert set(decision.status or {}) == {"observedGeneration", "conditions"}


def test_nothing_follows_from_a_second_look(desk: Desk) -> None:
    """No write, no Event, however late it is."""
    for spec in ("a -> b", "a -> b: strr"):
        look(desk, signature=spec)
        desk.wait(3600)
        again = desk.ask(decide, desk.get(SIGNATURE, "a"))
        assert unchanged(desk.get(SIGNATURE, "a"), again)
        assert again.notes == ()
        assert again.requeue is None


def test_a_schema_that_is_too_large_for_status_is_left_out() -> None:
    """The rest is there: an object of more than its bound could not be written at all."""
    wide = parse_type(f"Literal[{', '.join(repr(f'choice-{n:05}') for n in range(200))}]")
    outputs = [Field(name=f"b{number}", type=wide) for number in range(MAX_JSON // 2000)]
    inputs = [Field(name="a", type=parse_type("str"))]
    compiled = compile_fields(inputs, outputs, "").signature
    found = describe(compiled)
    assert "inputSchema" in found
    assert "outputSchema" not in found
    assert found["digest"] == compiled.digest
