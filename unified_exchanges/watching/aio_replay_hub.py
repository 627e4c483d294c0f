"""The stream of an asynchronous exchange that a recording answers: no socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

from ..drivers.aio import AsyncDriver
from ..errors import BadRequest
from ..models import Subject
from ..replaying import Player, Timeline, Turn
from ..replaying.waiting import expect, take_part, wait
from ..streams.line import Line
from ..venue import Venue
from . import misuse
from .aio_hub import AsyncHub
from .handed import Handed
from .job import Job
from .listener import Listener
from .mailbox import Mailbox
from .replay_hub import check_told, made_player, timeline_of
from .seat import Bell, Seat, Wish

__all__ = ["AsyncReplayHub"]

_UNTIL: ContextVar[int | None] = ContextVar("until", default=None)
"""The moment of the recording up to which the task waits."""


class AsyncReplayHub(AsyncHub):
    """As `AsyncHub`; whoever waits for something plays the recording until it comes."""

    _stream: Player

    def __init__(
        self,
        venue: Venue,
        rest: AsyncDriver,
        listener: Listener | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        self._timeline = timeline_of(venue)
        self._venue = venue
        self._is_here = line is not None and line.is_here
        super().__init__(venue, rest, listener, line=line)

    def _opened(self, venue: Venue, line: Line) -> Player:
        self._player = made_player(
            self._timeline,
            self._feed,
            venue,
            line,
            jobs=self._feed.jobs,
            stopped=self._stopped,
        )
        return self._player

    def seat(self, wish: Wish) -> Seat:
        """Join the followers; raises `NotRecorded` where nothing is known of the wish."""
        self._check(wish.subject, wish.market_ids, wish.outcome)
        return super().seat(wish)

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Handed:
        """Hand on all that is told of markets; raises `NotRecorded` if nothing is."""
        self._check(subject, market_ids, None)
        return super().feed(subject, market_ids, hear)

    def _check(
        self, subject: Subject, market_ids: Sequence[str] | None, outcome: str | None
    ) -> None:
        check_told(
            self._timeline, self._venue, subject, market_ids, outcome, self._is_here
        )

    def keep(self) -> None:
        """Follow orders and fills for the listener, until `release`."""
        for subject in (Subject.ORDERS, Subject.FILLS):
            self._check(subject, None, None)
        super().keep()

    def over(self) -> BadRequest:
        """What who asks more of a watch that has ended is told."""
        timeline = self._timeline
        if timeline.is_over:
            return misuse.played(timeline.streams.file)
        return super().over()

    def is_past(self, mailbox: Mailbox[Any]) -> bool:
        """Also where nothing was told a loop ends with the recording, once."""
        has_ended = mailbox.has_told_end or not self._timeline.is_over
        return has_ended and super().is_past(mailbox)

    def within(
        self, seconds: float | None
    ) -> AbstractAsyncContextManager[object, bool | None]:
        """Raise TimeoutError for what takes longer, by the clock of the recording."""
        return _Within(self._timeline.moment(seconds))

    async def aclose(self) -> None:
        """Tell no more; watches deliver what waits, and end."""
        self._player.close()

    def _bell(self) -> Bell:
        return _Demand(self._timeline)

    def _start(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            self._begin()
        self._player.flush()

    def _begin(self) -> None:
        if self._prepare is None:
            self._player.start()
            return
        self._player.perform(
            Job(self._prepare(), lambda _: self._player.start(), self._stop_with)
        )

    def _set_work(self) -> None:
        if (player := vars(self).get("_player")) is not None:
            player.ring()


class _Demand(Bell):
    """A bell whose waiters play the recording until it rings."""

    __slots__ = ("__weakref__", "_timeline", "_turns")

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self._turns: list[Turn] = []
        expect(timeline, self)

    def ring(self) -> None:
        """Something came, or the end."""
        for turn in self._turns:
            turn.ring()

    def note_taker(self) -> None:
        """Have time wait for the task from now on."""
        take_part(self._timeline, self)

    async def wait(self) -> None:
        """Wait for that."""
        turn = Turn()
        self._turns.append(turn)
        until = _UNTIL.get()
        try:
            is_there = await wait(self._timeline, turn, until)
        finally:
            self._turns.remove(turn)
        if not is_there and not self._timeline.is_over:
            raise TimeoutError


class _Within:
    """Says up to when a task waits."""

    def __init__(self, until: int | None) -> None:
        self._until = until

    async def __aenter__(self) -> None:
        self._token: Token[int | None] = _UNTIL.set(self._until)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _UNTIL.reset(self._token)
