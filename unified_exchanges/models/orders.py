"""Orders: what is asked, what became of it, and reports over several."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import attrs

from ..errors import UnifiedExchangesError
from ..money import EXACT, ZERO, Number, complement, text
from .record import Flat, Record
from .terms import FillState, Liquidity, OrderStatus, Side, TimeInForce

__all__ = [
    "CancelReport",
    "CancelResult",
    "Fill",
    "Order",
    "OrderPreview",
    "OrderRequest",
    "OrderResult",
    "OrderType",
    "Params",
]

OrderType: TypeAlias = Literal["limit", "market"]
Params: TypeAlias = Mapping[str, str | int | bool]
"""Venue words that have no unified name, merged last: the one escape hatch."""


@attrs.frozen(kw_only=True, slots=True)
class OrderRequest:
    """What `create_order` takes, as one object, for `create_orders`.

    ``price`` is dollars for ``outcome``, ``size`` is contracts.
    """

    market_id: str
    outcome: str
    side: Side | str
    price: Number | None
    size: Number
    type: OrderType = "limit"
    time_in_force: TimeInForce | str | None = None
    post_only: bool = False
    reduce_only: bool = False
    expires_at: datetime | None = None
    client_order_id: str | None = None
    max_slippage: Number | None = None
    params: Params | None = None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Order(Record):
    """An order as the venue knows it.

    ``price`` is the limit in dollars for ``outcome``; ``size``, ``filled`` and
    ``remaining`` are contracts.  ``filled`` is never more than ``size``: where a venue
    brought more than was asked for (Polymarket), ``size`` is what it brought.  After a
    cancel ``remaining`` is 0 and what was not filled is gone.  ``average_price`` is dollars
    for ``outcome`` over what filled, None before the first fill or when the venue does not
    tell.  ``fee`` is dollars so far, None when the venue does not tell.

    ``failed`` are those of ``filled`` that matched and then failed to settle, as far as is
    known: they never traded, and the venue goes on counting them.

    ``computed`` names the fields that the venue did not give and we worked out.  An order
    that it tells no more (Polymarket) stands as it was seen, and has ended only once
    nothing showed it for some time: `is_inferred`.
    """

    order_id: str
    client_order_id: str | None
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    filled: Decimal
    remaining: Decimal
    status: OrderStatus
    average_price: Decimal | None = None
    fee: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    expires_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    shard: int = 0
    failed: Decimal = ZERO
    computed: frozenset[str] = frozenset()

    @property
    def is_inferred(self) -> bool:
        """Whether the venue does not tell where it stands: it may be alive if it ended so."""
        return "status" in self.computed

    @property
    def is_open(self) -> bool:
        """Whether it may still fill: also where the venue's word for it is not known."""
        if self.status is OrderStatus.UNKNOWN:
            return self.remaining > ZERO
        return self.status is OrderStatus.OPEN

    def in_terms_of(self, outcome: str) -> Order:
        """The same order on a binary market with one book, said of the other outcome.

        Buying NO at 0.30 is selling YES at 0.70.
        """
        if outcome == self.outcome:
            return self
        average = self.average_price
        return attrs.evolve(
            self,
            outcome=outcome,
            side=self.side.opposite,
            price=complement(self.price),
            average_price=None if average is None else complement(average),
        )

    def _summary(self) -> str:
        what = f"{self.side} {text(self.size)} {self.outcome} @ {text(self.price)}"
        filled = f"{text(self.filled)} filled"
        if self.failed:
            filled += f", of which {text(self.failed)} failed"
        return f"{self.venue}:{self.market_id} {what} {self.status} {filled}"


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Fill(Record):
    """One execution of one of our orders; ``fee`` is dollars, ``price`` for ``outcome``.

    ``fee`` is None where it is not known: the venue does not tell it, and the rule of its
    market is none that anybody has published, cannot be read, or did not come in time for
    a stream (`fetch_fills` tells it then).  On Kalshi it is always told.
    ``state`` is whether it stands: where a venue settles after the match, a fill may still
    fail, and then never happened.  A stream that told of it takes it back by another, of
    the same trade and order, whose ``size`` and ``fee`` are negative: sums of sizes, fees
    and ``proceeds`` come out right without a look at ``state``.  ``computed`` names the
    fields that the venue did not give and we worked out.
    """

    fill_id: str
    order_id: str
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal | None
    liquidity: Liquidity
    created_at: datetime
    trade_id: str | None = None
    client_order_id: str | None = None
    shard: int = 0
    state: FillState = FillState.FINAL
    computed: frozenset[str] = frozenset()

    @property
    def is_reversal(self) -> bool:
        """Whether it takes back another, which has failed."""
        return self.size < ZERO

    def taken_back(self) -> Fill:
        """What takes this one back, as it has failed; itself, if that is what it is."""
        if self.is_reversal:
            return self
        return attrs.evolve(
            self,
            size=EXACT.minus(self.size),
            fee=None if self.fee is None else EXACT.minus(self.fee),
            state=FillState.FAILED,
        )

    @property
    def proceeds(self) -> Decimal:
        """Price times size in dollars, without the fee: negative for a buy.

        That is the cash it moved if what was sold was held.  Where the outcomes of a
        market net (Kalshi), a sale of contracts that are not held buys the other outcome
        instead, and costs 1 − price each.
        """
        value = EXACT.multiply(self.price, self.size)
        return value if self.side is Side.SELL else EXACT.minus(value)

    def in_terms_of(self, outcome: str) -> Fill:
        """The same fill said of the other outcome of a binary market."""
        if outcome == self.outcome:
            return self
        price = complement(self.price)
        return attrs.evolve(self, outcome=outcome, side=self.side.opposite, price=price)

    def _summary(self) -> str:
        what = f"{self.side} {text(self.size)} {self.outcome} @ {text(self.price)}"
        fee = "unknown" if self.fee is None else text(self.fee)
        return f"{self.venue}:{self.market_id} {what} fee {fee}"


@attrs.frozen(kw_only=True, slots=True)
class OrderResult(Flat):
    """One entry of a batch: the order, or the error that it met."""

    request: OrderRequest
    order: Order | None = None
    error: UnifiedExchangesError | None = None


@attrs.frozen(kw_only=True, slots=True)
class CancelResult(Flat):
    """One entry of a batch cancel: the order as it ended, or the error."""

    order_id: str
    order: Order | None = None
    error: UnifiedExchangesError | None = None


@attrs.frozen(kw_only=True, slots=True)
class CancelReport(Flat):
    """What cancelling all did, and what the venue shows after re-reading.

    ``canceled`` were open before and are not now; ``remaining`` are still open, and
    ``errors`` says what the last tries to cancel them met, and what could not be read.
    """

    canceled: tuple[Order, ...]
    remaining: tuple[Order, ...]
    errors: tuple[UnifiedExchangesError, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left open, and all could be read that tells so."""
        return not self.remaining and not self.errors


@attrs.frozen(kw_only=True, slots=True)
class OrderPreview(Flat):
    """What `create_order` would send, without sending it.

    ``headers`` are redacted.  ``cost`` is the dollars that the order would take at its
    limit, after what it would close of the position that is held (without a key: as if
    nothing were).  ``fee`` is the most that it would pay if it filled in one piece, at its
    limit or at a better price; as a maker where it is ``post_only``.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    client_order_id: str
    cost: Decimal
    fee: Decimal
    request: OrderRequest
