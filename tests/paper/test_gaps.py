"""What a gap makes unknown: a book where the book may have changed, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unified_exchanges import SELL, Fill, Gap
from unified_exchanges.models import Subject
from unified_exchanges.paper import PaperEngine, at

from .scene import SECOND, START, book, engine, trade

VOID = [None, Subject.ORDER_BOOK]
"""What a gap is of in which a book may have missed something."""


def lost(subject: Subject | None) -> Gap:
    return Gap(subject=subject, reason="lost", at=at(START))


def bought(made: PaperEngine, size: int = 10) -> Decimal:
    name = made.place(START, "RAIN", "yes", "buy", "0.50", size, time_in_force="ioc")
    made.advance(START)
    return made.order(name).filled


@pytest.mark.parametrize("subject", [None, *Subject])
def test_a_book_is_unknown_after_a_gap_of_books_or_of_everything_alone(
    subject: Subject | None,
) -> None:
    made = engine()
    made.receive(START, book("100@0.40", "100@0.50"))
    assert lost(subject).is_of_books is (subject in VOID)
    made.receive(START, lost(subject))
    assert bought(made) == (0 if subject in VOID else 10)


def test_an_order_behind_a_trade_that_was_missed_fills_later_and_never_sooner() -> None:
    shown = book("20@0.40", "100@0.50"), book("5@0.40", "100@0.50")
    filled = []
    for is_missed in (False, True):
        made = engine()
        made.receive(START, shown[0])
        made.place(START, "RAIN", "yes", "buy", "0.40", 10)
        made.advance(START)
        told = lost(Subject.TRADES) if is_missed else trade("0.40", "15", SELL)
        made.receive(START + SECOND, told)
        made.receive(START + 2 * SECOND, shown[1])
        fills = []
        for size in ("6", "5", "15"):
            made.receive(START + 3 * SECOND, trade("0.40", size, SELL))
            notices = [x for _, x in made.notices() if isinstance(x, Fill)]
            fills.append(sum(x.size for x in notices))
        filled.append(fills)
    # That the level shows less is the trade that was missed, or a cancel: so many of the
    # next ones that trade are taken to be those.
    assert filled == [[1, 5, 4], [0, 0, 6]]
