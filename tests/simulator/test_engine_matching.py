from __future__ import annotations

import pytest

from unified_exchanges.simulator.orders import Owner

from .scene import QuadraticFees, Scene, d, refused


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_fill_happens_at_the_price_of_the_resting_order(scene):
    scene.ask("ann", "0.40", 10)
    taker = scene.bid("bob", "0.55", 10)
    assert (taker.status, taker.average_price) == ("executed", d("0.40"))


def test_the_better_price_trades_first(scene):
    scene.ask("ann", "0.42", 5)
    scene.ask("ann", "0.41", 5)
    scene.bid("bob", "0.50", 7)
    prices = [str(trade.price) for trade in scene.engine.trades("M")]
    assert prices == ["0.42", "0.41"]


def test_at_one_price_the_older_order_trades_first(scene):
    first = scene.ask("ann", "0.42", 5)
    second = scene.ask("ann", "0.42", 5)
    scene.bid("bob", "0.42", 6)
    lefts = [scene.now(order).remaining for order in (first, second)]
    assert lefts == [d(0), d(4)]


def test_what_is_left_of_a_gtc_order_rests(scene):
    scene.ask("ann", "0.40", 4)
    scene.bid("bob", "0.45", 10)
    assert (scene.book("bid"), scene.book("ask")) == ([("0.45", "6")], [])


def test_what_is_left_of_an_ioc_order_is_cancelled(scene):
    scene.ask("ann", "0.40", 4)
    order = scene.bid("bob", "0.45", 10, time_in_force="ioc")
    got = (order.status, order.reason, order.filled, order.remaining)
    assert got == ("canceled", "remainder", d(4), d(0))


def test_an_ioc_order_that_meets_nothing_is_cancelled(scene):
    order = scene.bid("bob", "0.45", 10, time_in_force="ioc")
    assert (order.status, order.filled, scene.book("bid")) == ("canceled", d(0), [])


def test_a_fok_order_fills_whole_over_several_levels(scene):
    scene.ask("ann", "0.40", 4)
    scene.ask("ann", "0.41", 6)
    order = scene.bid("bob", "0.41", 10, time_in_force="fok")
    assert (order.status, order.value) == ("executed", d("4.06"))


def test_a_fok_order_that_cannot_fill_whole_is_refused_without_effect(scene):
    scene.ask("ann", "0.40", 4)
    code = refused(scene.bid, "bob", "0.41", 10, time_in_force="fok")
    assert (code, scene.book("ask")) == ("fok_insufficient_volume", [("0.40", "4")])


def test_a_post_only_order_that_would_cross_is_refused(scene):
    scene.ask("ann", "0.40", 4)
    assert refused(scene.bid, "bob", "0.40", 1, post_only=True) == "post_only_cross"


def test_a_post_only_order_beside_the_market_rests(scene):
    scene.ask("ann", "0.40", 4)
    assert scene.bid("bob", "0.39", 1, post_only=True).status == "resting"


def test_taker_at_cross_cancels_the_incoming_order_and_leaves_the_resting_one(scene):
    scene.ask("ann", "0.40", 4)
    order = scene.bid("ann", "0.45", 10)
    got = (order.status, order.reason, order.filled, scene.book("ask"))
    assert got == ("canceled", "self_trade", d(0), [("0.40", "4")])


def test_taker_at_cross_keeps_the_fills_before_the_crossing(scene):
    scene.ask("bob", "0.39", 3)
    scene.ask("ann", "0.40", 4)
    order = scene.bid("ann", "0.45", 10)
    assert (order.status, order.filled, order.remaining) == ("canceled", d(3), d(0))


def test_maker_prevention_cancels_the_resting_order_and_goes_on(scene):
    own = scene.ask("ann", "0.40", 4)
    scene.ask("bob", "0.41", 4)
    order = scene.bid("ann", "0.45", 4, self_trade="maker")
    got = (scene.now(own).reason, order.status, order.average_price)
    assert got == ("self_trade", "executed", d("0.41"))


def test_subaccounts_of_one_account_do_not_trade_with_each_other(scene):
    other = Owner("ann", scene.engine.open_subaccount("ann"))
    scene.engine.deposit(other, d(100))
    scene.ask("ann", "0.40", 4)
    order = scene.bid("ann", "0.45", 4, owner=other)
    assert order.reason == "self_trade"


def test_a_fok_order_that_meets_an_own_order_behaves_as_ioc(scene):
    scene.ask("bob", "0.39", 3)
    scene.ask("ann", "0.40", 4)
    order = scene.bid("ann", "0.45", 7, time_in_force="fok")
    assert (order.status, order.filled) == ("canceled", d(3))


def test_reduce_only_caps_the_size_at_the_position(scene):
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 4)
    scene.bid("ann", "0.30", 50)
    order = scene.ask("bob", "0.30", 10, time_in_force="ioc", reduce_only=True)
    got = (order.status, order.reason, order.filled, scene.position("bob"))
    assert got == ("canceled", "reduce_only", d(4), d(0))


def test_reduce_only_of_a_no_position_buys(scene):
    scene.bid("ann", "0.40", 4)
    scene.ask("bob", "0.40", 4)
    scene.ask("ann", "0.60", 4)
    scene.bid("bob", "0.60", 4, time_in_force="ioc", reduce_only=True)
    assert scene.position("bob") == d(0)


def test_reduce_only_without_a_position_is_refused(scene):
    code = refused(scene.ask, "bob", "0.30", 1, time_in_force="ioc", reduce_only=True)
    assert code == "reduce_only_rejected"


def test_reduce_only_of_a_resting_order_is_refused(scene):
    assert refused(scene.ask, "bob", "0.30", 1, reduce_only=True) == (
        "reduce_only_rejected"
    )


def test_the_queue_position_counts_the_contracts_ahead(scene):
    scene.bid("ann", "0.40", 10)
    second = scene.bid("bob", "0.40", 5)
    scene.bid("ann", "0.40", 7)
    ahead = scene.engine.queue_position(second.order_id, account_id="bob")
    assert ahead == d(10)


def test_fees_are_kept_per_fill_order_and_account():
    scene = Scene(fees=QuadraticFees())
    maker = scene.ask("ann", "0.50", 10)
    taker = scene.bid("bob", "0.50", 10)
    fees = [fill.fee for who in ("ann", "bob") for fill in scene.engine.fills(who)]
    assert fees == [d("0.0438"), d("0.1750")]
    assert scene.now(maker).maker_fees == d("0.0438")
    assert taker.taker_fees == d("0.1750")
    assert scene.engine.positions("bob")[0].fees == d("0.1750")


def test_the_fee_accumulator_goes_from_fill_to_fill_of_an_order():
    scene = Scene(fees=QuadraticFees())
    maker = scene.ask("ann", "0.50", 10)
    scene.bid("bob", "0.50", 4)
    scene.bid("bob", "0.50", 4)
    assert scene.now(maker).accumulator == d("0.0350")


def test_a_trade_is_one_print_and_two_fills(scene):
    scene.ask("ann", "0.40", 4)
    scene.bid("bob", "0.40", 4)
    trade = scene.engine.trades("M")[0]
    fills = [*scene.engine.fills("ann"), *scene.engine.fills("bob")]
    got = [(f.trade_id, f.side, f.is_maker, f.position_after) for f in fills]
    assert got == [
        (trade.trade_id, "ask", True, d(-4)),
        (trade.trade_id, "bid", False, d(4)),
    ]


def test_the_public_sees_the_side_of_the_taker(scene):
    scene.bid("ann", "0.40", 4)
    scene.ask("bob", "0.40", 4)
    assert scene.engine.trades()[0].taker_side == "ask"


def test_volume_open_interest_and_last_price_follow_the_trades(scene):
    scene.ask("ann", "0.40", 10)
    scene.bid("bob", "0.40", 6)
    scene.open("cid", 100)
    scene.bid("cid", "0.39", 2)
    scene.ask("bob", "0.39", 2)
    market = scene.engine.market("M")
    got = (market.volume, market.open_interest, market.last_price, market.last_size)
    assert got == (d(8), d(6), d("0.39"), d(2))
