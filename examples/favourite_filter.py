"""Buy favourites that are sold too cheaply, as long shots are bought too dearly.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste its exports.  ``unified-exchanges backtest favourite_filter.py --data day.jsonl``.
"""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from decimal import Decimal

import unified_exchanges as ux
from unified_exchanges import Desk, Failure, Fill, Level, Order, OrderBook

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")


class FavouriteFilter(ux.Strategy):
    """Takes what is at least 85 % likely, tightly quoted and liquid; leaves at once."""

    likely, spread, liquid = Decimal("0.85"), Decimal("0.02"), Decimal(50)
    size, stop_loss = Decimal(20), Decimal("0.05")

    def __init__(self) -> None:
        self.paid: dict[tuple[str, str], Decimal] = {}
        self.busy: dict[tuple[str, str], Decimal] = {}
        self.asked: dict[str, tuple[str, str]] = {}

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        """Look at the market from both sides: the favourite may be either."""
        first, second = desk.market(book.market_id).outcomes
        for side in (book, book.complement(second.label)):
            place = book.market_id, first.label if side is book else second.label
            if side.bid and side.ask and place not in self.busy:
                self.look(desk, place, side.bid, side.ask)

    def look(self, desk: Desk, place: tuple[str, str], bid: Level, ask: Level) -> None:
        """Enter or leave; one order at a time, until all of it was told."""
        held, market = desk.held(*place), desk.market(place[0])
        is_tight = ask.price - bid.price < self.spread
        is_liquid = min(bid.size, ask.size) >= self.liquid
        if held and bid.price <= self.paid.get(place, 0) - self.stop_loss:
            worst = max(market.grid.lowest, bid.price - Decimal("0.03"))  # aggressively
            key = desk.place(*place, "sell", worst, held, time_in_force="ioc")
        elif not held and ask.price >= self.likely and is_tight and is_liquid:
            desk.forecast(*place, ask.price)
            lot = market.immediate_lot(ask.price)
            size = max(lot, self.size // lot * lot)
            key = desk.place(*place, "buy", ask.price, size, time_in_force="ioc")
            self.paid[place] = ask.price
        else:
            return
        self.busy[place], self.asked[key] = Decimal(0), place

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        """Fills may be told after the end of their order: wait for all of them."""
        place = fill.market_id, fill.outcome
        self.busy[place] = self.busy.get(place, 0) + fill.size
        desk.log(f"{fill.side} {fill.size:f} {fill.outcome} at {fill.price:f}")
        if order := desk.order(fill.client_order_id or ""):
            self.on_order(desk, order)

    def on_order(self, desk: Desk, order: Order) -> None:  # noqa: ARG002
        """The end, before or after its fills."""
        place = order.market_id, order.outcome
        if not order.is_open and self.busy.get(place, 0) >= order.filled:
            self.busy.pop(place, None)

    def on_failure(self, desk: Desk, failure: Failure) -> None:  # noqa: ARG002
        """Go on; what may be there all the same is waited for."""
        if not failure.error.maybe_executed:
            self.busy.pop(self.asked[failure.command.key], None)


if __name__ == "__main__":
    OPTIONS = ArgumentParser(description=__doc__)
    OPTIONS.add_argument("--venue", default=VENUE)
    OPTIONS.add_argument("--environment", default=WHERE)
    OPTIONS.add_argument("--seconds", type=float, help="else until Ctrl-C")
    given = OPTIONS.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    with ux.exchange(given.venue, environment=given.environment) as venue:
        strategy = FavouriteFilter()
        strategy.markets = [m.market_id for m in venue.iter_markets() if m.bid][:20]
        with ux.until_stopped() as stop:
            report = ux.run(strategy, venue, stop=stop, seconds=given.seconds)
        print(f"{report.totals.fills} fills,", report.cash)
