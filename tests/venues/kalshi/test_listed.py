"""The names that tests on a real clock go by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .listed import names


@pytest.mark.parametrize("day", range(0, 400, 9))
def test_they_are_listed_on_any_day(day: int) -> None:
    moment = datetime(2026, 11, 29, 1, tzinfo=UTC) + timedelta(days=day)
    listed = SimulatedKalshi(clock=VirtualClock(moment.timestamp())).catalog.markets
    assert [name for name in names(moment) if name not in listed] == []
