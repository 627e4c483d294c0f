"""Where the stream is, and how a connection to it is signed."""

from __future__ import annotations

import pytest

from tests.canary import guarded
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import AuthenticationError
from unified_exchanges.settings import Settings
from unified_exchanges.venues.kalshi.venue import KalshiVenue

from .ground import key_pair


def venue(environment: str, **settings: object) -> KalshiVenue:
    return KalshiVenue(
        Settings.of(
            environment=environment, environ={}, clock=VirtualClock(), **settings
        )
    )


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("production", "wss://external-api-ws.kalshi.com/trade-api/ws/v2"),
        ("local", "ws://127.0.0.1:8790/trade-api/ws/v2"),
        ("http://127.0.0.1:5000/trade-api/v2", "ws://127.0.0.1:5000/trade-api/ws/v2"),
        (
            "https://external-api.demo.kalshi.co/trade-api/v2",
            "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
        ),
        (
            "https://api.elections.kalshi.com/trade-api/v2",
            "wss://api.elections.kalshi.com/trade-api/ws/v2",
        ),
    ],
)
def test_the_stream_is_where_the_environment_has_it(environment: str, url: str) -> None:
    assert venue(environment).stream_url == url


def test_each_attempt_is_signed_with_its_own_moment_by_the_venues_clock() -> None:
    account = guarded(api_key="key-1", private_key=key_pair().private_pem)
    kalshi = venue("demo", **account)
    clock = kalshi.clock
    assert isinstance(clock, VirtualClock)
    first = kalshi.stream_headers()
    clock.advance(1.5)
    kalshi.offset.observe("Sat, 21 Nov 2026 12:00:00 GMT", clock.now(), clock.now())
    second = kalshi.stream_headers()
    stamps = [int(h["KALSHI-ACCESS-TIMESTAMP"]) for h in (first, second)]
    assert stamps[1] - stamps[0] == 1500 + round(kalshi.offset.seconds * 1000)
    assert first["KALSHI-ACCESS-KEY"] == "key-1"
    assert first["KALSHI-ACCESS-SIGNATURE"] != second["KALSHI-ACCESS-SIGNATURE"]


def test_a_stream_without_a_key_says_what_to_do() -> None:
    with pytest.raises(AuthenticationError, match="also for public data"):
        venue("demo").stream_headers()
