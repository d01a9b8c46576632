"""The worker's HTTP server: one event loop, DSPy by `acall`, a bounded queue before it."""

import asyncio
import hmac
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

import dspex
from dspex.bridge.protocol import (
    EXECUTE_PATH,
    INFO_PATH,
    PROTOCOL_VERSION,
    Answer,
    Call,
    Failure,
    Info,
)
from dspex.errors import Reason
from dspex_worker.config import WorkerConfig
from dspex_worker.failures import STATUS, CallError, refusal
from dspex_worker.gate import Gate, QueueFullError
from dspex_worker.lifecycle import Lifecycle, Phase
from dspex_worker.lm.ledger import Ledger
from dspex_worker.log import logger
from dspex_worker.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from dspex_worker.accounts import Accounts
    from dspex_worker.execute import Worker

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a call."""
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
VERIFIED_OPEN_PATHS: Final = OPEN_PATHS | {"/metrics"}
"""Prometheus has no token for a Pool; who may reach the port is the NetworkPolicy's to say."""
DRAIN_RETRY: Final = 1.0
"""Seconds after which a call turned away by a worker that ends makes sense: another one has it."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Routes, limits and counters around `execute`.

    Args:
        config: The Pool's values.
        name: The worker's name.
        token: Bearer token that calls must carry; None asks for none.
        lifecycle: Told when calls begin and end.
        accounts: Verifies who calls, in a cluster; None where a token alone is asked for.
    """

    def __init__(
        self,
        config: WorkerConfig,
        *,
        name: str,
        token: str | None,
        lifecycle: Lifecycle,
        accounts: "Accounts | None" = None,
    ) -> None:
        self.config = config
        self.name = name
        self.lifecycle = lifecycle
        self.worker: Worker | None = None
        self.gate = Gate(config.concurrency, config.queue.size, config.queue.timeout)
        self.metrics = Metrics(config.pool, self.gate, self._stuck)
        self._token = f"Bearer {token}".encode() if token else None
        self._accounts = accounts
        self._completed = 0
        self._failed = 0

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._authorized])
        app.router.add_post(EXECUTE_PATH, self._execute)
        app.router.add_get(INFO_PATH, self._info)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        return app

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 it is answered, and told in the log
            logger.exception("a fault of the worker itself")
            message = f"a fault of the worker itself: {type(error).__name__}"
            return self._failure(refusal(Reason.INTERNAL, message, self.name))

    def _refused(self, request: web.Request) -> web.Response | None:
        """Return the answer to a caller that is not let in."""
        given = request.headers.get("Authorization", "")
        if self._accounts is not None:
            return None if request.path in VERIFIED_OPEN_PATHS else self._unverified(given)
        if self._token and request.path not in OPEN_PATHS:
            encoded = given.encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(encoded, self._token):
                return self._turned_away("the worker's token is missing or wrong", 401)
        return None

    def _unverified(self, header: str) -> web.Response | None:
        from dspex_worker.accounts import ForbiddenCallerError, UnknownCallerError

        assert self._accounts is not None  # noqa: S101 for the type checker
        try:
            self._accounts.verify(header)
        except UnknownCallerError as error:
            return self._turned_away(str(error), 401)
        except ForbiddenCallerError as error:
            return self._turned_away(str(error), 403)
        return None

    def _turned_away(self, message: str, status: int) -> web.Response:
        logger.warning("a call was turned away", extra={"status": status, "why": message})
        return _json(refusal(Reason.REQUEST_REFUSED, message, self.name), status=status)

    async def _execute(self, request: web.Request) -> web.Response:
        response = await self._take_in(request)
        if self.lifecycle.phase is Phase.DRAINING:
            # It ends soon: the caller's next call must not come on this connection, and break.
            response.force_close()
        return response

    async def _take_in(self, request: web.Request) -> web.Response:
        arrived = asyncio.get_running_loop().time()
        if self.lifecycle.phase is not Phase.READY or self.worker is None:
            return self._failure(self._not_ready())
        self.lifecycle.begin()
        try:
            return await self._answer(self.worker, await request.read(), arrived)
        finally:
            self.lifecycle.end()

    async def _answer(self, worker: "Worker", body: bytes, arrived: float) -> web.Response:
        from dspex_worker.execute import read_call

        try:
            call = read_call(body)
        except CallError as error:
            return self._failure(refusal(error.reason, error.message, self.name))
        record = Ledger(keep=call.prompts)
        result = "Cancelled"
        try:
            reply = await self._run(worker, call, record, arrived)
            result = reply.reason if isinstance(reply, Failure) else "Succeeded"
        finally:
            # Whatever ended it: a thread that still runs must not call the model again.
            record.abandon()
            self._count(call, record, result, arrived)
        if isinstance(reply, Failure):
            return self._failure(reply)
        self.metrics.took(
            queue=reply.timings.queue, execute=reply.timings.execute, model=reply.timings.model
        )
        return _json(reply)

    async def _run(
        self, worker: "Worker", call: Call, record: Ledger, arrived: float
    ) -> Answer | Failure:
        from dspex_worker.diagnose import failure_of
        from dspex_worker.execute import execute

        limit = max(0.0, min(call.timeout, self.config.call_timeout))
        deadline = asyncio.timeout_at(arrived + limit)
        try:
            async with deadline, self.gate.place() as waited:
                return await execute(worker, call, record, queued=waited)
        except QueueFullError as error:
            return refusal(Reason.QUEUE_FULL, str(error), self.name, retry_after=error.retry_after)
        except SystemExit as error:
            return failure_of(
                RuntimeError(f"the module called exit({error.code})"), record, self.name
            )
        except Exception as error:  # noqa: BLE001 a module may raise anything
            late = CallError(Reason.TIMEOUT, f"the call took longer than {limit:g} s")
            return failure_of(late if deadline.expired() else error, record, self.name)

    def _count(self, call: Call, record: Ledger, result: str, arrived: float) -> None:
        if result == "Succeeded":
            self._completed += 1
        else:
            self._failed += 1
        self.metrics.ended(result, record.usage)
        logger.info(
            "call ended",
            extra={
                "key": call.key,
                "program": call.module,
                "result": result,
                "seconds": round(asyncio.get_running_loop().time() - arrived, 4),
                "model_calls": record.usage.calls,
                "tokens": record.usage.total_tokens,
            },
        )

    def _not_ready(self) -> Failure:
        draining = self.lifecycle.phase is Phase.DRAINING
        message = "the worker ends" if draining else "the worker is not ready"
        return refusal(Reason.WORKER_UNAVAILABLE, message, self.name, retry_after=DRAIN_RETRY)

    def _failure(self, failure: Failure) -> web.Response:
        headers = {}
        if failure.reason in {Reason.QUEUE_FULL, Reason.WORKER_UNAVAILABLE}:
            headers["Retry-After"] = str(max(1, math.ceil(failure.retry_after or 0)))
        return _json(failure, status=STATUS.get(failure.reason, 500), headers=headers)

    def _stuck(self) -> dict[str, int]:
        return self.worker.stuck if self.worker is not None else {}

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        phase = self.lifecycle.phase
        ready = phase is Phase.READY
        state = {
            "ready": ready,
            "phase": phase,
            "progress": self.lifecycle.progress,
            "version": dspex.__version__,
        }
        return web.json_response(state, status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def _info(self, _: web.Request) -> web.Response:
        worker = self.worker
        info = Info(
            worker=self.name,
            pool=self.config.pool,
            version=dspex.__version__,
            dspy_version=_dspy_version(),
            protocol=PROTOCOL_VERSION,
            model=worker.model.name if worker and worker.model else "",
            modules=worker.modules.names if worker else [],
            tools=worker.tools.names if worker else [],
            concurrency=self.config.concurrency,
            active=self.gate.active,
            queued=self.gate.queued,
            completed=self._completed,
            failed=self._failed,
        )
        return _json(info)


def _dspy_version() -> str:
    from importlib.metadata import version

    return version("dspy")


def _json(
    message: msgspec.Struct, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(message),
        status=status,
        headers=headers,
        content_type="application/json",
    )
