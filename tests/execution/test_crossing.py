"""A marketable limit takes what the book has up to the bound, and nothing beyond it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest, InvalidPrice, InvalidSize, StaleBook
from unified_exchanges.execution import marketable_limit
from unified_exchanges.models import Level

from .goods import PRICES, D, Flat, Stale, book, kalshi_fees, offers


def test_buying_walks_the_asks() -> None:
    found = marketable_limit(book(), "BUY", 10, "0.60")
    assert (found.price, found.fills, found.cost) == (D("0.57"), 10, D("5.62"))
    assert (found.average_price, found.is_whole, found.fee) == (D("0.562"), True, None)


def test_selling_walks_the_bids() -> None:
    found = marketable_limit(book(), "sell", 10, "0.49", fees=Flat("0.01"))
    assert (found.price, found.fills, found.cost) == (D("0.50"), 5, D("2.50"))
    assert (found.is_whole, found.fee, found.market_id) == (False, D("0.05"), "RAIN")


def test_nothing_within_the_bound_is_no_price() -> None:
    found = marketable_limit(book(), "buy", 10, "0.54", fees=kalshi_fees())
    assert (found.price, found.average_price, found.fills) == (None, None, 0)
    assert (found.cost, found.fee) == (0, 0)


def by_hand(
    asks: tuple[Level, ...], size: int, bound: Decimal
) -> tuple[int, Decimal, Decimal | None]:
    """One contract after another."""
    offered = [x.price for x in asks for _ in range(int(x.size)) if x.price <= bound]
    taken = offered[:size]
    return len(taken), sum(taken, D(0)), max(taken, default=None)


@given(asks=offers(), size=st.integers(1, 200), bound=PRICES)
def test_walking_is_taking_one_contract_after_another(
    asks: tuple[Level, ...], size: int, bound: Decimal
) -> None:
    found = marketable_limit(book(asks=asks, bids=()), "buy", size, bound)
    assert (found.fills, found.cost, found.price) == by_hand(asks, size, bound)
    assert found.price is None or found.price <= bound


@given(asks=offers(), size=st.integers(1, 200), bound=PRICES)
def test_selling_no_is_buying_yes_seen_from_the_other_side(
    asks: tuple[Level, ...], size: int, bound: Decimal
) -> None:
    yes = book(asks=asks, bids=())
    bought = marketable_limit(yes, "buy", size, bound)
    sold = marketable_limit(yes.complement("no"), "sell", size, 1 - bound)
    assert sold.fills == bought.fills
    assert sold.cost == bought.fills - bought.cost


def test_fault_31_a_stale_book_is_refused() -> None:
    with pytest.raises(StaleBook, match="may have changed unseen") as told:
        marketable_limit(book(freshness=Stale()), "buy", 1, "0.60")
    assert told.value.retryable


@pytest.mark.parametrize("size", [0, -1, "many", True])
def test_fault_14_a_size_is_above_nought(size: object) -> None:
    with pytest.raises(InvalidSize):
        marketable_limit(book(), "buy", size, "0.60")  # type: ignore[arg-type]


def test_fault_15_a_bound_is_a_price() -> None:
    assert marketable_limit(book(), "buy", 1, 0.55).fills == 1
    for bound in (60, 0, 1, "x"):
        with pytest.raises(InvalidPrice):
            marketable_limit(book(), "buy", 1, bound)


def test_a_side_is_buy_or_sell() -> None:
    with pytest.raises(BadRequest, match="side"):
        marketable_limit(book(), "hold", 1, "0.5")


def test_it_can_be_written_down() -> None:
    told = marketable_limit(book(), "buy", 1, "0.60").to_dict()
    assert (told["price"], told["side"], told["fee"]) == ("0.55", "buy", None)
