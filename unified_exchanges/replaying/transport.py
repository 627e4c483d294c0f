"""Transports that own no socket: a recording answers."""

from __future__ import annotations

import asyncio

from ..errors import BadRequest
from ..flow import Request, Response
from .answers import Answers
from .clock import ReplayClock
from .timeline import Timeline
from .waiting import wait

__all__ = ["AsyncReplayTransport", "ReplayTransport"]


class _Replay:
    def __init__(
        self, answers: Answers, clock: ReplayClock, timeline: Timeline | None = None
    ) -> None:
        self.answers = answers
        self.clock = clock
        self._timeline = timeline
        self._is_closed = False

    def _close(self) -> None:
        self._is_closed = True
        if self._timeline is not None:
            self._timeline.close()

    def _check(self) -> None:
        if self._is_closed:
            raise BadRequest("this transport is closed; make a new exchange")

    @property
    def timeline(self) -> Timeline | None:
        """What answers belong into, once a stream is replayed."""
        timeline = self._timeline
        return timeline if timeline is not None and timeline.is_begun else None


class ReplayTransport(_Replay):
    """Answers from a recording; sleeping moves its clock."""

    def send(self, request: Request) -> Response:
        """Give the next recorded answer; raises `NotRecorded` where there is none."""
        self._check()
        timeline = self.timeline
        if timeline is None:
            return self.answers.answer(request)
        entry, turn = timeline.claim(request)
        timeline.wait(turn)
        return self.answers.told(entry)

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        timeline = self.timeline
        if timeline is None:
            self.clock.advance(seconds)
        else:
            timeline.wait(timeline.sleeping(seconds))

    def close(self) -> None:
        """Refuse further requests, and let go of the recording."""
        self._close()


class AsyncReplayTransport(_Replay):
    """The same for an event loop; every request and sleep lets other tasks run."""

    async def send(self, request: Request) -> Response:
        """Give the next recorded answer; raises `NotRecorded` where there is none."""
        await asyncio.sleep(0)
        self._check()
        timeline = self.timeline
        if timeline is None:
            return self.answers.answer(request)
        entry, turn = timeline.claim(request)
        await wait(timeline, turn)
        return self.answers.told(entry)

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        timeline = self.timeline
        if timeline is None:
            self.clock.advance(seconds)
            await asyncio.sleep(0)
        else:
            await wait(timeline, timeline.sleeping(seconds))

    async def close(self) -> None:
        """Refuse further requests, and let go of the recording."""
        self._close()
