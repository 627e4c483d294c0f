"""The stream of a blocking exchange that a recording answers: no thread, and no socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty
from threading import current_thread
from types import TracebackType
from typing import Any, Self, TypeVar

from ..drivers.blocking import BlockingDriver
from ..errors import BadRequest, NotRecorded
from ..models import Subject
from ..replaying import Audience, Player, Timeline, Turn
from ..replaying.player import LocalPlayer
from ..streams.line import Line
from ..venue import Venue
from . import misuse
from .blocking import Watch
from .feed import Feed
from .follower import Follower
from .handed import Handed
from .hub import Hub
from .job import Job
from .listener import Listener
from .mailbox import Mailbox, Policy
from .relay import Relay

__all__ = ["ReplayHub", "check_told", "made_player", "timeline_of"]

T = TypeVar("T")


class ReplayHub(Hub):
    """As `Hub`; whoever waits for something plays the recording until it comes."""

    def __init__(
        self,
        venue: Venue,
        rest: BlockingDriver,
        listener: Listener | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        self._timeline = timeline_of(venue)
        self._venue = venue
        self._is_here = line is not None and line.is_here
        self._is_begun = False
        self._player: Player | None = None
        super().__init__(venue, rest, listener, line=line)

    def _opened(self, venue: Venue, line: Line) -> Player:
        self._player = made_player(
            self._timeline,
            self._feed,
            venue,
            line,
            jobs=self._jobs,
            stopped=self._stopped,
        )
        return self._player

    def watch(
        self,
        subject: Subject,
        market_ids: Sequence[str] | None,
        *,
        outcome: str | None,
        policy: Policy,
        events: bool,
        keeps: object = None,
    ) -> Watch[Any]:
        """Follow something from now on; raises `NotRecorded` where nothing is known of it."""
        self._check(subject, market_ids, outcome)
        return super().watch(
            subject,
            market_ids,
            outcome=outcome,
            policy=policy,
            events=events,
            keeps=keeps,
        )

    def keep(self) -> None:
        """Follow orders and fills for the listener, until `release`."""
        for subject in (Subject.ORDERS, Subject.FILLS):
            self._check(subject, None, None)
        super().keep()

    def _check(
        self, subject: Subject, market_ids: Sequence[str] | None, outcome: str | None
    ) -> None:
        check_told(
            self._timeline, self._venue, subject, market_ids, outcome, self._is_here
        )

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Handed:
        """Hand on all that is told of markets; raises `NotRecorded` if nothing is."""
        self._check(subject, market_ids, None)
        return super().feed(subject, market_ids, hear)

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

    def note_leaving(self, follower: Follower) -> None:
        """Let a watch go soon; safe to call from anywhere, at any time."""
        super().note_leaving(follower)
        self._ring()

    def _bell(self) -> Demand:
        return Demand(self._timeline)

    def _start(self) -> None:
        with self._lock:
            if not self._is_begun:
                self._is_begun = True
                self._begin()

    def _ring(self) -> None:
        if self._player is not None:
            self._player.ring()

    def _perform(self, job: Job[Any]) -> None:
        assert self._player is not None
        self._player.perform(job)

    def _jobs(self) -> list[Job[Any]]:
        """What is due to be read, after those who left have."""
        while True:
            try:
                follower = self._notes.get_nowait()
            except Empty:
                return self._feed.jobs()
            if follower is not None:
                self._feed.leave(follower)


class Demand:
    """What one watch waits with: it plays the recording until there is something for it."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._turns: list[Turn] = []
        timeline.attendance.expect(self, current_thread())

    def __enter__(self) -> Self:
        self._timeline.lock.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timeline.lock.release()

    def notify_all(self) -> None:
        """There is something to take, or the end."""
        for turn in self._turns:
            turn.ring()

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until there is, for so many seconds of the recording at the most."""
        timeline = self._timeline
        timeline.attendance.take_part(self, current_thread())
        until = timeline.moment(timeout)
        while True:
            found = predicate()
            if found:
                return found
            turn = Turn()
            self._turns.append(turn)
            try:
                is_there = timeline.wait(turn, until)
            finally:
                self._turns.remove(turn)
            if not is_there:
                return predicate()


def timeline_of(venue: Venue) -> Timeline:
    """The recording as it is played; raises `NotRecorded` where it has no streams, or ended."""
    timeline = venue.taps.timeline
    if timeline is None:
        raise NotRecorded(
            "a cassette holds requests only, and no stream: make a recording with Recorder "
            "or unified-exchanges record. Nothing was sent"
        )
    timeline.check_open()
    return timeline


def check_told(
    timeline: Timeline,
    venue: Venue,
    subject: Subject,
    market_ids: Sequence[str] | None,
    outcome: str | None,
    is_here: bool,  # noqa: FBT001 - of a line
) -> None:
    """Refuse what the recording does not tell; of a line of this process, only its end."""
    if is_here:
        timeline.check_open()
    else:
        timeline.check(venue.on_the_wire, subject, market_ids, outcome)


def made_player(
    timeline: Timeline,
    feed: Feed,
    venue: Venue,
    line: Line,
    *,
    jobs: Callable[[], list[Job[Any]]],
    stopped: Callable[[Exception | None], None],
) -> Player:
    """What drives a protocol by a recording."""
    kind = LocalPlayer if line.is_here else Player
    hear = partial(timeline.early.hear, feed.handle)
    return kind(
        timeline,
        Relay(feed.protocol, hear),
        feed.protocol,
        line.dial,
        policy=venue.settings.stream,
        clock=venue.clock,
        rng=venue.rng,
        audience=Audience(
            hear=hear,
            tell=feed.handle,
            work=jobs,
            delay=feed.delay,
            look=venue.monitor.look,
            stopped=stopped,
        ),
    )
