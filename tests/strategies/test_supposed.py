"""Sales on a venue without short sales, of which the purchase is told later, or never."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import BUY, SELL, Fill, Side
from unified_exchanges.paper import at
from unified_exchanges.paper.account import Account
from unified_exchanges.strategies import Desk

from ..paper.scene import START, contract
from .test_session import fill

D = Decimal


def desk_of_one() -> Desk:
    """Of a market in which a purchase and a sale of one outcome net nothing."""
    return Desk([contract("RAIN", nets=False)], Account(D(100)), book=lambda _: None)


def filled(side: Side, size: int, price: str, second: int) -> Fill:
    moment = at(START) + timedelta(seconds=second)
    how: dict[str, Any] = {"side": side, "size": D(size), "price": D(price)}
    return fill(f"{side}{second}", created_at=moment, fee=D("0.01"), **how)


def state(desk: Desk) -> tuple[Decimal, Decimal, Decimal]:
    held = desk.account.held("RAIN", "yes")
    # What was paid is in what is held, in what was realized, or is a fee.
    assert desk.cash == 100 - held.cost + held.realized - desk.account.fees
    return desk.cash, held.size, desk.account.fees


def test_a_sale_that_is_told_before_its_purchase_leaves_what_was_not_sold() -> None:
    desk = desk_of_one()
    for told in (
        filled(SELL, 10, "0.60", 2),
        filled(SELL, 10, "0.70", 3),
        filled(BUY, 50, "0.40", 1),
    ):
        desk.told_fill(told)
    held = desk.account.held("RAIN", "yes")
    assert (held.size, held.cost) == (30, D("12.00"))
    assert held.realized == 10 * D("0.20") + 10 * D("0.30")


def test_what_is_bought_after_the_sale_is_held() -> None:
    """What was sold had been bought elsewhere."""
    desk = desk_of_one()
    desk.told_fill(filled(SELL, 10, "0.60", 2))
    desk.told_fill(filled(BUY, 50, "0.40", 3))
    held = desk.account.held("RAIN", "yes")
    assert (held.size, held.cost, held.realized) == (50, D("20.00"), D(0))


def test_a_sale_that_is_taken_back_is_no_purchase_of_what_was_supposed() -> None:
    desk = desk_of_one()
    sold = filled(SELL, 10, "0.60", 2)
    desk.told_fill(sold)
    desk.told_fill(sold.taken_back())
    assert desk.account.held("RAIN", "yes").size == 10


def test_a_purchase_that_another_sale_has_taken_meanwhile_is_no_other_one() -> None:
    """Of the two sales the later one is told first, and takes the first purchase."""
    desk = desk_of_one()
    for told in (
        filled(SELL, 10, "0.60", 4),
        filled(BUY, 10, "0.40", 1),
        filled(SELL, 10, "0.60", 2),
        filled(BUY, 10, "0.40", 3),
    ):
        desk.told_fill(told)
    assert state(desk)[1] == 0


@given(st.data())
def test_in_whichever_order_fills_are_told_as_many_are_held(
    data: st.DataObject,
) -> None:
    fills, held = [], 0
    for second in range(data.draw(st.integers(1, 8))):
        size = data.draw(st.integers(1, 5))
        price = f"0.{data.draw(st.integers(10, 90))}"
        side = BUY if held < size or data.draw(st.booleans()) else SELL
        held += size if side is BUY else -size
        fills.append(filled(side, size, price, second))
    in_order, otherwise = desk_of_one(), desk_of_one()
    for each in fills:
        in_order.told_fill(each)
    for each in data.draw(st.permutations(fills)):
        otherwise.told_fill(each)
    assert state(in_order) == state(otherwise)
    assert state(in_order)[1] == held
