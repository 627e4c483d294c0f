"""The two ids of an order: one does not stand in for the other."""

from __future__ import annotations

import pytest

from unified_exchanges import OrderNotFound
from unified_exchanges.paper import PaperEngine

from .scene import START, book, engine


@pytest.fixture
def made() -> PaperEngine:
    """Order 3 was placed second, and the first is called by its order id."""
    found = engine()
    found.receive(START, book("100@0.50", "50@0.55"))
    found.place(START, "RAIN", "yes", "buy", "0.10", 7, client_order_id="paper-3")
    found.place(START, "RAIN", "yes", "buy", "0.10", 2)
    found.advance(START)
    return found


def test_a_client_order_id_hides_no_order(made: PaperEngine) -> None:
    assert [x.order_id for x in made.open_orders()] == ["paper-1", "paper-3"]
    assert made.order("paper-3").size == 2
    assert made.find_client("paper-3").order_id == "paper-1"


def test_a_cancel_ends_the_order_of_the_id(made: PaperEngine) -> None:
    made.cancel(START, "paper-3")
    made.advance(START)
    assert [x.size for x in made.open_orders()] == [7]


def test_a_change_changes_the_order_of_the_id(made: PaperEngine) -> None:
    made.amend(START, "paper-3", size=1)
    made.advance(START)
    assert [x.size for x in made.open_orders()] == [7, 1]


def test_an_order_without_a_client_order_id_takes_none(made: PaperEngine) -> None:
    assert made.order("paper-3").client_order_id is None
    made.place(START, "RAIN", "yes", "buy", "0.10", 1, client_order_id="paper-7")
    made.place(START, "RAIN", "yes", "buy", "0.10", 3)
    assert made.find("paper-7").size == 3


def test_each_id_is_looked_up_as_what_it_is(made: PaperEngine) -> None:
    made.place(START, "RAIN", "yes", "buy", "0.10", 1, client_order_id="mine")
    with pytest.raises(OrderNotFound, match="mine"):
        made.find("mine")
    with pytest.raises(OrderNotFound, match="paper-1"):
        made.find_client("paper-1")
