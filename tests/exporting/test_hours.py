"""Markets of Kalshi open and close by the clock, which nobody tells: exports as well."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from unified_exchanges import Market, MarketChange, MarketStatus
from unified_exchanges.exporting.told import BookStep, told
from unified_exchanges.paper import at

from ..paper.scene import SECOND, START, book, change, market, trade

OPENS, CLOSES = START + 10 * SECOND, START + 20 * SECOND


def kept(venue: str = "kalshi", **how: Any) -> Market:
    hours = {"opens_at": at(OPENS), "closes_at": at(CLOSES), **how}
    return attrs.evolve(market(), venue=venue, **hours)


def changed(
    status: MarketStatus | None = None, closes_at: datetime | None = None
) -> MarketChange:
    return attrs.evolve(change(status), closes_at=closes_at)


def steps(given: Market, *events: tuple[int, Any]) -> list[tuple[float, int, bool]]:
    """When the book became another, of how many changes, and whether that is all of it."""
    timed = [(START + int(second * SECOND), event) for second, event in events]
    return [
        ((moment - START) / SECOND, len(found.levels), found.is_whole)
        for moment, found in told(timed, given)
        if isinstance(found, BookStep)
    ]


UNOPENED = (0, changed(MarketStatus.UNOPENED))


def test_a_book_is_there_from_when_the_market_opens_by_the_clock() -> None:
    early, late = (5, book("10@0.40", "9@0.50")), (12, book("10@0.41", "9@0.50"))
    assert steps(kept(), UNOPENED, early, late) == [(10, 2, True), (12, 2, False)]
    assert steps(kept(), UNOPENED, late) == [(12, 2, True)]
    assert steps(kept(opens_at=None), UNOPENED, early, late) == []


def test_a_book_is_gone_from_when_the_market_closes_by_the_clock() -> None:
    events = (12, book("10@0.40", "9@0.50")), (25, book("10@0.41", "9@0.50"))
    gone = [(12, 2, True), (20, 0, True)]
    assert steps(kept(), *events) == gone
    assert steps(kept(), UNOPENED, *events) == gone
    assert steps(kept(), *events, (26, changed(MarketStatus.CLOSED))) == gone
    assert steps(kept(closes_at=None), *events) == [(12, 2, True), (25, 2, False)]
    # It has a timestamp of the venue's, which is when it closed.
    timed = [(START, book("10@0.40", "")), (CLOSES + SECOND, trade("0.40", "1"))]
    [_, closing] = [x for _, x in told(timed, kept()) if isinstance(x, BookStep)]
    assert closing.timestamp == at(CLOSES)


@pytest.mark.parametrize(
    ("moved", "gone"), [(15, [(15.0, 0, True)]), (11, [(12.0, 0, True)]), (40, [])]
)
def test_a_close_that_is_moved_counts(
    moved: int, gone: list[tuple[float, int, bool]]
) -> None:
    events = [(11, book("10@0.40", "9@0.50"))]
    moving = (12, changed(closes_at=at(START + moved * SECOND)))
    last = (30, book("10@0.40", "9@0.50"))
    assert steps(kept(), *events, moving, last) == [(11, 2, True), *gone]


def test_a_market_that_is_told_to_trade_after_its_close_is_shown() -> None:
    events = (12, book("10@0.40", "9@0.50")), (22, changed(MarketStatus.OPEN))
    assert steps(kept(), *events) == [(12, 2, True), (20, 0, True), (22, 2, True)]


@pytest.mark.parametrize("venue", ["polymarket", "toy"])
def test_where_times_are_only_planned_the_book_stays(venue: str) -> None:
    events = (12, book("10@0.40", "9@0.50")), (25, book("10@0.41", "9@0.50"))
    assert steps(kept(venue), *events) == [(12, 2, True), (25, 2, False)]
