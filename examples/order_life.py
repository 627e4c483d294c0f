"""The life of a limit order: placed, seen, changed, cancelled, read again.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from unified_exchanges import Exchange, Order, OrderStatus, exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def changed(
    venue: Exchange, order: Order, outcome: str, price: Decimal, size: int
) -> Order:
    """Change it in place where the venue can; elsewhere another takes its place."""
    if venue.has["edit_order"]:
        return venue.edit_order(order.order_id, outcome=outcome, price=price, size=size)
    venue.cancel_order(order.order_id)
    return venue.create_order(
        order.market_id, outcome, "buy", price, size, post_only=True
    )


def main(venue_id: str, environment: str) -> None:
    """Rest an order far from the market and follow it to its end."""
    with exchange(venue_id, environment=environment) as venue:
        market = next(m for m in venue.iter_markets() if m.bid and m.ask)
        outcome, lowest = market.outcomes[0].label, market.grid.lowest
        higher = lowest + market.grid.step_at(lowest)

        in_an_hour = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        order = venue.create_order(
            market.market_id,
            outcome,
            "buy",
            lowest,
            10,
            post_only=True,  # refused rather than filled at once
            expires_at=in_an_hour,
        )
        print("placed   ", order, "as", order.client_order_id)

        same = venue.fetch_order(client_order_id=order.client_order_id)
        print("found    ", same, same.order_id == order.order_id)

        order = changed(venue, order, outcome, higher, 6)
        print("changed  ", order)

        order = venue.cancel_order(order.order_id)
        print("cancelled", order)
        assert order.status is OrderStatus.CANCELED

        # Cancelling again is no error: the order comes as it is.
        print("again    ", venue.cancel_order(order.order_id).status)


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
