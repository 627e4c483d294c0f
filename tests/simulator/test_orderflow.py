from __future__ import annotations

from random import Random

import pytest

from unified_exchanges.grid import PriceGrid
from unified_exchanges.simulator.orderflow import FlowSettings, OrderFlow

from .scene import HOUR, SECOND, START_US, QuadraticFees, Scene, d

GRIDS = {
    "cents": PriceGrid.of("0.01"),
    "tenths": PriceGrid.of("0.001"),
    "tapered": PriceGrid.of("0 0.1 0.001", "0.1 0.9 0.01", "0.9 1 0.001"),
    "coarse": PriceGrid.of("0.1"),
}


class Market:
    """Scene with synthetic traders on it."""

    def __init__(self, *, seed: int = 3, fair: str | None = None, **terms) -> None:
        self.scene = Scene(fees=QuadraticFees())
        for name, grid in GRIDS.items():
            self.scene.list(name, grid=grid, fees=QuadraticFees())
        given = {} if fair is None else dict.fromkeys(GRIDS, d(fair))
        self.flow = OrderFlow(
            self.scene.engine,
            Random(seed),
            fair=given,
            settings=FlowSettings(**terms),
        )

    def run(self, seconds: int, step: int = 10) -> Market:
        for _ in range(seconds // step):
            self.scene.clock.us += step * SECOND
            self.flow.advance()
        return self

    def trades(self) -> list[object]:
        return self.scene.engine.trades()


def test_the_same_seed_gives_the_same_trades():
    assert Market().run(60).trades() == Market().run(60).trades()


def test_another_seed_gives_other_trades():
    assert Market(seed=4).run(60).trades() != Market().run(60).trades()


def test_how_often_it_is_called_does_not_matter():
    assert Market().run(60, step=1).trades() == Market().run(60, step=30).trades()


def test_actions_happen_at_their_own_times():
    trades = Market().run(60, step=60).trades()
    times = [trade.time_us for trade in reversed(trades)]
    assert times == sorted(times)
    assert len(set(times)) > len(times) // 4
    assert START_US < times[0] <= times[-1] <= START_US + 60 * SECOND


@pytest.mark.parametrize("fair", ["0.02", "0.5", "0.98"])
@pytest.mark.parametrize("name", GRIDS)
def test_every_book_is_two_sided_and_deep_from_the_start_and_stays_so(name, fair):
    market = Market(fair=fair)
    for step in range(12):
        market.run(10 * bool(step))
        market.flow.advance()
        for side in ("bid", "ask"):
            levels = market.scene.engine.levels(name, side)
            assert sum(level.size for level in levels) >= 25


def test_a_small_marketable_order_of_a_user_fills():
    market = Market().run(60)
    ask = market.scene.engine.best("cents", "ask")
    order = market.scene.bid("ann", str(ask.price), 1, market_id="cents")
    assert order.status == "executed"


def test_a_resting_order_at_the_best_price_is_filled_in_time():
    market = Market().run(30)
    bid = market.scene.engine.best("cents", "bid")
    order = market.scene.bid("ann", str(bid.price), 1, market_id="cents")
    market.run(600)
    assert market.scene.now(order).status == "executed"


def test_a_book_that_a_user_empties_is_filled_again():
    market = Market().run(10)
    market.scene.engine.open_account("ann")
    market.scene.open("ann", 100_000)
    market.scene.bid("ann", "0.99", 50_000, market_id="cents", time_in_force="ioc")
    market.run(20)
    assert market.scene.book("ask", "cents") != []


def test_the_rate_is_that_of_the_settings():
    market = Market(actions_per_second=2.0)
    market.scene.clock.us += 300 * SECOND
    actions = market.flow.advance()
    # Five markets (the fifth is the scene's own), two per second, for 300 seconds.
    assert 2700 < actions < 3300


def test_prices_move():
    trades = Market().run(600, step=60).trades()
    assert len({trade.price for trade in trades if trade.market_id == "tenths"}) > 5


def test_a_market_listed_later_is_traded_too():
    market = Market().run(10)
    market.scene.list("later")
    market.run(30)
    assert market.scene.engine.market("later").volume > 0


def test_a_paused_or_closed_market_is_left_alone():
    market = Market().run(10)
    market.scene.engine.pause(market_id="cents")
    market.scene.engine.determine("tenths", d(1))
    before = [market.scene.engine.market(n).volume for n in ("cents", "tenths")]
    market.run(30)
    after = [market.scene.engine.market(n).volume for n in ("cents", "tenths")]
    assert after == before


def test_a_market_that_closes_and_one_that_opens_meanwhile_disturb_nobody():
    market = Market()
    market.scene.list("short", close_us=START_US + 45 * SECOND)
    market.scene.list("late", open_us=START_US + 45 * SECOND)
    market.run(120, step=60)
    short, late = (market.scene.engine.market(name) for name in ("short", "late"))
    assert (short.status, short.bid, late.status) == ("closed", None, "active")
    assert min(short.volume, late.volume) > 0


def test_trading_goes_on_after_the_pause():
    market = Market().run(10)
    market.scene.engine.pause(market_id="cents")
    market.run(10)
    before = market.scene.engine.market("cents").volume
    market.scene.engine.resume(market_id="cents")
    assert market.run(60).scene.engine.market("cents").volume > before


def test_a_leap_of_the_clock_is_made_up_for_in_part_only():
    market = Market(catch_up_seconds=30.0)
    market.scene.clock.us += 10 * HOUR
    actions = market.flow.advance()
    assert actions < 600
    assert market.scene.book("bid", "cents") != []


def test_memory_stays_bounded_over_hours_of_virtual_time():
    market = Market(actions_per_second=0.5)
    sizes = []
    for _ in range(4):
        market.run(1200, step=600)
        accounts = market.scene.engine._floor.accounts.values()
        sizes.append(sum(len(a.orders) + len(a.fills) for a in accounts))
    assert max(sizes) < 3000
    assert sizes[3] < 2 * sizes[0]


def test_an_empty_purse_is_refilled():
    market = Market(cash=d(500))
    market.run(600, step=60)
    assert market.scene.engine.market("cents").volume > 1000


def test_trading_goes_on_after_a_change_of_the_grid():
    market = Market().run(10)
    for grid in ("0.1", "0.001", "0.05"):
        market.scene.engine.change_grid("tenths", PriceGrid.of(grid))
        before = market.scene.engine.market("tenths").volume
        market.run(60)
        assert market.scene.engine.market("tenths").volume > before


def test_money_is_conserved_among_synthetic_traders():
    market = Market().run(120)
    market.scene.engine.determine("cents", d("0.37"))
    books = market.scene.engine.books()
    assert books.cash + books.fees + books.locked == books.deposited


def test_a_user_order_is_never_forgotten():
    market = Market()
    order = market.scene.bid("ann", "0.01", 1, market_id="cents", client_order_id="x")
    market.scene.engine.cancel(order.order_id, owner=order.owner)
    market.run(600, step=60)
    assert market.scene.now(order).status == "canceled"
