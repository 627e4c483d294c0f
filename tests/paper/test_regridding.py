"""A grid that changes while an order or a change is on its way."""

from __future__ import annotations

import attrs
import pytest

from unified_exchanges import InvalidPrice, OrderStatus, PriceGrid
from unified_exchanges.paper import Delays, PaperEngine, RefusedChange
from unified_exchanges.paper.refusals import error_of

from .scene import SECOND, START, D, book, change, engine

COARSE = attrs.evolve(change(), grid=PriceGrid.of("0.10"))


@pytest.fixture
def made() -> PaperEngine:
    """Five at 0.52 for the first outcome, which rest."""
    found = engine(delays=Delays(order=SECOND))
    found.receive(START, book("100@0.50", "100@0.60"))
    found.place(START, "RAIN", "yes", "buy", "0.52", 5)
    found.advance(START + SECOND)
    found.notices()
    return found


@pytest.mark.parametrize(("outcome", "price"), [("yes", "0.53"), ("no", "0.45")])
def test_an_order_that_is_off_the_grid_on_its_arrival_is_refused(
    made: PaperEngine, outcome: str, price: str
) -> None:
    moment = START + SECOND
    off = made.place(moment, "RAIN", outcome, "buy", price, 5)
    on = made.place(moment, "RAIN", outcome, "buy", "0.40", 5)
    made.receive(moment + 1, COARSE)
    made.advance(moment + SECOND)
    assert made.order(off).status is OrderStatus.REJECTED
    assert error_of(made.find(off).reason) is InvalidPrice
    assert made.order(on).is_open


def test_a_change_to_a_price_off_the_grid_is_refused_and_the_order_stays(
    made: PaperEngine,
) -> None:
    moment = START + SECOND
    made.amend(moment, "paper-1", price="0.51")
    made.receive(moment + 1, COARSE)
    made.advance(moment + SECOND)
    [told] = [x for _, x in made.notices() if isinstance(x, RefusedChange)]
    assert error_of(told.reason) is InvalidPrice
    [order] = made.open_orders()
    assert order.price == D("0.52")


def test_what_rests_keeps_its_price_and_may_change_its_size(made: PaperEngine) -> None:
    moment = START + SECOND
    made.receive(moment + 1, COARSE)
    made.amend(moment + 1, "paper-1", size=9)
    made.advance(moment + 2 * SECOND)
    [order] = made.open_orders()
    assert (order.price, order.size) == (D("0.52"), D(9))
