"""The executor: what was decided is done, in order, and nothing is written that is so already."""

from typing import Any

import pytest

from dspex.controllers.decision import Change, Note, Ref
from dspex.controllers.execute import holds, own_status
from dspex.controllers.key import Key
from dspex.controllers.registration import Registration
from dspex.kube.errors import ConflictError, InvalidError
from dspex.kube.kind import CONFIG_MAP, DEPLOYMENT, JOB, PIPELINE_RUN, SIGNATURE
from dspex.resources.names import MANAGED_BY, MANAGED_BY_LABEL, RUN_LABEL
from fakes.cluster import Ask, Cluster, Object, Refusal
from fakes.controller_bench import Bench, Script
from fakes.items import child, run, signature

CONFIG = Key(CONFIG_MAP, "shop", "c")


@pytest.fixture
def bench() -> Bench:
    """Make an operator's parts."""
    return Bench()


def condition(type_: str, status: str, reason: str = "Why") -> Object:
    """Make a condition."""
    time = "2026-01-01T00:00:00Z"
    return {"type": type_, "status": status, "reason": reason, "lastTransitionTime": time}


READY = {"conditions": [condition("Ready", "True"), condition("Stalled", "False")]}


# Apply.


async def test_an_object_that_is_so_is_not_applied_again(bench: Bench) -> None:
    """Neither when the watch shows our own write, nor when only its status changes."""
    owner = bench.add(signature("a"))
    made = child("d", DEPLOYMENT, spec={"replicas": 2})
    await bench.carry_out(owner, apply=(made,))
    await bench.carry_out(owner, apply=(made,))
    bench.see(DEPLOYMENT, "d")
    bench.cluster.edit(DEPLOYMENT, "shop", "d", {"status": {"readyReplicas": 1}})
    bench.see(DEPLOYMENT, "d")
    await bench.carry_out(owner, apply=(made,))
    assert bench.written() == ["PATCH deployments/d"]
    assert bench.count("dspex_writes_total", kind="Deployment", verb="apply") == 1


async def test_an_object_of_which_not_all_is_kept_is_not_applied_again(bench: Bench) -> None:
    """A run's plan: the World leaves out its data."""
    owner = bench.add(signature("a"))
    labels = {MANAGED_BY_LABEL: MANAGED_BY, RUN_LABEL: "r"}
    for _ in range(2):
        await bench.carry_out(owner, apply=(child("c", labels=labels),))
        bench.see(CONFIG_MAP, "c")
    assert bench.written() == ["PATCH configmaps/c"]


async def test_an_object_that_is_to_be_another_is_applied(bench: Bench) -> None:
    """What it leaves out now is gone afterwards."""
    owner = bench.add(signature("a"))
    await bench.carry_out(owner, apply=(child("c", data={"k": "v", "old": "x"}),))
    await bench.carry_out(owner, apply=(child("c", data={"k": "w"}),))
    found = bench.cluster.item(CONFIG_MAP, "shop", "c")
    assert found is not None
    assert found["data"] == {"k": "w"}


async def test_what_was_written_is_known_before_the_watch_shows_it(bench: Bench) -> None:
    """And wakes its readers."""
    owner = bench.add(signature("a"))
    bench.world.begin()
    bench.world.get(CONFIG_MAP, "shop", "c")
    bench.world.end(Key(SIGNATURE, "shop", "b"))
    assert await bench.queue.get() == Key(SIGNATURE, "shop", "a")
    await bench.carry_out(owner, apply=(child("c"),))
    assert bench.world.known(CONFIG) == bench.cluster.item(CONFIG_MAP, "shop", "c")
    assert await bench.queue.get() == Key(SIGNATURE, "shop", "b")


@pytest.mark.parametrize(
    "patch",
    [
        {"data": {"k": "by hand"}},
        {"data": {"more": "by hand"}},
        {"metadata": {"labels": {"dspex.dev/pool": "by hand"}}},
    ],
)
async def test_a_child_edited_by_hand_is_applied_again(bench: Bench, patch: Object) -> None:
    """Once: what others own and apply does not take away stays as it is."""
    owner = bench.add(signature("a"))
    made = child("c")
    await bench.carry_out(owner, apply=(made,))
    bench.cluster.edit(CONFIG_MAP, "shop", "c", patch)
    for _ in range(2):
        bench.see(CONFIG_MAP, "c")
        await bench.carry_out(owner, apply=(made,))
    assert bench.written() == ["PATCH configmaps/c"] * 2
    found = bench.cluster.item(CONFIG_MAP, "shop", "c")
    assert found is not None
    assert found["data"]["k"] == "v"


async def test_a_child_deleted_by_hand_is_put_back(bench: Bench) -> None:
    """As a new object, with another uid."""
    owner = bench.add(signature("a"))
    await bench.carry_out(owner, apply=(child("c"),))
    before = bench.cluster.item(CONFIG_MAP, "shop", "c")
    bench.cluster.remove(CONFIG_MAP, "shop", "c")
    bench.see(CONFIG_MAP, "c")
    await bench.carry_out(owner, apply=(child("c"),))
    after = bench.cluster.item(CONFIG_MAP, "shop", "c")
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_a_child_that_is_being_deleted_is_applied(bench: Bench) -> None:
    """So that it is there again once it is gone."""
    owner = bench.add(signature("a"))
    await bench.carry_out(owner, apply=(child("c"),))
    going = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    bench.cluster.edit(CONFIG_MAP, "shop", "c", going)
    bench.see(CONFIG_MAP, "c")
    await bench.carry_out(owner, apply=(child("c"),))
    assert bench.written() == ["PATCH configmaps/c"] * 2


async def test_an_object_that_was_there_before_this_operator_is_applied_once(bench: Bench) -> None:
    """What another process applied is not known; the API server finds that nothing changes."""
    owner = bench.add(signature("a"))
    await bench.carry_out(owner, apply=(child("c"),))
    version = bench.cluster.version
    after = Bench()
    after.cluster.objects = bench.cluster.objects
    after.see(CONFIG_MAP, "c")
    for _ in range(2):
        await after.carry_out(owner, apply=(child("c"),))
    assert after.written() == ["PATCH configmaps/c"]
    found = after.cluster.item(CONFIG_MAP, "shop", "c")
    assert found is not None
    assert int(found["metadata"]["resourceVersion"]) <= version


@pytest.mark.parametrize("labels", [{}, None, {"app.kubernetes.io/managed-by": "Helm"}])
async def test_an_object_without_our_label_is_a_fault(
    bench: Bench, labels: dict[str, str] | None
) -> None:
    """It would not be watched, and be applied for ever: the message names object and label."""
    owner = bench.add(signature("a"))
    message = r"ConfigMap shop/c lacks the label app.kubernetes.io/managed-by=dspex"
    with pytest.raises(ValueError, match=message):
        await bench.carry_out(owner, apply=(child("c", labels=labels),))
    assert bench.written() == []


# Create.


async def test_what_is_created_is_left_as_it_is_afterwards(bench: Bench) -> None:
    """Another spec, or a change by hand, is no reason to write."""
    owner = bench.add(signature("a"))
    await bench.carry_out(owner, create=(child("j", JOB, spec={"suspend": False}),))
    bench.cluster.edit(JOB, "shop", "j", {"spec": {"suspend": True}})
    bench.see(JOB, "j")
    await bench.carry_out(owner, create=(child("j", JOB, spec={"suspend": False}),))
    assert bench.written() == ["POST jobs"]
    assert bench.world.known(Key(JOB, "shop", "j")) == bench.cluster.item(JOB, "shop", "j")
    assert bench.count("dspex_writes_total", kind="Job", verb="create") == 1


async def test_what_the_watch_has_not_shown_yet_is_not_created_twice(bench: Bench) -> None:
    """That it is there already is no error, and what stands behind it is done."""
    owner = bench.add(signature("a"))
    bench.cluster.add(child("j", JOB, spec={}))
    await bench.carry_out(owner, create=(child("j", JOB, spec={}),), status=READY)
    assert bench.written() == ["POST jobs", "PATCH signatures/a/status"]
    assert bench.count("dspex_writes_total", kind="Job", verb="create") == 0


async def test_another_conflict_of_a_create_is_an_error(bench: Bench) -> None:
    """Only that one of its name is there says that all is well."""
    owner = bench.add(signature("a"))

    def refuse(ask: Ask) -> None:
        if ask.method == "POST":
            raise Refusal(409, "Conflict", "the namespace changed")

    bench.cluster.refuse = refuse
    with pytest.raises(ConflictError, match="the namespace changed"):
        await bench.carry_out(owner, create=(child("j", JOB, spec={}),))


# Change.


async def test_a_patch_that_changes_nothing_is_left_out(bench: Bench) -> None:
    """And so is one of an object that is not there."""
    owner = bench.add(signature("a"))
    patch = {"metadata": {"labels": {"dspex.dev/finished": "true"}}}
    change = Change(SIGNATURE, "shop", "a", patch)
    await bench.carry_out(owner, change=(change, Change(SIGNATURE, "shop", "b", patch)))
    await bench.carry_out(owner, change=(change,))
    assert bench.written() == ["PATCH signatures/a"]
    found = bench.world.known(Key(SIGNATURE, "shop", "a"))
    assert found is not None
    assert found["metadata"]["labels"] == {"dspex.dev/finished": "true"}
    assert bench.count("dspex_writes_total", kind="Signature", verb="patch") == 1


async def test_an_object_that_is_gone_is_forgotten_and_not_changed(bench: Bench) -> None:
    """The watch has not told yet; what stands behind it is done."""
    owner = bench.add(signature("a"))
    bench.add(child("j", JOB, spec={}))
    bench.cluster.remove(JOB, "shop", "j")
    change = Change(JOB, "shop", "j", {"spec": {"suspend": True}})
    await bench.carry_out(owner, change=(change,), status=READY)
    assert bench.world.known(Key(JOB, "shop", "j")) is None
    assert bench.written()[-1] == "PATCH signatures/a/status"


@pytest.mark.parametrize(
    ("item", "patch", "same"),
    [
        ({"a": 1}, {}, True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": None}, True),
        ({"a": 1}, {"a": None}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ({"a": 1}, {"a": {"b": 1}}, False),
        ({}, {"a": {"b": None}}, False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
    ],
)
def test_a_merge_patch_is_compared_as_it_would_be_merged(item: Any, patch: Any, same: bool) -> None:
    """None removes, dicts are merged, all else is replaced."""
    assert holds(item, patch) is same


# Delete.


async def test_only_what_is_there_is_deleted(bench: Bench) -> None:
    """Not what is unknown, nor what is being deleted already."""
    owner = bench.add(signature("a"))
    bench.add(child("c"))
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    bench.add(child("going", metadata=going))
    refs = [Ref(CONFIG_MAP, "shop", name) for name in ("c", "going", "never")]
    await bench.carry_out(owner, delete=tuple(refs))
    assert bench.written() == ["DELETE configmaps/c"]
    assert bench.cluster.item(CONFIG_MAP, "shop", "c") is None
    assert bench.count("dspex_writes_total", kind="ConfigMap", verb="delete") == 1


async def test_a_namesake_made_since_is_not_deleted(bench: Bench) -> None:
    """The uid guards it, and what it owns goes in the background."""
    owner = bench.add(signature("a"))
    old = bench.add(child("c"))["metadata"]["uid"]
    bench.cluster.remove(CONFIG_MAP, "shop", "c")
    bench.cluster.add(child("c"))
    await bench.carry_out(owner, delete=(Ref(CONFIG_MAP, "shop", "c", old),))
    assert bench.cluster.item(CONFIG_MAP, "shop", "c") is not None
    [asked] = bench.cluster.writes()
    assert asked.body == {"propagationPolicy": "Background", "preconditions": {"uid": old}}


# Status.


async def test_a_status_that_is_so_is_not_written(bench: Bench) -> None:
    """Whatever the order of its conditions."""
    turned = {"conditions": READY["conditions"][::-1]}
    owner = bench.add(signature("a", status=turned))
    await bench.carry_out(owner, status=READY)
    assert bench.written() == []


async def test_what_an_object_comes_to_is_logged_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Its state and why: not each write of a status, nor its other conditions."""
    bench.add(signature("a"))
    key = Key(SIGNATURE, "shop", "a")
    waits = {"conditions": [condition("Ready", "False", "Missing") | {"message": "no Pool p"}]}
    with caplog.at_level("INFO", "dspex.controllers.execute"):
        for status in (waits, {**waits, "digest": "d"}, READY):
            await bench.carry_out(bench.world.known(key) or {}, status=status)
    first, second = (record.getMessage() for record in caplog.records)
    assert first == "Ready=False, Missing: no Pool p"
    assert second.startswith("Ready=True, ")


async def test_a_status_is_written_once(bench: Bench) -> None:
    """What it leaves out is gone afterwards, and the object is not looked at for it."""
    owner = bench.add(signature("a"))
    key = await bench.queue.get()
    assert key is not None
    await bench.carry_out(owner, status={**READY, "digest": "d"})
    owner = bench.world.known(key) or {}
    await bench.carry_out(owner, status=READY)
    for _ in range(2):
        await bench.carry_out(bench.world.known(key) or {}, status=READY)
    assert bench.written() == ["PATCH signatures/a/status"] * 2
    found = bench.cluster.item(SIGNATURE, "shop", "a")
    assert found is not None
    assert found["status"] == READY
    bench.queue.done(key)
    assert bench.queue.depth() == {}
    assert bench.count("dspex_writes_total", kind="Signature", verb="status") == 2


class Forgetful(Cluster):
    """Drops a field of every status that it does not know."""

    def handle(self, ask: Ask) -> tuple[int, Any]:
        """Leave it out before anything is done."""
        if ask.path.endswith("/status"):
            ask.body["status"].pop("unknown", None)
        return super().handle(ask)


async def test_what_the_api_server_drops_is_said_once() -> None:
    """Else a status with a field that its CRD lacks would be written for ever."""
    bench = Bench(cluster=Forgetful())
    owner = bench.add(signature("a"))
    key = Key(SIGNATURE, "shop", "a")
    await bench.carry_out(owner, status={**READY, "unknown": 1})
    for _ in range(3):
        await bench.carry_out(bench.world.known(key) or {}, status={**READY, "unknown": 1})
    assert bench.written() == ["PATCH signatures/a/status"]
    bench.cluster.edit(SIGNATURE, "shop", "a", {"status": {"conditions": []}})
    bench.see(SIGNATURE, "a")
    await bench.carry_out(bench.world.known(key) or {}, status={**READY, "unknown": 1})
    assert bench.written() == ["PATCH signatures/a/status"] * 2


async def test_only_the_operators_part_of_a_status_is_compared_and_written() -> None:
    """A runner's part is its own, whatever it writes."""
    bench = Bench()
    owned = frozenset({"conditions"})
    kind = Registration(kind=SIGNATURE, decide=Script(), owned=owned)
    owner = bench.add(signature("a", status={**READY, "steps": [1]}))
    key = Key(SIGNATURE, "shop", "a")
    await bench.executor.write_status(key, kind, owner, READY)
    assert bench.written() == []
    await bench.executor.write_status(key, kind, owner, {"conditions": []})
    found = bench.cluster.item(SIGNATURE, "shop", "a")
    assert found is not None
    assert found["status"]["steps"] == [1]
    assert own_status(found, owned) == {"conditions": READY["conditions"]}
    assert own_status({}, owned) == {}


async def test_the_status_of_an_object_that_is_gone_is_nobodys(bench: Bench) -> None:
    """It is forgotten, and no error."""
    owner = bench.add(signature("a"))
    bench.cluster.remove(SIGNATURE, "shop", "a")
    await bench.carry_out(owner, status=READY)
    assert bench.world.known(Key(SIGNATURE, "shop", "a")) is None
    assert bench.count("dspex_writes_total", kind="Signature", verb="status") == 0


async def test_a_namesake_does_not_get_the_status_of_the_one_before(bench: Bench) -> None:
    """The write names the uid: a conflict, after which the new one is looked at."""
    owner = bench.add(signature("a"))
    bench.cluster.remove(SIGNATURE, "shop", "a")
    bench.cluster.add(signature("a", uid="u-2"))
    with pytest.raises(ConflictError, match="uid"):
        await bench.carry_out(owner, status=READY)


async def test_the_end_of_a_run_is_counted_once() -> None:
    """With its state and reason; a status that is written afterwards ends nothing."""
    bench = Bench()
    kind = Registration(kind=PIPELINE_RUN, decide=Script(), run=True)
    key = Key(PIPELINE_RUN, "shop", "r")
    bench.add(run("r"))

    async def state(status: str, reason: str, **more: Any) -> None:
        wanted = {"conditions": [condition("Succeeded", status, reason)], **more}
        await bench.executor.write_status(key, kind, bench.world.known(key) or {}, wanted)

    await state("Unknown", "Running")
    await state("False", "Cancelled")
    await state("False", "Cancelled", message="that was it")
    labels = {"namespace": "shop", "state": "Cancelled", "reason": "Cancelled"}
    assert bench.count("dspex_runs_ended_total", **labels) == 1


async def test_what_a_run_comes_to_is_logged_without_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """That may quote a value of a step: logs hold no inputs and no outputs."""
    bench = Bench()
    kind = Registration(kind=PIPELINE_RUN, decide=Script(), run=True)
    key = Key(PIPELINE_RUN, "shop", "r")
    owner = bench.add(run("r"))
    ended = condition("Succeeded", "False", "StepsFailed") | {"message": "'a secret' is no int"}
    with caplog.at_level("INFO", "dspex.controllers.execute"):
        await bench.executor.write_status(key, kind, owner, {"conditions": [ended]})
    assert caplog.messages == ["Succeeded=False, StepsFailed"]


async def test_an_end_is_not_told_while_the_runners_last_word_is_on_its_way() -> None:
    """What was decided without it conflicts; a change of labels alone, by ourselves, does not."""
    bench = Bench()
    kind = Registration(kind=PIPELINE_RUN, decide=Script(), run=True)
    key = Key(PIPELINE_RUN, "shop", "r")
    looked_at = bench.add(run("r"))
    over = {"conditions": [condition("Succeeded", "False", "RunnerLost")]}
    word = {"status": {"runner": {"phase": "Finished", "state": "Succeeded"}}}
    bench.cluster.edit(PIPELINE_RUN, "shop", "r", word)
    with pytest.raises(ConflictError):
        await bench.executor.write_status(key, kind, looked_at, over)
    seen = bench.cluster.item(PIPELINE_RUN, "shop", "r") or {}
    bench.hub.put(PIPELINE_RUN, seen)
    label = {"metadata": {"labels": {"dspex.dev/finished": "true"}}}
    bench.hub.put(PIPELINE_RUN, bench.cluster.edit(PIPELINE_RUN, "shop", "r", label))
    done = {"conditions": [condition("Succeeded", "True", "Succeeded")]}
    await bench.executor.write_status(key, kind, seen, done)
    told = bench.cluster.condition(PIPELINE_RUN, "shop", "r", "Succeeded")
    assert told["status"] == "True"


# All of it.


async def test_a_decision_is_carried_out_in_order(bench: Bench) -> None:
    """Children before the status that tells of them, notes last."""
    owner = bench.add(signature("a"))
    bench.add(child("old"))
    await bench.carry_out(
        owner,
        notes=(Note("Made", "all is made"),),
        status=READY,
        delete=(Ref(CONFIG_MAP, "shop", "old"),),
        change=(Change(SIGNATURE, "shop", "a", {"metadata": {"labels": {"x": "y"}}}),),
        create=(child("j", JOB, spec={}),),
        apply=(child("c"), child("d")),
    )
    assert bench.written() == [
        "PATCH configmaps/c",
        "PATCH configmaps/d",
        "POST jobs",
        "PATCH signatures/a",
        "DELETE configmaps/old",
        "PATCH signatures/a/status",
    ]


async def test_what_stands_behind_a_refusal_is_not_done(bench: Bench) -> None:
    """No status says that a child is there which was refused."""
    owner = bench.add(signature("a"))

    def refuse(ask: Ask) -> None:
        if "configmaps" in ask.path:
            raise Refusal(422, "Invalid", "too large")

    bench.cluster.refuse = refuse
    with pytest.raises(InvalidError, match="too large"):
        await bench.carry_out(owner, apply=(child("c"),), status=READY)
    assert bench.written() == ["PATCH configmaps/c"]
    assert bench.world.known(CONFIG) is None
