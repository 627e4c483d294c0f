"""What happens that the engine does not know of, as the sockets tell it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from ....simulator.orders import Side
from .catalog import Listed
from .records import Match, Placed, TradeStatus

__all__ = [
    "BookMoved",
    "Change",
    "MarketListed",
    "News",
    "OrderTold",
    "Printed",
    "Resolved",
    "TickChanged",
    "TradeTold",
]

Change: TypeAlias = Literal["PLACEMENT", "UPDATE", "CANCELLATION"]


@attrs.frozen(kw_only=True, slots=True)
class OrderTold:
    """An order of a member was placed, matched in part or in full, or ended."""

    placed: Placed
    change: Change
    status: str
    matched: Decimal | None
    """Shares so far; None where the venue tells nothing."""
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class TradeTold:
    """A trade happened or its settlement went on."""

    match: Match
    status: TradeStatus
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class BookMoved:
    """The shares at a price changed, in terms of outcome 0; by a trade, or an order."""

    listed: Listed
    side: Side
    price: Decimal
    size: Decimal
    by_trade: bool
    is_top: bool
    """Whether the best bid or ask moved."""
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class Printed:
    """A trade as everybody sees it: the taker's side, one of its makers."""

    match: Match
    size: Decimal
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class TickChanged:
    """A market accepts other prices."""

    listed: Listed
    before: Decimal
    after: Decimal
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class MarketListed:
    """There is a new market."""

    listed: Listed
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class Resolved:
    """A market has its result; the winner is None when it is even."""

    listed: Listed
    winner: int | None
    time_us: int


News: TypeAlias = (
    OrderTold | TradeTold | BookMoved | Printed | TickChanged | MarketListed | Resolved
)
