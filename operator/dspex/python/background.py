"""One event loop in a thread of its own: the place where everything of the Python API happens.

A notebook's loop runs already, so a synchronous call can't run one of its own in that thread; and
workers that live longer than a call belong to a loop that does, too. So sync and async calls alike
hand their work over to this one, and wait.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from dspex.errors import ConfigurationError, Diagnostic

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]

EXIT_TIMEOUT: Final = 15.0
"""Seconds that the end of the process waits for what is still to be ended."""


class _Job(Generic[T]):
    """Work that was handed over; `done` is its result, for another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Work[T]) -> None:
        self.done: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None
        self._work = work

    def begin(self) -> None:
        """Hand it over."""
        self._loop.call_soon_threadsafe(self._start)

    def cancel(self) -> None:
        """Cancel the work; `done` follows when it has ended."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _start(self) -> None:
        if self.done.done():
            return
        self._task = self._loop.create_task(self._work())
        self._task.add_done_callback(self._end)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # it was given up before it was handed over
            self.done.set_exception(asyncio.CancelledError())

    def _end(self, task: "asyncio.Task[T]") -> None:
        if task.cancelled():
            self.done.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(task.result())


class Background:
    """The loop and its thread, begun with the first call.

    Args:
        at_exit: What is awaited before the process ends.
        kill: What is called where a person will not wait for that.
    """

    def __init__(self, at_exit: Work[None], kill: Callable[[], None]) -> None:
        self._at_exit = at_exit
        self._kill = kill
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Work[T]) -> T:
        """Run work to its end and return its result; Ctrl-C cancels it and waits for its end.

        A second Ctrl-C waits no longer.

        Raises:
            ConfigurationError: The caller is a part of such work itself, such as a listener.
        """
        self._refuse_own_thread()
        job = _Job(self._running(), work)
        try:
            # Within: the loop's thread may be far when an interrupt reaches this one.
            job.begin()
            return job.done.result()
        except BaseException:
            if not job.done.done():
                job.cancel()
                self._await_end(job)
            raise

    async def wait(self, work: Work[T]) -> T:
        """As `run`, for whoever has a loop; cancelling the caller cancels the work, and waits."""
        job = _Job(self._running(), work)
        ended = asyncio.wrap_future(job.done)
        job.begin()
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not job.done.done():
                job.cancel()
                await asyncio.wait({ended})
            if not ended.cancelled():
                ended.exception()  # it has been seen
            raise

    def close(self) -> None:
        """End what runs and the loop itself; the next call begins anew."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        atexit.unregister(self.close)
        job = _Job(loop, self._at_exit)
        try:
            job.begin()
            job.done.result(EXIT_TIMEOUT)
        except BaseException:
            self._kill()
            raise
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(EXIT_TIMEOUT)

    def forget(self) -> None:
        """Leave loop and thread to the parent: a forked child has neither."""
        self._lock = threading.Lock()
        if self._loop is not None:
            self._loop = self._thread = None
            atexit.unregister(self.close)

    def _await_end(self, job: _Job[Any]) -> None:
        try:
            concurrent.futures.wait([job.done])
        except KeyboardInterrupt:
            self._kill()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="dspex", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return self._loop

    def _refuse_own_thread(self) -> None:
        if self._thread is not None and threading.current_thread() is self._thread:
            raise ConfigurationError(
                Diagnostic(
                    code="WrongThread",
                    message="a listener can't wait for another call: it would wait for itself",
                    remedy="call it when the first has returned, or in a thread of your own",
                )
            )


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        with contextlib.suppress(RuntimeError):
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
