"""A change of an order that is refused leaves the order as it was, in its place."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from unified_exchanges import (
    SELL,
    InsufficientFunds,
    InvalidOrder,
    InvalidSize,
    OrderRejected,
)
from unified_exchanges.paper import Delays, PaperEngine, RefusedChange
from unified_exchanges.paper.refusals import error_of

from .scene import SECOND, START, D, book, engine, trade


def resting(**how: Any) -> PaperEngine:
    """Ten at 0.50, of 60 before it left: an order that has a place to lose."""
    made = engine()
    made.receive(START, book("100@0.50", "50@0.55"))
    made.place(START, "RAIN", "yes", "buy", "0.50", 10, **how)
    made.advance(START)
    made.receive(START, trade("0.50", "40", SELL))
    made.notices()
    return made


REFUSED: list[tuple[dict[str, Any], dict[str, str], type[Exception]]] = [
    ({}, {"size": "100000"}, InsufficientFunds),
    ({}, {"size": "100000", "price": "0.55"}, InsufficientFunds),
    ({"post_only": True}, {"price": "0.55"}, OrderRejected),
]


@pytest.mark.parametrize(("how", "wish", "error"), REFUSED)
def test_a_refused_change_leaves_the_order_as_it_was(
    how: dict[str, Any], wish: dict[str, str], error: type[Exception]
) -> None:
    made = resting(**how)
    before = attrs.asdict(made.find("paper-1"))
    turn = made.amend(START, "paper-1", **wish)
    made.advance(START)
    [(_, told)] = made.notices()
    assert isinstance(told, RefusedChange)
    assert told.turn == turn
    assert error_of(told.reason) is error
    assert attrs.asdict(made.find("paper-1")) == before
    assert made.available == D(1000) - 5 - 10 * D("0.001")
    made.receive(START, trade("0.50", "63", SELL))
    assert made.order("paper-1").filled == 3


@pytest.mark.parametrize("size", [3, 2])
def test_a_size_that_has_filled_is_refused(size: int) -> None:
    made = resting()
    made.receive(START, trade("0.50", "63", SELL))
    made.notices()
    made.amend(START, "paper-1", size=size)
    made.advance(START)
    [(_, told)] = made.notices()
    assert isinstance(told, RefusedChange)
    assert error_of(told.reason) is InvalidSize
    assert (made.order("paper-1").is_open, made.order("paper-1").filled) == (True, 3)


def test_a_change_that_may_take_takes() -> None:
    made = resting()
    made.amend(START, "paper-1", price="0.55")
    made.advance(START)
    assert made.order("paper-1").filled == 10


def test_a_change_that_finds_its_order_over_is_refused() -> None:
    made = engine(delays=Delays(order=SECOND))
    made.receive(START, book("100@0.50", "50@0.55"))
    made.place(START, "RAIN", "yes", "buy", "0.50", 10)
    made.advance(START + SECOND)
    made.notices()
    turn = made.amend(START + SECOND, "paper-1", price="0.30")
    made.receive(START + SECOND * 3 // 2, trade("0.50", "110", SELL))
    made.advance(START + 2 * SECOND)
    told = [x for _, x in made.notices() if isinstance(x, RefusedChange)]
    assert [x.turn for x in told] == [turn]
    assert error_of(told[0].reason) is InvalidOrder
    assert told[0].reason == (
        "order paper-1 could not be changed; the venue shows it closed with 10 of 10 "
        "filled"
    )
