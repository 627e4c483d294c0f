"""What the recorded account took in a market in which a strategy has nothing yet."""

from __future__ import annotations

from decimal import Decimal

from unified_exchanges import OrderBook
from unified_exchanges.backtesting import backtest
from unified_exchanges.money import total
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import contract
from ..paper.test_own import MS, NOW, heard, own, printed, quoted, shown
from .test_loop import Told


class Sweeper(Strategy):
    """Takes all that is offered, from the book of a size on."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.has_begun = False

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        assert book.ask is not None
        self.has_begun |= book.ask.size == self.since
        if self.has_begun:
            terms = ("RAIN", "yes", "buy", book.ask.price, 999)
            desk.place(*terms, time_in_force="ioc")


def swept(since: int, *events: Told) -> Decimal:
    first = (NOW - MS, shown("100@0.55", NOW - MS))
    report = backtest(
        Sweeper(since), [first, *events], contracts=[contract()], cash=100_000
    )
    return total(fill.size for fill in report.fills)


TOOK = (NOW, own(30, trade_id="ours"))
SHOWN = (NOW + 1, shown("70@0.55", NOW))
PRINTED = (NOW + 2, printed(30, NOW, "ours"))


def test_what_a_book_has_shown_of_it_is_not_offered_once_more() -> None:
    later = (NOW + 2 * MS, shown("65@0.55", NOW + MS))
    assert swept(70, TOOK, SHOWN, later) == 70
    assert swept(70, TOOK, SHOWN, PRINTED, later) == 70


def test_so_it_is_where_books_went_by_before_it_was_told() -> None:
    before = [(NOW - MS + n, shown("100@0.55", NOW - MS)) for n in range(1, 4)]
    later = (NOW + 2 * MS, shown("65@0.55", NOW + MS))
    assert swept(70, *before, TOOK, SHOWN, later) == 70


def test_who_took_it_then_finds_all_that_is_left_of_it() -> None:
    later = (NOW + 2 * MS, shown("90@0.55", NOW + MS))
    # 70 that were left, and 20 that have joined.
    assert swept(70, TOOK, SHOWN, PRINTED, later) == 90


def test_no_book_concerns_the_engine_once_one_has_shown_all_of_it() -> None:
    made = quoted()
    pit = made.pits["RAIN"]
    assert not pit.is_busy
    heard(made, own(30, trade_id="ours"))
    assert pit.is_busy
    heard(made, shown("70@0.55", NOW + MS))
    # Its trade is still to be told apart; books, which are far more, are not.
    assert not pit.is_busy
    heard(made, printed(30, NOW, "ours"))
    assert not pit.is_busy
