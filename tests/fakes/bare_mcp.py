"""An MCP server without the SDK, which starts in no time and does what no real one should.

`python bare_mcp.py [MODE…]`: `stubborn` heeds neither the end of its input nor SIGTERM, `deaf`
never answers, `pages` never ends its list of tools, `garbage` has a list that is none.
"""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

MODES = set(sys.argv[1:])
ANY = {"type": "object"}
TOOLS = [{"name": name, "inputSchema": ANY} for name in ("process", "child", "endless", "slow")]


def answer(method: str, params: dict[str, Any]) -> Any:
    """Return the result of a request; None where it has no such method."""
    if method == "initialize":
        server = {"name": "bare", "version": "1"}
        capabilities: dict[str, Any] = {"tools": {}}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": server}
    if method == "tools/list":
        if "pages" in MODES:
            return {"tools": [], "nextCursor": "more"}
        return {"tools": {"x" * 10_000: "y" * 10_000} if "garbage" in MODES else TOOLS}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": call(params["name"])}]}
    return None


def call(name: str) -> str:
    """Run a tool."""
    if name == "process":
        return str(os.getpid())
    if name == "child":
        return str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
    if name == "endless":
        while True:
            sys.stdout.write("y" * 1_000_000)
    return "slow"


def main() -> None:
    """Answer line by line."""
    if "stubborn" in MODES:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request or "deaf" in MODES:
            continue
        result = answer(request["method"], request.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        missing = {"code": -32601, "message": "no such method"}
        sys.stdout.write(json.dumps(reply | ({"result": result} if result else {"error": missing})))
        sys.stdout.write("\n")
        sys.stdout.flush()
    while "stubborn" in MODES:
        time.sleep(600)


if __name__ == "__main__":
    main()
