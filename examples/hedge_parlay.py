"""Hedge a parlay by its legs: first on paper, then for real, with a defined failure.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser

from unified_exchanges import Exchange, Leg, NetworkError, exchange
from unified_exchanges.execution import against, hedge

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


def slip(venue: Exchange) -> list[Leg]:
    """A parlay that we hold somewhere: it pays if two things come true."""
    markets = venue.fetch_markets(limit=100)
    # A hedge of what we hold here would close that, which an unwind could not restore.
    held = {(x.market_id, x.outcome) for x in venue.fetch_positions() if x.size}
    legs: dict[str, Leg] = {}
    for market in markets:
        event_id, label = market.event_id, market.outcomes[0].label
        is_free = (market.market_id, label) not in held and not market.is_combination
        if market.bid and market.ask and is_free:
            legs[event_id] = Leg(event_id, market.market_id, label)
    return list(legs.values())[:2]


def main(venue_id: str, environment: str) -> None:
    """Buy what pays if the parlay does not, for twenty dollars at most."""
    with exchange(venue_id, environment=environment) as venue:
        parlay = slip(venue)
        print("a parlay of")
        for leg in parlay:
            print(f"  {leg.outcome} of {leg.market_id}")

        ids = [leg.market_id for leg in parlay]
        legs = against(parlay, venue.fetch_markets(market_ids=ids))
        print(hedge(venue, legs, 20, max_slippage="0.01"))  # sends nothing

        done = hedge(
            venue, legs, 20, max_slippage="0.01", dry_run=False, on_failure="unwind"
        )
        print(done)
        assert done.cost + done.fees <= done.budget
        assert not done.unresolved


if __name__ == "__main__":
    try:
        given = OPTIONS.parse_args()
        main(given.venue, given.environment)
    except NetworkError as error:
        sys.exit(f"the venue was not reached, does it run? {error}")
