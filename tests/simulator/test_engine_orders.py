from __future__ import annotations

import pytest

from unified_exchanges.grid import PriceGrid
from unified_exchanges.simulator.orders import Owner

from .scene import SECOND, START_US, Scene, d, refused

ANN = Owner("ann")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("price", ["0", "1", "0.555", "1.50", "-0.10", "NaN"])
def test_a_price_off_the_grid_is_refused(scene, price):
    assert refused(scene.bid, "ann", price, 1) == "invalid_price"


@pytest.mark.parametrize("size", ["0", "-1", "0.005", "NaN", "Infinity"])
def test_a_size_off_the_lot_is_refused(scene, size):
    assert refused(scene.bid, "ann", "0.50", size) == "invalid_size"


def test_an_unknown_market_is_refused(scene):
    assert refused(scene.bid, "ann", "0.50", 1, market_id="X") == "market_not_found"


def test_an_unknown_account_is_refused(scene):
    assert refused(scene.bid, "cid", "0.50", 1) == "account_not_found"


def test_an_unknown_subaccount_is_refused(scene):
    code = refused(scene.bid, "ann", "0.50", 1, owner=Owner("ann", 3))
    assert code == "subaccount_not_found"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"time_in_force": "ioc", "post_only": True}, "invalid_order"),
        ({"time_in_force": "fok", "expires_us": START_US + 1}, "invalid_order"),
        ({"expires_us": START_US}, "invalid_expiration"),
    ],
)
def test_terms_that_contradict_each_other_are_refused(scene, terms, code):
    assert refused(scene.bid, "ann", "0.50", 1, **terms) == code


def test_a_client_order_id_is_taken_even_after_the_cancellation(scene):
    order = scene.bid("ann", "0.50", 1, client_order_id="x")
    scene.engine.cancel(order.order_id, owner=ANN)
    code = refused(scene.bid, "ann", "0.51", 1, client_order_id="x")
    assert code == "order_already_exists"


def test_a_client_order_id_is_taken_even_after_the_fill(scene):
    scene.bid("ann", "0.50", 1, client_order_id="x")
    scene.ask("bob", "0.50", 1)
    code = refused(scene.bid, "ann", "0.50", 1, client_order_id="x")
    assert code == "order_already_exists"


def test_a_repeat_is_told_as_such_even_when_the_market_has_closed(scene):
    scene.bid("ann", "0.50", 1, client_order_id="x")
    scene.engine.determine("M", d(1))
    code = refused(scene.bid, "ann", "0.50", 1, client_order_id="x")
    assert code == "order_already_exists"


def test_a_refused_order_does_not_take_its_client_order_id(scene):
    refused(scene.bid, "ann", "0.555", 1, client_order_id="x")
    assert scene.bid("ann", "0.55", 1, client_order_id="x").status == "resting"


def test_two_accounts_may_use_the_same_client_order_id(scene):
    scene.bid("ann", "0.50", 1, client_order_id="x")
    assert scene.bid("bob", "0.50", 1, client_order_id="x").status == "resting"


def test_an_unknown_order_is_not_found(scene):
    assert refused(scene.engine.order, "x", account_id="ann") == "order_not_found"


def test_a_venue_may_bring_its_own_order_id_once(scene):
    assert scene.bid("ann", "0.50", 1, order_id="0xabc").order_id == "0xabc"
    assert refused(scene.bid, "ann", "0.50", 1, order_id="0xabc") == (
        "order_already_exists"
    )


def test_a_refusal_draws_no_id(scene):
    other = Scene()
    refused(scene.bid, "ann", "0.50", 100_000)
    ids = [s.bid("ann", "0.50", 1).order_id for s in (scene, other)]
    assert ids[0] == ids[1]


def test_a_cancelled_order_keeps_its_fills_and_frees_its_cash(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.ask("bob", "0.50", 4)
    ended = scene.engine.cancel(order.order_id, owner=ANN)
    got = (ended.status, ended.reason, ended.filled, ended.remaining)
    assert got == ("canceled", "cancel", d(4), d(0))
    assert scene.available("ann") == d(998)


def test_a_cancelled_order_cannot_be_cancelled_again(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.engine.cancel(order.order_id, owner=ANN)
    code = refused(scene.engine.cancel, order.order_id, owner=ANN)
    assert code == "order_not_found"


def test_an_order_of_another_account_is_not_found(scene):
    order = scene.bid("ann", "0.50", 10)
    code = refused(scene.engine.cancel, order.order_id, owner=Owner("bob"))
    assert code == "order_not_found"


def test_an_order_of_a_subaccount_is_found_under_its_number_only(scene):
    other = Owner("ann", scene.engine.open_subaccount("ann"))
    scene.engine.deposit(other, d(100))
    order = scene.bid("ann", "0.50", 10, owner=other)
    assert refused(scene.engine.cancel, order.order_id, owner=ANN) == "order_not_found"
    assert scene.engine.cancel(order.order_id, owner=other).status == "canceled"


def test_cancel_all_takes_what_fits(scene):
    scene.list("N")
    kept = scene.bid("ann", "0.50", 1, market_id="N")
    gone = [scene.bid("ann", price, 1).order_id for price in ("0.40", "0.41")]
    cancelled = scene.engine.cancel_all("ann", market_id="M")
    assert [order.order_id for order in cancelled] == gone
    assert scene.engine.orders("ann", status="resting") == [kept]


def test_decrease_by_keeps_the_place_in_the_queue(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.bid("bob", "0.50", 5)
    after = scene.engine.decrease(order.order_id, owner=ANN, by=d(4))
    ahead = scene.engine.queue_position(order.order_id, account_id="ann")
    assert (after.remaining, after.decreased, ahead) == (d(6), d(4), d(0))


def test_decrease_to_is_repeatable(scene):
    order = scene.bid("ann", "0.50", 10)
    for _ in range(2):
        after = scene.engine.decrease(order.order_id, owner=ANN, to=d(4))
    assert (after.remaining, scene.book("bid")) == (d(4), [("0.50", "4")])


def test_decrease_to_nothing_cancels(scene):
    order = scene.bid("ann", "0.50", 10)
    after = scene.engine.decrease(order.order_id, owner=ANN, to=d(0))
    assert (after.status, after.reason, scene.book("bid")) == (
        "canceled",
        "decrease",
        [],
    )


def test_decrease_by_more_than_remains_cancels(scene):
    order = scene.bid("ann", "0.50", 10)
    after = scene.engine.decrease(order.order_id, owner=ANN, by=d(11))
    assert (after.status, after.decreased) == ("canceled", d(10))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({}, "invalid_order"),
        ({"by": d(1), "to": d(1)}, "invalid_order"),
        ({"by": d(0)}, "invalid_order"),
        ({"to": d(11)}, "invalid_size"),
        ({"to": d(-1)}, "invalid_size"),
        ({"to": d("0.001")}, "invalid_size"),
    ],
)
def test_a_decrease_that_makes_no_sense_is_refused(scene, terms, code):
    order = scene.bid("ann", "0.50", 10)
    assert refused(scene.engine.decrease, order.order_id, owner=ANN, **terms) == code


def test_amending_the_expiry_keeps_the_place_in_the_queue(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.bid("bob", "0.50", 5)
    scene.engine.amend(order.order_id, owner=ANN, expires_us=START_US + SECOND)
    ahead = scene.engine.queue_position(order.order_id, account_id="ann")
    assert ahead == d(0)


def test_amending_to_a_smaller_size_keeps_the_place_in_the_queue(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.bid("bob", "0.50", 5)
    scene.engine.amend(order.order_id, owner=ANN, price=d("0.50"), size=d(8))
    assert scene.engine.queue_position(order.order_id, account_id="ann") == d(0)


@pytest.mark.parametrize("terms", [{"size": d(11)}, {"price": d("0.51")}])
def test_amending_price_or_to_a_larger_size_loses_the_place(scene, terms):
    order = scene.bid("ann", "0.50", 10)
    scene.bid("bob", "0.50", 5)
    scene.bid("bob", "0.51", 5)
    scene.engine.amend(order.order_id, owner=ANN, **terms)
    assert scene.engine.queue_position(order.order_id, account_id="ann") == d(5)


def test_the_size_of_an_amendment_includes_what_is_filled(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.ask("bob", "0.50", 4)
    after = scene.engine.amend(order.order_id, owner=ANN, size=d(7))
    assert (after.size, after.filled, after.remaining) == (d(7), d(4), d(3))


def test_amending_below_what_is_filled_is_refused(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.ask("bob", "0.50", 4)
    code = refused(scene.engine.amend, order.order_id, owner=ANN, size=d(4))
    assert code == "invalid_size"


def test_an_amendment_that_crosses_trades_at_once_as_taker(scene):
    scene.ask("bob", "0.52", 4)
    order = scene.bid("ann", "0.50", 10)
    after = scene.engine.amend(order.order_id, owner=ANN, price=d("0.55"))
    assert (after.taker_filled, after.remaining) == (d(4), d(6))
    assert scene.book("bid") == [("0.55", "6")]


def test_an_amended_post_only_order_that_would_cross_is_refused_and_stays(scene):
    scene.ask("bob", "0.52", 4)
    order = scene.bid("ann", "0.50", 10, post_only=True)
    code = refused(scene.engine.amend, order.order_id, owner=ANN, price=d("0.55"))
    assert (code, scene.now(order)) == ("post_only_cross", order)


def test_an_amendment_beyond_the_cash_is_refused_and_changes_nothing(scene):
    order = scene.bid("ann", "0.50", 10)
    code = refused(scene.engine.amend, order.order_id, owner=ANN, size=d(2001))
    assert (code, scene.available("ann")) == ("insufficient_balance", d(995))


def test_an_amendment_may_use_the_cash_of_the_order_itself(scene):
    order = scene.bid("ann", "0.50", 1800)
    after = scene.engine.amend(order.order_id, owner=ANN, price=d("0.55"))
    assert (after.price, scene.available("ann")) == (d("0.55"), d(10))


def test_an_amendment_may_bring_a_new_client_order_id_and_keeps_the_old_one(scene):
    order = scene.bid("ann", "0.50", 10, client_order_id="x")
    scene.engine.amend(order.order_id, owner=ANN, client_order_id="y")
    found = scene.engine.order(order.order_id, account_id="ann")
    codes = [
        refused(scene.bid, "ann", "0.50", 1, client_order_id=name) for name in "xy"
    ]
    assert found.client_order_id == "y"
    assert codes == ["order_already_exists"] * 2


def test_an_amendment_to_a_client_order_id_that_is_taken_is_refused(scene):
    scene.bid("ann", "0.40", 1, client_order_id="y")
    order = scene.bid("ann", "0.50", 10, client_order_id="x")
    code = refused(scene.engine.amend, order.order_id, owner=ANN, client_order_id="y")
    assert code == "order_already_exists"


def test_an_order_expires_by_the_clock(scene):
    order = scene.bid("ann", "0.50", 10, expires_us=START_US + SECOND)
    scene.wait(SECOND)
    after = scene.now(order)
    got = (after.status, after.reason, after.updated_us, scene.available("ann"))
    assert got == ("canceled", "expiry", START_US + SECOND, d(1000))


def test_an_expired_order_does_not_trade_with_what_comes_later(scene):
    scene.bid("ann", "0.50", 10, expires_us=START_US + SECOND)
    scene.clock.us += 5 * SECOND
    assert scene.ask("bob", "0.50", 1).filled == d(0)


def test_a_cleared_expiry_does_not_expire(scene):
    order = scene.bid("ann", "0.50", 10, expires_us=START_US + SECOND)
    scene.engine.amend(order.order_id, owner=ANN, expires_us=None)
    scene.wait(5 * SECOND)
    assert scene.now(order).status == "resting"


def test_a_resting_order_survives_a_change_of_the_grid(scene):
    order = scene.bid("ann", "0.55", 10)
    scene.engine.change_grid("M", PriceGrid.of("0.10"))
    assert scene.now(order).status == "resting"
    assert refused(scene.bid, "ann", "0.55", 1) == "invalid_price"
    assert scene.ask("bob", "0.50", 10).average_price == d("0.55")


def test_orders_and_fills_are_told_newest_first(scene):
    ids = [scene.bid("ann", "0.50", 1).order_id for _ in range(3)]
    scene.ask("bob", "0.50", 3)
    told = [order.order_id for order in scene.engine.orders("ann")]
    filled = [fill.order_id for fill in scene.engine.fills("ann")]
    assert (told, filled) == (ids[::-1], ids[::-1])


def test_what_is_forgotten_is_gone_but_its_client_order_id_stays_taken(scene):
    scene.bid("ann", "0.50", 1, client_order_id="x")
    scene.ask("bob", "0.50", 1)
    kept = scene.bid("ann", "0.50", 1)
    forgotten = scene.engine.forget("ann", before_us=START_US + 1)
    assert (forgotten, scene.engine.orders("ann")) == (2, [kept])
    assert refused(scene.bid, "ann", "0.5", 1, client_order_id="x") == (
        "order_already_exists"
    )


def test_the_queue_position_of_an_ended_order_is_refused(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.engine.cancel(order.order_id, owner=ANN)
    code = refused(scene.engine.queue_position, order.order_id, account_id="ann")
    assert code == "order_not_found"


def test_the_same_seed_and_requests_give_the_same_run():
    runs = []
    for _ in range(2):
        scene = Scene(seed=5)
        scene.ask("ann", "0.40", 10, client_order_id="x")
        scene.bid("bob", "0.45", 12)
        runs.append(scene.notices)
    assert runs[0] == runs[1]
