"""What the dialect remembers: orders as they were sent, trades, what wallets did."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from ....money import EXACT, ONE, total
from ....simulator.orders import Fill, Side
from .catalog import Listed
from .lots import Direction

__all__ = [
    "Act",
    "Leg",
    "Match",
    "OrderType",
    "Placed",
    "TradeStatus",
    "engine_side",
    "other_price",
]

OrderType: TypeAlias = Literal["GTC", "GTD", "FOK", "FAK"]
TradeStatus: TypeAlias = Literal["MATCHED", "MINED", "CONFIRMED", "RETRYING", "FAILED"]


def engine_side(index: int, side: Direction) -> Side:
    """Who buys outcome 0 bids for it, and so does who sells outcome 1."""
    return "bid" if (side == "BUY") == (index == 0) else "ask"


def other_price(index: int, price: Decimal) -> Decimal:
    """A price of a token in the engine's terms, and the other way round."""
    return price if index == 0 else EXACT.subtract(ONE, price)


@attrs.define(kw_only=True, slots=True)
class Placed:
    """An order as it was sent; how much of it is done the engine knows.

    ``size`` are the shares that it names, which what its dollars bring may exceed.
    """

    order_id: str
    key_id: str
    address: str
    maker: str
    listed: Listed
    index: int
    side: Direction
    price: Decimal
    size: Decimal
    order_type: OrderType
    expiration: int
    created_us: int
    trade_ids: list[str] = attrs.field(factory=list)
    verdict: str = ""
    """A status that the engine does not know: INVALID, DELAYED, a text."""

    @property
    def token(self) -> str:
        """The token it is about."""
        return self.listed.tokens[self.index]

    @property
    def outcome(self) -> str:
        """The label of its outcome."""
        return self.listed.outcomes[self.index]


@attrs.frozen(kw_only=True, slots=True)
class Leg:
    """One order's part of a trade: what it traded, at the price of its own token.

    Of a taker it is the part against the first maker; the whole is the `Match`'s.
    """

    order_id: str
    key_id: str
    maker: str
    index: int
    side: Direction
    price: Decimal
    size: Decimal
    fee: Decimal
    fill: Fill
    is_member: bool
    """Whether a wallet of ours traded, not the crowd."""


@attrs.define(kw_only=True, slots=True)
class Match:
    """A trade: one taker against makers at one price, settled by one transaction."""

    trade_id: str
    listed: Listed
    taker: Leg
    makers: list[Leg]
    taker_fills: list[Fill]
    time_us: int
    bucket: int
    sequence: int
    transaction: str
    status: TradeStatus = "MATCHED"
    updated_us: int = 0
    error: str | None = None

    @property
    def size(self) -> Decimal:
        """Shares that changed hands."""
        return total(leg.size for leg in self.makers)

    @property
    def fee(self) -> Decimal:
        """What the taker was charged."""
        return total(fill.fee for fill in self.taker_fills)

    @property
    def fills(self) -> list[Fill]:
        """The engine's fills of both sides."""
        return [*self.taker_fills, *(leg.fill for leg in self.makers)]

    @property
    def legs(self) -> list[Leg]:
        """Everybody's part, the taker's first."""
        return [self.taker, *self.makers]

    @property
    def members(self) -> list[Leg]:
        """The parts of our wallets."""
        return [leg for leg in self.legs if leg.is_member]


@attrs.frozen(kw_only=True, slots=True)
class Credit:
    """Money that came to a wallet, or left it, for no market: a deposit, a reward."""

    kind: str
    wallet: str
    money: Decimal
    time_us: int
    transaction: str
    sequence: int


@attrs.frozen(kw_only=True, slots=True)
class Act:
    """Something a wallet did that the Data API tells; money in dollars."""

    kind: str
    wallet: str
    listed: Listed
    index: int
    size: Decimal
    money: Decimal
    time_us: int
    transaction: str
    sequence: int
    side: str = ""
    price: Decimal = attrs.field(factory=Decimal)
    match: Match | None = None
