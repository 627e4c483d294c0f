"""A budget buys the most that it can, to the lot, and never a lot more."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest, CombinationMarket, InvalidPrice
from unified_exchanges.execution import contracts_for
from unified_exchanges.execution.sizing import dearest_lot, largest
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import FeeRule

from .goods import (
    FEES,
    LOTS,
    PRICES,
    D,
    Flat,
    combination,
    kalshi_fees,
    market,
    polymarket_fees,
)


def test_a_combination_is_no_market_to_buy_for_a_budget() -> None:
    with pytest.raises(CombinationMarket, match="name its legs one by one"):
        contracts_for(5, "0.50", combination(), fees=None)


def cost(size: Decimal, price: Decimal, fees: FeeRule) -> Decimal:
    return size * price + fees.fee("yes", "buy", price, size)


def by_hand(budget: Decimal, price: Decimal, lot: Decimal, fees: FeeRule) -> Decimal:
    """One lot after another, while the money lasts."""
    size = D(0)
    while cost(size + lot, price, fees) <= budget:
        size += lot
    return size


def test_what_buys_at_once_costs_whole_sums_where_the_venue_wants_them() -> None:
    grid = PriceGrid.of("0.001")
    plain = market(grid=grid, cost_step=D("0.01"), minimum_size=D(5))
    sizes = [
        contracts_for(20, "0.463", plain, fees=None),
        contracts_for(20, "0.463", plain, fees=None, maker=True),
        contracts_for(4, "0.463", plain, fees=None),
    ]
    assert sizes == [D(40), D("43.19"), D(0)]


@given(
    price=st.integers(1, 9_999).map(lambda x: D(x) / 10_000),
    lot=LOTS,
    step=st.sampled_from([D("0.01"), D("0.05"), D(1)]),
)
def test_an_immediate_lot_is_the_least_that_costs_a_whole_sum(
    price: Decimal, lot: Decimal, step: Decimal
) -> None:
    found = market(lot=lot, cost_step=step).immediate_lot(price)
    count = int(found / lot)
    assert (found % lot, found * price % step) == (0, 0)
    divisors = (x for x in range(1, count) if not count % x)
    assert all(x * lot * price % step for x in divisors)


@given(
    budget=st.integers(0, 2_000).map(lambda cents: D(cents) / 100),
    price=PRICES,
    lot=LOTS,
    fees=FEES,
)
def test_a_budget_buys_what_counting_by_hand_buys(
    budget: Decimal, price: Decimal, lot: Decimal, fees: FeeRule
) -> None:
    # By hand it takes a while: as many lots as a test can count.
    budget = min(budget, price * lot * 400)
    found = contracts_for(budget, price, market(lot=lot, minimum_size=lot), fees=fees)
    assert found == by_hand(budget, price, lot, fees)


@given(
    budget=st.integers(0, 10**9).map(lambda tenths: D(tenths) / 10_000),
    price=PRICES,
    lot=LOTS,
    fees=FEES,
)
def test_a_budget_is_never_broken_and_a_lot_more_would_break_it(
    budget: Decimal, price: Decimal, lot: Decimal, fees: FeeRule
) -> None:
    size = contracts_for(budget, price, market(lot=lot, minimum_size=lot), fees=fees)
    assert size % lot == 0
    assert size == 0 or cost(size, price, fees) <= budget
    assert cost(size + lot, price, fees) > budget


ON_KALSHI = st.sampled_from([D(0), D("0.5"), D(1), D(2)]).map(kalshi_fees)
ON_POLYMARKET = st.builds(
    polymarket_fees,
    st.sampled_from(["0", "0.02", "0.05", "0.0625", "0.07"]),
    st.sampled_from([0, 1, 2]),
)


@st.composite
def pieces(draw: st.DrawFn) -> tuple[Decimal, PriceGrid, list[tuple[int, Decimal]]]:
    """A limit, its grid, and fills at it or better: lots and price."""
    step = draw(st.sampled_from([D("0.01"), D("0.001"), D("0.0001")]))
    limit = draw(st.integers(1, int(1 / step) - 1))
    # Near the limit is where rounding matters.
    near = st.integers(max(1, limit - 300), limit) | st.integers(1, limit)
    # A piece may be a lot, and many are of the same price.
    lots = st.integers(1, 3) | st.integers(1, 10_000)
    rows = draw(st.lists(st.tuples(lots, near), min_size=1, max_size=6))
    same = draw(st.integers(1, 300))
    fills = [(count, ticks * step) for count, ticks in rows]
    return limit * step, PriceGrid.of(str(step)), fills + fills[:1] * same


@given(made=pieces(), fees=ON_KALSHI | ON_POLYMARKET)
@example(
    # A better price takes more: its fee is rounded up, and it saves next to nothing.
    made=(D("0.8275"), PriceGrid.of("0.0001"), [(1, D("0.827"))] * 9),
    fees=kalshi_fees(),
)
@example(
    # Rounded to the nearest the fee of a lot is nothing, and that of two is not.
    made=(D("0.01"), PriceGrid.of("0.01"), [(2, D("0.01"))] * 500),
    fees=polymarket_fees("0.05"),
)
@example(
    # One piece: 1.4 steps a lot are 1 of a lot alone, and 14 of ten.
    made=(D("0.02"), PriceGrid.of("0.01"), [(10_000, D("0.02"))]),
    fees=polymarket_fees("0.07"),
)
def test_no_pieces_take_more_than_the_dearest_lot_of_each(
    made: tuple[Decimal, PriceGrid, list[tuple[int, Decimal]]], fees: FeeRule
) -> None:
    limit, grid, fills = made
    plain = market(grid=grid)
    spent = sum(
        (n * plain.lot * price + fees.fee("yes", "buy", price, n * plain.lot))
        for n, price in fills
    )
    lot = dearest_lot(limit, plain, fees, "yes")
    assert spent <= lot * sum(n for n, _ in fills)


@given(
    made=pieces(),
    rule=st.tuples(ON_KALSHI, st.just(D("0.0201")))
    | st.tuples(ON_POLYMARKET, st.just(D("0.0011"))),
)
def test_what_is_kept_back_for_pieces_is_little(
    made: tuple[Decimal, PriceGrid, list[tuple[int, Decimal]]],
    rule: tuple[FeeRule, Decimal],
) -> None:
    limit, grid, _ = made
    fees, least = rule
    # Of a contract that fills at the limit in one piece with many others.
    whole = cost(D(1000), limit, fees) / 1000
    most = 100 * dearest_lot(limit, market(grid=grid), fees, "yes")
    assert whole <= most <= whole + least


def test_a_size_below_the_minimum_is_none() -> None:
    plain = market(minimum_size=D(1))
    assert contracts_for("0.50", "0.55", plain, fees=None) == 0
    assert contracts_for("0.55", "0.55", plain, fees=None) == 1


def test_fees_are_those_of_the_outcome_and_of_a_maker() -> None:
    plain = market(grid=PriceGrid.of("0 0.1 0.001", "0.1 1 0.01"))
    fees = kalshi_fees()
    taken = contracts_for(10, "0.5", plain, fees=fees, outcome="NO")
    made = contracts_for(10, "0.5", plain, fees=fees, outcome="no", maker=True)
    free = contracts_for(10, "0.5", plain, fees=None, outcome="no")
    assert (taken, made, free) == (D("19.32"), D("19.82"), 20)


def test_fault_14_a_price_off_the_grid_of_the_outcome_is_refused() -> None:
    plain = market(grid=PriceGrid.of("0 0.1 0.001", "0.1 1 0.01"))
    assert contracts_for(1, "0.055", plain, fees=None) > 0
    with pytest.raises(InvalidPrice) as told:
        contracts_for(1, "0.055", plain, fees=None, outcome="no")
    assert told.value.nearest == (D("0.05"), D("0.06"))


def test_fault_15_a_float_is_what_it_shows() -> None:
    assert contracts_for(5.5, 0.55, market(), fees=None) == 10
    with pytest.raises(InvalidPrice):
        contracts_for(1, 0.1 + 0.2, market(), fees=None)


@pytest.mark.parametrize("budget", [-1, "much", True, float("nan")])
def test_a_budget_is_dollars(budget: object) -> None:
    with pytest.raises(BadRequest, match="budget"):
        contracts_for(budget, "0.5", market(), fees=None)  # type: ignore[arg-type]


def test_an_outcome_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadRequest, match="no outcome 'maybe'"):
        contracts_for(1, "0.5", market(), fees=Flat("0"), outcome="maybe")


@given(most=st.integers(0, 200), edge=st.integers(0, 250))
def test_the_largest_that_fits_is_found(most: int, edge: int) -> None:
    assert largest(most, lambda n: n <= edge) == min(most, edge)
