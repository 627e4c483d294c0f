"""The life of a limit order: placed, seen, changed, cancelled, read again.

In another terminal run ``unified-exchanges simulate``, and paste the exports that it
prints here.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from unified_exchanges import OrderStatus, exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")


def main() -> None:
    """Rest an order far from the market and follow it to its end."""
    with exchange(VENUE, environment=WHERE) as venue:
        market = next(m for m in venue.iter_markets() if m.bid and m.ask)
        outcome = market.outcomes[0].label
        lowest = market.grid.lowest
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

        order = venue.edit_order(order.order_id, outcome=outcome, price=higher, size=4)
        print("changed  ", order)

        order = venue.cancel_order(order.order_id)
        print("cancelled", order)
        assert order.status is OrderStatus.CANCELED

        # Cancelling again is no error: the order comes as it is.
        print("again    ", venue.cancel_order(order.order_id).status)


if __name__ == "__main__":
    main()
