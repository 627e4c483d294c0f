"""A strategy in some thirty lines: trade what the crowd is least sure of, on any venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import unified_exchanges as ux

__all__ = ["trade"]


def trade(venue: str, **account: Any) -> Iterator[tuple[str, object]]:
    """Rest one order, fill another, leave none behind; hand out what is seen."""
    with ux.exchange(venue, **account) as exchange:
        yield "cash before", exchange.fetch_balance()
        yield "markets", (markets := exchange.fetch_markets(limit=100))
        doubts = [(abs(m.bid + m.ask - 1), m) for m in markets if m.bid and m.ask]
        yield from play(exchange, min(doubts, key=lambda pair: pair[0])[1])
        yield "cash after", exchange.fetch_balance()


def play(venue: ux.Exchange, market: Any) -> Iterator[tuple[str, object]]:
    """Trade on one market, and hear of it on the stream."""
    name, outcome = market.market_id, market.outcomes[0].label
    books, orders = venue.watch_order_book(name), venue.watch_orders()
    fills = venue.watch_fills()
    yield "book", (book := told(books, lambda _: True))
    bid, ask = book.bids[0].price, book.asks[0].price
    yield "rest", venue.create_order(name, outcome, "buy", bid, 5, post_only=True)
    yield "open orders", venue.fetch_open_orders()

    take = venue.create_order(name, outcome, "buy", ask, 5, time_in_force="ioc")
    yield "take", take
    yield "fills", venue.fetch_fills()
    yield "fill told", told(fills, lambda fill: fill.order_id == take.order_id)
    yield "positions", venue.fetch_positions()

    try:
        venue.create_order(name, outcome, "buy", bid + market.grid.step_at(bid) / 2, 5)
    except ux.InvalidPrice as refusal:
        yield "off the grid", refusal

    yield "cancel all", venue.cancel_all_orders()
    yield "order told", told(orders, lambda order: order.status == "canceled")
    yield "left open", venue.fetch_open_orders()
    yield "book read", (now := venue.fetch_order_book(name))
    yield "book told", told(books, lambda x: (x.bids, x.asks) == (now.bids, now.asks))


def told(stream: ux.Watch[Any], is_wanted: Callable[[Any], bool]) -> Any:
    """The first that is as wanted, or the last that came before ten silent seconds."""
    item = None
    with suppress(ux.RequestTimeout):
        while item is None or not is_wanted(item):
            item = stream.next(timeout=10)
    return item
