"""What guards judge by: positions by orders and reads, whatever the order of the news."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tests.tracking.samples import (
    Plan,
    fill,
    order,
    position,
    settlement,
    tracker_of,
)
from unified_exchanges.models import BUY, SELL, OrderStatus
from unified_exchanges.tracking import register
from unified_exchanges.tracking.tracker import OrderTracker

D = Decimal


def total(tracker: OrderTracker, market_id: str | None = None) -> Decimal:
    found = tracker.exposure(market_id)
    quick = tracker.exposures
    # What is found fast is never below what is found exactly.
    assert not quick.fits(market_id or "A", [], None, found.total - D("0.0001")) or (
        found.total <= 0
    )
    return found.total


def done(tracker: OrderTracker, name: str, filled: int, **more: Any) -> None:
    """An answer: so much of an order filled at once, and the rest is gone."""
    told = order(
        name,
        client_order_id=f"c-{name}",
        size=D(10),
        filled=D(filled),
        remaining=D(0),
        status=OrderStatus.CANCELED,
        **more,
    )
    tracker.order(told, is_ours=True)
    tracker.accepted(f"c-{name}")


def sent(tracker: OrderTracker, name: str, **more: Any) -> None:
    tracker.intend(Plan(client_order_id=f"c-{name}", **more))


def test_what_filled_at_once_is_a_position_at_the_average_or_the_limit() -> None:
    tracker, _ = tracker_of()
    sent(tracker, "o1")
    assert total(tracker) == D(4)
    done(tracker, "o1", 5, price=D("0.40"), average_price=D("0.30"))
    # Averages are told rounded, so a little more is counted.
    assert tracker.exposure().positions == D("1.5005")
    sent(tracker, "o2")
    done(tracker, "o2", 5, price=D("0.40"))
    assert tracker.exposure("A").positions == D("3.5005")


def test_a_sale_of_what_is_held_frees_it_and_adds_nothing_before() -> None:
    tracker, _ = tracker_of()
    sent(tracker, "o1")
    done(tracker, "o1", 10, price=D("0.40"))
    sent(tracker, "o2", side=SELL, price=D("0.10"))
    assert (tracker.exposure().orders, total(tracker)) == (D(0), D(4))
    done(tracker, "o2", 10, side=SELL, price=D("0.10"))
    assert total(tracker) == D(0)


def test_of_several_lots_the_dearest_may_be_left() -> None:
    tracker, _ = tracker_of()
    sent(tracker, "keep", price=D("0.01"))
    for name, price in (("o1", "0.20"), ("o2", "0.60")):
        sent(tracker, name, price=D(price))
        done(tracker, name, 10, price=D(price))
    sent(tracker, "o3", side=SELL, price=D("0.10"))
    done(tracker, "o3", 10, side=SELL, price=D("0.10"))
    assert tracker.exposure().positions == D(6)
    sent(tracker, "o4", side=SELL, price=D("0.10"))
    done(tracker, "o4", 5, side=SELL, price=D("0.10"))
    assert tracker.exposure().positions == D(3)


def test_the_order_of_the_news_changes_nothing() -> None:
    trades = [("o1", BUY, "0.60"), ("o2", SELL, "0.50"), ("o3", BUY, "0.30")]
    found = set()
    for turn in permutations(trades):
        tracker, _ = tracker_of()
        sent(tracker, "open", price=D("0.01"))
        for name, side, price in trades:
            sent(tracker, name, side=side, price=D(price))
        for name, side, price in turn:
            done(tracker, name, 10, side=side, price=D(price))
        found.add(tracker.exposure().positions)
    assert found == {D(6)}


def test_once_all_is_over_nothing_of_it_is_remembered() -> None:
    tracker, _ = tracker_of()
    for name, side, price in (("o1", BUY, "0.90"), ("o2", SELL, "0.80")):
        sent(tracker, name, side=side, price=D(price))
        done(tracker, name, 10, side=side, price=D(price))
    sent(tracker, "o3", price=D("0.10"))
    done(tracker, "o3", 10, price=D("0.10"))
    assert total(tracker) == D(1)


def test_fault_22_fills_and_answers_count_once_at_what_was_paid() -> None:
    tracker, _ = tracker_of()
    sent(tracker, "o1")
    told = {"order_id": "o1", "client_order_id": "c-o1"}
    tracker.fill(fill("f1", size=D(4), price=D("0.25"), **told))
    assert (tracker.exposure().positions, total(tracker)) == (D(1), D("3.4"))
    tracker.fill(fill("f1", size=D(4), price=D("0.25"), **told))
    tracker.fill(fill("f2", size=D(6), price=D("0.40"), **told))
    done(tracker, "o1", 10, price=D("0.40"))
    assert total(tracker) == D("3.4")


def test_fault_23_a_fill_of_an_order_that_nobody_knows_counts() -> None:
    tracker, _ = tracker_of()
    tracker.fill(fill("f1", order_id="x9", side=SELL, size=D(4), price=D("0.25")))
    assert total(tracker) == D(3)
    # It turns out to be one of ours.
    sent(tracker, "x9", side=SELL, price=D("0.20"), size=D(4))
    tracker.order(
        order(
            "x9",
            client_order_id="c-x9",
            side=SELL,
            price=D("0.20"),
            size=D(4),
            filled=D(4),
            remaining=D(0),
            status=OrderStatus.CLOSED,
        ),
        is_ours=True,
    )
    assert total(tracker) == D(3)


# -- positions that are read ---------------------------------------------------------------


def held(size: int, cost: str, market_id: str = "A", **more: Any) -> Any:
    return position(market_id, size=D(size), cost=D(cost), **more)


def test_a_read_takes_the_place_of_what_it_surely_shows() -> None:
    tracker, clock = tracker_of()
    sent(tracker, "o1")
    done(tracker, "o1", 10, price=D("0.40"))
    clock.advance(60)
    tracker.held([held(10, "3.30")], began=clock.monotonic())
    assert total(tracker) == D("3.30")
    sent(tracker, "o2", side=SELL)
    done(tracker, "o2", 4, side=SELL, price=D("0.40"))
    assert total(tracker) == D("1.98")


def test_fault_28_what_may_or_may_not_be_in_a_read_counts_as_if_it_might_fill() -> None:
    tracker, clock = tracker_of()
    sent(tracker, "o1")
    done(tracker, "o1", 10, price=D("0.40"))
    # The read lags: either it has them, or it does not.
    tracker.held([held(10, "4")], began=clock.monotonic())
    assert total(tracker) == D(8)
    clock.advance(60)
    tracker.held([held(10, "4")], began=clock.monotonic())
    assert total(tracker) == D(4)


def test_a_sale_that_may_be_in_a_read_frees_nothing() -> None:
    tracker, clock = tracker_of()
    sent(tracker, "o1", side=SELL)
    clock.advance(60)
    tracker.held([held(10, "4")], began=clock.monotonic())
    assert total(tracker) == D(4)
    # Filled before the read, or after: what is held is 10 or nothing.
    done(tracker, "o1", 10, side=SELL, price=D("0.40"))
    assert total(tracker) == D(4)


def test_a_read_that_was_waited_for_has_all_that_was_known() -> None:
    tracker, clock = tracker_of()
    sent(tracker, "o1")
    done(tracker, "o1", 10, price=D("0.40"))
    since = tracker.moment()
    tracker.held([held(10, "4")], began=clock.monotonic(), since=since)
    assert total(tracker) == D(4)


def test_a_market_that_is_not_in_a_read_of_all_is_not_held() -> None:
    tracker, clock = tracker_of()
    tracker.held([held(5, "2"), held(5, "1", "B")], began=clock.monotonic())
    assert total(tracker) == D(3)
    tracker.held([held(5, "2")], began=clock.monotonic())
    assert (total(tracker), total(tracker, "B")) == (D(2), D(0))
    tracker.held([], began=clock.monotonic(), market_id="B")
    assert total(tracker) == D(2)
    tracker.held([], began=clock.monotonic(), market_id="A")
    assert total(tracker) == D(0)


def test_positions_in_the_other_outcome_and_on_several_shards_add_up() -> None:
    tracker, clock = tracker_of()
    shards = [held(5, "2", outcome="no"), held(3, "1", outcome="no", shard=2)]
    tracker.held(shards, began=clock.monotonic())
    sent(tracker, "o1", price=D("0.50"))
    assert (tracker.exposure().positions, tracker.exposure().orders) == (D(3), D(1))


def test_what_was_paid_out_is_at_risk_no_more() -> None:
    tracker, clock = tracker_of()
    tracker.held([held(5, "2")], began=clock.monotonic())
    sent(tracker, "o1")
    done(tracker, "o1", 10, price=D("0.40"))
    tracker.settled(settlement("A", at=1))
    assert total(tracker) == D(0)


def test_what_nets_elsewhere_closes_nothing_here() -> None:
    tracker, clock = tracker_of()
    tracker.held([held(10, "4")], began=clock.monotonic())
    sent(tracker, "o1", side=SELL, purse="5")
    assert tracker.exposure().orders == D(6)
    done(tracker, "o1", 10, side=SELL, price=D("0.40"))
    assert total(tracker) == D(10)
    tracker.held([], began=clock.monotonic())
    assert total(tracker) == D(6)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_what_may_only_reduce_is_no_exposure(side: Any) -> None:
    tracker, clock = tracker_of()
    tracker.held([held(10, "4")], began=clock.monotonic())
    sent(tracker, "o1", side=side, reduce_only=True)
    assert total(tracker) == D(4)


def test_books_of_their_own_do_not_net() -> None:
    tracker, clock = tracker_of(first_outcome=None)
    both = [held(5, "2"), held(5, "1", outcome="no")]
    tracker.held(both, began=clock.monotonic())
    assert total(tracker) == D(3)


def test_an_edit_on_its_way_counts_as_the_dearer_of_both_terms() -> None:
    tracker, _ = tracker_of()
    tracker.order(order("o1", price=D("0.40"), size=D(10), remaining=D(10)))
    tracker.changing(order("o1", price=D("0.30"), size=D(10)))
    assert total(tracker) == D(4)
    tracker.changing(order("o1", price=D("0.50"), size=D(12)))
    assert total(tracker) == D(6)


def test_more_that_fills_of_what_a_read_has_counts_at_its_limit() -> None:
    tracker, clock = tracker_of()
    tracker.order(order("o1", filled=D(4), remaining=D(6)))
    clock.advance(60)
    tracker.held([held(4, "1.50")], began=clock.monotonic())
    assert total(tracker) == D("3.90")
    tracker.order(order("o1", filled=D(7), remaining=D(3)))
    assert (tracker.exposure().orders, total(tracker)) == (D("2.4"), D("3.9"))
    tracker.order(order("o1", filled=D(9), remaining=D(1)))
    assert total(tracker) == D("3.9")


def test_fills_that_came_before_their_order_was_known_count_once() -> None:
    tracker, _ = tracker_of()
    sent(tracker, "o1")
    tracker.fill(fill("f1", order_id="o1", size=D(4), price=D("0.40")))
    assert total(tracker) == D("5.6")
    tracker.order(
        order("o1", client_order_id="c-o1", filled=D(4), remaining=D(6)), is_ours=True
    )
    assert total(tracker) == D(4)


def test_what_was_forgotten_for_its_number_still_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(register, "_MOST_DONE", 2)
    tracker, clock = tracker_of()
    sent(tracker, "open", price=D("0.01"))
    for number in range(5):
        sent(tracker, f"o{number}")
        done(tracker, f"o{number}", 10, price=D("0.40"))
    assert len(tracker) == 3
    assert tracker.exposure().positions == D(20)
    clock.advance(60)
    tracker.held([held(50, "19")], began=clock.monotonic())
    assert tracker.exposure().positions == D(19)
