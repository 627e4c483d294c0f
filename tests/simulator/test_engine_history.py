from __future__ import annotations

import pytest

from unified_exchanges.simulator.history import MINUTE_US, History
from unified_exchanges.simulator.markets import Range
from unified_exchanges.simulator.orders import Owner

from .scene import HOUR, START_US, Scene, d


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.wait(1)  # A minute begins right after its full stroke.
    return made


def trade(scene: Scene, price: str, size: int) -> None:
    scene.ask("ann", price, size)
    scene.bid("bob", price, size)


def candles(scene: Scene, minutes: int = 1):
    return scene.engine.candles(
        "M", start_us=START_US + 1, end_us=START_US + 100 * HOUR, minutes=minutes
    )


def test_a_candle_tells_the_trades_of_its_minute(scene):
    for price in ("0.50", "0.40", "0.60", "0.55"):
        trade(scene, price, 1)
    scene.wait(MINUTE_US)
    candle = candles(scene)[0]
    assert candle.price == Range(
        open=d("0.50"), low=d("0.40"), high=d("0.60"), close=d("0.55")
    )
    assert (candle.volume, candle.mean, candle.open_interest) == (
        d(4),
        d("0.5125"),
        d(4),
    )
    assert candle.end_us == START_US + MINUTE_US


def test_a_minute_without_a_trade_has_quotes_and_the_previous_price(scene):
    trade(scene, "0.50", 1)
    scene.bid("ann", "0.40", 1)
    scene.wait(2 * MINUTE_US)
    last = candles(scene)[1]
    assert (last.price, last.mean, last.volume, last.previous) == (
        None,
        None,
        d(0),
        d("0.50"),
    )
    assert last.bid == Range(
        open=d("0.40"), low=d("0.40"), high=d("0.40"), close=d("0.40")
    )
    assert (last.ask, last.open_interest) == (None, d(1))


def test_a_period_holds_its_end_and_not_its_start(scene):
    scene.wait(MINUTE_US - 1)
    trade(scene, "0.50", 1)
    scene.wait(1)
    trade(scene, "0.40", 2)
    scene.wait(MINUTE_US)
    told = {(c.end_us - START_US) // MINUTE_US: c for c in candles(scene)}
    assert {end: candle.volume for end, candle in told.items()} == {1: 1, 2: 2}
    assert (told[1].price.close, told[2].previous) == (d("0.50"), d("0.50"))


def test_what_happens_at_the_listing_is_in_the_period_that_ends_then():
    scene = Scene()
    trade(scene, "0.50", 1)
    scene.wait(1)
    told = scene.engine.candles("M", start_us=0, end_us=START_US, minutes=1)
    assert [(c.end_us, c.volume) for c in told] == [(START_US, 1)]


def test_a_quote_at_the_end_of_a_period_belongs_to_it(scene):
    scene.wait(MINUTE_US - 1)
    scene.bid("ann", "0.40", 1)
    scene.wait(1)
    assert candles(scene)[0].bid.close == d("0.40")


def test_a_period_begins_with_the_quote_that_it_found(scene):
    first = scene.bid("ann", "0.40", 1)
    scene.wait(MINUTE_US)
    scene.bid("ann", "0.45", 1)
    scene.engine.cancel(first.order_id, owner=Owner("ann"))
    scene.wait(MINUTE_US)
    assert candles(scene)[1].bid == Range(
        open=d("0.40"), low=d("0.40"), high=d("0.45"), close=d("0.45")
    )


def test_the_running_period_is_not_told(scene):
    trade(scene, "0.50", 1)
    scene.wait(MINUTE_US - 1)
    assert candles(scene) == []


def test_hours_are_made_of_minutes(scene):
    for price in ("0.50", "0.40"):
        trade(scene, price, 3)
        scene.wait(30 * MINUTE_US)
    (hour,) = candles(scene, 60)
    assert (hour.volume, hour.price.open, hour.price.close) == (
        d(6),
        d("0.50"),
        d("0.40"),
    )


def test_only_candles_that_end_within_the_range_are_told(scene):
    scene.wait(10 * MINUTE_US)
    told = scene.engine.candles(
        "M",
        start_us=START_US + 3 * MINUTE_US,
        end_us=START_US + 5 * MINUTE_US,
        minutes=1,
    )
    ends = [(candle.end_us - START_US) // MINUTE_US for candle in told]
    assert ends == [3, 4, 5]


def test_the_volume_of_24_hours_leaves_out_what_is_older(scene):
    scene.engine.change_close("M", START_US + 100 * HOUR)
    trade(scene, "0.50", 3)
    scene.wait(20 * HOUR)
    trade(scene, "0.50", 4)
    young = scene.engine.market("M").volume_24h
    scene.wait(5 * HOUR)
    market = scene.engine.market("M")
    assert (young, market.volume_24h, market.volume) == (d(7), d(4), d(7))


def test_the_previous_quotes_are_those_of_a_day_ago(scene):
    scene.engine.change_close("M", START_US + 100 * HOUR)
    trade(scene, "0.50", 3)
    scene.bid("ann", "0.45", 3)
    scene.wait(24 * HOUR)
    scene.bid("ann", "0.46", 3)
    trade(scene, "0.55", 1)
    market = scene.engine.market("M")
    got = (market.previous_price, market.previous_bid, market.previous_ask)
    assert got == (d("0.50"), d("0.45"), None)
    assert market.last_price == d("0.55")


def test_the_history_is_bounded_and_still_knows_yesterday():
    history = History(0, kept=1500)
    for minute in range(6000):
        history.quote(minute * MINUTE_US, d(minute) / 10_000, None)
        history.trade(minute * MINUTE_US, d("0.5"), d(1), d(1))
    now_us = 5999 * MINUTE_US
    assert len(history._bars) <= 3000
    assert history.day_volume(now_us) == d(1440)
    assert history.day_ago(now_us) == (d(4559) / 10_000, None, d("0.5"))
