"""The tracker beside a faulty stream: in process, on a virtual clock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.journal.samples import START, intent
from tests.watching.studio import BlockingConsumer, Studio, wish
from unified_exchanges import exchange
from unified_exchanges.clock import Clock
from unified_exchanges.models import Subject
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.tracking.tracker import OrderTracker
from unified_exchanges.watching.reconciler import News

from .samples import Plan, fill, tracker_of

MARKET = "KXRAINSEA-26NOV25-R"
FREE = LimitPolicy(enabled=False, discover=False)
NOTHING = b'{"fills": [], "cursor": ""}'


class Desk(Studio):
    """A studio with a tracker, and somebody who trades on the same account."""

    def __init__(self) -> None:
        super().__init__(hears=self._tracker)
        self.trader: Any = self.ground.trader("blocking", limits=FREE)

    def _tracker(self, clock: Clock) -> OrderTracker:
        self.tracker = OrderTracker(clock, first_outcome="yes")
        return self.tracker

    def follow(self) -> None:
        self.feed.keep()
        self.pass_time(40)
        assert self.feed.is_told

    def buy(self, size: int = 3) -> Any:
        ask = self.trader.fetch_order_book(MARKET).ask.price
        return self.trader.create_order(MARKET, "yes", "buy", ask, size)

    def bid(self, size: int = 5) -> Any:
        return self.trader.create_order(MARKET, "yes", "buy", "0.01", size)

    def state(self, order: Any) -> str:
        found = self.tracker.look(order_id=order.order_id)
        return "" if found is None else str(found.state)

    def lose_fills(self) -> None:
        """Fills are told neither by the stream nor by reads."""
        self.frames.add(StreamFault("drop", frame="fill", count=None))
        self.requests.add(
            Fault("answer", path="/fills", status=200, body=NOTHING, count=None)
        )

    @property
    def told(self) -> list[tuple[str, Decimal, Decimal]]:
        return [(x.market_id, x.derived, x.told) for x in self.tracker.differences]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_orders_and_fills_are_followed_without_a_consumer(desk: Desk) -> None:
    resting = desk.bid()
    desk.follow()
    bought = desk.buy()
    desk.pump()
    assert (desk.state(resting), desk.state(bought)) == ("open", "filled")
    assert desk.tracker.position(MARKET) == 3
    desk.pass_time(120)
    assert (desk.told, desk.feed.is_kept) == ([], True)


def test_following_begins_and_ends_once(desk: Desk) -> None:
    assert (desk.feed.is_kept, desk.feed.is_told) == (False, False)
    desk.feed.keep()
    desk.feed.keep()
    assert len(desk.feed._everybody()) == 2
    desk.feed.drop()
    assert desk.feed.is_kept
    desk.feed.release()
    desk.feed.release()
    assert (desk.feed.is_kept, desk.feed._everybody()) == (False, [])


def test_what_was_given_up_by_the_venue_is_followed_anew(desk: Desk) -> None:
    desk.follow()
    desk.feed.leave(desk.feed._kept[0])
    assert not desk.feed.is_kept
    desk.follow()
    assert len(desk.feed._everybody()) == 2


def test_fault_22_what_the_stream_lost_is_read_and_counts_once(desk: Desk) -> None:
    desk.follow()
    desk.frames.add(StreamFault("drop", frame="fill|user_order", count=None))
    bought = desk.buy()
    desk.pump()
    assert desk.state(bought) == ""
    desk.pass_time(60)
    assert desk.state(bought) == "filled"
    found = desk.tracker.look(order_id=bought.order_id)
    assert found is not None
    assert (found.filled, desk.tracker.position(MARKET)) == (3, 3)
    desk.pass_time(120)
    assert desk.told == []


def test_fault_22_what_was_read_is_told_though_who_keeps_count_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.frames.add(StreamFault("drop", frame="fill|user_order", count=None))
    fills = BlockingConsumer(desk, wish(Subject.FILLS))
    bought = desk.buy()
    read = desk.tracker.reconciled

    def fail(news: News) -> bool:
        read(news)
        raise RuntimeError

    monkeypatch.setattr(desk.tracker, "reconciled", fail)
    with pytest.raises(RuntimeError):
        desk.pass_time(20)
    fills.take()
    assert [x.order_id for x in fills.items] == [bought.order_id]


def test_fault_23_a_fill_whose_order_is_not_told_has_it_read(desk: Desk) -> None:
    desk.follow()
    desk.frames.add(StreamFault("drop", frame="user_order", count=None))
    bought = desk.buy()
    desk.pump()
    assert desk.state(bought) == "unknown"
    desk.pass_time(30)
    found = desk.tracker.look(order_id=bought.order_id)
    assert found is not None
    assert (found.state, found.is_external) == ("filled", True)


def test_fault_27_an_order_that_a_read_leaves_out_is_asked_for_by_name(
    desk: Desk,
) -> None:
    resting = desk.bid()
    desk.follow()
    body = b'{"orders": [], "cursor": ""}'
    desk.requests.add(
        Fault("answer", path="/orders$", status=200, body=body, count=None)
    )
    desk.pass_time(60)
    assert (desk.state(resting), desk.tracker.at_risk()) == ("open", Decimal("0.05"))


def test_an_order_that_only_the_tracker_knows_is_asked_for(desk: Desk) -> None:
    resting = desk.bid()
    desk.tracker.order(desk.trader.fetch_order(resting.order_id))
    desk.trader.cancel_order(resting.order_id)
    desk.clock.advance(3000)
    assert desk.tracker.at_risk() > 0
    desk.follow()
    assert (desk.state(resting), desk.tracker.at_risk()) == ("canceled", 0)


def test_fault_02_an_order_that_did_not_show_is_found_by_the_next_read(
    desk: Desk,
) -> None:
    desk.follow()
    desk.frames.add(StreamFault("drop", frame="user_order", count=None))
    desk.tracker.intend(Plan(client_order_id="mine", market_id=MARKET))
    desk.trader.create_order(MARKET, "yes", "buy", "0.01", 5, client_order_id="mine")
    desk.tracker.doubted("mine")
    found = desk.tracker.look(client_order_id="mine")
    assert found is not None
    assert found.state == "unresolved"
    desk.clock.advance(1000)
    desk.pass_time(60)
    found = desk.tracker.look(client_order_id="mine")
    assert found is not None
    assert (found.state, found.is_external) == ("open", False)
    assert desk.tracker.missing_since is None


def test_an_order_that_did_not_show_for_an_hour_is_not_looked_for_any_more(
    desk: Desk,
) -> None:
    desk.tracker.intend(Plan(client_order_id="mine", market_id=MARKET))
    desk.tracker.doubted("mine")
    assert desk.tracker.missing_since == desk.clock.now()
    desk.clock.advance(3600)
    assert desk.tracker.missing_since is None


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
@pytest.mark.parametrize("is_recalled", [False, True])
def test_fault_44_a_clock_that_is_set_makes_no_order_older_or_younger(
    step: float, *, is_recalled: bool
) -> None:
    tracker, clock = tracker_of()
    if is_recalled:
        clock.step(START.timestamp() - clock.now())
        tracker.recalled([intent("c-o1")])
    else:
        tracker.intend(Plan())
        tracker.doubted("c-o1")
    clock.advance(600)
    clock.step(step)
    # Ten minutes ago, as the clock tells it now.
    assert tracker.missing_since == pytest.approx(clock.now() - 600)
    clock.advance(3000)
    assert tracker.missing_since is None


def test_a_position_that_its_fills_do_not_make_is_told_not_set_right(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.follow()
    desk.lose_fills()
    desk.buy(3)
    desk.pass_time(120)
    assert desk.told == [(MARKET, 0, 3)]
    assert [x.name for x in caplog.records if "fills make" in x.message] == [
        "unified_exchanges.tracking.holdings"
    ]
    assert desk.tracker.position(MARKET) == 0
    desk.requests.clear()
    desk.pass_time(120)
    # The fill is too old to be read again by itself, so it stays said.
    assert desk.told == [(MARKET, 0, 3)]
    for late in desk.trader.fetch_fills():
        desk.tracker.fill(late)
    desk.pass_time(60)
    assert (desk.told, desk.tracker.position(MARKET)) == ([], 3)


@pytest.mark.parametrize("status", [503, 200])
def test_fault_25_positions_that_cannot_be_read_are_never_flat(
    desk: Desk, status: int
) -> None:
    desk.follow()
    desk.buy(3)
    desk.pass_time(60)
    desk.requests.add(
        Fault("answer", path="/positions", status=status, body=b"{", count=None)
    )
    desk.pass_time(120)
    assert (desk.tracker.position(MARKET), desk.told) == (3, [])
    health = desk.feed.health(desk.protocol.health())
    assert health.reconcile_failures > 0
    desk.requests.clear()
    desk.pass_time(120)
    assert (desk.tracker.position(MARKET), desk.told) == (3, [])


def test_fault_29_a_settled_position_is_no_difference(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.follow()
    desk.buy(3)
    desk.pass_time(60)
    assert desk.tracker.position(MARKET) == 3
    engine = desk.kalshi.engine
    engine.determine(MARKET, Decimal("0.37"))
    engine.settle(MARKET)
    desk.pass_time(120)
    assert (desk.tracker.position(MARKET), desk.told) == (0, [])
    assert "fills make" not in caplog.text


@pytest.mark.parametrize("chosen", [None, 0, 3])
@pytest.mark.parametrize("word", ["subaccount", "subaccount_number"])
def test_fills_of_other_subaccounts_are_not_held_against_positions_of_one(
    chosen: int | None, word: str
) -> None:
    options = {} if chosen is None else {"subaccount": chosen}
    venue = exchange("kalshi", environment="demo", options=options).venue
    told = [f'{{"{word}": {number}}}'.encode() for number in (0, 3)] + [b"{}"]
    known = [venue.moves_position(fill(raw_json=raw)) for raw in told]
    assert known == [True, chosen is not None, True]


def test_a_position_of_before_is_where_it_begins(desk: Desk) -> None:
    desk.buy(4)
    desk.clock.advance(60)
    desk.follow()
    assert desk.tracker.position(MARKET) == 4
    desk.buy(1)
    desk.pass_time(60)
    assert (desk.tracker.position(MARKET), desk.told) == (5, [])


def test_a_venue_without_positions_in_a_watch_of_orders_compares_nothing(
    desk: Desk,
) -> None:
    desk.feed.join(Subject.ORDERS, None, policy="every", wake=lambda: None)
    resting = desk.bid()
    desk.pass_time(40)
    assert (desk.state(resting), desk.tracker.position(MARKET)) == ("open", None)


def test_after_a_break_of_the_line_all_is_told_again(desk: Desk) -> None:
    desk.follow()
    desk.lose(5)
    assert not desk.feed.is_told
    resting = desk.bid()
    bought = desk.buy(2)
    desk.pass_time(40)
    assert (desk.state(resting), desk.state(bought)) == ("open", "filled")
    assert (desk.feed.is_told, desk.tracker.position(MARKET)) == (True, 2)
