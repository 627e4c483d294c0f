"""What a run is in both flavours: its session, its clock, and when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..clock import Clock
from ..models import Balance, Gap, Order, OrderBook, OrderRequest, Position
from ..paper import Contract
from ..venue import Venue
from .beginning import begun
from .commands import Command, Place
from .desk import Desk
from .report import RunProgress, RunReport
from .session import Session
from .strategy import Strategy
from .waiting import Item, Waiting

__all__ = ["BEAT", "SENDERS", "Progress", "Running", "of_markets", "request"]

BEAT: Final = 0.1
"""Seconds after which a request to stop is looked for."""
SENDERS: Final = 8
"""Orders that are on their way at a time."""
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
        keep: int,
    ) -> None:
        books: dict[str, OrderBook] = {}
        desk = Desk(
            contracts.values(),
            begun(contracts, balances, positions),
            book=books.get,
            prefix=f"run-{venue.rng.getrandbits(64):016x}",
            keep=keep,
        )
        self.session = Session(strategy, desk, books, keep=keep)
        self._clock: Clock = venue.clock
        self.waiting = Waiting(self._clock.monotonic)
        self._began = self._clock.monotonic()
        self.origin = int(self._clock.now() * _SECOND)
        self._end: int | None = None
        self._shown = 0

    def now(self) -> int:
        """Nanoseconds since 1970, by a clock that never jumps."""
        return self.origin + int((self._clock.monotonic() - self._began) * _SECOND)

    def begin(self, seconds: float | None) -> None:
        """Let the strategy begin, and last so long at most.

        That is as of the last read, also where it was followed first: over a recording of
        it nothing tells how long that took.
        """
        if seconds is not None:
            self._end = self.origin + int(seconds * _SECOND)
        self.session.start(self.origin)

    @property
    def is_over(self) -> bool:
        """Whether the strategy stopped itself, or the time has passed."""
        if self.session.desk.is_stopped:
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

    def step(self, item: Item | None) -> None:
        """Tell the timers that are due, and the next thing that came, if any."""
        self.session.ring(self.now())
        if callable(item):
            item()
        elif item is not None:
            self.session.take(item)

    def report(
        self,
        broke: BaseException | None,
        unsent: Sequence[Command],
        ended: Iterable[Order | Exception | None],
    ) -> RunReport:
        """What it came to; raises what broke, or that orders may have been left open."""
        found = list(ended)
        for error in found:
            if isinstance(error, Exception):
                if broke is None:
                    broke = error
                broke.add_note(f"an order of the run may still be open: {error}")
        if broke is not None:
            raise broke
        orders = [order for order in found if isinstance(order, Order)]
        return self.session.report(self.origin, unsent, orders)


def of_markets(gap: Gap, names: tuple[str, ...]) -> Gap:
    """A gap that names its markets: where it is of all, those of its exchange."""
    return gap if gap.market_ids else attrs.evolve(gap, market_ids=names)


def request(place: Place) -> OrderRequest:
    """An order as exchanges take it."""
    return OrderRequest(
        market_id=place.market_id,
        outcome=place.outcome,
        side=place.side,
        price=place.price,
        size=place.size,
        time_in_force=place.time_in_force,
        post_only=place.post_only,
        reduce_only=place.reduce_only,
        expires_at=place.expires_at,
        client_order_id=place.key,
    )
