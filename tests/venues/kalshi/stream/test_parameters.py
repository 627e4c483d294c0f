"""Kalshi's further words of a subscription: which channel has which, checked before."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.errors import ArgumentsRequired, BadRequest
from unified_exchanges.venues.kalshi.subscriptions import Subscriptions

from .desk import A, B, Desk

BOOKS, RFQS = "orderbook_delta", "communications"


class Program:
    """A program's subscriptions on a connection."""

    def __init__(self) -> None:
        self.desk = Desk().connect()
        self.ledger = Subscriptions(self.desk.stream)

    def subscribe(self, channels: Any, markets: Any = None, params: Any = None) -> None:
        self.ledger.subscribe(channels, markets, params)
        self.ledger.hear(self.desk.events)
        self.desk.events.clear()

    def refused(self, channels: Any, markets: Any = None, params: Any = None) -> str:
        """Why something cannot be asked for; nothing is sent then."""
        with pytest.raises(BadRequest) as caught:
            self.subscribe(channels, markets, params)
        assert self.desk.sent() == []
        return str(caught.value)

    def words(self) -> dict[str, Any]:
        """The parameters of the last command."""
        found: dict[str, Any] = self.desk.run().commands[-1]["params"]
        return found


@pytest.mark.parametrize(
    ("channel", "markets", "params"),
    [
        (RFQS, None, {"user_filter": "self"}),
        (RFQS, None, {"shard_factor": 100, "shard_key": 99}),
        (RFQS, None, {"shard_factor": 1}),
        ("ticker", [A], {"send_initial_snapshot": False, "skip_ticker_ack": True}),
        ("trade", [A], {"skip_ticker_ack": True}),
        (BOOKS, [A], {"skip_ticker_ack": True}),
        ("cfbenchmarks_value", None, {"index_ids": ["BRTI", "ETHUSD_RTI"]}),
        ("cfbenchmarks_value_5hz", None, {"index_ids": ["all"]}),
        ("pyth_value", None, {"underlying_tickers": ["Metal.XAU/USD"]}),
    ],
)
def test_what_is_documented_of_a_channel_is_sent(
    channel: str, markets: Any, params: dict[str, Any]
) -> None:
    program = Program()
    program.subscribe(channel, markets, params)
    sent = program.words()
    assert {name: sent[name] for name in params} == params
    assert sent["channels"] == [channel]


def test_names_have_no_order_and_come_once() -> None:
    program = Program()
    program.subscribe("cfbenchmarks_value", None, {"index_ids": ("B", "A", "B")})
    assert program.words()["index_ids"] == ["A", "B"]
    program.subscribe("cfbenchmarks_value", None, {"index_ids": ["A", "B"]})
    assert len(program.desk.run().commands) == 1


@pytest.mark.parametrize(
    ("channel", "markets", "params", "message"),
    [
        (RFQS, None, {"user_filtr": "self"}, "Did you mean user_filter?"),
        (RFQS, None, {"user_filter": "other"}, "neither 'self' nor ''"),
        (RFQS, None, {"user_filter": True}, "must be str"),
        (RFQS, None, {"shard_factor": "4"}, "must be int"),
        (RFQS, None, {"shard_factor": True}, "must be int"),
        (RFQS, None, {"shard_factor": 0}, "not from 1 to 100"),
        (RFQS, None, {"shard_factor": 101}, "not from 1 to 100"),
        (RFQS, None, {"shard_key": 0}, "needs shard_factor"),
        (RFQS, None, {"shard_factor": 4, "shard_key": 4}, "not from 0 to 3"),
        (RFQS, None, {"shard_factor": 4, "shard_key": -1}, "not from 0 to 3"),
        (RFQS, None, {"skip_ticker_ack": True}, "params of communications"),
        ("ticker", [A], {"send_initial_snapshot": 1}, "must be bool"),
        ("trade", [A], {"send_initial_snapshot": True}, "known: skip_ticker_ack"),
        ("fill", None, {"skip_ticker_ack": True}, "known: none"),
        ("weather_v3", None, {"rain": True}, "params of weather_v3"),
        (BOOKS, [A], {"use_yes_price": False}, "books are read with it"),
        ("trade", None, {"use_yes_price": True}, "books are read with it"),
        ("ticker", None, {"market_ids": ["uuid"]}, "the method's arguments"),
        ("trade", None, {"channels": ["fill"]}, "the method's arguments"),
        ("trade", None, {7: True}, "params of trade 7 is not known"),
        ("trade", None, "skip_ticker_ack", "params is a mapping"),
        ("cfbenchmarks_value", None, {"index_ids": "BRTI"}, "must be a list of names"),
        ("cfbenchmarks_value", None, {"index_ids": []}, "must be a list of names"),
        ("cfbenchmarks_value", None, {"index_ids": [""]}, "must be a list of names"),
        ("pyth_value", None, {"underlying_tickers": [1]}, "must be a list of names"),
        ("pyth_value", None, {"index_ids": ["BRTI"]}, "known: underlying_tickers"),
        ("pyth_value", [A], {"underlying_tickers": ["X"]}, "no filter of markets"),
        (["ticker", "fill"], None, {"skip_ticker_ack": True}, "params of fill"),
    ],
)
def test_what_is_not_is_refused_before_anything_is_sent(
    channel: Any, markets: Any, params: Any, message: str
) -> None:
    assert message in Program().refused(channel, markets, params)


@pytest.mark.parametrize(
    ("channel", "needed"),
    [
        ("cfbenchmarks_value", "index_ids"),
        ("cfbenchmarks_value_5hz", "index_ids"),
        ("pyth_value", "underlying_tickers"),
    ],
)
@pytest.mark.parametrize("params", [None, {}])
def test_a_channel_that_would_tell_nothing_says_what_it_needs(
    channel: str, needed: str, params: Any
) -> None:
    program = Program()
    with pytest.raises(ArgumentsRequired, match=needed):
        program.subscribe(channel, None, params)
    assert program.desk.sent() == []


def test_of_several_channels_none_is_asked_for_if_one_cannot_be() -> None:
    program = Program()
    with pytest.raises(ArgumentsRequired, match="market by market"):
        program.subscribe(["trade", BOOKS])
    assert program.desk.sent() == []


# -- again -----------------------------------------------------------------------------


def test_a_channel_that_is_followed_keeps_its_words() -> None:
    program = Program()
    words = {"send_initial_snapshot": False}
    program.subscribe("ticker", [A], words)
    program.desk.run()
    for markets, params in ((B, None), (B, words), (A, None)):
        program.subscribe("ticker", markets, params)
    assert program.words()["market_tickers"] == [B]
    assert program.words()["send_initial_snapshot"] is False
    assert len(program.desk.commands) == 2


@pytest.mark.parametrize(
    "words", [{}, {"user_filter": ""}, {"user_filter": "self", "shard_factor": 2}]
)
def test_other_words_for_a_channel_that_is_followed_are_refused(
    words: dict[str, Any],
) -> None:
    program = Program()
    program.subscribe(RFQS, None, {"user_filter": "self"})
    program.desk.run()
    message = program.refused(RFQS, None, words)
    assert "communications is followed with params={'user_filter': 'self'}" in message
    assert "unsubscribe('communications') first" in message


def test_words_are_refused_too_where_there_were_none() -> None:
    program = Program()
    program.subscribe("trade", [A])
    program.desk.run()
    message = program.refused("trade", [B], {"skip_ticker_ack": True})
    assert "followed with params={} already" in message


def test_what_is_meant_anyway_contradicts_nothing() -> None:
    program = Program()
    program.subscribe("ticker", [A])
    program.desk.run()
    meant = {"send_initial_snapshot": True, "skip_ticker_ack": False}
    program.subscribe("ticker", [B], meant)
    assert program.words()["market_tickers"] == [B]


@pytest.mark.parametrize("markets", [None, [A]])
def test_after_the_end_a_channel_may_be_followed_with_other_words(
    markets: list[str] | None,
) -> None:
    program = Program()
    program.subscribe("trade", markets, {"skip_ticker_ack": True})
    program.desk.run()
    program.ledger.unsubscribe("trade", markets)
    program.desk.run()
    program.subscribe("trade", markets)
    assert "skip_ticker_ack" not in program.words()


def test_a_channel_of_which_something_is_left_keeps_its_words() -> None:
    program = Program()
    program.subscribe("trade", [A, B], {"skip_ticker_ack": True})
    program.desk.run()
    program.ledger.unsubscribe("trade", A)
    program.desk.run()
    assert "already" in program.refused("trade", [A], {})


@pytest.mark.parametrize(("code", "markets"), [(9, [A]), (11, [A]), (9, None)])
def test_what_is_refused_may_be_asked_for_with_other_words(
    code: int, markets: list[str] | None
) -> None:
    program = Program()
    program.subscribe("trade", markets, {"skip_ticker_ack": True})
    [command] = program.desk.sent()
    program.ledger.hear(program.desk.fail(command, code))
    program.subscribe("trade", markets, {})
    assert "skip_ticker_ack" not in program.words()
