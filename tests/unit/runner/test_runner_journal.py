"""Checkpoints: what is worth one, how they are cut, and what is read back."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.pipeline.events import Event, ItemFinished, RunStarted, StepFinished
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import Fault, ItemRecord, State, StepRecord
from dspex.runner.journal import CHUNK, Journal, read_journal
from dspex.runner.kept import Kept, costly_steps
from dspex.runner.own_run import OwnRun
from dspex.runner.redactor import Redactor
from dspex.runner.settings import Settings
from fakes.api_server import ApiServer, Pod, refusal
from fakes.objects import pipeline, plan

UID = "0f6c1d1e-1111-4222-8333-0123456789ab"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

INNER = """
    inputs: [{name: q, type: str}]
    steps:
    - {name: say, template: {source: "{{ v }}"}, inputs: {v: $(inputs.q)}}
    - name: ask
      inputs: {x: $(steps.say.outputs.text)}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    outputs: [{name: out, type: str, value: $(steps.ask.outputs.out)}]
    """
OUTER = """
    inputs: [{name: words, type: "list[str]"}]
    steps:
    - {name: sub, pipelineRef: {name: inner}, inputs: {q: hello}}
    - {name: text, template: {source: "x"}}
    - name: each
      forEach: {items: $(inputs.words)}
      inputs: {x: $(item)}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    """


@pytest.fixture
def whole() -> Plan:
    """Return a plan with a sub-pipeline."""
    return plan(OUTER, pipelines={"inner": pipeline(INNER, "inner")})


class Bench:
    """A journal and its API server."""

    def __init__(self, api: ApiServer, client: KubeClient, plan: Plan) -> None:
        pod = Pod("r", UID, 1)
        self.api = api
        self.plan = plan
        self.client = client
        self.settings = Settings.of(pod.environment)
        self.own_run = OwnRun(client, self.settings)
        self.redactor = Redactor({}, salt=UID)

    def journal(self, first: int = 0) -> Journal:
        """Make one that begins with a chunk of some number."""
        return Journal(
            self.client, self.own_run, self.settings, self.plan, self.redactor, first=first
        )

    async def read(self) -> tuple[Kept, int]:
        """Read all."""
        return await read_journal(self.client, self.own_run, self.settings, self.redactor)


@pytest.fixture
async def bench(whole: Plan) -> AsyncIterator[Bench]:
    """Open all of it."""
    async with ApiServer() as api:
        api.add_run("r", UID)
        config = ClusterConfig(api.address, token=Pod("r", UID, 1).token)
        async with KubeClient(config, manager="dspex-runner") as client:
            yield Bench(api, client, whole)


def ended(name: str, state: State = State.SUCCEEDED, **more: Any) -> StepFinished:
    """Make the end of a step."""
    outputs = {"out": 1.0, "none": None, "deep": {"a": [1, 2.5, "é"]}}
    given = {"outputs": outputs if state is State.SUCCEEDED else None, **more}
    record = StepRecord(name=name, kind="dspy", state=state, attempts=2, start_time=NOW, **given)
    return StepFinished(time=NOW, record=record)


def item(index: int, text: str = "a") -> ItemFinished:
    """Make the end of an item."""
    kept = ItemRecord(outputs={"out": text}, attempts=1)
    return ItemFinished(time=NOW, step="each", item=index, state=State.SUCCEEDED, kept=kept)


async def kept_of(bench: Bench, *events: Event) -> Kept:
    """Write some events and read them back."""
    journal = bench.journal()
    for event in events:
        journal(event)
    await journal.write()
    assert not journal.pending
    return (await bench.read())[0]


def test_only_what_costs_is_worth_a_checkpoint(whole: Plan) -> None:
    """Calls of workers, and what holds some."""
    assert costly_steps(whole) == {"sub", "sub/ask", "each"}


async def test_a_record_comes_back_as_it_was(bench: Bench) -> None:
    """Floats stay floats, None stays None, times stay times."""
    event = ended("sub/ask", error=Fault(reason="Timeout", message="m", details={"a": 1}))
    kept = await kept_of(bench, event)
    record = kept.step("sub/ask")
    assert record == event.record
    assert record is not None
    assert record.outputs is not None
    assert type(record.outputs["out"]) is float


async def test_what_is_cheap_to_make_again_is_not_kept(bench: Bench) -> None:
    """Native steps of the run, steps that were skipped, inner steps that failed."""
    kept = await kept_of(
        bench,
        ended("text"),
        ended("each", State.SKIPPED),
        ended("sub/ask", State.FAILED),
        RunStarted(time=NOW, run="r", pipeline="main", digest="", steps=()),
        dataclasses.replace(item(0), kept=None),
    )
    assert len(kept) == 0
    assert bench.api.named("pipelinerundata") == {}


async def test_a_failed_step_of_the_run_stays_failed(bench: Bench) -> None:
    """Its attempts were paid for, and its error decided what came after it."""
    record = (await kept_of(bench, ended("each", State.FAILED))).step("each")
    assert record is not None
    assert record.state is State.FAILED


async def test_inner_native_steps_are_shown_once_the_outer_step_is_done(bench: Bench) -> None:
    """Before that they must give their outputs anew."""
    assert (await kept_of(bench, ended("sub/say"))).step("sub/say") is None
    record = (await kept_of(bench, ended("sub/say"), ended("sub"))).step("sub/say")
    assert record is not None
    assert (record.state, record.outputs) == (State.SUCCEEDED, None)


async def test_the_lists_of_a_for_each_are_made_of_its_items(bench: Bench) -> None:
    """They are not written twice; where an item is missing the step runs once more."""
    step = ended("each", outputs={"out": ["a", "c"]}, indices=(0, 2))
    kept = await kept_of(bench, item(0, "a"), item(2, "c"), step)
    assert kept.step("each") == step.record
    found = kept.item("each", 2)
    assert found is not None
    assert (found.outputs, found.attempts) == ({"out": "c"}, 1)
    assert kept.item("each", 1) is None
    [chunk] = bench.api.named("pipelinerundata").values()
    assert '["a","c"]' not in chunk["spec"]["checkpoint"]["log"]


async def test_items_that_are_missing_make_the_step_run_again(bench: Bench) -> None:
    """Nothing is made up."""
    step = ended("each", outputs={"out": ["a", "c"]}, indices=(0, 2))
    assert (await kept_of(bench, item(0), step)).step("each") is None


async def test_chunks_are_bounded_and_hold_any_size_together(bench: Bench) -> None:
    """A value longer than a chunk goes on in the next; every chunk belongs to the run."""
    texts = ["x" * (3 * CHUNK), "y", "z" * CHUNK]
    kept = await kept_of(bench, *(item(index, text) for index, text in enumerate(texts)))
    for index, text in enumerate(texts):
        found = kept.item("each", index)
        assert found is not None
        assert found.outputs == {"out": text}
    chunks = bench.api.named("pipelinerundata")
    assert list(chunks) == [f"r-{UID[-12:]}-{number}" for number in range(len(chunks))]
    for chunk in chunks.values():
        assert len(chunk["spec"]["checkpoint"]["log"]) <= CHUNK
        assert chunk["spec"]["runRef"] == {"name": "r"}
        assert chunk["metadata"]["ownerReferences"] == [bench.own_run.owner]


async def test_a_chunk_grows_until_it_is_full(bench: Bench) -> None:
    """Each write costs one request."""
    journal = bench.journal()
    for index in range(5):
        journal(item(index))
        await journal.write()
    assert len(bench.api.named("pipelinerundata")) == 1
    assert len(bench.api.requests) == 5
    assert len((await bench.read())[0]) == 5


async def test_a_chunk_of_somebody_else_is_left_alone(bench: Bench) -> None:
    """What was to be written stands in the next one; a line that was cut short is left out."""
    former = bench.journal()
    former(item(0))
    await former.write()
    chunk = bench.api.objects["pipelinerundata", f"r-{UID[-12:]}-0"]["spec"]["checkpoint"]
    chunk["log"] = chunk["log"][:-20]
    latter = bench.journal()
    latter(item(1))
    latter(item(2))
    await latter.write()
    kept, chunks = await bench.read()
    assert chunks == 2
    assert [kept.item("each", index) is not None for index in range(3)] == [False, True, True]


async def test_a_version_that_moved_is_a_chunk_of_somebody_else(bench: Bench) -> None:
    """A write that was given up for lost and came through after all does no harm."""
    journal = bench.journal()
    journal(item(0))
    await journal.write()
    bench.api.objects["pipelinerundata", f"r-{UID[-12:]}-0"]["metadata"]["resourceVersion"] = "x"
    journal(item(1))
    await journal.write()
    kept, chunks = await bench.read()
    assert (len(kept), chunks) == (2, 2)


async def test_a_refusal_ends_the_checkpoints_and_not_the_run(bench: Bench) -> None:
    """A new pod would begin anew, which is better than none at all."""
    bench.api.before = lambda request, body: refusal(422, "Invalid", "too much")
    journal = bench.journal()
    journal(item(0))
    await journal.write()
    journal(item(1))
    assert not journal.pending


async def test_a_chunk_that_may_not_be_read_ends_the_reading(bench: Bench) -> None:
    """It is not this run's."""

    def forbid(request: web.Request, body: Any) -> web.Response:
        return refusal(403, "Forbidden", "no")

    bench.api.before = forbid
    kept, chunks = await bench.read()
    assert (len(kept), chunks) == (0, 0)
