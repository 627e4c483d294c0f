"""Markets that open and close by the clock, which nobody tells, as other engines see them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.exporting.told import BookStep, told
from unified_exchanges.models import MarketStatus
from unified_exchanges.paper import at

from .recordings import BEGIN, MILLI, book, change, market, trade

OPEN, UNOPENED = MarketStatus.OPEN, MarketStatus.UNOPENED
FIRST = ("b 0.40 10", "a 0.60 5")


def after(n: int) -> Any:
    return at(BEGIN + n * MILLI)


def best_bids(
    events: list[Any], venue: str = "kalshi", **given: Any
) -> list[tuple[int, Decimal | None]]:
    """The best bid after each step of the book, and the milliseconds when it came."""
    found: list[tuple[int, Decimal | None]] = []
    bids: dict[Decimal, Decimal] = {}
    for moment, event in told(events, market(venue, **given)):
        if not isinstance(event, BookStep):
            continue
        if event.is_whole:
            bids.clear()
        bids |= {price: size for side, price, size in event.levels if side == "buy"}
        left = [price for price, size in bids.items() if size]
        found.append(((moment - BEGIN) // MILLI, max(left, default=None)))
    return found


BID = Decimal("0.40")


def test_a_market_that_was_created_shows_its_book_once_the_clock_has_opened_it() -> (
    None
):
    events = [
        change(0, UNOPENED),
        book(*FIRST, n=1),
        trade("0.60", "5", None, n=7),
        book("b 0.41 10", n=8),
    ]
    # As it is known when it opens, also where nothing is told then.
    assert best_bids(events, opens_at=after(5)) == [(5, BID), (8, Decimal("0.41"))]


def test_one_whose_time_has_come_when_it_is_told_to_be_unopened_is_open() -> None:
    events = [change(3, UNOPENED), book(*FIRST, n=4)]
    assert best_bids(events, opens_at=after(2)) == [(4, BID)]


def test_from_its_close_on_the_book_is_empty() -> None:
    events = [book(*FIRST), book("b 0.41 10", n=4), book("b 0.42 10", n=9)]
    assert best_bids(events, closes_at=after(4)) == [(0, BID), (4, None)]


def test_a_close_that_moves_is_the_one_that_counts() -> None:
    events = [book(*FIRST), change(1, closes=6), book("b 0.41 10", n=5), change(9)]
    assert best_bids(events, closes_at=after(3)) == [
        (0, BID),
        (5, Decimal("0.41")),
        (6, None),
    ]


def test_a_close_that_is_told_too_late_is_when_it_is_told() -> None:
    events = [book(*FIRST), change(2, closes=1), change(4, closes=8), change(9)]
    # Told to close later after all, it is back, and closes then.
    assert best_bids(events) == [(0, BID), (2, None), (4, BID), (8, None)]


def test_what_is_told_to_trade_after_its_close_trades_on() -> None:
    events = [change(3, OPEN), book(*FIRST, n=4)]
    assert best_bids(events, closes_at=after(2)) == [(4, BID)]


def test_while_a_market_pauses_the_clock_shows_nothing() -> None:
    events = [book(*FIRST), change(1, MarketStatus.PAUSED), change(9)]
    assert best_bids(events, opens_at=after(4), closes_at=after(6)) == [
        (0, BID),
        (1, None),
    ]


@pytest.mark.parametrize("status", [MarketStatus.CLOSED, MarketStatus.SETTLED])
def test_of_one_that_was_read_after_its_end_the_close_is_not_known(
    status: MarketStatus,
) -> None:
    events = [book(*FIRST), book("b 0.41 10", n=4)]
    assert best_bids(events, closes_at=after(2), status=status) == [
        (0, BID),
        (4, Decimal("0.41")),
    ]


@pytest.mark.parametrize("venue", ["polymarket", "toy"])
def test_where_times_are_only_planned_the_clock_does_nothing(venue: str) -> None:
    events = [book(*FIRST), change(3, UNOPENED), change(9)]
    shown = best_bids(events, venue, opens_at=after(5), closes_at=after(2))
    assert shown == [(0, BID), (3, None)]
