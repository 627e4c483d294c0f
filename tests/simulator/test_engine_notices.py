from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.simulator.notices import (
    BookDelta,
    Filled,
    MarketChanged,
    OrderChanged,
    PauseChanged,
    PositionChanged,
    Settled,
    TradePrinted,
)
from unified_exchanges.simulator.orders import Owner

from .scene import START_US, Scene, d, refused

ANN = Owner("ann")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_resting_order_is_told_before_its_delta(scene):
    order = scene.bid("ann", "0.50", 10, client_order_id="x")
    assert scene.notices == [
        OrderChanged(order=order, reason="placed"),
        BookDelta(
            market_id="M",
            side="bid",
            price=d("0.50"),
            delta=d(10),
            size=d(10),
            owner=ANN,
            client_order_id="x",
            time_us=START_US,
        ),
    ]


def test_a_trade_is_told_in_the_order_of_its_effects(scene):
    scene.ask("ann", "0.40", 10)
    scene.notices.clear()
    scene.bid("bob", "0.40", 4)
    assert [type(notice) for notice in scene.notices] == [
        OrderChanged,
        TradePrinted,
        BookDelta,
        OrderChanged,
        Filled,
        PositionChanged,
        OrderChanged,
        Filled,
        PositionChanged,
    ]


def test_the_delta_of_a_trade_is_negative(scene):
    scene.ask("ann", "0.40", 10)
    scene.notices.clear()
    scene.bid("bob", "0.40", 4)
    deltas = [n for n in scene.notices if isinstance(n, BookDelta)]
    assert [(n.side, n.delta, n.size) for n in deltas] == [("ask", d(-4), d(6))]


def test_a_refusal_tells_nothing(scene):
    refused(scene.bid, "ann", "0.50", 100_000)
    assert scene.notices == []


def test_the_life_of_a_market_is_told(scene):
    scene.list("N")
    scene.engine.deactivate("N")
    scene.engine.activate("N")
    scene.engine.determine("N", d(1))
    told = [n.change for n in scene.notices if isinstance(n, MarketChanged)]
    assert told == [
        "created",
        "opened",
        "deactivated",
        "activated",
        "closed",
        "determined",
        "settled",
    ]


def test_a_payment_is_told(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.engine.determine("M", d(1))
    paid = [n.settlement for n in scene.notices if isinstance(n, Settled)]
    assert paid == [*scene.engine.settlements("bob"), *scene.engine.settlements("ann")]


def test_a_pause_is_told_once(scene):
    for _ in range(2):
        scene.engine.pause(shard=1)
    for _ in range(2):
        scene.engine.resume(shard=1)
    told = [n.is_paused for n in scene.notices if isinstance(n, PauseChanged)]
    assert told == [True, False]


def test_a_listener_that_left_hears_nothing(scene):
    heard: list[object] = []
    leave = scene.engine.subscribe(heard.append)
    leave()
    scene.bid("ann", "0.50", 1)
    assert heard == []


def test_an_expiry_that_only_changes_touches_no_level(scene):
    order = scene.bid("ann", "0.50", 10)
    scene.notices.clear()
    scene.engine.amend(order.order_id, owner=ANN, expires_us=START_US + 1)
    assert [type(notice) for notice in scene.notices] == [OrderChanged]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob"]),
            st.sampled_from(["bid", "ask"]),
            st.integers(45, 55),
            st.integers(1, 20),
            st.sampled_from(["maker", "taker_at_cross"]),
        ),
        max_size=30,
    )
)
def test_the_deltas_add_up_to_the_book(orders):
    scene = Scene()
    for who, side, cents, size, self_trade in orders:
        scene.send(who, side, f"0.{cents}", size, self_trade=self_trade)
    sums: dict[tuple[str, Decimal], Decimal] = {}
    for notice in scene.notices:
        if isinstance(notice, BookDelta):
            key = (notice.side, notice.price)
            sums[key] = sums.get(key, d(0)) + notice.delta
            assert notice.size == sums[key] >= 0
    book = {
        (side, level.price): level.size
        for side in ("bid", "ask")
        for level in scene.engine.levels("M", side)
    }
    assert {key: size for key, size in sums.items() if size} == book
