"""A whole session with the simulated Kalshi, recorded once, replayed when it is gone."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Generator
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import attrs
import pytest

from tests.canary import guarded
from tests.venues.kalshi.ground import ShortPages
from unified_exchanges import async_exchange, exchange
from unified_exchanges.clock import Clock, VirtualClock
from unified_exchanges.errors import MarketNotFound, UnifiedExchangesError
from unified_exchanges.models import OrderRequest, OrderStatus
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing import NotRecorded, cassette
from unified_exchanges.venues.kalshi.simulated import (
    KeyPair,
    SimulatedKalshi,
    generate_key,
)

Step: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
Script: TypeAlias = Generator[Step, Any, dict[str, Any]]

FLAVOURS = ("blocking", "async")


def call(name: str, *args: Any, **kwargs: Any) -> Step:
    return name, args, kwargs


def session(prefix: str = "intent") -> Script:
    """What a trader does in a day; ``prefix`` begins the ids of the orders."""
    told: dict[str, Any] = {}
    told["markets"] = yield call("fetch_markets")
    market = next(m for m in told["markets"] if m.bid and m.ask and not m.legs)
    ticker, low = market.market_id, market.grid.lowest
    told["book"] = yield call("fetch_order_book", ticker)
    key = {"client_order_id": f"{prefix}-rest"}
    order = yield call("create_order", ticker, "yes", "buy", low, 5, **key)
    told["edited"] = yield call("edit_order", order.order_id, size=3)
    told["open"] = yield call("fetch_open_orders")
    terms = (ticker, "yes", "buy", told["book"].ask.price, 2)
    key = {"client_order_id": f"{prefix}-take"}
    told["taken"] = yield call("create_order", *terms, time_in_force="ioc", **key)
    told["canceled"] = yield call("cancel_order", order.order_id)
    told["fills"] = yield call("fetch_fills")
    told["positions"] = yield call("fetch_positions")
    told["balance"] = yield call("fetch_balance")
    told["limits"] = yield call("fetch_limits")
    told["error"] = yield call("fetch_market", "NO-SUCH-MARKET")
    return told


@attrs.frozen
class Recording:
    """A cassette, what the session told while it was made, and whose key it was."""

    path: Path
    told: dict[str, Any]
    pair: KeyPair
    key_id: str


def settings(
    pair: KeyPair,
    key_id: str,
    environment: str,
    clock: Clock | None = None,
    seed: int = 7,
) -> dict[str, Any]:
    return {
        **guarded(api_key=key_id, private_key=pair.private_pem),
        "environment": environment,
        "clock": clock or VirtualClock(),
        "rng": Random(seed),
        "limits": LimitPolicy(enabled=False),
    }


def follow(script: Script, made: dict[str, Any]) -> dict[str, Any]:
    with exchange("kalshi", **made) as kalshi:
        result: Any = None
        while True:
            try:
                name, args, kwargs = script.send(result)
            except StopIteration as stop:
                told: dict[str, Any] = stop.value
                return told
            try:
                result = getattr(kalshi, name)(*args, **kwargs)
            except UnifiedExchangesError as error:
                result = error


async def follow_async(script: Script, made: dict[str, Any]) -> dict[str, Any]:
    async with async_exchange("kalshi", **made) as kalshi:
        result: Any = None
        while True:
            try:
                name, args, kwargs = script.send(result)
            except StopIteration as stop:
                told: dict[str, Any] = stop.value
                return told
            try:
                result = await getattr(kalshi, name)(*args, **kwargs)
            except UnifiedExchangesError as error:
                result = error


def run(flavour: str, script: Script, made: dict[str, Any]) -> dict[str, Any]:
    if flavour == "blocking":
        return follow(script, made)
    return asyncio.run(follow_async(script, made))


@pytest.fixture(scope="module", params=FLAVOURS)
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recording:
    pair = generate_key("rsa-2048")
    kalshi = SimulatedKalshi(clock=VirtualClock(), enforce_limits=False)
    key_id = kalshi.add_account(public_key=pair.public_key).key_id
    path = tmp_path_factory.mktemp("cassettes") / "session.yaml"
    with SimulatorServer(ShortPages(kalshi, 20)) as server:
        made = settings(pair, key_id, f"{server.url}/trade-api/v2")
        with cassette(path, "record", never=[key_id]):
            told = run(request.param, session(), made)
    return Recording(path, told, pair, key_id)


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def stranger(recording: Recording) -> dict[str, Any]:
    """Settings of somebody who has the cassette and neither key nor venue."""
    return settings(generate_key("ed25519"), "a-key-of-somebody-else", "demo")


def test_a_recorded_session_replays_in_either_flavour_with_the_venue_gone(
    recording: Recording, flavour: str
) -> None:
    with cassette(recording.path) as tape:
        told = run(flavour, session(), stranger(recording))
        assert tape.unplayed == []
    assert isinstance(told["error"], MarketNotFound)
    assert str(told.pop("error")) == str(recording.told["error"])
    assert told == {k: v for k, v in recording.told.items() if k != "error"}


def test_the_session_was_worth_recording(recording: Recording) -> None:
    told = recording.told
    assert len(told["markets"]) > 40
    assert [order.size for order in told["open"]] == [3]
    assert told["taken"].filled == 2
    assert (len(told["fills"]), len(told["positions"])) == (1, 1)
    pages = recording.path.read_text().count("method: GET\n    uri: http")
    assert pages > 10


def test_orders_with_fresh_client_ids_replay(
    recording: Recording, flavour: str
) -> None:
    with cassette(recording.path) as tape:
        told = run(flavour, session("another"), stranger(recording))
        assert tape.unplayed == []
    assert told["taken"].client_order_id == "another-take"
    assert told["taken"].order_id == recording.told["taken"].order_id


def test_f13_a_cassette_of_a_session_holds_no_secret(recording: Recording) -> None:
    content = recording.path.read_text()
    assert recording.key_id not in content
    for line in recording.pair.private_pem.splitlines()[1:-1]:
        assert line not in content
    signatures = re.findall(r"KALSHI-ACCESS-\w+:\n\s+- (\S+)", content)
    assert set(signatures) == {"REDACTED"}


def test_fault_50_what_was_not_recorded_is_an_error_at_once_and_opens_no_socket(
    recording: Recording, flavour: str
) -> None:
    made = {**stranger(recording), "retry": RetryPolicy(attempts=50)}
    clock = made["clock"]

    def script() -> Script:
        first = yield call("fetch_event", "NO-SUCH-EVENT")
        second = yield call("cancel_all_orders", market_id="NO-SUCH-MARKET")
        return {"first": first, "second": second}

    with cassette(recording.path) as tape:
        told = run(flavour, script(), made)
        assert tape.play_count <= 2
    assert isinstance(told["first"], NotRecorded)
    assert isinstance(told["second"], NotRecorded)
    assert clock.monotonic() == 0.0


def test_fault_50_an_order_with_other_terms_is_not_recorded(
    recording: Recording, flavour: str
) -> None:
    ticker = recording.told["taken"].market_id
    first = recording.told["markets"][0].market_id

    def script() -> Script:
        yield call("fetch_markets")
        terms = (ticker, "yes", "buy", "0.02", 77)
        return {"order": (yield call("create_order", *terms)), "first": first}

    with cassette(recording.path):
        told = run(flavour, script(), stranger(recording))
    assert isinstance(told["order"], NotRecorded)


def test_fault_50_a_thread_in_a_replay_gets_the_same_error(
    recording: Recording,
) -> None:
    caught: list[BaseException] = []

    def ask() -> None:
        with exchange("kalshi", **stranger(recording)) as kalshi:
            try:
                kalshi.fetch_event("NO-SUCH-EVENT")
            except NotRecorded as error:
                caught.append(error)

    with cassette(recording.path):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(caught) == 4


# -- what depends on fresh ids and on the time -----------------------------------------


class Ticking(VirtualClock):
    """Time that passes whenever somebody looks."""

    def now(self) -> float:
        self.advance(0.013)
        return super().now()


def busy(prefix: str = "intent") -> Script:
    """A session that asks by fresh ids and by the time."""
    told: dict[str, Any] = {}
    markets = yield call("fetch_markets")
    market = next(m for m in markets if m.bid and m.ask and not m.legs)
    ticker, low = market.market_id, market.grid.lowest
    told["candles"] = yield call("fetch_ohlcv", ticker, "1h")
    told["last"] = yield call("fetch_ohlcv", ticker, "1m", limit=3)
    terms = (ticker, "yes", "buy", low)
    made = yield call("create_order", *terms, 5, client_order_id=f"{prefix}-a")
    told["again"] = yield call("create_order", *terms, 5, client_order_id=f"{prefix}-a")
    told["edited"] = yield call("edit_order", made.order_id, size=3)
    told["found"] = yield call("fetch_order", client_order_id=f"{prefix}-a")
    batch = [
        OrderRequest(market_id=ticker, outcome="yes", side="buy", price=low, size=1)
    ] * 2
    results = yield call("create_orders", batch)
    told["batch"] = orders = [result.order for result in results]
    key = orders[0].client_order_id
    told["by_key"] = yield call("fetch_order", client_order_id=key)
    told["one"] = yield call("cancel_orders", [orders[0].order_id])
    told["report"] = yield call("cancel_all_orders")
    told["open"] = yield call("fetch_open_orders")
    told["missing"] = yield call("fetch_order", client_order_id=f"{prefix}-none")
    told["book"] = yield call("fetch_order_book", ticker)
    return told


@pytest.fixture(scope="module", params=FLAVOURS)
def busy_recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recording:
    pair, clock = generate_key("ed25519"), Ticking()
    kalshi = SimulatedKalshi(clock=clock, enforce_limits=False)
    key_id = kalshi.add_account(public_key=pair.public_key).key_id
    path = tmp_path_factory.mktemp("cassettes") / "busy.yaml"
    with (
        SimulatorServer(ShortPages(kalshi, 20)) as server,
        cassette(path, "record", never=[key_id], clock=clock) as tape,
    ):
        made = settings(pair, key_id, f"{server.url}/trade-api/v2", tape.clock)
        told = run(request.param, busy(), made)
    return Recording(path, told, pair, key_id)


def replayed(
    recording: Recording, flavour: str, script: Script, seed: int = 7
) -> dict[str, Any]:
    """Replay it a year later, as somebody who has neither key nor venue."""
    later = VirtualClock(VirtualClock().now() + 366 * 86_400)
    with cassette(recording.path, clock=later) as tape:
        pair = generate_key("ed25519")
        made = settings(pair, "a-key-of-somebody-else", "demo", tape.clock, seed)
        told = run(flavour, script, made)
        assert tape.unplayed == []
    return told


def test_a_session_that_asks_by_the_time_was_recorded(
    busy_recording: Recording,
) -> None:
    told = busy_recording.told
    assert told["candles"]
    assert len(told["last"]) == 3
    assert [order.status for order in told["batch"]] == [OrderStatus.OPEN] * 2
    assert told["found"].order_id == told["again"].order_id
    assert told["report"].is_complete
    assert len(told["report"].canceled) == 2
    assert (len(told["one"]), told["open"]) == (1, [])


def test_a_session_that_asks_by_the_time_replays_in_either_flavour_a_year_later(
    busy_recording: Recording, flavour: str
) -> None:
    told, expected = replayed(busy_recording, flavour, busy()), busy_recording.told
    assert str(told.pop("missing")) == str(expected["missing"])
    assert told == {k: v for k, v in expected.items() if k != "missing"}


def test_a_batch_with_fresh_ids_replays_under_the_fresh_ids(
    busy_recording: Recording, flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    told = replayed(busy_recording, flavour, busy("another"), seed=8)
    before = busy_recording.told["batch"]
    ids = {order.client_order_id for order in (*told["batch"], *before)}
    assert len(ids) == 4
    assert [o.order_id for o in told["batch"]] == [o.order_id for o in before]
    assert told["by_key"].client_order_id == told["batch"][0].client_order_id
    assert told["found"].client_order_id == "another-a"
    assert caplog.messages == []
