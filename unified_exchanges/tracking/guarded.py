"""What a gate asks of the account that it guards: a venue, or what stands for one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Protocol

from ..clock import Clock, ClockOffset
from ..flow import Flow, Pages
from ..guards import Guards
from ..models import Account, Balance, Fill, Market, Order, OrderBook, Position
from ..settings import Settings

__all__ = ["Guarded"]


class Guarded(Protocol):
    """An account with the guards that hold for it; its reads are those of `Venue`."""

    settings: Settings
    clock: Clock
    offset: ClockOffset
    positions_late: ClassVar[float | None]
    """Seconds by which positions are told late, where that is more than of orders."""

    @property
    def guards(self) -> Guards:
        """What holds orders against the policy."""
        ...

    @property
    def purse(self) -> Account:
        """Whose equity is read."""
        ...

    def fetch_balance(self) -> Flow[Balance]:
        """Cash."""
        ...

    def fetch_positions(
        self, *, market_id: str | None = None, mark: bool = True
    ) -> Flow[list[Position]]:
        """What is held."""
        ...

    def fetch_open_orders(self) -> Pages[Order]:
        """What rests."""
        ...

    def fetch_fills(self, *, since: datetime | None = None) -> Pages[Fill]:
        """What filled; asked only where positions are told late."""
        ...

    def fetch_order_book(
        self, market_id: str, *, outcome: str | None = None, depth: int | None = None
    ) -> Flow[OrderBook]:
        """The book of an outcome."""
        ...

    def fetch_market(self, market_id: str) -> Flow[Market]:
        """A market."""
        ...

    def told_mark(self, position: Position) -> Decimal | None:
        """What a contract is worth by what is told beside the book."""
        ...

    def settling(
        self, market_id: str | None, since: datetime | None
    ) -> Flow[list[Fill]]:
        """What filled, also what failed to settle; asked only where it may."""
        ...
