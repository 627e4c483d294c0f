"""Public trades, and candles made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import (
    NOW,
    OTHERS,
    SECONDS,
    Turns,
    catalog,
    condition,
    desk,
    market,
    public_trade,
    token,
    told,
)
from unified_exchanges import (
    BUY,
    SELL,
    BadRequest,
    MarketNotFound,
    Ohlc,
    VenueSchemaError,
)

D = Decimal
TRADES = "/data/v2/trades"
LISTING = "/gamma/markets/keyset"


def no(ago: int, **fields: Any) -> dict[str, Any]:
    return public_trade(ago, token_id=token(1, 1), outcome="No", **fields)


def answers(*rows: dict[str, Any]) -> dict[str, Any]:
    return {LISTING: catalog(market(1)), TRADES: told(*rows)}


def test_a_trade_is_told_for_what_its_taker_traded(flavour: str) -> None:
    exchange = desk(flavour, answers(public_trade(5), no(9, side="SELL", price=0.475)))
    first, second = exchange("fetch_trades", condition(1))
    assert (first.market_id, first.outcome) == (condition(1), "yes")
    assert (first.price, first.size, first.taker_side) == (D("0.52"), D(10), BUY)
    assert first.created_at == NOW - timedelta(seconds=5)
    assert (second.outcome, second.price, second.taker_side) == ("no", D("0.475"), SELL)
    assert exchange.queries(TRADES) == [
        {"taker_only": "true", "condition_id": condition(1), "limit": "1000"}
    ]


def test_numbers_are_exact() -> None:
    exchange = desk(answers=answers(public_trade(5, price=0.29, size=1234567.891)))
    (found,) = exchange("fetch_trades", condition(1))
    assert (str(found.price), str(found.size)) == ("0.29", "1234567.891")


def test_a_trade_has_a_name_of_its_own_that_stays() -> None:
    rows = [
        public_trade(5),
        public_trade(5, price=0.53),
        public_trade(5, proxy_wallet="0x" + "ef" * 20),
        no(5),
    ]
    exchange = desk(answers=answers(*rows))
    names = [trade.trade_id for trade in exchange("fetch_trades")]
    assert len(set(names)) == 4
    assert names == [trade.trade_id for trade in exchange("fetch_trades")]
    assert names[0].startswith(f"0x{5:064x}-")
    found = exchange("fetch_trades")
    assert {trade.transaction for trade in found} == {f"0x{5:064x}"}


def test_pages_are_followed_and_a_trade_comes_once(flavour: str) -> None:
    pages = Turns(
        told(public_trade(1), public_trade(2), cursor="c2"),
        told(public_trade(2), public_trade(3)),
        told(public_trade(2)),
    )
    exchange = desk(flavour, {TRADES: pages})
    assert len(exchange("fetch_trades")) == 3
    followed = [q.get("cursor") for q in exchange.queries(TRADES) if "user" not in q]
    assert followed == [None, "c2"]


def test_trades_of_one_outcome_are_sifted(flavour: str) -> None:
    exchange = desk(flavour, answers(public_trade(1), no(2), public_trade(3)))
    found = exchange("fetch_trades", condition(1), outcome="no", limit=5)
    assert [trade.outcome for trade in found] == ["no"]
    assert exchange.queries(TRADES)[0]["limit"] == "1000"


def test_both_bounds_are_included_and_reading_stops_at_the_first(flavour: str) -> None:
    pages = Turns(
        told(public_trade(1), public_trade(2), cursor="c2"),
        told(public_trade(3), public_trade(4), cursor="c3"),
        told(public_trade(5)),
    )
    exchange = desk(flavour, {LISTING: catalog(market(1)), TRADES: pages})
    found = exchange(
        "fetch_trades",
        condition(1),
        since=NOW - timedelta(seconds=3),
        until=NOW - timedelta(seconds=2),
    )
    assert [int((NOW - x.created_at).total_seconds()) for x in found] == [2, 3]
    assert len(exchange.queries(TRADES)) == 2


def test_words_of_the_service_go_on() -> None:
    exchange = desk(answers=answers())
    words = {"taker_only": False, "side": "BUY", "user": OTHERS, "event_id": 77}
    exchange("fetch_trades", params=words, limit=7)
    assert exchange.queries(TRADES) == [
        {
            "taker_only": "false",
            "side": "BUY",
            "user": OTHERS,
            "event_id": "77",
            "limit": "7",
        }
    ]


@pytest.mark.parametrize(
    ("args", "fields", "match"),
    [
        ((), {"outcome": "yes"}, "give market_id too"),
        ((condition(1),), {"params": {"event_id": "7"}}, "not both"),
        ((), {"since": NOW, "until": NOW - timedelta(1)}, "is after until"),
        ((), {"params": {"start": 1}}, "use the method's arguments"),
    ],
)
def test_what_does_not_fit_is_refused_unsent(
    args: tuple[str, ...], fields: dict[str, Any], match: str
) -> None:
    exchange = desk()
    with pytest.raises(BadRequest, match=match):
        exchange("fetch_trades", *args, **fields)
    assert exchange.asked == []


def test_trades_of_a_market_that_is_nowhere(flavour: str) -> None:
    with pytest.raises(MarketNotFound):
        desk(flavour, {LISTING: catalog()})("fetch_trades", condition(1))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"price": 1.2}, "price"),
        ({"price": "NaN"}, "price"),
        ({"size": -1}, "size"),
        ({"side": "LONG"}, "side"),
        ({"token_id": ""}, "token_id"),
        ({"condition_id": "x"}, "condition_id"),
        ({"timestamp": 10**15}, "timestamp"),
        ({"transaction_hash": ""}, "transaction_hash"),
    ],
)
def test_a_trade_is_not_guessed(fields: dict[str, Any], field: str) -> None:
    exchange = desk(answers=answers(public_trade(1), public_trade(2, **fields)))
    with pytest.raises(VenueSchemaError) as caught:
        exchange("fetch_trades")
    assert caught.value.field == f"data[1].{field}"


# -- candles ---------------------------------------------------------------------------


def at(hour: int, minute: int, second: int = 0, **fields: Any) -> dict[str, Any]:
    """A trade on the day before the desk's, at that time."""
    moment = datetime(2026, 11, 19, hour, minute, second, tzinfo=UTC)
    return public_trade(SECONDS - int(moment.timestamp()), **fields)


def test_a_candle_is_its_trades_to_the_last_digit(flavour: str) -> None:
    rows = [
        at(11, 0, price=0.50, size=5),  # the very end belongs to the period
        at(10, 50, price=0.61, size=2.5),
        at(10, 40, price=0.45, size=1),
        no(5),
        at(10, 0, 1, price=0.48, size=3),
        at(10, 0, price=0.99, size=7),  # and the very start to the one before
    ]
    found = desk(flavour, answers(*rows))("fetch_ohlcv", condition(1), "1h")
    assert [x.end.hour for x in found] == [10, 11]
    candle = found[1]
    assert candle.price == Ohlc(D("0.48"), D("0.61"), D("0.45"), D("0.5"))
    assert (candle.volume, candle.mean) == (D("11.5"), D("5.915") / D("11.5"))
    assert (candle.start.hour, candle.end - candle.start) == (10, timedelta(hours=1))
    assert (candle.bid, candle.ask, candle.open_interest) == (None, None, None)
    assert (candle.market_id, candle.outcome) == (condition(1), "yes")


def test_each_outcome_has_candles_of_its_own() -> None:
    exchange = desk(answers=answers(at(10, 30), no(9_000, price=0.3)))
    (found,) = exchange("fetch_ohlcv", condition(1), "1h", outcome="no")
    assert (found.outcome, found.price.close) == ("no", D("0.3"))


def test_the_period_that_still_runs_is_left_out() -> None:
    exchange = desk(answers=answers(public_trade(1), public_trade(3_700)))
    found = exchange("fetch_ohlcv", condition(1), "1h")
    assert [x.end <= NOW for x in found] == [True]


def test_candles_end_after_since_and_not_after_until() -> None:
    rows = [at(hour, 30) for hour in (14, 13, 12, 11, 10)]
    exchange = desk(answers=answers(*rows))
    day = datetime(2026, 11, 19, tzinfo=UTC)
    found = exchange(
        "fetch_ohlcv",
        condition(1),
        "1h",
        since=day + timedelta(hours=11),
        until=day + timedelta(hours=14),
    )
    assert [x.end.hour for x in found] == [12, 13, 14]


def test_since_within_a_period_gives_that_period_whole() -> None:
    exchange = desk(answers=answers(at(10, 50, price=0.6), at(10, 10, price=0.4)))
    since = datetime(2026, 11, 19, 10, 30, tzinfo=UTC)
    (found,) = exchange("fetch_ohlcv", condition(1), "1h", since=since)
    assert (found.price.open, found.price.close) == (D("0.4"), D("0.6"))


def test_a_limit_takes_the_newest_and_reads_no_further(flavour: str) -> None:
    pages = Turns(
        told(at(14, 30), at(13, 30), at(12, 30, price=0.4), cursor="c2"),
        told(at(12, 10, price=0.6), at(11, 30), cursor="c3"),
        told(at(10, 30)),
    )
    exchange = desk(flavour, {LISTING: catalog(market(1)), TRADES: pages})
    found = exchange("fetch_ohlcv", condition(1), "1h", limit=3)
    assert [x.end.hour for x in found] == [13, 14, 15]
    assert found[0].price.open == D("0.6")
    assert len(exchange.queries(TRADES)) == 2


@pytest.mark.parametrize(("period", "count"), [("1m", 3), ("1h", 2), ("1d", 1)])
def test_periods_are_minutes_hours_and_days(period: str, count: int) -> None:
    exchange = desk(answers=answers(at(11, 59), at(11, 1), at(10, 30)))
    assert len(exchange("fetch_ohlcv", condition(1), period)) == count


def test_another_period_is_refused_unsent() -> None:
    exchange = desk()
    with pytest.raises(BadRequest, match="not one of 1m, 1h, 1d"):
        exchange("fetch_ohlcv", condition(1), "5m")
    assert exchange.asked == []


def test_trades_of_no_size_have_no_mean() -> None:
    (found,) = desk(answers=answers(at(10, 30, size=0)))(
        "fetch_ohlcv", condition(1), "1h"
    )
    assert (found.volume, found.mean) == (D(0), None)
