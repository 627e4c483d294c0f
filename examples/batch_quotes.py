"""Quote several markets in one batch, and take every quote back.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser

from unified_exchanges import Market, OrderRequest, exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def quote(market: Market) -> OrderRequest:
    """A bid one tick under the best, which only rests."""
    assert market.bid is not None
    tick = market.grid.step_at(market.bid)
    price = market.grid.snap(market.bid - tick, "down") or market.grid.lowest
    return OrderRequest(
        market_id=market.market_id,
        outcome=market.outcomes[0].label,
        side="buy",
        price=price,
        size=10,
        post_only=True,
    )


def main(venue_id: str, environment: str) -> None:
    """Place the batch, look at each result, cancel all and prove it."""
    with exchange(venue_id, environment=environment) as venue:
        markets = [market for market in venue.iter_markets(limit=20) if market.bid]
        results = venue.create_orders([quote(market) for market in markets[:6]])
        for result in results:
            # A batch is not atomic: each entry is an order or an error.
            print(result.order or f"{result.request.market_id}: {result.error}")

        report = venue.cancel_all_orders()
        print(f"{len(report.canceled)} taken back, {len(report.remaining)} left")
        assert report.is_complete


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
