from __future__ import annotations

import pytest

from unified_exchanges.simulator.orders import Owner

from .scene import HOUR, SECOND, START_US, Scene, d, refused

ANN = Owner("ann")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def status(scene: Scene, market_id: str = "M") -> str:
    return scene.engine.market(market_id).status


def test_a_market_opens_by_the_clock(scene):
    scene.list("N", open_us=START_US + HOUR)
    before = refused(scene.bid, "ann", "0.50", 1, market_id="N")
    scene.wait(HOUR)
    assert (before, status(scene, "N")) == ("market_not_open", "active")


def test_a_market_determined_before_its_opening_never_opens(scene):
    scene.list("N", open_us=START_US + HOUR)
    scene.engine.determine("N", d(1))
    scene.wait(HOUR)
    assert status(scene, "N") == "finalized"


def test_a_market_closes_by_the_clock_and_cancels_its_orders(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.wait(24 * HOUR)
    after = scene.now(order)
    assert (status(scene), after.reason, scene.available("ann")) == (
        "closed",
        "close",
        d(1000),
    )
    assert refused(scene.bid, "ann", "0.50", 1) == "market_closed"


def test_what_is_due_happens_at_its_own_time_however_late_it_is_noticed(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.wait(72 * HOUR)
    assert scene.now(order).updated_us == START_US + 24 * HOUR


def test_a_market_is_listed_once(scene):
    assert refused(scene.list, "M") == "market_already_exists"


def test_a_close_moved_ahead_closes_then(scene):
    scene.engine.change_close("M", START_US + HOUR)
    scene.wait(HOUR)
    assert status(scene) == "closed"


def test_a_close_moved_back_does_not_close_at_the_old_time(scene):
    scene.engine.change_close("M", START_US + 48 * HOUR)
    scene.wait(24 * HOUR)
    assert status(scene) == "active"


def test_a_closed_market_reopens_with_a_later_close(scene):
    scene.wait(24 * HOUR)
    scene.engine.change_close("M", START_US + 48 * HOUR)
    assert status(scene) == "active"


def test_the_close_of_a_determined_market_stays(scene):
    scene.engine.determine("M", d(1))
    code = refused(scene.engine.change_close, "M", START_US + 48 * HOUR)
    assert code == "market_closed"


def test_an_inactive_market_refuses_orders_and_keeps_the_resting_ones(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.engine.deactivate("M")
    assert refused(scene.bid, "ann", "0.50", 1) == "market_inactive"
    assert scene.now(order).status == "resting"


def test_an_order_of_an_inactive_market_can_be_cancelled(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.engine.deactivate("M")
    assert scene.engine.cancel(order.order_id, owner=ANN).status == "canceled"


def test_reactivation_cancels_the_resting_orders(scene):
    order = scene.bid("ann", "0.50", 1)
    scene.engine.deactivate("M")
    scene.engine.activate("M")
    assert (status(scene), scene.now(order).reason) == ("active", "reactivation")


def test_only_an_active_market_is_deactivated_and_only_an_inactive_one_activated(scene):
    assert refused(scene.engine.activate, "M") == "market_inactive"
    scene.engine.deactivate("M")
    assert refused(scene.engine.deactivate, "M") == "market_inactive"


def test_a_market_pays_when_its_settlement_timer_ends(scene):
    scene.list("N", settlement_timer_us=HOUR)
    scene.engine.determine("N", d(1))
    before = status(scene, "N")
    scene.wait(HOUR)
    market = scene.engine.market("N")
    assert (before, market.status, market.settled_us) == (
        "determined",
        "finalized",
        START_US + HOUR,
    )


@pytest.mark.parametrize(
    ("value", "result"), [("1", "yes"), ("0", "no"), ("0.37", "scalar")]
)
def test_the_result_follows_the_value(scene, value, result):
    scene.engine.determine("M", d(value))
    market = scene.engine.market("M")
    assert (market.result, market.yes_value) == (result, d(value))


def test_a_disputed_market_waits_for_another_determination(scene):
    scene.list("N", settlement_timer_us=HOUR)
    scene.engine.determine("N", d(1))
    scene.engine.dispute("N")
    scene.wait(2 * HOUR)
    waiting = status(scene, "N")
    scene.engine.determine("N", d(0))
    amended = status(scene, "N")
    scene.wait(HOUR)
    market = scene.engine.market("N")
    assert (waiting, amended, market.status) == ("disputed", "amended", "finalized")
    assert market.result == "no"


def test_an_amended_result_restarts_the_timer(scene):
    scene.list("N", settlement_timer_us=HOUR)
    scene.engine.determine("N", d(1))
    scene.wait(HOUR // 2)
    scene.engine.determine("N", d(0))
    scene.wait(HOUR // 2)
    assert status(scene, "N") == "amended"


def test_a_determined_market_can_be_paid_early(scene):
    scene.list("N", settlement_timer_us=HOUR)
    scene.ask("bob", "0.40", 10, market_id="N")
    scene.bid("ann", "0.40", 10, market_id="N")
    scene.engine.determine("N", d(1))
    paid = scene.engine.settle("N")
    scene.wait(2 * HOUR)
    assert [settlement.revenue for settlement in paid] == [d(0), d(10)]
    assert scene.available("ann") == d(1006)


def test_a_voided_market_pays_a_fair_value_at_once(scene):
    scene.list("N", settlement_timer_us=HOUR)
    scene.ask("bob", "0.40", 10, market_id="N")
    scene.bid("ann", "0.40", 10, market_id="N")
    scene.engine.void("N", d("0.40"))
    assert (scene.available("ann"), scene.available("bob")) == (d(1000), d(1000))
    assert scene.engine.market("N").result == "scalar"


def test_determination_of_an_open_market_closes_it_first(scene):
    scene.list("N", settlement_timer_us=HOUR)
    order = scene.bid("ann", "0.50", 1, market_id="N")
    scene.engine.determine("N", d(1))
    assert scene.now(order).reason == "close"


@pytest.mark.parametrize("value", ["-0.01", "1.01", "NaN"])
def test_a_value_outside_zero_to_one_is_refused(scene, value):
    assert refused(scene.engine.determine, "M", d(value)) == "invalid_settlement"
    assert status(scene) == "active"


def test_a_settled_market_has_no_other_end(scene):
    scene.engine.determine("M", d(1))
    codes = [
        refused(scene.engine.determine, "M", d(0)),
        refused(scene.engine.dispute, "M"),
        refused(scene.engine.settle, "M"),
        refused(scene.engine.void, "M", d(0)),
    ]
    assert codes == ["invalid_settlement"] * 4


@pytest.mark.parametrize(
    "scope", [{"market_id": "M"}, {"shard": 0}, {}], ids=["market", "shard", "all"]
)
def test_a_trading_pause_refuses_orders_and_allows_cancels(scene, scope):
    order = scene.bid("ann", "0.50", 2)
    scene.engine.pause(**scope)
    codes = [
        refused(scene.bid, "ann", "0.50", 1),
        refused(scene.engine.amend, order.order_id, owner=ANN, size=d(1)),
        refused(scene.engine.decrease, order.order_id, owner=ANN, by=d(1)),
        refused(scene.engine.cancel, order.order_id, owner=ANN),
    ]
    assert codes == ["trading_is_paused", "trading_is_paused", "accepted", "accepted"]


def test_a_pause_of_another_market_or_shard_does_not_matter(scene):
    scene.list("N")
    scene.engine.pause(market_id="N")
    scene.engine.pause(shard=2)
    assert scene.bid("ann", "0.50", 1).status == "resting"


def test_an_exchange_pause_refuses_everything(scene):
    order = scene.bid("ann", "0.50", 2)
    scene.engine.pause(whole_exchange=True)
    codes = [
        refused(scene.bid, "ann", "0.50", 1),
        refused(scene.engine.amend, order.order_id, owner=ANN, size=d(1)),
        refused(scene.engine.cancel, order.order_id, owner=ANN),
        refused(scene.engine.cancel_all, "ann"),
    ]
    assert codes == ["exchange_paused"] * 4


def test_cancel_all_skips_a_shard_that_is_paused(scene):
    scene.list("N", shard=2)
    scene.open("ann", 10, shard=2)
    scene.bid("ann", "0.50", 1, market_id="N")
    kept = scene.bid("ann", "0.50", 1)
    scene.engine.pause(shard=0, whole_exchange=True)
    cancelled = scene.engine.cancel_all("ann")
    assert [order.market_id for order in cancelled] == ["N"]
    assert scene.now(kept).status == "resting"


@pytest.mark.parametrize(
    "halt",
    [
        lambda engine: engine.pause(market_id="M"),
        lambda engine: engine.pause(whole_exchange=True),
        lambda engine: engine.deactivate("M"),
    ],
    ids=["pause", "exchange", "deactivation"],
)
def test_a_halt_cancels_the_orders_that_asked_for_it_only(scene, halt):
    asked = scene.bid("ann", "0.50", 1, cancel_on_pause=True)
    other = scene.bid("ann", "0.50", 1)
    halt(scene.engine)
    assert scene.now(asked).reason == "halt"
    assert scene.now(other).status == "resting"


def test_trading_goes_on_after_a_pause(scene):
    scene.engine.pause()
    scene.engine.resume()
    assert scene.bid("ann", "0.50", 1).status == "resting"


def test_a_pause_may_end_by_itself(scene):
    scene.engine.pause(until_us=START_US + SECOND)
    scene.wait(SECOND)
    assert scene.engine.is_trading()


def test_a_scheduled_pause_begins_and_ends_by_the_clock(scene):
    scene.engine.schedule_pause(START_US + SECOND, START_US + 3 * SECOND, shard=0)
    seen = []
    for _ in range(4):
        seen.append((scene.engine.is_trading(0), scene.engine.market("M").is_paused))
        scene.wait(SECOND)
    assert seen == [(True, False), (False, True), (False, True), (True, False)]


def test_a_trading_pause_leaves_the_exchange_open(scene):
    scene.engine.pause()
    assert (scene.engine.is_exchange_open(), scene.engine.is_trading()) == (True, False)


def test_a_pause_of_an_unknown_market_is_refused(scene):
    assert refused(scene.engine.pause, market_id="X") == "market_not_found"


def test_the_markets_are_told_in_the_order_of_their_listing(scene):
    scene.list("A")
    assert scene.engine.market_ids() == ["M", "A"]
    assert [market.market_id for market in scene.engine.markets()] == ["M", "A"]


def test_it_may_be_made_an_earlier_time(scene):
    scene.clock.us += HOUR
    with scene.engine.as_of(START_US + SECOND):
        order = scene.bid("ann", "0.50", 1)
    assert order.created_us == START_US + SECOND
    assert scene.bid("ann", "0.50", 1).created_us == START_US + HOUR


def test_time_never_runs_backwards(scene):
    scene.wait(HOUR)
    scene.clock.us -= HOUR
    assert scene.bid("ann", "0.50", 1).created_us == START_US + HOUR
