"""Plans of Pipelines: compiled from the World, kept, and compiled anew when something changes."""

from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest
import yaml

from dspex.controllers import plans
from dspex.controllers.decision import Decision
from dspex.controllers.key import Key
from dspex.controllers.plans import Compilation, compile_plan, describe_missing
from dspex.controllers.world import Unread, World
from dspex.kube.kind import CONFIG_MAP, PIPELINE, POOL, SIGNATURE
from dspex.pipeline.compile import Compiled, compile_pipeline
from fakes.items import Object, item
from fakes.worlds import Desk

MAIN = """
inputs:
- {name: text, type: str}
steps:
- name: ask
  dspy: {module: Predict, signatureRef: {name: task}, poolRef: {name: small}}
  inputs: {text: $(inputs.text)}
- name: page
  template: {sourceFrom: {configMapRef: {name: texts, key: page}}}
  inputs: {x: $(inputs.text)}
outputs:
- {name: page, type: str, value: $(steps.page.outputs.text)}
"""
OUTER = """
inputs:
- {name: text, type: str}
steps:
- name: inner
  pipelineRef: {name: main}
  inputs: {text: $(inputs.text)}
"""


class Plans(Desk):
    """A Pipeline named main, and how often anything was compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.compiled = 0

    def pipeline(self, text: str, name: str = "main") -> Object:
        """Apply a Pipeline."""
        return self.put(item(PIPELINE, name, version=0, spec=yaml.safe_load(dedent(text))))

    def signature(self, text: str = "text -> x: str") -> Object:
        """Apply the Signature named task."""
        return self.put(item(SIGNATURE, "task", version=0, spec={"signature": text}))

    def pool(self, **spec: Any) -> Object:
        """Apply the Pool named small."""
        given = {"model": {"name": "openai/x"}, **spec}
        return self.put(item(POOL, "small", version=0, spec=given))

    def texts(self, version: int, **data: str) -> None:
        """Apply the ConfigMap named texts."""
        key = Key(CONFIG_MAP, "shop", "texts")
        self.foreign[key] = item(CONFIG_MAP, "texts", version=version, data=data)
        self.world.put_foreign(key, self.foreign[key])

    def all(self) -> None:
        """Apply everything."""
        self.pipeline(MAIN)
        self.signature()
        self.pool()
        self.texts(1, page="So: {{ x }}")

    def plan(self, name: str = "main") -> Compilation | None:
        """Compile a Pipeline, as its controller does."""
        found: list[Compilation | None] = []

        def decide(_: Object, world: World, __: Any) -> Decision:
            found.append(compile_plan(world, "shop", name))
            return Decision()

        self.ask(decide, self.get(PIPELINE, name))
        return found[-1]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Plans:
    """Make a World, in which compilations are counted."""
    made = Plans()

    def counted(*given: Any) -> Compiled:
        made.compiled += 1
        return compile_pipeline(*given)

    monkeypatch.setattr(plans, "compile_pipeline", counted)
    return made


def test_a_pipeline_is_compiled_from_what_is_there(desk: Plans) -> None:
    """With the digest of its plan."""
    desk.all()
    found = desk.plan()
    assert found is not None
    assert found.compiled.plan is not None
    assert [step.name for step in found.compiled.plan.steps] == ["ask", "page"]
    assert found.plan_digest == found.compiled.plan.digest


def test_no_pipeline_has_no_plan(desk: Plans) -> None:
    """Nor one that does not fit its model."""
    assert compile_plan(desk.world, "shop", "never") is None
    desk.pipeline("steps: []")
    assert desk.plan() is None
    assert desk.compiled == 0


def test_a_plan_is_kept_as_long_as_nothing_changes(desk: Plans) -> None:
    """A status of what it names is no change; all that it names counts as read again."""
    desk.all()
    first = desk.plan()
    desk.change(PIPELINE, "main", status={"digest": "d"})
    desk.change(SIGNATURE, "task", status={"digest": "d"})
    assert desk.plan() is first
    assert desk.compiled == 1
    reader = "main"
    assert desk.awake(SIGNATURE, "task") == {reader}
    assert desk.awake(POOL, "small") == {reader}
    assert desk.world.put_foreign(Key(CONFIG_MAP, "shop", "texts"), None)


CHANGES: list[Callable[[Plans], Any]] = [
    lambda desk: desk.pipeline(MAIN.replace("page", "leaf")),
    lambda desk: desk.signature("text -> x: str, y: str"),
    lambda desk: desk.drop(SIGNATURE, "task"),
    lambda desk: desk.pool(callTimeout="7s"),
    lambda desk: desk.drop(POOL, "small"),
    lambda desk: desk.texts(2, page="Now: {{ x }}"),
    lambda desk: desk.source(CONFIG_MAP, "texts", None),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_it_names_compiles_it_anew(
    desk: Plans, change: Callable[[Plans], Any]
) -> None:
    """Its own spec, what it names, and the end of that."""
    desk.all()
    first = desk.plan()
    change(desk)
    assert desk.plan() is not first
    assert desk.compiled == 2
    assert desk.plan() is not first
    assert desk.compiled == 2


def test_what_was_missing_compiles_it_anew_when_it_comes(desk: Plans) -> None:
    """In any order of apply."""
    desk.pipeline(MAIN)
    for come in (desk.signature, desk.pool, lambda: desk.texts(1, page="{{ x }}")):
        found = desk.plan()
        assert found is not None
        assert found.compiled.plan is None
        assert found.plan_digest == ""
        come()
    found = desk.plan()
    assert found is not None
    assert found.compiled.plan is not None


def test_a_pipeline_within_another_is_followed(desk: Plans) -> None:
    """What the inner one names compiles the outer one anew."""
    desk.all()
    desk.pipeline(OUTER, "outer")
    first = desk.plan("outer")
    assert first is not None
    assert first.compiled.plan is not None
    assert desk.plan("outer") is first
    desk.texts(2, page="Now: {{ x }}")
    second = desk.plan("outer")
    assert second is not None
    assert second.plan_digest != first.plan_digest


def test_all_configmaps_are_asked_for_at_once(desk: Plans) -> None:
    """Also those of `finally`, and before anything is compiled."""
    desk.all()
    more = """
    finally:
    - name: last
      template: {sourceFrom: {configMapRef: {name: others, key: k}}}
    """
    desk.pipeline(MAIN + dedent(more))
    world = World()
    for kind, name in ((PIPELINE, "main"), (SIGNATURE, "task"), (POOL, "small")):
        world.put(kind, desk.get(kind, name))
    with pytest.raises(Unread) as lacks:
        compile_plan(world, "shop", "main")
    assert [key.name for key in lacks.value.keys] == ["others", "texts"]
    assert desk.compiled == 0


def missing(desk: Plans) -> list[str]:
    """Return what the Pipeline main is said to wait for."""
    found = desk.plan()
    assert found is not None
    return describe_missing(desk.world, "shop", found.compiled.missing).splitlines()


def test_what_is_missing_is_named_with_the_place_that_names_it(desk: Plans) -> None:
    """A line each."""
    desk.pipeline(MAIN)
    assert sorted(missing(desk)) == [
        "there is no ConfigMap texts (spec.steps[1].template.sourceFrom.configMapRef)",
        "there is no Pool small (spec.steps[0].dspy.poolRef.name)",
        "there is no Signature task (spec.steps[0].dspy.signatureRef.name)",
    ]


def test_what_is_there_but_wrong_is_told_apart(desk: Plans) -> None:
    """A Signature that is not valid, and a ConfigMap without the key."""
    desk.all()
    desk.put(item(SIGNATURE, "task", version=0, spec={"signature": 3}))
    desk.texts(2, other="x")
    assert sorted(missing(desk)) == [
        "Signature task is not valid: see its conditions (spec.steps[0].dspy.signatureRef.name)",
        "there is no key 'page' in ConfigMap texts (spec.steps[1].template.sourceFrom.configMapRef)",
    ]


def test_what_several_steps_lack_is_named_once(desk: Plans) -> None:
    """By the first place."""
    desk.pipeline(
        """
        steps:
        - {name: a, dspy: {module: Predict, signature: "x -> y", poolRef: {name: small}}, inputs: {x: a}}
        - {name: b, dspy: {module: Predict, signature: "x -> y", poolRef: {name: small}}, inputs: {x: a}}
        """
    )
    assert missing(desk) == ["there is no Pool small (spec.steps[0].dspy.poolRef.name)"]
