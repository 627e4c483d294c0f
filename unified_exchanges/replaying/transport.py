"""Transports that own no socket: a recording answers."""

from __future__ import annotations

import asyncio

from ..errors import BadRequest
from ..flow import Request, Response
from .answers import Answers
from .clock import ReplayClock

__all__ = ["AsyncReplayTransport", "ReplayTransport"]


class _Replay:
    def __init__(self, answers: Answers, clock: ReplayClock) -> None:
        self.answers = answers
        self.clock = clock
        self._is_closed = False

    def _answer(self, request: Request) -> Response:
        if self._is_closed:
            raise BadRequest("this transport is closed; make a new exchange")
        return self.answers.answer(request)


class ReplayTransport(_Replay):
    """Answers from a recording; sleeping moves its clock."""

    def send(self, request: Request) -> Response:
        """Give the next recorded answer; raises `NotRecorded` where there is none."""
        return self._answer(request)

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.clock.advance(seconds)

    def close(self) -> None:
        """Refuse further requests."""
        self._is_closed = True


class AsyncReplayTransport(_Replay):
    """The same for an event loop; every request and sleep lets other tasks run."""

    async def send(self, request: Request) -> Response:
        """Give the next recorded answer; raises `NotRecorded` where there is none."""
        await asyncio.sleep(0)
        return self._answer(request)

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Refuse further requests."""
        self._is_closed = True
