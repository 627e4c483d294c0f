"""A session with the simulated Polymarket, recorded once, replayed when it is gone."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Generator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import attrs
import pytest

from tests.canary import guarded
from unified_exchanges import async_exchange, exchange
from unified_exchanges.clock import Clock, VirtualClock
from unified_exchanges.errors import BadRequest, OrderNotFound, UnifiedExchangesError
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.sandbox import Sandbox
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing import SuspectedSecret, cassette
from unified_exchanges.venues.polymarket.simulated import simulated

Step: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
Script: TypeAlias = Generator[Step, Any, dict[str, Any]]

FLAVOURS = ("blocking", "async")
STRANGER = {
    "api_key": "0f8fad5b-d9cd-469f-a165-70867728950e",
    "secret": urlsafe_b64encode(bytes(range(32))).decode(),
    "password": "5f4dcc3b5aa765d61d8327deb882cf99",
}
ABSENT = "0x" + "5f4dcc3b5aa765d6" * 4


def call(name: str, *args: Any, **kwargs: Any) -> Step:
    return name, args, kwargs


def session() -> Script:
    """What a trader does in a day."""
    told: dict[str, Any] = {}
    told["markets"] = yield call("fetch_markets")
    market = next(
        m for m in told["markets"] if m.bid and m.ask and m.bid > m.grid.lowest
    )
    first, second = (outcome.label for outcome in market.outcomes)
    told["book"] = yield call("fetch_order_book", market.market_id, outcome=second)
    key = {"client_order_id": "intent-rest"}
    terms = (market.market_id, first, "buy")
    resting = yield call("create_order", *terms, market.grid.lowest, 10, **key)
    told["open"] = yield call("fetch_open_orders")
    key = {"client_order_id": "intent-take"}
    take = {"time_in_force": "ioc", **key}
    told["taken"] = yield call("create_order", *terms, market.ask, 20, **take)
    told["canceled"] = yield call("cancel_order", resting.order_id)
    told["fills"] = yield call("fetch_fills")
    told["positions"] = yield call("fetch_positions")
    told["balance"] = yield call("fetch_balance")
    told["candles"] = yield call("fetch_ohlcv", market.market_id, "1h", limit=2)
    return told


@attrs.frozen
class Recording:
    """A cassette, what the session told while it was made, and whose keys they were."""

    path: Path
    told: dict[str, Any]
    box: Sandbox
    given: dict[str, str]


def api_key(box: Sandbox) -> dict[str, str]:
    return {
        "api_key": box.api_key,
        "secret": box.variables["POLYMARKET_API_SECRET"],
        "password": box.variables["POLYMARKET_API_PASSPHRASE"],
    }


def settings(
    box: Sandbox, given: dict[str, str], environment: str, clock: Clock
) -> dict[str, Any]:
    """The same private key and the same chance: an order is named by what they make."""
    return {
        **guarded(private_key=box.private_key, **given),
        "options": {
            "funder": box.variables["POLYMARKET_FUNDER"],
            "signature_type": box.variables["POLYMARKET_SIGNATURE_TYPE"],
        },
        "environment": environment,
        "clock": clock,
        "rng": Random(7),
        "limits": LimitPolicy(enabled=False),
    }


def run(flavour: str, script: Script, made: dict[str, Any]) -> dict[str, Any]:
    if flavour == "async":
        return asyncio.run(_follow(script, made))
    with exchange("polymarket", **made) as polymarket:
        result: Any = None
        while True:
            try:
                name, args, kwargs = script.send(result)
            except StopIteration as stop:
                told: dict[str, Any] = stop.value
                return told
            try:
                result = getattr(polymarket, name)(*args, **kwargs)
            except UnifiedExchangesError as error:
                result = error


async def _follow(script: Script, made: dict[str, Any]) -> dict[str, Any]:
    async with async_exchange("polymarket", **made) as polymarket:
        result: Any = None
        while True:
            try:
                name, args, kwargs = script.send(result)
            except StopIteration as stop:
                told: dict[str, Any] = stop.value
                return told
            try:
                result = await getattr(polymarket, name)(*args, **kwargs)
            except UnifiedExchangesError as error:
                result = error


@pytest.fixture(
    scope="module", params=[(x, key) for x in FLAVOURS for key in ("given", "derived")]
)
def recording(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recording:
    flavour, key = request.param
    clock = VirtualClock()
    box = simulated(clock=clock)
    given = api_key(box) if key == "given" else {}
    path = tmp_path_factory.mktemp("cassettes") / "session.yaml"
    with (
        SimulatorServer(box.venue) as server,
        cassette(path, "record", never=[box.private_key[2:]], clock=clock) as tape,
    ):
        told = run(flavour, session(), settings(box, given, server.url, tape.clock))
    return Recording(path, told, box, given)


def test_the_session_was_worth_recording(recording: Recording) -> None:
    told = recording.told
    assert told["taken"].filled == 20
    assert [order.size for order in told["open"]] == [10]
    assert (len(told["fills"]), told["canceled"].status) == (1, "canceled")
    assert len(told["markets"]) > 10


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("strange", [False, True])
def test_a_recorded_session_replays_in_either_flavour_with_the_venue_gone(
    recording: Recording, flavour: str, *, strange: bool
) -> None:
    later = VirtualClock(VirtualClock().now() + 366 * 86_400)
    given = STRANGER if strange and recording.given else recording.given
    with cassette(recording.path, clock=later) as tape:
        made = settings(recording.box, given, "local", tape.clock)
        told = run(flavour, session(), made)
        assert tape.unplayed == []
    assert told == recording.told


def test_f13_a_cassette_of_a_session_holds_no_secret(recording: Recording) -> None:
    content = recording.path.read_text()
    raw = bytes.fromhex(recording.box.private_key[2:])
    for secret in (
        recording.box.private_key[2:],
        str(int.from_bytes(raw, "big")),
        b64encode(raw).decode().rstrip("="),
        urlsafe_b64encode(raw).decode().rstrip("="),
        *api_key(recording.box).values(),
    ):
        assert secret not in content
    assert set(re.findall(r"POLY_\w+:\n\s+- (\S+)", content)) == {"REDACTED"}
    assert set(re.findall(r'"signature": ?"([^"]*)"', content)) == {"REDACTED"}
    # A deposit wallet's signature is 317 bytes, any other 65.
    assert re.findall(r"0x[0-9a-f]{65,}", content) == []


def test_f13_an_api_key_that_is_derived_is_not_saved(recording: Recording) -> None:
    content = " ".join(recording.path.read_text().split())
    answer = '"apiKey":"REDACTED-KEY","secret":"REDACTED","passphrase":"REDACTED"'
    assert ("/auth/derive-api-key" in content) is not bool(recording.given)
    assert (answer in content) is not bool(recording.given)


def as_digits(key: bytes) -> str:
    return key.hex()


def as_digits_of_a_chain(key: bytes) -> str:
    return f"0x{key.hex()}"


def as_base64(key: bytes) -> str:
    return b64encode(key).decode()


def as_pem(key: bytes) -> str:
    armour = "-----{} EC PRIVATE KEY-----"
    return "\n".join([armour.format("BEGIN"), as_base64(key), armour.format("END")])


@pytest.mark.parametrize(
    "form",
    [as_digits, as_digits_of_a_chain, as_base64, as_pem],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("place", ["field", "query"])
def test_fault_52_a_private_key_in_what_is_sent_stops_the_saving(
    tmp_path: Path, form: Callable[[bytes], str], place: str
) -> None:
    box = simulated()
    secret = sha256(b"a key that was never anybody's").digest()
    text = form(secret)

    def ask(url: str) -> None:
        with exchange("polymarket", environment=url) as public:
            if place == "field":
                public.request("POST", "/clob/books", body={"note": text})
            else:
                public.request("GET", "/gamma/tags", query={"note": text})

    with SimulatorServer(box.venue) as server:  # noqa: SIM117
        with pytest.raises(SuspectedSecret) as caught:
            with cassette(tmp_path / "x.yaml", "record"), suppress(BadRequest):
                ask(server.url)
    assert text not in str(caught.value)
    assert not (tmp_path / "x.yaml").exists()


def test_an_id_that_the_venue_did_not_tell_is_saved_if_it_is_said_to_be_one(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    box = simulated(clock=clock)

    def ask(url: str) -> None:
        made = settings(box, api_key(box), url, clock)
        with (
            exchange("polymarket", **made) as mine,
            pytest.raises(OrderNotFound, match="order"),
        ):
            mine.fetch_order(ABSENT)

    with SimulatorServer(box.venue) as server:
        with pytest.raises(SuspectedSecret, match="public="):  # noqa: SIM117
            with cassette(tmp_path / "x.yaml", "record"):
                ask(server.url)
        with cassette(tmp_path / "x.yaml", "record", public=[ABSENT]):
            ask(server.url)
    with cassette(tmp_path / "x.yaml"):
        ask("local")
