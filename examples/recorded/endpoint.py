"""An OpenAI-compatible endpoint that gives recorded answers: `/<example>/v1/chat/completions`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import answers
from aiohttp import web

EXAMPLES: Final = Path(__file__).resolve().parent.parent
_RECORDED = web.AppKey("recorded", dict[str, list[answers.Answer]])


def recorded() -> dict[str, list[answers.Answer]]:
    """Read the answers of all examples beside this folder, by the examples' names."""
    files = sorted(EXAMPLES.glob("*/answers.yaml"))
    return {file.parent.name: answers.load(file) for file in files}


def application(found: Mapping[str, Sequence[answers.Answer]]) -> web.Application:
    """Make the server."""
    app = web.Application()
    app[_RECORDED] = {name: list(each) for name, each in found.items()}
    app.router.add_post("/{example}/v1/chat/completions", _complete)
    return app


async def start(port: int) -> tuple[web.AppRunner, int]:
    """Serve all examples on the loopback; return the server and its port (0 chooses a free one)."""
    runner = web.AppRunner(application(recorded()), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, runner.addresses[0][1]


async def _complete(request: web.Request) -> web.Response:
    body = await request.json()
    asked = answers.read(body)
    known = request.app[_RECORDED].get(request.match_info["example"], [])
    try:
        text = answers.write(answers.choose(known, asked), asked)
    except answers.NoAnswerError as error:
        told = {"message": str(error), "type": "invalid_request_error", "code": "no_answer"}
        return web.json_response({"error": told}, status=400)
    return web.json_response(_completion(body, text))


def _completion(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    # Some four characters of English are a token; nothing here counts them truly.
    prompt = sum(len(str(each["content"])) for each in body["messages"]) // 4
    output = len(text) // 4
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-recorded",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
        },
    }
