"""Fills that are settled late: how they end is told, and changes nothing that was counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.models import (
    AccountState,
    Fill,
    FillSettled,
    FillState,
    Order,
    Subject,
)
from unified_exchanges.watching.follower import Follower

from .samples import fill, order
from .toy import LateStage, Stage, drain

PENDING, FINAL, FAILED = FillState.PENDING, FillState.FINAL, FillState.FAILED
D = Decimal


@pytest.fixture
def stage() -> LateStage:
    made = LateStage()
    made.connect()
    return made


def step(state: FillState, **more: Any) -> Fill:
    return fill(state=state, **{"at": 20, **more})


def joined(stage: Stage, subject: Subject, **more: Any) -> Follower:
    """A follower that has been told the state to begin with."""
    follower = stage.join(subject, **more)
    stage.pass_time(20)
    drain(follower)
    return follower


def ends(follower: Follower) -> list[tuple[FillState, Decimal]]:
    told = [x for x in drain(follower) if isinstance(x, FillSettled)]
    return [(x.fill.state, x.fill.size) for x in told]


# -- fills -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [FINAL, FAILED])
def test_fault_30_how_a_fill_ended_is_told_once(
    stage: LateStage, end: FillState
) -> None:
    follower = joined(stage, Subject.FILLS, events=True)
    stage.tell(*map(step, (PENDING, end, end, PENDING)))
    told = [x for x in drain(follower) if isinstance(x, Fill | FillSettled)]
    kinds = [type(x).__name__ for x in told]
    taken_back = ["Fill"] if end is FAILED else []
    assert kinds == ["Fill", *taken_back, "FillSettled"]
    assert told[-1].fill == step(end)


def test_fault_30_who_asks_for_no_events_counts_the_same_without_them(
    stage: LateStage,
) -> None:
    follower = joined(stage, Subject.FILLS)
    stage.tell(step(PENDING), step(FINAL))
    stage.tell(step(PENDING, fill_id="t2"), step(FAILED, fill_id="t2"))
    assert [x.size for x in drain(follower)] == [1, 1, -1]


def test_fault_30_an_end_that_only_rest_told_is_told(stage: LateStage) -> None:
    follower = joined(stage, Subject.FILLS, events=True)
    stage.tell(step(PENDING), step(PENDING, fill_id="t2"))
    stage.venue.state = AccountState(fills=(step(FINAL), step(FAILED, fill_id="t2")))
    stage.pass_time(900)
    assert ends(follower) == [(FINAL, 1), (FAILED, 1)]


def test_fault_30_who_came_after_the_fill_is_told_how_it_ended(
    stage: LateStage,
) -> None:
    joined(stage, Subject.FILLS)
    stage.tell(step(PENDING))
    stage.pass_time(100)
    late = joined(stage, Subject.FILLS, events=True)
    stage.tell(step(FINAL))
    assert ends(late) == [(FINAL, 1)]


def test_fault_30_an_end_is_told_also_if_no_stream_had_told_of_the_fill(
    stage: LateStage,
) -> None:
    # But for a call of ours, such as the create that it answered.
    stage.feed._memory.fill(step(PENDING), placed=None)
    late = stage.join(Subject.FILLS, events=True)
    stage.tell(step(FINAL))
    assert ends(late) == [(FINAL, 1)]


def test_a_fill_that_comes_as_final_is_told_by_itself(stage: LateStage) -> None:
    follower = joined(stage, Subject.FILLS, events=True)
    stage.tell(step(FINAL))
    (told,) = drain(follower)
    assert told == step(FINAL)


def test_several_ends_that_wait_are_all_told(stage: LateStage) -> None:
    follower = joined(stage, Subject.FILLS, events=True, policy="latest")
    for name in ("t1", "t2", "t3"):
        stage.tell(step(PENDING, fill_id=name))
    for name in ("t1", "t2", "t3"):
        stage.tell(step(FINAL, fill_id=name))
    assert len(ends(follower)) == 3


# -- orders ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["order", "failure"])
def test_fault_30_an_order_of_which_a_fill_failed_is_told(
    stage: LateStage, first: str
) -> None:
    follower = joined(stage, Subject.ORDERS)
    ended = order(filled=10, at=20)
    told = [ended, step(PENDING, size=D(10)), step(FAILED, size=D(10))]
    stage.tell(*told if first == "order" else reversed(told))
    last = drain(follower)[-1]
    assert (last.filled, last.failed, last.status) == (10, 10, ended.status)
    assert "10 filled, of which 10 failed" in repr(last)
    stage.tell(*told)
    assert drain(follower) == []


def test_fault_30_a_failure_that_only_rest_told_changes_the_order(
    stage: LateStage,
) -> None:
    follower = joined(stage, Subject.ORDERS)
    stage.tell(order(filled=10, at=20), step(PENDING, size=D(10)))
    drain(follower)
    stage.venue.state = AccountState(fills=(step(FAILED, size=D(10)),))
    stage.pass_time(900)
    told = [x for x in drain(follower) if isinstance(x, Order)]
    assert [x.failed for x in told] == [10]


def test_fault_30_reads_for_orders_go_back_to_what_may_still_fail(
    stage: LateStage,
) -> None:
    joined(stage, Subject.ORDERS)
    stage.tell(step(PENDING))
    stage.pass_time(1_000)
    assert stage.venue.asked[-1].since == step(PENDING, at=-40).created_at
    fills = joined(stage, Subject.FILLS)
    stage.feed.leave(fills)
    stage.pass_time(400)
    assert stage.venue.asked[-1].since == step(PENDING, at=-40).created_at


def test_fault_30_who_came_after_an_order_ended_is_told_that_it_failed(
    stage: LateStage,
) -> None:
    joined(stage, Subject.ORDERS)
    stage.tell(order(filled=10, at=20), step(PENDING, size=D(10)))
    stage.pass_time(100)
    late = joined(stage, Subject.ORDERS)
    stage.tell(step(FAILED, size=D(10)))
    assert [x.failed for x in drain(late)] == [10]


def test_what_failed_stays_with_an_order_that_goes_on(stage: LateStage) -> None:
    follower = joined(stage, Subject.ORDERS)
    stage.tell(order(filled=4, at=20), step(PENDING, size=D(4)))
    stage.tell(step(FAILED, size=D(4)), order(filled=6, at=21))
    told = [(x.filled, x.failed) for x in drain(follower)]
    assert told == [(4, 0), (4, 4), (6, 4)]


def test_a_failure_counts_once_however_often_it_is_heard_of_anew(
    stage: LateStage,
) -> None:
    orders = joined(stage, Subject.ORDERS)
    stage.tell(order(filled=10, at=20), step(PENDING, size=D(4)))
    stage.tell(step(FAILED, size=D(4)))
    stage.feed.leave(orders)
    again = joined(stage, Subject.ORDERS)
    stage.tell(order(filled=10, at=20), step(FAILED, size=D(4)))
    assert {x.failed for x in drain(again)} == {D(4)}


def test_fault_30_what_only_rest_told_is_kept_in_mind_for_orders(
    stage: LateStage,
) -> None:
    joined(stage, Subject.ORDERS)
    stage.venue.state = AccountState(fills=(step(PENDING),))
    stage.pass_time(400)
    stage.venue.state = AccountState()
    stage.pass_time(900)
    assert stage.venue.asked[-1].since == step(PENDING, at=-40).created_at
