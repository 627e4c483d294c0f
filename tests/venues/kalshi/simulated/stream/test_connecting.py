"""Who may connect, and what is left of a connection that ended."""

from __future__ import annotations

import json

import attrs
import pytest

from unified_exchanges.flow import Response
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from ..trader import trader
from .listener import Listener, upgrade


def refused(kalshi, request) -> tuple[int, str]:
    answer = kalshi.connect(request)
    assert isinstance(answer, Response)
    assert answer.headers["date"]
    error = json.loads(answer.body)["error"]
    return answer.status, error.get("details", error["code"])


def without(request, name):
    headers = {key: value for key, value in request.headers.items() if key != name}
    return attrs.evolve(request, headers=headers)


def test_a_signed_upgrade_is_accepted(kalshi, ada) -> None:
    assert Listener(ada).frames() == []


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("KALSHI-ACCESS-KEY", "key_is_missing_from_headers"),
        ("KALSHI-ACCESS-TIMESTAMP", "timestamp_is_missing_from_headers"),
        ("KALSHI-ACCESS-SIGNATURE", "signature_is_missing_from_headers"),
    ],
)
def test_an_upgrade_without_a_header_is_refused(kalshi, ada, header, word) -> None:
    assert refused(kalshi, without(upgrade(ada), header)) == (401, word)


def test_an_upgrade_with_a_foreign_signature_is_refused(kalshi, ada, bob) -> None:
    foreign = upgrade(bob).headers["KALSHI-ACCESS-SIGNATURE"]
    request = upgrade(ada)
    headers = {**request.headers, "KALSHI-ACCESS-SIGNATURE": foreign}
    status = refused(kalshi, attrs.evolve(request, headers=headers))
    assert status == (401, "INCORRECT_API_KEY_SIGNATURE")


def test_an_upgrade_with_an_unknown_key_is_refused(kalshi, ada) -> None:
    ada.key_id = "00000000-0000-0000-0000-000000000000"
    assert refused(kalshi, upgrade(ada)) == (401, "NOT_FOUND")


def test_an_upgrade_signed_too_long_ago_is_refused(kalshi, ada) -> None:
    answer = refused(kalshi, upgrade(ada, age_ms=15_001))
    assert answer == (401, "header_timestamp_expired")


def test_the_signature_of_a_rest_request_does_not_open_a_stream(kalshi, ada) -> None:
    request = attrs.evolve(
        upgrade(ada), headers=ada.headers("GET", "/trade-api/v2/portfolio/balance")
    )
    assert refused(kalshi, request)[0] == 401


def test_there_is_no_stream_at_another_path(kalshi, ada) -> None:
    request = upgrade(ada, path="/trade-api/ws/v1")
    assert refused(kalshi, request) == (404, "not_found")


def test_the_stream_is_no_operation_of_rest(kalshi, ada) -> None:
    assert kalshi.handle(upgrade(ada)).status == 404


def test_a_connection_that_ends_leaves_nothing_behind(kalshi, ada) -> None:
    before = len(kalshi.engine._floor.listeners)
    listener = Listener(ada)
    listener.subscribe("trade", "market_lifecycle_v2")
    listener.session.close()
    listener.session.close()
    assert kalshi.sessions == []
    assert len(kalshi.engine._floor.listeners) == before
    assert kalshi._house._readers == []


def test_a_connection_that_ended_takes_no_commands(listener) -> None:
    listener.session.close()
    assert listener.ask("list_subscriptions") == []


def test_connections_do_not_share_subscriptions(ada, listener) -> None:
    listener.subscribe("trade")
    assert Listener(ada).ask("list_subscriptions")[0]["msg"] == []


def test_the_venue_hangs_up_after_all_that_waits(kalshi, listener) -> None:
    listener.post("subscribe", {"channels": ["trade"]})
    [session] = kalshi.sessions
    session.hang_up(1012)
    assert (session.closing, len(listener.frames())) == (1012, 1)
    assert kalshi.sessions == []


def test_it_wakes_whoever_waits_once_for_all_that_is_ready(
    listener, ada, market
) -> None:
    listener.subscribe("orderbook_delta", market_ticker=market["ticker"])
    woken = []
    listener.session.wake = lambda: woken.append(1)
    ada.rest(market)
    ada.rest(market, price=market["yes_bid_dollars"])
    assert woken == [1]
    listener.frames()
    ada.rest(market)
    assert woken == [1, 1]


def test_commands_may_come_as_bytes(listener) -> None:
    listener.session.receive(b'{"id":7,"cmd":"list_subscriptions"}')
    assert [frame["id"] for frame in listener.frames()] == [7]


def test_every_frame_says_when_it_was_sent(listener, clock) -> None:
    [frame] = listener.subscribe("trade")
    assert frame["sending_ts_ms"] == round(clock.now() * 1000)


def test_sending_times_can_be_left_out(clock) -> None:
    from unified_exchanges.venues.kalshi.simulated import StreamSettings

    kalshi = SimulatedKalshi(
        seed=7, clock=clock, stream=StreamSettings(sending_times=False)
    )
    [frame] = Listener(trader(kalshi, clock)).subscribe("trade")
    assert "sending_ts_ms" not in frame


def test_what_is_due_happens_before_a_command(kalshi, listener, clock, ada) -> None:
    market = ada.market()
    ada.rest(market, expiration_time=round(clock.now()) + 60)
    before = listener.subscribe("orderbook_delta", market_ticker=market["ticker"])
    clock.advance(120)
    frames = listener.ask("list_subscriptions")
    assert len(before) == 2
    assert [frame["type"] for frame in frames] == ["orderbook_delta", "ok"]
