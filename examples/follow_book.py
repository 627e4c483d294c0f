"""Follow some books and say what they cost, async; a stale book is never seen here.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser

from unified_exchanges import Gap, OrderBook, Reconnected, async_exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)
UPDATES = int(os.environ.get("UPDATES", "5"))


async def main(venue_id: str, environment: str) -> None:
    """Print so many updates of five markets, and what happened to the stream."""
    async with async_exchange(venue_id, environment=environment) as venue:
        markets = await venue.fetch_markets(limit=5)
        names = [market.market_id for market in markets]
        seen = 0
        async for news in venue.watch_order_book(names, events=True):
            if isinstance(news, OrderBook):
                print(f"{news.market_id:<28} {news.spread} wide at {news.timestamp}")
                seen += 1
            elif isinstance(news, Gap):
                print(f"missed something ({news.reason}); waiting for whole books")
            elif isinstance(news, Reconnected):
                print(f"connected again after {news.downtime:.1f} seconds")
            if seen == UPDATES:
                break
        health = venue.stream_health()
        print(f"{health.state}: {health.messages} messages, {health.gaps} gaps")


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    asyncio.run(main(given.venue, given.environment))
