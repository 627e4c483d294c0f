"""React to fills, blocking: whatever was bought is offered again a little higher.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser

from unified_exchanges import Exchange, Fill, Side, exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def offer_higher(venue: Exchange, fill: Fill) -> None:
    """Ask for ten steps more than was paid."""
    grid = venue.fetch_market(fill.market_id).grid
    price = min(grid.highest, fill.price + 10 * grid.step_at(fill.price))
    order = venue.create_order(
        fill.market_id, fill.outcome, "sell", price, fill.size, post_only=True
    )
    print("offered", order)


def main(venue_id: str, environment: str) -> None:
    """Buy a little, hear of the fill once, and answer it."""
    with (
        exchange(venue_id, environment=environment) as venue,
        venue.watch_fills() as fills,
    ):
        market = next(m for m in venue.iter_markets() if m.bid and m.ask)
        outcome = market.outcomes[0].label
        venue.create_order(
            market.market_id, outcome, "buy", market.ask, 10, time_in_force="ioc"
        )

        left = 10  # your program would go on without end
        for fill in fills:
            print("filled ", fill)
            if fill.side is Side.BUY:
                offer_higher(venue, fill)
            left -= fill.size
            if not left:
                break
        assert venue.cancel_all_orders().is_complete


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
