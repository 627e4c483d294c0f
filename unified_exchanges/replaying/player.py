"""One stream of the program that replays: its protocol, driven by a recording."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ..clock import Clock
from ..errors import ConnectionLost, NotRecorded, UnifiedExchangesError
from ..flow import Flow
from ..models import StreamHealth
from ..policy import StreamPolicy
from ..streams.protocol import StreamEvent, StreamProtocol
from ..streams.session import Dial, Session
from .counterpart import Move
from .errands import Errand

if TYPE_CHECKING:
    from .links import Link
    from .timeline import Timeline

__all__ = ["NEVER", "Audience", "LocalPlayer", "Player", "Work"]

_log = logging.getLogger(__name__)

NEVER: Final = 1 << 62
_SECOND: Final = 1_000_000_000
_SHORTEST: Final = 5_000_000
"""Nanoseconds between two polls at least, whatever a protocol says."""
_SOON: Final = 50_000_000
"""Nanoseconds until a look at what is due that a message may be waited for with.

Live such a look was late by the time that a thread takes to begin, and so found what came
a moment later; the next one here would be later than the reads that were made then."""
_LONGEST: Final = 1e8
"""Seconds that are as good as never."""
_TURNS: Final = 1_000
"""How often a program may answer to what it is answered, before time goes on."""


class Work(Protocol):
    """A flow to run, and whom to tell what came of it."""

    @property
    def flow(self) -> Flow[Any]:
        """The flow."""
        ...

    @property
    def done(self) -> Callable[[Any], None]:
        """Told its result."""
        ...

    @property
    def failed(self) -> Callable[[Exception], None]:
        """Told its error."""
        ...


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Audience:
    """Who is told what a stream tells; all of it is called under the lock.

    ``work`` is what is due to be read, and ``delay`` seconds until there may be more;
    ``look`` is called whenever that was asked.  ``tell`` tells, where ``hear`` may keep it
    for a while.
    """

    hear: Callable[[Iterable[StreamEvent]], None]
    tell: Callable[[Iterable[StreamEvent]], None]
    work: Callable[[], Sequence[Work]]
    delay: Callable[[], float]
    look: Callable[[], None]
    stopped: Callable[[Exception | None], None]


class Player:
    """Drives a protocol as a driver of streams does; see `Timeline` for when.

    ``protocol`` is what the driver would be given, and tells its events itself;
    ``inner`` is the venue's own.
    """

    def __init__(
        self,
        timeline: Timeline,
        protocol: StreamProtocol,
        inner: StreamProtocol,
        dial: Dial,
        *,
        policy: StreamPolicy,
        clock: Clock,
        rng: random.Random,
        audience: Audience,
    ) -> None:
        self.protocol = protocol
        self.lock: RLock = timeline.lock
        self.url = dial.url.partition("?")[0]
        self.due = NEVER
        """When it wants to be polled, on the clock of the timeline."""
        self.link: Link | None = None
        self.is_stopped = False
        self.is_begun = False
        self.error: Exception | None = None
        self._timeline = timeline
        self._inner: Any = inner
        self._session = Session(dial, policy, clock, rng)
        self._audience = audience
        self._has_work = True
        self._work_due = NEVER
        self._has_missed = False
        self._is_concurrent = timeline.streams.header.flavour == "async"
        self._waiting: deque[Work] = deque()
        self._is_busy = False

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
        """Begin to play; does nothing if it has begun."""
        with self.lock:
            if not self.is_begun and not self.is_stopped:
                self.is_begun = True
                self._session.begin()
                self._timeline.join(self)

    def ring(self) -> None:
        """There may be something to read."""
        self._has_work = True

    def flush(self) -> None:
        """Send what the protocol has to send, and begin what is due."""
        with self.lock:
            self._settle()

    def perform(self, work: Work) -> None:
        """Run a flow; its requests are answered when the recording says so.

        One after another, if the recorded exchange did so: which of two reads that are the
        same was made by whom, the recording does not say.
        """
        self._waiting.append(work)
        self._perform_next()

    def _perform_next(self) -> None:
        while self._waiting and not (self._is_busy and not self._is_concurrent):
            self._is_busy = True
            self._begin(self._waiting.popleft())

    def _begin(self, work: Work) -> None:
        def done(result: Any) -> None:
            self._is_busy = False
            work.done(self._timeline.early.read(self._audience.tell, result))

        def failed(error: Exception) -> None:
            self._is_busy = False
            work.failed(error)

        errand = Errand(
            flow=work.flow,
            done=done,
            failed=failed,
            answers=self._timeline.answers,
            times=self._timeline,
            missed=self._missed,
            after=self._resumed,
        )
        errand.begin()

    @staticmethod
    def run_beside(job: Callable[[], None]) -> None:
        """Run a job, at once: nothing is beside anything here."""
        job()

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self._stop(error)

    def close(self) -> None:
        """End; closing twice is allowed."""
        self._stop(None)

    # -- what the recording says ----------------------------------------------------

    def connected(self, link: Link) -> None:
        """A connection was made."""
        self.link = link
        events = list(self.protocol.connection_made())
        reconnected = self._session.made()
        self._audience.hear([*events, reconnected] if reconnected else events)
        self._settle()

    def receive(self, frames: Sequence[str | bytes]) -> None:
        """Messages came."""
        self._hear(frames)
        self._settle()

    def move(self, move: Move) -> None:
        """Whoever was recorded left something, or took it up again."""
        self._audience.hear(move(self._inner))
        self._settle()

    def lost(self, reason: str) -> None:
        """The connection has ended."""
        self.link = None
        self._session.broke()
        self._audience.hear(self.protocol.connection_lost(reason))
        self._session.failed(ConnectionLost(reason), self.protocol.health().last_error)
        self._session.begin()
        self._settle()

    def tick(self) -> None:
        """Time has passed."""
        # As long as the recording does not say otherwise, the line was alive: pings are in
        # none.
        self.protocol.heard()
        self._has_work = self._has_work or self._timeline.passed >= self._work_due
        self._settle()

    def missed(self, reason: str) -> None:
        """A message that came is not in the recording: nobody knows what it changed."""
        link = self.link
        if link is not None:
            self.lost(reason)
            self.connected(link)

    # -- within ---------------------------------------------------------------------

    def _hear(self, frames: Sequence[str | bytes]) -> None:
        events = self.protocol.receive_all(frames)
        if events:
            self._audience.hear(events)
        if self._work_due - self._timeline.passed <= _SOON:
            self._has_work = True

    def _missed(self, error: NotRecorded) -> None:
        """A read was not recorded; it is passed over, and that is said once."""
        if not self._has_missed:
            self._has_missed = True
            _log.warning(
                "reads that the stream %s would make beside it, and that were not made "
                "when it was recorded, are passed over; the first: %s",
                self.url,
                error,
            )

    def _resumed(self) -> None:
        if not self.is_stopped:
            self._perform_next()
            self._has_work = True
            self._settle()

    def _settle(self) -> None:
        """Let the program do all that it does at once."""
        if self.is_stopped or not self.is_begun:
            return
        for _ in range(_TURNS):
            if not (self._speak() | self._work()):
                break
        if self._inner.broken:
            # That it was given up is told where it was.
            self._inner.broken = ""
        due = self._work_due
        if self.link is not None:
            wait = self.protocol.next_poll()
            if wait < _LONGEST:
                span = max(_SHORTEST, int(wait * _SECOND))
                due = min(due, self._timeline.passed + span)
        self.due = due

    def _speak(self) -> bool:
        link = self.link
        if link is None:
            return False
        events = self.protocol.poll()
        if events:
            self._audience.hear(events)
        texts = self.protocol.data_to_send()
        for text in texts:
            answers = self._timeline.asked(link, text)
            if answers:
                self._hear(answers)
        return bool(texts)

    def _work(self) -> bool:
        if not self._has_work:
            return False
        self._has_work = False
        audience = self._audience
        for work in audience.work():
            self.perform(work)
        wait = audience.delay()
        self._work_due = NEVER
        if wait < _LONGEST:
            span = max(_SHORTEST, int(wait * _SECOND))
            self._work_due = self._timeline.passed + span
        audience.look()
        return True

    def _stop(self, error: Exception | None) -> None:
        with self.lock:
            if self.is_stopped:
                return
            self.is_stopped = True
            told = self.error = self._typed(error)
            self._session.stop(told, self.protocol.health().last_error)
            self._timeline.leave(self)
            try:
                self._audience.stopped(told)
            except Exception:  # noqa: BLE001 - the end must come all the same
                _log.exception("on_stop of the stream has failed")

    def _typed(self, error: Exception | None) -> UnifiedExchangesError | None:
        return error if isinstance(error, NotRecorded) else self._session.typed(error)


class LocalPlayer(Player):
    """Drives a stream that this process tells itself: no connection of it was recorded.

    Its protocol has ``hang``, which is given a bell to be rung when there is news.
    """

    is_rung = False

    def start(self) -> None:
        """Begin to listen; does nothing if it has begun."""
        with self.lock:
            if self.is_begun or self.is_stopped:
                return
            self.is_begun = True
            self._session.begin()
            self._inner.hang(self._rang)
            if not self._timeline.join_here(self):
                self.close()
                return
            events = list(self.protocol.connection_made())
            self._session.made()
            self._audience.hear(events)
            self._settle()

    def _rang(self) -> None:
        # In whatever thread, and maybe under another lock: only leave a note.
        self.is_rung = True

    def tick(self) -> None:
        """There is news, or it is time for some."""
        self.is_rung = False
        super().tick()

    def _settle(self) -> None:
        super()._settle()
        wait = self.protocol.next_poll()
        if wait < _LONGEST and self.is_begun and not self.is_stopped:
            self.due = min(self.due, self._timeline.passed + int(wait * _SECOND) + 1)

    def _speak(self) -> bool:
        events = self.protocol.poll()
        if events:
            self._audience.hear(events)
        return bool(events)
