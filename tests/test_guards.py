"""Caps on orders: what they refuse was never sent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges.errors import BadRequest, InvalidOrder, RateLimitExceeded
from unified_exchanges.guards import GuardPolicy, Guards


def test_fault_14_an_order_above_the_cap_is_refused() -> None:
    guards = Guards(GuardPolicy(max_order_cost=Decimal(10)))
    guards.check_cost(Decimal(10), "buy 20")
    with pytest.raises(InvalidOrder, match=r"buy 21 would take 10\.01 dollars"):
        guards.check_cost(Decimal("10.01"), "buy 21")


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
    guards.admit(10**6, 0.0, "all")


@pytest.mark.parametrize(
    "words",
    [{"max_order_cost": 5}, {"max_order_cost": Decimal(0)}, {"max_orders": 0}],
)
def test_a_cap_is_an_exact_number_above_nought(words: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=next(iter(words))):
        GuardPolicy(**words)  # type: ignore[arg-type]
