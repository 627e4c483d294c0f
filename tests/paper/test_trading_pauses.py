"""What a pause around a market that is open keeps from happening, and what it does not."""

from __future__ import annotations

import pytest

from unified_exchanges import SELL, Fill, Liquidity, Order, OrderStatus
from unified_exchanges.paper import Delays, PaperEngine
from unified_exchanges.paper.execution import RefusedChange
from unified_exchanges.paper.refusals import Pause

from .scene import SECOND, START, book, engine, trade

LATER = START + 10 * SECOND
BID = ("RAIN", "yes", "buy", "0.50", 10)


def fills(made: PaperEngine) -> list[tuple[str, Liquidity | None]]:
    told = [x for _, x in made.notices() if isinstance(x, Fill)]
    return [(str(x.size), x.liquidity) for x in told]


@pytest.fixture
def made() -> PaperEngine:
    """Trading is paused, and a bid rests."""
    made = engine()
    made.receive(START, book("100@0.40", "100@0.60"))
    made.place(START, *BID)
    made.advance(START)
    made.pause(START + SECOND, "RAIN", "trading")
    made.notices()
    return made


@pytest.mark.parametrize("pause", ["trading", "venue"])
def test_what_arrives_is_refused(made: PaperEngine, pause: Pause) -> None:
    made.pause(LATER, "RAIN", pause)
    made.place(LATER, "RAIN", "yes", "buy", "0.60", 1)
    turn = made.amend(LATER, "paper-1", size=5)
    made.advance(LATER)
    order, change = (x for _, x in made.notices())
    assert isinstance(order, Order)
    assert order.status is OrderStatus.REJECTED
    assert isinstance(change, RefusedChange)
    assert change.turn == turn
    assert "paused" in change.reason
    assert made.find("paper-1").size == 10


def test_what_was_sent_before_it_is_refused_where_it_arrives_in_it() -> None:
    made = engine(delays=Delays(order=2 * SECOND))
    made.receive(START, book("100@0.40", "100@0.60"))
    name = made.place(START, *BID)
    made.pause(START + SECOND, "RAIN", "trading")
    made.advance(START + 2 * SECOND)
    assert made.find(name).status is OrderStatus.REJECTED


def test_a_cancel_that_arrives_while_the_whole_venue_is_paused_is_refused() -> None:
    made = engine(delays=Delays(order=2 * SECOND))
    made.receive(START, book("100@0.40", "100@0.60"))
    name = made.place(START, *BID)
    made.advance(START + 2 * SECOND)
    made.notices()
    turn = made.cancel(START + 3 * SECOND, name)
    made.pause(START + 4 * SECOND, "RAIN", "venue")
    made.advance(START + 5 * SECOND)
    [change] = (x for _, x in made.notices())
    assert isinstance(change, RefusedChange)
    assert change.turn == turn
    assert "cancels included" in change.reason
    assert made.find(name).status is OrderStatus.OPEN
    # Of what is over nobody is told anything.
    made.pause(START + 6 * SECOND, "RAIN", "trading")
    made.cancel(START + 6 * SECOND, name)
    made.cancel(START + 7 * SECOND, name)
    made.advance(START + 8 * SECOND)
    made.pause(START + 8 * SECOND, "RAIN", "venue")
    made.advance(START + 9 * SECOND)
    [order] = (x for _, x in made.notices())
    assert isinstance(order, Order)
    assert order.status is OrderStatus.CANCELED


def test_no_book_fills_what_rests_until_trading_goes_on(made: PaperEngine) -> None:
    made.receive(LATER, book("", "100@0.45"))
    assert fills(made) == []
    made.pause(LATER + SECOND, "RAIN", None)
    assert fills(made) == [("10", Liquidity.MAKER)]


def test_who_came_without_a_book_takes_nothing_until_then() -> None:
    made = engine()
    made.place(START, *BID)
    made.advance(START)
    made.pause(START + SECOND, "RAIN", "trading")
    made.receive(LATER, book("", "100@0.45"))
    assert fills(made) == []
    made.pause(LATER + SECOND, "RAIN", None)
    assert fills(made) == [("10", Liquidity.TAKER)]


def test_a_trade_of_before_that_is_told_late_fills_what_rests(
    made: PaperEngine,
) -> None:
    made.receive(LATER, trade("0.45", "10", taker=None, moment=START + 1))
    assert fills(made) == []
    made.receive(LATER, book("100@0.40", "100@0.60"))
    made.receive(LATER, trade("0.45", "10", SELL, moment=START + SECOND // 2))
    assert fills(made) == [("10", Liquidity.MAKER)]


def test_what_rests_may_be_canceled_and_expire(made: PaperEngine) -> None:
    made.cancel(LATER, "paper-1")
    made.advance(LATER)
    assert made.find("paper-1").status is OrderStatus.CANCELED
