"""Exposure beside positions that are told late: never too little."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges import GuardPolicy, GuardTripped

D = Decimal


@pytest.mark.parametrize("seconds", [1, 5, 9, 25])
def test_fault_28_a_guard_that_reads_the_account_counts_what_positions_lack_yet(
    flavour: str, seconds: int
) -> None:
    ground = PolymarketGround()
    ground.polymarket.settings.data_lag = 30
    policy = GuardPolicy(max_exposure=D(15), account_age=1)
    trader = ground.trader(flavour, guards=policy)
    market = trader.quoted_market()
    first = market.outcomes[0].label
    size = 10 * int(12 / (market.ask * 10))
    bought = trader.lift(market, size, outcome=first)
    cost = bought.filled * bought.average_price
    assert D(5) < cost < D(15)
    ground.clock.advance(seconds)
    # The account is read before this one, and its positions are those of before.
    with pytest.raises(GuardTripped) as caught:
        trader.create_order(market.market_id, first, "buy", "0.1", 100)
    assert caught.value.guard == "max_exposure"
    assert trader.exchange.exposure().total >= cost
    ground.clock.advance(90)
    trader.fetch_positions()
    assert cost <= trader.exchange.exposure().total < cost + 1


def test_a_refusal_comes_at_once(flavour: str) -> None:
    trader = PolymarketGround().trader(flavour, guards=GuardPolicy(max_order_cost=D(5)))
    market = trader.quoted_market()
    began = trader.ground.clock.now()
    for _ in range(2):
        with pytest.raises(GuardTripped, match="above the cap"):
            trader.create_order(
                market.market_id, market.outcomes[0].label, "buy", "0.1", 100
            )
    assert trader.ground.clock.now() == began
