"""A simulated venue and its faults in process: what a transport would get to see."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urlsplit

from ...errors import ConnectionLost, RequestTimeout
from ...flow import Request, Response
from ..sessions import StreamingVenue
from .frames import StreamPlan
from .requests import Delivery, Fault, FaultPlan, Venue, tell
from .streams import FaultyStream

__all__ = ["FaultyVenue", "Moving"]


class Moving(Protocol):
    """A virtual clock."""

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        ...


class FaultyVenue:
    """A venue with a fault plan, in process: for transports that ask ``handle``.

    Raises the `NetworkError` that a transport would raise; what takes time moves
    ``clock`` by it, at most by the request's timeout.
    """

    def __init__(
        self,
        venue: Venue,
        plan: FaultPlan,
        clock: Moving,
        *,
        streams: StreamPlan | None = None,
    ) -> None:
        self._venue = venue
        self._plan = plan
        self._clock = clock
        self._streams = streams or StreamPlan()

    def handle(self, request: Request) -> Response:
        """Answer a request, or raise `NetworkError` in place of an answer."""
        return self._answer(request, self._plan.take(request.method, request.url))

    def connect(self, request: Request) -> Response | FaultyStream:
        """Open a stream; the request of its upgrade meets faults like any other."""
        venue, fault = self._venue, self._plan.take(request.method, request.url)
        is_late = fault is not None and fault.kind == "delay"
        if not isinstance(venue, StreamingVenue) or (fault and not is_late):
            return self._answer(request, fault)
        self._wait(fault.seconds if fault else 0.0, request)
        session = venue.connect(request)
        if isinstance(session, Response):
            return session
        return FaultyStream(session, self._streams, self._clock)

    def _answer(self, request: Request, fault: Fault | None) -> Response:
        delivery = tell(self._venue, request, fault)
        self._wait(_duration(delivery), request)
        response = delivery.response
        if response is None:
            raise _lost(request, "the connection was reset")
        if delivery.ending == "truncated":
            raise _lost(request, "the answer broke off")
        if response.headers.get("content-encoding") == "gzip":
            raise _lost(request, "the answer is not gzip")
        return response

    def _wait(self, seconds: float, request: Request) -> None:
        if seconds > request.timeout:
            self._clock.advance(request.timeout)
            raise _late(request)
        if seconds:
            self._clock.advance(seconds)


def _duration(delivery: Delivery) -> float:
    if delivery.ending == "stalled":
        return float("inf")
    body = delivery.response.body if delivery.response else b""
    return delivery.delay + delivery.pace * len(body)


def _lost(request: Request, story: str) -> ConnectionLost:
    return ConnectionLost(f"{_asked(request)}: {story}", **_context(request))


def _late(request: Request) -> RequestTimeout:
    message = f"{_asked(request)}: no answer within {request.timeout:g} s"
    return RequestTimeout(message, **_context(request))


def _asked(request: Request) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


def _context(request: Request) -> dict[str, Any]:
    return {"request": _asked(request), "maybe_executed": not request.is_read}
