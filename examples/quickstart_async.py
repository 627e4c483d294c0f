"""The same names in asyncio: many questions at once.

In another terminal run ``unified-exchanges simulate`` (or ``simulate polymarket``), and
paste the exports that it prints here.
"""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser

from unified_exchanges import async_exchange

VENUE = os.environ.get("UNIFIED_EXCHANGES_VENUE", "kalshi")
WHERE = os.environ.get("UNIFIED_EXCHANGES_ENVIRONMENT", "local")
OPTIONS = ArgumentParser(description=__doc__)
OPTIONS.add_argument("--venue", default=VENUE)
OPTIONS.add_argument("--environment", default=WHERE)


async def main(venue_id: str, environment: str) -> None:
    """Read several books at once, then buy the best offer of the first."""
    async with async_exchange(venue_id, environment=environment) as venue:
        markets = [market async for market in venue.iter_markets(limit=4)]
        books = await asyncio.gather(
            *(venue.fetch_order_book(market.market_id) for market in markets)
        )
        print(*books, sep="\n")

        book = next(book for book in books if book.asks)
        order = await venue.create_order(
            book.market_id,
            book.outcome,
            "buy",
            book.asks[0].price,
            10,
            time_in_force="ioc",
        )
        balance, positions = await asyncio.gather(
            venue.fetch_balance(), venue.fetch_positions(market_id=book.market_id)
        )
        print(order, *positions, balance, sep="\n")


if __name__ == "__main__":
    given = OPTIONS.parse_args()
    asyncio.run(main(given.venue, given.environment))
