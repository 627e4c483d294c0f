"""What an order that takes from the book gets now, and the limit that gets it."""

from __future__ import annotations

from decimal import Decimal

import attrs

from ..errors import BadRequest, InvalidSize, StaleBook
from ..grid import read_price
from ..models import FeeRule, OrderBook, Side
from ..models.record import Flat
from ..money import EXACT, ZERO, Number, div, read_number, text

__all__ = ["Crossing", "marketable_limit", "read_side", "require_whole"]


@attrs.frozen(kw_only=True, slots=True)
class Crossing(Flat):
    """What an immediate order would do to the book as it is.

    ``fills`` of ``size`` contracts fill at ``average_price`` dollars; ``price`` is the
    limit that reaches all of them and no further, and is never beyond ``bound``.  Both
    prices are None where nothing fills.  ``cost`` is the dollars that change hands: paid
    where ``side`` is buy, received where it is sell.  ``fee`` is dollars, None without a
    fee rule; it counts one fill for each level, and resting orders are not seen singly.
    """

    market_id: str
    outcome: str
    side: Side
    size: Decimal
    bound: Decimal
    fills: Decimal
    price: Decimal | None
    average_price: Decimal | None
    cost: Decimal
    fee: Decimal | None

    @property
    def is_whole(self) -> bool:
        """Whether all of it fills now."""
        return self.fills == self.size


def marketable_limit(
    book: OrderBook,
    side: Side | str,
    size: Number,
    bound: Number,
    *,
    fees: FeeRule | None = None,
) -> Crossing:
    """What buying or selling ``size`` contracts at once gets, never beyond ``bound``.

    ``bound`` is the worst price in dollars for the book's outcome: the highest to buy at,
    the lowest to sell at.  Levels are walked from the best until the size is reached or
    the bound is.  Raises `StaleBook` where the book may have changed unseen.

    >>> from unified_exchanges import Level, OrderBook
    >>> asks = (Level(Decimal("0.55"), Decimal(4)), Level(Decimal("0.57"), Decimal(9)))
    >>> book = OrderBook(
    ...     venue="kalshi", market_id="RAIN", outcome="yes", bids=(), asks=asks
    ... )
    >>> found = marketable_limit(book, "buy", 10, "0.60")
    >>> found.price, found.fills, found.cost
    (Decimal('0.57'), Decimal('10'), Decimal('5.62'))
    """
    require_whole(book)
    wanted, side = _size(size), read_side(side)
    worst = read_price(bound)
    filled, cost, fee = ZERO, ZERO, ZERO
    price: Decimal | None = None
    for level in book.asks if side is Side.BUY else book.bids:
        is_beyond = level.price > worst if side is Side.BUY else level.price < worst
        left = EXACT.subtract(wanted, filled)
        if is_beyond or not left:
            break
        taken, price = min(left, level.size), level.price
        filled = EXACT.add(filled, taken)
        cost = EXACT.add(cost, EXACT.multiply(taken, price))
        if fees is not None:
            fee = EXACT.add(fee, fees.fee(book.outcome, side, price, taken))
    return Crossing(
        market_id=book.market_id,
        outcome=book.outcome,
        side=side,
        size=wanted,
        bound=worst,
        fills=filled,
        price=price,
        average_price=div(cost, filled) if filled else None,
        cost=cost,
        fee=None if fees is None else fee,
    )


def require_whole(book: OrderBook) -> None:
    """Refuse a book that may have changed unseen."""
    if book.stale:
        message = (
            f"the book of {book.outcome} on {book.market_id} may have changed unseen: "
            "take the next one from watch_order_book, or read it with fetch_order_book"
        )
        raise StaleBook(message, venue=book.venue)


def read_side(side: Side | str) -> Side:
    """Read buy or sell, in any case."""
    try:
        return Side(str(side).lower())
    except ValueError:
        message = f"side {side!r} is neither 'buy' nor 'sell'"
        raise BadRequest(message) from None


def _size(value: Number) -> Decimal:
    try:
        size = read_number(value)
    except ValueError as error:
        message = f"size {error}; a size is a number of contracts, such as 10"
        raise InvalidSize(message) from error
    if size <= ZERO:
        raise InvalidSize(f"size {text(size)} is not above 0 contracts")
    return size
