"""From nothing to a filled order, blocking.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser

from unified_exchanges import exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def main(venue_id: str, environment: str) -> None:
    """Look at a few markets and buy ten contracts of one."""
    with exchange(venue_id, environment=environment) as venue:
        markets = venue.fetch_markets(limit=5)
        for market in markets:
            print(f"{market.market_id:<28} {market.bid} / {market.ask}  {market.title}")

        market = next(market for market in markets if market.bid and market.ask)
        outcome = market.outcomes[0].label
        book = venue.fetch_order_book(market.market_id, outcome=outcome)
        price = book.asks[0].price  # the worst price that we accept

        order = venue.create_order(
            market.market_id, outcome, "buy", price, 10, time_in_force="ioc"
        )
        print(f"\n{order.status}: {order.filled} of {order.size} {outcome} at {price}")
        for fill in venue.fetch_fills(order_id=order.order_id):
            print(f"paid {fill.price} each and a fee of {fill.fee}")
        print(f"{venue.fetch_balance().available} dollars left")


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
