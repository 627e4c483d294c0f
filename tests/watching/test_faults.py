"""Faults one by one on the simulated Kalshi, in process and on a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.models import Gap, Reconnected, Subject
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.faults import Fault, StreamFault

from .studio import POLICY, AsyncConsumer, BlockingConsumer, Consumer, Studio, wish

MARKET = "KXRAINSEA-26NOV25-R"
FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def trader(studio: Studio) -> Any:
    return studio.ground.trader("blocking", limits=FREE)


@pytest.fixture(params=[BlockingConsumer, AsyncConsumer])
def watch(request: pytest.FixtureRequest, studio: Studio) -> Any:
    return lambda *args, **kwargs: request.param(studio, wish(*args, **kwargs))


def buy(trader: Any, size: int = 1) -> Any:
    ask = trader.fetch_order_book(MARKET).ask.price
    return trader.create_order(MARKET, "yes", "buy", ask, size)


def taken(consumer: Consumer) -> list[Any]:
    start = len(consumer.items)
    consumer.take()
    return consumer.items[start:]


def test_fault_33_a_stream_that_lives_and_does_not_tell_is_given_up(
    studio: Studio, trader: Any, watch: Any
) -> None:
    fills = watch(Subject.FILLS, events=True)
    studio.pass_time(60)
    taken(fills)
    # Pings come, books would; of the account there is nothing any more.
    studio.frames.add(StreamFault("drop", frame="fill|user_order", count=None))
    bought = buy(trader)
    studio.pass_time(60)
    told = taken(fills)
    assert [x.order_id for x in told if hasattr(x, "fill_id")] == [bought.order_id]
    [gap] = [x for x in told if isinstance(x, Gap)]
    assert "found over REST" in gap.reason
    assert any(isinstance(x, Reconnected) for x in told)
    health = studio.feed.health(studio.protocol.health())
    assert (health.missed, health.connections) == (1, 2)


def test_fault_31_a_book_that_is_wrong_without_an_error_is_found_by_the_audit(
    studio: Studio, trader: Any, watch: Any
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET, events=True)
    studio.pass_time(1)
    in_hand = taken(books)[-1]
    studio.frames.add(
        StreamFault(
            "alter", frame="orderbook_delta", field="msg.delta_fp", value="9.00"
        )
    )
    trader.create_order(MARKET, "yes", "buy", "0.01", 2)
    studio.pump()
    wrong = taken(books)[-1]
    assert wrong.bids != trader.fetch_order_book(MARKET).bids
    studio.pass_time(20)
    assert in_hand.stale
    assert wrong.stale
    *_, gap, right = taken(books)
    assert "differ from REST" in gap.reason
    assert right.bids == trader.fetch_order_book(MARKET).bids
    assert not right.stale


@pytest.mark.parametrize("kind", ["lag", "drop", "stall"])
def test_fault_28_reads_that_lag_or_fail_take_nothing_back(
    studio: Studio, trader: Any, watch: Any, kind: Any
) -> None:
    orders, fills = watch(Subject.ORDERS), watch(Subject.FILLS)
    studio.pass_time(40)
    studio.requests.add(
        Fault(kind, method="GET", path="portfolio", seconds=3, count=12)
    )
    bought = [buy(trader) for _ in range(3)]
    studio.pump()
    studio.frames.add(StreamFault("reset", frame=".*"))
    bought.append(buy(trader))
    studio.pass_time(240)
    told = taken(orders)
    for each in bought:
        mine = [x for x in told if x.order_id == each.order_id]
        assert [x.filled for x in mine] == sorted(x.filled for x in mine)
        assert (mine[-1].status, mine[-1].filled) == ("closed", 1)
        assert len({x.status for x in mine}) == len(mine)
    assert [x.order_id for x in taken(fills)] == [x.order_id for x in bought]


def test_fault_27_orders_that_ended_during_a_break_are_looked_for(
    studio: Studio, trader: Any, watch: Any
) -> None:
    orders = watch(Subject.ORDERS)
    resting = [trader.create_order(MARKET, "yes", "buy", "0.01", 5) for _ in range(12)]
    studio.pass_time(40)
    taken(orders)
    studio.frames.add(StreamFault("drop", frame="user_order", count=None))
    studio.frames.add(StreamFault("reset", frame="user_order"))
    trader.cancel_all_orders()
    studio.frames.clear()
    studio.pass_time(60)
    told = taken(orders)
    assert {x.order_id for x in told} == {x.order_id for x in resting}
    assert {str(x.status) for x in told} == {"canceled"}


def test_a_position_that_was_closed_during_a_break_comes_with_nothing_held(
    studio: Studio, trader: Any, watch: Any
) -> None:
    buy(trader, 5)
    held = watch(Subject.POSITIONS)
    studio.pass_time(40)
    assert [int(x.size) for x in taken(held)] == [5]
    studio.frames.add(StreamFault("drop", frame="market_position", count=None))
    trader.close_position(MARKET, max_slippage="0.05")
    studio.pass_time(60)
    [gone] = taken(held)
    assert (gone.size, gone.cost) == (0, 0)
    assert gone.fees_paid > 0


@pytest.mark.parametrize("another", [True, False])
def test_what_is_left_while_it_is_refused_for_now_is_forgotten(
    studio: Studio, watch: Any, another: bool
) -> None:
    studio.frames.add(StreamFault("refuse", frame="subscribe", code=27))
    left = watch(Subject.ORDER_BOOK, MARKET)
    studio.pump()
    left.leave()
    if another:
        kept = watch(Subject.ORDER_BOOK, "KXTOPALBUM-26NOV-BLUE0")
        studio.pass_time(30)
        assert len(taken(kept)) >= 1
    studio.pass_time(30)
    health = studio.protocol.health()
    assert (health.state, health.stale_books) == ("live", 0)


@pytest.mark.parametrize("others", [(), ("KXGDPVALUE-27FEB-V",)])
def test_fault_36_a_market_whose_book_is_slow_to_come_exists_all_the_same(
    studio: Studio, trader: Any, watch: Any, others: tuple[str, ...]
) -> None:
    # More than three times the patience, and less than the silence that breaks it.
    frame = "orderbook_snapshot"
    studio.frames.add(
        StreamFault("delay", market=MARKET, frame=frame, seconds=10, count=None)
    )
    books = watch(Subject.ORDER_BOOK, *others, MARKET)
    studio.pass_time(100)
    found = [x for x in taken(books) if x.market_id == MARKET]
    assert books.error is None
    assert found[-1].bids == trader.fetch_order_book(MARKET).bids
    assert not found[-1].stale


@pytest.mark.parametrize(
    ("pings", "stale_after", "whole_after"),
    [
        # Nothing comes: the silence; then a new connection.
        (False, POLICY.silence, POLICY.silence + POLICY.first),
        # Only Pings come: the audit and its second look; then twice a snapshot that is
        # asked for and does not come.
        (True, 6 + 3, 6 + 3 + 2 * POLICY.acknowledgement + POLICY.first),
    ],
)
def test_fault_33_a_connection_that_tells_nothing_is_noticed_within_the_documented_time(
    studio: Studio,
    trader: Any,
    watch: Any,
    pings: bool,
    stale_after: float,
    whole_after: float,
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET)
    studio.pass_time(11)
    [in_hand] = taken(books)
    studio.frames.add(
        StreamFault("silence", after=0, pings=pings, pongs=True, seconds=1_000)
    )
    studio.pump()
    trader.create_order(MARKET, "yes", "buy", "0.01", 7)
    began = studio.clock.monotonic()
    studio.pump()
    assert not in_hand.stale  # nobody has told
    while not in_hand.stale:
        studio.pass_time(0.1)
    assert studio.clock.monotonic() - began <= stale_after + 0.2
    while not (found := taken(books)):
        studio.pass_time(0.1)
    assert studio.clock.monotonic() - began <= whole_after + 0.2
    assert found[-1].bids == trader.fetch_order_book(MARKET).bids
