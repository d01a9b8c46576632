"""A stub of a model endpoint, for a pod: answers `question -> answer` in OpenAI's form.

It runs alone, with nothing but aiohttp beside it. A question may hold orders to the stub:
`wait=2.5` answers after so many seconds, `fail=503` answers with that status, `until=2` does so
for the first calls of that question only. `/calls` tells how often each question was asked.
"""

import asyncio
import json
import re
import sys
from collections import Counter

from aiohttp import web

ASKED: Counter[str] = Counter()
ANSWERED: Counter[str] = Counter()


async def complete(request: web.Request) -> web.Response:
    """Answer a chat completion."""
    body = await request.json()
    prompt = str(body["messages"][-1]["content"])
    found = re.findall(r"\[\[ ## question ## \]\]\s*(.*?)\s*(?=\[\[ ## |\n\n|$)", prompt, re.DOTALL)
    question = found[-1] if found else prompt[-200:]
    ASKED[question] += 1
    await asyncio.sleep(float(order(question, "wait") or 0))
    status = int(order(question, "fail") or 200)
    if status != 200 and ASKED[question] <= int(order(question, "until") or 10**9):
        return web.json_response({"error": {"message": "as ordered", "code": "x"}}, status=status)
    ANSWERED[question] += 1
    text = f"[[ ## answer ## ]]\nre: {question}\n\n[[ ## completed ## ]]"
    return web.json_response(
        {
            "id": "stub",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", "stub"),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    )


def order(question: str, name: str) -> str:
    """Return the value of an order in a question, empty if there is none."""
    found = re.search(rf"{name}=([0-9.]+)", question)
    return found[1] if found else ""


async def calls(_: web.Request) -> web.Response:
    """Tell how often each question was asked and answered."""
    return web.Response(text=json.dumps({"asked": ASKED, "answered": ANSWERED}))


def main() -> None:
    """Serve until the pod ends."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/calls", calls)
    web.run_app(app, port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
