"""A book whose bids reach its asks: nothing of it is offered, on paper and in a backtest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unified_exchanges import BUY, Fill, Liquidity, Order, OrderStatus, Side
from unified_exchanges.paper import PaperEngine
from unified_exchanges.paper.broker import PaperBroker

from .scene import SECOND, START, D, book, contract, engine, trade

CROSSED = book("100@0.50", "100@0.45")
LOCKED = book("100@0.50", "100@0.50")
torn = pytest.mark.parametrize("shown", [CROSSED, LOCKED], ids=["crossed", "locked"])


def fills(made: PaperEngine) -> list[Fill]:
    return [x for _, x in made.notices() if isinstance(x, Fill)]


@torn
@pytest.mark.parametrize(
    ("word", "status"), [("ioc", OrderStatus.CANCELED), ("fok", OrderStatus.REJECTED)]
)
def test_what_must_fill_at_once_ends_unfilled(
    shown: object, word: str, status: OrderStatus
) -> None:
    made = engine()
    made.receive(START, shown)  # type: ignore[arg-type]
    order_id = made.place(START, "RAIN", "yes", BUY, "0.50", 10, time_in_force=word)
    made.advance(START)
    order = made.order(order_id)
    assert (order.status, order.filled) == (status, 0)
    assert fills(made) == []


@torn
def test_what_would_rest_waits_for_the_next_book_and_takes_what_that_offers(
    shown: object,
) -> None:
    made = engine()
    made.receive(START, shown)  # type: ignore[arg-type]
    order_id = made.place(START, "RAIN", "yes", BUY, "0.50", 10)
    made.advance(START)
    made.receive(START, shown)  # type: ignore[arg-type]
    told = [x for _, x in made.notices()]
    assert [type(x) for x in told] == [Order]
    assert made.order(order_id).is_open
    made.receive(START + SECOND, book("100@0.44", "4@0.48 100@0.49"))
    assert [(x.price, x.size, x.liquidity) for x in fills(made)] == [
        (D("0.48"), 4, Liquidity.TAKER),
        (D("0.49"), 6, Liquidity.TAKER),
    ]


@torn
def test_what_rests_is_not_filled_by_it_and_keeps_its_place(shown: object) -> None:
    made = engine()
    made.receive(START, book("20@0.48", "20@0.60"))
    order_id = made.place(START, "RAIN", "yes", BUY, "0.50", 10)
    made.place(START, "RAIN", "yes", BUY, "0.48", 10)
    made.advance(START)
    made.receive(START + SECOND, shown)  # type: ignore[arg-type]
    assert fills(made) == []
    assert made.find("paper-3").ahead == 20
    made.receive(START + 2 * SECOND, book("20@0.48", "20@0.60"))
    assert fills(made) == []
    made.receive(START + 3 * SECOND, trade("0.48", "25", Side.SELL))
    assert [(x.order_id == order_id, x.size) for x in fills(made)] == [(True, 10)]


def test_a_trade_fills_what_rests_also_then() -> None:
    made = engine()
    made.receive(START, book("", "20@0.60"))
    made.place(START, "RAIN", "yes", BUY, "0.50", 10)
    made.advance(START)
    made.receive(START + SECOND, CROSSED)
    made.receive(START + SECOND, trade("0.50", "4", Side.SELL))
    assert [x.size for x in fills(made)] == [4]


def test_what_was_taken_stays_taken_when_the_book_comes_back() -> None:
    made = engine()
    whole = book("100@0.44", "10@0.50")
    made.receive(START, whole)
    made.place(START, "RAIN", "yes", BUY, "0.50", 10, time_in_force="ioc")
    made.advance(START)
    assert len(fills(made)) == 1
    made.receive(START + SECOND, CROSSED)
    made.receive(START + 2 * SECOND, whole)
    made.place(START + 2 * SECOND, "RAIN", "yes", BUY, "0.50", 10, time_in_force="ioc")
    made.advance(START + 2 * SECOND)
    assert fills(made) == []


def test_a_position_has_no_mark_while_the_book_is_crossed() -> None:
    made = engine()
    made.receive(START, book("100@0.44", "10@0.50"))
    made.place(START, "RAIN", "yes", BUY, "0.50", 10)
    made.advance(START)
    made.receive(START + SECOND, CROSSED)
    assert [x.mark_price for x in made.positions()] == [None]


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_the_broker_on_paper_holds_it_the_same_whichever_outcome_tells(
    outcome: str,
) -> None:
    now: Callable[[], int] = lambda: START  # noqa: E731
    broker = PaperBroker(cash="1000", now=now)
    broker.admit(contract())
    broker.hear(CROSSED if outcome == "yes" else CROSSED.complement("no"))
    order_id = broker.place("RAIN", "yes", BUY, "0.50", 10, time_in_force="ioc")
    broker.advance()
    order = broker.arrived(order_id)
    assert order is not None
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
