"""Positions that are read beside fills: what filled counts once, as a user sees it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.tracking.stage import FREE, MARKET, ONCE, Stage
from unified_exchanges.guards import GuardPolicy

D = Decimal
OTHER = "KXRAINSEA-26NOV25-R"
POSITIONS = "/portfolio/positions"
FRESH = "/user_data_timestamp"


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def held(stage: Stage) -> Decimal:
    """Dollars that positions cost, as the venue says it."""
    found = stage.elsewhere.fetch_positions(mark=False)
    return sum((x.cost for x in found), D(0))


def told(stage: Stage) -> tuple[Decimal, Decimal]:
    exposure = stage.client.exchange.exposure()
    return exposure.orders, exposure.positions


def reads(stage: Stage, path: str) -> int:
    sent = stage.client.transport.requests
    return len([x for x in sent if x.url.endswith(path)])


def elsewhere(stage: Stage, size: str = "3") -> None:
    """Buy what no program of ours knows of."""
    stage.elsewhere.create_order(MARKET, "yes", "buy", stage.ask, size)


@pytest.mark.parametrize("market_id", [None, MARKET])
def test_fault_28_what_filled_just_before_positions_are_read_counts_once(
    stage: Stage, market_id: str | None
) -> None:
    for size in "35":
        stage.buy(size)
        stage.client.fetch_positions(market_id=market_id)
        assert told(stage) == (D(0), held(stage))


def test_reads_that_do_not_lag_are_not_waited_for_at_whatever_microsecond(
    stage: Stage,
) -> None:
    for _ in range(24):
        # About one moment in eight was the microsecond after to us.
        stage.clock.advance(1.000_123_4)
        stage.buy("1")
        began = stage.clock.monotonic()
        stage.client.fetch_positions()
        assert stage.clock.monotonic() == began


def test_what_was_sold_just_before_positions_are_read_is_free(stage: Stage) -> None:
    stage.buy("9")
    stage.client.create_order(MARKET, "yes", "sell", "0.01", 9, time_in_force="ioc")
    stage.client.fetch_positions()
    assert told(stage) == (D(0), D(0))


def test_fault_28_a_read_waits_until_it_shows_what_has_just_filled(
    stage: Stage,
) -> None:
    stage.ground.kalshi.read_lag = 0.5
    stage.buy("3")
    (position,) = stage.client.fetch_positions()
    assert position.size == D(3)
    assert told(stage) == (D(0), held(stage))


def test_without_fills_of_late_nothing_more_is_read_for_positions(stage: Stage) -> None:
    stage.client.fetch_positions()
    stage.buy("3")
    stage.clock.advance(30)
    stage.client.fetch_positions()
    assert (reads(stage, POSITIONS), reads(stage, FRESH)) == (2, 0)


def test_what_others_trade_after_a_read_is_seen_by_the_next(stage: Stage) -> None:
    stage.buy("3")
    for seconds in (4, 4, 60):
        stage.client.fetch_positions()
        assert told(stage) == (D(0), held(stage))
        stage.clock.advance(seconds)
        elsewhere(stage)


def test_fault_25_positions_are_told_although_nobody_says_how_fresh_they_are(
    stage: Stage,
) -> None:
    stage.buy("3")
    stage.fault("answer", method="GET", path=FRESH, count=None)
    (position,) = stage.client.fetch_positions()
    assert position.size == D(3)
    # It may have what filled, or not: nothing was known before.
    assert told(stage)[0] >= position.cost


@pytest.mark.parametrize("first", ["fills", "positions"])
def test_fault_23_fills_of_long_before_a_read_are_in_it(
    stage: Stage, first: str
) -> None:
    elsewhere(stage)
    stage.clock.advance(60)
    names = ["fills", "positions"]
    for name in names if first == "fills" else reversed(names):
        getattr(stage.client, f"fetch_{name}")()
    assert told(stage) == (D(0), held(stage))


def test_fault_23_an_order_that_filled_long_before_a_read_is_in_it(
    stage: Stage,
) -> None:
    rested = stage.elsewhere.create_order(MARKET, "yes", "buy", stage.ask, 5_000)
    assert 0 < rested.filled < 5_000
    stage.clock.advance(60)
    stage.client.fetch_positions()
    stage.client.fetch_open_orders()
    assert told(stage) == (rested.price * rested.remaining, held(stage))


def test_fault_23_what_filled_elsewhere_after_a_read_comes_on_top(
    stage: Stage,
) -> None:
    elsewhere(stage)
    stage.clock.advance(60)
    stage.client.fetch_positions()
    stage.clock.advance(60)
    elsewhere(stage)
    stage.client.fetch_fills()
    assert told(stage) == (D(0), held(stage))


def test_an_honest_order_is_not_refused_for_what_counted_twice(stage: Stage) -> None:
    elsewhere(stage)
    stage.clock.advance(60)
    cap = held(stage) + D("0.50")
    client: Any = stage.ground.trader(
        stage.flavour,
        limits=FREE,
        retry=ONCE,
        guards=GuardPolicy(max_exposure=cap),
    )
    client.fetch_positions()
    client.fetch_fills()
    assert client.create_order(MARKET, "yes", "buy", "0.01", 40).is_open


def test_before_a_refusal_what_may_count_twice_elsewhere_is_read_again(
    stage: Stage,
) -> None:
    ask = stage.elsewhere.fetch_order_book(OTHER).ask.price
    cap = ask * 10 + D("0.50")
    client: Any = stage.ground.trader(
        stage.flavour, limits=FREE, retry=ONCE, guards=GuardPolicy(max_exposure=cap)
    )
    client.create_order(OTHER, "yes", "buy", ask, 10)
    stage.fault("answer", method="GET", path=FRESH, count=None)
    client.fetch_positions()
    stage.ground.requests.clear()
    assert client.exchange.exposure().total > cap
    assert client.create_order(MARKET, "yes", "buy", "0.01", 40).is_open
