"""A toy venue with a stream: what a test says is what its clients hear."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from unified_exchanges.flow import Request, Response

__all__ = ["Stage", "ToySession", "frame"]


def frame(kind: str = "tick", **more: Any) -> str:
    """A frame as text."""
    return json.dumps({"type": kind, **more}, separators=(",", ":"))


class ToySession:
    """Says what it is told to say, and remembers what it heard."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.closing: int | None = None
        self.heard: list[str | bytes] = []
        self.is_closed = False
        self._waiting: list[str] = []

    def say(self, *frames: str) -> None:
        self._waiting += frames
        self.wake()

    def receive(self, data: str | bytes) -> None:
        self.heard.append(data)
        if data == "boom":
            raise LookupError(data)

    def data_to_send(self) -> list[str]:
        frames, self._waiting = self._waiting, []
        return frames

    def refuse(self, data: str | bytes, code: int) -> None:
        self.say(frame("error", msg={"code": code, "to": str(data)}))

    def fail(self, sid: int, code: int) -> None:
        self.say(frame("error", sid=sid, msg={"code": code}))

    def close(self) -> None:
        self.is_closed = True


class Stage:
    """Opens a session for whoever asks with no ``refused`` in the path."""

    def __init__(self) -> None:
        self.sessions: list[ToySession] = []
        self.requests: list[Request] = []
        self.advances = 0

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.requests.append(request)
        return Response(404, {}, b"no such thing")

    def connect(self, request: Request) -> Response | ToySession:
        self.requests.append(request)
        if "refused" in request.url:
            return Response(401, {"content-type": "text/plain"}, b"not you")
        self.sessions.append(ToySession())
        return self.sessions[-1]

    def advance(self) -> None:
        self.advances += 1
