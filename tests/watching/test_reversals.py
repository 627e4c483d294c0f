"""Fills that fail to settle after they were told: they are taken back, and sums are right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.tracking.samples import tracker_of
from unified_exchanges.models import AccountState, Fill, FillState, Subject
from unified_exchanges.watching.account import Account
from unified_exchanges.watching.known import KnownFills

from .samples import fill, moment
from .toy import Stage, drain

PENDING, FINAL, FAILED = FillState.PENDING, FillState.FINAL, FillState.FAILED
D = Decimal


def step(state: FillState, **more: Any) -> Fill:
    return fill(state=state, **more)


def test_what_takes_back_has_all_of_it_but_its_signs() -> None:
    made = fill(size=D(3), fee=D("0.02"))
    back = made.taken_back()
    assert (back.size, back.fee, back.state) == (D(-3), D("-0.02"), FAILED)
    assert (back.fill_id, back.created_at) == (made.fill_id, made.created_at)
    assert made.proceeds + back.proceeds == 0
    assert (made.is_reversal, back.is_reversal) == (False, True)
    assert back.taken_back() is back


def test_a_fill_is_told_once_whatever_steps_it_takes() -> None:
    account = Account()
    told = [account.fill(step(x)) for x in (PENDING, PENDING, FINAL, PENDING)]
    assert [x is not None for x in told] == [True, False, False, False]


def test_one_that_fails_is_taken_back_once() -> None:
    account = Account()
    told = [account.fill(step(x)) for x in (PENDING, FAILED, FAILED, PENDING)]
    sizes = [None if x is None else x.size for x in told]
    assert sizes == [1, -1, None, None]


@pytest.mark.parametrize("is_reversal", [True, False])
@pytest.mark.parametrize(
    ("told", "later", "back"),
    [
        (None, D("0.02"), None),
        (D("0.02"), None, D("-0.02")),
        (D("0.02"), D("0.03"), D("-0.02")),
    ],
)
def test_a_fill_is_taken_back_with_the_fee_that_it_was_told_with(
    told: Decimal | None,
    later: Decimal | None,
    back: Decimal | None,
    *,
    is_reversal: bool,
) -> None:
    account = Account()
    account.fill(step(PENDING, fee=told))
    failed = step(FAILED, fee=later)
    reversal = account.fill(failed.taken_back() if is_reversal else failed)
    assert reversal is not None
    assert (reversal.size, reversal.fee) == (-1, back)


def test_one_that_is_told_as_a_reversal_is_one() -> None:
    account = Account()
    account.fill(step(PENDING))
    back = account.fill(step(PENDING).taken_back())
    assert back is not None
    assert back.size == -1


def test_what_nobody_was_told_of_is_not_taken_back() -> None:
    account = Account()
    told = [account.fill(step(x)) for x in (FAILED, PENDING, FAILED)]
    assert told == [None, None, None]


def test_one_that_was_told_long_ago_is_taken_back_all_the_same() -> None:
    known = KnownFills()
    known.take(step(PENDING))
    known.complete(moment(500))
    assert (known.take(step(FAILED)), known.take(step(FAILED))) == (True, False)


def test_what_may_still_fail_is_known_from_when() -> None:
    known = KnownFills()
    nothing = known.unsettled_since
    known.take(step(PENDING, fill_id="t1", at=5))
    known.take(step(PENDING, fill_id="t2", at=3))
    first = known.unsettled_since
    known.take(step(FINAL, fill_id="t2", at=3))
    second = known.unsettled_since
    known.take(step(FAILED, fill_id="t1", at=5))
    found = nothing, first, second, known.unsettled_since
    assert found == (None, moment(3), moment(5), None)
    known.clear()
    assert known.take(step(PENDING, fill_id="t1", at=5))


def test_reads_go_back_to_the_first_that_may_still_fail() -> None:
    stage = Stage()
    stage.connect()
    stage.join(Subject.FILLS)
    stage.pass_time(20)
    stage.tell(step(PENDING, at=20))
    stage.pass_time(1_000)
    assert stage.venue.asked[-1].since == moment(20 - 60)
    stage.tell(step(FINAL, at=20))
    stage.pass_time(400)
    assert stage.venue.asked[-1].since > moment(700)


def test_a_follower_is_told_of_a_failure_that_only_rest_told() -> None:
    stage = Stage()
    stage.connect()
    follower = stage.join(Subject.FILLS)
    stage.pass_time(20)
    stage.tell(step(PENDING, at=20))
    stage.venue.state = AccountState(fills=(step(FAILED, at=20),))
    stage.pass_time(400)
    assert [x.size for x in drain(follower)] == [1, -1]


def test_who_came_after_the_fill_is_told_that_it_is_taken_back() -> None:
    stage = Stage()
    stage.connect()
    stage.join(Subject.FILLS)
    stage.pass_time(20)
    stage.tell(step(PENDING, at=20))
    stage.pass_time(100)
    late = stage.join(Subject.FILLS)
    stage.tell(step(FAILED, at=20))
    assert [x.size for x in drain(late)] == [-1]


@pytest.mark.parametrize("first", ["yes", None])
def test_a_tracker_counts_what_is_left(first: str | None) -> None:
    tracker, _ = tracker_of(first)
    for state in (PENDING, FAILED, FAILED):
        tracker.fill(step(state, size=D(4)))
    tracker.fill(step(PENDING, fill_id="t2", size=D(3)))
    entry = tracker.find(order_id="o1")
    assert entry is not None
    assert entry.filled == 3


def test_a_follower_that_knew_of_the_failure_is_not_told() -> None:
    stage = Stage()
    stage.connect()
    memory = stage.feed._memory
    back = step(PENDING, at=1).taken_back()
    memory.fill(back, placed=None)
    follower = stage.join(Subject.FILLS)
    assert not follower.wants_fill(back, memory, stage.venue.offset)
    assert follower.wants_fill(
        attrs.evolve(back, trade_id="t9"), memory, stage.venue.offset
    )
