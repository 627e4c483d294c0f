"""Status, schedule, freshness, the historical cutoff, and cursors."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.models import ShardStatus
from unified_exchanges.venues.kalshi.parse import peek_cursor

from .answers import READERS, answer, encode, read


def test_the_status_tells_activity_trading_and_shards() -> None:
    status = read("status")
    assert (status.is_active, status.is_trading) == (True, False)
    assert status.resumes_at == datetime(2026, 12, 3, 10, tzinfo=UTC)
    assert status.shards == (
        ShardStatus(0, is_active=True, is_trading=False),
        ShardStatus(1, is_active=True, is_trading=True),
    )


def test_the_status_may_tell_no_more_than_two_flags() -> None:
    status = read("status", {"exchange_active": False, "trading_active": False})
    assert (status.is_active, status.shards, status.resumes_at) == (False, (), None)


def test_the_schedule_tells_sessions_and_maintenance() -> None:
    schedule = read("schedule")
    sessions = schedule.weeks[0].sessions
    assert sessions["thursday"] == (("00:00", "03:00"), ("05:00", "00:00"))
    assert sessions["sunday"] == ()
    assert schedule.maintenance == (
        (
            datetime(2026, 12, 31, 8, tzinfo=UTC),
            datetime(2026, 12, 31, 10, tzinfo=UTC),
        ),
    )


def test_a_day_that_the_schedule_leaves_out_has_no_sessions() -> None:
    payload = answer("schedule")
    del payload["schedule"]["standard_hours"][0]["monday"]
    assert read("schedule", payload).weeks[0].sessions["monday"] == ()


def test_user_data_say_up_to_when_they_are_complete() -> None:
    expected = datetime(2026, 12, 2, 16, 0, 6, 125_000, UTC)
    assert read("user_data_timestamp") == expected


def test_the_cutoff_is_told_for_each_kind() -> None:
    cutoff = read("cutoff")
    days = (cutoff.markets, cutoff.trades, cutoff.orders, cutoff.positions)
    assert [moment.day for moment in days] == [18, 19, 20, 17]


def test_the_cutoff_of_positions_may_be_absent() -> None:
    payload = answer("cutoff")
    del payload["market_positions_last_updated_ts"]
    assert read("cutoff", payload).positions is None


@pytest.mark.parametrize("name", ["markets", "orders", "fills", "trades", "positions"])
def test_the_cursor_can_be_read_ahead_of_the_page(name: str) -> None:
    assert peek_cursor(encode(answer(name))) == READERS[name](encode(answer(name)))[1]


@pytest.mark.parametrize(
    ("body", "cursor"),
    [
        (b'{"cursor":"abc","markets":[]}', "abc"),
        (b'{"markets":[],"cursor":"abc"}', "abc"),
        (b' { "cursor" : "abc" , "markets" : [] } ', "abc"),
        (b'{"markets":[],"cursor":"abc"}\n', "abc"),
        (b'{"a":1,"cursor":"abc","z":2}', "abc"),
        (b'{"incentive_programs":[],"next_cursor":"abc"}', "abc"),
        (b'{"a":1,"next_cursor":"abc","z":2}', "abc"),
        (b'{"cursor":""}', None),
        (b'{"markets":[],"cursor":null}', None),
        (b'{"markets":[]}', None),
        (b'{"markets":[{"cursor":"inner"}]}', None),
        (b'{"events":{"a":1,"cursor":"inner"}}', None),
        (rb'{"cursor":"a\"b\\","markets":[]}', 'a"b\\'),
        (rb'{"markets":[{"title":"x\",\"cursor\":\"y"}]}', None),
    ],
)
def test_the_cursor_is_found_wherever_it_stands(
    body: bytes, cursor: str | None
) -> None:
    assert peek_cursor(body) == cursor


@pytest.mark.parametrize("body", [b'{"cursor":5}', b'{"markets":[', b"<html>"])
def test_a_cursor_that_cannot_be_read_is_an_error(body: bytes) -> None:
    with pytest.raises(VenueSchemaError):
        peek_cursor(body)


@given(
    page=st.dictionaries(st.text(max_size=8), st.text() | st.integers(), max_size=4),
    cursor=st.none() | st.text(),
    place=st.integers(0, 4),
)
def test_the_cursor_is_what_decoding_the_page_finds(
    page: dict[str, object], cursor: str | None, place: int
) -> None:
    page.pop("next_cursor", None)
    items = [item for item in page.items() if item[0] != "cursor"]
    items.insert(place, ("cursor", cursor))
    body = json.dumps(dict(items)).encode()
    assert peek_cursor(body) == (cursor or None)
