"""maxActiveRuns: the oldest run first, and never more than are allowed, whatever comes between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from dspex.controllers.decision import Decision, Object
from dspex.controllers.run_view import OWNED, RunView
from dspex.kube.kind import CONFIG_MAP, JOB, PIPELINE, PIPELINE_RUN, SECRET, Kind
from fakes.items import run
from fakes.kstatus import IN_PROGRESS
from fakes.runs import Runs, job_of, plan_of

MOST = 2


@pytest.fixture
def runs() -> Runs:
    """Give a namespace whose Pipeline lets two runs go on at a time."""
    made = Runs()
    made.pipeline(maxActiveRuns=MOST)
    return made


def begin(runs: Runs, *found: str) -> list[str]:
    """Create runs, each a second after the one before, look at each; return those that started."""
    for name in found:
        runs.start(name)
        runs.wait(1)
    for name in found:
        runs.look(name)
    return [name for name in found if runs.has(JOB, job_of(name))]


def end(runs: Runs, name: str) -> None:
    """Have a run end well."""
    runs.claim(name)
    runs.last_word(name)
    runs.look(name)


def test_further_runs_are_queued(runs: Runs) -> None:
    """They say why; the message stays while the queue moves, so nothing is written for it."""
    assert begin(runs, "a", "b", "c", "d") == ["a", "b"]
    words = "Pipeline main lets 2 runs go on at the same time; the oldest starts first"
    assert runs.standing("c") == runs.standing("d") == (IN_PROGRESS, "Queued", words)
    before = runs.status("d")
    end(runs, "a")
    assert runs.look("d").status == before


def test_one_place_is_not_spoken_of_as_several(runs: Runs) -> None:
    """The message is for people."""
    runs.pipeline(maxActiveRuns=1)
    begin(runs, "a", "b")
    assert "lets 1 run go on" in runs.standing("b")[2]


def test_the_oldest_starts_first(runs: Runs) -> None:
    """Whichever is looked at first; of those made in the same second the first by name."""
    for name in ("c", "b"):
        runs.start(name)
    runs.wait(1)
    runs.start("a")
    for name in ("a", "c", "b"):
        runs.look(name)
    assert [runs.has(JOB, job_of(each)) for each in "abc"] == [False, True, True]
    runs.pipeline(maxActiveRuns=1)
    end(runs, "b")
    end(runs, "c")
    runs.look("a")
    assert runs.has(JOB, job_of("a"))


def behind(runs: Runs) -> None:
    """Have an older run `a` that waits for a Secret, and lets the younger `b` pass."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a", inputsFrom=[{"secretRef": {"name": "llm"}}])
    runs.look("a")
    runs.wait(1)
    runs.start("b")


def test_a_place_is_taken_before_anything_is_written(runs: Runs) -> None:
    """An older run that could start from then on sees it; the one that has it keeps it."""
    behind(runs)
    assert runs.decide("b").create
    runs.source(SECRET, "llm", {})
    runs.look("a")
    assert runs.standing("a")[1] == "Queued"
    assert runs.decide("b").create


def test_without_a_limit_all_start(runs: Runs) -> None:
    """And they count once there is one."""
    runs.pipeline()
    for name in ("a", "b", "c"):
        runs.start(name)
    assert runs.decide("a").create
    assert runs.decide("b").create
    runs.pipeline(maxActiveRuns=2)
    assert not runs.decide("c").create


def test_runs_of_other_pipelines_do_not_count(runs: Runs) -> None:
    """Each Pipeline has its own places."""
    begin(runs, "a", "b")
    spec = runs.get(PIPELINE, "main")["spec"]
    runs.put({**run("x"), "kind": "Pipeline", "metadata": {"name": "other"}, "spec": spec})
    runs.start("c", pipelineRef={"name": "other"})
    assert runs.look("c").create


@pytest.mark.parametrize(
    "hold",
    [
        pytest.param(lambda runs: runs.edit("a", suspend=True), id="suspended"),
        pytest.param(lambda runs: runs.edit("a", shutdown="Cancel"), id="cancelled"),
        pytest.param(lambda runs: runs.edit("a", shutdown="Stop"), id="stopped"),
        pytest.param(
            lambda runs: runs.change(PIPELINE_RUN, "a", metadata={"deletionTimestamp": runs.time}),
            id="deleted",
        ),
    ],
)
def test_a_waiting_run_that_could_not_start_lets_others_pass(
    runs: Runs, hold: Callable[[Runs], Any]
) -> None:
    """Before it was looked at again; nobody waits for what does not come."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a")
    hold(runs)
    runs.wait(1)
    assert begin(runs, "b") == ["b"]


def test_a_run_that_waits_for_a_source_lets_others_pass(runs: Runs) -> None:
    """It takes its turn once it can start: first of those that wait then."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a", inputsFrom=[{"secretRef": {"name": "llm"}}])
    runs.look("a")
    runs.wait(1)
    assert begin(runs, "b", "c") == ["b"]
    runs.source(SECRET, "llm", {})
    runs.look("a")
    assert runs.standing("a")[1] == "Queued"
    end(runs, "b")
    runs.look("c")
    assert runs.standing("c")[1] == "Queued"
    runs.look("a")
    assert runs.has(JOB, job_of("a"))


def test_a_suspended_run_keeps_the_place_that_it_has(runs: Runs) -> None:
    """It may go on at any time."""
    runs.pipeline(maxActiveRuns=1)
    begin(runs, "a")
    runs.edit("a", suspend=True)
    runs.look("a")
    assert begin(runs, "b") == []


def test_a_run_whose_job_was_deleted_keeps_its_place(runs: Runs) -> None:
    """It is to have another one; also where its plan went with it, and after a restart."""
    behind(runs)
    runs.look("b")
    runs.drop(JOB, job_of("b"))
    runs.drop(CONFIG_MAP, plan_of("b"))
    runs.world.memo.clear()
    runs.source(SECRET, "llm", {})
    runs.look("a")
    assert runs.standing("a")[1] == "Queued"
    runs.look("b")
    assert runs.has(JOB, job_of("b"))


def test_after_a_restart_a_run_between_plan_and_job_takes_its_place_again(runs: Runs) -> None:
    """Nobody knows any more that it had one; another may have it by now."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a")
    config_map, _ = runs.decide("a").create
    runs.put(config_map)
    runs.edit("a", suspend=True)
    runs.look("a")
    runs.world.memo.clear()
    runs.wait(1)
    assert begin(runs, "b") == ["b"]
    runs.edit("a", suspend=False)
    runs.look("a")
    assert runs.standing("a")[1] == "Queued"
    end(runs, "b")
    runs.look("a")
    assert runs.has(JOB, job_of("a"))


def test_after_a_restart_a_run_with_a_job_has_its_place_before_its_status_says_so(
    runs: Runs,
) -> None:
    """The operator ended between the Job and the status."""
    behind(runs)
    for each in runs.decide("b").create:
        runs.put(each)
    runs.world.memo.clear()
    runs.source(SECRET, "llm", {})
    runs.look("a")
    assert runs.standing("a")[1] == "Queued"


def test_a_run_that_is_held_before_anything_was_made_gives_its_place_back(runs: Runs) -> None:
    """Its decision could not be carried out, and now it is to wait."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a")
    assert runs.decide("a").create
    runs.edit("a", suspend=True)
    runs.look("a")
    runs.wait(1)
    assert begin(runs, "b") == ["b"]


def test_a_run_that_lost_what_it_names_before_anything_was_made_gives_its_place_back(
    runs: Runs,
) -> None:
    """Its decision could not be carried out, and now it waits like any other."""
    runs.pipeline(maxActiveRuns=1)
    runs.start("a", inputsFrom=[{"secretRef": {"name": "llm"}}])
    runs.source(SECRET, "llm", {})
    assert runs.decide("a").create
    runs.source(SECRET, "llm", None)
    runs.look("a")
    runs.wait(1)
    assert begin(runs, "b") == ["b"]


def test_a_write_of_one_run_does_not_wake_all_that_wait(runs: Runs) -> None:
    """The first in the queue hears of those under way, the others of the one before them."""
    assert begin(runs, *"abcde") == ["a", "b"]
    assert runs.awake(PIPELINE_RUN, "a") - {"a"} == {"c"}
    assert runs.awake(PIPELINE_RUN, "b") - {"b"} == {"c"}
    assert runs.awake(PIPELINE_RUN, "c") - {"c"} == {"d"}
    assert runs.awake(PIPELINE_RUN, "d") - {"d"} == {"e"}
    assert runs.awake(PIPELINE_RUN, "e") - {"e"} == set()
    assert runs.awake(PIPELINE, "main") >= {"c", "d", "e"}


@dataclass
class Late:
    """A decision that is carried out one part after the other, others in between."""

    item: Object
    decision: Decision
    parts: list[Decision] = field(init=False)

    def __post_init__(self) -> None:
        made = self.decision
        self.parts = [
            *(Decision(create=(each,)) for each in made.create),
            *(Decision(change=(each,)) for each in made.change),
            *(Decision(delete=(each,)) for each in made.delete),
            Decision(status=made.status),
        ]


class Places(RuleBasedStateMachine):
    """Runs come, are looked at, wait and end, in any order; one may go on at a time.

    An object is worked on by one worker at a time, as the queue has it; all else is as it comes.
    What a decision does is done late, part by part, or never: then the object is looked at again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runs = Runs()
        self.runs.pipeline(maxActiveRuns=1)
        self.late: dict[str, Late] = {}
        self.woken: set[str] = set()
        self.count = 0
        self.last = ""
        self._listen()

    def _listen(self) -> None:
        """Take down who is woken by what is put or dropped, as the hub does."""
        world = self.runs.world
        put, drop = world.put, world.drop

        def heard(kind: Kind, item: Object) -> Any:
            readers = put(kind, item)
            self.woken |= {each.name for each in readers or ()}
            if kind is PIPELINE_RUN:
                self.woken.add(item["metadata"]["name"])
            return readers

        def gone(*given: Any) -> Any:
            readers = drop(*given)
            self.woken |= {each.name for each in readers}
            return readers

        vars(world).update(put=heard, drop=gone)

    @initialize(held=st.lists(st.sampled_from(["source", "suspend", ""]), min_size=2, max_size=4))
    def begin(self, held: list[str]) -> None:
        """Begin with runs that wait for something, and with new ones."""
        for each in held:
            self.create(1, each == "source")
            name = self.last
            if each == "suspend":
                self.runs.edit(name, suspend=True)
            if each:
                self.runs.look(name)

    @rule(wait=st.sampled_from([0, 1]), source=st.booleans())
    def create(self, wait: int, source: bool) -> None:
        """Create a run; its name says nothing of its age."""
        self.runs.wait(wait)
        self.count += 1
        spec: Object = {"inputsFrom": [{"secretRef": {"name": "llm"}}]} if source else {}
        self.last = f"r-{self.count * 5 % 7}-{self.count}"
        self.runs.start(self.last, **spec)

    @precondition(lambda self: self._free())
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """Decide about a run that nobody works on; nothing of it is done yet."""
        name = data.draw(st.sampled_from(self._free()))
        self.woken.discard(name)
        item = self.runs.get(PIPELINE_RUN, name)
        self.late[name] = Late(item, self.runs.decide(name))

    @precondition(lambda self: self.late)
    @rule(data=st.data(), parts=st.integers(1, 3))
    def carry_on(self, data: st.DataObject, parts: int) -> None:
        """Do the next parts of a decision."""
        name = data.draw(st.sampled_from(sorted(self.late)))
        late = self.late[name]
        for _ in late.parts[:parts]:
            self.runs.do(late.item, late.parts.pop(0), OWNED)
        if not late.parts:
            del self.late[name]

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """Have the API server refuse the rest of a decision: the run is looked at again."""
        name = data.draw(st.sampled_from(sorted(self.late)))
        del self.late[name]
        self.woken.add(name)

    @rule(present=st.booleans())
    def source(self, present: bool) -> None:
        """Have the Secret that some runs name there, or not."""
        self.runs.source(SECRET, "llm", {} if present else None)
        self._wake_all()

    @rule(data=st.data(), held=st.booleans())
    def suspend(self, data: st.DataObject, held: bool) -> None:
        """Suspend a run, or have it go on."""
        names = [view.name for view in self._views() if view.suspended is not held]
        if names:
            self.runs.edit(data.draw(st.sampled_from(names)), suspend=held)

    @precondition(lambda self: self._free())
    @rule(data=st.data(), what=st.sampled_from(["Cancel", "finish", "lose", "delete"]))
    def end(self, data: st.DataObject, what: str) -> None:
        """Have a run end, by somebody's word, its runner's or altogether; or take its Job away."""
        name = data.draw(st.sampled_from(self._free()))
        has_job = self.runs.has(JOB, job_of(name))
        if what == "Cancel":
            self.runs.edit(name, shutdown="Cancel")
        elif what == "delete":
            self.runs.drop(PIPELINE_RUN, name)
            for kind, child in ((JOB, job_of(name)), (CONFIG_MAP, plan_of(name))):
                if self.runs.has(kind, child):
                    self.runs.drop(kind, child)
        elif has_job and what == "finish":
            self.runs.claim(name)
            self.runs.last_word(name)
        elif has_job:
            self.runs.drop(JOB, job_of(name))

    @precondition(lambda self: not self.late)
    @rule()
    def restart(self) -> None:
        """Start the operator anew: it knows what the API server knows, and looks at everything."""
        self.runs.world.memo.clear()
        self._wake_all()

    @invariant()
    def no_more_than_allowed(self) -> None:
        """Count the runs that have a Job and have not ended."""
        active = [
            view.name
            for view in self._views()
            if not view.ended and self.runs.has(JOB, job_of(view.name))
        ]
        assert len(active) <= 1, active

    def teardown(self) -> None:
        """Work all off, and see that nothing waits that could go on."""
        for name in list(self.late):
            late = self.late.pop(name)
            for part in late.parts:
                self.runs.do(late.item, part, OWNED)
        self.source(present=True)
        self._work_off()
        self.no_more_than_allowed()
        views = self._views()
        reasons = [view.reason for view in views]
        assert not {"Pending", "MissingReference"} & set(reasons), reasons
        if "Queued" in reasons:
            assert [view.name for view in views if not view.ended and view.frozen], reasons

    def _work_off(self) -> None:
        for _ in range(1000):
            if not self.woken:
                return
            name = min(self.woken)
            self.woken.discard(name)
            if self.runs.has(PIPELINE_RUN, name):
                self.runs.look(name)
        raise AssertionError("they wake each other for ever")

    def _wake_all(self) -> None:
        self.woken |= set(self._names())

    def _names(self) -> list[str]:
        return sorted(key.name for key in self.runs.world.keys(PIPELINE_RUN))

    def _free(self) -> list[str]:
        return [name for name in self._names() if name not in self.late]

    def _views(self) -> list[RunView]:
        return [RunView(self.runs.get(PIPELINE_RUN, name)) for name in self._names()]


Places.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPlaces = Places.TestCase
