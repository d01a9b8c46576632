"""The World: what is known of the cluster, and whom a change of it concerns."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.api.signature import Signature
from dspex.controllers.key import Key
from dspex.controllers.world import (
    MAX_GONE,
    PIPELINE_FIELD,
    RAW,
    WORKER,
    Unread,
    World,
    fingerprint,
    generation_mark,
    trimmed,
)
from dspex.kube.kind import (
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    PIPELINE,
    PIPELINE_RUN,
    POOL,
    SECRET,
    SIGNATURE,
    Kind,
)
from fakes.items import Object, item, run, signature

READER = Key(PIPELINE, "shop", "main")
OTHER = Key(PIPELINE, "shop", "other")
JOBS = {"dspex.dev/run": "r"}


@pytest.fixture
def world() -> World:
    """Make an empty World."""
    return World()


def read(world: World, reader: Key, *asked: Any) -> None:
    """Have a reader read: each is a method and its arguments."""
    world.begin()
    for method, *arguments in asked:
        getattr(world, method)(*arguments)
    world.end(reader)


# What wakes whom.


def test_an_object_that_was_read_wakes_its_reader(world: World) -> None:
    """A change of that object, its end, and nothing about another one."""
    world.put(SIGNATURE, signature("a"))
    read(world, READER, ("get", SIGNATURE, "shop", "a"))
    assert world.put(SIGNATURE, signature("a", version=2)) == {READER}
    assert world.put(SIGNATURE, signature("b")) == set()
    assert world.put(SIGNATURE, signature("a", namespace="other")) == set()
    assert world.drop(Key(SIGNATURE, "shop", "a")) == {READER}


def test_an_object_that_was_missing_wakes_its_reader_when_it_comes(world: World) -> None:
    """That it was not there is something read as well."""
    read(world, READER, ("get", SIGNATURE, "shop", "a"))
    assert world.put(SIGNATURE, signature("a")) == {READER}


@pytest.mark.parametrize("method", ["list", "any"])
def test_whoever_read_all_is_woken_by_each(world: World, method: str) -> None:
    """New, changed and gone objects of the kind and namespace, of no other."""
    read(world, READER, (method, POOL, "shop"))
    assert world.put(POOL, item(POOL, "a")) == {READER}
    assert world.put(POOL, item(POOL, "a", version=2)) == {READER}
    assert world.drop(Key(POOL, "shop", "a")) == {READER}
    assert world.put(POOL, item(POOL, "a", "elsewhere")) == set()
    assert world.put(JOB, item(JOB, "a")) == set()


def test_objects_are_found_by_our_labels(world: World) -> None:
    """Whoever looked for a label is woken by what has it, gets it or loses it."""
    read(world, READER, ("find", JOB, "shop", "dspex.dev/run", "r"))
    made = item(JOB, "a", labels=JOBS)
    assert world.put(JOB, made) == {READER}
    assert world.find(JOB, "shop", "dspex.dev/run", "r") == (made,)
    assert world.put(JOB, item(JOB, "b", labels={"dspex.dev/run": "q"})) == set()
    assert world.put(JOB, item(JOB, "a", version=2, labels={})) == {READER}
    assert world.find(JOB, "shop", "dspex.dev/run", "r") == ()
    assert world.put(JOB, item(JOB, "a", version=3, labels=JOBS)) == {READER}
    assert world.drop(Key(JOB, "shop", "a")) == {READER}


def test_other_labels_are_no_way_to_find(world: World) -> None:
    """Only those of dspex.dev are kept."""
    world.put(JOB, item(JOB, "a", labels={"app": "x"}))
    assert world.find(JOB, "shop", "app", "x") == ()


def test_runs_are_found_by_their_pipeline(world: World) -> None:
    """They need no label for it."""
    made = run("r", "main")
    world.put(PIPELINE_RUN, made)
    world.put(PIPELINE_RUN, run("q", "other"))
    assert world.find(PIPELINE_RUN, "shop", PIPELINE_FIELD, "main") == (made,)


def test_what_is_not_read_any_more_wakes_nobody(world: World) -> None:
    """Only what the last look read counts."""
    read(world, READER, ("get", SIGNATURE, "shop", "a"))
    read(world, READER, ("get", SIGNATURE, "shop", "b"))
    assert world.put(SIGNATURE, signature("a")) == set()
    assert world.put(SIGNATURE, signature("b")) == {READER}


def test_several_read_the_same(world: World) -> None:
    """Each is woken; one that left is not."""
    for reader in (READER, OTHER):
        read(world, reader, ("get", SIGNATURE, "shop", "a"))
    assert world.put(SIGNATURE, signature("a")) == {READER, OTHER}
    world.leave(READER)
    assert world.put(SIGNATURE, signature("a", version=2)) == {OTHER}


def test_looking_without_reading_wakes_nobody(world: World) -> None:
    """`known`, `keys` and `marked` are for watch and executor."""
    made = signature("a", labels=JOBS)
    world.put(SIGNATURE, made)
    world.begin()
    assert world.marked(SIGNATURE, "shop", "dspex.dev/run", "r") == (made,)
    assert world.marked(SIGNATURE, "shop", "dspex.dev/run", "q") == ()
    assert world.known(Key(SIGNATURE, "shop", "a")) == made
    assert world.known(Key(SIGNATURE, "shop", "b")) is None
    assert world.keys(SIGNATURE) == (Key(SIGNATURE, "shop", "a"),)
    assert world.keys(POOL) == ()
    world.end(READER)
    assert world.put(SIGNATURE, signature("a", version=2)) == set()


# Versions, namesakes, ends.


def test_an_older_version_changes_nothing(world: World) -> None:
    """The watch lags behind our own writes; versions are numbers, not texts."""
    world.put(SIGNATURE, signature("a", "x -> y", version=10))
    assert world.put(SIGNATURE, signature("a", "old -> y", version=9)) is None
    assert world.put(SIGNATURE, signature("a", "x -> y", version=10)) is None
    found = world.get(SIGNATURE, "shop", "a")
    assert found is not None
    assert found["spec"] == {"signature": "x -> y"}


@pytest.mark.parametrize("created", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"])
def test_a_namesake_takes_the_place(world: World, created: str) -> None:
    """One with another uid, created later, or in the same second with a later version."""
    old = signature("a", version=7, metadata={"creationTimestamp": "2026-01-01T00:00:00Z"})
    new = signature("a", version=8, uid="u-2", metadata={"creationTimestamp": created})
    world.put(SIGNATURE, old)
    read(world, READER, ("get", SIGNATURE, "shop", "a"))
    assert world.put(SIGNATURE, new) == {READER}
    assert world.put(SIGNATURE, old) is None
    found = world.get(SIGNATURE, "shop", "a")
    assert found is not None
    assert found["metadata"]["uid"] == "u-2"


def test_the_end_of_a_namesake_is_not_ones_own(world: World) -> None:
    """A deletion that comes late, of one that has a successor, is left out."""
    world.put(SIGNATURE, signature("a", uid="u-2"))
    read(world, READER, ("get", SIGNATURE, "shop", "a"))
    assert world.drop(Key(SIGNATURE, "shop", "a"), "u-1") == set()
    assert world.known(Key(SIGNATURE, "shop", "a")) is not None
    assert world.drop(Key(SIGNATURE, "shop", "a"), "u-2") == {READER}
    assert world.drop(Key(SIGNATURE, "shop", "a"), "u-2") == set()


def test_an_answer_about_what_is_gone_does_not_bring_it_back(world: World) -> None:
    """The watch may show an object's end before the answer to our write of it is there."""
    key = Key(SIGNATURE, "shop", "a")
    world.put(SIGNATURE, signature("a", version=3))
    world.drop(key, "signatures/shop/a", version=5)
    assert world.put(SIGNATURE, signature("a", version=4)) is None
    assert world.known(key) is None
    assert world.put(SIGNATURE, signature("a", version=6)) is not None
    assert world.known(key) is not None


def test_an_object_without_uid_may_come_again(world: World) -> None:
    """Nothing tells it from one that was there before."""
    made = signature("a", version=0)
    world.put(SIGNATURE, made)
    world.drop(Key(SIGNATURE, "shop", "a"))
    assert world.put(SIGNATURE, made) == set()


def test_only_the_last_ends_are_remembered(world: World) -> None:
    """Else every run that there ever was would stay in memory."""
    for number in range(MAX_GONE + 1):
        world.put(SIGNATURE, signature(f"s{number}", version=9))
        world.drop(Key(SIGNATURE, "shop", f"s{number}"))
    assert world.put(SIGNATURE, signature("s1", version=8)) is None
    assert world.put(SIGNATURE, signature("s0", version=8)) is not None


def test_a_memo_is_forgotten_with_its_object(world: World) -> None:
    """When it is gone, and when a namesake takes its place; not when it only changes."""
    key = Key(SIGNATURE, "shop", "a")

    def note() -> None:
        world.memo[key] = "a plan"
        world.wrote(key, "apply", ("a", "b"))

    world.put(SIGNATURE, signature("a"))
    note()
    world.put(SIGNATURE, signature("a", version=2))
    assert (world.memo[key], world.written(key, "apply")) == ("a plan", ("a", "b"))
    world.put(SIGNATURE, signature("a", version=3, uid="u-2"))
    assert (world.memo, world.written(key, "apply")) == ({}, None)
    note()
    world.drop(key)
    assert (world.memo, world.written(key, "apply")) == ({}, None)


def test_nothing_is_remembered_of_what_is_not_there(world: World) -> None:
    """What was written of an object is remembered with it, or nobody would ever forget it."""
    key = Key(SIGNATURE, "shop", "a")
    world.wrote(key, "apply", ("a", "b"))
    assert world.written(key, "apply") is None


# What is not watched.


def test_what_was_not_fetched_yet_is_asked_for_at_once(world: World) -> None:
    """All that is lacking in one go; what is known is not asked for again."""
    known = item(CONFIG_MAP, "a", data={"k": "v"})
    world.put_foreign(Key(CONFIG_MAP, "shop", "a"), known)
    with pytest.raises(Unread) as lacks:
        world.read(CONFIG_MAP, "shop", "a", "b", "c")
    assert lacks.value.keys == (Key(CONFIG_MAP, "shop", "b"), Key(CONFIG_MAP, "shop", "c"))
    assert str(lacks.value) == "ConfigMap shop/b, ConfigMap shop/c"
    for name in ("b", "c"):
        world.put_foreign(Key(CONFIG_MAP, "shop", name), None)
    found = world.read(CONFIG_MAP, "shop", "a", "b", "c")
    assert found == {"a": known, "b": None, "c": None}


def test_what_is_not_watched_wakes_its_readers_when_it_changes(world: World) -> None:
    """When it comes, changes and goes; not when it is fetched again as it was."""
    key = Key(CONFIG_MAP, "shop", "a")
    world.put_foreign(key, None)
    read(world, READER, ("read", CONFIG_MAP, "shop", "a"))
    assert world.put_foreign(key, None) == set()
    assert world.put_foreign(key, item(CONFIG_MAP, "a")) == {READER}
    assert world.put_foreign(key, item(CONFIG_MAP, "a")) == set()
    assert world.put_foreign(key, item(CONFIG_MAP, "a", version=2)) == {READER}
    assert world.put_foreign(key, None) == {READER}


def test_a_reader_that_lacked_something_has_read_it(world: World) -> None:
    """So what is fetched for it is not forgotten before it is asked again."""
    key = Key(CONFIG_MAP, "shop", "a")
    world.begin()
    with pytest.raises(Unread):
        world.read(CONFIG_MAP, "shop", "a")
    world.end(READER)
    assert world.put_foreign(key, None) == {READER}
    assert world.foreign() == (key,)


def test_what_nobody_reads_is_forgotten(world: World) -> None:
    """It is not fetched again for nobody, and is unread when somebody asks."""
    key = Key(CONFIG_MAP, "shop", "a")
    world.put_foreign(key, None)
    read(world, READER, ("read", CONFIG_MAP, "shop", "a"))
    assert world.foreign() == (key,)
    read(world, READER)
    assert world.foreign() == ()
    with pytest.raises(Unread):
        world.read(CONFIG_MAP, "shop", "a")


def test_a_path_of_the_api_server_is_read_like_an_object(world: World) -> None:
    """Unread at first, then what it answered; None where there is nothing."""
    key = Key(RAW, "", "/openid/v1/jwks")
    with pytest.raises(Unread) as lacks:
        world.path("/openid/v1/jwks")
    assert lacks.value.keys == (key,)
    world.put_foreign(key, {"metadata": {}, "answer": {"keys": []}})
    assert world.path("/openid/v1/jwks") == {"keys": []}
    world.put_foreign(key, None)
    assert world.path("/openid/v1/jwks") is None


@pytest.mark.parametrize(
    ("host", "address"), [("10.0.0.1", "10.0.0.1:8080"), ("fd00::1", "[fd00::1]:8080")]
)
def test_a_worker_is_asked_at_its_address(world: World, host: str, address: str) -> None:
    """What it says of itself; None where it does not answer."""
    key = Key(WORKER, "", address)
    with pytest.raises(Unread) as lacks:
        world.worker(host, 8080)
    assert lacks.value.keys == (key,)
    world.put_foreign(key, {"metadata": {}, "answer": {"ready": True}})
    assert world.worker(host, 8080) == {"ready": True}
    world.put_foreign(key, None)
    assert world.worker(host, 8080) is None


# What is kept of an object.


def test_the_values_of_secrets_are_not_kept(world: World) -> None:
    """Which keys there are is all that a controller may know."""
    given = item(SECRET, "llm", data={"key": "c2VjcmV0"}, stringData={"other": "hunter2"})
    world.put_foreign(Key(SECRET, "shop", "llm"), given)
    found = world.read(SECRET, "shop", "llm")["llm"]
    assert found is not None
    assert found["data"] == {"key": ""}
    assert "c2VjcmV0" not in repr(vars(world))
    assert "hunter2" not in repr(vars(world))
    assert trimmed(SECRET, item(SECRET, "empty"))["data"] == {}


def test_the_data_of_plans_is_not_kept() -> None:
    """It is large, and its runner alone reads it; other ConfigMaps are kept whole."""
    plan = item(CONFIG_MAP, "p", labels={"dspex.dev/run": "r"}, binaryData={"plan": "x"}, data={})
    assert set(trimmed(CONFIG_MAP, plan)) == {"apiVersion", "kind", "metadata"}
    texts = item(CONFIG_MAP, "t", data={"k": "v"})
    assert trimmed(CONFIG_MAP, texts) == texts


def test_the_results_of_runs_are_not_kept() -> None:
    """Thousands of runs that are over would fill the operator's memory with what it never reads."""
    ended = item(PIPELINE_RUN, "r", status={"runner": {"epoch": 1}, "steps": [], "outputs": {}})
    assert trimmed(PIPELINE_RUN, ended)["status"] == {"runner": {"epoch": 1}}


def test_who_manages_which_field_is_not_kept(world: World) -> None:
    """It is the largest part of most objects; what was given is left as it is."""
    given = signature("a", metadata={"managedFields": [{"manager": "kubectl"}]})
    world.put(SIGNATURE, given)
    found = world.get(SIGNATURE, "shop", "a")
    assert found is not None
    assert "managedFields" not in found["metadata"]
    assert given["metadata"]["managedFields"] == [{"manager": "kubectl"}]


# Models.


def test_a_model_is_read_and_kept_for_a_generation(world: World) -> None:
    """It is made anew for another spec, and for a namesake, not for another status."""
    assert world.model(SIGNATURE, "shop", "a") is None
    world.put(SIGNATURE, signature("a", "x -> y"))
    first = world.model(SIGNATURE, "shop", "a")
    assert isinstance(first, Signature)
    assert first.spec.signature == "x -> y"
    world.put(SIGNATURE, signature("a", "x -> y", version=2, status={"digest": "d"}))
    assert world.model(SIGNATURE, "shop", "a") is first
    changed = signature("a", "x -> z", version=3, metadata={"generation": 2})
    world.put(SIGNATURE, changed)
    second = world.model(SIGNATURE, "shop", "a")
    assert isinstance(second, Signature)
    assert second.spec.signature == "x -> z"
    world.put(SIGNATURE, signature("a", "p -> q", version=4, uid="u-2"))
    third = world.model(SIGNATURE, "shop", "a")
    assert isinstance(third, Signature)
    assert third.spec.signature == "p -> q"


def test_an_object_that_does_not_fit_its_model_has_none(world: World) -> None:
    """A status that does not fit is no hindrance: it is ours."""
    world.put(SIGNATURE, item(SIGNATURE, "a", spec={"signature": 3}))
    world.put(SIGNATURE, signature("b", status={"conditions": "none"}))
    assert world.model(SIGNATURE, "shop", "a") is None
    assert world.model(SIGNATURE, "shop", "b") is not None


def test_models_count_as_read_one_by_one(world: World) -> None:
    """Looking one up reads that one, there or not; going through them reads all."""
    world.put(SIGNATURE, signature("a"))
    world.put(SIGNATURE, item(SIGNATURE, "wrong", spec={"signature": 3}))
    models = world.models(SIGNATURE, "shop")
    world.begin()
    assert models["a"].metadata.name == "a"
    assert "b" not in models
    with pytest.raises(KeyError, match="wrong"):
        models["wrong"]
    world.end(READER)
    assert world.put(SIGNATURE, signature("b")) == {READER}
    assert world.put(SIGNATURE, signature("c")) == set()
    world.begin()
    assert (sorted(models), len(models)) == (["a", "b", "c"], 3)
    world.end(OTHER)
    assert world.put(SIGNATURE, signature("d")) == {OTHER}


# Marks.


def test_the_mark_of_a_generation_changes_with_spec_and_object() -> None:
    """Not with status or labels."""
    mark = generation_mark(signature("a"))
    assert mark == generation_mark(signature("a", version=2, labels={"x": "y"}, status={"a": 1}))
    assert mark != generation_mark(signature("a", metadata={"generation": 2}))
    assert mark != generation_mark(signature("a", uid="u-2"))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"status": {"readyReplicas": 1}}, True),
        ({"version": 2}, True),
        ({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "2"}}}, True),
        ({"metadata": {"annotations": {"a": "b"}}}, False),
        ({"metadata": {"ownerReferences": [{"uid": "u"}]}}, False),
        ({"labels": {"a": "b"}}, False),
        ({"uid": "u-2"}, False),
        ({"spec": {"replicas": 3}}, False),
    ],
)
def test_a_fingerprint_shows_what_anybody_changes(change: dict[str, Any], same: bool) -> None:
    """Status, versions and what a Deployment's own controller notes are left out."""
    before: dict[str, Any] = {"spec": {"replicas": 2}}
    unchanged = fingerprint(item(DEPLOYMENT, "a", **before))
    assert (fingerprint(item(DEPLOYMENT, "a", **(before | change))) == unchanged) is same


# All of it together.


class Put(NamedTuple):
    """A version of an object that is seen; `stale` repeats an older one."""

    kind: Kind
    name: str
    label: str
    renew: bool
    stale: bool


class Drop(NamedTuple):
    """An object's end; `wrong` is that of another uid."""

    kind: Kind
    name: str
    wrong: bool


KINDS = st.sampled_from([JOB, PIPELINE_RUN])
NAMES = st.sampled_from(["a", "b", "c"])
LABELS = st.sampled_from(["x", "y", ""])
STEPS = st.one_of(
    st.builds(Put, KINDS, NAMES, LABELS, st.booleans(), st.booleans()),
    st.builds(Drop, KINDS, NAMES, st.booleans()),
)
READS = st.one_of(
    st.tuples(st.just("get"), KINDS, NAMES),
    st.tuples(st.sampled_from(["list", "any"]), KINDS),
    st.tuples(st.just("find"), KINDS, st.sampled_from(["x", "y"])),
)


class Naive:
    """The same by a plain dict, looked through from end to end."""

    def __init__(self) -> None:
        self.items: dict[tuple[Kind, str], Object] = {}
        self.version = 10
        self.uids = 0

    def put(self, step: Put) -> Object:
        """Return the object that is seen, and keep it unless it is old."""
        known = self.items.get((step.kind, step.name))
        stale = step.stale and known is not None
        self.version += 1
        if known is None or (step.renew and not stale):
            self.uids += 1
            uid = f"u-{self.uids}"
        else:
            uid = known["metadata"]["uid"]
        made = item(
            step.kind,
            step.name,
            version=self.version - 5 if stale else self.version,
            uid=uid,
            labels={"dspex.dev/run": step.label} if step.label else None,
            spec={"number": self.version, "pipelineRef": {"name": step.label}},
        )
        if known is not None and stale:
            made["metadata"]["resourceVersion"] = known["metadata"]["resourceVersion"]
            return made
        self.items[step.kind, step.name] = made
        return made

    def drop(self, step: Drop) -> str:
        """Return the uid that ended, and forget its object."""
        known = self.items.get((step.kind, step.name))
        if known is None or step.wrong:
            return "u-none"
        del self.items[step.kind, step.name]
        return str(known["metadata"]["uid"])

    def answer(self, read: tuple[Any, ...]) -> Any:
        """Return what a read finds, as one that stands for every change of it."""
        method, kind, *rest = read
        mine = {name: each for (of, name), each in self.items.items() if of is kind}
        if method == "get":
            return mine.get(rest[0])
        if method == "find":
            return {name: each for name, each in mine.items() if _label(each) == rest[0]}
        return mine


def _label(made: Object) -> str:
    return str((made["metadata"].get("labels") or {}).get("dspex.dev/run", ""))


def _asked(world: World, read: tuple[Any, ...]) -> Any:
    """Return what the World says, in the form of the naive one."""
    method, kind, *rest = read
    if method == "get":
        return world.get(kind, "shop", rest[0])
    if method == "any":
        found = world.list(kind, "shop")
        assert world.any(kind, "shop") == bool(found)
    elif method == "find":
        found = world.find(kind, "shop", "dspex.dev/run", rest[0])
    else:
        found = world.list(kind, "shop")
    return {each["metadata"]["name"]: each for each in found}


@given(st.lists(st.lists(READS, max_size=3), min_size=1, max_size=4), st.lists(STEPS, max_size=25))
def test_the_world_agrees_with_a_naive_one(
    reads: list[list[tuple[Any, ...]]], steps: list[Put | Drop]
) -> None:
    """After any steps all reads find the same; a reader is woken iff something it read changed."""
    world, naive = World(), Naive()
    readers = {Key(POOL, "shop", str(number)): asked for number, asked in enumerate(reads)}
    for reader, asked in readers.items():
        world.begin()
        for each in asked:
            _asked(world, each)
        world.end(reader)
    for step in steps:
        before = {reader: [naive.answer(each) for each in readers[reader]] for reader in readers}
        if isinstance(step, Put):
            woken = world.put(step.kind, naive.put(step)) or set()
        else:
            woken = world.drop(Key(step.kind, "shop", step.name), naive.drop(step))
        after = {reader: [naive.answer(each) for each in readers[reader]] for reader in readers}
        assert woken == {reader for reader in readers if before[reader] != after[reader]}
        for asked in readers.values():
            for each in asked:
                assert _asked(world, each) == naive.answer(each)
