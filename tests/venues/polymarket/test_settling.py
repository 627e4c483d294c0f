"""Trades that fail on chain: the fill never was, and nothing opens again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.errors import GuardTripped
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import FillState, Market, OrderState, OrderStatus
from unified_exchanges.testing.conformance.ground import Trader

D = Decimal


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def test_a_fill_is_pending_until_the_chain_has_it(scene: Scene) -> None:
    scene.trader.lift(scene.market, 10)
    (fill,) = scene.trader.fetch_fills()
    assert fill.state is FillState.PENDING
    scene.advance(10)
    (fill,) = scene.trader.fetch_fills()
    assert fill.state is FillState.FINAL


def test_a_trade_that_fails_takes_the_position_back_and_opens_nothing(
    scene: Scene,
) -> None:
    trader = scene.trader
    cash = trader.fetch_balance().available
    scene.venue.settler.fail()
    order = trader.lift(scene.market, 10)
    assert order.status is OrderStatus.CLOSED
    held = trader.fetch_positions(market_id=scene.market.market_id)
    assert [x.size for x in held] == [10]
    scene.advance(10)
    assert trader.fetch_positions(market_id=scene.market.market_id) == []
    assert trader.fetch_balance().available == cash
    assert trader.fetch_fills() == []
    assert trader.fetch_open_orders() == []
    # What the venue says of the order does not change: it is over.
    assert not trader.fetch_order(order.order_id).is_open
    assert trader.close_position(scene.market.market_id, max_slippage="0.1") is None


def test_exposure_shrinks_once_positions_show_that_a_trade_failed(
    scene: Scene,
) -> None:
    guarded = scene.another(guards=GuardPolicy(max_exposure=D(100)))
    scene.venue.settler.fail()
    guarded.lift(scene.market, 10)
    assert guarded.exchange.exposure().total > 4
    scene.advance(60)
    guarded.fetch_positions()
    assert guarded.exchange.exposure().total == 0


# -- what guards count -----------------------------------------------------------------


@pytest.fixture
def capped(scene: Scene) -> Trader:
    """Somebody who may have ten dollars at risk, and holds twenty for nine."""
    capped = scene.another(guards=GuardPolicy(max_market_exposure=D(10)))
    trade(scene, capped, "buy")
    scene.advance(60)
    return capped


def trade(
    scene: Scene, trader: Trader, side: str, size: int = 20, **more: object
) -> str:
    price = scene.market.ask if side == "buy" else scene.market.bid
    order = trader.create_order(
        scene.market.market_id,
        scene.market.outcomes[0].label,
        side,
        price,
        size,
        time_in_force="ioc",
        **more,
    )
    assert order.filled == size
    return str(order.order_id)


def reads_of_trades(trader: Trader) -> int:
    return len([x for x in trader.transport.requests if "/data/trades" in x.url])


def test_fault_30_a_sale_that_fails_makes_no_room_to_buy(
    scene: Scene, capped: Trader
) -> None:
    at_risk = capped.exchange.exposure().total
    scene.venue.settler.fail()
    trade(scene, capped, "sell")
    for _ in range(2):
        # At first it may fail, and then it has.
        assert capped.exchange.exposure().total == at_risk
        with pytest.raises(GuardTripped):
            trade(scene, capped, "buy")
        scene.advance(60)
    held = capped.fetch_positions(market_id=scene.market.market_id)
    assert [x.size for x in held] == [20]


def test_fault_30_a_sale_makes_room_once_it_has_settled(
    scene: Scene, capped: Trader
) -> None:
    trade(scene, capped, "sell")
    with pytest.raises(GuardTripped):
        trade(scene, capped, "buy")
    scene.advance(60)
    trade(scene, capped, "buy")
    # One read of trades before the refusal, and one that made room.
    assert reads_of_trades(capped) == 2


@pytest.mark.parametrize("read", ["fetch_fills", "fetch_order", "fetch_equity"])
def test_fault_30_any_read_that_shows_a_sale_as_final_makes_room(
    scene: Scene, read: str
) -> None:
    policy = GuardPolicy(
        max_market_exposure=D(10), price_collar=None, max_daily_loss=D(50)
    )
    capped = scene.another(guards=policy)
    trade(scene, capped, "buy")
    scene.advance(50)
    at_risk = capped.exchange.exposure().total
    order_id = trade(scene, capped, "sell")
    scene.advance(70)
    assert capped.exchange.exposure().total == at_risk > 9
    if read == "fetch_fills":
        capped.fetch_fills()
    elif read == "fetch_order":
        capped.fetch_order(order_id)
    else:
        # What the daily loss reads of fills shows it too.
        scene.market = scene.trader.fetch_market(scene.market.market_id)
        label, low = scene.market.outcomes[0].label, scene.market.grid.lowest
        other = next(
            x
            for x in scene.trader.fetch_markets()
            if x.bid and x.ask and x.market_id != scene.market.market_id
        )
        capped.create_order(other.market_id, label, "buy", low, 5)
        assert capped.exchange.exposure().total < D("0.1")
        return
    assert capped.exchange.exposure().total == 0


@pytest.mark.parametrize("fails", [False, True])
def test_fault_30_a_sale_that_an_exit_reads_as_final_is_no_exposure(
    scene: Scene, *, fails: bool
) -> None:
    capped = scene.another(guards=GuardPolicy(max_market_exposure=D(10)))
    trade(scene, capped, "buy")
    scene.advance(60)
    at_risk = capped.exchange.exposure().total
    if fails:
        scene.venue.settler.fail()
    trade(scene, capped, "sell")
    scene.advance(60)
    assert capped.exchange.exposure().total == at_risk
    driver, venue = capped.exchange._driver, capped.exchange.venue
    flow = venue.settling(scene.market.market_id, None)
    assert len(capped.do(lambda: driver.run(flow))) == 2
    assert capped.exchange.exposure().total == (at_risk if fails else 0)


def test_before_a_refusal_trades_of_all_markets_are_read_at_once(scene: Scene) -> None:
    capped = scene.another(guards=GuardPolicy(max_exposure=D(40), price_collar=None))
    markets = [x for x in scene.trader.fetch_markets() if x.bid and x.ask][:4]
    for market in markets:
        for side in ("buy", "sell"):
            lift(capped, market, side)
    scene.advance(60)
    assert capped.exchange.exposure().total > 10
    mark = reads_of_trades(capped)
    market = markets[0]
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    size = int(D(39) / market.grid.lowest)
    capped.create_order(*terms, size)
    assert reads_of_trades(capped) == mark + 1
    assert D(38) < capped.exchange.exposure().total <= 40


def lift(trader: Trader, market: Market, side: str) -> None:
    price = market.ask if side == "buy" else market.bid
    outcome = market.outcomes[0].label
    order = trader.create_order(
        market.market_id, outcome, side, price, 10, time_in_force="ioc"
    )
    assert order.filled == 10


def test_a_sale_after_one_that_may_fail_still_only_closes(
    scene: Scene, capped: Trader
) -> None:
    trade(scene, capped, "sell", 10)
    trade(scene, capped, "sell", 10)
    assert reads_of_trades(capped) == 0


def test_what_stays_within_the_cap_reads_no_trades(scene: Scene) -> None:
    calm = scene.another(guards=GuardPolicy(max_market_exposure=D(100)))
    for side in ("buy", "sell", "buy", "sell"):
        trade(scene, calm, side)
    assert reads_of_trades(calm) == 0


# -- what is said of the order ---------------------------------------------------------


def test_fault_30_an_order_says_what_of_it_failed(
    scene: Scene, capped: Trader, caplog: pytest.LogCaptureFixture
) -> None:
    scene.venue.settler.fail()
    order_id = trade(scene, capped, "sell")
    scene.advance(60)
    with pytest.raises(GuardTripped):
        trade(scene, capped, "buy")
    told = capped.exchange.orders.find(order_id=order_id)
    assert told is not None
    found = told.state, told.filled, told.failed, told.is_done
    assert found == (OrderState.FILLED, 0, 20, True)
    assert "filled, 0 filled, 20 failed to settle" in str(told)
    assert "failed to settle, and never filled" in caplog.text
