"""What happens in a replay, one thing after another, as fast as it is asked for.

A recording is read in its order, line by line, and never held in memory.  Time stands
still as long as the program does something; it goes on to what was recorded next, or to
what the library has planned before that, when everybody who takes part waits: for an item
of a watch, for an answer, or for time to pass.  Nobody ever sleeps for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import count
from threading import current_thread
from typing import Final

from .. import fork
from ..errors import NotRecorded
from ..flow import Flow, Request
from ..models import Subject
from ..recording.decoder import RecordingDecoder
from ..recording.format import (
    Closed,
    End,
    Frame,
    Line,
    Opened,
    Rest,
    Torn,
    Unanswered,
    Withheld,
)
from ..recording.line_clock import LineClock
from ..venue import Venue
from .agenda import Agenda
from .answers import Answers, Entry
from .attendance import GLANCE, OURS, Attendance, Turn
from .clock import ReplayClock
from .early import COMMANDS, Early
from .errands import Errand
from .lines import Lines
from .links import Link, Links
from .player import NEVER, LocalPlayer, Player
from .streams import Streams

__all__ = ["BREATH", "Timeline"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_MICROSECOND: Final = 1_000
BREATH: Final = 256
"""Steps after which others are let in, however long somebody waits."""


class Timeline:
    """Plays a recording to the streams and calls of one exchange.

    All of it is done under ``lock``, in the thread or task of whoever waits.
    ``decoder`` makes what reads a connection from its beginning.  Time passes by the
    recorder's monotonic clock, or ``by_receipt`` by the stamps of its wall clock, by which
    a backtest goes.
    """

    def __init__(
        self,
        streams: Streams,
        clock: ReplayClock,
        answers: Answers,
        *,
        decoder: Callable[[], RecordingDecoder],
        by_receipt: bool = False,
    ) -> None:
        self.streams = streams
        self.clock = clock
        self.answers = answers
        self.lock = fork.rlock()
        self.is_begun = self.is_over = False
        self.error: Exception | None = None
        """What ended it early."""
        self.has_run = False
        """Whether a run plays it, past whoever does not wait for it."""
        self.attendance = Attendance(self.lock)
        self._agenda = Agenda()
        self.early = Early(answers, self.when_passed)
        self._lines = Lines(streams.file, streams.header, by_receipt=by_receipt)
        self._links = Links(streams, self._lines, answers, decoder)

    @property
    def received(self) -> LineClock:
        """The clock of its lines, as far as they are read."""
        return self._lines.received

    @property
    def passed(self) -> int:
        """Nanoseconds that have passed."""
        return self.clock.passed

    # -- streams --------------------------------------------------------------------

    def check_open(self) -> None:
        """Refuse to watch what is over: raises `NotRecorded`."""
        if self.is_over:
            raise NotRecorded(
                f"the recording {self.streams.file} has come to its end, and tells nothing "
                "more: make another exchange to replay it anew"
            )

    def check(
        self,
        venue: Venue,
        subject: Subject,
        market_ids: Sequence[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Refuse to watch what is over, or was not followed: raises `NotRecorded`."""
        self.check_open()
        with self.lock:
            # The first who asks has what was listed read.
            self.streams.check(venue, subject, market_ids, outcome)

    def join(self, player: Player) -> None:
        """Play to a stream from now on."""
        if not self.is_begun:
            self._begin()
        self._links.players.append(player)
        if self.is_over:
            player.close()
        else:
            self._links.attach(player)

    def join_here(self, player: LocalPlayer) -> bool:
        """Have a stream of this process take part from now on; False once all is over."""
        if not self.is_begun:
            self._begin()
        self._links.players.append(player)
        self._links.here.append(player)
        return not self.is_over

    def leave(self, player: Player) -> None:
        """Play no more to a stream."""
        self._links.leave(player)
        self.attendance.wake()

    def asked(self, link: Link, text: str) -> list[bytes]:
        """A stream says something on its connection: what is answered at once."""
        return self._links.asked(link, text)

    # -- answers --------------------------------------------------------------------

    def when_answered(self, number: int, act: Callable[[], None]) -> bool:
        """Act when a recorded answer comes; False if it has come already."""
        return not self.is_over and self._agenda.when_answered(number, act)

    def when_passed(self, span: int, act: Callable[[], None]) -> None:
        """Act after so many nanoseconds."""
        self._agenda.at(self.passed + span, act)

    def claim(self, request: Request) -> tuple[Entry, Turn]:
        """What was recorded of a request of the program, and the turn to wait for it."""
        with self.lock:
            entry = self.answers.claim(request)
            turn = Turn()
            if not self.when_answered(entry.number, turn.ring):
                turn.ring()
            return entry, turn

    def promise(self, request: Request) -> bytes | None:
        """What was recorded of orders that are about to be placed; see `Answers.promise`.

        A run is answered by what is near, and who calls beside it by what comes next.
        """
        with self.lock:
            near = self.early.is_on and self.answers.promise(request, COMMANDS)
            return near or self.answers.promise(request)

    def sleeping(self, seconds: float) -> Turn:
        """The turn of somebody who lets time pass."""
        with self.lock:
            turn = Turn()
            self.when_passed(round(seconds * _SECOND), turn.ring)
            return turn

    def look(self, flow: Flow[None], ended: Callable[[Exception | None], None]) -> None:
        """Read what the library wants to know by itself; ``ended`` is told what it met.

        As with what streams read, the answer is there for the program all the same.
        """
        errand = Errand(
            flow=flow,
            done=lambda _: ended(None),
            failed=ended,
            answers=self.answers,
            times=self,
            missed=lambda error: _log.info("a read is passed over: %s", error),
            after=lambda: None,
        )
        with self.lock:
            errand.begin()

    # -- who waits ------------------------------------------------------------------

    @staticmethod
    def turn() -> Turn:
        """A turn of somebody who rings it by himself."""
        return Turn()

    def soon(self, seconds: float) -> int:
        """As `moment`, and never now: whoever looks again finds another time."""
        return self.passed + max(_MICROSECOND, round(seconds * _SECOND))

    def moment(self, seconds: float | None) -> int | None:
        """What the clock shows after so many seconds."""
        if seconds is None or seconds * _SECOND > NEVER:
            return None
        return self.passed + int(seconds * _SECOND)

    def wait(self, turn: Turn, until: int | None = None) -> bool:
        """Let time go on until a turn comes, in a thread; False if it does not by then."""
        me = current_thread()
        if me.name.startswith(OURS):
            # Of the library itself: whoever waits for it stands still.
            with self.lock:
                while not turn.is_rung and self.step(until):
                    pass
                return turn.is_rung
        attendance = self.attendance
        with self.lock:
            attendance.enter(me, turn)
            try:
                for step in count(1):
                    if turn.is_rung:
                        return True
                    if not attendance.may_go_on(me):
                        attendance.pause(GLANCE)
                    elif not self.step(until):
                        return turn.is_rung
                    if not step % BREATH:
                        attendance.pause(0)
            finally:
                attendance.enter(me, None)
        raise AssertionError  # pragma: no cover - it counts for ever

    # -- what happens ---------------------------------------------------------------

    @property
    def ahead(self) -> tuple[int, int]:
        """When the next line is played, and when the next that was planned happens."""
        if self.is_over:
            return NEVER, NEVER
        if not self.is_begun:
            return self.passed, NEVER
        lines = min([self._lines.due, *(x.due for x in self._links.players)])
        return lines, self._agenda.due

    def step(self, until: int | None = None) -> bool:
        """Let the next thing happen; False if there is nothing until then."""
        with self.lock:
            try:
                return self._step(NEVER if until is None else until)
            except Exception as error:  # noqa: BLE001 - told to everybody who watches
                _log.debug("the replay has ended early", exc_info=True)
                self._finish(error)
                return True

    def _step(self, until: int) -> bool:
        if self.is_over:
            if until < NEVER:
                self.clock.move(until)
            return False
        for here in self._links.here:
            if here.is_rung:
                here.tick()
                return True
        due, act = self._lines.due, self._agenda.due
        player = self._links.first
        planned = NEVER if player is None else player.due
        first = min(due, planned, act)
        if first > until:
            self.clock.move(until)
            return False
        if first == due:
            self._play()
        elif first == planned:
            assert player is not None
            self.clock.move(planned)
            player.tick()
        else:
            self.clock.move(act)
            self._agenda.do_next()
        return True

    def _begin(self) -> None:
        """Begin where the clock stands by what was asked until now."""
        self.is_begun = True
        for line in self._lines.begin(self.passed, self.clock.wall):
            self._take(line)

    def _play(self) -> None:
        line = self._lines.at_hand
        if line is not None and not isinstance(line, Torn):
            self.clock.move(self._lines.due, line.at)
        if line is None or isinstance(line, End | Torn):
            self._finish(None)
            return
        lines = self._lines.take()
        if isinstance(line, Frame) and line.direction == "in":
            self._links.hear(line.connection, lines)
        else:
            for each in lines:
                self._take(each)
        self._lines.plan(self.passed)

    def _take(self, line: Line) -> None:
        if isinstance(line, Rest | Unanswered):
            self._agenda.answered()
        elif isinstance(line, Frame | Opened | Closed | Withheld):
            self._links.take(line)

    def close(self) -> None:
        """Let go of the recording: for whoever still lets time pass it ends here."""
        with self.lock:
            self._lines.end()
            self._lines.plan(self.passed)

    def _finish(self, error: Exception | None) -> None:
        """There is nothing more: whoever watches gets what waits, and the end."""
        self.is_over = True
        self.error = error
        self._lines.end()
        for player in list(self._links.players):
            if error is None:
                player.close()
            else:
                player.fail(error)
        self._agenda.do_all()
        self.attendance.wake()
