"""Hedge a parlay by its legs: first on paper, then for real, with a defined failure.

In another terminal run ``unified-exchanges simulate``, and paste the exports that it
prints here.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import unified_exchanges as ux
from unified_exchanges.execution import HedgeLeg, against, hedge

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
COLLECTIONS = "/multivariate_event_collections"


def parlay(venue: ux.Exchange) -> ux.Market:
    """A market that pays if two plain ones do; Kalshi makes it when it is asked for."""
    listed: Any = venue.request("GET", COLLECTIONS)
    collection = listed["multivariate_contracts"][0]
    legs = []
    for event in collection["associated_events"][:2]:
        found = venue.fetch_event(event["ticker"])
        market = next(m for m in found.markets if m.bid and m.ask)
        ids = {"market_ticker": market.market_id, "event_ticker": market.event_id}
        legs.append({**ids, "side": "yes"})
    path = f"{COLLECTIONS}/{collection['collection_ticker']}"
    made: Any = venue.request("POST", path, body={"selected_markets": legs})
    return venue.fetch_market(made["market_ticker"])


def main() -> None:
    """Buy what pays if the parlay does not, for twenty dollars at most."""
    with ux.exchange(VENUE, environment=WHERE) as venue:
        combination = parlay(venue)
        print(f"{combination.title!r} is a parlay of")
        for leg in combination.legs:
            print(f"  {leg.outcome} of {leg.market_id}")

        try:
            hedge(venue, [HedgeLeg(combination.market_id, "no")], 20)
        except ux.CombinationMarket as error:  # it is no plain market: take its legs
            print("refused:", error)

        ids = [leg.market_id for leg in combination.legs]
        legs = against(combination, venue.fetch_markets(market_ids=ids))
        print(hedge(venue, legs, 20, max_slippage="0.01"))  # sends nothing

        done = hedge(
            venue, legs, 20, max_slippage="0.01", dry_run=False, on_failure="unwind"
        )
        print(done)
        assert done.cost + done.fees <= done.budget
        assert not done.unresolved


if __name__ == "__main__":
    try:
        main()
    except ux.NetworkError as error:
        sys.exit(f"the venue was not reached, does it run? {error}")
