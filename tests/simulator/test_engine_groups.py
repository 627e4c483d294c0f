from __future__ import annotations

import pytest

from unified_exchanges.simulator.notices import GroupChanged
from unified_exchanges.simulator.orders import Group, Owner

from .scene import SECOND, Scene, d, refused

ANN, BOB = Owner("ann"), Owner("bob")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def group(scene: Scene) -> Group:
    return scene.engine.create_group(ANN, d(10))


def test_a_group_tells_its_resting_orders(scene, group):
    order = scene.bid("ann", "0.50", 1, group_id=group.group_id)
    found = scene.engine.group(group.group_id, owner=ANN)
    assert found.order_ids == (order.order_id,)


def test_fills_below_the_limit_do_not_trigger(scene, group):
    scene.bid("ann", "0.50", 20, group_id=group.group_id)
    scene.ask("bob", "0.50", "9.99")
    assert not scene.engine.group(group.group_id, owner=ANN).is_triggered


def test_fills_that_reach_the_limit_cancel_the_orders_of_the_group(scene, group):
    orders = [
        scene.bid("ann", price, 20, group_id=group.group_id)
        for price in ("0.50", "0.40")
    ]
    other = scene.bid("ann", "0.30", 1)
    scene.ask("bob", "0.50", 10)
    reasons = [scene.now(order).reason for order in [*orders, other]]
    assert reasons == ["group", "group", "placed"]


def test_a_triggered_group_gives_no_more_liquidity_to_the_same_order(scene, group):
    for price in ("0.50", "0.49"):
        scene.bid("ann", price, 10, group_id=group.group_id)
    taker = scene.ask("bob", "0.40", 20, time_in_force="ioc")
    assert taker.filled == d(10)


def test_a_fok_order_does_not_count_on_a_group_that_would_trigger(scene, group):
    for price in ("0.50", "0.49"):
        scene.bid("ann", price, 10, group_id=group.group_id)
    code = refused(scene.ask, "bob", "0.40", 20, time_in_force="fok")
    assert (code, len(scene.book("bid"))) == ("fok_insufficient_volume", 2)


def test_a_taker_whose_group_triggers_is_stopped(scene, group):
    scene.ask("bob", "0.50", 6)
    scene.ask("bob", "0.51", 6)
    scene.ask("bob", "0.52", 6)
    order = scene.bid("ann", "0.60", 30, group_id=group.group_id)
    assert (order.status, order.reason, order.filled) == ("canceled", "group", d(12))


def test_fills_older_than_fifteen_seconds_do_not_count(scene, group):
    scene.bid("ann", "0.50", 20, group_id=group.group_id)
    scene.ask("bob", "0.50", 9)
    scene.wait(15 * SECOND)
    scene.ask("bob", "0.50", 9)
    assert not scene.engine.group(group.group_id, owner=ANN).is_triggered


def test_fills_within_fifteen_seconds_add_up(scene, group):
    scene.bid("ann", "0.50", 20, group_id=group.group_id)
    scene.ask("bob", "0.50", 9)
    scene.wait(15 * SECOND - 1)
    scene.ask("bob", "0.50", 1)
    assert scene.engine.group(group.group_id, owner=ANN).is_triggered


def test_a_triggered_group_refuses_orders_until_it_is_reset(scene, group):
    scene.engine.trigger_group(group.group_id, owner=ANN)
    terms = {"group_id": group.group_id}
    before = refused(scene.bid, "ann", "0.50", 1, **terms)
    scene.engine.reset_group(group.group_id, owner=ANN)
    after = refused(scene.bid, "ann", "0.50", 1, **terms)
    assert (before, after) == ("order_group_triggered", "accepted")


def test_a_limit_lowered_to_what_is_filled_triggers(scene, group):
    scene.bid("ann", "0.50", 20, group_id=group.group_id)
    scene.ask("bob", "0.50", 5)
    after = scene.engine.change_group_limit(group.group_id, d(5), owner=ANN)
    assert (after.is_triggered, after.order_ids) == (True, ())


def test_deleting_a_group_cancels_its_orders(scene, group):
    order = scene.bid("ann", "0.50", 20, group_id=group.group_id)
    scene.engine.delete_group(group.group_id, owner=ANN)
    assert scene.now(order).reason == "group"
    assert scene.engine.groups("ann") == []


def test_a_group_is_found_by_its_owner_only(scene, group):
    assert refused(scene.engine.group, group.group_id, owner=BOB) == (
        "order_group_not_found"
    )


@pytest.mark.parametrize("market_id", ["M", "N"])
def test_an_order_names_a_group_of_its_owner_and_shard(scene, group, market_id):
    scene.list("N", shard=2)
    terms = {"group_id": group.group_id, "market_id": market_id}
    who = "bob" if market_id == "M" else "ann"
    assert refused(scene.bid, who, "0.50", 1, **terms) == "order_group_not_found"


@pytest.mark.parametrize("limit", ["0", "-1", "NaN"])
def test_a_limit_must_be_positive(scene, limit):
    assert refused(scene.engine.create_group, ANN, d(limit)) == "invalid_group_limit"


def test_an_amended_order_that_trades_into_the_limit_is_stopped(scene, group):
    order = scene.bid("ann", "0.40", 30, group_id=group.group_id)
    scene.ask("bob", "0.50", 10)
    scene.ask("bob", "0.51", 10)
    after = scene.engine.amend(order.order_id, owner=ANN, price=d("0.60"))
    assert (after.status, after.reason, after.filled) == ("canceled", "group", d(10))


def test_every_change_of_a_group_is_told(scene, group):
    scene.engine.change_group_limit(group.group_id, d(20), owner=ANN)
    scene.engine.trigger_group(group.group_id, owner=ANN)
    scene.engine.reset_group(group.group_id, owner=ANN)
    scene.engine.delete_group(group.group_id, owner=ANN)
    told = [n.change for n in scene.notices if isinstance(n, GroupChanged)]
    assert told == ["created", "limit_updated", "triggered", "reset", "deleted"]
