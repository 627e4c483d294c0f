"""Orders that a delay holds back while their API key is revoked."""

from __future__ import annotations

from typing import Any

import pytest

from ..scene import Scene


@pytest.mark.parametrize("how", ["fok", "ioc", "gtc"])
@pytest.mark.parametrize("is_there", [True, False])
def test_they_meet_the_book_as_any_other(how: str, is_there: bool) -> None:
    scene = Scene()
    (market, *_) = scene.markets(lambda x: bool(x.seconds_delay))
    object.__setattr__(scene.listed(market), "seconds_delay", 60)
    label = market.outcomes[0].label
    order = scene.trader.lift(market, 10, outcome=label, time_in_force=how)
    scene.venue.revoke_keys(scene.wallet)
    if not is_there:
        _withdraw_asks(scene, market.market_id)
    scene.advance(60)
    placed = scene.venue._house.orders[order.order_id]
    assert bool(placed.trade_ids) is is_there
    is_killed = how == "fok" and not is_there
    assert placed.verdict.startswith("CANCELED_") is is_killed


def _withdraw_asks(scene: Scene, market_id: str) -> None:
    engine: Any = scene.venue._house.engine
    for account in engine._floor.accounts.values():
        for order in list(account.orders.values()):
            if order.is_open and (order.market_id, order.side) == (market_id, "ask"):
                engine.cancel(order.order_id, owner=order.owner)
