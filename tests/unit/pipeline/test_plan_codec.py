"""Plans as data: canonical, versioned, and enough to run from."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.plan import PLAN_VERSION, decode, encode
from fakes.dispatcher import ScriptedDispatcher, after
from fakes.objects import pipeline, plan
from fakes.virtual_time import run_virtually, virtual_clock

RICH = """
    inputs: [{name: words, type: "list[str]", maxItems: 9}, {name: q, type: "str | None"}]
    concurrency: 4
    timeouts: {total: 5m, finally: 10s}
    steps:
    - name: ask
      forEach: {items: $(inputs.words), maxFailures: 1}
      retry: {attempts: 3, maxElapsed: 20s}
      fallback: [{poolRef: {name: other}}, {outputs: {out: none}}]
      inputs: {x: "$(index): $(item)"}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}, config: {top_p: 0.5}}
    - name: sub
      if: $(size(inputs.words) > 0)
      pipelineRef: {name: child}
      inputs: {q: "$(coalesce(inputs.q, 'nothing'))"}
    finally: [{name: tidy, template: {source: done}}]
    outputs: [{name: all, type: "list[str]", value: $(steps.ask.outputs.out)}]
    """
CHILD = """
    inputs: [{name: q, type: str}]
    steps: [{name: t, template: {source: "{{ q }}"}, inputs: {q: $(inputs.q)}}]
    outputs: [{name: a, value: $(steps.t.outputs.text)}]
    """


def rich() -> bytes:
    """Encode a plan that uses nearly everything."""
    return encode(plan(RICH, pipelines={"child": pipeline(CHILD, "child")}))


def test_a_plan_comes_back_equal_with_the_same_digest() -> None:
    """Encoding loses nothing; compiling twice gives the same bytes."""
    data = rich()
    assert encode(decode(data)) == data
    assert rich() == data
    assert decode(data).digest.startswith("sha256:")
    assert decode(data).pools == ["fast", "other"]


def test_any_change_changes_the_digest() -> None:
    """One other character anywhere is another plan."""
    one = plan("steps: [{name: a, template: {source: hello}}]")
    two = plan("steps: [{name: a, template: {source: hallo}}]")
    assert one.digest != two.digest


def test_a_decoded_plan_runs() -> None:
    """What the bytes hold is all that running needs."""

    async def whole() -> object:
        engine = Engine(
            decode(rich()),
            ScriptedDispatcher({"fast": after(1, {"out": "v"})}),
            RunIdentity("r"),
            clock=virtual_clock,
        )
        record = await engine.run({"words": ["a", "b"]})
        await asyncio.sleep(0)
        return record.outputs

    assert run_virtually(whole()) == {"all": ["v", "v"]}


def test_a_later_version_is_refused_with_the_remedy() -> None:
    """An older engine doesn't guess."""
    data = rich().replace(b'"pipeline":"main"', b'"version":%d,"pipeline":"main"' % 99)
    with pytest.raises(ValueError, match=f"version 99, this engine runs up to {PLAN_VERSION}"):
        decode(data)


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=60), st.integers(0, 400)))
def test_broken_bytes_are_refused(broken: bytes | int) -> None:
    """Garbage, or a plan cut short, is a ValueError and nothing else."""
    data = rich()[:broken] if isinstance(broken, int) else broken
    with pytest.raises(ValueError, match="not a plan"):
        decode(data)
