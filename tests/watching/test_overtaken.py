"""Orders whose fills are told and whose states are lost: one truth of both."""

from __future__ import annotations

from decimal import Decimal
from math import inf
from typing import Any

import pytest

from tests.tracking.samples import tracker_of
from unified_exchanges.models import Fill, FillState, Order, OrderStatus, Subject
from unified_exchanges.watching.account import Account
from unified_exchanges.watching.follower import Follower

from .samples import fill, order
from .toy import LateStage, drain

PENDING, FINAL, FAILED = FillState.PENDING, FillState.FINAL, FillState.FAILED
D = Decimal


@pytest.fixture
def stage() -> LateStage:
    made = LateStage()
    made.connect()
    return made


@pytest.fixture
def follower(stage: LateStage) -> Follower:
    """It follows orders, and believes that one is open."""
    joined = stage.join(Subject.ORDERS)
    stage.pass_time(20)
    stage.tell(order())
    stage.pass_time(0)
    drain(joined)
    return joined


def part(size: int, name: str = "t1", state: FillState = PENDING, **more: Any) -> Fill:
    return fill(size=D(size), fill_id=name, state=state, at=20, **more)


def told(follower: Follower) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    found = [x for x in drain(follower) if isinstance(x, Order)]
    return [(str(x.status), x.filled, x.failed, x.remaining) for x in found]


def test_fault_30_an_order_whose_fill_came_without_its_state_is_told_as_that_makes_it(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(part(10))
    before = told(follower)
    stage.pass_time(2)
    assert (before, told(follower)) == ([], [("closed", 10, 0, 0)])
    # Late is no news.
    stage.tell(order(filled=10), order())
    assert told(follower) == []


def test_what_an_order_cost_is_told_once_its_state_comes_late(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(part(4))
    stage.pass_time(2)
    derived = drain(follower)[-1]
    assert (derived.filled, derived.average_price) == (4, None)
    late = order(filled=4, average_price=D("0.4"), fee=D("0.1"))
    for _ in range(2):
        stage.tell(late)
    [found] = [x for x in drain(follower) if isinstance(x, Order)]
    assert (found.filled, found.average_price, found.fee) == (4, D("0.4"), D("0.1"))


def test_fault_30_what_is_left_of_it_stays_open(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(part(4), part(3, "t2"), part(3, "t2", FINAL))
    stage.pass_time(2)
    assert told(follower) == [("open", 7, 0, 3)]
    stage.tell(order(filled=4), order(filled=10))
    assert told(follower) == [("closed", 10, 0, 0)]


def test_a_state_that_comes_in_time_is_told_as_it_came(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(part(10))
    stage.pass_time(1)
    stage.tell(order(filled=10, average_price=D("0.4")))
    [found] = drain(follower)
    stage.pass_time(10)
    assert (found.average_price, drain(follower)) == (D("0.4"), [])


def test_nothing_is_awaited_of_an_order_that_is_where_its_fills_are(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(order(filled=10), part(10))
    assert told(follower) == [("closed", 10, 0, 0)]
    assert stage.feed._overtaken.delay() == inf


def test_an_order_that_is_told_after_its_fill_is_awaited_too(stage: LateStage) -> None:
    late = stage.join(Subject.ORDERS)
    stage.pass_time(20)
    drain(late)
    stage.tell(part(10), order())
    assert told(late) == [("open", 0, 0, 10)]
    stage.pass_time(2)
    assert told(late) == [("closed", 10, 0, 0)]


def test_fault_30_no_more_is_told_to_have_failed_than_filled(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(part(10), part(10, state=FAILED))
    assert told(follower) == [("closed", 10, 10, 0)]
    stage.tell(order(filled=10), order())
    stage.pass_time(10)
    assert told(follower) == []


def test_fault_30_what_stands_beside_what_failed_is_told_whole(
    stage: LateStage, follower: Follower
) -> None:
    stage.tell(order(filled=4))
    drain(follower)
    stage.tell(part(4), part(3, "t2"), part(3, "t2", FAILED))
    assert told(follower) == [("open", 7, 3, 3)]


def test_fault_30_an_order_that_is_told_after_its_fill_failed_has_filled_it() -> None:
    account = Account()
    account.fill(part(10))
    assert account.failed_of(part(10, state=FAILED)) is None
    found = account.order(order(), at=1)
    assert found is not None
    assert (found.status, found.filled, found.failed) == (OrderStatus.CLOSED, 10, 10)


def test_what_it_cost_is_not_told_of_less_than_filled() -> None:
    account = Account()
    account.order(order(filled=4, average_price=D("0.4"), fee=D("0.1")), at=1)
    account.fill(part(4))
    account.fill(part(3, "t2"))
    found = account.overtake("o1")
    assert found is not None
    assert (found.filled, found.average_price, found.fee) == (7, None, None)
    assert account.overtake("o1") is None


def test_an_end_stays_the_end_that_it_was() -> None:
    account = Account()
    account.order(order(filled=1, status=OrderStatus.CANCELED), at=1)
    account.fill(part(10))
    found = account.overtake("o1")
    assert found is not None
    assert (found.status, found.filled, found.remaining) == ("canceled", 10, 0)


def test_of_an_order_that_is_not_known_nothing_is_awaited() -> None:
    account = Account()
    account.fill(part(10))
    assert (account.is_overtaken("o1"), account.overtake("o1")) == (False, None)


@pytest.mark.parametrize("ends", [(), (FINAL,), (FAILED,)])
def test_fault_30_what_is_told_is_what_the_tracker_says(
    stage: LateStage, follower: Follower, ends: tuple[FillState, ...]
) -> None:
    steps = [part(10), *(part(10, state=x) for x in ends)]
    tracker, _ = tracker_of(settles_late=True)
    tracker.order(order())
    for each in steps:
        tracker.fill(each)
    stage.tell(*steps)
    stage.pass_time(2)
    [found] = [x for x in drain(follower) if isinstance(x, Order)]
    kept = tracker.find(order_id="o1")
    assert (found.filled - found.failed, found.failed) == (kept.filled, kept.failed)
    assert (found.is_open, kept.is_over) == (False, True)
