"""Transports that answer in memory: fast, deterministic, on a virtual clock.

Both flavours do the same; they differ in ``async`` and ``await`` only.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

import attrs

from ..clock import VirtualClock
from ..errors import BadRequest, NetworkError, RequestTimeout
from ..flow import Request, Response
from ..simulator.faults import FaultPlan, FaultyVenue

__all__ = ["AsyncScriptedTransport", "Lagging", "Line", "ScriptedTransport", "Server"]

Line: TypeAlias = "Response | NetworkError | Callable[[Request], Response]"
"""One answer of a script: given, raised, or made from the request."""


class Server(Protocol):
    """Whatever answers requests in memory, such as a simulated venue."""

    def handle(self, request: Request) -> Response:
        """Answer a request, or raise `NetworkError` in place of an answer."""
        ...


class _Lines:
    """A script: answers given in order, whatever is asked."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.left = deque(lines)

    def handle(self, request: Request) -> Response:
        if not self.left:
            asked = f"{request.method} {request.target}"
            raise AssertionError(f"the script has ended, but {asked} was sent")
        line = self.left.popleft()
        if isinstance(line, NetworkError):
            raise line
        return line if isinstance(line, Response) else line(request)


class Lagging:
    """A server for `FaultyVenue`; only a venue with a memory can show the past."""

    def __init__(self, server: Server) -> None:
        self._server: Any = server

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        options = {"lag": lag} if lag else {}
        answer: Response = self._server.handle(request, **options)
        return answer


class _Script:
    """What both flavours share: the answers, the clock, and the record of it all."""

    has_streams = False

    def __init__(
        self,
        source: Server | Iterable[Line],
        *,
        faults: FaultPlan | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.faults = faults
        self.requests: list[Request] = []
        self.sleeps: list[float] = []
        self._closed = False
        self._lock = threading.RLock()
        self._lines = _Lines(source if isinstance(source, Iterable) else ())
        self._server = self._lines if isinstance(source, Iterable) else source
        if faults is not None:
            venue = Lagging(self._server)
            self._server = FaultyVenue(venue, faults, self.clock)

    @property
    def remaining(self) -> int:
        """How many answers of a script were not asked for yet."""
        return len(self._lines.left)

    def _perform(self, request: Request) -> Response:
        with self._lock:
            if self._closed:
                raise BadRequest("this transport is closed; make a new exchange")
            if request.check is not None:
                request.check()
            self.requests.append(request)
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        started = self.clock.monotonic()
        response = self._server.handle(request)
        elapsed = self.clock.monotonic() - started
        if elapsed > request.timeout:
            raise _late(request)
        return attrs.evolve(response, elapsed=elapsed) if elapsed else response

    def _fall_asleep(self, seconds: float) -> float:
        with self._lock:
            self.sleeps.append(seconds)
            return self.clock.monotonic() + seconds

    def _wake(self, at: float) -> None:
        # Sleepers side by side share the time: one may have moved the clock already.
        with self._lock:
            self.clock.advance(max(at - self.clock.monotonic(), 0.0))


class ScriptedTransport(_Script):
    """Answers from a script or from a simulated venue, without a socket.

    ``source`` is a list of answers to give in order, or an object with ``handle``;
    ``faults`` is a plan of what goes wrong on the way.  ``requests`` and ``sleeps`` tell
    what was asked; ``clock`` is moved by ``sleep`` and by slow answers, so pass it to the
    exchange as well.

    >>> transport = ScriptedTransport([Response(200, {}, b"{}")])
    >>> transport.send(Request("GET", "https://venue.test/status")).body
    b'{}'
    >>> transport.sleep(5)
    >>> transport.sleeps
    [5]
    """

    def send(self, request: Request) -> Response:
        """Answer with the next line of the script, or ask the venue."""
        return self._perform(request)

    def sleep(self, seconds: float) -> None:
        """Move the clock instead of waiting."""
        self._wake(self._fall_asleep(seconds))

    def close(self) -> None:
        """Refuse further requests."""
        self._closed = True


class AsyncScriptedTransport(_Script):
    """The same for async exchanges; every request and sleep lets other tasks run."""

    async def send(self, request: Request) -> Response:
        """Answer with the next line of the script, or ask the venue."""
        await asyncio.sleep(0)
        return self._perform(request)

    async def sleep(self, seconds: float) -> None:
        """Move the clock instead of waiting."""
        wake_at = self._fall_asleep(seconds)
        await asyncio.sleep(0)
        self._wake(wake_at)

    async def close(self) -> None:
        """Refuse further requests."""
        self._closed = True


def _late(request: Request) -> RequestTimeout:
    asked = f"{request.method} {request.url}"
    return RequestTimeout(f"{asked}: no answer within {request.timeout:g} s")
