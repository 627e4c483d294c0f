"""Points of price, in windows that the venue answers, and never a part for the whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import (
    NOW,
    SECONDS,
    Turns,
    catalog,
    condition,
    desk,
    market,
    resolved,
    token,
    told,
)
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges import (
    ArgumentsRequired,
    BadRequest,
    MarketNotFound,
    VenueSchemaError,
)

D = Decimal
PATH = "/data/v2/prices-history"
LISTING = "/gamma/markets/keyset"
DAY = 86_400
HOUR = timedelta(hours=1)


def point(at: int, price: Any = 0.5, **fields: Any) -> dict[str, Any]:
    return {"timestamp": at, "price": price, "resolution_seconds": 3600, **fields}


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def kept(days: int = 10_000, **fields: Any) -> Callable[[dict[str, str]], Any]:
    """The venue with a point at each bucket; of fine ones those of so many days."""

    def answer(query: dict[str, str]) -> Any:
        start, end = int(query["start"]), int(query["end"])
        step = int(query["bucket_seconds"])
        assert 0 < end - start <= 15 * DAY
        if step % 10_800:
            start = max(start, SECONDS - days * DAY)
        first = -(-start // step) * step
        rows = [point(at, resolution_seconds=step) for at in range(first, end, step)]
        return told(*rows, **fields)

    return answer


def history(answer: Any, *rows: dict[str, Any]) -> dict[str, Any]:
    return {LISTING: catalog(*(rows or [market(1)])), PATH: answer}


def test_a_point_is_a_price_at_a_time_and_no_more(flavour: str) -> None:
    at = SECONDS - 90
    exchange = desk(flavour, history(told(point(at, 0.085))))
    since = NOW - timedelta(hours=2)
    (found,) = exchange("fetch_price_history", condition(1), since=since)
    assert (found.market_id, found.outcome) == (condition(1), "yes")
    assert (found.timestamp, found.price) == (moment(at), D("0.085"))
    assert (found.resolution, found.venue) == (HOUR, "polymarket")
    assert found.raw == point(at, D("0.085"))
    assert found.to_dict()["resolution"] == 3600
    assert exchange.queries(PATH) == [
        {
            "token_id": token(1),
            "start": str(SECONDS - 7200),
            "end": str(SECONDS + 1),
            "bucket_seconds": "3600",
            "limit": "10000",
        }
    ]


def test_each_outcome_is_asked_for_by_its_token() -> None:
    exchange = desk(answers=history(told(point(SECONDS))))
    arguments = {"since": NOW - HOUR, "outcome": "NO"}
    (found,) = exchange("fetch_price_history", condition(1), **arguments)
    assert found.outcome == "no"
    assert exchange.queries(PATH)[0]["token_id"] == token(1, 1)


def test_a_long_time_is_asked_for_in_windows_that_join(flavour: str) -> None:
    exchange = desk(flavour, history(kept()))
    since = moment(SECONDS // 3600 * 3600 - 40 * DAY)
    found = exchange("fetch_price_history", condition(1), since=since)
    times = [x.timestamp for x in found]
    assert times == [since + HOUR * n for n in range(40 * 24 + 1)]
    asked = [(int(q["start"]), int(q["end"])) for q in exchange.queries(PATH)]
    assert len(asked) == 3
    assert [start for start, _ in asked[:-1]] == [end for _, end in asked[1:]]


def test_more_than_a_page_is_followed_by_its_cursor(flavour: str) -> None:
    pages = Turns(
        told(point(SECONDS - 120), point(SECONDS - 60), cursor="more"),
        told(point(SECONDS)),
    )
    exchange = desk(flavour, history(pages))
    minute = {"since": NOW - HOUR, "resolution": timedelta(minutes=1)}
    assert len(exchange("fetch_price_history", condition(1), **minute)) == 3
    assert exchange.queries(PATH)[1]["cursor"] == "more"


def test_both_ends_are_included_and_what_is_beyond_them_left_out() -> None:
    start = SECONDS - 10 * 3600
    exchange = desk(answers=history(told(*(point(start + 900 * n) for n in range(9)))))
    span = {"since": moment(start + 900), "until": moment(start + 3600)}
    found = exchange("fetch_price_history", condition(1), **span)
    assert [x.timestamp for x in found] == [
        moment(start + 900 * n) for n in (1, 2, 3, 4)
    ]


def test_it_begins_when_the_market_opened(flavour: str) -> None:
    exchange = desk(flavour, history(kept()))
    found = exchange("fetch_price_history", condition(1), resolution=timedelta(hours=3))
    assert found[0].timestamp == datetime(2026, 11, 1, tzinfo=UTC)
    assert len(exchange.queries(LISTING)) == 1


def test_without_any_opening_time_a_start_is_asked_for() -> None:
    row = market(1, createdAt=None, startDate=None)
    exchange = desk(answers=history(kept(), row))
    with pytest.raises(ArgumentsRequired, match="since="):
        exchange("fetch_price_history", condition(1))


def test_a_limit_keeps_the_newest_and_reads_no_further(flavour: str) -> None:
    exchange = desk(flavour, history(kept(days=3)))
    since = NOW - timedelta(days=400)
    arguments = {"since": since, "limit": 5}
    found = exchange("fetch_price_history", condition(1), **arguments)
    assert len(found) == 5
    assert NOW - found[-1].timestamp < HOUR
    assert len(exchange.queries(PATH)) == 1


def test_a_market_that_ended_still_has_its_past(flavour: str) -> None:
    exchange = desk(flavour, history(kept(), resolved(1)))
    assert exchange("fetch_price_history", condition(1), limit=3)


def test_a_part_that_is_kept_is_not_passed_off_as_the_whole(flavour: str) -> None:
    exchange = desk(flavour, history(kept(days=94)))
    since = NOW - timedelta(days=200)
    with pytest.raises(BadRequest, match=r"1:00:00 apart since 2026-08-1\d") as caught:
        exchange("fetch_price_history", condition(1), since=since)
    assert "timedelta(hours=3)" in str(caught.value)


@pytest.mark.parametrize(("minutes", "days"), [(1, 8), (5, 61), (30, 91), (60, 91)])
def test_what_is_kept_for_days_is_refused_before_them(minutes: int, days: int) -> None:
    exchange = desk(answers=history(kept(days=days)))
    step = timedelta(minutes=minutes)
    since = NOW - timedelta(days=days)
    inside = {"since": since, "resolution": step}
    assert exchange("fetch_price_history", condition(1), **inside)
    before = {"since": since - timedelta(days=2), "resolution": step}
    with pytest.raises(BadRequest, match="apart since"):
        exchange("fetch_price_history", condition(1), **before)


def test_what_is_kept_for_good_is_not_asked_for_twice() -> None:
    exchange = desk(answers=history(told()))
    far = {"since": NOW - timedelta(days=14), "resolution": timedelta(hours=12)}
    assert exchange("fetch_price_history", condition(1), **far) == []
    assert len(exchange.queries(PATH)) == 1


def test_a_time_without_any_price_is_empty_however_old() -> None:
    exchange = desk(answers=history(told()))
    since = NOW - timedelta(days=120)
    assert exchange("fetch_price_history", condition(1), since=since) == []


def test_a_range_in_the_future_is_empty_and_not_asked_for(flavour: str) -> None:
    exchange = desk(flavour, history(kept()))
    later = {"since": NOW + HOUR}
    assert exchange("fetch_price_history", condition(1), **later) == []
    assert exchange.queries(PATH) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"resolution": timedelta(seconds=30)},
        {"resolution": timedelta(seconds=90)},
        {"resolution": timedelta(days=2)},
        {"resolution": 60},
        {"since": datetime(2026, 11, 1)},  # noqa: DTZ001 - that is the fault
        {"since": NOW, "until": NOW - timedelta(seconds=1)},
        {"limit": 0},
    ],
)
def test_what_makes_no_sense_is_refused_unsent(arguments: dict[str, Any]) -> None:
    exchange = desk()
    with pytest.raises(BadRequest):
        exchange("fetch_price_history", condition(1), **arguments)
    assert exchange.asked == []


def test_a_market_that_is_nowhere_is_an_error(flavour: str) -> None:
    exchange = desk(flavour, history(kept()))
    with pytest.raises(MarketNotFound):
        exchange("fetch_price_history", condition(2), since=NOW - HOUR)


@pytest.mark.parametrize(
    ("field", "value"), [("price", 1.5), ("price", None), ("timestamp", "x")]
)
def test_a_malformed_point_is_an_error(field: str, value: Any) -> None:
    rows = [point(SECONDS), point(SECONDS, **{field: value})]
    exchange = desk(answers=history(told(*rows)))
    with pytest.raises(VenueSchemaError) as caught:
        exchange("fetch_price_history", condition(1), since=NOW - HOUR)
    assert caught.value.field == f"data[1].{field}"


def test_the_simulated_venue_tells_the_same_in_pages_and_windows(flavour: str) -> None:
    ground = PolymarketGround(history=True)
    trader = ground.trader(flavour)
    name = trader.quoted_market().market_id
    first, second = (x.label for x in trader.fetch_market(name).outcomes)
    since = datetime.fromtimestamp(ground.clock.now(), UTC) - timedelta(days=7)
    fine = trader.fetch_price_history(
        name, since=since, resolution=timedelta(minutes=1), outcome=first
    )
    assert len({x.timestamp for x in fine}) == len(fine)
    assert [x.timestamp for x in fine] == sorted(x.timestamp for x in fine)
    other = trader.fetch_price_history(
        name, since=since, resolution=timedelta(minutes=1), outcome=second
    )
    assert [1 - x.price for x in other] == [x.price for x in fine]
