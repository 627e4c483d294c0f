"""A strategy in thirty lines: trade what the crowd is least sure of, on any venue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import unified_exchanges as ux

__all__ = ["trade"]


def trade(exchange_id: str, **account: Any) -> Iterator[tuple[str, object]]:
    """Rest one order, fill another, leave none behind; hand out what is seen."""
    with ux.exchange(exchange_id, **account) as venue:
        yield "cash before", venue.fetch_balance()
        yield "markets", (markets := venue.fetch_markets(limit=100))
        doubts = [(abs(m.bid + m.ask - 1), m) for m in markets if m.bid and m.ask]
        _, market = min(doubts, key=lambda pair: pair[0])
        name, outcome = market.market_id, market.outcomes[0].label

        yield "book", (book := venue.fetch_order_book(name))
        bid, ask = book.bids[0].price, book.asks[0].price
        yield "rest", venue.create_order(name, outcome, "buy", bid, 5, post_only=True)
        yield "open orders", venue.fetch_open_orders()

        take = venue.create_order(name, outcome, "buy", ask, 5, time_in_force="ioc")
        yield "take", take
        yield "fills", venue.fetch_fills()
        yield "positions", venue.fetch_positions()

        between = bid + market.grid.step_at(bid) / 2
        try:
            venue.create_order(name, outcome, "buy", between, 5)
        except ux.InvalidPrice as refusal:
            yield "off the grid", refusal

        yield "cancel all", venue.cancel_all_orders()
        yield "left open", venue.fetch_open_orders()
        yield "cash after", venue.fetch_balance()


if __name__ == "__main__":
    for step, seen in trade("kalshi", environment="local"):
        print(f"{step}: {seen}")
