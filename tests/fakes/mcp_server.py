"""A real MCP server by the SDK, over standard input and output or, with a port, over HTTP.

`python mcp_server.py`, `python mcp_server.py 9000`.
"""

import asyncio
import os
import sys
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ImageContent, TextContent
from pydantic import BaseModel

app = MCPServer("shop")


class Node(BaseModel):
    """A tree, whose schema refers to itself."""

    name: str
    children: list["Node"] = []


@app.tool()
def find_order(number: int) -> str:
    """Find an order."""
    return f"order {number}"


@app.tool()
def count(tree: Node) -> int:
    """Count the nodes of a tree."""
    return 1 + sum(count(child) for child in tree.children)


@app.tool()
def process() -> str:
    """Return the process id."""
    return str(os.getpid())


@app.tool()
def variable(name: str) -> str:
    """Return a variable of the environment."""
    return os.environ.get(name, "unset")


@app.tool()
def header(name: str, context: Context[Any, Any]) -> str:
    """Return a header of the request."""
    request = context.request_context.request
    assert request is not None
    return str(request.headers.get(name, "unset"))


@app.tool()
async def slow(seconds: float) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return "done"


@app.tool()
def fail(word: str) -> str:
    """Fail."""
    raise ToolError(f"no {word} " + "x" * 5000)


@app.tool()
def long() -> str:
    """Return ten megabytes."""
    return "y" * 10_000_000


@app.tool()
def picture() -> CallToolResult:
    """Return what is no text."""
    image = ImageContent(type="image", data="QUJD", mime_type="image/png")
    return CallToolResult(content=[TextContent(type="text", text="a"), image])


@app.tool()
def stray() -> str:
    """Print among the messages."""
    sys.stdout.write("no message\n" * 1000)
    sys.stdout.flush()
    return "printed"


@app.tool()
def die() -> str:
    """End the process in the midst of a call."""
    sys.stderr.write("the last words\n")
    sys.stderr.flush()
    os._exit(3)


if __name__ == "__main__":
    if sys.argv[1:]:
        app.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        app.run()
