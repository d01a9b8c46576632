"""Sensitive inputs stand in nothing that the operator writes or says of a run."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dspex.controllers.decision import Decision
from dspex.kube.kind import JOB
from fakes.items import Object
from fakes.pods import container, terminated
from fakes.runs import MESSAGE, Runs, job_of
from fakes.worlds import text_of

_TEXTS = (
    st.text(min_size=12, max_size=30)
    .filter(lambda text: len(set(text)) > 5)
    .map(lambda text: f"ß{text}")
)
"""Long enough, and unlike enough, not to stand somewhere by chance.

hypothesis also tries the words of our own source, such as the names of fields: none begins so.
"""

_VALUES = st.one_of(
    _TEXTS.map(lambda text: ("str", text)),
    _TEXTS.map(lambda text: ("dict[str, str]", {"key": text})),
    _TEXTS.map(lambda text: ("list[str]", [text, text])),
    st.integers(10**12, 10**15).map(lambda number: ("int", number)),
    _TEXTS.map(lambda text: ("int", text)),
)
"""Types of an input, with values that fit, and one that does not."""

_PLACES = st.sampled_from(["secret", "spec", "config map", "both"])


def needles(value: Any) -> list[str]:
    """Return what may stand nowhere, plain and as JSON."""
    if isinstance(value, dict):
        return needles(next(iter(value.values())))
    if isinstance(value, list):
        return needles(value[0])
    return [str(value), json.dumps(value).strip('"')]


def begun(type_: str, value: Any, place: str, wrong: bool) -> tuple[Runs, list[Decision]]:
    """Start a run that takes the value from somewhere, right or wrong, and look at it."""
    runs = Runs()
    token: Object = {"name": "token", "type": type_, "sensitive": True}
    count: Object = {"name": "count", "type": "int"}
    template = {"source": "{{ token }}"}
    step = {"name": "say", "template": template, "inputs": {"token": "$(inputs.token)"}}
    runs.pipeline(inputs=[MESSAGE, count, token], steps=[step])
    text = value if isinstance(value, str) else json.dumps(value)
    runs.secret("llm", **({"token": text} if place in ("secret", "both") else {}))
    runs.config_map("given", **({"token": text} if place == "config map" else {}))
    sources = [{"secretRef": {"name": "llm"}}, {"configMapRef": {"name": "given"}}]
    inputs = {"message": "hello", "count": "three" if wrong else 3}
    if place in ("spec", "both"):
        inputs["token"] = value
    runs.start(inputs=inputs, inputsFrom=sources)
    return runs, [runs.look()]


@given(value=_VALUES, place=_PLACES, wrong=st.booleans())
def test_a_sensitive_value_is_in_no_text_of_a_decision(
    value: tuple[str, Any], place: str, wrong: bool
) -> None:
    """Not in what is made, not in status, not in an Event; whatever else is wrong with the run."""
    runs, decisions = begun(*value, place, wrong)
    started = runs.has(JOB, job_of("r-1"))
    assert started is (place == "secret" and not wrong)
    if started:
        runs.pod("p-1", container(terminated(1)), phase="Failed")
        decisions.append(runs.look())
        runs.drop(JOB, job_of("r-1"))
        decisions.append(runs.look())
    said = text_of(*decisions)
    for needle in needles(value[1]):
        assert needle not in said
        assert json.dumps(needle)[1:-1] not in said


def test_the_values_are_found_where_they_would_be() -> None:
    """The search itself: a value that is not sensitive stands in what is made."""
    runs = Runs()
    runs.start(inputs={"message": "a word that is no secret"})
    assert "a word that is no secret" in text_of(runs.look())
