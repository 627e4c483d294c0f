"""What orders and a position put at risk together, at the edges of each rule."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest

from unified_exchanges.errors import GuardTripped
from unified_exchanges.guards.losses import DayLoss
from unified_exchanges.guards.worst import Claim, opening, reach
from unified_exchanges.models import Side

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def claim(side: Side, price: str, size: int, *, closes: bool = False) -> Claim:
    return Claim(side, D(price), D(size), closes)


@pytest.mark.parametrize(
    ("side", "held", "found"), [(BUY, -10, 0), (BUY, 10, 13), (SELL, 10, 0)]
)
def test_no_less_than_nothing_is_held_of_a_side(
    side: Side, held: int, found: int
) -> None:
    assert reach(side, [claim(side, "0.40", 3)], D(held)) == found


def test_what_only_closes_counts_among_what_is_held_at_most() -> None:
    sales = [claim(SELL, "0.40", 8), claim(SELL, "0.40", 7, closes=True)]
    assert reach(SELL, sales, D(10)) == 5


def test_a_contract_takes_its_price_or_what_is_left_to_a_dollar() -> None:
    bought, sold = claim(BUY, "0.30", 10), claim(SELL, "0.30", 10)
    assert (bought.unit, sold.unit) == (D("0.30"), D("0.70"))
    assert (bought.cost, sold.cost) == (3, 7)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(
    ("side", "prices", "held", "found"),
    [
        # All of the cheapest are covered, and 2 of the next.
        (SELL, ("0.90", "0.60", "0.20"), 12, "11.20"),
        (BUY, ("0.10", "0.40", "0.80"), -12, "11.20"),
    ],
)
def test_what_is_held_covers_the_cheapest_in_whatever_order_they_come(
    side: Side,
    prices: tuple[str, ...],
    held: int,
    found: str,
    order: tuple[int, ...],
) -> None:
    claims = [claim(side, prices[i], 10) for i in order]
    assert opening(claims, D(held)) == D(found)


def test_two_of_which_the_dearer_comes_first_leave_the_cheaper_covered() -> None:
    claims = [claim(BUY, "0.80", 10), claim(BUY, "0.10", 10)]
    assert opening(claims, D(-10)) == 8


def test_what_only_closes_takes_the_cover_first_and_nothing_itself() -> None:
    claims = [claim(SELL, "0.90", 10), claim(SELL, "0.20", 10, closes=True)]
    assert opening(claims, D(10)) == 1
    assert opening(claims, D(0)) == 1
    assert opening(claims, D(20)) == 0


def test_a_position_covers_no_order_that_adds_to_it() -> None:
    assert opening([claim(BUY, "0.50", 10)], D(10)) == 5
    assert opening([claim(SELL, "0.50", 10)], D(-10)) == 5
    both = [claim(BUY, "0.50", 10), claim(SELL, "0.50", 10)]
    assert opening(both, D(4)) == 8


@pytest.mark.parametrize(
    ("now", "is_reached"),
    [("80.01", False), ("80", True), ("79", True), ("121", False)],
)
def test_a_loss_is_reached_at_the_limit_and_not_before(
    now: str, *, is_reached: bool
) -> None:
    loss = DayLoss(D(20))
    assert not loss.is_reached
    loss.look(DayLoss.day_of(0), D(100), D(now))
    assert loss.is_reached is is_reached


def test_a_day_is_that_of_utc_and_is_none_before_the_first_look() -> None:
    loss, day = DayLoss(D(20)), DayLoss.day_of(86_399)
    assert day == DayLoss.day_of(0) != DayLoss.day_of(86_400)
    assert not loss.is_of(day)
    loss.look(day, D(100), D(100))
    assert loss.is_of(day)
    assert not loss.is_of(DayLoss.day_of(86_400))


def test_what_opens_is_refused_once_the_limit_is_lost() -> None:
    loss, day = DayLoss(D(20)), DayLoss.day_of(0)
    for now in ("80.01", "121"):
        loss.look(day, D(100), D(now))
        loss.check("an order")
    loss.look(day, D(100), D(80))
    with pytest.raises(GuardTripped) as caught:
        loss.check("an order")
    assert (caught.value.limit, caught.value.value) == (20, 20)
