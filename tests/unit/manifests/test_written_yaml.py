"""What is written as YAML reads back as what it was, whatever it holds."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.manifests.documents import read_documents
from dspex.manifests.findings import Findings
from dspex.manifests.write import write_documents

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t:#-'\"$(){}"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> Any:
    """Read the documents of a text."""
    findings = Findings("-")
    roots = read_documents(io.BytesIO(text.encode()).read(), findings)
    assert findings.found == []
    return [root.to_json() for root in roots]


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_any_object_survives(value: dict[str, Any]) -> None:
    """Texts stay texts, keys stay keys."""
    assert read(write_documents([value, value])) == [value, value]


@pytest.mark.parametrize(
    "text", ["y", "no", "On", "012", "1e3", "12:30", "~", "", "<<", "=", "1_0"]
)
def test_what_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    """As a value and as a key."""
    assert read(write_documents([{"a": text, text: 1}])) == [{"a": text, text: 1}]


def test_it_is_made_for_people() -> None:
    """Block style, keys in their order, plain where that is safe, long texts as blocks."""
    written = write_documents([{"kind": "Pool", "text": "one\ntwo\n", "value": "$(inputs.a)"}])
    assert written == "---\nkind: Pool\ntext: |\n  one\n  two\nvalue: $(inputs.a)\n"
    assert json.loads(json.dumps(read(written))) == read(written)
