"""Positions that fills make, held against those that the venue tells."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import SELL, Fill, Subject
from unified_exchanges.tracking.tracker import OrderTracker
from unified_exchanges.watching.known import LAG

from .samples import fill, moment, news, position, settlement, tracker_of


class Desk:
    """A tracker whose account is read from time to time."""

    def __init__(self) -> None:
        self.tracker, self.clock = tracker_of()

    def at(self, seconds: float) -> None:
        self.clock.advance(seconds - self.clock.monotonic())

    def read(self, at: float, **held: int) -> float | None:
        """Positions as they are read at a moment; negative is NO."""
        self.at(at)
        told = [
            position(name, abs(size), outcome="yes" if size > 0 else "no")
            for name, size in held.items()
        ]
        read = news(read_at=at, began=at, ended=at + 1, positions=told)
        return self.tracker.reconciled(read)

    def fill(self, name: str, at: float, size: int = 1, **fields: Any) -> None:
        self.tracker.fill(fill(name, at=at, size=Decimal(size), **fields))

    @property
    def told(self) -> list[tuple[str, int, int]]:
        return [
            (x.market_id, int(x.derived), int(x.told)) for x in self.tracker.differences
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_position_is_partial_until_one_was_read(desk: Desk) -> None:
    desk.fill("t1", 1, 3)
    assert desk.tracker.position("A") is None
    assert desk.tracker.position("B") is None
    desk.read(20, A=3)
    assert desk.tracker.position("A") == 3
    assert desk.tracker.position("B") == 0


def test_fills_move_a_position_from_what_was_read(desk: Desk) -> None:
    desk.read(0, A=5)
    desk.fill("t1", 10, 3)
    desk.fill("t2", 11, 2, side=SELL)
    assert desk.tracker.position("A") == 6
    assert desk.read(30, A=6) is None
    assert desk.told == []


def test_yes_and_no_net(desk: Desk) -> None:
    desk.read(0, A=-4)
    desk.fill("t1", 10, 10)
    desk.fill("t2", 11, 1, outcome="no")
    assert desk.tracker.position("A") == 5
    assert desk.tracker.position("A", "yes") == 5
    assert desk.tracker.position("A", "no") == -5
    assert desk.read(30, A=5) is None


def test_fault_22_a_fill_that_is_told_twice_moves_a_position_once(desk: Desk) -> None:
    desk.read(0)
    for _ in range(2):
        desk.fill("t1", 10, 3)
    assert desk.tracker.position("A") == 3


def test_fault_22_fills_out_of_order_make_the_same_position(desk: Desk) -> None:
    desk.read(0)
    desk.fill("t2", 12, 2, side=SELL)
    desk.fill("t1", 11, 3)
    assert desk.tracker.position("A") == 1


def test_a_difference_is_told_once_two_reads_well_apart_confirm_it(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.read(0, A=5)
    assert desk.read(100, A=7) == LAG
    assert (desk.told, desk.tracker.unexplained) == ([], frozenset({"A"}))
    assert desk.read(101, A=7) == LAG
    assert (desk.told, caplog.records) == ([], [])
    desk.read(116, A=7)
    assert desk.told == [("A", 5, 7)]
    (said,) = caplog.records
    assert (said.levelno, "fills make 5 yes" in said.message) == (logging.WARNING, True)
    (told,) = desk.tracker.differences
    assert (told.since, told.outcome) == (moment(100), "yes")
    desk.read(300, A=7)
    assert (len(caplog.records), desk.told) == (1, [("A", 5, 7)])


def test_a_difference_ends_when_both_agree_and_not_before(desk: Desk) -> None:
    desk.read(0, A=5)
    desk.read(100, A=7)
    desk.read(120, A=7)
    desk.fill("t1", 130, 1)
    desk.read(150, A=8)
    assert desk.told == [("A", 6, 8)]
    desk.fill("late", 90, 2)
    desk.read(200, A=8)
    assert (desk.told, desk.tracker.unexplained) == ([], frozenset())


def test_what_came_from_nowhere_differs_too(desk: Desk) -> None:
    desk.read(0)
    desk.read(100, A=7)
    desk.read(120, A=7)
    assert desk.told == [("A", 0, 7)]


def test_what_is_gone_without_a_fill_differs(desk: Desk) -> None:
    desk.read(0, A=7)
    desk.read(100)
    desk.read(120)
    assert desk.told == [("A", 7, 0)]


def test_a_read_too_soon_after_a_fill_tells_nothing(desk: Desk) -> None:
    desk.read(0)
    desk.fill("t1", 98, 3)
    assert desk.read(100) is None
    assert desk.read(110, A=3) is None
    assert desk.told == []


def test_a_fill_while_the_base_was_read_asks_for_another_base(desk: Desk) -> None:
    desk.read(100, A=3)
    desk.fill("t1", 100.5, 3)
    assert desk.tracker.position("A") is None
    desk.read(120, A=3)
    assert (desk.tracker.position("A"), desk.told) == (3, [])


def test_a_fill_that_is_older_than_the_base_is_in_it(desk: Desk) -> None:
    desk.read(100, A=3)
    desk.fill("t1", 20, 3)
    assert desk.tracker.position("A") == 3
    desk.read(120, A=3)
    assert desk.told == []


def test_a_settlement_is_no_difference(desk: Desk) -> None:
    desk.read(0, A=7, B=2)
    assert desk.read(100, B=2) == LAG
    desk.tracker.settled(settlement("A", at=99))
    desk.tracker.settled(settlement("C", at=99))
    desk.read(120, B=2)
    desk.read(140, B=2)
    assert (desk.told, desk.tracker.position("A")) == ([], 0)


def test_a_settlement_of_long_ago_settles_nothing(desk: Desk) -> None:
    desk.read(50, A=7)
    desk.tracker.settled(settlement("A", at=1))
    assert desk.tracker.position("A") == 7


def test_a_settlement_before_anything_was_read_changes_nothing(desk: Desk) -> None:
    desk.fill("t1", 1, 3)
    desk.tracker.settled(settlement("A", at=2))
    assert desk.tracker.position("A") is None


def test_positions_on_several_shards_add_up(desk: Desk) -> None:
    desk.at(10)
    told = [position("A", 3), position("A", 2, shard=1)]
    desk.tracker.reconciled(news(began=10, positions=told))
    assert desk.tracker.position("A") == 5


@pytest.mark.parametrize(
    "lacking",
    [{"has_positions": False}, {"subjects": frozenset({Subject.ORDERS})}],
)
def test_fault_25_without_positions_or_fills_nothing_is_compared(
    desk: Desk, lacking: dict[str, Any]
) -> None:
    desk.read(0, A=5)
    for at in (100, 120):
        desk.at(at)
        assert desk.tracker.reconciled(news(began=at, **lacking)) is None
    assert (desk.tracker.position("A"), desk.told) == (5, [])


def test_of_a_market_in_which_another_account_may_have_traded_nothing_is_derived() -> (
    None
):
    clock = VirtualClock()
    tracker = OrderTracker(
        clock, first_outcome="yes", moves_position=lambda fill: fill.order_id != "x"
    )
    tracker.reconciled(news(began=0, positions=[position("A", 5)]))
    tracker.fill(fill("t1", "x", at=10))
    for at in (50, 100, 150):
        clock.advance(50)
        tracker.reconciled(news(began=at, positions=[position("A", 5)]))
    assert (tracker.position("A"), tracker.differences) == (None, ())
    tracker.fills_lost()
    tracker.reconciled(news(began=200, positions=[position("A", 5)]))
    assert tracker.position("A") is None


def test_it_is_known_when_positions_were_compared(desk: Desk) -> None:
    assert desk.tracker.compared_at is None
    desk.read(100, A=5)
    assert desk.tracker.compared_at == moment(100)
    desk.tracker.fills_lost()
    assert desk.tracker.compared_at is None


def test_once_fills_are_not_followed_a_position_is_partial_again(desk: Desk) -> None:
    desk.read(0, A=5, B=1)
    desk.read(100, A=7, B=1)
    desk.read(120, A=7, B=1)
    desk.tracker.fills_lost()
    assert desk.tracker.position("B") is None
    # What was reported is not set right by looking away.
    assert desk.told == [("A", 5, 7)]
    desk.read(200, A=7, B=4)
    assert (desk.told, desk.tracker.position("B")) == ([("A", 5, 7)], 4)


def test_fills_of_before_the_tracker_began_are_history() -> None:
    tracker: OrderTracker = Desk().tracker
    old: Fill = fill(at=-100)
    tracker.fill(old)
    tracker.reconciled(news(began=100, positions=[position("A", 1)]))
    assert tracker.position("A") == 1


@pytest.mark.parametrize(("before", "known"), [(1.0, None), (60.0, 3)])
def test_fault_28_a_fill_shortly_before_a_read_may_not_be_in_it(
    desk: Desk, before: float, known: int | None
) -> None:
    desk.read(100, A=3)
    # The stream tells of it late: the read may have it, or not.
    desk.fill("t1", 100 - before)
    assert desk.tracker.position("A") == known


@pytest.mark.parametrize(("after", "is_new"), [(1.0, False), (60.0, True)])
def test_fault_28_a_read_shortly_after_a_fill_is_held_against_nothing(
    desk: Desk, after: float, *, is_new: bool
) -> None:
    desk.read(20, A=3)
    desk.fill("t1", 100)
    assert (desk.read(100 + after, A=3) is not None) is is_new
    assert desk.tracker.position("A") == 4
