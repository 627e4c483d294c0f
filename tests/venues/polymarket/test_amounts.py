"""What orders give and take: exact on every tick, as the rules and as the vendor say."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.recorded import read_example
from unified_exchanges.errors import InvalidOrder, InvalidPrice, InvalidSize
from unified_exchanges.grid import PriceGrid, read_price
from unified_exchanges.models import BUY, SELL, Side
from unified_exchanges.venues.polymarket.amounts import (
    DECIMALS,
    LOT,
    Amounts,
    amounts_of,
    immediate_amounts_of,
    price_of,
    size_of,
)

D = Decimal
TICKS = ["0.1", "0.01", "0.005", "0.0025", "0.001", "0.0001"]
SIDES = st.sampled_from([BUY, SELL])
SIZES = st.integers(1, 10**9).map(lambda lots: lots * LOT)


@st.composite
def orders(draw) -> tuple[Side, str, Decimal, Decimal]:
    """A side, a tick, a price on it and a size."""
    tick = draw(st.sampled_from(TICKS))
    price = draw(st.integers(1, int(1 / D(tick)) - 1)) * D(tick)
    return draw(SIDES), tick, price, draw(SIZES)


# -- the rules, written anew -----------------------------------------------------------

# By tick: decimals of the price, of the size, of the cost.
RULES = {
    "0.1": (1, 2, 3),
    "0.01": (2, 2, 4),
    "0.005": (3, 2, 5),
    "0.0025": (4, 2, 6),
    "0.001": (3, 2, 5),
    "0.0001": (4, 2, 6),
}


def places(number: Decimal, count: int, rounding: str) -> Decimal:
    return number.quantize(D(1).scaleb(-count), rounding)


def by_the_rules(
    side: Side, tick: str, price: Decimal, size: Decimal
) -> tuple[int, int]:
    """As the vendor's clients round, step by step, in exact decimals."""
    in_price, in_size, in_cost = RULES[tick]
    price = places(price, in_price, ROUND_FLOOR)
    shares = places(size, in_size, ROUND_FLOOR)
    dollars = shares * price
    if -dollars.normalize().as_tuple().exponent > in_cost:
        dollars = places(dollars, in_cost + 4, ROUND_CEILING)
        dollars = places(dollars, in_cost, ROUND_FLOOR)
    give, take = (dollars, shares) if side is BUY else (shares, dollars)
    return int(give * 10**6), int(take * 10**6)


@given(orders())
def test_amounts_are_those_of_the_rules(order):
    side, tick, price, size = order
    assert amounts_of(side, price, size) == by_the_rules(side, tick, price, size)


@given(orders())
def test_nothing_was_rounded(order):
    side, _, price, size = order
    give, take = amounts_of(side, price, size)
    dollars, shares = (give, take) if side is BUY else (take, give)
    assert Fraction(dollars, 10**6) == Fraction(price) * Fraction(size)
    assert Fraction(shares, 10**6) == Fraction(size)


@given(orders())
def test_price_and_size_come_back(order):
    side, _, price, size = order
    amounts = amounts_of(side, price, size)
    assert (price_of(side, amounts), size_of(side, amounts)) == (price, size)


@given(orders())
def test_a_cost_has_no_more_decimals_than_its_tick_allows(order):
    side, tick, price, size = order
    amounts = amounts_of(side, price, size)
    dollars = amounts.maker if side is BUY else amounts.taker
    assert dollars % 10 ** (6 - DECIMALS[D(tick)]) == 0


def test_every_tick_is_known_with_its_decimals():
    assert {D(tick): rule[2] for tick, rule in RULES.items()} == DECIMALS


@pytest.mark.parametrize("tick", TICKS)
def test_every_price_of_a_grid_has_exact_amounts(tick):
    grid = PriceGrid.of(tick)
    prices = list(grid.prices())
    assert (prices[0], prices[-1], len(prices)) == (
        D(tick),
        1 - D(tick),
        int(1 / D(tick)) - 1,
    )
    found = [price_of(SELL, amounts_of(SELL, p, LOT)) for p in prices]
    assert found == prices


# -- the vendor ------------------------------------------------------------------------

with_vendor = pytest.mark.skipif(
    find_spec("py_clob_client_v2") is None,
    reason="the dependency group 'vendor' is not installed",
)


@with_vendor
@given(orders())
@example((BUY, "0.01", D("0.52"), D("1.15")))
def test_the_vendors_client_makes_the_same_amounts(order):
    builder = import_module("py_clob_client_v2.order_builder.builder")
    side, tick, price, size = order
    # It calculates in floats, whose products of large numbers are not exact.
    assume(size < 10**5)
    found = builder.OrderBuilder(None).get_order_amounts(
        "BUY" if side is BUY else "SELL",
        float(size),
        float(price),
        builder.ROUNDING_CONFIG[tick],
    )[1:]
    shares = found[1] if side is BUY else found[0]
    # It floors 1.15 to 1.14, as 1.15 × 100 is 114.99… in floats: not a rule to follow.
    if shares == size * 10**6:
        assert found == amounts_of(side, price, size)
    else:
        assert size * 10**6 - shares == 10**4


@with_vendor
def test_the_vendor_has_the_same_ticks():
    builder = import_module("py_clob_client_v2.order_builder.builder")
    found = {
        tick: (rule.price, rule.size, rule.amount)
        for tick, rule in builder.ROUNDING_CONFIG.items()
    }
    assert found == RULES


@pytest.mark.parametrize("number", range(2))
def test_the_golden_amounts_are_reproduced(number):
    vector = read_example("signing_vectors.json", "polymarket")["amount_rounding"][
        number
    ]
    found = amounts_of(
        Side(vector["side"].lower()), D(vector["price"]), D(vector["size"])
    )
    assert found == (int(vector["makerAmount"]), int(vector["takerAmount"]))


# -- orders that fill at once ----------------------------------------------------------


@given(orders())
def test_a_sale_at_once_has_the_amounts_of_any_other(order):
    _, _, price, size = order
    assert immediate_amounts_of(SELL, price, size) == amounts_of(SELL, price, size)


@given(orders())
def test_a_purchase_at_once_costs_whole_cents_or_is_refused_with_sizes_that_do(order):
    _, _, price, size = order
    if not price * size % LOT:
        assert immediate_amounts_of(BUY, price, size) == amounts_of(BUY, price, size)
        return
    with pytest.raises(InvalidSize) as caught:
        immediate_amounts_of(BUY, price, size)
    nearest = caught.value.nearest
    for valid in nearest:
        assert immediate_amounts_of(BUY, price, valid).maker % 10**4 == 0
    assert nearest[-1] > size
    assert all(valid < size for valid in nearest[:-1])


@pytest.mark.parametrize("tick", TICKS)
def test_the_nearest_sizes_are_the_nearest(tick):
    price = 3 * D(tick)
    whole = [n * LOT for n in range(1, 20_001) if not price * n * LOT % LOT]
    for size in (D("0.01"), D("7.77"), D("99.99")):
        if size in whole:
            continue
        with pytest.raises(InvalidSize) as caught:
            immediate_amounts_of(BUY, price, size)
        below = [each for each in whole if each < size][-1:]
        above = next(each for each in whole if each > size)
        assert caught.value.nearest == (*below, above)


def test_the_refusal_says_what_to_do():
    words = (
        r"size 7 at 0\.523 costs 3\.661 dollars.*whole cents only; nearest sizes at this "
        r"price: 10; an order that may rest \(gtc\) has no such rule"
    )
    with pytest.raises(InvalidSize, match=words) as caught:
        immediate_amounts_of(BUY, D("0.523"), D(7))
    assert caught.value.nearest == (D(10),)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("size", ["0", "-1", "0.001", "10.005", "1E-7"])
def test_a_size_off_the_lot_is_refused(size):
    with pytest.raises(InvalidSize, match="at most two decimals"):
        amounts_of(BUY, D("0.5"), D(size))


@pytest.mark.parametrize("price", ["0", "1", "-0.5", "1.5", "0.00000001"])
def test_a_price_off_every_grid_is_refused(price):
    with pytest.raises(InvalidPrice, match="is not on any grid"):
        amounts_of(BUY, D(price), D(10))


def test_a_price_that_would_need_rounding_is_refused():
    with pytest.raises(InvalidPrice, match="no whole number of millionths"):
        amounts_of(SELL, D("0.12345"), D("0.01"))


@pytest.mark.parametrize("tick", TICKS)
def test_a_price_between_two_ticks_is_refused_by_the_grid(tick):
    with pytest.raises(InvalidPrice) as caught:
        read_price(D(tick) * D("1.5"), PriceGrid.of(tick))
    assert caught.value.nearest == (D(tick), 2 * D(tick))


@pytest.mark.parametrize("amounts", [Amounts(1, 3), Amounts(1, 0), Amounts(0, 0)])
def test_amounts_without_an_exact_price_are_refused(amounts):
    with pytest.raises(InvalidOrder, match="imply no price"):
        price_of(BUY, amounts)


def test_large_sizes_stay_exact():
    size = D("9999999999999.99")
    amounts = amounts_of(BUY, D("0.9999"), size)
    assert amounts == (9998999999999990001, 9999999999999990000)
    assert size_of(BUY, amounts) == size
