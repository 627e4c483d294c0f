"""A hedge buys the same of each leg, as much as the budget pays even at the limits."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import BadRequest, CombinationMarket, InvalidOrder
from unified_exchanges.execution import HedgeLeg, against, require_plain
from unified_exchanges.execution.plan import Candidate, bound_of, plan
from unified_exchanges.models import FeeRule, Leg, Level, Outcome

from .goods import FEES, D, Flat, book, combination, levels, market, offers


def candidate(
    asks: tuple[Level, ...], fees: FeeRule, bound: str = "0.99", lot: str = "1"
) -> Candidate:
    return Candidate(
        market=market(lot=D(lot), minimum_size=D(lot)),
        outcome="yes",
        book=book(asks=asks, bids=()),
        fees=fees,
        bound=D(bound),
    )


def at_most(asks: tuple[Level, ...], fees: FeeRule, size: int) -> Decimal:
    """What so many take if they fill one by one at the dearest level that is needed."""
    offered = [x.price for x in asks for _ in range(int(x.size))]
    dearest = max(offered[:size], default=D(0))
    return (dearest + fees.fee("yes", "buy", dearest, D(1))) * size


BOOKS = offers().filter(bool)


@given(
    one=BOOKS,
    other=BOOKS,
    fees=FEES,
    budget=st.integers(1, 4_000).map(lambda cents: D(cents) / 100),
)
def test_all_legs_are_alike_and_one_more_of_each_would_not_do(
    one: tuple[Level, ...], other: tuple[Level, ...], fees: FeeRule, budget: Decimal
) -> None:
    depth = int(min(sum(x.size for x in one), sum(x.size for x in other)))

    def takes(size: int) -> Decimal:
        return at_most(one, fees, size) + at_most(other, fees, size)

    sizes = [size for size in range(1, depth + 1) if takes(size) <= budget]
    candidates = [candidate(one, fees), candidate(other, fees)]
    if not sizes:
        with pytest.raises(InvalidOrder, match="buys no hedge"):
            plan(candidates, budget)
        return
    planned = plan(candidates, budget)
    assert {x.size for x in planned} == {max(sizes)}
    assert sum(x.most for x in planned) == takes(max(sizes)) <= budget
    for x in planned:
        assert x.expected.is_whole
        assert x.expected.cost + (x.expected.fee or 0) <= x.most


def test_lots_that_differ_have_one_in_common() -> None:
    asks = levels(("0.10", "50"))
    found = plan(
        [candidate(asks, Flat("0"), lot="0.2"), candidate(asks, Flat("0"), lot="0.5")],
        D("2.30"),
    )
    assert [x.size for x in found] == [11, 11]


def test_a_budget_that_is_met_to_the_cent_is_used_whole() -> None:
    asks = levels(("0.10", "50"))
    (found,) = plan([candidate(asks, Flat("0.02"))], D("0.60"))
    assert (found.size, found.most) == (5, D("0.60"))


def test_every_leg_has_the_least_that_any_of_their_markets_takes() -> None:
    asks = levels(("0.10", "50"))
    legs = [candidate(asks, Flat("0")), candidate(asks, Flat("0"))]
    legs[1] = attrs.evolve(legs[1], market=market("SNOW", minimum_size=D(4)))
    with pytest.raises(InvalidOrder, match=r"4 of each leg take 0\.8 dollars"):
        plan(legs, D("0.70"))
    assert [x.size for x in plan(legs, D("0.80"))] == [4, 4]


def test_what_is_offered_beyond_the_bound_does_not_count() -> None:
    asks = levels(("0.10", "3"), ("0.20", "50"))
    (found,) = plan([candidate(asks, Flat("0"), bound="0.15")], D(100))
    assert (found.size, found.limit) == (3, D("0.10"))


def test_a_book_without_depth_says_which() -> None:
    with pytest.raises(
        InvalidOrder, match="too little is offered within the bound on RAIN"
    ):
        plan([candidate(levels(("0.50", "9")), Flat("0"), bound="0.40")], D(100))


def test_a_bound_is_the_callers_or_the_best_ask_and_the_slippage() -> None:
    plain, leg = market(), HedgeLeg("RAIN", "yes")
    assert bound_of(leg, plain, "yes", book(), D("0.025")) == D("0.57")
    assert bound_of(leg, plain, "yes", book(), D("0.9")) == D("0.99")
    named = HedgeLeg("RAIN", "yes", "0.61")
    assert bound_of(named, plain, "yes", book(), D(0)) == D("0.61")
    with pytest.raises(InvalidOrder, match="nobody sells"):
        bound_of(leg, plain, "yes", book(asks=()), D(0))


# -- sums --------------------------------------------------------------------------------


def summed(*rows: tuple[str, str], step: str = "0.01") -> Candidate:
    """A leg on a venue that takes whole cents only of who buys at once."""
    plain = candidate(levels(*rows), Flat("0"), lot="0.01")
    return attrs.evolve(plain, market=attrs.evolve(plain.market, cost_step=D(step)))


def test_a_hedge_is_of_sizes_that_cost_whole_sums() -> None:
    legs = [summed(("0.463", "100")), summed(("0.30", "100"))]
    assert [x.size for x in plan(legs, D(20))] == [D(20), D(20)]
    # 26.21 of each would fit, of which neither costs whole cents.
    assert [x.most for x in plan(legs, D(20))] == [D("9.26"), D(6)]


def test_fewer_may_be_of_other_sums() -> None:
    # Some of the dearer level would be 15 of 0.502, and all of the cheaper fits its own.
    found = plan([summed(("0.50", "8"), ("0.502", "100"))], D("4.6"))
    assert [(x.size, x.limit) for x in found] == [(D(5), D("0.50"))]


def test_a_budget_below_the_smallest_sum_buys_nothing_and_says_what_it_takes() -> None:
    with pytest.raises(InvalidOrder, match=r"10 of each leg take 4\.63 dollars"):
        plan([attrs.evolve(summed(("0.463", "100")), bound=D("0.463"))], D(4))


# -- combinations ----------------------------------------------------------------------


def test_a_combination_shows_its_legs_where_a_plain_market_is_expected() -> None:
    with pytest.raises(CombinationMarket, match="RAIN yes, SNOW no") as told:
        require_plain(combination())
    assert told.value.legs == (
        Leg("KXRAIN", "RAIN", "yes"),
        Leg("KXSNOW", "SNOW", "no"),
    )
    assert require_plain(market()) == market()


def test_against_a_combination_is_the_other_outcome_of_each_leg() -> None:
    found = against(combination(), [market("SNOW"), market("RAIN")], bound="0.60")
    assert found == [
        HedgeLeg("RAIN", "no", "0.60"),
        HedgeLeg("SNOW", "yes", "0.60"),
    ]


def test_against_the_legs_alone_is_the_same() -> None:
    markets = [market("SNOW"), market("RAIN")]
    assert against(combination().legs, markets) == against(combination(), markets)
    with pytest.raises(BadRequest, match="without legs"):
        against([], markets)
    with pytest.raises(BadRequest, match="SNOW is not among"):
        against(combination().legs, [market("RAIN")])


def test_against_needs_a_combination_and_its_plain_two_sided_markets() -> None:
    with pytest.raises(BadRequest, match="no legs"):
        against(market(), [])
    with pytest.raises(BadRequest, match="SNOW is not among"):
        against(combination(), [market("RAIN")])
    three = tuple(Outcome(x, x, x) for x in ("yes", "no", "tie"))
    with pytest.raises(BadRequest, match="no single outcome"):
        against(combination(), [market("RAIN", outcomes=three), market("SNOW")])
