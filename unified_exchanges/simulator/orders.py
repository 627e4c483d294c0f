"""What traders send to the simulated exchange, and what comes of it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

import attrs

from ..money import EXACT, ONE, ZERO, div

__all__ = [
    "Charge",
    "FeeRule",
    "Fill",
    "Group",
    "Order",
    "OrderReason",
    "OrderStatus",
    "Owner",
    "Refusal",
    "SelfTrade",
    "Side",
    "Ticket",
    "TimeInForce",
    "Trade",
    "Unchanged",
    "money_of",
]

Side: TypeAlias = Literal["bid", "ask"]
TimeInForce: TypeAlias = Literal["gtc", "ioc", "fok"]
SelfTrade: TypeAlias = Literal["taker_at_cross", "maker"]
OrderStatus: TypeAlias = Literal["resting", "canceled", "executed"]
OrderReason: TypeAlias = Literal[
    "placed",
    "trade",
    "amend",
    "decrease",
    "cancel",
    "self_trade",
    "reduce_only",
    "remainder",
    "expiry",
    "close",
    "halt",
    "reactivation",
    "margin",
    "group",
]
"""Why an order last changed. ``remainder``: what an IOC or FOK order left unfilled."""


class Unchanged(StrEnum):
    """The default of a field of `Engine.amend` that the caller leaves as it is."""

    UNCHANGED = "unchanged"


class Refusal(Exception):
    """The exchange refuses a request; nothing has changed.

    ``code`` is stable and lower case: ``account_not_found``, ``exchange_paused``,
    ``fok_insufficient_volume``, ``insufficient_balance``, ``invalid_amount``,
    ``invalid_expiration``, ``invalid_group_limit``, ``invalid_order``,
    ``invalid_price``, ``invalid_settlement``, ``invalid_size``,
    ``invalid_transfer``, ``market_already_exists``, ``market_closed``,
    ``market_inactive``, ``market_not_found``, ``market_not_open``,
    ``order_already_exists``, ``order_group_not_found``, ``order_group_triggered``,
    ``order_not_found``, ``post_only_cross``, ``reduce_only_rejected``,
    ``self_transfer``, ``subaccount_not_found``, ``trading_is_paused``.
    """

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code
        self.details = details


@attrs.frozen(slots=True)
class Owner:
    """Whose order, position or fill it is: an account and one of its subaccounts."""

    account_id: str
    subaccount: int = 0


@attrs.frozen(slots=True)
class Charge:
    """The fee of one fill in dollars, and the order's accumulator after it."""

    fee: Decimal
    accumulator: Decimal


class FeeRule(Protocol):
    """What a market charges for a fill; the venue supplies it."""

    def fee(
        self,
        *,
        maker: bool,
        side: Side,
        price: Decimal,
        size: Decimal,
        accumulator: Decimal,
        time_us: int,
    ) -> Charge:
        """The fee of a fill: a pure function, also called to try a match out.

        ``price`` is in YES dollars, ``side`` is that of the order charged, and
        ``accumulator`` is what the order's previous fill gave back (0 at first).
        The fee is in dollars and never negative.
        """
        ...


@attrs.frozen(kw_only=True, slots=True)
class Ticket:
    """An order as it is sent. Price in YES dollars, size in contracts, times in µs UTC.

    ``expires_us`` goes with ``gtc`` only, ``reduce_only`` with ``ioc`` only, and
    ``post_only`` with ``gtc`` only. ``order_id`` is for venues whose client derives the
    id of an order from its content; otherwise the engine draws one.
    """

    market_id: str
    owner: Owner
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce = "gtc"
    self_trade: SelfTrade = "taker_at_cross"
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    client_order_id: str | None = None
    group_id: str | None = None
    expires_us: int | None = None
    order_id: str | None = None


@attrs.frozen(kw_only=True, slots=True)
class Order:
    """An order as it stands. Values are YES dollars (price × size), times µs UTC.

    ``size`` is what was asked for, at creation or by the last amendment (filled part
    included); while it rests, ``size - decreased == filled + remaining``. After a
    cancellation ``remaining`` is 0. ``canceled`` may hold fills.
    """

    order_id: str
    client_order_id: str | None
    owner: Owner
    market_id: str
    event_id: str
    shard: int
    side: Side
    price: Decimal
    size: Decimal
    remaining: Decimal
    time_in_force: TimeInForce
    self_trade: SelfTrade
    post_only: bool
    reduce_only: bool
    cancel_on_pause: bool
    group_id: str | None
    expires_us: int | None
    created_us: int
    updated_us: int
    sequence: int
    """Rises with every order accepted: newest first is highest first."""
    status: OrderStatus = "resting"
    reason: OrderReason = "placed"
    decreased: Decimal = ZERO
    taker_filled: Decimal = ZERO
    maker_filled: Decimal = ZERO
    taker_value: Decimal = ZERO
    maker_value: Decimal = ZERO
    taker_fees: Decimal = ZERO
    maker_fees: Decimal = ZERO
    accumulator: Decimal = ZERO
    """What the market's fee rule carries from fill to fill."""

    @property
    def filled(self) -> Decimal:
        """Contracts filled, as taker and as maker."""
        return EXACT.add(self.taker_filled, self.maker_filled)

    @property
    def value(self) -> Decimal:
        """YES dollars of all fills: the sum of price × size."""
        return EXACT.add(self.taker_value, self.maker_value)

    @property
    def fees(self) -> Decimal:
        """Dollars of fees of all fills."""
        return EXACT.add(self.taker_fees, self.maker_fees)

    @property
    def average_price(self) -> Decimal | None:
        """Average YES price of the fills to 28 digits; None before the first."""
        return div(self.value, self.filled) if self.filled else None

    @property
    def is_open(self) -> bool:
        """Whether it rests on the book."""
        return self.status == "resting"


@attrs.frozen(kw_only=True, slots=True)
class Fill:
    """One side of a trade, as the owner of the order sees it."""

    trade_id: str
    order_id: str
    client_order_id: str | None
    owner: Owner
    market_id: str
    event_id: str
    shard: int
    side: Side
    is_maker: bool
    price: Decimal
    size: Decimal
    fee: Decimal
    position_after: Decimal
    time_us: int
    sequence: int


@attrs.frozen(kw_only=True, slots=True)
class Trade:
    """A trade as the public sees it, priced in YES dollars."""

    trade_id: str
    market_id: str
    price: Decimal
    size: Decimal
    taker_side: Side
    time_us: int
    sequence: int


@attrs.frozen(kw_only=True, slots=True)
class Group:
    """Orders that may together fill ``limit`` contracts within 15 seconds.

    A fill that reaches the limit triggers the group: its orders are cancelled and
    new ones refused until it is reset.
    """

    group_id: str
    owner: Owner
    shard: int
    limit: Decimal
    is_triggered: bool
    order_ids: tuple[str, ...]
    """Its resting orders, oldest first."""
    created_us: int


def money_of(side: Side, price: Decimal, size: Decimal) -> Decimal:
    """What opening ``size`` at YES ``price`` costs: p·n, or (1 − p)·n for an ask.

    >>> money_of("ask", Decimal("0.60"), Decimal(10))
    Decimal('4.00')
    """
    unit = price if side == "bid" else EXACT.subtract(ONE, price)
    return EXACT.multiply(unit, size)
