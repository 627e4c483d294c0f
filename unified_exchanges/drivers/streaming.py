"""Keeps a stream running in a thread: connects, reads, sends, reconnects.

The thread reads and hands events to a sink, which only stores them and wakes whoever
waits: a slow consumer never slows the socket.  A second one runs jobs over REST.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from threading import Condition, Event, RLock, Thread, current_thread
from typing import TypeAlias

import attrs

from ..clock import Clock
from ..errors import ConnectionLost, NetworkError
from ..models import StreamHealth
from ..policy import StreamPolicy
from ..streams.protocol import StreamEvent, StreamProtocol
from ..streams.session import Dial, Session, UpgradeRefused
from ..transports import Connect, Connection
from ..transports.websocket import connect_blocking
from .tapped import ended, tapped

__all__ = ["StreamDriver"]

_log = logging.getLogger(__name__)

_SHORTEST = 0.005
"""Seconds between two polls at least, whatever a protocol says."""
_GOODBYE = 3.0
"""Seconds that closing waits for the threads."""

_LOOK = 1.0
"""Seconds after which a thread that waits looks up: on Windows Ctrl-C comes only then."""

_Job: TypeAlias = Callable[[], None]


class StreamDriver:
    """Runs a protocol over one connection after another, in a thread of its own.

    Whoever touches the protocol holds ``lock``.  It is held while ``sink`` is given the
    events of each read, in order; a sink must not wait.  A condition on ``lock`` may be
    waited for by consumers.  ``on_stop`` is called once at the end, with the error if it
    was one: a refused key, or as `InternalError` a failure of the protocol, of the sink or
    of a job.  A lost connection is no end.  ``connect`` opens a connection; by
    default that of a replay, or else a real one.
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
        connect: Connect | None = None,
    ) -> None:
        self.protocol = protocol
        self.lock = RLock()
        self.error: Exception | None = None
        """Why the stream stopped, if it was not closed."""
        self._session = Session(dial, policy, clock, rng)
        self._dial = dial
        self._sink = sink
        self._on_stop = on_stop
        self._connect = connect or dial.taps.connect or connect_blocking
        self._changed = Condition(self.lock)
        self._connection: Connection | None = None
        self._thread: Thread | None = None
        self._worker: Thread | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._ended = Event()
        self._waiters = 0
        self._process: int | None = None
        """Where the threads are."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._session.is_connected

    @property
    def is_stopped(self) -> bool:
        """Whether the stream has come to its end."""
        return self._ended.is_set()

    def health(self) -> StreamHealth:
        """The protocol's counters, with the state of the connection."""
        with self.lock:
            session, health = self._session, self.protocol.health()
            return attrs.evolve(
                health,
                state=session.state_with(health.state),
                connections=session.connections,
                last_error=session.newest(health.last_error),
            )

    def start(self) -> None:
        """Begin to connect; does nothing if it has begun."""
        with self.lock:
            if self._thread is None and not self._ended.is_set():
                self._process = os.getpid()
                self._thread = _thread(self._run, "stream")
                # Left to the end of the interpreter, the venue would see a broken line.
                atexit.register(self.close)

    def flush(self) -> None:
        """Send what the protocol has to send; for whoever has just asked it something."""
        if (connection := self._connection) is not None:
            connection.wake()
        else:
            with self._changed:
                self._changed.notify_all()

    def run_beside(self, job: _Job) -> None:
        """Run a job in the second thread, after those before it.

        A job that fails stops the stream with its error.
        """
        with self.lock:
            if self._ended.is_set():
                return
            self._jobs.put(job)
            if self._worker is None:
                self._worker = _thread(self._work, "job")

    def wait_connected(self, timeout: float) -> None:
        """Wait for a connection; raises what the stream stopped with, or `RequestTimeout`."""
        self.start()
        if not self.wait_until(lambda: self.is_connected, timeout):
            raise self._session.late(timeout)

    def wait_until(self, is_so: Callable[[], bool], timeout: float) -> bool:
        """Wait for what messages bring about; False if that takes longer.

        ``is_so`` is called with the lock.  Raises what the stream stopped with.
        """
        end = time.monotonic() + timeout
        with self._changed:
            self._waiters += 1
            self._changed.notify_all()
            try:
                while not is_so():
                    if self.is_stopped:
                        raise self.error or self._session.closed()
                    if (left := end - time.monotonic()) <= 0:
                        return False
                    self._changed.wait(min(left, _LOOK))
            finally:
                self._waiters -= 1
        return True

    def fail(self, error: Exception) -> None:
        """End with an error of who keeps the stream."""
        self._stop(error)

    def close(self) -> None:
        """Say goodbye and end; closing twice is allowed, and nothing in a forked child."""
        if self._process not in (None, os.getpid()):
            # The threads stayed with the parent, and whoever held the lock at the fork.
            return
        self._stop(None)
        for thread in (self._thread, self._worker):
            if thread is not None and thread is not current_thread():
                thread.join(_GOODBYE)

    # -- one connection after another -----------------------------------------------

    def _run(self) -> None:
        error: Exception | None = None
        try:
            while not self._ended.is_set():
                failure = self._attempt()
                if self._ended.is_set():
                    break
                delay = self._session.failed(failure, self._told())
                self._pause(delay)
                self._rest()
        except Exception as failure:  # noqa: BLE001 - told to everybody who waits
            error = failure
        finally:
            self._stop(error)

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(self._ended.is_set, seconds)

    def _rest(self) -> None:
        """Dial no more until somebody wants a connection, once there was one.

        A venue may close what nothing is asked for, and would be dialled for ever.
        """
        with self._changed:
            if not self._is_unwanted():
                return
            self._session.rested()
            while self._is_unwanted():
                self._changed.wait(_LOOK)

    def _is_unwanted(self) -> bool:
        is_needed = self.protocol.is_wanted or self._waiters or self._ended.is_set()
        return bool(self._session.connections) and not is_needed

    def _attempt(self) -> NetworkError | UpgradeRefused:
        self._session.begin()
        try:
            connection = self._connect(
                self._dial.url,
                self._dial.headers(),
                heard=self.protocol.heard,
                timeout=self._dial.timeout,
            )
        except (NetworkError, UpgradeRefused) as failure:
            return failure
        connection = tapped(connection, self._dial)
        try:
            return self._serve(connection)
        finally:
            connection.close()

    def _serve(self, connection: Connection) -> NetworkError:
        """Use a connection until it breaks; that error."""
        failure: NetworkError = self._session.closed()
        reason = "closed"
        with self.lock:
            self._connection = connection
            events = list(self.protocol.connection_made())
            reconnected = self._session.made()
            self._emit([*events, reconnected] if reconnected else events)
            self._changed.notify_all()
        try:
            self._read(connection)
        except NetworkError as error:
            failure, reason = error, str(error)
        except Exception as error:
            reason = type(error).__name__
            raise
        finally:
            with self.lock:
                self._connection = None
                # Before the goodbye, which may take a while: what was told holds no more.
                ended(connection, reason)
                self._session.broke()
                self._emit(self.protocol.connection_lost(reason))
        return failure

    def _read(self, connection: Connection) -> None:
        protocol = self.protocol
        while not self._ended.is_set():
            with self.lock:
                self._emit(protocol.poll())
                broken = protocol.broken
                data = protocol.data_to_send()
                wait = max(_SHORTEST, protocol.next_poll())
            if broken:
                raise ConnectionLost(f"the stream was given up: {broken}")
            for text in data:
                connection.send(text)
            if frames := connection.recv(wait):
                self._deliver(frames)

    def _deliver(self, frames: Sequence[str | bytes]) -> None:
        with self.lock:
            events = self.protocol.receive_all(frames)
            if events and not self._ended.is_set():
                self._sink(events)
            if self._waiters:
                self._changed.notify_all()

    # -- telling --------------------------------------------------------------------

    def _told(self) -> str:
        with self.lock:
            return self.protocol.health().last_error

    def _emit(self, events: Iterable[StreamEvent]) -> None:
        # What the end itself brings about is no news.
        if (found := list(events)) and not self._ended.is_set():
            self._sink(found)
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._ended.is_set():
                return
            try:
                job()
            except Exception as error:  # noqa: BLE001 - told to everybody who waits
                self._stop(error)

    def _stop(self, error: Exception | None) -> None:
        """Come to the end, once; everybody who waits is told."""
        with self.lock:
            if self._ended.is_set():
                return
            self._ended.set()
            error = self.error = self._session.typed(error)
            self._session.stop(error, self._told())
            self._jobs.put(None)
            self._changed.notify_all()
            self.flush()
            try:
                self._on_stop(error)
            except Exception:  # noqa: BLE001 - the end must come all the same
                _log.exception("on_stop of the stream has failed")
        atexit.unregister(self.close)


def _thread(target: Callable[[], None], name: str) -> Thread:
    thread = Thread(target=target, name=f"unified-exchanges-{name}", daemon=True)
    thread.start()
    return thread
