"""What a pause leaves of what rests, at the venues that cancel it when trading resumes."""

from __future__ import annotations

import attrs
import pytest

from unified_exchanges import Fill, MarketStatus, Order, exchange
from unified_exchanges.paper import FREE, Contract, PaperEngine
from unified_exchanges.paper.kept import changed, restored

from .scene import SECOND, START, book, change, contract, trade

LATER = START + 10 * SECOND
PAUSED, OPEN = change(MarketStatus.PAUSED), change(MarketStatus.OPEN)


def begun(*, empties: bool = True) -> PaperEngine:
    made = PaperEngine(
        [attrs.evolve(contract(), cancels_after_pause=empties)], cash="1000"
    )
    made.receive(START, book("100@0.40", "100@0.50"))
    made.place(START, "RAIN", "yes", "buy", "0.30", 10)
    made.advance(START)
    made.receive(START + SECOND, PAUSED)
    made.notices()
    return made


def orders(made: PaperEngine) -> list[Order]:
    return [x for _, x in made.notices() if isinstance(x, Order)]


def test_what_rests_stays_while_trading_is_paused() -> None:
    made = begun()
    made.receive(LATER, book("90@0.40", "100@0.50"))
    assert orders(made) == []
    assert [x.order_id for x in made.open_orders()] == ["paper-1"]


def test_what_rests_is_canceled_when_trading_resumes_and_says_why() -> None:
    made = begun()
    made.receive(LATER, OPEN)
    [told] = orders(made)
    assert told.status == "canceled"
    assert "resumed trading after a pause" in told.raw_json.decode()
    assert made.open_orders() == []
    assert made.available == made.cash


def test_where_the_venue_keeps_what_rests_so_does_paper() -> None:
    made = begun(empties=False)
    made.receive(LATER, OPEN)
    assert orders(made) == []
    made.receive(LATER, trade("0.29", "10", taker=None, moment=LATER))
    made.receive(LATER, book("", "10@0.30"))
    assert [str(x.size) for _, x in made.notices() if isinstance(x, Fill)] == ["10"]


def test_the_book_from_before_offers_nothing_any_more() -> None:
    made = begun()
    made.receive(LATER, OPEN)
    made.place(LATER, "RAIN", "yes", "buy", "0.50", 5, time_in_force="ioc")
    rests = made.place(LATER, "RAIN", "yes", "buy", "0.40", 5)
    made.advance(LATER)
    assert [str(x.status) for x in orders(made)] == ["canceled", "canceled", "open"]
    made.receive(LATER + SECOND, book("3@0.40", "7@0.50"))
    assert made.find(rests).ahead == 3


def test_what_was_taken_of_that_book_is_not_missing_in_the_next() -> None:
    made = begun()
    made.receive(LATER, OPEN)
    made.receive(LATER, book("100@0.40", "100@0.50"))
    made.place(LATER, "RAIN", "yes", "buy", "0.50", 60, time_in_force="ioc")
    made.receive(LATER + SECOND, PAUSED)
    made.receive(LATER + 2 * SECOND, OPEN)
    made.notices()
    made.receive(LATER + 3 * SECOND, book("", "100@0.50"))
    made.place(LATER + 3 * SECOND, "RAIN", "yes", "buy", "0.50", 100)
    made.advance(LATER + 3 * SECOND)
    sizes = [str(x.size) for _, x in made.notices() if isinstance(x, Fill)]
    assert sizes == ["100"]


def test_a_book_that_was_told_to_be_empty_is_believed() -> None:
    made = begun()
    made.receive(LATER, book())
    made.receive(LATER, OPEN)
    rests = made.place(LATER, "RAIN", "yes", "buy", "0.40", 5)
    made.advance(LATER)
    assert not made.find(rests).is_blind


def test_open_told_once_more_cancels_nothing() -> None:
    made = begun()
    made.receive(LATER, OPEN)
    made.place(LATER, "RAIN", "yes", "buy", "0.30", 10)
    made.receive(LATER + SECOND, OPEN)
    assert len(made.open_orders()) == 1


def test_who_went_on_from_a_file_within_a_pause_has_it_canceled_too() -> None:
    made = begun()
    kept = restored(
        changed(made, ()), lambda _: made.pits["RAIN"].contract, made.delays
    ).engine
    assert len(kept.open_orders()) == 1
    kept.receive(LATER, OPEN)
    assert kept.open_orders() == []


@pytest.mark.parametrize(
    ("venue", "empties"), [("kalshi", True), ("polymarket", False)]
)
def test_it_is_a_fact_of_the_venue(venue: str, *, empties: bool) -> None:
    with exchange(venue) as real:
        facts = real.describe()
        terms = Contract.of(facts, contract().market, FREE)
    assert facts.resting_after_pause == ("canceled" if empties else "kept")
    assert terms.cancels_after_pause is empties
