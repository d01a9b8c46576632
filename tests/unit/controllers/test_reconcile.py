"""The loop: an object is taken from the queue, looked at, and done with, or tried again."""

import asyncio
import datetime
import logging
from typing import Any

import pytest

from dspex.controllers.decision import Decision
from dspex.controllers.key import Key
from dspex.controllers.logs import JsonFormatter
from dspex.controllers.queue import FIRST_DELAY
from dspex.controllers.reconcile import MAX_ROUNDS
from dspex.controllers.registration import Registration
from dspex.controllers.world import World
from dspex.kube.kind import CONFIG_MAP, NAMESPACE, PIPELINE_RUN, SIGNATURE
from fakes.cluster import Ask, Object, Refusal
from fakes.controller_bench import NOW, Bench, Script
from fakes.items import child, item, run, signature
from fakes.virtual_time import run_virtually

A = Key(SIGNATURE, "shop", "a")
SPACE = Key(NAMESPACE, "", "shop")


async def due(bench: Bench) -> tuple[Key, float] | None:
    """Return what is queued next and in how many seconds; None for nothing within an hour."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(3600):
            key = await bench.queue.get()
    except TimeoutError:
        return None
    assert key is not None
    return key, round(asyncio.get_running_loop().time() - began, 3)


async def reconciled(bench: Bench, key: Key = A) -> None:
    """Take the object that is due, and look at it."""
    assert await bench.queue.get() == key
    await bench.reconciler.reconcile(key)


def refusing(bench: Bench, status: int, reason: str, message: str, *, where: str) -> None:
    """Have the API server refuse whatever goes to a path with a word in it."""

    def refuse(ask: Ask) -> None:
        if where in ask.path:
            raise Refusal(status, reason, message)

    bench.cluster.refuse = refuse


def conditions(bench: Bench) -> dict[str, tuple[str, str]]:
    """Return status and reason of the conditions of the Signature a."""
    found = bench.cluster.item(SIGNATURE, "shop", "a") or {}
    each = found.get("status", {}).get("conditions", [])
    return {one["type"]: (one["status"], one["reason"]) for one in each}


def test_what_is_decided_is_done() -> None:
    """The controller gets the object and the time; afterwards nothing is due."""

    async def play() -> None:
        bench = Bench()
        made = bench.add(signature("a"))
        times = []

        def decide(looked: Object, _: World, now: datetime.datetime) -> Decision:
            times.append(now)
            return Decision(status={"digest": looked["metadata"]["uid"]})

        bench.script.decision = decide
        await reconciled(bench)
        assert times == [NOW]
        found = bench.cluster.item(SIGNATURE, "shop", "a")
        assert found is not None
        assert found["status"] == {"digest": made["metadata"]["uid"]}
        assert await due(bench) is None
        assert bench.count("dspex_reconciles_total", kind="Signature", result="ok") == 1
        assert bench.count("dspex_reconcile_seconds_count", kind="Signature") == 1

    run_virtually(play())


def test_what_is_to_be_looked_at_again_is() -> None:
    """After as many seconds as were decided; earlier where something that it read changes."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))

        def decide(_: Object, world: World, __: datetime.datetime) -> Decision:
            world.get(SIGNATURE, "shop", "b")
            return Decision(requeue=30.0)

        bench.script.decision = decide
        await reconciled(bench)
        assert await due(bench) == (A, 30.0)
        await bench.reconciler.reconcile(A)
        bench.hub.put(SIGNATURE, signature("b"))
        assert await due(bench) == (Key(SIGNATURE, "shop", "b"), 0.0)
        assert await due(bench) == (A, 0.0)

    run_virtually(play())


@pytest.mark.parametrize("gone", [False, True], ids=["edited", "deleted"])
def test_what_was_applied_is_put_back(gone: bool) -> None:
    """A child that the controller never reads wakes its owner when somebody meddles with it."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(apply=(child("c"),))
        await reconciled(bench)
        assert await due(bench) == (A, 0.0)
        await bench.reconciler.reconcile(A)
        assert bench.written() == ["PATCH configmaps/c"]
        if gone:
            bench.cluster.remove(CONFIG_MAP, "shop", "c")
        else:
            bench.cluster.edit(CONFIG_MAP, "shop", "c", {"data": {"k": "by hand"}})
        bench.see(CONFIG_MAP, "c")
        assert await due(bench) == (A, 0.0)
        await bench.reconciler.reconcile(A)
        found = bench.cluster.item(CONFIG_MAP, "shop", "c")
        assert found is not None
        assert found["data"] == {"k": "v"}

    run_virtually(play())


def test_nobody_asks_about_what_is_done_or_gone() -> None:
    """It leaves the queue, and is counted as looked at."""

    async def play() -> None:
        script = Script()
        kind = Registration(kind=SIGNATURE, decide=script, done=lambda each: "status" in each)
        bench = Bench({SIGNATURE: kind})
        bench.add(signature("a", status={"x": 1}))
        for key in (A, Key(SIGNATURE, "shop", "never")):
            bench.queue.add(key)
            await reconciled(bench, key)
        assert script.looked == []
        assert await due(bench) is None
        assert bench.count("dspex_reconciles_total", kind="Signature", result="ok") == 2

    run_virtually(play())


def test_an_object_that_went_while_it_was_looked_at_reads_nothing_any_more() -> None:
    """Else a ConfigMap that it named would be fetched for ever."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))

        def decide(_: Object, world: World, __: datetime.datetime) -> Decision:
            bench.hub.drop(A)
            world.read(CONFIG_MAP, "shop", "texts")
            return Decision()

        bench.script.decision = decide
        await reconciled(bench)
        key = Key(CONFIG_MAP, "shop", "texts")
        assert bench.world.foreign() == (key,)
        bench.hub.put_foreign(key, item(CONFIG_MAP, "texts"))
        await reconciled(bench)
        assert bench.world.foreign() == ()

    run_virtually(play())


def test_a_namespace_is_looked_at_without_being_watched() -> None:
    """Its name is all that is known of it."""

    async def play() -> None:
        script = Script()
        bench = Bench({NAMESPACE: Registration(kind=NAMESPACE, decide=script)})
        bench.queue.add(SPACE)
        await reconciled(bench, SPACE)
        assert [each["metadata"] for each in script.looked] == [{"name": "shop"}]

    run_virtually(play())


def test_what_the_api_server_refuses_stands_in_the_conditions() -> None:
    """With its words; it is tried again, ever later, and written once."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a", status={"digest": "d"}))
        bench.script.decision = Decision(apply=(child("c"),))
        refusing(bench, 422, "Invalid", "the quota is used up", where="configmaps")
        await reconciled(bench)
        assert conditions(bench) == {
            "Ready": ("False", "Refused"),
            "Reconciling": ("True", "Refused"),
            "Stalled": ("False", "Refused"),
        }
        found = bench.cluster.item(SIGNATURE, "shop", "a")
        assert found is not None
        assert found["status"]["digest"] == "d"
        assert "the quota is used up" in found["status"]["conditions"][0]["message"]
        assert found["status"]["conditions"][0]["observedGeneration"] == 1
        assert await due(bench) == (A, FIRST_DELAY)
        bench.clock.pass_(9)
        await bench.reconciler.reconcile(A)
        assert await due(bench) == (A, 2 * FIRST_DELAY)
        assert bench.written().count("PATCH signatures/a/status") == 1
        assert bench.count("dspex_reconciles_total", kind="Signature", result="error") == 2

    run_virtually(play())


def test_a_long_refusal_is_cut_to_what_a_condition_holds() -> None:
    """An admission webhook may say anything."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(apply=(child("c"),))
        refusing(bench, 403, "Forbidden", "x" * 100_000, where="configmaps")
        await reconciled(bench)
        assert conditions(bench)["Ready"] == ("False", "Refused")

    run_virtually(play())


def test_a_run_that_is_refused_something_has_not_ended() -> None:
    """Its Succeeded stays Unknown, and only the operator's part is written."""

    async def play() -> None:
        script = Script(Decision(apply=(child("c"),)))
        owned = frozenset({"conditions"})
        kind = Registration(kind=PIPELINE_RUN, decide=script, run=True, owned=owned)
        bench = Bench({PIPELINE_RUN: kind})
        bench.add(run("r", status={"steps": [{"name": "s"}]}))
        refusing(bench, 403, "Forbidden", "no", where="configmaps")
        await reconciled(bench, Key(PIPELINE_RUN, "shop", "r"))
        state = bench.cluster.condition(PIPELINE_RUN, "shop", "r", "Succeeded")
        assert (state["status"], state["reason"]) == ("Unknown", "Refused")
        [asked] = [each for each in bench.cluster.writes() if each.path.endswith("/status")]
        assert set(asked.body["status"]) == {"conditions"}

    run_virtually(play())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_that_passes_is_not_told(status: int) -> None:
    """The conditions stay; it is tried again."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(apply=(child("c"),))
        refusing(bench, status, "Busy", "later", where="configmaps")
        await reconciled(bench)
        assert conditions(bench) == {}
        assert await due(bench) == (A, FIRST_DELAY)
        bench.cluster.refuse = lambda _: None
        await bench.reconciler.reconcile(A)
        assert bench.cluster.item(CONFIG_MAP, "shop", "c") is not None
        # Its own child is new; once more, and nothing is due.
        await reconciled(bench)
        assert await due(bench) is None

    run_virtually(play())


def test_a_conflict_is_tried_again_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """Somebody else wrote at the same time: that is no error."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(status={"digest": "d"})
        refusing(bench, 409, "Conflict", "changed meanwhile", where="status")
        await reconciled(bench)
        assert await due(bench) == (A, FIRST_DELAY)
        assert bench.count("dspex_reconciles_total", kind="Signature", result="ok") == 1

    with caplog.at_level(logging.INFO):
        run_virtually(play())
    assert caplog.records == []


def test_a_namespace_that_is_being_terminated_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing can be made in it any more; that is no error and not tried again."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(create=(child("c"),))
        words = "unable to create new content in namespace shop because it is being terminated"
        refusing(bench, 403, "Forbidden", words, where="configmaps")
        await reconciled(bench)
        assert conditions(bench) == {}
        assert await due(bench) is None

    with caplog.at_level(logging.INFO):
        run_virtually(play())
    assert caplog.records == []


def test_a_namespace_has_no_conditions_to_tell_of_a_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log does, and it is tried again."""

    async def play() -> None:
        decision = Decision(apply=(child("c"),))
        bench = Bench({NAMESPACE: Registration(kind=NAMESPACE, decide=Script(decision))})
        bench.queue.add(SPACE)
        refusing(bench, 403, "Forbidden", "may not", where="configmaps")
        await reconciled(bench, SPACE)
        assert await due(bench) == (SPACE, FIRST_DELAY)
        assert bench.written() == ["PATCH configmaps/c"]

    run_virtually(play())
    assert "may not" in caplog.text


def test_a_refusal_that_can_not_be_told_either_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both errors; the object is tried again."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.script.decision = Decision(status={"digest": "d"})
        refusing(bench, 403, "Forbidden", "may not", where="/")
        await reconciled(bench)
        assert await due(bench) == (A, FIRST_DELAY)

    run_virtually(play())
    assert caplog.text.count("may not") == 2


def test_a_fault_of_a_controller_is_tried_again_while_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has its traceback and the object's name."""
    caplog.handler.setFormatter(JsonFormatter())

    async def play() -> None:
        bench = Bench()
        for name in ("a", "b"):
            bench.add(signature(name))

        def decide(looked: Object, _: World, __: datetime.datetime) -> Decision:
            if looked["metadata"]["name"] == "a":
                raise ZeroDivisionError("a fault")
            return Decision(status={"digest": "d"})

        bench.script.decision = decide
        begin = asyncio.Event()
        working = asyncio.create_task(bench.reconciler.run(begin, workers=1))
        begin.set()
        await asyncio.sleep(1.0)
        bench.queue.close()
        await working
        found = bench.cluster.item(SIGNATURE, "shop", "b")
        assert found is not None
        assert found["status"] == {"digest": "d"}
        # At once, and after 0.1, 0.3 and 0.7 seconds.
        assert bench.count("dspex_reconciles_total", kind="Signature", result="error") == 4

    run_virtually(play())
    assert "ZeroDivisionError: a fault" in caplog.text
    assert '"kind": "Signature", "namespace": "shop", "name": "a"' in caplog.text


def test_a_controller_gets_all_that_it_lacks() -> None:
    """It is asked again with what was fetched, as often as it lacks something else."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.cluster.add(item(CONFIG_MAP, "first", data={"next": "second"}))
        found: list[Any] = []

        def decide(_: Object, world: World, __: datetime.datetime) -> Decision:
            first = world.read(CONFIG_MAP, "shop", "first", "none")
            assert first["first"] is not None
            second = first["first"]["data"]["next"]
            found.extend([first["none"], world.read(CONFIG_MAP, "shop", second)])
            return Decision()

        bench.script.decision = decide
        await reconciled(bench)
        assert found == [None, {"second": None}]
        assert len(bench.script.looked) == 3
        asked = [each.path.rpartition("/")[2] for each in bench.cluster.asked]
        assert asked == ["first", "none", "second"]

    run_virtually(play())


def test_a_controller_that_never_has_enough_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    """After many rounds it is given up, and tried again later."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))

        def decide(_: Object, world: World, __: datetime.datetime) -> Decision:
            world.read(CONFIG_MAP, "shop", f"c{len(bench.script.looked)}")
            return Decision()

        bench.script.decision = decide
        await reconciled(bench)
        assert len(bench.script.looked) == MAX_ROUNDS
        assert await due(bench) == (A, FIRST_DELAY)

    run_virtually(play())
    assert f"Signature shop/a: still lacks something after {MAX_ROUNDS} rounds" in caplog.text


def test_what_can_not_be_fetched_stands_in_the_conditions() -> None:
    """A controller that may not read a ConfigMap says so."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))

        def decide(_: Object, world: World, __: datetime.datetime) -> Decision:
            world.read(CONFIG_MAP, "shop", "c")
            return Decision()

        bench.script.decision = decide
        refusing(bench, 403, "Forbidden", "may not read", where="configmaps")
        await reconciled(bench)
        assert conditions(bench)["Ready"] == ("False", "Refused")

    run_virtually(play())


def test_work_begins_when_told_and_ends_with_the_queue() -> None:
    """Nothing before; what is being worked on at the end is finished."""

    async def play() -> None:
        bench = Bench()
        for name in ("a", "b", "c"):
            bench.add(signature(name))
        bench.script.decision = Decision(status={"digest": "d"})
        begin = asyncio.Event()
        working = asyncio.create_task(bench.reconciler.run(begin, workers=2))
        await asyncio.sleep(10.0)
        assert bench.script.looked == []
        begin.set()
        while not bench.script.looked:
            await asyncio.sleep(0)
        bench.queue.close()
        await working
        assert [each["metadata"]["name"] for each in bench.script.looked] == ["a", "b"]
        paths = ["PATCH signatures/a/status", "PATCH signatures/b/status"]
        assert sorted(bench.written()) == paths

    run_virtually(play())
