"""Order books and public trades out of Polymarket's answers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from operator import attrgetter
from typing import Final

import msgspec

from ....models import Level, OrderBook, PricePoint, Trade
from ....models.quotes import POLLED
from ....money import ONE, ZERO
from ..wire import base
from ..wire import quotes as wire
from .reading import (
    Malformed,
    decode,
    dollars,
    grid_of,
    label_of,
    milliseconds,
    price,
    price_of,
    read,
    read_all,
    seconds,
    side_of,
    size,
)

__all__ = [
    "clock",
    "last_price",
    "order_book",
    "order_books",
    "points_page",
    "trades_page",
]

_PRICE: Final = attrgetter("price")


# -- the clock -------------------------------------------------------------------------

_CLOCK: Final = msgspec.json.Decoder(int)


def clock(body: bytes) -> int:
    """The venue's time in Unix seconds, which is all that the answer is."""
    return decode(_CLOCK, body)


# -- books -----------------------------------------------------------------------------


def _levels(
    levels: list[wire.Level], field: str, *, falling: bool
) -> tuple[Level, ...]:
    """The levels of a side, best first, whatever their order; each price once."""
    made = [
        Level(price(x.price, f"{field}[].price"), size(x.size, f"{field}[].size"))
        for x in levels
    ]
    for level in made:
        if level.price in (ZERO, ONE):
            raise Malformed(
                f"{field}[].price", f"is {level.price}, not a price to trade at"
            )
    ordered = sorted((x for x in made if x.size), key=_PRICE, reverse=falling)
    if len({x.price for x in made}) < len(made):
        raise Malformed(field, "holds a price twice")
    return tuple(ordered)


def _book(w: wire.Book, payload: bytes) -> tuple[str, OrderBook]:
    if not (w.timestamp.isascii() and w.timestamp.isdigit()):
        raise Malformed("timestamp", f"is {w.timestamp!r}, not milliseconds")
    bids = _levels(w.bids, "bids", falling=True)
    asks = _levels(w.asks, "asks", falling=False)
    if bids and asks and bids[0].price >= asks[0].price:
        problem = f"bid {bids[0].price} and ask {asks[0].price} cross"
        raise Malformed("bids", problem)
    return w.asset_id, OrderBook(
        venue="polymarket",
        raw_json=payload,
        market_id=w.market.lower(),
        outcome="",
        bids=bids,
        asks=asks,
        timestamp=milliseconds(int(w.timestamp), "timestamp"),
        grid=(
            grid_of(price(w.tick_size, "tick_size"), "tick_size")
            if w.tick_size
            else None
        ),
        freshness=POLLED,
    )


_BOOK: Final = msgspec.json.Decoder(wire.Book)
_BOOKS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def order_book(body: bytes) -> tuple[str, OrderBook]:
    """A book and the token that it is of; whoever asked knows the outcome's name."""
    return read(_BOOK, _book, body)


def order_books(body: bytes) -> dict[str, OrderBook]:
    """Books by token: neither their order nor that all are there is documented."""
    books = decode(_BOOKS, body)
    return dict(read_all(_BOOK, _book, books, ""))


def _last(w: wire.Last, _: bytes) -> Decimal | None:
    told = w.last_trade_price
    return price(told, "last_trade_price") if told else None


_LAST: Final = msgspec.json.Decoder(wire.Last)


def last_price(body: bytes) -> Decimal | None:
    """The price of the last trade that a book tells; "" or nothing before the first."""
    return read(_LAST, _last, body)


# -- trades ----------------------------------------------------------------------------


def _trade(w: wire.Trade, payload: bytes) -> tuple[str, Trade]:
    told = price_of(w.price, "price")
    return w.token_id, Trade(
        venue="polymarket",
        raw_json=payload,
        trade_id=_name(w),
        market_id=w.condition_id.lower(),
        outcome=label_of(w.outcome or ""),
        price=told,
        size=dollars(w.size, "size"),
        taker_side=side_of(w.side, "side"),
        created_at=seconds(w.timestamp, "timestamp"),
        transaction=w.transaction_hash.lower(),
    )


def _name(w: wire.Trade) -> str:
    """A name for a trade, which has none: its transaction, and what it was in that."""
    told = f"{w.token_id} {w.proxy_wallet.lower()} {w.side} {w.price} {w.size}"
    return f"{w.transaction_hash.lower()}-{sha256(told.encode()).hexdigest()[:12]}"


_TRADE: Final = msgspec.json.Decoder(wire.Trade)
_PAGE: Final = msgspec.json.Decoder(base.DataPage)


def trades_page(body: bytes) -> tuple[list[tuple[str, Trade]], str | None]:
    """The trades of a page with the token of each, and the next cursor."""
    page = decode(_PAGE, body)
    return read_all(_TRADE, _trade, page.data, "data"), page.pagination.next_cursor


# -- points of price -------------------------------------------------------------------


def _point(w: wire.Point, payload: bytes) -> PricePoint:
    told = w.resolution_seconds
    return PricePoint(
        venue="polymarket",
        raw_json=payload,
        market_id="",
        outcome="",
        timestamp=seconds(w.timestamp, "timestamp"),
        price=price_of(w.price, "price"),
        resolution=timedelta(seconds=told) if told else None,
    )


_POINT: Final = msgspec.json.Decoder(wire.Point)


def points_page(body: bytes) -> tuple[list[PricePoint], str | None]:
    """Points of price and the next cursor; whoever asked knows what they are of."""
    page = decode(_PAGE, body)
    return read_all(_POINT, _point, page.data, "data"), page.pagination.next_cursor
