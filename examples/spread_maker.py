"""Make markets: bid for both outcomes, a step inside the spread where there is room.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.  Over a recording of yours:
``unified-exchanges backtest spread_maker.py --data day.jsonl``.
"""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from decimal import Decimal

import unified_exchanges as ux
from unified_exchanges.money import text

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")


class SpreadMaker(ux.Strategy):
    """Bids for both outcomes: who sells us both gives a dollar for less."""

    size, most, room = Decimal(20), Decimal(100), 3

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str], str] = {}

    def on_book(self, desk: ux.Desk, book: ux.OrderBook) -> None:
        """Quote both sides of what is shown now."""
        first, second = desk.market(book.market_id).outcomes
        self.quote(desk, book, (book.market_id, first.label))
        other = book.complement(second.label)
        self.quote(desk, other, (book.market_id, second.label))

    def quote(self, desk: ux.Desk, book: ux.OrderBook, place: tuple[str, str]) -> None:
        """Keep one bid for an outcome, above those of others."""
        bid, ask, key = book.bid, book.ask, self.keys.get(place)
        order = desk.order(key) if key else None
        if key and (order is None or order.is_open):
            if order and bid and order.price < bid.price:
                desk.cancel(self.keys.pop(place))
            return
        if not bid or not ask or desk.held(*place) >= self.most:
            return
        step = desk.market(place[0]).grid.step_at(bid.price)
        has_room = ask.price - bid.price >= self.room * step
        price = bid.price + step * has_room
        self.keys[place] = desk.place(*place, "buy", price, self.size, post_only=True)

    def on_gap(self, desk: ux.Desk, gap: ux.Gap) -> None:  # noqa: ARG002
        """Nobody knows what there is now: bid no more until the next book."""
        for key in self.keys.values():
            desk.cancel(key)
        self.keys.clear()

    def on_fill(self, desk: ux.Desk, fill: ux.Fill) -> None:
        """Say what came of it."""
        desk.log(f"{fill.side} {text(fill.size)} {fill.outcome} at {text(fill.price)}")

    def on_failure(self, desk: ux.Desk, failure: ux.Failure) -> None:  # noqa: ARG002
        """Somebody was faster, and the bid would have crossed: quote anew."""
        self.keys = {x: k for x, k in self.keys.items() if k != failure.command.key}


if __name__ == "__main__":
    OPTIONS = ArgumentParser(description=__doc__)
    OPTIONS.add_argument("--venue", default=VENUE)
    OPTIONS.add_argument("--environment", default=WHERE)
    OPTIONS.add_argument("--seconds", type=float, help="else until Ctrl-C")
    given = OPTIONS.parse_args()
    # What is logged, and what is refused, is told as it comes.
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    with ux.exchange(given.venue, environment=given.environment) as venue:
        maker = SpreadMaker()
        open_ones = (m for m in venue.iter_markets() if m.bid and m.ask)
        maker.markets = [market.market_id for market in open_ones][:2]
        with ux.until_stopped() as stop:
            report = ux.run(maker, venue, stop=stop, seconds=given.seconds)
        print(f"{report.totals.decisions} quotes, {report.totals.fills} fills")
