"""Where the sockets are, who we are on them, and what a watch asks of the venue besides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unified_exchanges.errors import AuthenticationError, BadRequest, MarketNotFound
from unified_exchanges.models import Outcome, Subject
from unified_exchanges.settings import Settings
from unified_exchanges.venues.polymarket.api_key import ApiKey
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

MARKET = "0x" + "a" * 64
HOST = "wss://ws-subscriptions-clob.polymarket.com/ws"
PRIVATE = {Subject.ORDERS, Subject.FILLS, Subject.POSITIONS}


def venue(environment: str = "production", **more: Any) -> PolymarketVenue:
    return PolymarketVenue(Settings(environment=environment, environ={}, **more))


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ("production", f"{HOST}/market"),
        ("local", "ws://127.0.0.1:8791/ws/market"),
        ("http://127.0.0.1:99", "ws://127.0.0.1:99/ws/market"),
        ("https://clob.polymarket.com", f"{HOST}/market"),
    ],
)
def test_the_stream_is_beside_its_environment(environment: str, address: str) -> None:
    assert venue(environment).stream_url == address


def test_each_subject_is_on_one_of_two_lines() -> None:
    market, user = venue().lines()
    assert (market.name, user.name) == ("market", "user")
    assert user.subjects == PRIVATE
    assert market.subjects == frozenset(Subject) - PRIVATE
    assert (market.dial.url, user.dial.url) == (f"{HOST}/market", f"{HOST}/user")


def test_markets_need_no_key_and_the_account_does() -> None:
    market, user = venue().lines()
    assert market.dial.headers() == {}
    with pytest.raises(AuthenticationError, match="market data needs none"):
        user.dial.headers()


def test_without_a_key_nobody_is_introduced() -> None:
    stream = venue().user_stream()
    stream.follow(Subject.ORDERS, None)
    list(stream.connection_made())
    assert stream.data_to_send() == []


def test_the_key_is_introduced_as_it_was_given_and_never_shown() -> None:
    key = ApiKey("name", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "phrase")
    told = key.introduction()
    assert json.loads(told) == {
        "auth": {
            "apiKey": "name",
            "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "passphrase": "phrase",
        },
        "type": "user",
    }
    assert "phrase" not in repr(told)


def test_wishes_are_checked_as_far_as_the_market_is_known() -> None:
    polymarket = venue()
    early = polymarket.read_watch(MARKET.upper().replace("0X", "0x"), "maybe")
    sides = (Outcome("yes", "1", "Yes"), Outcome("no", "2", "No"))
    polymarket.memory.learn_market(MARKET, sides)
    assert early == ((MARKET,), "maybe")
    assert polymarket.read_watch([MARKET, MARKET], "2") == ((MARKET,), "2")
    assert polymarket.read_watch(None, None) == (None, None)
    with pytest.raises(BadRequest, match="has no outcome 'maybe'"):
        polymarket.read_watch(MARKET, "maybe")
    with pytest.raises(MarketNotFound):
        polymarket.read_watch("KXHIGHNY-26NOV21-T60", None)


def test_what_is_not_known_of_a_token_is_not_made_up() -> None:
    polymarket = venue()
    sides = (Outcome("yes", "1", "Yes"), Outcome("no", "2", "No"))
    whose = polymarket.user_stream()._whose
    unknown = whose.label(MARKET, "1")
    polymarket.memory.learn_market(MARKET, sides)
    assert (unknown, whose.label(MARKET, "1"), whose.label(MARKET, "3")) == (
        None,
        "yes",
        None,
    )
    assert not whose.ours().has("", "")
