"""Caps on orders: what they refuse was never sent."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.watching.samples import book
from unified_exchanges.errors import (
    BadRequest,
    GuardTripped,
    InvalidOrder,
    RateLimitExceeded,
)
from unified_exchanges.guards import GUARDS, GuardPolicy, Guards
from unified_exchanges.guards.collar import check_collar
from unified_exchanges.guards.losses import DayLoss
from unified_exchanges.guards.worst import Claim, opening
from unified_exchanges.models import BUY, SELL

D = Decimal


def test_fault_14_an_order_above_the_cap_is_refused() -> None:
    guards = Guards(GuardPolicy(max_order_cost=Decimal(10)))
    guards.check_cost(Decimal(10), "buy 20")
    with pytest.raises(
        GuardTripped, match=r"buy 21 would take 10\.01 dollars"
    ) as caught:
        guards.check_cost(Decimal("10.01"), "buy 21")
    told = caught.value
    assert (told.guard, told.limit, told.value) == (
        "max_order_cost",
        D(10),
        D("10.01"),
    )
    assert isinstance(told, InvalidOrder)


def test_fault_14_orders_come_at_a_bounded_rate() -> None:
    guards = Guards(GuardPolicy(max_orders=3, seconds=10.0))
    guards.admit(2, 0.0, "a")
    guards.admit(1, 4.0, "b")
    with pytest.raises(
        RateLimitExceeded, match="more than 3 orders within 10 s"
    ) as told:
        guards.admit(1, 5.0, "c")
    assert told.value.retry_after == 5.0
    guards.admit(2, 10.0, "d")
    with pytest.raises(RateLimitExceeded):
        guards.admit(1, 10.0, "e")


def test_a_batch_above_the_rate_is_refused_whole() -> None:
    guards = Guards(GuardPolicy(max_orders=3))
    with pytest.raises(RateLimitExceeded) as told:
        guards.admit(4, 0.0, "batch")
    assert told.value.retry_after is None
    guards.admit(3, 0.0, "batch")


def test_caps_can_be_switched_off() -> None:
    guards = Guards(GuardPolicy(max_order_cost=None, max_orders=None))
    guards.check_cost(Decimal(10) ** 12, "all")
    guards.check_market("ANY", "all")
    guards.admit(10**6, 0.0, "all")


# -- the policy ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        {"max_order_cost": 5},
        {"max_order_cost": D(0)},
        {"max_order_cost": 0.5},
        {"max_exposure": D("NaN")},
        {"max_exposure": D("Infinity")},
        {"max_exposure": True},
        {"max_market_exposure": "100"},
        {"max_daily_loss": D(-1)},
        {"price_collar": D(0)},
        {"max_orders": 0},
        {"max_orders": 1.0},
        {"max_orders": True},
        {"seconds": 0},
        {"seconds": nan},
        {"seconds": True},
        {"account_age": -1},
        {"account_age": inf},
        {"account_age": "1"},
        {"without_book": "wait"},
        {"allowed_markets": 5},
        {"allowed_markets": ["A", 5]},
        {"allowed_markets": ["A", " "]},
        {"read_only": 1},
        {"read_only": None},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(words: dict[str, Any]) -> None:
    (name,) = words
    with pytest.raises(BadRequest, match=f"{name} must be"):
        GuardPolicy(**words)


def test_a_policy_tells_which_guards_are_on() -> None:
    assert GuardPolicy().on == {
        "max_order_cost": D(100_000),
        "max_orders": 1_000,
        "max_market_exposure": D(250_000),
        "max_exposure": D(1_000_000),
        "price_collar": D("0.50"),
    }
    every = GuardPolicy(
        max_daily_loss=D(5),
        allowed_markets=["A", "B*"],
        read_only=True,
        raw_writes=False,
        account_age=0,
    )
    assert every.on.keys() == GUARDS
    assert every.on["raw_writes"] is False
    assert every.allowed_markets == ("A", "B*")


def test_nothing_changes_a_policy() -> None:
    guards = Guards(GuardPolicy())
    with pytest.raises(AttributeError):
        guards.policy.max_orders = 5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        guards.policy = GuardPolicy()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("patterns", "market_id", "is_allowed"),
    [
        (["KXA-1"], "KXA-1", True),
        (["KXA-1"], "KXA-10", False),
        (["KXA-1"], "kxa-1", False),
        ("KXBTC*", "KXBTCD-26", True),
        (["KXA*", "KXB?-1"], "KXB2-1", True),
        ([], "KXA-1", False),
    ],
)
def test_markets_are_allowed_by_id_or_pattern(
    patterns: Any, market_id: str, is_allowed: bool
) -> None:
    guards = Guards(GuardPolicy(allowed_markets=patterns))
    if is_allowed:
        guards.check_market(market_id, "buy")
        return
    with pytest.raises(GuardTripped, match=f"{market_id} is not among") as caught:
        guards.check_market(market_id, "buy")
    assert (caught.value.guard, caught.value.value) == ("allowed_markets", market_id)


def test_the_error_survives_being_pickled() -> None:
    error = GuardTripped("no", guard="max_exposure", limit=D(1), value=D(2))
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.guard, copied.limit, copied.value) == ("max_exposure", D(1), D(2))


# -- the collar ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "is_refused"),
    [
        (BUY, "0.60", False),
        (BUY, "0.65", False),
        (BUY, "0.66", True),
        (BUY, "0.01", False),
        (SELL, "0.35", False),
        (SELL, "0.34", True),
        (SELL, "0.99", False),
    ],
)
def test_a_limit_may_be_so_much_worse_than_the_book(
    side: Any, price: str, is_refused: bool
) -> None:
    seen = book(bids={"0.40": 5}, asks={"0.60": 5})
    if not is_refused:
        check_collar(D("0.05"), seen, side, D(price), "order")
        return
    with pytest.raises(GuardTripped, match=r"0\.06 worse than the best") as caught:
        check_collar(D("0.05"), seen, side, D(price), "order")
    assert (caught.value.limit, caught.value.value) == (D("0.05"), D("0.06"))


def test_where_nobody_is_on_the_other_side_there_is_nothing_to_compare_with() -> None:
    check_collar(D("0.05"), book(bids={"0.40": 5}), BUY, D("0.99"), "order")


# -- the loss of a day -----------------------------------------------------------------


def test_a_loss_counts_from_the_first_look_of_the_day() -> None:
    loss = DayLoss(D(50))
    day, next_day = date(2026, 11, 28), date(2026, 11, 29)
    loss.check("buy")
    loss.look(day, D(1000), D("950.01"))
    loss.check("buy")
    assert not loss.is_reached
    loss.look(day, D(1000), D(950))
    assert loss.is_reached
    with pytest.raises(GuardTripped, match="50 dollars were lost on 2026-11-28"):
        loss.check("buy")
    assert (loss.is_of(day), loss.is_of(next_day)) == (True, False)
    loss.look(next_day, D(950), D(940))
    loss.check("buy")


# -- what orders and a position put at risk ---------------------------------------------


def claim(side: Any, price: str, size: int, *, is_reducing: bool = False) -> Claim:
    return Claim(side, D(price), D(size), is_reducing)


@pytest.mark.parametrize(
    ("claims", "held", "taken"),
    [
        ([claim(BUY, "0.40", 10)], 0, "4"),
        ([claim(SELL, "0.40", 10)], 0, "6"),
        ([claim(SELL, "0.40", 10)], 10, "0"),
        ([claim(SELL, "0.40", 15)], 10, "3"),
        ([claim(BUY, "0.40", 15)], -10, "2"),
        ([claim(BUY, "0.40", 10), claim(SELL, "0.50", 10)], 0, "9"),
        # What is dearer may fill last, and then it opens.
        ([claim(SELL, "0.40", 10), claim(SELL, "0.90", 10)], 10, "6"),
        # What only closes may fill first, and then the other opens.
        ([claim(SELL, "0.90", 10), claim(SELL, "0.40", 10, is_reducing=True)], 10, "1"),
        ([claim(SELL, "0.40", 10, is_reducing=True)], 0, "0"),
        ([], 10, "0"),
    ],
)
def test_what_orders_open_at_most(claims: list[Claim], held: int, taken: str) -> None:
    assert opening(claims, D(held)) == D(taken)


CLAIMS = st.builds(
    Claim,
    st.sampled_from([BUY, SELL]),
    st.integers(1, 99).map(lambda cents: D(cents) / 100),
    st.integers(1, 20).map(D),
    st.booleans(),
)


@given(st.lists(CLAIMS, max_size=5), st.integers(-20, 20), st.data())
def test_no_order_of_fills_takes_more(
    claims: list[Claim], held: int, data: st.DataObject
) -> None:
    most = opening(claims, D(held))
    net, taken = D(held), D(0)
    for x in data.draw(st.permutations(claims)):
        filled = D(data.draw(st.integers(0, int(x.size))))
        sign = 1 if x.side is BUY else -1
        covered = max(D(0), -net * sign)
        if x.is_reducing:
            filled = min(filled, covered)
        closed = min(filled, covered)
        net += sign * filled
        taken += x.unit * (filled - closed)
    assert taken <= most
