"""Commands and their answers, numbers and errors."""

from __future__ import annotations

import json

import pytest

from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, StreamSettings

from ..trader import trader
from .listener import Listener

UNKNOWN = "00000000-0000-5000-8000-000000000000"


@pytest.fixture
def tickers(ada) -> list[str]:
    found = ada.get("/markets", status="open", limit=1000)["markets"]
    return sorted(market["ticker"] for market in found)[:6]


def kinds(frames) -> list[str]:
    return [frame["type"] for frame in frames]


# Subscribing


def test_each_channel_gets_a_subscription_of_its_own(listener) -> None:
    frames = listener.subscribe("trade", "fill", "communications")
    assert [frame["msg"] for frame in frames] == [
        {"channel": "trade", "sid": 1},
        {"channel": "fill", "sid": 2},
        {"channel": "communications", "sid": 3},
    ]
    assert [frame["id"] for frame in frames] == [1, 1, 1]


def test_answers_come_before_the_first_snapshots(listener, tickers) -> None:
    frames = listener.subscribe("orderbook_delta", "trade", market_tickers=tickers[:2])
    assert kinds(frames) == ["subscribed", "subscribed", *["orderbook_snapshot"] * 2]
    assert [frame.get("seq") for frame in frames] == [None, None, 1, 2]


def test_subscribing_again_merges_the_markets(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[1])
    ok, snapshot = listener.subscribe(
        "orderbook_delta", market_tickers=[tickers[1], tickers[0]]
    )
    assert (ok["sid"], ok["seq"], ok["id"]) == (sid, 2, 2)
    assert ok["msg"] == {"market_tickers": tickers[:2]}
    assert snapshot["msg"]["market_ticker"] == tickers[0]


def test_subscribing_again_to_all_merges_to_all(listener, tickers) -> None:
    listener.subscribe("trade", market_ticker=tickers[0])
    [ok] = listener.subscribe("trade")
    assert ok["msg"] == {}
    [ok] = listener.subscribe("trade", market_ticker=tickers[1])
    assert ok["msg"] == {}


def test_subscribing_again_does_not_change_the_money(listener, tickers, kalshi) -> None:
    listener.subscribe("orderbook_delta", market_ticker=tickers[0], use_yes_price=True)
    _, snapshot = listener.subscribe("orderbook_delta", market_ticker=tickers[1])
    asks = [str(a.price) for a in kalshi.engine.levels(tickers[1], "ask")]
    shown = [price for price, _ in snapshot["msg"].get("no_dollars_fp", [])]
    assert [float(price) for price in shown] == [float(price) for price in asks]


def test_a_channel_nobody_knows_does_not_spoil_the_others(listener) -> None:
    frames = listener.subscribe("cfbenchmarks_value_5hz", "trade")
    assert kinds(frames) == ["error", "subscribed"]
    assert (frames[0]["id"], frames[0]["msg"]) == (
        1,
        {"code": 8, "msg": "Unknown channel name"},
    )


def test_markets_are_ignored_where_they_mean_nothing(listener) -> None:
    frames = listener.subscribe(
        "market_lifecycle_v2", "order_group_updates", market_ticker="X", market_id="Y"
    )
    assert kinds(frames) == ["subscribed", "subscribed"]


def test_a_market_nobody_knows_is_subscribed_to_in_silence(listener) -> None:
    assert kinds(listener.subscribe("orderbook_delta", market_ticker="NOPE")) == [
        "subscribed"
    ]


def test_an_id_of_0_is_none(listener) -> None:
    assert "id" not in listener.ask("subscribe", {"channels": ["trade"]}, id=0)[0]


def test_shards_of_communications_are_accepted(visitor) -> None:
    frames = visitor.subscribe(
        "communications", shard_factor=4, shard_key=3, user_filter="self"
    )
    assert kinds(frames) == ["subscribed"]


def test_a_shard_factor_alone_is_enough(visitor) -> None:
    assert kinds(visitor.subscribe("communications", shard_factor=100)) == [
        "subscribed"
    ]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"shard_key": 1}, 20),
        ({"shard_factor": 0}, 19),
        ({"shard_factor": 101}, 22),
        ({"shard_factor": 4, "shard_key": 4}, 21),
        ({"shard_factor": 4, "shard_key": -1}, 21),
        ({"shard_factor": "4"}, 11),
        ({"user_filter": "others"}, 11),
    ],
)
def test_shards_that_cannot_be_are_refused(visitor, params, code) -> None:
    command = {"channels": ["communications"], **params}
    assert visitor.code("subscribe", command) == code


# Changing


def test_markets_are_added_and_shown(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[1])
    ok, snapshot = listener.ask(
        "update_subscription",
        {"sids": [sid], "action": "add_markets", "market_ticker": tickers[0]},
    )
    assert ok["msg"]["market_tickers"] == tickers[:2]
    assert (ok["seq"], snapshot["seq"]) == (2, 3)


def test_a_market_that_is_there_is_not_shown_again(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[0])
    params = {"sid": sid, "action": "add_markets", "market_ticker": tickers[0]}
    assert kinds(listener.ask("update_subscription", params)) == ["ok"]


def test_markets_are_deleted_and_fall_silent(listener, ada, market, tickers) -> None:
    listed = [market["ticker"], "OTHER"]
    sid = listener.follow("orderbook_delta", market_tickers=listed)
    [ok] = listener.ask(
        "update_subscription",
        {"sid": sid, "action": "delete_markets", "market_tickers": listed[:1]},
    )
    assert ok["msg"] == {"market_tickers": ["OTHER"]}
    ada.rest(market)
    assert listener.frames() == []


def test_of_a_subscription_without_markets_nothing_is_left(
    listener, ada, market
) -> None:
    sid = listener.follow("trade", market_ticker=market["ticker"])
    params = {"sid": sid, "action": "delete_markets"}
    [ok] = listener.ask(
        "update_subscription", {**params, "market_ticker": market["ticker"]}
    )
    assert ok["msg"] == {"market_tickers": []}
    ada.take(market)
    assert listener.frames() == []


def test_a_snapshot_can_be_asked_for(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[0])
    frames = listener.ask(
        "update_subscription",
        {"sid": sid, "action": "get_snapshot", "market_tickers": tickers[:2]},
    )
    assert [(f["type"], f["id"], f["seq"]) for f in frames] == [
        ("orderbook_snapshot", 2, 2),
        ("orderbook_snapshot", 2, 3),
    ]
    # It does not subscribe.
    [ok] = listener.subscribe("orderbook_delta", market_ticker=tickers[0])
    assert ok["msg"]["market_tickers"] == tickers[:1]


def test_a_snapshot_asked_for_without_an_id_has_none(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[0])
    params = {"sid": sid, "action": "get_snapshot", "market_ticker": tickers[0]}
    [frame] = listener.ask("update_subscription", params, id=0)
    assert "id" not in frame


def test_no_snapshot_of_a_market_nobody_knows(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_ticker=tickers[0])
    params = {"sid": sid, "action": "get_snapshot"}
    [error] = listener.ask(
        "update_subscription", {**params, "market_tickers": [tickers[0], "NOPE"]}
    )
    assert (error["sid"], error["seq"]) == (sid, 2)
    assert error["msg"] == {
        "code": 11,
        "msg": "Invalid parameter",
        "market_tickers": ["NOPE"],
    }


# Ending and listing


def test_unsubscribing_answers_with_the_last_number(listener, tickers) -> None:
    sid = listener.follow("orderbook_delta", market_tickers=tickers[:2])
    [answer] = listener.ask("unsubscribe", {"sids": [sid]})
    answer.pop("sending_ts_ms")
    assert answer == {"id": 2, "sid": sid, "seq": 3, "type": "unsubscribed"}


def test_what_is_unsubscribed_from_falls_silent(listener, ada, market) -> None:
    first = listener.follow("trade", "fill")
    listener.ask("unsubscribe", {"sids": [first]})
    ada.take(market)
    assert kinds(listener.frames()) == ["fill"]


def test_a_new_subscription_has_a_new_sid_and_counts_from_1(listener, tickers) -> None:
    listener.follow("orderbook_delta", market_ticker=tickers[0])
    listener.ask("unsubscribe", {"sids": [1]})
    frames = listener.subscribe("orderbook_delta", market_ticker=tickers[0])
    assert frames[0]["msg"]["sid"] == 2
    assert frames[1]["seq"] == 1


def test_each_sid_is_answered_for(listener) -> None:
    listener.subscribe("trade", "fill")
    frames = listener.ask("unsubscribe", {"sids": [2, 9, 1]})
    assert kinds(frames) == ["unsubscribed", "error", "unsubscribed"]
    assert frames[1]["msg"]["code"] == 7


def test_subscriptions_are_listed(listener) -> None:
    listener.subscribe("trade", "fill")
    listener.ask("unsubscribe", {"sids": [1]})
    [answer] = listener.ask("list_subscriptions")
    assert (answer["type"], answer["msg"]) == ("ok", [{"channel": "fill", "sid": 2}])


def test_acknowledgements_are_numbered_where_data_are_not(listener) -> None:
    sid = listener.follow("fill", market_ticker="A")
    [ok] = listener.subscribe("fill", market_ticker="B")
    [answer] = listener.ask("unsubscribe", {"sids": [sid]})
    assert (ok["seq"], answer["seq"]) == (1, 2)


# Errors


@pytest.mark.parametrize(
    "data", ["", "nonsense", "[1]", "7", b"\xff\xfe", '{"id":', "null"]
)
def test_what_is_no_command_cannot_be_processed(visitor, data) -> None:
    visitor.session.receive(data)
    [answer] = visitor.frames()
    assert (answer["msg"]["code"], "id" in answer) == (1, False)


@pytest.mark.parametrize(
    ("cmd", "params", "code"),
    [
        ("subscribe", None, 2),
        ("unsubscribe", None, 2),
        ("update_subscription", None, 2),
        ("subscribe", [], 11),
        ("subscribe", {}, 3),
        ("subscribe", {"channels": []}, 3),
        ("subscribe", {"channels": "trade"}, 11),
        ("subscribe", {"channels": [1]}, 11),
        ("unsubscribe", {}, 4),
        ("unsubscribe", {"sids": []}, 4),
        ("unsubscribe", {"sids": 1}, 11),
        ("unsubscribe", {"sids": ["1"]}, 11),
        ("unsubscribe", {"sids": [7]}, 7),
        ("shout", {}, 5),
        (None, {}, 5),
        ("subscribe", {"channels": ["nope"]}, 8),
        ("subscribe", {"channels": ["orderbook_delta"]}, 14),
        ("subscribe", {"channels": ["orderbook_delta"], "market_tickers": []}, 14),
        ("subscribe", {"channels": ["orderbook_delta"], "market_id": UNKNOWN}, 11),
        ("subscribe", {"channels": ["trade"], "market_ids": [UNKNOWN]}, 11),
        ("subscribe", {"channels": ["trade"], "market_ticker": 1}, 11),
        ("subscribe", {"channels": ["trade"], "market_tickers": "A"}, 11),
        (
            "subscribe",
            {"channels": ["trade"], "market_ticker": "A", "market_tickers": ["B"]},
            11,
        ),
        ("subscribe", {"channels": ["trade"], "use_yes_price": 1}, 11),
        ("update_subscription", {}, 12),
        ("update_subscription", {"sids": []}, 12),
        ("update_subscription", {"sids": [1, 2]}, 12),
        ("update_subscription", {"sids": [1], "sid": 1}, 12),
        ("update_subscription", {"sid": True}, 11),
        ("update_subscription", {"sid": 9, "action": "add_markets"}, 7),
    ],
)
def test_a_command_that_is_wrong_is_refused(visitor, cmd, params, code) -> None:
    assert visitor.code(cmd, params) == code


@pytest.mark.parametrize("command_id", [-1, "1", 1.5, True, None])
def test_an_id_that_is_none_is_refused(visitor, command_id) -> None:
    sent = {"id": command_id, "cmd": "list_subscriptions"}
    visitor.session.receive(json.dumps(sent))
    [answer] = visitor.frames()
    assert answer["msg"]["code"] == 11


@pytest.mark.parametrize(
    ("channel", "params", "code"),
    [
        ("orderbook_delta", {}, 15),
        ("orderbook_delta", {"action": 1}, 11),
        ("orderbook_delta", {"action": "rename"}, 13),
        ("orderbook_delta", {"action": "add_markets"}, 14),
        ("ticker", {"action": "get_snapshot", "market_ticker": "A"}, 13),
        ("market_lifecycle_v2", {"action": "add_markets", "market_ticker": "A"}, 13),
        ("orderbook_delta", {"action": "add_markets", "market_id": UNKNOWN}, 11),
    ],
)
def test_an_update_that_is_wrong_is_told_of_its_subscription(
    visitor, channel, params, code
) -> None:
    sid = visitor.follow(channel, market_ticker="X")
    [error] = visitor.ask("update_subscription", {"sid": sid, **params})
    assert (error["sid"], error["msg"]["code"]) == (sid, code)
    assert ("seq" in error) == (channel != "ticker")


def test_of_all_markets_none_can_be_deleted(listener) -> None:
    sid = listener.follow("trade")
    params = {"sid": sid, "action": "delete_markets", "market_ticker": "A"}
    assert listener.code("update_subscription", params) == 11


def test_a_key_that_may_not_read_sees_public_channels_only(kalshi, clock) -> None:
    writer = trader(kalshi, clock, scopes=("write",))
    frames = Listener(writer).subscribe("trade", "fill")
    assert [frame["msg"].get("code") for frame in frames] == [None, 9]


def test_a_subscription_has_a_limit_of_markets(clock) -> None:
    settings = StreamSettings(market_limit=2)
    kalshi = SimulatedKalshi(seed=7, clock=clock, stream=settings)
    listener = Listener(trader(kalshi, clock))
    many = {"channels": ["trade"], "market_tickers": ["A", "B", "C"]}
    assert listener.code("subscribe", many) == 26
    sid = listener.follow("trade", market_tickers=["A", "B"])
    params = {"sid": sid, "action": "add_markets", "market_ticker": "C"}
    assert listener.code("update_subscription", params) == 26
    assert listener.subscribe("trade", market_ticker="C")[0]["msg"]["code"] == 26


# Order


def test_answers_may_come_in_another_order_always_the_same(clock) -> None:
    def order() -> list[int]:
        kalshi = SimulatedKalshi(
            seed=7, clock=clock, stream=StreamSettings(shuffles=True)
        )
        listener = Listener(trader(kalshi, clock))
        tickers = [m.market_id for m in kalshi.engine.markets()][:6]
        for ticker in tickers:
            params = {"channels": ["orderbook_delta"], "market_ticker": ticker}
            listener.post("subscribe", params)
        return [frame["id"] for frame in listener.frames() if "id" in frame]

    first = order()
    assert first == order()
    assert sorted(first) == [1, 2, 3, 4, 5, 6]
    assert first != sorted(first)


def test_shuffled_commands_wake_and_die_with_the_connection(clock) -> None:
    kalshi = SimulatedKalshi(seed=7, clock=clock, stream=StreamSettings(shuffles=True))
    listener = Listener(trader(kalshi, clock))
    woken = []
    listener.session.wake = lambda: woken.append(1)
    listener.post("list_subscriptions")
    assert woken == [1]
    listener.session.close()
    assert listener.frames() == []
