"""Index values of CF Benchmarks and prices of Pyth, exactly as they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.errors import BadRequest
from unified_exchanges.models import Gap
from unified_exchanges.venues.kalshi.stream import (
    CfBenchmarksIndexList,
    CfBenchmarksValue,
    IndexAverage,
    PythUnderlyingList,
    PythValue,
)

from .desk import A, Desk

DATA = '{"type":"value","id":"BRTI","time":1710000000123,"value":"68000.12"}'
AVERAGE = {
    "value": "68000.12000000",
    "window_size": 3,
    "window_start_ts_ms": 1_709_999_940_123,
    "window_end_ts_exclusive": 1_710_000_000_123,
}
INDEX = {
    "index_id": "BRTI",
    "received_at": 1_710_000_000_223,
    "data": DATA,
    "avg_60s_data": AVERAGE,
}
PYTH = {
    "underlying_ticker": "Metal.XAU/USD",
    "value_usd": "2365.12345000",
    "source_ts_ms": 1_710_000_000_100,
    "received_at": 1_710_000_000_123,
}
CF = "cfbenchmarks_value"


def at(seconds: int, ms: int) -> datetime:
    close = datetime(2024, 3, 9, 16, tzinfo=UTC)
    return close + timedelta(seconds=seconds, milliseconds=ms)


def following(channel: str) -> Desk:
    desk = Desk()
    desk.stream.subscribe(channel)
    return desk.connect().run()


@pytest.mark.parametrize("channel", [CF, f"{CF}_5hz"])
def test_the_value_of_an_index(channel: str) -> None:
    [value] = following(channel).push(channel, CF, INDEX)
    assert value == CfBenchmarksValue(
        venue="kalshi",
        index_id="BRTI",
        value=Decimal("68000.12"),
        average=IndexAverage(
            value=Decimal("68000.12"),
            ticks=3,
            since=at(-60, 123),
            until=at(0, 123),
        ),
        closing_average=None,
        timestamp=at(0, 123),
        received_at=at(0, 223),
    )
    assert value.raw["msg"]["data"] == DATA


def test_the_average_of_the_last_minute_of_a_quarter_of_an_hour() -> None:
    closing = AVERAGE | {"value": "67999.00000001", "window_size": 14}
    more = {"last_60s_windowed_average_15min": closing}
    [value] = following(CF).push(CF, CF, INDEX | more)
    assert (value.closing_average.value, value.closing_average.ticks) == (
        Decimal("67999.00000001"),
        14,
    )
    assert value.to_dict()["closing_average"] == {
        "value": "67999.00000001",
        "ticks": 14,
        "since": "2024-03-09T15:59:00.123000Z",
        "until": "2024-03-09T16:00:00.123000Z",
    }


def test_a_price_of_pyth() -> None:
    [price] = following("pyth_value").push("pyth_value", "pyth_value", PYTH)
    assert price == PythValue(
        venue="kalshi",
        underlying="Metal.XAU/USD",
        value=Decimal("2365.12345"),
        timestamp=at(0, 100),
        received_at=at(0, 123),
    )


def test_a_price_may_be_below_nothing() -> None:
    told = PYTH | {"value_usd": "-37.63000000"}
    [price] = following("pyth_value").push("pyth_value", "pyth_value", told)
    assert price.value == Decimal("-37.63")


def test_what_can_be_followed() -> None:
    [indices] = following(CF).push(CF, f"{CF}_indexlist", {"index_ids": ["B", "A"]})
    assert indices == CfBenchmarksIndexList(venue="kalshi", index_ids=("B", "A"))
    [names] = following("pyth_value").push(
        "pyth_value", "pyth_value_underlying_list", {"underlying_tickers": ["X"]}
    )
    assert names == PythUnderlyingList(venue="kalshi", underlyings=("X",))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"data": "no json"}, "msg.data"),
        ({"data": '{"time": 1}'}, "msg.data"),
        ({"data": '{"time": 1, "value": 68000.12}'}, "msg.data"),
        ({"data": '{"time": 1, "value": "NaN"}'}, "msg.data.value"),
        ({"avg_60s_data": AVERAGE | {"value": "1e5"}}, "msg.avg_60s_data.value"),
        ({"avg_60s_data": AVERAGE | {"window_size": -1}}, "window_size"),
        ({"received_at": 10**18}, "received_at"),
        ({"index_id": ""}, "index_id"),
    ],
)
def test_fault_38_a_malformed_value_is_passed_over_and_told_as_a_gap(
    change: dict[str, Any], field: str
) -> None:
    desk = following(CF)
    [gap] = desk.push(CF, CF, INDEX | change)
    assert isinstance(gap, Gap)
    assert field in gap.reason
    [value] = desk.push(CF, CF, INDEX)
    assert isinstance(value, CfBenchmarksValue)
    assert desk.stream.health().malformed_messages == 1


def test_fault_31_a_value_that_was_lost_is_noticed_by_its_number() -> None:
    desk = following("pyth_value")
    desk.number("pyth_value")
    gap, price = desk.push("pyth_value", "pyth_value", PYTH)
    assert (type(gap), gap.market_ids) == (Gap, ())
    assert type(price) is PythValue


def test_what_is_documented_of_them_is_no_unknown_field() -> None:
    desk = following(CF)
    desk.push(CF, CF, INDEX)
    desk.push(CF, f"{CF}_indexlist", {"index_ids": []}, id=2)
    assert desk.stream.health().unknown_fields == ()


@pytest.mark.parametrize("channel", [CF, f"{CF}_5hz", "pyth_value"])
def test_they_are_not_about_markets(channel: str) -> None:
    with pytest.raises(BadRequest, match="has no filter of markets"):
        Desk().stream.subscribe(channel, [A])
