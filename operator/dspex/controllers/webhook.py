"""The validating webhook: POST /validate over TLS, on the leader and on those that stand by."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from dspex.controllers.admission import UNJUDGED, admit
from dspex.controllers.certificate import Certificate
from dspex.controllers.logs import about
from dspex.controllers.metrics import Metrics
from dspex.controllers.review import Review, ReviewError, Verdict, answer, parse_review
from dspex.controllers.settings import Settings

PATH: Final = "/validate"

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a question: etcd takes objects of up to 1.5 MiB, and an UPDATE shows two of them."""

SLOTS: Final = 8
"""Questions whose bodies are held at a time; the others wait with theirs unread."""

READ: Final = 5.0
"""Seconds within which a question must have come: whoever is slower must not keep a slot."""

INTERVAL: Final = 10.0
"""Seconds between two looks at the certificate."""

_logger = logging.getLogger(__name__)


class Webhook:
    """Serves the webhook as soon as there is a certificate; use it as an async context manager.

    Questions are judged one after the other in one thread of their own. A Pipeline of 256 steps
    takes half a second or more, in which the event loop must go on to renew the Lease and to answer
    the probes. It is Python and CEL that work, and both hold the interpreter's lock, which they
    hand over every few milliseconds: more threads would bring nothing but more memory.

    Args:
        settings: Address, port, and where the certificate is.
        metrics: Counts and times.
        interval: Seconds between two looks at the certificate.
        read: Seconds within which a question must have come.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        interval: float = INTERVAL,
        read: float = READ,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._interval = interval
        self._read = read
        self._certificate = Certificate(Path(settings.certificates))
        self._slots = asyncio.Semaphore(SLOTS)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="admission")
        self._runner: web.AppRunner | None = None
        self._looking: asyncio.Task[None] | None = None
        self._complaint = ""
        self.waiting = 0
        """Questions that are read or judged at the moment, at most `SLOTS`."""

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, None as long as it is not served."""
        if self._runner is None:
            return None
        host, port = self._runner.addresses[0][:2]
        return host, port

    async def __aenter__(self) -> Self:
        if not self._settings.certificates:
            _logger.info("no webhook is served: no folder is given for its certificate")
            return self
        await self.look()
        self._looking = asyncio.create_task(self._look_on())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def look(self) -> None:
        """Take in the certificate as it is now, and open the port once there is one."""
        self._certificate.look()
        if self._runner is None and self._certificate.present:
            try:
                self._runner = await self._open()
            except OSError as error:
                if str(error) != self._complaint:
                    self._complaint = str(error)
                    _logger.error("no webhook is served: %s", error)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.look()
            except Exception:
                _logger.exception("the certificate could not be looked at")

    async def _open(self) -> web.AppRunner:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post(PATH, self._validate)
        # The API server hangs up on what takes too long; nobody needs its verdict then.
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        settings = self._settings
        site = web.TCPSite(
            runner, settings.host, settings.webhook_port, ssl_context=self._certificate.context
        )
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        _logger.info("serves the webhook on port %s", runner.addresses[0][1])
        return runner

    async def _validate(self, request: web.Request) -> web.Response:
        async with self._slots:
            self.waiting += 1
            try:
                return await self._answer(request)
            finally:
                self.waiting -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(self._read):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="the question did not come in time\n")
        began = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            review, verdict = await loop.run_in_executor(self._thread, _judge, body)
        except ReviewError as error:
            _logger.warning("a question to the webhook is refused: %s", error)
            return web.Response(status=400, text=f"{error}\n")
        self._count(review, verdict, time.perf_counter() - began)
        return web.json_response(answer(review, verdict))

    def _count(self, review: Review, verdict: Verdict, seconds: float) -> None:
        kind = review.key.kind.name
        result = "refused" if verdict.refusal else "allowed"
        if verdict is UNJUDGED:
            result = "fault"
        self._metrics.admissions.labels(kind, result).inc()
        self._metrics.admission_seconds.labels(kind).observe(seconds)


def _judge(body: bytes) -> tuple[Review, Verdict]:
    """Read and judge a question; where judging fails the object is admitted, never the reverse.

    A fault here would be one at the next try as well, and no person could mend it in the object.
    """
    review = parse_review(body)
    with about(review.key):
        try:
            return review, admit(review)
        except Exception:
            _logger.exception("the object could not be judged, and is admitted")
            return review, UNJUDGED
