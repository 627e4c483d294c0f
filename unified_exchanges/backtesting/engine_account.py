"""The account of a backtest as the gate reads it: at once, and as the engine has it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import attrs

from ..clock import Clock, ClockOffset
from ..errors import NotRecorded
from ..flow import Flow, Page, Pages
from ..guards import GuardPolicy, Guards
from ..models import Account, Balance, Fill, Market, Order, OrderBook, Position
from ..paper import PaperEngine
from ..settings import Settings
from ..strategies import Desk

__all__ = ["DeskClock", "EngineAccount"]

_SECOND = 1_000_000_000


class DeskClock:
    """The time as a strategy sees it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._began = desk.moment

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        return self._desk.moment / _SECOND

    def monotonic(self) -> float:
        """Seconds since it began: as exact after a day as in the first minute."""
        return (self._desk.moment - self._began) / _SECOND


class EngineAccount:
    """What an engine has of the markets of one venue; ``market_ids`` are those."""

    positions_late: ClassVar[float | None] = None

    def __init__(
        self,
        venue: str,
        market_ids: Collection[str],
        engine: PaperEngine,
        clock: DeskClock,
        policy: GuardPolicy,
    ) -> None:
        self.settings = Settings(clock=clock, guards=policy)
        self.clock: Clock = clock
        self.offset = ClockOffset(clock)
        self.guards = Guards(policy)
        self.purse = Account(venue, "backtest", "")
        self._venue = venue
        self._market_ids = frozenset(market_ids)
        self._engine = engine

    def fetch_balance(self) -> Flow[Balance]:
        """Cash, and what of it open orders leave."""
        yield from ()
        engine = self._engine
        return Balance(venue=self._venue, available=engine.available, total=engine.cash)

    def fetch_positions(
        self, *, market_id: str | None = None, mark: bool = True
    ) -> Flow[list[Position]]:
        """What is held, marked at the best bids that are known."""
        del mark  # they cost nothing here
        yield from ()
        wanted = self._market_ids if market_id is None else (market_id,)
        return [x for x in self._engine.positions() if x.market_id in wanted]

    def fetch_open_orders(self) -> Pages[Order]:
        """What rests."""
        orders = self._engine.open_orders()
        yield Page([x for x in orders if x.market_id in self._market_ids])

    def fetch_fills(self, *, since: datetime | None = None) -> Pages[Fill]:
        """Nothing: no position is told late, so that nobody asks."""
        del since
        yield from ()

    def settling(
        self, market_id: str | None, since: datetime | None
    ) -> Flow[list[Fill]]:
        """Nothing: every fill stands for good at once."""
        del market_id, since
        yield from ()
        return []

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book that was recorded last; `NotRecorded` where none is known."""
        del depth
        yield from ()
        pit = self._engine.pits[market_id]
        book = pit.latest
        if book is None:
            message = f"no book of {market_id} is known, and a backtest reads none"
            raise NotRecorded(message, venue=self._venue)
        if outcome in (None, book.outcome):
            return book
        return book.complement(outcome)

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """A market, that pays what was told by now: it may have been read later."""
        yield from ()
        pit = self._engine.pits[market_id]
        return attrs.evolve(pit.contract.market, settlement_price=pit.value)

    def told_mark(self, position: Position) -> Decimal | None:
        """None: there are books alone."""
        del position
        return None
