"""Points of price, made of candles: the last trade of each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.errors import BadRequest, MarketNotFound
from unified_exchanges.money import complement

from .desk import NOW, Desk, candle, desk, event, market

D = Decimal
HOUR = timedelta(hours=1)
PATH = "/series/KXRAIN/markets/RAIN/candlesticks"
TOP = int(NOW.timestamp()) // 3600 * 3600


def priced(end: int, close: str | None) -> dict[str, Any]:
    if close is None:
        return candle(end, price={"previous_dollars": "0.3000"})
    names = ("open_dollars", "low_dollars", "high_dollars", "close_dollars")
    return candle(end, price=dict.fromkeys(names, close))


def at_desk(closes: dict[int, str | None]) -> Desk:
    """A market whose candles end so many seconds before the full hour."""

    def answer(query: dict[str, str]) -> Any:
        span = range(int(query["start_ts"]), int(query["end_ts"]) + 1)
        length = int(query["period_interval"]) * 60
        rows = {TOP - ago: close for ago, close in closes.items()}
        told = [priced(x, c) for x, c in rows.items() if x in span and not x % length]
        return {"ticker": "RAIN", "candlesticks": told}

    return desk(
        {
            "/markets/RAIN": {"market": market("RAIN")},
            "/events/KXRAIN-26NOV21": {"event": event("KXRAIN-26NOV21")},
            PATH: answer,
        }
    )


def test_a_point_is_the_last_trade_of_its_time() -> None:
    at = at_desk({7200: "0.4100", 3600: "0.4300", 0: "0.4200"})
    found = at.kalshi.fetch_price_history("RAIN", since=NOW - timedelta(hours=3))
    assert [(x.timestamp.timestamp() - TOP, x.price) for x in found] == [
        (-7200, D("0.41")),
        (-3600, D("0.43")),
        (0, D("0.42")),
    ]
    assert {(x.outcome, x.resolution) for x in found} == {("yes", HOUR)}


def test_a_time_without_a_trade_has_no_point_though_it_has_quotes() -> None:
    at = at_desk({7200: "0.4100", 3600: None, 0: None})
    (found,) = at.kalshi.fetch_price_history("RAIN", since=NOW - timedelta(hours=3))
    assert found.price == D("0.41")


def test_p04_points_of_no_are_the_complement() -> None:
    at = at_desk({3600: "0.4300", 0: "0.4200"})
    since = {"since": NOW - timedelta(hours=3)}
    yes = at.kalshi.fetch_price_history("RAIN", **since)
    no = at.kalshi.fetch_price_history("RAIN", outcome="no", **since)
    assert [complement(x.price) for x in yes] == [x.price for x in no]
    assert {x.outcome for x in no} == {"no"}


def test_times_that_kalshi_has_not_are_made_of_shorter_ones() -> None:
    at = at_desk({600: "0.1000", 540: "0.2000", 360: "0.3000", 300: None, 60: "0.4000"})
    five = {"since": NOW - HOUR, "resolution": timedelta(minutes=5)}
    found = at.kalshi.fetch_price_history("RAIN", **five)
    assert [(int(x.timestamp.timestamp()) - TOP, x.price) for x in found] == [
        (-600, D("0.1")),
        (-300, D("0.3")),
        (0, D("0.4")),
    ]
    assert at.queries(PATH)[0]["period_interval"] == "1"


def test_both_ends_are_included() -> None:
    at = at_desk(dict.fromkeys(range(0, 5 * 3600, 3600), "0.5000"))
    top = datetime.fromtimestamp(TOP, UTC)
    span = {"since": top - 3 * HOUR, "until": top - HOUR}
    found = at.kalshi.fetch_price_history("RAIN", **span)
    assert [x.timestamp for x in found] == [top - n * HOUR for n in (3, 2, 1)]


def test_a_limit_keeps_the_newest() -> None:
    at = at_desk(dict.fromkeys(range(0, 9 * 3600, 3600), "0.5000"))
    found = at.kalshi.fetch_price_history("RAIN", limit=2)
    assert [int(x.timestamp.timestamp()) - TOP for x in found] == [-3600, 0]


def test_a_time_that_still_runs_has_no_point_yet() -> None:
    at = at_desk({-60: "0.4000", 0: "0.5000"})
    five = {"since": NOW - HOUR, "resolution": timedelta(hours=12)}
    assert all(
        x.timestamp <= NOW for x in at.kalshi.fetch_price_history("RAIN", **five)
    )


def test_a_range_in_the_future_has_no_points() -> None:
    at = at_desk({0: "0.5000"})
    later = {"since": NOW + timedelta(days=1)}
    assert at.kalshi.fetch_price_history("RAIN", **later) == []


@pytest.mark.parametrize("resolution", [timedelta(0), timedelta(seconds=61), "1h", 60])
def test_a_resolution_that_makes_no_sense_is_refused_unsent(resolution: Any) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="resolution"):
        at.kalshi.fetch_price_history("RAIN", resolution=resolution)
    assert at.asked == []


def test_a_market_that_is_nowhere_is_an_error() -> None:
    at = desk()
    with pytest.raises(MarketNotFound):
        at.kalshi.fetch_price_history("RAIN")
