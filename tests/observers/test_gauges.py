"""Gauges that several exchange objects show under one name."""

from __future__ import annotations

from unified_exchanges.observer import CLOCK_OFFSET, STALE_BOOKS
from unified_exchanges.observers.gauges import Gauges

WHERE = ("kalshi", "demo")


def test_of_what_is_no_sum_the_furthest_from_nought_is_shown() -> None:
    gauges = Gauges()
    for offset in (2.0, -9.0, 4.0):
        gauges.follow(CLOCK_OFFSET, lambda offset=offset: [(WHERE, offset)])  # type: ignore[misc]
    assert gauges.read(CLOCK_OFFSET) == {WHERE: -9.0}


def test_a_gauge_may_be_ended_twice_and_ends_no_other() -> None:
    gauges = Gauges()
    first = gauges.follow(STALE_BOOKS, lambda: [(WHERE, 1.0)])
    second = gauges.follow(STALE_BOOKS, lambda: [(WHERE, 10.0)])
    first()
    gauges.follow(STALE_BOOKS, lambda: [(WHERE, 100.0)])
    assert gauges.read(STALE_BOOKS) == {WHERE: 110.0}
    first()
    second()
    assert gauges.read(STALE_BOOKS) == {WHERE: 100.0}
