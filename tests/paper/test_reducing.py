"""Orders that only reduce: what they close is what is held when they arrive."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges import InvalidOrder, OrderStatus
from unified_exchanges.paper import PaperEngine

from .scene import START, D, book, engine


def holding(outcome: str = "yes", **how: Any) -> PaperEngine:
    """An engine that holds ten of an outcome."""
    made = engine(**how)
    made.receive(START, book("100@0.50", "100@0.55"))
    price = "0.55" if outcome == "yes" else "0.50"
    made.place(START, "RAIN", outcome, "buy", price, 10)
    made.advance(START)
    return made


def reduce(made: PaperEngine, size: int, outcome: str = "yes", **how: Any) -> str:
    terms = {"time_in_force": "ioc", "reduce_only": True, "side": "sell", **how}
    return made.place(START, "RAIN", outcome, price="0.01", size=size, **terms)


def held(made: PaperEngine) -> list[tuple[str, Any]]:
    return [(x.outcome, x.size) for x in made.positions()]


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_it_closes_what_is_held_and_the_rest_is_canceled(outcome: str) -> None:
    made = holding(outcome)
    order = made.order(reduce(made, 20, outcome))
    made.advance(START)
    order = made.order(order.order_id)
    assert (order.status, order.filled, order.size) == (OrderStatus.CANCELED, 10, 20)
    assert order.reduce_only
    assert held(made) == []


def test_what_buys_the_other_outcome_closes_as_well() -> None:
    made = holding("yes")
    order_id = made.place(
        START,
        "RAIN",
        "no",
        "buy",
        "0.99",
        20,
        time_in_force="ioc",
        reduce_only=True,
    )
    made.advance(START)
    assert made.order(order_id).filled == 10
    assert held(made) == []


def test_the_second_of_two_on_their_way_finds_nothing_to_reduce() -> None:
    made = holding()
    first, second = reduce(made, 10), reduce(made, 10)
    made.advance(START)
    assert made.order(first).status is OrderStatus.CLOSED
    assert made.order(second).status is OrderStatus.REJECTED
    assert "no position to reduce" in made.find(second).reason
    assert held(made) == []
    assert made.available == made.cash


def test_it_counts_what_is_held_on_arrival_not_when_it_is_sent() -> None:
    made = engine()
    made.receive(START, book("100@0.50", "100@0.55"))
    made.place(START, "RAIN", "yes", "buy", "0.55", 10)
    order_id = reduce(made, 4)
    made.advance(START)
    assert made.order(order_id).filled == 4
    assert held(made) == [("yes", D(6))]


def test_it_does_not_rest_where_outcomes_net() -> None:
    made = holding()
    for how in ({"time_in_force": "gtc"}, {"time_in_force": "fok"}):
        with pytest.raises(InvalidOrder, match="reduce_only"):
            reduce(made, 5, **how)


def test_where_only_what_is_held_is_sold_every_sale_reduces() -> None:
    made = holding(nets=False)
    more = reduce(made, 20)
    made.advance(START)
    assert made.find(more).reason == "not enough cash or contracts"
    resting = made.place(START, "RAIN", "yes", "sell", "0.90", 10, reduce_only=True)
    made.advance(START)
    assert made.order(resting).is_open


def test_it_survives_being_kept() -> None:
    from unified_exchanges.paper.state import read_order, told_order

    made = holding()
    order = made.find(reduce(made, 10))
    assert read_order(told_order(order)).reduce_only
