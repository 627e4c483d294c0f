"""The blocking flavour where an event loop runs already, as in every cell of a notebook."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from unified_exchanges import Desk, OrderBook, Strategy, exchange, run

from .recording.sessions import VENUES, Stage, stage, traded


class Looker(Strategy):
    """Ends with the first book."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.log(book.market_id)
        desk.stop()


def all_of_it(at: Stage, path: Path) -> list[str]:
    """Trade while it is recorded, replay it, run a strategy, and trade on paper."""
    assert asyncio.get_running_loop().is_running()
    order = traded("blocking", at, path)
    with exchange("replay", path=path) as replay:
        [market] = replay.fetch_markets(limit=1)
        replay.fetch_balance()
        book = replay.watch_order_book(market.market_id).next(timeout=10)
    looker = Looker()
    looker.markets = [market.market_id]
    with exchange(at.venue, **at.account) as ex:
        told = run(looker, ex, seconds=20)
    with exchange("paper", source=at.venue, cash=100, **at.account) as paper:
        ask = paper.fetch_order_book(market.market_id).asks[0].price
        first = market.outcomes[0].label
        taken = paper.create_order(
            market.market_id, first, "buy", ask, 10, time_in_force="ioc"
        )
    return [
        str(order.status),
        book.market_id,
        told.notes[0].text,
        market.market_id,
        str(taken.filled),
    ]


@pytest.mark.parametrize("venue", VENUES)
def test_blocking_calls_work_where_a_loop_runs(venue: str, tmp_path: Path) -> None:
    async def cell() -> list[str]:
        return all_of_it(at, tmp_path / "session.jsonl")

    with stage(venue) as at:
        status, *names, filled = asyncio.run(cell())
    assert status == "canceled"
    assert len(set(names)) == 1
    assert filled == "10"
