"""What a market paid, on paper and at its venue: the same numbers mean the same."""

from __future__ import annotations

import time
from decimal import Decimal

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import BUY, Exchange, Settlement, exchange

PATIENCE = 90.0
"""Seconds: what happens before the stream follows the market is read within a minute."""


def test_a_settlement_on_paper_is_that_of_kalshi_fees_and_profit_included() -> None:
    ground = KalshiPaper()
    with ground.served() as server:
        account = {**ground.account(), "environment": server.url + ground.path}
        with (
            exchange("kalshi", **account) as real,
            exchange("paper", source="kalshi", **account) as paper,
        ):
            market = next(x for x in real.fetch_markets() if x.bid and x.ask)
            name, first = market.market_id, market.outcomes[0].label
            for one in (paper, real):
                one.create_order(name, first, BUY, market.ask, 10, time_in_force="ioc")
            with server.lock:
                ground.kalshi.engine.determine(name, Decimal("0.25"))
                ground.kalshi.engine.settle(name)
            mine, theirs = _settled(paper), _settled(real)
    assert mine.fee == theirs.fee
    assert mine.fee > 0
    assert (mine.payout, mine.cost) == (theirs.payout, theirs.cost)
    assert mine.profit == theirs.profit == mine.payout - mine.cost - mine.fee


def _settled(one: Exchange) -> Settlement:
    end = time.monotonic() + PATIENCE
    while not (found := one.fetch_settlements(limit=1)):
        assert time.monotonic() < end
        time.sleep(0.02)
    [settled] = found
    return settled
