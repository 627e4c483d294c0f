"""Where a resting order stands, what moves it up, and what fills it."""

from __future__ import annotations

import pytest

from unified_exchanges import BUY, SELL, Fill, Gap, Side
from unified_exchanges.paper import PaperEngine, at

from .scene import SECOND, START, D, book, engine, trade


@pytest.fixture
def resting() -> PaperEngine:
    """An order to buy 10 at 0.50 behind 100 others."""
    made = engine()
    made.receive(START, book("100@0.50", "50@0.55"))
    made.place(START, "RAIN", "yes", "buy", "0.50", 10)
    made.advance(START)
    made.notices()
    return made


def fills(made: PaperEngine) -> list[tuple[str, str]]:
    told = (x for _, x in made.notices() if isinstance(x, Fill))
    return [(str(x.size), str(x.price)) for x in told]


def ahead(made: PaperEngine) -> str:
    return str(next(iter(made.pits["RAIN"].orders)).ahead)


def test_an_order_stands_behind_all_that_is_shown(resting: PaperEngine) -> None:
    assert ahead(resting) == "100"


def test_an_order_at_a_price_that_nobody_shows_is_first() -> None:
    made = engine()
    made.receive(START, book("100@0.50", "50@0.55"))
    made.place(START, "RAIN", "yes", "buy", "0.51", 10)
    made.advance(START)
    assert ahead(made) == "0"


def test_a_trade_passes_those_ahead_first(resting: PaperEngine) -> None:
    resting.receive(START, trade("0.50", "60", SELL))
    assert (ahead(resting), fills(resting)) == ("40", [])


def test_what_a_trade_leaves_over_fills(resting: PaperEngine) -> None:
    resting.receive(START, trade("0.50", "104", SELL))
    assert (ahead(resting), fills(resting)) == ("0", [("4", "0.50")])


def test_cancels_are_taken_to_be_of_those_behind(resting: PaperEngine) -> None:
    resting.receive(START, book("180@0.50", "50@0.55"))
    resting.receive(START, book("120@0.50", "50@0.55"))
    assert ahead(resting) == "100"


def test_no_more_are_ahead_than_are_shown(resting: PaperEngine) -> None:
    resting.receive(START, book("70@0.50", "50@0.55"))
    assert ahead(resting) == "70"


def test_a_trade_that_the_book_has_shown_before_counts_once(
    resting: PaperEngine,
) -> None:
    resting.receive(START, book("70@0.50", "50@0.55"))
    resting.receive(START, trade("0.50", "30", SELL))
    assert ahead(resting) == "70"


def test_a_trade_that_the_book_shows_later_counts_once(resting: PaperEngine) -> None:
    resting.receive(START, trade("0.50", "30", SELL))
    resting.receive(START, book("70@0.50", "50@0.55"))
    assert ahead(resting) == "70"


def test_a_trade_beyond_the_price_would_have_met_the_order(
    resting: PaperEngine,
) -> None:
    resting.receive(START, trade("0.49", "3", SELL))
    assert fills(resting) == [("3", "0.50")]


def test_a_trade_beyond_the_price_has_passed_all_who_were_ahead(
    resting: PaperEngine,
) -> None:
    resting.receive(START, trade("0.49", "3", SELL))
    resting.receive(START, trade("0.50", "4", SELL))
    assert fills(resting) == [("3", "0.50"), ("4", "0.50")]


def test_offers_that_reach_the_order_fill_it_at_its_own_price(
    resting: PaperEngine,
) -> None:
    resting.receive(START, book("", "4@0.48 90@0.51"))
    assert fills(resting) == [("4", "0.50")]


def test_offers_that_filled_an_order_are_not_there_for_another(
    resting: PaperEngine,
) -> None:
    resting.receive(START, book("", "4@0.48 90@0.53"))
    resting.receive(START, book("", "4@0.48 90@0.53"))
    assert fills(resting) == [("4", "0.50")]


@pytest.mark.parametrize(
    ("taker", "is_block"), [(None, False), (BUY, False), (SELL, True)]
)
def test_a_trade_that_may_not_have_met_the_order_moves_nothing(
    resting: PaperEngine, taker: Side | None, is_block: bool
) -> None:
    resting.receive(START, trade("0.50", "200", taker, is_block=is_block))
    assert (ahead(resting), fills(resting)) == ("100", [])


def test_a_trade_from_before_the_order_came_fills_nothing(
    resting: PaperEngine,
) -> None:
    resting.receive(START + 1, trade("0.50", "200", SELL, moment=START - SECOND))
    assert (ahead(resting), fills(resting)) == ("100", [])


def test_two_orders_share_one_trade(resting: PaperEngine) -> None:
    resting.place(START, "RAIN", "yes", "buy", "0.50", 10)
    resting.advance(START)
    resting.receive(START, trade("0.50", "114", SELL))
    assert fills(resting) == [("10", "0.50"), ("4", "0.50")]


def rest(made: PaperEngine, price: str, size: int) -> None:
    made.place(made.moment, "RAIN", "yes", "buy", price, size)
    made.advance(made.moment)


def test_what_filled_a_first_order_has_passed_nobody_before_a_second() -> None:
    made = engine()
    made.receive(START, book("", "50@0.55"))
    rest(made, "0.50", 10)
    made.receive(START, book("20@0.50", "50@0.55"))
    rest(made, "0.50", 10)
    made.notices()
    made.receive(START, trade("0.50", "20", SELL))
    # It met ten of ours, and ten of the twenty between our two.
    assert fills(made) == [("10", "0.50")]
    made.receive(START, trade("0.50", "13", SELL))
    assert fills(made) == [("3", "0.50")]


def test_those_who_did_not_trade_for_our_better_price_stay_before_the_other() -> None:
    made = engine()
    made.receive(START, book("5@0.51 5@0.50", "50@0.55"))
    rest(made, "0.51", 10)
    rest(made, "0.50", 10)
    made.notices()
    for price, size in (("0.51", "15"), ("0.50", "5"), ("0.49", "8")):
        made.receive(START, trade(price, size, SELL))
    # Of 28 our better bid took 10, and others 18 of the 20 who stood before the second.
    assert fills(made) == [("10", "0.51")]
    made.receive(START, trade("0.49", "4", SELL))
    assert fills(made) == [("2", "0.50")]


def test_offers_meet_those_first_who_did_not_trade_for_ours() -> None:
    made = engine()
    made.receive(START, book("", "50@0.55"))
    rest(made, "0.51", 10)
    rest(made, "0.50", 10)
    made.notices()
    made.receive(START, trade("0.51", "10", SELL))
    made.receive(START, book("", "14@0.50"))
    assert fills(made) == [("10", "0.51"), ("4", "0.50")]
    made.receive(START, book("", "14@0.50"))
    assert fills(made) == []


def test_a_better_price_fills_first(resting: PaperEngine) -> None:
    resting.place(START, "RAIN", "yes", "buy", "0.51", 10)
    resting.advance(START)
    resting.receive(START, trade("0.50", "112", SELL))
    # Those ahead at 0.50 took 100 of it, and the better order 10 of what is left.
    assert fills(resting) == [("10", "0.51"), ("2", "0.50")]


def test_an_order_for_the_other_outcome_is_in_the_same_book() -> None:
    made = engine()
    made.receive(START, book("100@0.50", "50@0.55"))
    made.place(START, "RAIN", "no", "buy", "0.45", 10)
    made.advance(START)
    made.notices()
    made.receive(START, trade("0.55", "56", BUY))
    assert fills(made) == [("6", "0.45")]


def test_the_book_of_the_other_outcome_tells_the_same() -> None:
    made = engine()
    made.receive(START, book("100@0.45", "50@0.50", outcome="no"))
    made.place(START, "RAIN", "yes", "buy", "0.55", 10)
    made.advance(START)
    assert fills(made) == [("10", "0.55")]


def test_a_second_telling_of_the_same_orders_is_not_heard(
    resting: PaperEngine,
) -> None:
    resting.receive(START, trade("0.50", "200", BUY, outcome="no"))
    assert (ahead(resting), fills(resting)) == ("100", [])


def test_a_smaller_size_keeps_the_place(resting: PaperEngine) -> None:
    resting.receive(START, trade("0.50", "60", SELL))
    resting.amend(START, "paper-1", size=5)
    resting.advance(START)
    assert ahead(resting) == "40"


@pytest.mark.parametrize("amendment", [{"size": "11"}, {"price": "0.49"}])
def test_any_other_amendment_gives_up_the_place(
    resting: PaperEngine, amendment: dict[str, str]
) -> None:
    resting.receive(START, trade("0.50", "60", SELL))
    resting.receive(START, book("90@0.50 90@0.49", "50@0.55"))
    resting.amend(START, "paper-1", **amendment)
    resting.advance(START)
    assert ahead(resting) == "90"


def test_after_a_gap_nothing_is_offered_until_the_next_book(
    resting: PaperEngine,
) -> None:
    gap = Gap(subject=None, reason="lost", at=at(START))
    resting.receive(START, gap)
    resting.place(START, "RAIN", "yes", "buy", "0.60", 10, time_in_force="ioc")
    resting.advance(START)
    assert fills(resting) == []
    assert resting.cash == D(1000)
