"""What the floor keeps of each market and of each account."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from ..money import ZERO
from .accounts import Settlement
from .book import Book
from .groups import OrderGroup
from .history import History
from .ledger import Holding
from .markets import Listing, Market, MarketStatus, Result
from .orders import Fill, Order, Owner, Trade

__all__ = ["Account", "Pause", "Pit"]


@attrs.frozen(slots=True)
class Pause:
    """What pauses: one market, one shard, or everything; trading or the exchange."""

    market_id: str | None = None
    shard: int | None = None
    whole_exchange: bool = False


class Account:
    """One account: its orders, its past, and what it may not use again."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.subaccounts = 1
        self.orders: dict[str, Order] = {}
        self.open: dict[str, None] = {}
        self.client_ids: dict[str, str] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self.holdings: list[Holding] = []
        self.groups: dict[str, OrderGroup] = {}


class Pit:
    """Where one market trades."""

    def __init__(self, listing: Listing, now_us: int, trades_kept: int) -> None:
        self.listing = listing
        self.grid = listing.grid
        self.status: MarketStatus = "initialized"
        self.open_us = now_us if listing.open_us is None else listing.open_us
        self.close_us = listing.close_us
        self.created_us = self.updated_us = now_us
        self.result: Result = ""
        self.yes_value: Decimal | None = None
        self.determined_us: int | None = None
        self.settled_us: int | None = None
        self.book = Book()
        self.history = History(now_us)
        self.holdings: dict[Owner, Holding] = {}
        self.trades: deque[Trade] = deque(maxlen=trades_kept)
        self.volume = self.value = self.open_interest = ZERO

    @property
    def market_id(self) -> str:
        """The id of the market."""
        return self.listing.market_id

    def snapshot(self, now_us: int, *, is_paused: bool) -> Market:
        """The market as it stands."""
        bid, ask, price = self.history.day_ago(now_us)
        last = self.trades[-1] if self.trades else None
        return Market(
            market_id=self.market_id,
            event_id=self.listing.event_id,
            grid=self.grid,
            lot=self.listing.lot,
            shard=self.listing.shard,
            status=self.status,
            is_paused=is_paused,
            created_us=self.created_us,
            updated_us=self.updated_us,
            open_us=self.open_us,
            close_us=self.close_us,
            settlement_timer_us=self.listing.settlement_timer_us,
            result=self.result,
            yes_value=self.yes_value,
            determined_us=self.determined_us,
            settled_us=self.settled_us,
            bid=self.book.side("bid").best(),
            ask=self.book.side("ask").best(),
            last_price=last.price if last else None,
            last_size=last.size if last else ZERO,
            previous_bid=bid,
            previous_ask=ask,
            previous_price=price,
            volume=self.volume,
            volume_24h=self.history.day_volume(now_us),
            open_interest=self.open_interest,
            traded_value=self.value,
        )
