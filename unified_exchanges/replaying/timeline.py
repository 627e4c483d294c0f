"""What happens in a replay, one thing after another, as fast as it is asked for.

A recording is read in its order, line by line, and never held in memory.  Time stands
still as long as the program does something; it goes on to what was recorded next, or to
what the library has planned before that, when everybody who takes part waits: for an item
of a watch, for an answer, or for time to pass.  Nobody ever sleeps for it.
"""

from __future__ import annotations

import heapq
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from threading import current_thread
from typing import Any, Final

import attrs

from .. import fork
from ..errors import NotRecorded
from ..flow import Request
from ..models import Subject
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
    read,
)
from ..recording.line_clock import LineClock, in_time
from ..recording.overheard import Overheard
from ..venue import Venue
from .answers import Answers, Entry
from .attendance import GLANCE, OURS, Attendance, Turn
from .clock import ReplayClock
from .counterpart import Counterpart, Past
from .past import read_past
from .player import NEVER, LocalPlayer, Player
from .streams import Streams

__all__ = ["BREATH", "Link", "Timeline"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_MICROSECOND: Final = 1_000
BREATH: Final = 256
"""Steps after which others are let in, however long somebody waits."""


@attrs.define(slots=True, eq=False)
class Link:
    """A recorded connection, and the stream that takes it for its own."""

    number: int
    url: str
    counterpart: Counterpart
    player: Player | None = None


class Timeline:
    """Plays a recording to the streams and calls of one exchange.

    All of it is done under ``lock``, in the thread or task of whoever waits.
    ``overheard`` makes what reads a connection from its beginning.  Time passes by the
    recorder's monotonic clock, or ``by_receipt`` by the stamps of its wall clock, by which
    a backtest goes.
    """

    def __init__(
        self,
        streams: Streams,
        clock: ReplayClock,
        answers: Answers,
        *,
        overheard: Callable[[], Overheard],
        by_receipt: bool = False,
    ) -> None:
        self.streams = streams
        self.clock = clock
        self.answers = answers
        self.lock = fork.rlock()
        self.is_begun = self.is_over = False
        self.error: Exception | None = None
        """What ended it early."""
        self.received = LineClock(0, 0)
        """The clock of its lines, as far as they are read."""
        self.line = 1
        """How many lines have been played."""
        self._overheard = overheard
        self.attendance = Attendance(self.lock)
        self._time = _received if by_receipt else _elapsed
        self._lines: Iterator[Line] = iter(())
        self._next: Line | None = None
        self._due = NEVER
        self._mono = self._base = 0
        self._players: list[Player] = []
        self._here: list[LocalPlayer] = []
        """Those whose news is made in this process."""
        self._links: dict[int, Link] = {}
        self._answered = 0
        self._waiting: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

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
        self._players.append(player)
        if self.is_over:
            player.close()
            return
        for link in self._links.values():
            if link.player is None and link.url == player.url:
                self._attach(link, player)
                break
        else:
            self._end_if_alone(player)

    def join_here(self, player: LocalPlayer) -> bool:
        """Have a stream of this process take part from now on; False once all is over."""
        if not self.is_begun:
            self._begin()
        self._players.append(player)
        self._here.append(player)
        return not self.is_over

    def leave(self, player: Player) -> None:
        """Play no more to a stream."""
        self._here = [x for x in self._here if x is not player]
        if player in self._players:
            self._players.remove(player)
        for link in self._links.values():
            if link.player is player:
                link.player = None
        self.attendance.wake()

    def asked(self, link: Link, text: str) -> list[bytes]:
        """A stream says something on its connection: what is answered at once."""
        past = self._past_of(link)
        return list(link.counterpart.asked(text, self.line + 1, past))

    def _past_of(self, link: Link) -> Past:
        def past() -> Overheard:
            overheard = self._overheard()
            read_past(self.streams.file, overheard, link.number, self.line + 1)
            return overheard

        return past

    # -- answers --------------------------------------------------------------------

    def when_answered(self, number: int, act: Callable[[], None]) -> bool:
        """Act when a recorded answer comes; False if it has come already."""
        if number <= self._answered or self.is_over:
            return False
        self._waiting[number].append(act)
        return True

    def when_passed(self, span: int, act: Callable[[], None]) -> None:
        """Act after so many nanoseconds."""
        heapq.heappush(self._later, (self.passed + span, next(self._order), act))

    def claim(self, request: Request) -> tuple[Entry, Turn]:
        """What was recorded of a request of the program, and the turn to wait for it."""
        with self.lock:
            entry = self.answers.claim(request)
            turn = Turn()
            if not self.when_answered(entry.number, turn.ring):
                turn.ring()
            return entry, turn

    def sleeping(self, seconds: float) -> Turn:
        """The turn of somebody who lets time pass."""
        with self.lock:
            turn = Turn()
            self.when_passed(round(seconds * _SECOND), turn.ring)
            return turn

    # -- who waits ------------------------------------------------------------------

    @staticmethod
    def turn() -> Turn:
        """A turn of somebody who rings it by himself."""
        return Turn()

    def soon(self, seconds: float) -> int:
        """As `moment`, and never now: whoever looks again finds another time."""
        return self.passed + max(_MICROSECOND, int(seconds * _SECOND))

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
        lines = min([self._due, *(x.due for x in self._players)])
        return lines, self._later[0][0] if self._later else NEVER

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
        for here in self._here:
            if here.is_rung:
                here.tick()
                return True
        due = self._due
        player = min(self._players, key=_due_of, default=None)
        planned = NEVER if player is None else player.due
        act = self._later[0][0] if self._later else NEVER
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
            heapq.heappop(self._later)[2]()
        return True

    def _begin(self) -> None:
        """Begin where the clock stands by what was asked until now."""
        self.is_begun = True
        header = self.streams.header
        self.received = LineClock(header.at, header.mono)
        lines = read(self.streams.file)
        next(lines)
        self._lines = in_time(lines, self.received)
        self._base = self.passed
        now = self.clock.wall
        at, mono = header.at, self._time(header)
        self._fetch()
        while (line := self._next) is not None and not isinstance(line, Torn):
            if line.at > now or isinstance(line, End):
                break
            at, mono = line.at, self._time(line)
            self._pass(line)
            self._fetch()
        self._mono = mono + max(0, now - at)
        self._plan()

    def _fetch(self) -> None:
        self._next = next(self._lines, None)

    def _plan(self) -> None:
        line = self._next
        if line is None or isinstance(line, Torn):
            self._due = self.passed
        else:
            self._due = max(self.passed, self._base + self._time(line) - self._mono)

    def _play(self) -> None:
        line = self._next
        if line is None or isinstance(line, Torn):
            self._finish(None)
            return
        self.clock.move(self._due, line.at)
        if isinstance(line, End):
            self._finish(None)
            return
        if isinstance(line, Frame) and line.direction == "in":
            self._hear(line)
        else:
            self._pass(line)
            self._fetch()
        self._plan()

    def _hear(self, line: Frame) -> None:
        """Tell what one read has brought, at once as it was."""
        link = self._links.get(line.connection)
        mono, connection = line.mono, line.connection
        told: list[str | bytes] = []
        each: Line | None = line
        while (
            isinstance(each, Frame)
            and each.connection == connection
            and each.mono == mono
            and each.direction == "in"
        ):
            self.line += 1
            if link is not None:
                frame = link.counterpart.recorded("in", each.body.data)
                if frame is not None and link.player is not None:
                    if b'client_order_id"' in frame:
                        frame = self.answers.aliased(frame)
                    told.append(frame)
                if link.counterpart.moves:
                    self._tell(link, told)
                    told = []
            self._fetch()
            each = self._next
        if link is not None:
            self._tell(link, told)

    def _tell(self, link: Link, told: Sequence[str | bytes]) -> None:
        moves, player = link.counterpart.moves, link.player
        if player is not None:
            if told:
                player.receive(told)
            for move in moves:
                player.move(move)
        moves.clear()

    def _pass(self, line: Line) -> None:
        """Take a line that is no message from the venue, or one that nobody hears."""
        self.line += 1
        if isinstance(line, Frame):
            link = self._links.get(line.connection)
            if link is not None:
                link.counterpart.recorded(line.direction, line.body.data)
                self._tell(link, ())
        elif isinstance(line, Rest | Unanswered):
            self._answered += 1
            for act in self._waiting.pop(self._answered, ()):
                act()
        elif isinstance(line, Opened):
            self._opened(line)
        elif isinstance(line, Closed):
            self._closed(line)
        elif isinstance(line, Withheld):
            link = self._links.get(line.lost_on)
            is_numbered = link is None or link.counterpart.is_numbered
            if link is not None and link.player is not None and not is_numbered:
                link.player.missed("a message was withheld when it was recorded")

    def _opened(self, line: Opened) -> None:
        counterpart = self.streams.contents.counterpart(line.connection)
        link = Link(line.connection, line.url, counterpart)
        self._links[line.connection] = link
        for player in self._players:
            if player.link is None and player.url == link.url:
                self._attach(link, player)
                break

    def _attach(self, link: Link, player: Player) -> None:
        link.player = player
        player.connected(link)

    def _closed(self, line: Closed) -> None:
        # It may be said more than once; only the first says why.
        link = self._links.pop(line.connection, None)
        player = None if link is None else link.player
        if player is None:
            return
        if line.reason == "closed" and not self._goes_on(player):
            # It was closed by the program.
            player.close()
        else:
            player.lost(line.reason)

    def _goes_on(self, player: Player) -> bool:
        return self.streams.is_opened_after(player.url, self.line)

    def _end_if_alone(self, player: Player) -> None:
        if not self._goes_on(player):
            player.close()

    def _finish(self, error: Exception | None) -> None:
        """There is nothing more: whoever watches gets what waits, and the end."""
        self.is_over = True
        self.error = error
        self._next = None
        for player in list(self._players):
            if error is None:
                player.close()
            else:
                player.fail(error)
        for acts in [*self._waiting.values()]:
            for act in acts:
                act()
        self._waiting.clear()
        for _, _, act in sorted(self._later, key=lambda x: x[:2]):
            act()
        self._later.clear()
        self.attendance.wake()


def _elapsed(line: Any) -> int:
    return int(line.mono)


def _received(line: Any) -> int:
    return int(line.at)


def _due_of(player: Player) -> int:
    return player.due
