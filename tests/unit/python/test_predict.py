"""`dspex.predict`, `chain_of_thought` and `react`: what is called, given back and refused."""

import asyncio
import datetime
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import dspex
from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from dspex.python.predict import _plan
from dspex.python.session import Session
from fakes.dispatcher import ScriptedDispatcher, after

pytestmark = pytest.mark.slow

TRIAGE = "message -> topic: Literal['billing', 'bug'], urgent: bool"


def answering(dispatcher: ScriptedDispatcher, pool: str = "small", **outputs: Any) -> None:
    """Let a pool's workers answer every call alike."""
    dispatcher.scripts[pool] = after(0, outputs)


def place(error: dspex.InputError) -> tuple[str | None, str | None]:
    """Return argument and path of the only finding."""
    [found] = error.diagnostics
    return found.file, found.path


def test_outputs_are_attributes_and_items(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """With usage, attempts and worker beside them."""
    answering(dispatcher, topic="bug", urgent=True)
    made = dspex.predict(TRIAGE, pool=small, message="It is broken.")
    assert (made.topic, made["urgent"], dict(made)) == (
        "bug",
        True,
        {"topic": "bug", "urgent": True},
    )
    assert (made.usage.calls, made.usage.total_tokens) == (1, 12)
    assert (made.attempts, made.worker) == (1, "small-0")
    assert made.seconds >= 0
    assert repr(made) == "Prediction(topic='bug', urgent=True)"
    assert "topic" in dir(made)
    with pytest.raises(AttributeError, match="no output 'topc'; there is: topic, urgent"):
        _ = made.topc


def test_the_call_is_what_a_step_would_send(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """Module, signature, demos, config and strictness."""
    answering(dispatcher, topic="bug", urgent=True, reasoning="because")
    signature = dspex.signature(TRIAGE, instructions="Sort.", fields={"topic": "what it is about"})
    demo = {"message": "Hello", "topic": "bug", "urgent": False}
    made = dspex.chain_of_thought(
        signature,
        pool=small,
        demos=[demo],
        config={"temperature": 0},
        strict=True,
        timeout=5,
        message="x",
    )
    assert made.reasoning == "because"
    [(pool, call)] = dispatcher.calls
    assert (pool, call.module, call.inputs) == ("small", "ChainOfThought", {"message": "x"})
    assert call.signature == signature.to_wire()
    assert (call.demos, call.config, call.strict) == ([demo], {"temperature": 0}, True)
    assert call.timeout <= 5


def test_values_are_pythons_own(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """Dates, bytes and sets go in and come out as such."""
    answering(dispatcher, due="2026-11-25", tags=["a", "b"])
    made = dspex.predict(
        "day: date, data: bytes -> due: date, tags: set[str]",
        pool=small,
        day=datetime.date(2026, 1, 2),
        data=b"hello",
    )
    assert dispatcher.calls[0][1].inputs == {"day": "2026-01-02", "data": "aGVsbG8="}
    assert (made.due, made.tags) == (datetime.date(2026, 11, 25), {"a", "b"})


def test_what_is_none_is_left_out(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """An Optional input may be None or absent; any other may not."""
    answering(dispatcher, answer="x")
    signature = "question, hint: str | None -> answer"
    for more in ({}, {"hint": None}, {"hint": "h"}):
        dspex.predict(signature, more, pool=small, question="q")
    sent = [call.inputs for _, call in dispatcher.calls]
    assert sent == [{"question": "q", "hint": None}] * 2 + [{"question": "q", "hint": "h"}]
    with pytest.raises(dspex.InputError, match="inputs: thing: is None") as caught:
        dspex.predict("thing: Any -> answer", pool=small, thing=None)
    assert place(caught.value) == ("inputs", "thing")


def test_a_text_is_never_an_expression(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """What a person writes reaches the model as it stands."""
    answering(dispatcher, answer="x")
    dspex.predict("question -> answer", pool=small, question="$(inputs.secret) {{ x }}")
    assert dispatcher.calls[0][1].inputs == {"question": "$(inputs.secret) {{ x }}"}


def test_inputs_whose_names_are_options_go_into_the_mapping(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """And any other name may be a keyword, `inputs` too."""
    answering(dispatcher, answer="x")
    dspex.predict(
        "pool, timeout, inputs -> answer", {"pool": "a", "timeout": "b"}, pool=small, inputs="c"
    )
    assert dispatcher.calls[0][1].inputs == {"pool": "a", "timeout": "b", "inputs": "c"}


def test_an_invalid_answer_is_asked_for_again(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """With what was wrong, as often as `retry` says; then the last error is raised."""

    async def wrong(call: Call) -> Mapping[str, Any]:
        raise PythonError(
            Reason.OUTPUT_INVALID,
            "topic: must be one of …",
            error_class="x.Error",
            traceback="Traceback",
            details={"answer": "hm"},
        )

    dispatcher.scripts["small"] = wrong
    retry = {"attempts": 2, "initial_delay": "1ms"}
    with pytest.raises(PythonError, match="OutputInvalid: topic: must be") as caught:
        dspex.predict(TRIAGE, pool=small, retry=retry, message="x")
    assert len(dispatcher.calls) == 2
    assert (caught.value.reason, caught.value.error_class) == (Reason.OUTPUT_INVALID, "x.Error")
    assert caught.value.traceback == "Traceback"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mesage": "x", "message": "y"}, ("inputs", "mesage")),
        ({}, ("inputs", "message")),
        ({"message": "x", "config": {"temprature": 1}}, ("config", "temprature")),
        ({"message": "x", "config": {"stop": object()}}, (None, "config.stop")),
        ({"message": "x", "retry": 0}, ("retry", "attempts")),
        ({"message": "x", "retry": {"atempts": 2}}, ("retry", "atempts")),
        ({"message": "x", "timeout": "5 min"}, ("timeout", None)),
        ({"message": "x", "module": "shop.Rank"}, ("module", None)),
        ({"message": "x", "demos": [{"urgent": "perhaps"}]}, ("demos", "[0].urgent")),
        ({"message": "x", "pool": "openai/gpt-4o"}, ("pool", None)),
        ({"message": "x", "pool": {"model": {"nam": "x"}}}, ("pool", "spec.model.nam")),
    ],
)
def test_what_is_wrong_names_its_argument(
    dispatcher: ScriptedDispatcher,
    small: Pool,
    options: dict[str, Any],
    expected: tuple[str | None, str | None],
) -> None:
    """Before anything is started."""
    with pytest.raises(dspex.InputError) as caught:
        dspex.predict(TRIAGE, **{"pool": small, **options})
    assert expected in [(each.file, each.path) for each in caught.value.diagnostics]
    assert dispatcher.calls == []


def test_a_missing_key_names_the_setting_that_gives_it(
    dispatcher: ScriptedDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Python's words; with it the call goes through."""
    key = {"name": "llm", "key": "api-key"}
    keyed = dspex.pool("small", model={"name": "openai/m", "api_key_secret_ref": key})
    with pytest.raises(dspex.InputError, match=r"secrets=\{'llm/api-key': 'env:LLM_API_KEY'\}"):
        dspex.predict("a -> b", pool=keyed, a="x")
    monkeypatch.setenv("LLM_API_KEY", "sk-1")
    dspex.configure(secrets={"llm/api-key": "env:LLM_API_KEY"})
    answering(dispatcher, b="y")
    assert dspex.predict("a -> b", pool=keyed, a="x").b == "y"


def test_the_default_pool_is_the_embedded_model_until_configured(
    dispatcher: ScriptedDispatcher, small: Pool, own_session: Session
) -> None:
    """As for `dspex new`."""
    assert own_session.default_pool().spec.model.embedded
    answering(dispatcher, "embedded", b="1")
    answering(dispatcher, "small", b="2")
    assert dspex.predict("a -> b", a="x").b == "1"
    with pytest.raises(dspex.InputError, match="workers: 0 workers can do nothing"):
        dspex.configure(workers=0)
    dspex.configure(pool=small, config_maps={}, workers=1)
    assert own_session.settings.workers == 1
    assert dspex.predict("a -> b", a="x").b == "2"


@pytest.mark.parametrize("form", ["spec", "manifest", "path"])
def test_a_pool_may_be_a_spec_a_manifest_or_a_path(
    dispatcher: ScriptedDispatcher, form: str, tmp_path: Path
) -> None:
    """A spec without a name is called `pool`."""
    manifest = {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "Pool",
        "metadata": {"name": "pool"},
        "spec": {"model": {"name": "openai/m"}},
    }
    file = tmp_path / "pool.yaml"
    file.write_text(str(manifest).replace("'", '"'))
    forms: dict[str, Any] = {"spec": manifest["spec"], "manifest": manifest, "path": file}
    answering(dispatcher, "pool", b="y")
    assert dspex.predict("a -> b", pool=forms[form], a="x").b == "y"


def test_pools_that_are_none_are_refused(tmp_path: Path) -> None:
    """Another kind, none in the file, several in it."""
    with pytest.raises(dspex.InputError, match="pool: kind: the manifest is of kind Pipeline"):
        dspex.predict("a -> b", pool={"kind": "Pipeline"}, a="x")
    file = tmp_path / "pools.yaml"
    file.write_text("")
    with pytest.raises(dspex.InputError, match="no Pool is there"):
        dspex.predict("a -> b", pool=file, a="x")
    text = "apiVersion: dspex.dev/v1alpha1\nkind: Pool\nmetadata: {name: NAME}\nspec: {model: {embedded: true}}\n"
    file.write_text("---\n".join(text.replace("NAME", name) for name in ("a", "b")))
    with pytest.raises(dspex.InputError, match="several Pools: a, b"):
        dspex.predict("a -> b", pool=str(file), a="x")


def test_tools_are_names_or_functions(
    dispatcher: ScriptedDispatcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A function of a module that can be imported is added to the Pool."""
    (tmp_path / "shop_of_tests.py").write_text("def search(query: str) -> str:\n    return query\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shop = importlib.import_module("shop_of_tests")
    tooled = dspex.pool("small", model="openai/m", tools=[{"name": "stock", "path": "shop.stock"}])
    answering(dispatcher, answer="x", trajectory={"thought_0": "t"})
    made = dspex.react(
        "question -> answer", pool=tooled, tools=["stock", shop.search], question="q"
    )
    assert made.trajectory == {"thought_0": "t"}
    [(_, call)] = dispatcher.calls
    assert (call.module, call.tools) == ("ReAct", ["stock", "search"])
    with pytest.raises(dspex.InputError, match="has no tool serach") as caught:
        dspex.react("question -> answer", pool=tooled, tools=["serach"], question="q")
    assert place(caught.value) == ("tools", "[0]")


def test_a_function_that_workers_cannot_import_is_refused(small: Pool) -> None:
    """One of a notebook's cell, or one inside another; the remedy says where to write it."""

    def local(query: str) -> str:
        return query

    with pytest.raises(dspex.InputError, match=r"can't import .*\n.*such as tools\.py"):
        dspex.react("question -> answer", pool=small, tools=[local], question="q")
    taken = dspex.pool("small", model="openai/m", tools=[{"name": "dumps", "path": "shop.dumps"}])
    with pytest.raises(dspex.InputError, match=r"has another tool dumps, shop\.dumps"):
        dspex.react("question -> answer", pool=taken, tools=[json.dumps], question="q")


async def test_async_calls_run_beside_each_other(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """All three, in a running loop, as the sync ones do."""
    own: dict[str, dict[str, Any]] = {
        "ChainOfThought": {"reasoning": "r"},
        "ReAct": {"trajectory": {}},
    }

    met = asyncio.Barrier(3)

    async def answer(call: Call) -> Mapping[str, Any]:
        await met.wait()  # each waits for the others: they are there at once
        return {"b": "y", **own.get(call.module, {})}

    dispatcher.scripts["small"] = answer
    made = await asyncio.gather(
        dspex.apredict("a -> b", pool=small, a="1"),
        dspex.achain_of_thought("a -> b", pool=small, a="2"),
        dspex.areact("a -> b", pool=small, tools=(), a="3"),
    )
    assert [each.b for each in made] == ["y"] * 3
    answering(dispatcher, b="y")
    assert dspex.predict("a -> b", pool=small, a="4").b == "y"


async def test_cancelling_the_caller_cancels_the_call(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """And the worker's: it hears of it."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    gone = []

    async def for_ever(call: Call) -> Mapping[str, Any]:
        loop.call_soon_threadsafe(begun.set)
        try:
            await asyncio.Event().wait()
        finally:
            gone.append(call)
        return {}

    dispatcher.scripts["small"] = for_ever
    call = asyncio.create_task(dspex.apredict("a -> b", pool=small, a="x"))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(gone) == 1


def test_plans_are_kept(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """The second call compiles nothing."""
    answering(dispatcher, b="y")
    dspex.predict("kept -> b", pool=small, kept="1")
    before = _plan.cache_info()
    dspex.predict("kept -> b", pool=small, kept="2")
    after_ = _plan.cache_info()
    assert (after_.hits, after_.misses) == (before.hits + 1, before.misses)
