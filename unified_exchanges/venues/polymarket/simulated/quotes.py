"""Books and prices of one outcome: the engine's book seen from its token."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha1
from typing import TYPE_CHECKING

from ....money import EXACT, ONE, ZERO, div
from ....simulator.markets import Level
from ....simulator.orders import Side
from .catalog import Listed
from .records import other_price
from .wire import Payload, encode, milliseconds, text

if TYPE_CHECKING:
    from .house import House

__all__ = ["best", "book", "book_hash", "last_trade", "levels", "midpoint", "prices"]

_HASHED = (
    "market",
    "asset_id",
    "timestamp",
    "hash",
    "bids",
    "asks",
    "min_order_size",
    "tick_size",
    "neg_risk",
    "last_trade_price",
)


def levels(house: House, listed: Listed, index: int, side: Side) -> list[Level]:
    """Bids or asks of an outcome, best first: those of the other one, mirrored."""
    own = side if index == 0 else ("ask" if side == "bid" else "bid")
    found = house.engine.levels(listed.condition_id, own)
    if index == 0:
        return found
    return [
        Level(price=EXACT.subtract(ONE, level.price), size=level.size)
        for level in found
    ]


def best(house: House, listed: Listed, index: int, side: Side) -> Level | None:
    """The best bid or ask of an outcome."""
    return next(iter(levels(house, listed, index, side)), None)


def midpoint(house: House, listed: Listed, index: int) -> Decimal | None:
    """Between bid and ask; None where one of them is missing."""
    bid, ask = best(house, listed, index, "bid"), best(house, listed, index, "ask")
    if bid is None or ask is None:
        return None
    return div(EXACT.add(bid.price, ask.price), Decimal(2))


def last_trade(house: House, listed: Listed, index: int) -> tuple[Decimal, str] | None:
    """Price and side of the last trade, as this outcome sees it."""
    found = house.engine.trades(listed.condition_id)[:1]
    if not found:
        return None
    trade = found[0]
    bought = (trade.taker_side == "bid") == (index == 0)
    return other_price(index, trade.price), "BUY" if bought else "SELL"


def prices(house: House, listed: Listed) -> tuple[Decimal, Decimal]:
    """What Gamma tells of the outcomes: the result, else the middle, else the last."""
    value = house.value(listed.condition_id)
    if value is None:
        value = midpoint(house, listed, 0)
    if value is None:
        traded = last_trade(house, listed, 0)
        value = ZERO if traded is None else traded[0]
        if traded is None:
            return ZERO, ZERO
    return value, EXACT.subtract(ONE, value)


def book(
    house: House, listed: Listed, index: int, *, time_us: int | None = None
) -> Payload:
    """The book of an outcome: bids ascend and asks descend, so the best is last.

    It is the book after the change that is being told, if one is; ``time_us`` is when
    that happened, and else it is as of now.
    """
    moment = house.engine.now_us() if time_us is None else time_us
    mirror = house.mirrors[listed.condition_id]
    traded = last_trade(house, listed, index)
    payload: Payload = {
        "market": listed.condition_id,
        "asset_id": listed.tokens[index],
        "timestamp": milliseconds(moment),
        "hash": "",
        "bids": _rows(mirror.levels(index, "bid")),
        "asks": _rows(mirror.levels(index, "ask")),
        "min_order_size": text(listed.min_size),
        "tick_size": text(house.tick(listed)),
        "neg_risk": listed.is_neg_risk,
        "last_trade_price": "" if traded is None else text(traded[0], 3),
    }
    payload["hash"] = book_hash(payload)
    return payload


def book_hash(payload: Payload) -> str:
    """SHA-1 of a book with its hash left empty (py-clob-client-v2 1.2.1, 2026-10)."""
    hashed = {name: payload[name] for name in _HASHED} | {"hash": ""}
    return sha1(encode(hashed), usedforsecurity=False).hexdigest()


def _rows(found: list[Level]) -> list[Payload]:
    return [
        {"price": text(level.price), "size": text(level.size)}
        for level in reversed(found)
    ]
