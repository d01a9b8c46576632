"""What an MCP server answered, as the model is shown it."""

import json
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from dspex_worker.tools.guard import ToolError


def read_result(result: CallToolResult) -> Any:
    """Return the text of an answer, or its structured content where it has no other.

    What is no text is named by its kind and size: the model could not read it.

    Raises:
        ToolError: The server says that the tool failed.
    """
    text = "\n".join(_text(each) for each in result.content)
    if result.is_error:
        raise ToolError(text or "the server does not say why")
    if not text and result.structured_content is not None:
        return result.structured_content
    return text


def _text(content: Any) -> str:
    match content:
        case TextContent():
            return content.text
        case ImageContent() | AudioContent():
            return f"<{content.mime_type}, {_bytes(content.data)} bytes>"
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case EmbeddedResource(resource=BlobResourceContents() as resource):
            kind = resource.mime_type or "data"
            return f"<{kind}, {_bytes(resource.blob)} bytes, {resource.uri}>"
        case ResourceLink():
            return f"<{content.name}, {content.uri}>"
        case _:
            return json.dumps(content.model_dump(mode="json"))


def _bytes(base64: str) -> int:
    return len(base64) * 3 // 4
