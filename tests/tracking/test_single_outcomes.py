"""Positions where each outcome is one of its own, and is told late."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ArgumentsRequired
from unified_exchanges.models import SELL, FillState, Holding
from unified_exchanges.tracking.tracker import OrderTracker
from unified_exchanges.tracking.view import OrderView

from .samples import fill, news, position, settlement

LATE = 40


class Desk:
    """A tracker whose account is read from time to time, of one market."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.tracker = OrderTracker(
            self.clock, first_outcome=None, positions_late=float(LATE)
        )
        self.view = OrderView(self.tracker)

    def read(self, at: float, **held: int) -> float | None:
        """Positions as they are read at a moment, by outcome."""
        self.clock.advance(at - self.clock.monotonic())
        told = [position("A", size, outcome=name) for name, size in held.items()]
        return self.tracker.reconciled(
            news(read_at=at, began=at, ended=at + 1, positions=told)
        )

    def begin(self, **held: int) -> None:
        """Read until what is read is believed."""
        assert self.read(0, **held)
        self.read(LATE, **held)

    def fill(self, name: str, at: float, size: int = 1, **fields: Any) -> None:
        self.tracker.fill(fill(name, at=at, size=Decimal(size), **fields))

    def of(self, outcome: str) -> Decimal | None:
        return self.view.position("A", outcome=outcome)

    @property
    def told(self) -> list[tuple[str, int, int]]:
        found = self.view.differences
        return [(x.outcome, int(x.derived), int(x.told)) for x in found]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_outcome_is_derived_by_itself(desk: Desk) -> None:
    desk.begin(yes=5)
    desk.fill("t1", 50, 3)
    desk.fill("t2", 51, 2, outcome="no")
    desk.fill("t3", 52, 4, side=SELL)
    assert (desk.of("yes"), desk.of("no")) == (4, 2)
    assert desk.read(100, yes=4, no=2) is None
    assert desk.told == []


def test_an_outcome_is_to_be_named(desk: Desk) -> None:
    desk.begin(yes=5)
    with pytest.raises(ArgumentsRequired, match="outcome="):
        desk.view.position("A")


def test_what_is_read_before_reads_surely_show_what_was_before_is_no_beginning(
    desk: Desk,
) -> None:
    assert desk.read(0) == LATE
    assert desk.read(LATE - 1) == 1
    assert (desk.of("yes"), desk.view.compared_at) == (None, None)
    # It was bought before anybody listened.
    assert desk.read(LATE, yes=5) is None
    assert desk.of("yes") == 5
    assert desk.view.compared_at is not None
    desk.tracker.fills_lost()
    assert desk.read(500) == LATE
    assert desk.of("yes") is None


def test_a_split_elsewhere_is_told_of_both_outcomes_and_stays(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.begin()
    desk.fill("t1", 60, 20)
    assert desk.read(110, yes=20) is None
    assert desk.read(200, yes=120, no=100) == LATE
    assert (desk.told, desk.tracker.unexplained) == ([], frozenset({"A"}))
    desk.read(200 + LATE - 1, yes=120, no=100)
    caplog.set_level(logging.WARNING)
    caplog.clear()
    assert desk.told == []
    desk.read(200 + LATE, yes=120, no=100)
    assert sorted(desk.told) == [("no", 0, 100), ("yes", 20, 120)]
    assert [x.levelno for x in caplog.records] == [logging.WARNING] * 2
    assert "split, merged, redeemed" in caplog.text
    assert "read its activity" in caplog.text
    desk.read(900, yes=120, no=100)
    assert len(desk.told) == len(caplog.records) == 2
    desk.read(950, yes=20)
    assert desk.told == []


def test_a_split_right_after_a_fill_right_after_a_read_differs_too(desk: Desk) -> None:
    desk.begin()
    desk.read(60)
    # Fills are told in whole seconds: it was after the read.
    desk.fill("t1", 60, 20)
    assert desk.of("yes") == 20
    desk.read(70, yes=120, no=100)
    desk.read(110, yes=120, no=100)
    desk.read(110 + LATE, yes=120, no=100)
    assert sorted(desk.told) == [("no", 0, 100), ("yes", 20, 120)]


def test_what_was_sold_may_be_bought_again_right_after_a_read(desk: Desk) -> None:
    desk.begin(yes=5)
    desk.fill("t1", 60, 5, side=SELL)
    desk.read(110)
    desk.fill("t2", 110, 7)
    assert desk.of("yes") == 7
    desk.read(200, yes=7)
    assert desk.told == []


def test_a_merge_elsewhere_differs_and_a_difference_that_goes_away_is_not_told(
    desk: Desk,
) -> None:
    desk.begin(yes=9, no=9)
    desk.read(100, yes=4, no=4)
    desk.read(100 + LATE, yes=4, no=9)
    assert desk.told == [("yes", 9, 4)]


def test_fault_22_a_fill_that_positions_lack_yet_is_no_difference(desk: Desk) -> None:
    desk.begin()
    desk.fill("t1", 100, 20)
    for at in (101, 110, 100 + LATE - 1):
        assert desk.read(at) is None
    assert desk.read(101 + LATE, yes=20) is None
    assert (desk.of("yes"), desk.told) == (20, [])


def test_fault_30_a_trade_that_failed_is_taken_back(desk: Desk) -> None:
    desk.begin(yes=5)
    desk.fill("t1", 100, 20, state=FillState.PENDING)
    assert desk.of("yes") == 25
    desk.fill("t1", 100, 20, state=FillState.FAILED)
    assert desk.of("yes") == 5
    for at in (200, 300, 400):
        desk.read(at, yes=5)
    assert desk.told == []


def test_fault_30_as_long_as_a_trade_is_not_settled_nothing_is_compared(
    desk: Desk,
) -> None:
    desk.begin()
    desk.fill("t1", 100, 20, state=FillState.PENDING)
    for at in (200, 300, 399):
        assert desk.read(at) is None
    assert desk.tracker.unexplained == frozenset()
    desk.clock.advance(1)
    desk.fill("t1", 100, 20, state=FillState.FINAL)
    # Reads may lack it for as long as if it had happened now.
    assert desk.read(405) is None
    assert desk.read(401 + LATE, yes=20) is None
    assert (desk.of("yes"), desk.told) == (20, [])


def test_fault_30_a_trade_that_never_settles_does_not_hide_a_difference(
    desk: Desk,
) -> None:
    desk.begin()
    desk.fill("t1", 100, 20, state=FillState.PENDING)
    assert desk.read(701) == LATE
    desk.read(701 + LATE)
    assert desk.told == [("yes", 20, 0)]


def test_fault_30_a_read_before_a_trade_was_settled_is_no_beginning(
    desk: Desk,
) -> None:
    desk.begin(yes=5)
    # It was made before the read, which does not have it.
    desk.fill("t1", -20, 20, state=FillState.PENDING)
    assert desk.of("yes") is None
    desk.fill("t1", -20, 20, state=FillState.FINAL)
    desk.read(200, yes=25)
    assert (desk.of("yes"), desk.told) == (25, [])


def test_fault_29_a_redemption_is_of_the_outcomes_that_it_names(desk: Desk) -> None:
    desk.begin(yes=9, no=9)
    paid = attrs.evolve(
        settlement(at=90),
        holdings=(Holding("yes", Decimal(9), None), Holding("other", Decimal(1), None)),
    )
    desk.tracker.settled(paid)
    assert (desk.of("yes"), desk.of("no")) == (0, 9)
    desk.read(150)
    desk.read(150 + LATE)
    assert desk.told == [("no", 9, 0)]


def test_fills_of_another_account_leave_the_other_outcome_alone() -> None:
    clock = VirtualClock()
    tracker = OrderTracker(
        clock, first_outcome=None, moves_position=lambda x: x.outcome == "no"
    )
    for at in (0, 20):
        tracker.reconciled(news(began=at, ended=at + 1))
    tracker.fill(fill("t1", at=30, size=Decimal(2)))
    tracker.fill(fill("t2", at=30, size=Decimal(3), outcome="no"))
    assert (tracker.position("A", "yes"), tracker.position("A", "no")) == (None, 3)
