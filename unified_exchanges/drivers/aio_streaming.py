"""Keeps a stream running in an event loop: connects, reads, sends, reconnects.

One task reads and hands events to a sink, which only stores them and wakes whoever
waits: a slow consumer never slows the socket.  Another sends, and does what is due.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from importlib import import_module
from typing import Any

import attrs

from ..clock import Clock
from ..errors import ConnectionLost, NetworkError
from ..models import StreamHealth
from ..policy import StreamPolicy
from ..streams.protocol import StreamEvent, StreamProtocol
from ..streams.session import Dial, Session, UpgradeRefused
from ..transports import AsyncConnect, AsyncConnection
from .tapped import async_tapped, ended

__all__ = ["AsyncStreamDriver"]

_log = logging.getLogger(__name__)

_CONNECTS = {
    "aiohttp": ("aiohttp_websocket", "connect_aiohttp"),
    "websockets": ("aio_websocket", "connect_aio"),
}
_EARLIER = 0.05
"""Seconds by which something must be due earlier than planned to be worth a wake-up."""
_SHORTEST = 0.005
"""Seconds between two polls at least, whatever a protocol says."""


class AsyncStreamDriver:
    """Runs a protocol over one connection after another, in the loop of `start`.

    ``sink`` is given the events of each read, in order; it must not wait.  ``on_stop`` is
    called once at the end, with the error if it was one: a refused key, or as
    `InternalError` a failure of the protocol, of the sink or of a job.  A lost connection
    is no end.  ``connect`` opens a connection; by default that of a
    replay or the policy's ``driver`` does.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        dial: Dial,
        *,
        policy: StreamPolicy,
        clock: Clock,
        rng: random.Random,
        sink: Callable[[Iterable[StreamEvent]], None],
        on_stop: Callable[[Exception | None], None] = lambda _error: None,
        connect: AsyncConnect | None = None,
    ) -> None:
        self.protocol = protocol
        self.error: Exception | None = None
        """Why the stream stopped, if it was not closed."""
        self._session = Session(dial, policy, clock, rng)
        self._dial = dial
        self._sink = sink
        self._on_stop = on_stop
        self._connect = connect or dial.taps.async_connect or _connect(policy.driver)
        self._task: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._outbox: deque[str] = deque()
        self._wake = asyncio.Event()
        self._wakes_at = 0.0
        self._changed = asyncio.Event()
        self._is_stopped = False
        self._is_heard = False
        self._waiters = 0

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._session.is_connected

    @property
    def is_stopped(self) -> bool:
        """Whether the stream has come to its end."""
        return self._is_stopped

    def health(self) -> StreamHealth:
        """The protocol's counters, with the state of the connection."""
        session, health = self._session, self.protocol.health()
        return attrs.evolve(
            health,
            state=session.state_with(health.state),
            connections=session.connections,
            last_error=session.newest(health.last_error),
        )

    def start(self) -> None:
        """Begin to connect; does nothing if it has begun."""
        if self._task is None and not self._is_stopped:
            self._task = asyncio.create_task(
                self._run(), name="unified-exchanges-stream"
            )

    def flush(self) -> None:
        """Send what the protocol has to send; for whoever has just asked it something."""
        self._wake.set()

    def run_beside(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a job beside the stream, such as a flow over REST, until it or we end.

        A job that fails stops the stream with its error; `aclose` cancels it.
        """
        if self._is_stopped:
            return
        task = asyncio.create_task(job(), name="unified-exchanges-job")
        self._jobs.add(task)
        task.add_done_callback(self._job_done)

    async def wait_connected(self, timeout: float) -> None:  # noqa: ASYNC109 - in words
        """Wait for a connection; raises what the stream stopped with, or `RequestTimeout`."""
        self.start()
        if not await self.wait_until(lambda: self.is_connected, timeout):
            raise self._session.late(timeout)

    async def wait_until(
        self,
        is_so: Callable[[], bool],
        timeout: float,  # noqa: ASYNC109 - late is an answer
    ) -> bool:
        """Wait for what messages bring about; False if that takes longer.

        Raises what the stream stopped with.
        """
        self._waiters += 1
        self._wake.set()
        try:
            async with asyncio.timeout(timeout):
                while not is_so():
                    if self._is_stopped:
                        raise self.error or self._session.closed()
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            return False
        finally:
            self._waiters -= 1
        return True

    def fail(self, error: Exception) -> None:
        """End with an error of who keeps the stream."""
        self._stop(error)

    async def aclose(self) -> None:
        """Say goodbye and end; closing twice, or after the loop has ended, is allowed."""
        task = self._task
        self._stop(None)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            return
        mine = asyncio.current_task()
        if ending := [each for each in (task, *self._jobs) if each is not mine]:
            await asyncio.wait(ending)

    # -- one connection after another -----------------------------------------------

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            while True:
                failure = await self._attempt()
                delay = self._session.failed(failure, self._told())
                await asyncio.sleep(delay)
                await self._rest()
        except asyncio.CancelledError:
            if not self._is_stopped:
                error = ConnectionLost("the task of the stream was cancelled")
            raise
        except Exception as failure:  # noqa: BLE001 - told to everybody who waits
            error = failure
        finally:
            self._stop(error)

    async def _rest(self) -> None:
        """Dial no more until somebody wants a connection; see `StreamDriver`."""
        if not self._is_unwanted():
            return
        self._session.rested()
        while self._is_unwanted():
            self._wake.clear()
            await self._wake.wait()

    def _is_unwanted(self) -> bool:
        is_needed = self.protocol.is_wanted or self._waiters
        return bool(self._session.connections) and not is_needed

    async def _attempt(self) -> NetworkError | UpgradeRefused:
        self._session.begin()
        try:
            connection = await self._connect(
                self._dial.url,
                self._dial.headers(),
                heard=self.protocol.heard,
                timeout=self._dial.timeout,
            )
        except (NetworkError, UpgradeRefused) as failure:
            return failure
        connection = async_tapped(connection, self._dial)
        try:
            return await self._serve(connection)
        finally:
            await connection.close()

    async def _serve(self, connection: AsyncConnection) -> NetworkError:
        """Use a connection until it breaks; that error."""
        self._outbox.clear()
        self._is_heard = True
        events = list(self.protocol.connection_made())
        reconnected = self._session.made()
        self._emit([*events, reconnected] if reconnected else events)
        self._changed.set()
        reading = asyncio.create_task(connection.run(self._deliver))
        keeping = asyncio.create_task(self._keep(connection))
        failure: Exception = self._session.closed()
        try:
            done, _ = await asyncio.wait(
                (reading, keeping), return_when=asyncio.FIRST_COMPLETED
            )
            failure = _failure(done)
        finally:
            keeping.cancel()
            try:
                # Before the goodbye, which may take a while: what was told holds no more.
                ended(connection, "closed" if self._is_stopped else _reason(failure))
                self._lose(failure)
            finally:
                await self._leave(connection, reading, keeping)
        if isinstance(failure, NetworkError):
            return failure
        raise failure

    def _lose(self, failure: Exception) -> None:
        self._is_heard = False
        self._session.broke()
        self._emit(self.protocol.connection_lost(_reason(failure)))

    @staticmethod
    async def _leave(connection: AsyncConnection, *tasks: asyncio.Task[Any]) -> None:
        try:
            # While it is read, though nobody hears it: a goodbye is answered.
            await connection.close()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _deliver(self, frames: Sequence[str | bytes]) -> None:
        """Take what was read; called by the transport, and must not take long."""
        if not self._is_heard:
            return
        protocol = self.protocol
        events = protocol.receive_all(frames)
        if events and not self._is_stopped:
            self._sink(events)
        if self._waiters:
            self._changed.set()
        if data := protocol.data_to_send():
            self._outbox += data
            self._wake.set()
        elif protocol.broken or protocol.next_poll() + _EARLIER < self._sleeps_for():
            # What a frame has planned may be due before the other task wakes up.
            self._wake.set()

    def _sleeps_for(self) -> float:
        return self._wakes_at - asyncio.get_running_loop().time()

    async def _keep(self, connection: AsyncConnection) -> None:
        """Do what is due, and send."""
        protocol, outbox, wake = self.protocol, self._outbox, self._wake
        while True:
            wake.clear()
            self._emit(protocol.poll())
            if protocol.broken:
                raise ConnectionLost(f"the stream was given up: {protocol.broken}")
            outbox += protocol.data_to_send()
            while outbox:
                await connection.send(outbox.popleft())
            pause = max(_SHORTEST, protocol.next_poll())
            self._wakes_at = asyncio.get_running_loop().time() + pause
            try:
                async with asyncio.timeout(pause):
                    await wake.wait()
            except TimeoutError:
                continue

    # -- telling --------------------------------------------------------------------

    def _told(self) -> str:
        return self.protocol.health().last_error

    def _emit(self, events: Iterable[StreamEvent]) -> None:
        # What the end itself brings about is no news.
        if (found := list(events)) and not self._is_stopped:
            self._sink(found)
            self._changed.set()

    def _job_done(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if task.cancelled():
            return
        if isinstance(error := task.exception(), Exception):
            self._stop(error)

    def _stop(self, error: Exception | None) -> None:
        """Come to the end, once; everybody who waits is told."""
        if self._is_stopped:
            return
        self._is_stopped = True
        error = self.error = self._session.typed(error)
        self._session.stop(error, self._told())
        self._changed.set()
        try:
            self._on_stop(error)
        except Exception:  # noqa: BLE001 - the end must come all the same
            _log.exception("on_stop of the stream has failed")
        # Without the task itself, when it is the one that ends.
        for task in (self._task, *self._jobs):
            if task is not None and not task.done() and task is not _current():
                task.cancel()


def _connect(driver: str) -> AsyncConnect:
    """The library that the policy names; loaded when it is."""
    module, name = _CONNECTS[driver]
    transports = import_module(f"...transports.{module}", __name__)
    connect: AsyncConnect = getattr(transports, name)
    return connect


def _failure(ended: Iterable[asyncio.Task[Any]]) -> Exception:
    """Why a connection's task ended: rather what is wrong with us than the network."""
    failures = [task.exception() for task in ended if not task.cancelled()]
    found = [failure for failure in failures if isinstance(failure, Exception)]
    found.sort(key=lambda failure: isinstance(failure, NetworkError))
    return found[0] if found else ConnectionLost("the connection was cancelled")


def _reason(failure: Exception) -> str:
    return str(failure) if isinstance(failure, NetworkError) else type(failure).__name__


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
