"""A trade that was told took what it took, also before the book shows that."""

from __future__ import annotations

import attrs
import pytest

from unified_exchanges import BUY, SELL, Fill, Gap, OrderBook
from unified_exchanges.paper import PaperEngine, at

from .scene import SECOND, START, book, engine, trade

MS = 1_000_000
NOW = START + SECOND
ASKS = "100@0.55 50@0.56 30@0.60"


def shown(asks: str, moment: int | None, bids: str = "100@0.50") -> OrderBook:
    made = book(bids, asks)
    return made if moment is None else attrs.evolve(made, timestamp=at(moment))


def quoted(moment: int | None = START, asks: str = ASKS) -> PaperEngine:
    made = engine()
    made.receive(START, shown(asks, moment))
    return made


def taken(made: PaperEngine, price: str = "0.56", side: str = "buy") -> list[str]:
    """What an order finds that would take everything up to a price."""
    made.place(made.moment, "RAIN", "yes", side, price, 999, time_in_force="ioc")
    made.advance(made.moment)
    told = [x for _, x in made.notices() if isinstance(x, Fill)]
    return [f"{x.size}@{x.price}" for x in told]


def test_a_level_that_a_told_trade_has_consumed_is_not_there() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "100", moment=NOW))
    assert taken(made, "0.55") == []


def test_what_a_trade_left_of_a_level_is_there() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, trade("0.55", "10", moment=NOW))
    assert taken(made) == ["30@0.55", "50@0.56"]


def test_what_was_better_than_a_trade_is_gone_as_well() -> None:
    made = quoted()
    made.receive(NOW, trade("0.56", "20", moment=NOW))
    assert taken(made, "0.60") == ["30@0.56", "30@0.60"]


def test_a_trade_of_a_seller_consumes_the_bids() -> None:
    made = engine()
    made.receive(START, shown("", START, bids="10@0.52 40@0.50"))
    made.receive(NOW, trade("0.50", "15", SELL, moment=NOW))
    assert taken(made, "0.40", "sell") == ["25@0.50"]


def test_a_trade_whose_taker_is_not_told_counts_too() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "100", None, moment=NOW))
    assert taken(made) == ["50@0.56"]


def test_a_book_of_the_other_outcome_is_consumed_all_the_same() -> None:
    made = engine()
    made.receive(START, shown(ASKS, START).complement("no"))
    made.receive(NOW, trade("0.55", "100", BUY, moment=NOW).in_terms_of("no"))
    assert taken(made) == ["50@0.56"]


def test_a_block_trade_consumes_nothing() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "100", moment=NOW, is_block=True))
    assert taken(made) == ["100@0.55", "50@0.56"]


def test_the_trade_and_the_book_that_shows_it_count_once() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW + MS, shown("40@0.55 50@0.56", NOW))
    assert taken(made) == ["40@0.55", "50@0.56"]


def test_a_trade_that_is_told_after_a_newer_book_counts_once() -> None:
    made = quoted()
    made.receive(NOW, shown("40@0.55 50@0.56", NOW))
    made.receive(NOW, trade("0.55", "60", moment=NOW - MS))
    assert taken(made) == ["40@0.55", "50@0.56"]


def test_where_it_cannot_be_known_it_counts_twice_until_a_later_book() -> None:
    made = quoted()
    made.receive(NOW, shown("80@0.55 50@0.56", NOW))
    made.receive(NOW, trade("0.55", "20", moment=NOW))
    assert taken(made, "0.55") == ["60@0.55"]
    made.receive(NOW, shown("80@0.55 51@0.56", NOW + MS))
    assert taken(made, "0.55") == ["20@0.55"]


def test_a_book_from_before_the_trade_does_not_tell_of_it() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    # Somebody canceled before it, and that is told after it.
    made.receive(NOW, shown("90@0.55 50@0.56", NOW - 2 * MS))
    assert taken(made, "0.55") == ["30@0.55"]


def test_one_taker_who_meets_several_is_told_piece_by_piece() -> None:
    made = quoted()
    made.receive(NOW, trade("0.55", "40", moment=NOW))
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, trade("0.56", "5", moment=NOW))
    made.receive(NOW, shown("60@0.55 50@0.56", NOW))
    assert taken(made, "0.55") == []
    made.receive(NOW, shown("50@0.56", NOW))
    assert taken(made, "0.56") == ["45@0.56"]


@pytest.mark.parametrize(
    ("later", "left"),
    [("100@0.55", []), ("40@0.55", []), ("101@0.55", ["101@0.55"])],
)
def test_without_times_it_is_gone_until_the_level_shows_less_by_as_much_or_more(
    later: str, left: list[str]
) -> None:
    made = quoted(None, "100@0.55")
    made.receive(NOW, trade("0.55", "100", moment=NOW))
    made.receive(NOW, shown(later, None))
    assert taken(made, "0.55") == left


def test_after_a_gap_the_next_book_is_believed() -> None:
    made = quoted(None, "100@0.55")
    made.receive(NOW, trade("0.55", "100", moment=NOW))
    made.receive(NOW, Gap(subject=None, reason="lost", at=at(NOW)))
    made.receive(NOW, shown("100@0.55", None))
    assert taken(made, "0.55") == ["100@0.55"]


def test_what_we_took_and_what_others_took_are_both_gone() -> None:
    made = quoted()
    made.place(START, "RAIN", "yes", "buy", "0.55", 30, time_in_force="ioc")
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.notices()
    assert taken(made, "0.55") == ["10@0.55"]
    made.receive(NOW, shown("40@0.55", NOW))
    assert taken(made, "0.55") == []


def test_an_order_that_joins_after_a_trade_stands_behind_what_is_left() -> None:
    made = engine()
    made.receive(START, shown("", START, bids="100@0.50"))
    made.receive(NOW, trade("0.50", "60", SELL, moment=NOW))
    made.place(NOW, "RAIN", "yes", "buy", "0.50", 10)
    made.advance(NOW)
    made.receive(NOW + MS, shown("", NOW, bids="40@0.50"))
    made.receive(NOW + SECOND, trade("0.50", "45", SELL, moment=NOW + SECOND))
    assert made.order("paper-1").filled == 5


def test_where_it_cannot_be_known_an_order_stands_behind_all_that_is_shown() -> None:
    made = engine()
    made.receive(START, shown("", NOW, bids="100@0.50"))
    made.receive(NOW, trade("0.50", "60", SELL, moment=NOW))
    made.place(NOW, "RAIN", "yes", "buy", "0.50", 10)
    made.advance(NOW)
    made.receive(NOW + SECOND, trade("0.50", "45", SELL, moment=NOW + SECOND))
    assert made.order("paper-1").filled == 0


torn = pytest.mark.parametrize("bid", ["0.56", "0.55"], ids=["crossed", "locked"])
resting = pytest.mark.parametrize("rests", [False, True], ids=["alone", "resting"])
"""Whether an order of ours rests far away, so that every book is looked at."""


def begun(moment: int | None = START, *, rests: bool) -> PaperEngine:
    made = quoted(moment)
    if rests:
        made.place(START, "RAIN", "yes", BUY, "0.01", 1)
        made.advance(START)
    return made


@torn
@resting
@pytest.mark.parametrize("moment", [NOW - 2 * MS, NOW, None], ids=str)
def test_a_trade_that_is_told_while_a_torn_book_stands_counts(
    bid: str, moment: int | None, *, rests: bool
) -> None:
    made = begun(None if moment is None else START, rests=rests)
    made.receive(NOW, shown("100@0.55", moment and START, bids=f"100@{bid}"))
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, shown(ASKS, moment))
    assert taken(made) == ["40@0.55", "50@0.56"]


@torn
@resting
def test_a_trade_that_is_told_before_a_torn_book_counts_after_it(
    bid: str, *, rests: bool
) -> None:
    made = begun(rests=rests)
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, shown("100@0.55", START, bids=f"100@{bid}"))
    made.receive(NOW, shown(ASKS, NOW - 2 * MS))
    assert taken(made) == ["40@0.55", "50@0.56"]


@resting
def test_what_was_better_than_a_trade_by_a_torn_book_is_gone_as_well(
    *, rests: bool
) -> None:
    made = begun(rests=rests)
    made.receive(NOW, shown("100@0.55", START, bids="100@0.56"))
    made.receive(NOW, trade("0.56", "20", moment=NOW))
    made.receive(NOW, shown(ASKS, NOW))
    assert taken(made) == ["30@0.56"]


@resting
def test_a_later_book_than_a_trade_by_a_torn_one_shows_it(*, rests: bool) -> None:
    made = begun(rests=rests)
    made.receive(NOW, shown("100@0.55", START, bids="100@0.56"))
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, shown(ASKS, NOW + MS))
    assert taken(made) == ["100@0.55", "50@0.56"]


@resting
def test_after_a_gap_nothing_is_left_of_a_trade_by_a_torn_book(*, rests: bool) -> None:
    made = begun(rests=rests)
    made.receive(NOW, shown("100@0.55", START, bids="100@0.56"))
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, Gap(subject=None, reason="lost", at=at(NOW)))
    made.receive(NOW, trade("0.55", "60", moment=NOW))
    made.receive(NOW, shown(ASKS, NOW))
    assert taken(made) == ["100@0.55", "50@0.56"]


def test_who_joins_by_a_torn_book_stands_behind_what_the_next_one_leaves() -> None:
    made = quoted()
    made.receive(NOW, trade("0.50", "60", SELL, moment=NOW))
    made.receive(NOW, shown("100@0.55", START, bids="100@0.55 100@0.50"))
    made.receive(NOW, trade("0.50", "10", SELL, moment=NOW))
    order_id = made.place(NOW, "RAIN", "yes", BUY, "0.50", 5)
    made.advance(NOW)
    assert made.find(order_id).ahead == 0
    made.receive(NOW, shown(ASKS, NOW - 2 * MS))
    assert made.find(order_id).ahead == 30


def resting_behind_278() -> PaperEngine:
    made = quoted(asks="278@0.56")
    made.place(START, "RAIN", "yes", "sell", "0.56", 5)
    made.advance(START)
    return made


@pytest.mark.parametrize("first", ["book", "trade"])
@pytest.mark.parametrize("at_once", [True, False])
def test_who_exits_at_an_own_price_finds_what_a_trade_left_before_it(
    first: str, at_once: bool
) -> None:
    # Told beside the book of its own millisecond, a trade may have been shown already.
    moment = START + SECOND
    made = resting_behind_278()
    told = [trade("0.56", "200", moment=moment), shown("78@0.56", moment)]
    for event in told if first == "trade" else told[::-1]:
        made.receive(moment, event)
    if not at_once:
        made.receive(moment + SECOND, shown("78@0.56 9@0.60", moment + SECOND))
    name = made.place(moment + SECOND, "RAIN", "yes", "buy", "0.56", 80)
    made.advance(moment + SECOND)
    doubted = at_once and first == "book"
    assert made.order(name).filled == (0 if doubted else 78)


def test_while_it_is_in_doubt_who_exits_finds_the_less_before_an_own_order() -> None:
    moment, later = START + SECOND, START + 2 * SECOND
    made = resting_behind_278()
    # Of 278 are left 78, and 400 join behind; then a trade that may be another one.
    made.receive(moment, shown("78@0.56", moment))
    made.receive(moment, shown("478@0.56", moment))
    made.receive(moment, trade("0.56", "200", moment=moment))
    assert taken(made) == []
    made.receive(later, shown("478@0.56", later))
    assert taken(made) == ["78@0.56"]
