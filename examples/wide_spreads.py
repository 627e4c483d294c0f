"""Scan every open market for the widest spreads: where quoting might pay.

In another terminal run ``unified-exchanges simulate``, and paste the export of its
environment here. Public data needs no key.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal
from heapq import nlargest

from unified_exchanges import Exchange, Market, exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def spreads(venue: Exchange) -> Iterator[tuple[Decimal, Market]]:
    """Spread in ticks of every market that is quoted on both sides."""
    for market in venue.iter_markets():
        if market.bid and market.ask:
            tick = market.grid.step_at(market.bid)
            yield (market.ask - market.bid) / tick, market


def main(venue_id: str, environment: str) -> None:
    """Print the ten widest."""
    with exchange(venue_id, environment=environment) as venue:
        for ticks, market in nlargest(10, spreads(venue), key=lambda pair: pair[0]):
            print(
                f"{ticks:>6.0f} ticks  {market.bid} / {market.ask}  {market.market_id}"
            )


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
