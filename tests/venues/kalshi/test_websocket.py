"""`KalshiWebSocket` and `AsyncKalshiWebSocket` against the simulated venue, on a socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, Protocol

import pytest

from tests.canary import guarded
from tests.streams.runner import DRIVERS
from unified_exchanges import exchange
from unified_exchanges.clock import SystemClock
from unified_exchanges.errors import (
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    ExchangeError,
    RequestTimeout,
    StreamOverflow,
)
from unified_exchanges.simulator.faults import StreamFault, unavailable
from unified_exchanges.venues.kalshi import AsyncKalshiWebSocket, KalshiWebSocket

from .ground import key_pair
from .socket_runner import MARKET, OTHER, Socket, Stage

BOOKS = "orderbook_delta"


class Open(Protocol):
    """Opens a stage."""

    def __call__(self, *faults: StreamFault, **options: Any) -> Stage: ...


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stage() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **options: stack.enter_context(Stage(*faults, **options))


def rest_of(stage: Stage) -> Any:
    return exchange("kalshi", **guarded(**stage.account))


def levels(book: Any) -> Any:
    return [(x.price, x.size) for x in book.bids], [
        (x.price, x.size) for x in book.asks
    ]


# -- what is told ----------------------------------------------------------------------


def test_a_book_is_what_rest_says(stage: Open, driver: str) -> None:
    venue = stage()
    socket = venue.socket(driver)
    socket.subscribe(BOOKS, [MARKET, OTHER])
    socket.until("BookSnapshot")
    socket.until("BookSnapshot")
    with rest_of(venue) as rest:
        for outcome in ("yes", "NO"):
            told = rest.fetch_order_book(MARKET, outcome=outcome)
            assert levels(socket.book(MARKET, outcome)) == levels(told)
    book = socket.book(OTHER)
    assert (book.stale, book.outcome, book.sequence is None) == (False, "yes", False)


def test_an_order_of_ours_is_told_on_every_channel_that_it_concerns(
    stage: Open, driver: str
) -> None:
    venue = stage()
    socket = venue.socket(driver)
    socket.subscribe(["user_orders", "fill", "market_positions"])
    socket.subscribe(["trade", BOOKS], MARKET)
    socket.until("BookSnapshot")
    with rest_of(venue) as rest:
        ask = rest.fetch_order_book(MARKET).ask
        order = rest.create_order(MARKET, "yes", "buy", ask.price, 1)
    seen: dict[str, Any] = {}
    while not {"Order", "Fill", "Position", "Trade", "BookDelta"} <= seen.keys():
        event = socket.next()
        seen[type(event).__name__] = event
    assert seen["Order"].order_id == order.order_id
    assert seen["Fill"].client_order_id == order.client_order_id
    assert seen["Position"].size == Decimal(1)
    assert seen["Trade"].price == ask.price
    assert (seen["BookDelta"].change, seen["BookDelta"].price) == (-1, ask.price)


def test_markets_come_and_go_at_run_time(stage: Open, driver: str) -> None:
    socket = stage().socket(driver)
    socket.subscribe(BOOKS, MARKET)
    socket.add_markets(BOOKS, OTHER)
    told = [socket.until("BookSnapshot")[-1].market_id for _ in range(2)]
    assert told == [MARKET, OTHER]
    socket.remove_markets(BOOKS, MARKET)
    assert socket.book(MARKET) is None
    assert socket.book(OTHER).stale is False
    socket.unsubscribe(BOOKS)
    assert socket.book(OTHER) is None
    assert socket.health().subscriptions == 0


def test_asking_again_for_what_is_followed_does_nothing(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver)
    for _ in range(2):
        socket.subscribe("ticker")
        socket.subscribe(BOOKS, [MARKET])
    socket.unsubscribe("ticker")
    socket.unsubscribe(BOOKS, [MARKET, "KXNEVER-FOLLOWED"])
    socket.unsubscribe("trade")
    assert socket.health().subscriptions == 0


def test_the_end_is_told_after_what_waits(stage: Open, driver: str) -> None:
    socket = stage().socket(driver)
    entered = socket.enter()
    assert entered is socket.ws
    assert "(live)" in repr(socket.ws)
    socket.subscribe(BOOKS, MARKET)
    socket.exit()
    kinds = [type(event).__name__ for event in rest_of_events(socket)]
    assert kinds in ([], ["BookSnapshot"])
    assert "(stopped)" in repr(socket.ws)
    with pytest.raises(ConnectionLost, match="closed"):
        socket.subscribe("ticker")


def rest_of_events(socket: Socket) -> list[Any]:
    found = []
    try:
        while True:
            found.append(socket.next())
    except StopIteration:
        return found


# -- refusals --------------------------------------------------------------------------


def test_fault_36_a_channel_that_is_refused_fails_that_call_only(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver)
    socket.subscribe(BOOKS, MARKET)
    with pytest.raises(BadRequest, match="Unknown channel name") as caught:
        socket.subscribe("nonsense")
    assert caught.value.code == "8"
    assert [type(x).__name__ for x in socket.until("Refused")] == [
        "BookSnapshot",
        "Refused",
    ]
    socket.subscribe("ticker")
    assert socket.health().connections == 1
    assert socket.health().subscriptions == 2


def test_fault_36_a_market_that_is_refused_fails_that_call_only(
    stage: Open, driver: str
) -> None:
    refuse = StreamFault("refuse", frame="subscribe", code=26, nth=2)
    socket = stage(refuse).socket(driver)
    socket.subscribe("ticker", MARKET)
    with pytest.raises(ExchangeError) as caught:
        socket.subscribe("trade", OTHER)
    assert caught.value.code == "26"
    # It is not asked for any more, so that it can be asked for again.
    socket.subscribe("trade", OTHER)
    assert socket.health().subscriptions == 2


def test_a_call_that_is_not_acknowledged_is_late(stage: Open, driver: str) -> None:
    ignore = StreamFault("ignore", frame="subscribe", count=None)
    socket = stage(ignore).socket(driver, policy={"acknowledgement": 0.2})
    with pytest.raises(RequestTimeout, match="not acknowledged within 0"):
        socket.subscribe("ticker")


def test_what_is_wrong_with_a_call_is_said_before_anything_is_sent(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver)
    for channels, markets in [("", None), ([], None), (["ticker", 1], None)]:
        with pytest.raises(BadRequest, match="channels is a name or several"):
            socket.subscribe(channels, markets)
    with pytest.raises(BadRequest, match="market_ids is a name or several"):
        socket.subscribe(BOOKS, [])
    with pytest.raises(ArgumentsRequired, match="market by market"):
        socket.subscribe(BOOKS)
    with pytest.raises(BadRequest, match="neither yes nor no"):
        socket.book(MARKET, "maybe")
    assert socket.health().state == "idle"


def test_kalshis_own_words_are_taken_and_said_again_after_a_break(
    stage: Open, driver: str
) -> None:
    reset = StreamFault("reset", frame="orderbook_snapshot")
    socket = stage(reset).socket(driver)
    quiet = {"send_initial_snapshot": False}
    socket.subscribe("ticker", MARKET, params=quiet)
    socket.subscribe(BOOKS, MARKET)
    told = socket.until("Reconnected")
    told += socket.until("BookSnapshot")
    # With a first quote one would have come on each connection.
    assert "Ticker" not in {type(event).__name__ for event in told}
    with pytest.raises(BadRequest, match=r"unsubscribe\('ticker'\) first"):
        socket.subscribe("ticker", OTHER, params={})
    socket.unsubscribe("ticker")
    socket.subscribe("ticker", OTHER, params={})
    assert socket.until("Ticker")[-1].market_id == OTHER


def test_words_that_a_channel_does_not_have_are_refused_before_anything_is_sent(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver)
    with pytest.raises(BadRequest, match="is neither 'self' nor ''"):
        socket.subscribe("communications", params={"user_filter": "me"})
    with pytest.raises(BadRequest, match="books are read with it"):
        socket.subscribe(BOOKS, MARKET, params={"use_yes_price": False})
    assert socket.health().state == "idle"


@pytest.mark.parametrize(
    ("channel", "params"),
    [
        ("order_group_updates", None),
        ("communications", None),
        ("cfbenchmarks_value", {"index_ids": ["all"]}),
        ("pyth_value", {"underlying_tickers": ["all"]}),
    ],
)
def test_c4_markets_of_a_channel_without_a_filter_are_refused_before_anything_is_sent(
    stage: Open, driver: str, channel: str, params: Any
) -> None:
    socket = stage().socket(driver)
    for ask in (
        lambda: socket.subscribe(channel, MARKET, params=params),
        lambda: socket.subscribe(["ticker", channel], [MARKET], params=params),
        lambda: socket.add_markets(channel, MARKET),
    ):
        with pytest.raises(
            BadRequest, match=r"has no filter of markets|params of tick"
        ):
            ask()
    assert socket.health().state == "idle"


def test_c2_a_market_in_place_of_its_id_is_refused(stage: Open, driver: str) -> None:
    venue = stage()
    socket = venue.socket(driver)
    with rest_of(venue) as rest:
        market = rest.fetch_market(MARKET)
    for given in (market, [market]):
        with pytest.raises(BadRequest, match=r"pass its \.market_id"):
            socket.subscribe(BOOKS, given)
    assert socket.health().state == "idle"


def test_c3_markets_come_from_a_generator_or_a_set(stage: Open, driver: str) -> None:
    socket = stage().socket(driver)
    socket.subscribe(BOOKS, (x for x in (MARKET, OTHER)))
    socket.subscribe(channels={"ticker"}, market_ids={OTHER, MARKET})
    told = [socket.until("BookSnapshot")[-1].market_id for _ in range(2)]
    assert told == [MARKET, OTHER]
    with pytest.raises(BadRequest, match="market_ids is a list of ids"):
        socket.subscribe(BOOKS, 7)


@pytest.mark.parametrize("kind", [KalshiWebSocket, AsyncKalshiWebSocket])
def test_a_socket_without_a_key_is_refused_at_once(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KALSHI_API_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="also for public data"):
        kind(environment="local")


def test_fault_37_a_wrong_key_ends_everything_with_an_authentication_error(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver, api_key="00000000-0000-4000-8000-000000000000")
    with pytest.raises(AuthenticationError, match="does not accept the key"):
        socket.enter()
    with pytest.raises(AuthenticationError):
        socket.next()


class LateClock(SystemClock):
    """A machine whose clock is an hour behind."""

    def now(self) -> float:
        return super().now() - 3600.0


def test_fault_37_44_a_wrong_clock_is_corrected_by_the_venues(
    stage: Open, driver: str
) -> None:
    socket = stage().socket(driver, clock=LateClock())
    socket.subscribe(BOOKS, MARKET)
    socket.until("BookSnapshot")
    assert socket.health().state == "live"


def test_a_venue_that_is_down_is_waited_for_no_longer_than_the_timeout(
    driver: str,
) -> None:
    account = guarded(api_key="key-1", private_key=key_pair().private_pem)
    socket = Socket(
        driver, {}, **account, environment="http://127.0.0.1:9/api", timeout=0.2
    )
    with pytest.raises(RequestTimeout, match=r"no stream within 0\.2 s"):
        socket.enter()
    socket.end()


# -- breaks ----------------------------------------------------------------------------


def test_fault_35_p11_after_a_break_everything_is_followed_again(
    stage: Open, driver: str
) -> None:
    socket = stage(StreamFault("reset", frame="orderbook_snapshot")).socket(driver)
    socket.subscribe(BOOKS, MARKET)
    told = socket.until("Reconnected")
    assert [type(x).__name__ for x in told] == ["BookSnapshot", "Gap", "Reconnected"]
    assert told[-1].attempts >= 1
    socket.until("BookSnapshot")
    assert socket.book(MARKET).stale is False
    assert socket.health().connections == 2


def test_fault_37_f18_a_venue_that_refuses_for_a_while_is_signed_for_anew(
    stage: Open, driver: str
) -> None:
    venue = stage()
    venue.server.faults.add(unavailable(502, path="/ws/", count=3))
    socket = venue.socket(driver)
    socket.subscribe(BOOKS, MARKET)
    socket.until("BookSnapshot")
    assert socket.health().last_error.startswith("HTTP 502")


def test_fault_31_p10_a_gap_is_told_and_healed(stage: Open, driver: str) -> None:
    venue = stage(StreamFault("skip", frame="orderbook_delta"))
    socket = venue.socket(driver)
    socket.subscribe(BOOKS, [MARKET, OTHER])
    socket.until("BookSnapshot")
    socket.until("BookSnapshot")
    with rest_of(venue) as rest:
        rest.create_order(MARKET, "yes", "buy", "0.01", 1)
        gap = socket.until("Gap")[-1]
        assert set(gap.market_ids) == {MARKET, OTHER}
        socket.until("BookSnapshot")
        socket.until("BookSnapshot")
        book = socket.book(MARKET)
        assert levels(book) == levels(rest.fetch_order_book(MARKET))
    assert socket.health().connections == 1


def test_fault_34_a_half_open_connection_is_replaced(stage: Open, driver: str) -> None:
    dead = StreamFault("half_open", after=0.1, seconds=60.0)
    socket = stage(dead).socket(driver, policy={"silence": 0.6})
    socket.subscribe("ticker", MARKET)
    socket.until("Reconnected")
    assert socket.health().connections == 2


# -- readers ---------------------------------------------------------------------------


def test_fault_39_a_reader_that_is_too_slow_is_told_and_may_go_on(
    stage: Open, driver: str
) -> None:
    venue = stage()
    socket = venue.socket(driver, policy={"queue": 2})
    socket.subscribe("user_orders")
    with rest_of(venue) as rest:
        for _ in range(4):
            rest.create_order(MARKET, "yes", "buy", "0.01", 1)
        socket.subscribe("ticker", MARKET)
        for _ in range(2):
            assert type(socket.next()).__name__ == "Order"
        with pytest.raises(StreamOverflow, match="2 events behind"):
            socket.next()
        order = rest.create_order(MARKET, "yes", "buy", "0.01", 1)
    assert socket.until("Order")[-1].order_id == order.order_id
    assert socket.health().connections == 1


def test_a_child_process_is_told_and_leaves_the_stream_of_its_parent(
    stage: Open, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = stage()
    socket = venue.socket(driver)
    socket.subscribe(BOOKS, MARKET)
    socket.until("BookSnapshot")
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        for ask in (
            lambda: socket.book(MARKET),
            socket.health,
            lambda: socket.subscribe(BOOKS, OTHER),
            lambda: socket.unsubscribe(BOOKS, MARKET),
            lambda: socket.until("Gap"),
        ):
            with pytest.raises(BadRequest, match="after the fork"):
                ask()
        assert repr(socket.ws).endswith("(of another process)>")
        socket.close()
    assert socket.health().state == "live"
