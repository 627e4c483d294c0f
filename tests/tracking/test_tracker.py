"""One state for each order, whatever tells of it."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.models import SELL, OrderState, OrderStatus, TrackedOrder
from unified_exchanges.tracking import register as module
from unified_exchanges.tracking.tracker import OrderTracker

from .samples import Plan, fill, moment, news, order, position, tracker_of

CANCELED, CLOSED = OrderStatus.CANCELED, OrderStatus.CLOSED


def seen(tracker: OrderTracker, **ids: Any) -> TrackedOrder:
    found = tracker.look(**ids or {"client_order_id": "c-o1"})
    assert found is not None
    return found


def sent(**terms: Any) -> OrderTracker:
    """A tracker of an order that has just left."""
    tracker, _ = tracker_of()
    tracker.intend(Plan(**terms))
    return tracker


# -- what is sent ----------------------------------------------------------------------


def test_an_order_is_exposure_from_before_it_is_sent() -> None:
    tracker = sent()
    found = seen(tracker)
    assert (found.state, found.order, found.order_id) == ("intended", None, None)
    assert (found.remaining, found.at_risk, found.is_external) == (10, 4, False)
    assert tracker.at_risk("A") == tracker.at_risk() == Decimal("4.00")


def test_an_order_for_no_is_told_as_one_for_yes() -> None:
    tracker = sent(outcome="no", price=Decimal("0.30"))
    found = seen(tracker)
    assert (found.outcome, found.side, found.price) == ("yes", "sell", Decimal("0.70"))
    assert found.at_risk == 3


def test_without_a_common_book_orders_are_told_as_they_are() -> None:
    tracker, _ = tracker_of(None)
    tracker.intend(Plan(outcome="no", price=Decimal("0.30")))
    tracker.order(order(outcome="no", price=Decimal("0.30")))
    tracker.fill(fill(outcome="no", at=1))
    found = seen(tracker)
    assert (found.outcome, found.side, found.price) == ("no", "buy", Decimal("0.30"))
    tracker.reconciled(news(began=9, positions=[position("A", 1)]))
    assert (tracker.position("A", "no"), tracker.differences) == (None, ())


def test_a_refused_order_is_no_exposure() -> None:
    tracker = sent()
    tracker.refused("c-o1")
    found = seen(tracker)
    assert (found.state, found.remaining, found.is_done) == ("refused", 0, True)
    assert tracker.risks() == {}


def test_an_accepted_order_is_found_by_both_ids() -> None:
    tracker = sent()
    tracker.order(order(), read_at=0.0, is_ours=True)
    tracker.accepted("c-o1")
    assert seen(tracker) == seen(tracker, order_id="o1")
    assert seen(tracker).state is OrderState.OPEN
    assert not seen(tracker).is_external
    assert len(tracker) == 1


def test_an_order_whose_answer_was_lost_stays_exposure() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    found = seen(tracker)
    assert (found.state, found.is_doubtful, found.at_risk) == ("unresolved", True, 4)


def test_what_was_looked_for_and_is_not_there_is_absent() -> None:
    tracker = sent()
    tracker.absent("c-o1")
    assert seen(tracker).state is OrderState.INTENDED
    tracker.doubted("c-o1")
    tracker.absent("c-o1", "B")
    assert seen(tracker).state is OrderState.UNRESOLVED
    tracker.absent("c-o1", "A")
    tracker.absent("nobody's")
    assert (seen(tracker).state, tracker.at_risk()) == ("absent", 0)


def test_what_shows_after_all_is_believed_over_its_absence() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.absent("c-o1")
    tracker.order(order())
    assert (seen(tracker).state, tracker.at_risk()) == ("open", 4)


def test_an_order_that_is_sent_again_under_its_key_is_one_order() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.intend(Plan())
    tracker.order(order(), is_ours=True)
    tracker.accepted("c-o1")
    tracker.intend(Plan(size=Decimal(3)))
    assert (len(tracker), seen(tracker).size) == (1, 10)


def test_fault_11_a_refusal_tells_nothing_of_an_earlier_sending() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.intend(Plan())
    tracker.refused("c-o1")
    assert (seen(tracker).state, tracker.at_risk()) == ("unresolved", 4)
    tracker.absent("c-o1")
    tracker.intend(Plan())
    tracker.intend(Plan())
    tracker.refused("c-o1")
    assert seen(tracker).state is OrderState.INTENDED
    tracker.refused("c-o1")
    assert seen(tracker).state is OrderState.REFUSED


def test_answers_about_orders_nobody_knows_change_nothing() -> None:
    tracker, _ = tracker_of()
    for tell in (tracker.refused, tracker.doubted, tracker.accepted):
        tell("c-o9")
    unknown: Any = ["o9"]
    for order_id in ("o9", unknown):
        tracker.cancelling(order_id)
        tracker.cancel_ended(order_id, is_lost=True)
        tracker.changing(order(order_id))
        tracker.change_ended(order(order_id), is_lost=True)
    assert len(tracker) == 0


# -- what is told ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (OrderStatus.CLOSED, OrderState.FILLED),
        (OrderStatus.CANCELED, OrderState.CANCELED),
        (OrderStatus.EXPIRED, OrderState.EXPIRED),
        (OrderStatus.REJECTED, OrderState.REFUSED),
        (OrderStatus.UNKNOWN, OrderState.UNKNOWN),
    ],
)
def test_an_end_at_the_venue_is_an_end(status: OrderStatus, state: OrderState) -> None:
    tracker = sent()
    tracker.order(order(status=status, filled=4, remaining=Decimal(0)))
    found = seen(tracker)
    assert (found.state, found.filled, found.is_done) == (state, 4, True)
    assert found.at_risk == 0


def test_a_word_nobody_knows_is_exposure_as_long_as_something_remains() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(status=OrderStatus.UNKNOWN, remaining=Decimal(10)))
    found = seen(tracker)
    assert (found.state, found.is_done, found.at_risk) == ("unknown", False, 4)


def test_fault_04_a_fill_on_the_stream_finds_the_order_whose_answer_was_lost() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.fill(fill("t1", at=1, size=Decimal(4), client_order_id="c-o1"))
    found = seen(tracker)
    assert (found.state, found.order_id) == ("partially filled", "o1")
    assert (found.filled, found.remaining, found.is_doubtful) == (4, 6, False)
    tracker.fill(fill("t2", at=2, size=Decimal(6), client_order_id="c-o1"))
    found = seen(tracker)
    assert (found.state, found.filled, found.at_risk) == ("filled", 10, 0)
    assert (found.is_external, len(tracker)) == (False, 1)


def test_fault_04_fills_without_our_id_are_found_once_the_order_shows() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.fill(fill("t1", at=1, size=Decimal(4)))
    assert seen(tracker).state is OrderState.UNRESOLVED
    assert seen(tracker, order_id="o1").state is OrderState.UNKNOWN
    assert tracker.strangers == frozenset({"o1"})
    tracker.order(order(filled=0, at=0.5))
    found = seen(tracker)
    assert (found.state, found.filled, len(tracker)) == ("partially filled", 4, 1)
    assert seen(tracker, order_id="o1") == found
    assert (tracker.strangers, found.is_external) == (frozenset(), False)


def test_fault_05_an_answer_that_comes_late_is_the_same_order() -> None:
    tracker = sent()
    tracker.doubted("c-o1")
    tracker.order(order(filled=10, at=2))
    tracker.order(order(at=1), read_at=0.0, is_ours=True)
    assert (seen(tracker).state, len(tracker)) == ("filled", 1)


@pytest.mark.parametrize("first", ["fill", "cancel"])
def test_fault_18_a_cancel_and_a_fill_end_alike_in_either_order(first: str) -> None:
    tracker = sent()
    tracker.order(order(at=0))
    told = [
        lambda: tracker.fill(fill(at=1, size=Decimal(3))),
        lambda: tracker.order(order(filled=3, status=CANCELED, at=2)),
    ]
    for tell in told if first == "fill" else reversed(told):
        tell()
    found = seen(tracker)
    assert (found.state, found.filled, found.remaining) == ("canceled", 3, 0)
    assert tracker.at_risk() == 0


def test_fault_22_a_fill_counts_once_and_not_on_top_of_its_order() -> None:
    tracker = sent()
    for _ in range(2):
        tracker.fill(fill("t1", at=1, size=Decimal(4)))
        tracker.order(order(filled=4, at=1))
    found = seen(tracker)
    assert (found.filled, found.remaining) == (4, 6)
    assert found.at_risk == Decimal("2.40")


def test_fault_23_a_fill_of_an_unknown_order_is_adopted_and_marked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker, _ = tracker_of()
    with caplog.at_level(logging.INFO, "unified_exchanges"):
        tracker.fill(fill(at=1))
        tracker.order(order(filled=1, at=1))
    found = seen(tracker, order_id="o1")
    assert (found.is_external, found.state) == (True, "partially filled")
    assert [x.levelname for x in caplog.records] == ["INFO"]
    assert "not placed here" in caplog.text


def test_fault_23_an_order_of_somebody_else_is_adopted_and_marked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker, _ = tracker_of()
    with caplog.at_level(logging.INFO, "unified_exchanges"):
        tracker.order(order(client_order_id=None))
    found = seen(tracker, order_id="o1")
    assert (found.is_external, found.at_risk) == (True, 4)
    assert "not placed here" in caplog.text


def test_fault_27_an_order_that_a_listing_leaves_out_stays_open() -> None:
    tracker, _ = tracker_of()
    tracker.order(order("o1"))
    tracker.order(order("o2"), read_at=100.0)
    assert seen(tracker).state is OrderState.OPEN
    assert [x.order_id for x in tracker.open_orders] == ["o1", "o2"]


def test_what_ended_before_the_tracker_began_is_history() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(status=CANCELED, at=-50), read_at=0.0)
    tracker.fill(fill(at=-50))
    assert len(tracker) == 0
    tracker.order(order(status=CANCELED, at=-50), read_at=0.0, is_wanted=True)
    assert seen(tracker).state is OrderState.CANCELED


def test_an_end_without_a_time_is_no_history() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(status=CANCELED, at=None))
    assert seen(tracker).state is OrderState.CANCELED


def test_one_key_on_two_markets_is_two_orders() -> None:
    tracker = sent()
    tracker.order(order("o1", market_id="B"))
    tracker.order(order("o2", client_order_id="c-o1"))
    tracker.order(order("o3", client_order_id="c-o1"))
    assert len(tracker) == 3
    assert seen(tracker).order_id == "o2"


def test_what_ends_a_second_time_with_more_filled_counts_so() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(filled=2, status=CANCELED, at=1))
    tracker.fill(fill("t9", at=1, size=Decimal(3)))
    assert (seen(tracker).state, seen(tracker).filled) == ("canceled", 3)


def test_a_size_that_was_taken_off_does_not_remain() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(remaining=Decimal(4)))
    tracker.fill(fill("t1", at=1, size=Decimal(3)))
    assert seen(tracker).remaining == 1
    tracker.fill(fill("t2", at=1, size=Decimal(1)))
    assert (seen(tracker).state, seen(tracker).is_done) == ("filled", True)


def test_what_seemed_whole_and_was_enlarged_elsewhere_is_open_again() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(at=0))
    tracker.fill(fill(at=1, size=Decimal(10)))
    assert (seen(tracker).is_done, tracker.undone()) == (True, [])
    tracker.order(order(size=15, filled=10, at=2))
    assert (seen(tracker).state, tracker.at_risk()) == ("partially filled", 2)
    assert len(tracker.undone()) == 1


# -- cancels and changes ---------------------------------------------------------------


def test_fault_19_a_cancel_without_an_answer_is_pending_and_exposure() -> None:
    tracker, clock = tracker_of()
    tracker.order(order())
    tracker.cancelling("o1")
    assert (seen(tracker).state, seen(tracker).is_doubtful) == ("cancel pending", False)
    clock.advance(10)
    tracker.cancel_ended("o1", is_lost=True)
    found = seen(tracker)
    assert (found.state, found.is_doubtful, found.at_risk) == (
        "cancel pending",
        True,
        4,
    )
    tracker.order(order(), read_at=clock.monotonic() + 1)
    assert seen(tracker).state is OrderState.CANCEL_PENDING
    tracker.order(order(), read_at=clock.monotonic() + 6)
    assert (seen(tracker).state, seen(tracker).is_doubtful) == ("open", False)


def test_fault_19_a_lost_cancel_that_worked_ends_with_what_the_venue_shows() -> None:
    tracker, _ = tracker_of()
    tracker.order(order(at=0))
    tracker.cancelling("o1")
    tracker.cancel_ended("o1", is_lost=True)
    tracker.order(order(status=CANCELED, at=1))
    found = seen(tracker)
    assert (found.state, found.is_doubtful) == ("canceled", False)


def test_fault_19_a_cancel_of_what_only_fills_told_of_is_pending_too() -> None:
    tracker = sent()
    tracker.fill(fill(at=1, client_order_id="c-o1"))
    tracker.cancelling("o1")
    tracker.cancel_ended("o1", is_lost=False)
    assert seen(tracker).state is OrderState.PARTIALLY_FILLED


def test_fault_21_a_change_on_its_way_puts_the_dearer_terms_at_risk() -> None:
    tracker, clock = tracker_of()
    tracker.order(order(filled=2))
    assert tracker.at_risk() == Decimal("3.20")
    after = order(price=Decimal("0.50"), size=Decimal(22))
    tracker.changing(after)
    assert tracker.at_risk() == 10
    tracker.change_ended(after, is_lost=True)
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (10, True)
    tracker.order(order(filled=2), read_at=clock.monotonic() + 6)
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (Decimal("3.20"), False)


def test_fault_21_a_change_that_was_refused_leaves_what_was() -> None:
    tracker, _ = tracker_of()
    tracker.order(order())
    dearer = order(outcome="no", side=SELL, price=Decimal("0.40"))
    tracker.changing(dearer)
    assert tracker.at_risk() == 6
    tracker.change_ended(dearer, is_lost=False)
    assert tracker.at_risk() == 4
    tracker.changing(order(size=Decimal(20)))
    assert tracker.at_risk() == 8


def edited(
    tracker: OrderTracker, price: str, size: int, *, is_lost: bool | None
) -> None:
    """An edit of o1 of which this was heard; None as long as nothing was."""
    after = order(price=Decimal(price), size=Decimal(size))
    tracker.changing(after)
    if is_lost is not None:
        tracker.change_ended(after, is_lost=is_lost)


def test_fault_21_each_change_counts_until_something_proves_it() -> None:
    tracker, clock = tracker_of()
    tracker.order(order())
    edited(tracker, "0.50", 10, is_lost=True)
    clock.advance(3)
    edited(tracker, "0.10", 60, is_lost=True)
    # Ten may fill at 0.50, and fifty more once it has the other terms.
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (10, True)
    edited(tracker, "0.90", 1, is_lost=False)
    assert tracker.at_risk() == 10
    # A read too soon for the second proves the first only.
    tracker.order(order(), read_at=clock.monotonic() + 2.5)
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (9, True)
    tracker.order(order(), read_at=clock.monotonic() + 5)
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (4, False)


def test_fault_21_an_event_proves_the_lost_change_that_it_shows() -> None:
    tracker, _ = tracker_of()
    tracker.order(order())
    edited(tracker, "0.50", 10, is_lost=True)
    edited(tracker, "0.60", 10, is_lost=True)
    tracker.order(order(at=1, filled=1))
    # It fills at the terms that it had.
    assert tracker.at_risk() == Decimal("5.4")
    tracker.order(order(at=2, price=Decimal("0.60"), filled=1))
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (Decimal("5.4"), True)
    tracker.order(order(at=3, price=Decimal("0.50"), filled=1))
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (Decimal("4.5"), False)


def test_fault_21_an_event_of_a_change_under_way_proves_no_lost_one() -> None:
    tracker, _ = tracker_of()
    tracker.order(order())
    edited(tracker, "0.50", 10, is_lost=True)
    edited(tracker, "0.50", 10, is_lost=None)
    tracker.order(order(at=1, price=Decimal("0.50")))
    tracker.change_ended(order(price=Decimal("0.50")), is_lost=False)
    tracker.order(order(at=2, price=Decimal("0.10")))
    assert tracker.at_risk() == 5


def test_a_change_of_an_order_that_was_not_known_yet_is_none() -> None:
    tracker, _ = tracker_of()
    tracker.changing(order(size=Decimal(20)))
    tracker.order(order())
    tracker.change_ended(order(size=Decimal(20)), is_lost=True)
    assert (tracker.at_risk(), seen(tracker).is_doubtful) == (4, False)


def test_fault_21_what_filled_may_have_been_made_larger() -> None:
    tracker, clock = tracker_of()
    tracker.order(order())
    edited(tracker, "0.40", 15, is_lost=True)
    tracker.fill(fill(at=1, size=10, price=Decimal("0.40")))
    assert (seen(tracker).state, seen(tracker).is_doubtful) == (
        "partially filled",
        True,
    )
    assert tracker.at_risk() == 2
    tracker.order(order(at=2, filled=10, status=CLOSED), read_at=clock.monotonic())
    assert (seen(tracker).state, seen(tracker).is_doubtful) == ("filled", False)
    assert tracker.at_risk() == 0


def test_fault_21_a_lost_change_of_what_was_cancelled_is_no_exposure() -> None:
    tracker, _ = tracker_of()
    tracker.order(order())
    edited(tracker, "0.50", 20, is_lost=True)
    tracker.order(order(at=1, status=CANCELED))
    assert (tracker.at_risk(), tracker.exposure().total) == (0, 0)


# -- exposure and bounds ---------------------------------------------------------------


def test_exposure_is_the_exact_sum_of_what_may_still_fill() -> None:
    tracker, _ = tracker_of()
    tracker.order(order("o1", price=Decimal("0.1234"), size="3.37"))
    tracker.order(order("o2", side=SELL, price=Decimal("0.9001"), size="1.11"))
    tracker.order(order("o3", market_id="B", size=1))
    assert tracker.risks() == {"A": Decimal("0.526747"), "B": Decimal("0.40")}
    assert tracker.at_risk() == Decimal("0.926747")
    assert tracker.at_risk("C") == 0


def test_orders_that_are_done_are_forgotten_beyond_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_DONE", 2)
    tracker, _ = tracker_of()
    tracker.order(order("open"))
    for number in range(5):
        tracker.order(order(f"o{number}", status=CANCELED, at=number))
    assert {x.order_id for x in tracker.views()} == {"open", "o3", "o4"}
    # What is told of a forgotten one again does not open it.
    tracker.order(order("o1", at=1))
    assert tracker.look(order_id="o1") is None
    tracker.order(order("o1", at=1), read_at=0.0, is_wanted=True)
    assert seen(tracker, order_id="o1").state is OrderState.CANCELED


def test_orders_that_never_were_are_forgotten_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_DONE", 0)
    tracker = sent()
    tracker.refused("c-o1")
    assert (len(tracker), tracker.look(client_order_id="c-o1")) == (0, None)


def test_who_is_waited_for_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_DONE", 0)
    tracker, _ = tracker_of()
    tracker.order(order("o1"))
    entry = tracker.find(order_id="o1")
    assert entry is not None
    woken: list[bool] = []
    with tracker.waking(entry, lambda: woken.append(True)):
        tracker.order(order("o1", status=CANCELED, at=1))
        assert (len(tracker), woken, tracker.waits) == (1, [True], 1)
    assert (len(tracker), tracker.waits) == (0, 0)


def test_who_waits_for_what_turns_out_to_be_another_is_woken() -> None:
    tracker = sent()
    tracker.fill(fill(at=1, size=Decimal(4)))
    entry = tracker.find(order_id="o1")
    assert entry is not None
    woken: list[bool] = []
    with tracker.waking(entry, lambda: woken.append(True)):
        tracker.order(order(filled=10, at=2))
        assert entry.heir is tracker.find(client_order_id="c-o1")
        assert woken == [True]


def test_too_many_open_orders_are_said_aloud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MOST_LIVE", 2)
    tracker, _ = tracker_of()
    for key in ("c-x", "c-y", "c-z"):
        tracker.intend(Plan(client_order_id=key))
    caplog.clear()
    for number in range(3):
        tracker.order(order(f"o{number}"))
    # What was never shown is kept whatever comes.
    assert [x.order_id for x in tracker.open_orders] == ["o2"]
    assert (tracker.at_risk(), "too many open orders" in caplog.text) == (16, True)


def test_states_and_differences_are_said_in_words() -> None:
    tracker = sent()
    assert str(seen(tracker)) == "buy 10 yes of A at 0.4: intended, 0 filled"
    tracker.fill(fill("t1", "o2", at=1))
    unseen = seen(tracker, order_id="o2")
    assert str(unseen) == "buy ? yes of A at ?: unknown, 1 filled"
    assert unseen.to_dict()["size"] is None


def test_the_clock_of_the_machine_is_not_asked_when_a_test_says_when() -> None:
    tracker, clock = tracker_of()
    tracker.order(order(price=Decimal("0.41"), at=None), at=100.0)
    tracker.order(order(at=None), at=101.0, read_at=101.0)
    assert seen(tracker).price == Decimal("0.41")
    assert moment(0).timestamp() == clock.now()
