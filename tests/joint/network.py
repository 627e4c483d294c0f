"""What is between a process and the venue: it may be slow, or show the past."""

from __future__ import annotations

from typing import Any

from unified_exchanges.errors import ConnectionLost, RequestTimeout
from unified_exchanges.flow import Request, Response

from .world import Late, World

__all__ = ["Network"]


class Network:
    """Hands requests to the venue, some of them late."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.late = 0
        """How many of the next writes are given up before they arrive."""
        self.late_by = 0.0
        self.lag = 0.0
        self.lag_until = 0.0
        self.arrivals: list[str] = []
        """Client order ids of the orders that arrived, as often as they did."""

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        venue, clock = self._world.venue, self._world.clock
        if request.method == "GET":
            shows = self.lag if clock.monotonic() < self.lag_until else 0.0
            return venue.handle(request, lag=max(lag, shows))
        if self.late:
            self.late -= 1
            due = clock.monotonic() + self.late_by
            self._world.under_way.append(Late(due, lambda: self._arrive(request)))
            if self.late % 2:
                raise ConnectionLost("connection reset by peer")
            clock.advance(request.timeout)
            raise RequestTimeout("no answer within the timeout")
        return self._arrive(request)

    def _arrive(self, request: Request) -> Response:
        self.arrivals += self._world.created(request)
        answer = self._world.venue.handle(request)
        self._world.house.hear(request, answer)
        return answer

    def connect(self, request: Request) -> Any:
        return self._world.venue.connect(request)

    def advance(self) -> None:
        self._world.venue.advance()
