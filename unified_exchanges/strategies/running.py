"""What a run is in both flavours: its session, its clock, and when it is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import attrs

from .. import fork
from ..clock import Clock
from ..models import Balance, Gap, OrderBook, Position
from ..paper import Contract
from ..venue import Venue
from .asked import Asked
from .beginning import begun
from .commands import Command
from .desk import Desk
from .ending import Ending, Outcome
from .live_log import noted
from .permit import Permit
from .report import RunProgress, RunReport
from .session import Session
from .strategy import Strategy
from .turns import Left
from .unsent import overdue, remaining
from .waiting import Item, Waiting

__all__ = ["AT_ONCE", "BEAT", "Progress", "Running", "of_markets", "patience"]

BEAT: Final = 0.1
"""Seconds after which a request to stop is looked for."""
AT_ONCE: Final = 0.25
"""Seconds in which what was canceled in the call that decided it may leave, or never does."""
_SECOND: Final = 10**9

Progress = Callable[[RunProgress], object]


class Running:
    """One run, without what waits and sends."""

    def __init__(
        self,
        strategy: Strategy,
        venue: Venue,
        contracts: Mapping[str, Contract],
        balances: Iterable[Balance],
        positions: Iterable[Position],
        *,
        patience: float = 0,
        keep: int,
    ) -> None:
        books: dict[str, OrderBook] = {}
        desk = Desk(
            contracts.values(),
            begun(contracts, balances, positions),
            book=books.get,
            prefix=f"run-{venue.rng.getrandbits(64):016x}",
            keep=keep,
            heard=noted,
        )
        self.session = Session(strategy, desk, books, keep=keep)
        self._clock: Clock = venue.clock
        self.waiting = Waiting(self._clock.monotonic)
        self._began = self._clock.monotonic()
        self.origin = self._begin_at()
        self._end: int | None = None
        self._shown = 0
        self._is_asked: Callable[[], bool] = bool
        self.patience = patience
        """Seconds for which an answer is waited for at the end."""
        self._awaited = -1
        self._permits = fork.lock()
        self._canceled: deque[tuple[float, Command]] = deque()
        """What was handed over though it was canceled, and until when it may leave."""
        self._since = 0.0

    def _begin_at(self) -> int:
        return int(self._clock.now() * _SECOND)

    def now(self) -> int:
        """Nanoseconds since 1970, by a clock that never jumps."""
        return self.origin + int((self._clock.monotonic() - self._began) * _SECOND)

    def begin(self, seconds: float | None, is_asked: Callable[[], bool]) -> None:
        """Let the strategy begin, and last so long at most, or until somebody asks.

        That is as of the last read, also where it was followed first: over a recording of
        it nothing tells how long that took.
        """
        self._is_asked = is_asked
        if seconds is not None:
            self._end = self.origin + int(seconds * _SECOND)
        self.session.start(self.origin)

    @property
    def is_over(self) -> bool:
        """Whether the strategy stopped itself, somebody asked, or the time has passed."""
        if self.session.desk.is_stopped or self._is_asked():
            return True
        return self._end is not None and self.now() >= self._end

    @property
    def pause(self) -> float:
        """Seconds to wait for news at most."""
        until = (
            self.session.due if self._end is None else min(self.session.due, self._end)
        )
        return min(BEAT, max(0, until - self.now()) / _SECOND)

    def show(self, progress: Progress | None) -> None:
        """Tell how it does, some ten times a second."""
        now = self.now()
        if progress is not None and now >= self._shown:
            self._shown = now + _SECOND // 10
            progress(self.session.progress())

    def release(self) -> None:
        """Tell the states of orders that have waited too long for their fills."""
        self.session.look_up(self.now())
        self.session.release()

    def ring(self) -> None:
        """Tell the timers that are due, and were asked for until now.

        Those of no time at all that are asked for meanwhile come with the next turn: what
        waits is told between, and whoever asks for an end is heard.
        """
        self.release()
        newest = self.session.desk.timers.turn
        while self.session.ring_next(self.now(), newest=newest) and not self.is_over:
            pass

    def tell(self, item: Item | None) -> None:
        """Tell the next thing that came, if any."""
        self.session.look_up(self.now())
        if callable(item):
            item()
        elif item is not None:
            self.session.take(item)

    def permit(self, command: Command, venue: Venue, left: Left) -> Permit:
        """What a command that is handed over now needs to leave."""
        since = self.session.since(command)
        return Permit(
            left,
            self._permits,
            lambda: remaining(command, self.now() - since, venue),
            lambda: overdue(command, self.now() - since, venue),
            is_at_once=venue.id == "paper",
        )

    def send(
        self,
        hand: Callable[[Command], None],
        has_room: Callable[[Command], bool],
        take_back: Callable[[Mapping[int, Command]], list[Command]],
        put: Callable[[Item], None],
    ) -> None:
        """Hand over what is to be sent, and take back what was canceled before it left.

        What is canceled in the call in which it is decided leaves all the same if it waits
        for nothing.  ``take_back`` gives those of what was handed over before that had not
        begun to be sent, and will not.
        """
        session = self.session
        # However long the strategy took to decide: only now does it begin to wait.
        session.look_up(self.now())
        commands, revoked = session.ready(), session.revoked()
        unsent: list[Command] = []
        now = self._clock.monotonic()
        for command in commands:
            is_revoked = revoked.pop(id(command), None) is not None
            if is_revoked and not has_room(command):
                unsent.append(command)
                continue
            hand(command)
            if is_revoked:
                self._canceled.append((now + AT_ONCE, command))
        while self._canceled and self._canceled[0][0] <= now:
            _, command = self._canceled.popleft()
            revoked[id(command)] = command
        if revoked:
            unsent += take_back(revoked)
        for command in unsent:
            put(partial(session.taken_back, command))

    # -- the end -----------------------------------------------------------------------

    def awaits(self, ending: Ending, *, is_due: bool) -> bool:
        """Whether to wait for what is on its way; ``is_due`` says that something may come.

        Not for ever: an order knows what became of it by its deadline and the time in which
        it may still arrive.
        """
        session, now = self.session, self._clock.monotonic()
        if session.in_flight != self._awaited:
            self._awaited, self._since = session.in_flight, now
        if session.states.is_holding and ending.broke is None and not ending.is_urgent:
            return True  # so long as `release` lets it
        is_late = now - self._since > self.patience
        return bool(session.in_flight and is_due and not (ending.is_urgent or is_late))

    def settled(self, ending: Ending, take: Callable[[], Item | None]) -> None:
        """Tell what has come by now, which ``take`` gives, and that it is over."""
        session = self.session
        for _ in range(len(self.waiting)):
            ending.tell(partial(self.tell, take()))
        ending.surely(lambda: ending.unheard(session.give_up(), session.desk.log))
        while session.has_strangers:
            ending.tell(session.retell)
        for _ in range(len(session.states)):
            # Each may raise, as what it tells does.
            ending.tell(session.states.release)
        # What is decided until now in answer to what was told is in the report, unsent.
        session.desk.is_closed = True
        ending.tell(partial(session.strategy.on_stop, session.desk))

    def ended(self, left: Mapping[str, Outcome]) -> None:
        """The orders that were left ended so: their fills are waited for."""
        self.session.look_up(self.now())
        self.session.ended(left)

    def lacks(self, ending: Ending) -> bool:
        """Whether to wait for fills that the orders of the run count, for `HOLD` at most."""
        session = self.session
        session.look_up(self.now())
        is_asked_for = ending.broke is None and not ending.is_urgent
        states = session.states
        return is_asked_for and states.is_holding and not states.is_overdue

    def booked(self, ending: Ending, take: Callable[[], Item | None]) -> None:
        """Book what has come by now, which ``take`` gives, and note what has not.

        Where there will be no report, nobody waited for it either.
        """
        for _ in range(len(self.waiting)):
            self.session.book(take())
        if ending.broke is None:
            self.session.conclude()

    def leave(self, ending: Ending, asked: Asked[Any]) -> None:
        """Be in the exchanges no more; of one that cannot be closed a note tells."""

        def failed(exchange: Any, error: Exception) -> None:
            ending.unclosed(exchange.venue.id, error, self.session.desk.log)

        # While signals are held: it may shut an exchange, which is not to be cut in two.
        ending.surely(partial(asked.leave, failed))

    def report(
        self,
        ending: Ending,
        unsent: Iterable[Command],
        left: Mapping[str, Outcome],
    ) -> RunReport:
        """What it came to; raises what broke, or that orders may have been left open."""
        orders = ending.conclude(self.session.left_as_told(left), self.session.named)
        return self.session.report(self.origin, unsent, orders)


def patience(venues: Iterable[Venue]) -> float:
    """Seconds after which an order knows what became of it."""
    policies = [venue.retry for venue in venues]
    return max(x.order_deadline + x.order_grace for x in policies)


def of_markets(gap: Gap, names: tuple[str, ...]) -> Gap:
    """A gap that names its markets: where it is of all, those of its exchange."""
    return gap if gap.market_ids else attrs.evolve(gap, market_ids=names)
