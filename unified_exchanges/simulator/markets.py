"""A simulated market as it is listed, as it stands, and as its past is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from ..grid import PriceGrid
from ..money import CENTI, ZERO
from .orders import FeeRule

__all__ = ["Candle", "Level", "Listing", "Market", "MarketStatus", "Range", "Result"]

MarketStatus: TypeAlias = Literal[
    "initialized",
    "active",
    "inactive",
    "closed",
    "determined",
    "disputed",
    "amended",
    "finalized",
]
Result: TypeAlias = Literal["", "yes", "no", "scalar"]


@attrs.frozen(kw_only=True, slots=True)
class Listing:
    """What a market is listed with. Times in µs UTC; None as ``open_us``: open now."""

    market_id: str
    event_id: str
    grid: PriceGrid
    fees: FeeRule
    close_us: int
    open_us: int | None = None
    settlement_timer_us: int = 0
    """How long after its determination the market pays out."""
    lot: Decimal = CENTI
    shard: int = 0


@attrs.frozen(kw_only=True, slots=True)
class Level:
    """A price of the book and the contracts resting there."""

    price: Decimal
    size: Decimal


@attrs.frozen(kw_only=True, slots=True)
class Market:
    """A market as it stands, in YES dollars and contracts; times in µs UTC.

    ``bid`` and ``ask`` are None when that side of the book is empty, ``last_price``
    when it never traded. The previous quotes are those of 24 hours ago.
    """

    market_id: str
    event_id: str
    grid: PriceGrid
    lot: Decimal
    shard: int
    status: MarketStatus
    is_paused: bool
    """Whether its trading pauses now: by itself, with its shard or the exchange."""
    created_us: int
    updated_us: int
    open_us: int
    close_us: int
    settlement_timer_us: int
    result: Result
    yes_value: Decimal | None
    """What one YES contract pays, once determined."""
    determined_us: int | None
    settled_us: int | None
    bid: Level | None
    ask: Level | None
    last_price: Decimal | None
    last_size: Decimal
    previous_bid: Decimal | None
    previous_ask: Decimal | None
    previous_price: Decimal | None
    volume: Decimal
    volume_24h: Decimal
    open_interest: Decimal
    traded_value: Decimal
    """YES dollars of all trades: the sum of price × size."""


@attrs.frozen(kw_only=True, slots=True)
class Range:
    """First, lowest, highest and last value of a period."""

    open: Decimal
    low: Decimal
    high: Decimal
    close: Decimal


@attrs.frozen(kw_only=True, slots=True)
class Candle:
    """A period ``(end_us - minutes, end_us]`` of a market, in YES dollars.

    ``bid`` and ``ask`` are None while that side was empty all along; ``price`` and
    ``mean`` are None without a trade; ``previous`` is the last price before.
    """

    end_us: int
    bid: Range | None
    ask: Range | None
    price: Range | None
    mean: Decimal | None
    previous: Decimal | None
    volume: Decimal = ZERO
    open_interest: Decimal = ZERO
