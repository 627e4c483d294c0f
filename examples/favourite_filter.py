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
from unified_exchanges import Desk, Failure, Level, Order, OrderBook

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")


class FavouriteFilter(ux.Strategy):
    """Takes what is at least 85 % likely, tightly quoted and liquid; leaves at once."""

    likely, spread, liquid = Decimal("0.85"), Decimal("0.02"), Decimal(50)
    size, stop_loss = Decimal(20), Decimal("0.05")

    def __init__(self) -> None:
        self.paid: dict[tuple[str, str], Decimal] = {}
        self.working: dict[str, tuple[str, str]] = {}

    def on_start(self, desk: Desk) -> None:
        """What is held from before is left like what is bought."""
        for held in desk.positions():
            self.paid[held.market_id, held.outcome] = held.cost / held.size

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        """Look at the market from both sides: the favourite may be either."""
        first, second = desk.market(book.market_id).outcomes
        for side in (book, book.complement(second.label)):
            place = book.market_id, first.label if side is book else second.label
            if side.bid and side.ask and place not in self.working.values():
                self.look(desk, place, side.bid, side.ask)

    def look(self, desk: Desk, place: tuple[str, str], bid: Level, ask: Level) -> None:
        """Enter or leave; one order at a time, until its end was told."""
        held, market = desk.held(*place), desk.market(place[0])
        is_tight = ask.price - bid.price < self.spread
        is_liquid = min(bid.size, ask.size) >= self.liquid
        if (
            held
            and bid.price <= self.paid.setdefault(place, bid.price) - self.stop_loss
        ):
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
        self.working[key] = place

    def on_order(self, desk: Desk, order: Order) -> None:
        """Its fills were told before the end of it."""
        if not order.is_open:
            self.working.pop(order.client_order_id or "", None)
            desk.log(f"{order.side} {order.filled:f} {order.outcome}, {order.status}")

    def on_failure(self, desk: Desk, failure: Failure) -> None:  # noqa: ARG002
        """Go on; what may be there all the same is waited for."""
        if not failure.error.maybe_executed:
            self.working.pop(failure.command.key, None)


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
