"""What can go wrong with an order, by what to do next.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser

import unified_exchanges as ux

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def bid(
    venue: ux.Exchange, name: str, outcome: str, price: str, size: int
) -> ux.Order | None:
    """Bid for an outcome or say why not; never twice."""
    try:
        return venue.create_order(name, outcome, "buy", price, size)
    except ux.InvalidPrice as error:  # fix the call: nothing was sent
        if len(error.nearest) <= 1:
            print("not a price:", error)
            return None
        below, _ = error.nearest
        print(f"{price} is between two ticks, bidding {below}")
        return venue.create_order(name, outcome, "buy", below, size)
    except ux.BadRequest as error:
        print("fix the call:", error)
    except (ux.InsufficientFunds, ux.MarketClosed, ux.MarketNotFound) as error:
        print("not today:", error)
    except ux.RateLimitExceeded as error:
        time.sleep(error.retry_after or 1)
        print("too fast; nothing was placed")
    except ux.OrderUnknown as error:  # it may exist: look, never send again
        print("look it up later as", error.client_order_id)
    except ux.NetworkError as error:
        print("sent" if error.sent else "never sent:", error)
    return None


def main(venue_id: str, environment: str) -> None:
    """Try a good order and several bad ones."""
    with ux.exchange(venue_id, environment=environment) as venue:
        market = next(
            m for m in venue.iter_markets() if m.bid and m.bid > m.grid.lowest
        )
        name, outcome = market.market_id, market.outcomes[0].label
        print(bid(venue, name, outcome, "0.01", 10))
        print(bid(venue, name, outcome, "0.011111", 10))
        print(bid(venue, name, outcome, "29", 10))
        print(bid(venue, name, outcome, "0.01", 50_000_000))
        print(bid(venue, "NO-SUCH-MARKET", outcome, "0.01", 10))
        print(f"{len(venue.cancel_all_orders().canceled)} cancelled")


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    main(given.venue, given.environment)
