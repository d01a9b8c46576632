"""What a server may send, from a fuzzer: no schema, list or answer breaks the worker."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import CallToolResult, Tool
from pydantic import ValidationError

from dspex_worker.config import HttpConfig, McpConfig, ToolConfig
from dspex_worker.mcp.result import read_result
from dspex_worker.mcp.schema import described_arguments
from dspex_worker.mcp.server import MAX_DESCRIPTION, McpServer
from dspex_worker.tools.guard import ToolError
from fakes.tool_boxes import shared

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_words = st.sampled_from(
    [
        "type",
        "properties",
        "required",
        "$ref",
        "$defs",
        "items",
        "anyOf",
        "enum",
        "a",
        "description",
    ]
)
_leaves = _json | st.sampled_from(["#/$defs/a", "#", "#/", "object", "string", "a"])
_schemas = st.dictionaries(
    _words,
    st.recursive(
        _leaves, lambda inner: st.lists(inner) | st.dictionaries(_words, inner), max_leaves=20
    ),
)
_contents = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["text", "image", "audio", "resource", "resource_link", "x"]),
        "text": st.text(),
        "data": st.text(),
        "mimeType": st.text(),
        "name": st.text(),
        "uri": st.text(),
        "resource": st.fixed_dictionaries(
            {"uri": st.text()},
            optional={"text": st.text(), "blob": st.text(), "mimeType": st.text()},
        ),
    },
)


@given(
    answer=st.fixed_dictionaries(
        {"content": st.lists(_contents)},
        optional={"isError": st.booleans(), "structuredContent": st.dictionaries(st.text(), _json)},
    )
)
def test_any_answer_is_text_json_or_told(answer: dict[str, Any]) -> None:
    """Of what the SDK lets through, nothing raises but what the model is told."""
    try:
        result = CallToolResult.model_validate(answer)
    except ValidationError:
        return
    if result.is_error:
        with pytest.raises(ToolError):
            read_result(result)
    else:
        assert isinstance(read_result(result), (str, dict))


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ({"content": [], "structuredContent": {"a": 1}}, {"a": 1}),
        (
            {"content": [{"type": "audio", "data": "QUJD", "mimeType": "audio/wav"}]},
            "<audio/wav, 3 bytes>",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "the text"}}]},
            "the text",
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "a:b", "blob": "QUJD"}}]},
            "<data, 3 bytes, a:b>",
        ),
        ({"content": [{"type": "resource_link", "name": "n", "uri": "a:b"}]}, "<n, a:b>"),
    ],
)
def test_what_is_no_text_is_named(answer: dict[str, Any], shown: Any) -> None:
    """Kind and size say more to a model than what it can't read."""
    assert read_result(CallToolResult.model_validate(answer)) == shown


@given(schema=_schemas)
def test_any_schema_is_described_in_bounded_size(schema: dict[str, Any]) -> None:
    """References in circles, to nowhere and by the thousand come to an end."""
    described = described_arguments(schema)
    assert '"$ref": "#' not in json.dumps(described)


def test_references_that_multiply_are_cut() -> None:
    """Thirty definitions that name the next one twice would be a thousand million."""
    definitions = {
        f"d{level}": {"anyOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 10} for level in range(30)
    }
    schema = {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    assert len(json.dumps(described_arguments(schema))) < 100_000


@given(name=st.text(min_size=1), description=st.text(), schema=_schemas)
async def test_any_tool_can_be_shown_and_called(
    name: str, description: str, schema: dict[str, Any]
) -> None:
    """Whatever a server lists becomes a tool; a call of it ends in words."""
    config = ToolConfig(name="shop", mcp=McpConfig(http=HttpConfig(url="http://127.0.0.1:1/mcp")))
    server = McpServer(config, shared())
    tool = server._tool(Tool(name=name, description=description, input_schema=schema))
    assert tool.name == name
    assert str(tool)


async def test_a_long_description_is_cut() -> None:
    """It goes with each prompt."""
    config = ToolConfig(name="shop", mcp=McpConfig(http=HttpConfig(url="http://127.0.0.1:1/mcp")))
    tool = McpServer(config, shared())._tool(
        Tool(name="a", description="x" * 100_000, input_schema={"required": ["b"]})
    )
    assert len(tool.desc) < MAX_DESCRIPTION + 100
    assert tool.desc.endswith(" Required: b.")
