"""What the simulated exchange tells its listeners, in the order it happened."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from .accounts import Position, Settlement
from .markets import Market
from .orders import Fill, Group, Order, OrderReason, Owner, Side, Trade

__all__ = [
    "BookDelta",
    "Filled",
    "GroupChange",
    "GroupChanged",
    "MarketChange",
    "MarketChanged",
    "Notice",
    "OrderChanged",
    "PauseChanged",
    "PositionChanged",
    "Settled",
    "TradePrinted",
]

MarketChange: TypeAlias = Literal[
    "created",
    "opened",
    "activated",
    "deactivated",
    "close_date_updated",
    "closed",
    "determined",
    "disputed",
    "amended",
    "settled",
    "grid_updated",
]
GroupChange: TypeAlias = Literal[
    "created", "triggered", "reset", "deleted", "limit_updated"
]


@attrs.frozen(kw_only=True, slots=True)
class BookDelta:
    """The contracts at one price rose or fell, by the order of ``owner``."""

    market_id: str
    side: Side
    price: Decimal
    delta: Decimal
    size: Decimal
    """Contracts at the price now."""
    owner: Owner
    client_order_id: str | None
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class TradePrinted:
    """A trade happened."""

    trade: Trade


@attrs.frozen(kw_only=True, slots=True)
class OrderChanged:
    """An order was accepted, filled, changed or ended."""

    order: Order
    reason: OrderReason


@attrs.frozen(kw_only=True, slots=True)
class Filled:
    """An order was filled, in part or in full."""

    fill: Fill


@attrs.frozen(kw_only=True, slots=True)
class PositionChanged:
    """A position changed by a fill or by settlement."""

    position: Position


@attrs.frozen(kw_only=True, slots=True)
class Settled:
    """A position was paid."""

    settlement: Settlement


@attrs.frozen(kw_only=True, slots=True)
class MarketChanged:
    """A market changed its status, its times or its grid."""

    market: Market
    change: MarketChange
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class PauseChanged:
    """A pause began or ended, of one market, one shard, or (both None) everything."""

    market_id: str | None
    shard: int | None
    whole_exchange: bool
    is_paused: bool
    time_us: int


@attrs.frozen(kw_only=True, slots=True)
class GroupChanged:
    """An order group changed."""

    group: Group
    change: GroupChange
    time_us: int


Notice: TypeAlias = (
    BookDelta
    | TradePrinted
    | OrderChanged
    | Filled
    | PositionChanged
    | Settled
    | MarketChanged
    | PauseChanged
    | GroupChanged
)
