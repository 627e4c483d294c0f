"""What an account asks for, read by the rules of its market: what is wrong raises at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..errors import BadRequest, InvalidOrder
from ..grid import PriceGrid, read_price, read_size
from ..models import BUY, Side, TimeInForce
from ..money import Number, complement
from .contract import Contract
from .orders import PaperOrder, nanoseconds

__all__ = ["change_of", "order_of"]


def order_of(
    contract: Contract,
    outcome: str,
    side: Side | str,
    price: Number,
    size: Number,
    *,
    number: int,
    moment: int,
    time_in_force: TimeInForce | str,
    post_only: bool,
    reduce_only: bool,
    expires_at: datetime | None,
    client_order_id: str | None,
    minimum_size: Decimal | None,
) -> PaperOrder:
    """An order as it leaves, with a price on the grid and a size of the lot."""
    market, label = contract.market, contract.market.outcome(outcome).label
    side, tif = _side(side), _time_in_force(time_in_force)
    first = label == contract.first
    asked = read_price(price, _grid(contract, label))
    at_once = tif is not TimeInForce.GTC
    if at_once and (post_only or expires_at is not None):
        message = f"a {tif} order does not rest: no post_only, no expires_at"
        raise InvalidOrder(message)
    if reduce_only and contract.nets and tif is not TimeInForce.IOC:
        # As at the venue: one that rests could not be held against what is held then.
        raise InvalidOrder("reduce_only goes with time_in_force='ioc' only")
    lot = market.immediate_lot(asked) if at_once and side is BUY else market.lot
    least = market.minimum_size if minimum_size is None else minimum_size
    contracts = read_size(size, lot=lot, minimum=least)
    return PaperOrder(
        number=number,
        client_order_id=client_order_id,
        market_id=contract.market_id,
        outcome=label,
        side=side,
        price=asked,
        size=contracts,
        time_in_force=tif,
        post_only=post_only,
        reduce_only=reduce_only,
        expires=None if expires_at is None else nanoseconds(expires_at),
        created=moment,
        buys=(side is BUY) is first,
        limit=asked if first else complement(asked),
        rank=number,
        updated=moment,
    )


def change_of(
    contract: Contract, order: PaperOrder, price: Number | None, size: Number | None
) -> tuple[Decimal | None, Decimal | None]:
    """A new price on the grid of an order's outcome, and a new size of the lot."""
    market = contract.market
    asked = None if price is None else read_price(price, _grid(contract, order.outcome))
    if size is None:
        return asked, None
    return asked, read_size(size, lot=market.lot, minimum=market.minimum_size)


def _grid(contract: Contract, outcome: str) -> PriceGrid:
    grid = contract.market.grid
    return grid if outcome == contract.first else grid.complement()


def _side(side: Side | str) -> Side:
    try:
        return Side(side)
    except ValueError as error:
        message = f"side {side!r} is neither 'buy' nor 'sell'"
        raise BadRequest(message) from error


def _time_in_force(word: TimeInForce | str) -> TimeInForce:
    try:
        return TimeInForce(word)
    except ValueError as error:
        known = ", ".join(TimeInForce)
        message = f"time_in_force {word!r} is none of {known}"
        raise BadRequest(message) from error
