"""A Pipeline's own status: compiled, waiting for what it names, or wrong; and back again."""

import datetime
from typing import Any

from dspex.api.pipeline import PipelineStatus
from dspex.controllers.decision import Decision
from dspex.controllers.pipeline import decide
from dspex.controllers.world import World
from dspex.kube.kind import PIPELINE, SIGNATURE
from fakes.items import Object, item, signature

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
CHECK = {"name": "check", "validate": {"signatureRef": {"name": "s"}}, "inputs": {"answer": "b"}}
SAY = {"name": "say", "template": {"source": "x"}, "after": ["check"]}
LATE = {"name": "late", "template": {"source": "x"}}


class Shop:
    """A World with one Pipeline, whose status is kept as it was decided."""

    def __init__(self, **spec: Any) -> None:
        self.world = World()
        self._version = 0
        self._status: Object = {}
        self.apply(**spec)

    def apply(self, **spec: Any) -> None:
        """Apply another spec."""
        self._version += 1
        generation = {"generation": self._version}
        self._item = item(PIPELINE, "main", version=self._version, spec=spec, metadata=generation)
        self.world.put(PIPELINE, self._item)

    def look(self) -> Decision:
        """Decide, and keep the status."""
        self.world.begin()
        decision = decide({**self._item, "status": self._status}, self.world, NOW)
        assert decision.status is not None
        self._status = decision.status
        PipelineStatus.model_validate(decision.status)
        return decision

    def ready(self) -> tuple[str, str, str]:
        """Return status, reason and message of Ready."""
        found = {each["type"]: each for each in self._status["conditions"]}["Ready"]
        return found["status"], found["reason"], found.get("message", "")

    @property
    def status(self) -> Object:
        """The status as it is."""
        return self._status


def test_a_pipeline_that_compiles_shows_its_graph() -> None:
    """Steps with what each waits for, those of finally marked; and the digest."""
    shop = Shop(steps=[CHECK, SAY], **{"finally": [LATE]})
    shop.world.put(SIGNATURE, signature("s"))
    shop.look()
    assert shop.ready() == ("True", "Compiled", "3 steps")
    assert shop.status["graph"] == [
        {"name": "check", "kind": "validate"},
        {"name": "say", "kind": "template", "dependsOn": ["check"]},
        {"name": "late", "kind": "template", "finally": True},
    ]
    assert shop.status["digest"].startswith("sha256:")
    assert shop.status["observedGeneration"] == 1


def test_it_waits_for_what_is_missing_and_goes_on_by_itself() -> None:
    """In any order of apply; what it waits for is named."""
    shop = Shop(steps=[CHECK])
    shop.look()
    status, reason, message = shop.ready()
    assert (status, reason) == ("False", "MissingReference")
    assert message == "there is no Signature s (spec.steps[0].validate.signatureRef.name)"
    assert "digest" not in shop.status
    shop.world.put(SIGNATURE, signature("s"))
    assert [note.reason for note in shop.look().notes] == ["Compiled"]
    assert shop.ready()[:2] == ("True", "Compiled")
    assert shop.look().notes == ()


def test_what_a_person_must_change_is_said_with_its_place() -> None:
    """Found by the compiler, or by the model where a webhook is off."""
    shop = Shop(steps=[{**LATE, "if": "$(inputs.nope)"}])
    assert [note.warning for note in shop.look().notes] == [True]
    assert "spec.steps[0].if" in shop.ready()[2]
    shop.apply(steps=[{**LATE, "if": "nope"}])
    shop.look()
    assert "exactly one expression in $( ) belongs here" in shop.ready()[2]
    shop.apply(steps=[LATE])
    shop.look()
    assert shop.ready() == ("True", "Compiled", "1 step")


def test_what_is_probably_not_meant_is_a_warning() -> None:
    """The Pipeline is Ready all the same."""
    shop = Shop(inputs=[{"name": "unread"}], steps=[LATE])
    shop.look()
    assert shop.ready()[0] == "True"
    (warning,) = shop.status["warnings"]
    assert "nothing reads the input unread" in warning
