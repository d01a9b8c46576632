"""The rival of a worker: a program behind FastAPI, as DSPy's page on deployment shows it.

`python -m performance.documented_way MODEL_ADDRESS` prints its address and serves until its standard
input closes. The program runs in the threads of `dspy.asyncify`, as many as DSPy takes by itself.
"""

import asyncio
import socket
import sys

import dspy
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

PATH = "/predict"


class Question(BaseModel):
    """What a client asks."""

    question: str


def application(model: str) -> FastAPI:
    """Return the server; what is configured is left as it is but for the cache."""
    dspy.configure(
        lm=dspy.LM("openai/stub", api_base=f"{model}/v1", api_key="none", cache=False),
    )
    program = dspy.asyncify(dspy.Predict("question -> answer"))
    app = FastAPI()

    @app.post(PATH)
    async def predict(given: Question) -> dict[str, object]:
        result = await program(question=given.question)
        return {"status": "success", "data": result.toDict()}

    return app


async def _serve(model: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        config = uvicorn.Config(application(model), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[opened]))
        print(f"http://127.0.0.1:{opened.getsockname()[1]}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = server.force_exit = True
        await serving


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
