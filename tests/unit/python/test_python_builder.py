"""`dspex.pipeline`: what is built in Python is what its manifests are."""

import datetime
import json
import re
import shlex
from pathlib import Path
from typing import Any, Literal, Optional

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dspex
from dspex.api.pool import Pool
from dspex.cli.checks import check
from dspex.manifests import load
from dspex.python.builder import PipelineBuilder
from dspex.python.reference import Reference, step_name
from dspex.python.type_text import type_text
from dspex.python.work import compile_plan


def support(pool: Pool) -> PipelineBuilder:
    """Build a pipeline with references, a condition, a Signature and a Pool."""
    p = dspex.pipeline("support", description="Sorts messages.", concurrency=4)
    message = p.input("message", str, description="what was written", max_length=2000)
    urgent = p.input("urgent", bool, default=False)
    triage = p.predict(
        "triage",
        dspex.signature("message -> topic", instructions="Sort."),
        pool=pool,
        inputs={"message": message},
        retry={"attempts": 2, "initial_delay": "1ms"},
    )
    page = p.step(
        "page",
        template="URGENT {{ topic }}",
        if_=urgent,
        inputs={"topic": triage.outputs.topic},
    )
    p.output("topic", triage.outputs.topic)
    p.output("note", f"$(coalesce({page.outputs.text!r}, 'no page'))")
    return p


def test_written_manifests_are_what_runs(tmp_path: Path, small: Pool) -> None:
    """They lint, and compile to the same digest as the pipeline in memory."""
    built = support(small)
    file = built.write(tmp_path / "manifests")
    assert file == tmp_path / "manifests" / "support.yaml"
    loaded = load([file])
    assert check(loaded) == ()
    assert built.check() == ()
    assert compile_plan(loaded, "support").digest == built.digest
    assert [each["kind"] for each in built.to_manifests()] == ["Signature", "Pool", "Pipeline"]


NAMES = st.from_regex(r"[a-z][a-zA-Z0-9_]{0,8}", fullmatch=True).map(lambda name: f"x{name}")
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="$"), max_size=30)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "retry": st.integers(1, 9) | st.fixed_dictionaries({"max_delay": st.just("5s")}),
        "timeout": st.integers(1, 99) | st.sampled_from(["500ms", "2m"]),
        "validation": st.sampled_from(["Coerce", "Strict"]),
        "on_error": st.sampled_from(["Fail", "Continue"]),
        "finally_": st.booleans(),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_any_pipeline_survives_its_manifests(
    data: st.DataObject, small: Pool, tmp_path: Path
) -> None:
    """Whatever texts, values and policies it holds: the digest is the same."""
    names = data.draw(st.lists(NAMES, min_size=3, max_size=5, unique_by=str.lower))
    p = dspex.pipeline("any", description=data.draw(TEXTS))
    given_ = p.input(names[0], "str", description=data.draw(TEXTS), default=data.draw(TEXTS))
    before = [given_]
    for index, name in enumerate(names[1:]):
        options: Any = data.draw(POLICIES)
        if index == 0:
            options.pop("finally_", None)  # a pipeline has a step
        inputs = {"value": data.draw(JSON), "former": before[-1 if index == 1 else 0]}
        if data.draw(st.booleans()):
            instructions = data.draw(TEXTS)
            signature = dspex.signature("former, value: Any -> text", instructions=instructions)
            step = p.predict(name, signature, pool=small, inputs=inputs, **options)
        else:
            step = p.step(name, template="{{ former }} 12:30 {{ value }}", inputs=inputs, **options)
        if not options.get("finally_"):
            before.append(step.outputs.text)
    p.output("last", f"$(coalesce({before[-1]!r}, 'none'))")
    assert [each for each in p.check() if each.severity is dspex.errors.Severity.ERROR] == []
    file = p.write(tmp_path / "any.yaml", overwrite=True)
    assert compile_plan(load([file]), "any").digest == p.digest


def test_every_kind_of_step(small: Pool) -> None:
    """In short forms and in those of the manifest; equal signatures are one object."""
    inner = dspex.pipeline("inner")
    inner.input("message", "str")
    inner.step("echo", template="{{ m }}", inputs={"m": inner.inputs.message})
    inner.output("text", inner.steps.echo.outputs.text)
    signature = dspex.signature("message -> topic", fields={"topic": {"max_length": 9}})
    p = dspex.pipeline("kinds", timeouts={"total": "5m", "finally": "10s"})
    message = p.input("message", Literal["a", "b"])
    p.step("below", pipeline=inner, inputs={"message": message})
    p.predict("one", signature, pool=small, inputs={"message": message})
    p.chain_of_thought("twoSteps", "message -> topic", pool=small, inputs={"message": message})
    p.predict(
        "three",
        dspex.compile_signature("message -> topic"),
        pool=small,
        inputs={"message": message},
    )
    p.step(
        "checked", validate=signature, inputs={"topic": p.steps.one.outputs.topic}, after=["below"]
    )
    p.step("shaped", validate={"type": "object", "minProperties": 1}, inputs={"a": 1})
    p.step("typed", validate="x -> count: int", inputs={"count": 3})
    p.step("scored", metric="f1", inputs={"prediction": message, "reference": "a"})
    p.step("cut", transform="split", config={"separator": " "}, inputs={"value": message})
    p.step(
        "many",
        template="{{ i }}",
        for_each={"items": "$(['a', 'b'])", "max_failures": 1},
        inputs={"i": p.item},
        after=[p.steps.scored],
    )
    p.step("more", template="{{ i }}", for_each=p.steps.many.outputs.text, inputs={"i": p.index})
    p.step(
        "raw",
        dspy={"module": "Predict", "signature": "q -> a", "pool_ref": {"name": "small"}},
        inputs={"q": "x"},
    )
    p.step(
        "kept",
        template="x",
        on_error="Default",
        default={"text": "y"},
        fallback=[{"outputs": {"text": "z"}}],
    )
    p.step("last", template="{{ s }}", inputs={"s": p.steps.one.state}, finally_=True)
    errors = [each for each in p.check() if each.severity is dspex.errors.Severity.ERROR]
    assert errors == []
    made = p.to_manifests()
    names = [(each["kind"], each["metadata"]["name"]) for each in made]
    assert names == [
        ("Signature", "kinds-one"),
        ("Signature", "kinds-typed"),
        ("Pool", "small"),
        ("Pipeline", "inner"),
        ("Pipeline", "kinds"),
    ]
    steps = {step["name"]: step for step in made[-1]["spec"]["steps"]}
    assert steps["three"]["dspy"]["signature"] == "message: str -> topic: str"
    assert steps["checked"]["validate"] == {"signatureRef": {"name": "kinds-one"}}
    assert steps["many"]["forEach"] == {"items": "$(['a', 'b'])", "maxFailures": 1}
    assert steps["more"]["forEach"] == {"items": "$(steps.many.outputs.text)"}
    assert steps["many"]["after"] == ["scored"]
    assert [step["name"] for step in made[-1]["spec"]["finally"]] == ["last"]


def test_a_cycle_is_found_by_the_compiler() -> None:
    """And not by the end of the stack."""
    p, q = dspex.pipeline("one"), dspex.pipeline("two")
    p.step("below", pipeline=q)
    q.step("below", pipeline=p)
    with pytest.raises(dspex.CompileError, match="name each other in a cycle"):
        _ = p.digest


def test_signatures_of_one_name_are_told_apart() -> None:
    """Two steps whose names differ only in what an object's name can't hold."""
    p = dspex.pipeline("names")
    for index, name in enumerate(("aB", "a_b")):
        signature = dspex.signature("m -> t", instructions=f"Do {index}.")
        p.predict(name, signature, inputs={"m": "x"})
    first, second = (
        each["metadata"]["name"] for each in p.to_manifests() if each["kind"] == "Signature"
    )
    assert first == "names-a-b"
    assert re.fullmatch("names-a-b-[0-9a-f]{8}", second)


def test_react_brings_its_tools(small: Pool) -> None:
    """By name, from the Pool."""
    tooled = dspex.pool("tools", model="openai/m", tools=[{"name": "find", "path": "shop.find"}])
    p = dspex.pipeline("agent")
    p.react("ask", "question -> answer", tools=["find"], pool=tooled, inputs={"question": "x"})
    assert p.to_manifests()[-1]["spec"]["steps"][0]["dspy"]["tools"] == ["find"]
    assert p.check() == ()


def test_steps_of_one_pool_share_the_tools_that_any_has_brought(small: Pool) -> None:
    """Functions are added to the one Pool, whose other steps have none or others."""
    p = dspex.pipeline("agents")
    p.predict("plain", "question -> answer", pool=small, inputs={"question": "x"})
    p.react("one", "question -> answer", pool=small, tools=[json.dumps], inputs={"question": "x"})
    p.react(
        "two",
        "question -> answer",
        pool=small,
        tools=[json.dumps, shlex.quote],
        inputs={"question": "x"},
    )
    [pool] = [each for each in p.to_manifests() if each["kind"] == "Pool"]
    assert pool["spec"]["tools"] == [
        {"name": "dumps", "path": "json.dumps"},
        {"name": "quote", "path": "shlex.quote"},
    ]
    assert p.check() == ()


def test_a_step_that_is_refused_leaves_nothing(small: Pool) -> None:
    """No Signature that nobody names."""
    p = dspex.pipeline("refused")
    signature = dspex.signature("m -> t", instructions="Do.")
    with pytest.raises(dspex.InputError):
        p.predict("a", signature, pool=small, inputs={"m": "x"}, retry=0)
    with pytest.raises(dspex.InputError):
        p.step("a", validate=signature, template="x")
    p.step("b", template="x")
    assert [each["kind"] for each in p.to_manifests()] == ["Pipeline"]


def test_a_step_without_a_pool_has_the_default_one() -> None:
    """Whose manifest is written with the others."""
    p = dspex.pipeline("plain")
    p.predict("ask", "question -> answer", inputs={"question": "x"})
    pool = p.to_manifests()[0]
    assert (pool["metadata"]["name"], pool["spec"]["model"]) == ("embedded", {"embedded": True})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p: p.input("yes"), r"inputs: yes\.name: YAML 1\.1"),
        (lambda p: p.input("a", "strr"), r"inputs\[0\]\.type: strr is no type"),
        (lambda p: p.step("a"), r"steps: a: a step has exactly one of"),
        (lambda p: p.step("a", template="x", retry={"atempts": 1}), r"steps: a\.retry\.atempts"),
        (lambda p: p.step("a", template="x", if_="inputs.x"), r"steps: a\.if: exactly one expr"),
        (lambda p: p.step("a", template="x", inputs={"v": object()}), r"inputs\.v: a value of cl"),
        (lambda p: [p.step("a", template="x") for _ in "12"], r"steps: a: there is one of the na"),
        (lambda p: p.output("o", "$(nope.x)"), r"nope"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(wrong: Any, words: str) -> None:
    """By the entry's name and the field, when it is added; what needs the whole, when that is."""
    p = dspex.pipeline("bad")

    def build() -> str:
        wrong(p)
        p.step("ok", template="x")
        return p.digest

    with pytest.raises(dspex.InputError, match=words):
        build()


def test_a_name_that_is_none_is_refused() -> None:
    """When the pipeline is begun."""
    with pytest.raises(dspex.InputError, match=r"metadata\.name"):
        dspex.pipeline("Support")
    with pytest.raises(dspex.InputError, match=r"spec\.concurency"):
        dspex.pipeline("support", concurency=3)


def test_different_objects_of_one_name_are_refused() -> None:
    """Two Pools, say; the same one twice is one."""
    p = dspex.pipeline("pools")
    for model in ("openai/a", "openai/a", "openai/b"):
        name = f"s{len(p._steps)}"
        p.predict(name, "q -> a", pool=dspex.pool("same", model=model), inputs={"q": "x"})
    with pytest.raises(dspex.InputError, match="two different objects Pool/same"):
        p.to_manifests()


def test_another_file_is_not_overwritten(tmp_path: Path, small: Pool) -> None:
    """The same content may be written again; another one only where that is said."""
    p = support(small)
    file = p.write(tmp_path)
    assert p.write(file) == file
    p.output("more", "x")
    with pytest.raises(dspex.ConfigurationError, match="is there already"):
        p.write(file)
    assert "name: more" in p.write(file, overwrite=True).read_text()
    file.write_bytes(b"\xff")
    with pytest.raises(dspex.ConfigurationError, match="is there already"):
        p.write(file)
    (tmp_path / "folder").write_text("")
    with pytest.raises(dspex.ConfigurationError, match="can't be written"):
        p.write(tmp_path / "folder" / "below")


def test_references_render_to_expressions() -> None:
    """Attributes and items lead on; in a text they stand as expressions."""
    p = dspex.pipeline("refs")
    topic = p.steps.triage.outputs.topic
    assert str(topic) == "$(steps.triage.outputs.topic)"
    assert f"about {topic}" == "about $(steps.triage.outputs.topic)"
    assert repr(topic["it's"][0]) == "steps.triage.outputs.topic['it\\'s'][0]"
    assert topic == Reference("steps.triage.outputs.topic")
    assert len({topic, p.steps.triage.outputs.topic}) == 1
    assert step_name(p.steps.triage) == step_name("triage") == "triage"
    assert not hasattr(topic, "_repr_html_")
    with pytest.raises(TypeError, match="only when the pipeline runs"):
        bool(topic)
    with pytest.raises(TypeError, match="for_each=steps"):
        list(topic)


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ("list[str]", "list[str]"),
        (str, "str"),
        (datetime.date, "date"),
        (list[str], "list[str]"),
        (dict[str, list[int]], "dict[str, list[int]]"),
        (Literal["a", "b"], "Literal['a', 'b']"),
        (Optional[str], "Optional[str]"),  # noqa: UP045 -- older code writes it so
        (str | None, "str | None"),
        (list[datetime.date], "list[date]"),
        (Any, "Any"),
        (None, "NoneType"),
    ],
)
def test_pythons_types_are_spelt_as_in_signatures(given_: Any, text: str) -> None:
    """Whatever form they have."""
    assert type_text(given_) == text


def test_its_repr_says_how_large_it_is(small: Pool) -> None:
    """For a notebook's last line."""
    assert repr(support(small)) == "<pipeline support: 2 steps>"
