"""Watch one question on two venues: YES here and NO there should cost a dollar together.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here; ``--other`` is looked for at ``local``.  Name the two
markets, as ``kalshi:TICKER polymarket:ID``: nothing but you knows that they ask the same.
Without them two that are unrelated show how it runs.  Over two recordings of yours:
``unified-exchanges backtest complement_watcher.py HERE THERE --data one.jsonl --data
other.jsonl``.
"""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser
from contextlib import ExitStack
from decimal import Decimal

import unified_exchanges as ux
from unified_exchanges.money import complement

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")


class ComplementWatcher(ux.Strategy):
    """Of ``markets`` every two are a pair; says when both outcomes cost too little."""

    least, size = Decimal("0.01"), Decimal(10)

    def on_start(self, desk: ux.Desk) -> None:
        """Pair the markets, and say which are taken for one question."""
        names = [name.rpartition(":")[2] for name in self.markets]
        if not names or len(names) % 2:
            message = f"name two markets for each pair, in turn, not {len(names)}"
            raise ux.BadRequest(message)
        self.other = dict(zip(names[::2], names[1::2], strict=True))
        self.other |= {second: first for first, second in self.other.items()}
        self.gains: dict[str, Decimal] = {}
        for two in zip(names[::2], names[1::2], strict=True):
            titles = " | ".join(desk.market(name).title for name in two)
            desk.log(f"taken for one question: {titles}")

    def on_book(self, desk: ux.Desk, book: ux.OrderBook) -> None:
        """Compare with what is known of the other market."""
        other = desk.book(self.other[book.market_id])
        if other is not None:
            self.compare(desk, book, other)
            self.compare(desk, other, book)

    def compare(self, desk: ux.Desk, here: ux.OrderBook, there: ux.OrderBook) -> None:
        """What YES here and NO there earn for each pair, after fees."""
        if not here.ask or not there.bid:
            return
        one, two = desk.contract(here.market_id), desk.contract(there.market_id)
        yes, no = here.ask.price, complement(there.bid.price)
        fees = one.fees.fee(one.first, "buy", yes, self.size)
        fees += two.fees.fee(two.other(two.first), "buy", no, self.size)
        gain = 1 - yes - no - fees / self.size
        if gain >= self.least and gain != self.gains.get(here.market_id):
            desk.log(f"{here.venue} YES {yes}, {there.venue} NO {no}: {gain:.4f} each")
        self.gains[here.market_id] = gain


if __name__ == "__main__":
    OPTIONS = ArgumentParser(description=__doc__)
    OPTIONS.add_argument("markets", nargs="*", help="two for each pair")
    OPTIONS.add_argument("--venue", default=VENUE)
    OPTIONS.add_argument("--environment", default=WHERE)
    OPTIONS.add_argument("--other", help="the second venue; else two markets of one")
    OPTIONS.add_argument("--other-environment", default="local")
    OPTIONS.add_argument("--seconds", type=float, help="else until Ctrl-C")
    given = OPTIONS.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")  # as it comes
    # A URL, as `simulate` exports it, is where one venue is.
    places = [(given.venue, given.environment)]
    places += [(given.other, given.other_environment)] if given.other else []
    with ux.until_stopped() as stop, ExitStack() as stack:
        venues = [
            stack.enter_context(ux.exchange(name, environment=where))
            for name, where in places
        ]
        watcher = ComplementWatcher()
        watcher.markets = given.markets
        if not given.markets:
            print("unrelated, for show: a gain is none where it is not one question")
            each = [v.fetch_markets(limit=2)[: 3 - len(venues)] for v in venues]
            watcher.markets = [f"{m.venue}:{m.market_id}" for ms in each for m in ms]
        report = ux.run(watcher, *venues, stop=stop, seconds=given.seconds)
        print(f"{report.events} books:", watcher.gains, sep="\n")
