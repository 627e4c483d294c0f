"""Index values and prices: who is told of which, and what Kalshi averages."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

CF, PYTH = "cfbenchmarks_value", "pyth_value"
CLOSE = 1_795_201_200  # 19:00 UTC
FEEDS = [
    (CF, "index_ids", "index_id", ("subscribe_indices", "unsubscribe_indices"), 24),
    (
        PYTH,
        "underlying_tickers",
        "underlying_ticker",
        ("subscribe_underlyings", "unsubscribe_underlyings"),
        28,
    ),
]


@pytest.fixture
def tell(kalshi, clock):
    """Let something have a value, a second after the last."""

    def now(channel: str, name: str, value: str = "1.5") -> None:
        clock.advance(1)
        (kalshi.tell_index if channel == CF else kalshi.tell_price)(name, value)

    return now


def told(listener, channel: str, field: str) -> list[str]:
    return [body[field] for body in listener.bodies(channel)]


@pytest.fixture
def until(clock):
    """Let time pass until so many seconds before the close of a quarter of an hour."""
    return lambda seconds: clock.advance(CLOSE - seconds - clock.now())


# -- who is told -----------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "field", "name", "actions", "code"), FEEDS)
def test_only_what_is_named_is_told(
    listener, tell, channel, field, name, actions, code
) -> None:
    listener.subscribe(channel, **{field: ["A", "B"]})
    for each in "ABC":
        tell(channel, each)
    assert told(listener, channel, name) == ["A", "B"]


@pytest.mark.parametrize(("channel", "field", "name", "actions", "code"), FEEDS)
def test_of_nothing_that_is_named_nothing_is_told_and_of_all_everything(
    listener, tell, channel, field, name, actions, code
) -> None:
    listener.subscribe(channel)
    tell(channel, "A")
    assert listener.frames() == []
    [ok] = listener.subscribe(channel, **{field: ["all"]})
    assert ok["type"] == "ok"
    tell(channel, "A")
    tell(channel, "B")
    assert told(listener, channel, name) == ["A", "B"]


@pytest.mark.parametrize(("channel", "field", "name", "actions", "code"), FEEDS)
def test_names_are_added_and_removed(
    listener, tell, channel, field, name, actions, code
) -> None:
    sid = listener.follow(channel, **{field: ["A"]})
    heard = []
    for action, names in (
        (actions[0], ["B"]),
        (actions[1], ["A"]),
        (actions[0], ["all"]),
        (actions[1], ["all"]),
    ):
        params = {"sid": sid, "action": action, field: names}
        [ok] = listener.ask("update_subscription", params)
        assert (ok["type"], ok["msg"]) == ("ok", {})
        for each in "ABC":
            tell(channel, each)
        heard.append("".join(told(listener, channel, name)))
    assert heard == ["AB", "B", "ABC", ""]


@pytest.mark.parametrize(("channel", "field", "name", "actions", "code"), FEEDS)
def test_an_update_without_names_is_refused(
    listener, channel, field, name, actions, code
) -> None:
    sid = listener.follow(channel)
    for action in actions:
        for more in ({}, {field: []}):
            params = {"sid": sid, "action": action, **more}
            assert listener.code("update_subscription", params) == code
    params = {"sid": sid, "action": "add_markets", "market_ticker": "A"}
    assert listener.code("update_subscription", params) == 13
    params = {"channels": [channel], field: "A"}
    assert listener.code("subscribe", params) == 11


def test_what_there_is_is_listed(listener, tell, clock) -> None:
    sids = [listener.follow(CF), listener.follow(PYTH)]
    tell(PYTH, "OLD")
    clock.advance(2 * 3600)
    for name in "BA":
        tell(CF, name)
        tell(PYTH, name)
    indices, names = [
        listener.ask("update_subscription", {"sid": sid, "action": action})[0]
        for sid, action in zip(sids, ("indexlist", "underlying_list"), strict=True)
    ]
    assert (indices["id"], indices["seq"], indices["msg"]) == (
        3,
        1,
        {"index_ids": ["A", "B"]},
    )
    assert (names["id"], names["msg"]) == (4, {"underlying_tickers": ["A", "B"]})


@pytest.mark.parametrize(("channel", "field", "name", "actions", "code"), FEEDS)
def test_what_is_not_newer_is_no_news(
    listener, kalshi, tell, channel, field, name, actions, code
) -> None:
    listener.subscribe(channel, **{field: ["all"]})
    tell(channel, "A", "1")
    (kalshi.tell_index if channel == CF else kalshi.tell_price)("A", "2")
    assert told(listener, channel, name) == ["A"]


# -- what is told ----------------------------------------------------------------------


def test_a_price_has_eight_decimals(listener, kalshi, clock) -> None:
    listener.subscribe(PYTH, underlying_tickers=["Metal.XAU/USD"])
    kalshi.tell_price("Metal.XAU/USD", "2365.12345")
    moment = round(clock.now() * 1000)
    assert listener.bodies(PYTH) == [
        {
            "underlying_ticker": "Metal.XAU/USD",
            "value_usd": "2365.12345000",
            "source_ts_ms": moment,
            "received_at": moment,
        }
    ]


def test_the_first_value_is_its_own_average(listener, kalshi, clock) -> None:
    listener.subscribe(CF, index_ids=["BRTI"])
    kalshi.tell_index("BRTI", "68000.12")
    moment = round(clock.now() * 1000)
    [body] = listener.bodies(CF)
    assert json.loads(body["data"]) == {
        "type": "value",
        "id": "BRTI",
        "time": moment,
        "value": "68000.12",
    }
    assert body["avg_60s_data"] == {
        "value": "68000.12000000",
        "window_size": 0,
        "window_start_ts_ms": moment - 60_000,
        "window_end_ts_exclusive": moment,
    }
    assert "last_60s_windowed_average_15min" not in body


def test_the_average_is_of_the_minute_before(listener, kalshi, clock) -> None:
    listener.subscribe(CF, index_ids=["BRTI"])
    for value in (9, 1, 1, 2, 100):
        kalshi.tell_index("BRTI", Decimal(value))
        clock.advance(20)
    average = listener.bodies(CF)[-1]["avg_60s_data"]
    # Of 80, 60, 40, 20 and 0 seconds ago; 60 belongs to it, 0 not.
    assert (average["value"], average["window_size"]) == ("1.33333333", 3)


def test_the_last_minute_of_a_quarter_is_averaged_as_far_as_it_went(
    listener, kalshi, until
) -> None:
    listener.subscribe(CF, index_ids=["BRTI"])
    for value, seconds in ((5, 60), (1, 59), (2, 46), (6, 0), (7, -1)):
        until(seconds)
        kalshi.tell_index("BRTI", value)
    closing = [
        body.get("last_60s_windowed_average_15min") for body in listener.bodies(CF)
    ]
    assert [average and average["window_size"] for average in closing] == [
        None,
        1,
        2,
        3,
        None,
    ]
    assert [average["value"] for average in closing if average] == [
        "1.00000000",
        "1.50000000",
        "3.00000000",
    ]
    assert closing[1]["window_start_ts_ms"] == (CLOSE - 60) * 1000
