"""Which fills a read of positions has in it: by when they happened, and by its size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import attrs
import pytest

from tests.tracking.samples import Plan, fill, order, position, settlement
from unified_exchanges.clock import ClockOffset, VirtualClock
from unified_exchanges.models import BUY, SELL, OrderStatus, Side
from unified_exchanges.tracking.tracker import OrderTracker

D = Decimal


class Desk:
    """A tracker that knows the venue's clock, which is a minute ahead of ours."""

    ahead = 60.0

    def __init__(self, *, knows_clock: bool = True, **settings: Any) -> None:
        self.clock = VirtualClock()
        offset = ClockOffset(self.clock)
        if knows_clock:
            for _ in range(2):
                self.clock.advance(0.5)
                now = self.clock.now()
                told = format_datetime(self.venue_time(), usegmt=True)
                offset.observe(told, now, now)
        self.tracker = OrderTracker(
            self.clock, first_outcome="yes", offset=offset, **settings
        )
        self.number = 0

    def venue_time(self, seconds: float = 0.0) -> datetime:
        """The venue's time so many seconds from now."""
        now = datetime.fromtimestamp(self.clock.now() + self.ahead, UTC)
        return now + timedelta(seconds=seconds)

    def rest(self, size: int = 10, side: Side = BUY, **more: Any) -> str:
        """Send an order; the name of it."""
        self.number += 1
        name = f"o{self.number}"
        plan = Plan(client_order_id=f"c-{name}", size=D(size), side=side, **more)
        self.tracker.intend(plan)
        return name

    def show(self, name: str, filled: int, size: int = 10, side: Side = BUY) -> None:
        """The venue answers how it stands: it is over if all filled."""
        is_open = filled < size
        told = order(
            name,
            client_order_id=f"c-{name}",
            size=D(size),
            side=side,
            filled=D(filled),
            remaining=D(size - filled),
            status=OrderStatus.OPEN if is_open else OrderStatus.CLOSED,
        )
        told = attrs.evolve(told, updated_at=self.venue_time())
        self.tracker.order(told, is_ours=True)
        self.tracker.accepted(f"c-{name}")

    def fill(self, name: str, size: int, ago: float = 0.0, side: Side = BUY) -> None:
        """A fill is told that happened some time ago."""
        self.number += 1
        told = fill(f"t{self.number}", name, size=D(size), side=side, price=D("0.40"))
        told = attrs.evolve(
            told, client_order_id=f"c-{name}", created_at=self.venue_time(-ago)
        )
        self.tracker.fill(told)

    def trade(self, size: int = 10, side: Side = BUY) -> str:
        """An order of which all fills at once."""
        name = self.rest(size, side, price=D("0.40"))
        self.show(name, size, size, side)
        return name

    def read(self, size: int, **more: Any) -> None:
        """Positions are read, at 40 cents each."""
        side, cost = ("yes", "0.4") if size > 0 else ("no", "0.6")
        held = position("A", size=D(abs(size)), cost=abs(size) * D(cost), outcome=side)
        began = more.pop("began", self.clock.monotonic())
        self.tracker.held([held] if size else [], began=began, **more)

    @property
    def total(self) -> Decimal:
        return self.tracker.exposure().total

    @property
    def vague(self) -> Decimal:
        """Dollars at risk beyond the position that is known, where no order is open."""
        return self.tracker.exposure().orders


@pytest.fixture
def desk() -> Desk:
    return Desk()


# -- the size that is read proves it -------------------------------------------------------


def test_fault_28_a_size_that_is_larger_by_what_filled_has_it_in_it(desk: Desk) -> None:
    desk.read(5)
    desk.trade()
    desk.read(15)
    assert (desk.total, desk.vague) == (D(6), D(0))


def test_fault_28_a_size_that_has_not_changed_has_it_not(desk: Desk) -> None:
    desk.read(5)
    name = desk.trade()
    desk.read(5)
    assert (desk.total, desk.vague) == (D(6), D(0))
    # Told of once more, it is known as well as before.
    desk.fill(name, 10)
    assert (desk.total, desk.vague) == (D(6), D(0))


@pytest.mark.parametrize("shown", [15, 5])
def test_fault_28_what_a_sale_frees_is_known_either_way(desk: Desk, shown: int) -> None:
    desk.read(15)
    desk.trade(side=SELL)
    desk.read(shown)
    assert desk.total == D(2)


def test_several_purchases_are_in_it_or_none_is(desk: Desk) -> None:
    for shown in (20, 0):
        other = Desk()
        other.read(0)
        other.trade()
        other.trade()
        other.read(shown)
        assert other.vague == D(0)
        assert other.total == D(8)
    desk.read(0)
    desk.trade()
    desk.trade()
    desk.read(10)
    # One of both, and nobody knows which.
    assert desk.total == D(12)


def test_fault_28_another_size_proves_nothing(desk: Desk) -> None:
    desk.read(5)
    desk.trade()
    desk.read(12)
    assert desk.total == D("8.8")


def test_fault_28_without_a_position_from_before_a_size_proves_nothing(
    desk: Desk,
) -> None:
    desk.trade()
    desk.read(10)
    assert desk.total == D(8)
    desk.read(10)
    assert desk.total == D(8)


def test_fault_28_an_order_that_may_have_filled_unseen_leaves_two_explanations(
    desk: Desk,
) -> None:
    desk.read(0)
    resting = desk.rest()
    desk.show(resting, 0)
    desk.trade()
    # What filled, or the order that rests.
    desk.read(10)
    assert desk.total == D(12)


def test_fault_28_a_purchase_and_a_sale_leave_two_explanations(desk: Desk) -> None:
    desk.read(10)
    desk.trade()
    desk.trade(side=SELL)
    desk.read(10)
    assert desk.total == D(8)


def test_fault_23_fills_of_an_order_of_which_no_more_is_known_prove_nothing(
    desk: Desk,
) -> None:
    desk.read(5)
    desk.fill("x9", 10)
    desk.read(15)
    assert desk.total == D(10)


def test_an_order_that_rests_alone_is_in_it_as_far_as_it_filled(desk: Desk) -> None:
    desk.read(0)
    name = desk.rest()
    desk.show(name, 4)
    desk.read(4)
    assert desk.total == D(4)


def test_what_an_order_is_told_to_have_filled_is_no_more_than_it_may(
    desk: Desk,
) -> None:
    name = desk.rest()
    desk.show(name, 4)
    desk.clock.advance(60)
    desk.read(4)
    assert (desk.total, desk.vague) == (D(4), D("2.4"))
    # When it did nobody says: the read may have it.
    desk.show(name, 10)
    assert (desk.total, desk.vague) == (D(4), D("2.4"))


# -- when it filled tells it ---------------------------------------------------------------


@pytest.mark.parametrize(("ago", "told"), [(10, 2), (4, 4)])
def test_fault_23_a_fill_that_is_told_after_a_read_is_in_it_if_it_is_old(
    desk: Desk, ago: float, told: int
) -> None:
    desk.read(5)
    desk.fill("x9", 5, ago)
    assert desk.total == D(told)


def test_fault_23_a_fill_that_is_told_before_a_read_is_in_it_if_it_is_old(
    desk: Desk,
) -> None:
    desk.fill("x9", 5, ago=10)
    desk.read(5)
    assert desk.total == D(2)


def test_by_a_clock_that_nobody_knows_nothing_is_old() -> None:
    desk = Desk(knows_clock=False)
    desk.fill("x9", 5, ago=10)
    desk.read(5)
    assert desk.total == D(4)


def test_a_fill_of_another_account_is_never_taken_to_be_in_a_read() -> None:
    desk = Desk(moves_position=lambda _: False)
    desk.read(5)
    desk.fill("x9", 5, ago=10)
    assert desk.total == D(4)


def test_a_sale_that_fills_after_a_read_frees_what_it_closes(desk: Desk) -> None:
    name = desk.rest(10, SELL, price=D("0.10"))
    desk.show(name, 0, side=SELL)
    desk.clock.advance(60)
    desk.read(10)
    desk.clock.advance(60)
    desk.fill(name, 4, side=SELL)
    assert desk.total == D("2.4")


def test_of_a_sale_that_fills_during_a_read_nobody_knows(desk: Desk) -> None:
    name = desk.rest(10, SELL, price=D("0.10"))
    desk.show(name, 0, side=SELL)
    desk.clock.advance(60)
    desk.read(10)
    desk.fill(name, 10, side=SELL)
    assert desk.total == D(4)
    # More of it fills, which says nothing of what filled before.
    desk.clock.advance(60)
    desk.read(0)
    assert desk.total == D(0)


def test_what_an_order_filled_long_before_stays_in_every_read(desk: Desk) -> None:
    desk.read(0)
    name = desk.rest()
    desk.show(name, 4)
    desk.clock.advance(60)
    desk.show(name, 7)
    # It shows 4 of 7, or 7, or what others bought.
    desk.read(6)
    assert desk.total == D("4.8")


# -- reads that go back --------------------------------------------------------------------


def test_fault_28_a_read_that_lags_behind_the_one_before_frees_nothing(
    desk: Desk,
) -> None:
    since = desk.tracker.moment() + 100
    desk.trade()
    desk.read(10, since=since)
    assert desk.total == D(4)
    desk.clock.advance(1)
    desk.read(0)
    assert (desk.total, desk.vague) == (D(4), D(0))
    desk.clock.advance(60)
    desk.read(10)
    assert (desk.total, desk.vague) == (D(4), D(0))


def test_fault_28_a_read_that_may_lag_changes_nothing_of_what_was_surely_held(
    desk: Desk,
) -> None:
    # Bought by whom nobody knows.
    desk.read(10, since=desk.tracker.moment())
    desk.clock.advance(1)
    for size in (4, 0, 15):
        desk.read(size)
        assert desk.total == D(4)
    desk.clock.advance(60)
    desk.read(4)
    assert desk.total == D("1.6")


def test_fault_28_what_was_bought_and_sold_may_be_half_in_a_read(desk: Desk) -> None:
    desk.read(0)
    desk.trade(side=SELL)
    desk.trade()
    assert desk.total == D(0)
    desk.trade()
    # The sale only: what is really held is 10.
    desk.read(-10)
    assert desk.total >= D(4)


@pytest.mark.parametrize("market_id", [None, "A"])
@pytest.mark.parametrize("later", [None, "A"])
def test_of_two_reads_that_that_which_began_later_stands(
    desk: Desk, market_id: str | None, later: str | None
) -> None:
    early = desk.clock.monotonic()
    desk.clock.advance(60)
    desk.read(5, market_id=later)
    desk.read(9, began=early, market_id=market_id)
    assert desk.total == D(2)
    desk.clock.advance(60)
    desk.read(9, market_id=market_id)
    assert desk.total == D("3.6")


def test_fault_28_a_read_that_was_waited_for_replaces_one_that_began_meanwhile(
    desk: Desk,
) -> None:
    began = desk.clock.monotonic()
    since = desk.tracker.moment()
    desk.clock.advance(1)
    # It lags: what was bought elsewhere is not in it.
    desk.read(0)
    desk.read(10, began=began, since=since)
    assert desk.total == D(4)


def test_what_was_paid_out_does_not_come_back_with_fills_of_before(
    desk: Desk,
) -> None:
    desk.read(5)
    desk.trade()
    desk.tracker.settled(settlement("A", at=1))
    assert desk.total == D(0)
    desk.clock.advance(60)
    desk.read(0)
    assert desk.total == D(0)
