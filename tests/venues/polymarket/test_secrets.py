"""What of a wallet's keys is seen: by the venue, and by whoever looks at this process."""

from __future__ import annotations

import logging
import pickle
import re
import subprocess
import sys
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Generator, Iterator
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import unified_exchanges as ux
from tests.canary import guarded, told_by
from tests.guards import ROOT
from tests.watching.face import DRIVERS, FAST, FREE, Face
from unified_exchanges.errors import MarketNotFound, UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.simulator.sessions import Session
from unified_exchanges.venues.polymarket import (
    AsyncPolymarketWebSocket,
    PolymarketWebSocket,
)
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

KEY = sha256(b"unified_exchanges: the canary of a wallet").digest()
TESTS = ROOT / "tests"
ABSENT = "0x" + "5f4dcc3b5aa765d6" * 4


def forms(key: bytes) -> list[bytes]:
    """How a private key may be written; of PEM its longest line."""
    number = int.from_bytes(key, "big")
    pair = ec.derive_private_key(number, ec.SECP256K1())
    found = [
        key,
        repr(key)[2:-1].encode(),
        key.hex().encode(),
        key.hex().upper().encode(),
        str(number).encode(),
        b64encode(key).rstrip(b"="),
        urlsafe_b64encode(key).rstrip(b"="),
        b64encode(key.hex().encode()).rstrip(b"="),
        b64encode(b"0x" + key.hex().encode()).rstrip(b"="),
    ]
    private = serialization.PrivateFormat
    for form in (private.PKCS8, private.TraditionalOpenSSL):
        pem = pair.private_bytes(
            serialization.Encoding.PEM,
            form,
            serialization.NoEncryption(),
        )
        found.append(max(pem.splitlines(), key=len))
    return found


class Ear:
    """A venue that keeps all that it is told."""

    def __init__(self, venue: SimulatedPolymarket) -> None:
        self.venue = venue
        self.requests: list[Request] = []
        self.frames: list[str] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.requests.append(request)
        return self.venue.handle(request, lag=lag)

    def connect(self, request: Request) -> Response | Session:
        self.requests.append(request)
        session = self.venue.connect(request)
        if isinstance(session, Response):
            return session
        receive = session.receive

        def heard(data: str | bytes) -> None:
            self.frames.append(data if isinstance(data, str) else data.decode())
            receive(data)

        session.receive = heard  # type: ignore[method-assign]
        return session

    def advance(self) -> None:
        self.venue.advance()

    @property
    def everything(self) -> bytes:
        """All of all requests and frames."""
        said = [
            f"{x.method} {x.url} {x.query} {dict(x.headers)}".encode() + (x.body or b"")
            for x in self.requests
        ]
        return b"\n".join([*said, *(frame.encode() for frame in self.frames)])


@attrs.define
class Day:
    """What was seen of a day of trading on a real socket."""

    ear: Ear
    api: dict[str, str]
    log: list[str] = attrs.field(factory=list)
    shown: list[str] = attrs.field(factory=list)
    dry: list[str] = attrs.field(factory=list)
    errors: list[UnifiedExchangesError] = attrs.field(factory=list)
    journal: bytes = b""

    @property
    def secrets(self) -> list[bytes]:
        """What may be seen nowhere on this side: keys, and what was made with them."""
        headers = {
            value.encode()
            for request in self.ear.requests
            for name, value in request.headers.items()
            if re.search("SIGNATURE|PASSPHRASE|API_KEY", name.upper())
        }
        orders = re.findall(rb'"signature": ?"(0x[0-9a-f]{64})', self.ear.everything)
        assert len(orders) > 3
        return [
            *forms(KEY),
            *(x.encode() for x in self.api.values()),
            *headers,
            *orders,
        ]

    def leaks(self, text: str | bytes) -> list[bytes]:
        said = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        return [secret for secret in self.secrets if secret in said]


class Log(logging.Handler):
    """Every record of every logger, with its arguments."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args!r} {vars(record)!r}")


@pytest.fixture(
    scope="module", params=[(x, key) for x in DRIVERS for key in ("given", "derived")]
)
def day(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Day]:
    driver, source = request.param
    venue = SimulatedPolymarket(enforce_limits=False)
    wallet = venue.add_account(int.from_bytes(KEY, "big"))
    made = venue.add_key(wallet)
    api = {"api_key": made.key_id, "secret": made.secret, "password": made.passphrase}
    seen = Day(Ear(venue), api)
    account = {
        **guarded(private_key=f"0x{KEY.hex()}", **(api if source == "given" else {})),
        "options": {"funder": wallet.address, "signature_type": wallet.signature_type},
        "limits": FREE,
    }
    root, log = logging.getLogger(), Log(seen.log)
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    path = tmp_path_factory.mktemp("journals") / "orders"
    try:
        with SimulatorServer(seen.ear) as server:
            account["environment"] = server.url
            trade(driver, seen, {**account, "journal": path})
            trade(driver, seen, {**account, "dry_run": True})
    finally:
        root.removeHandler(log)
        root.setLevel(level)
    seen.journal = b"".join(x.read_bytes() for x in path.parent.iterdir())
    yield seen
    seen.errors.clear()


def trade(driver: str, seen: Day, settings: dict[str, Any]) -> None:
    face = Face(driver, FAST, venue="polymarket", **settings)
    fills = None if "dry_run" in settings else face.watch("fills")
    script, result = steps(), None
    while True:
        try:
            name, args, kwargs = script.send(result)
        except StopIteration:
            break
        try:
            result = face.call(name, *args, **kwargs)
        except UnifiedExchangesError as error:
            result = None
            seen.errors.append(error)
        seen.shown.append(f"{result!r} {result!s}")
    if fills is not None:
        seen.shown.append(repr(fills.next()))
        fills.close()
    shown = face.exchange
    venue = shown.venue
    for part in (
        shown,
        venue,
        venue.settings,
        venue.credentials,
        venue.credentials.api,
    ):
        seen.shown.append(f"{part!r} {part!s} {dir(part)}")
    seen.shown.append(f"{shown.health()!r} {shown.describe()!r}")
    seen.dry += [f"{report!r} {report!s}" for report in shown.dry_runs]
    face.close()


def steps() -> Generator[tuple[str, tuple[Any, ...], dict[str, Any]], Any, None]:
    """Orders, refusals, cancels, reads and raw calls."""
    markets = yield "fetch_markets", (), {}
    market = next(m for m in markets if m.bid and m.ask and m.bid > m.grid.lowest)
    first, low = market.outcomes[0].label, market.grid.lowest
    buy = (market.market_id, first, "buy")
    resting = yield "create_order", (*buy, low, 10), {}
    yield "create_order", (*buy, market.ask, 20), {"time_in_force": "ioc"}
    yield "create_order", (*buy, low, 1), {}
    yield "create_order", (*buy, market.ask, 10), {"post_only": True}
    yield "create_order", (*buy, low, 10**8), {}
    yield "create_order", (market.market_id, first, "sell", market.ask, 500), {}
    order = ux.OrderRequest(
        market_id=market.market_id, outcome=first, side="buy", price=low, size=10
    )
    yield "preview_order", (*buy, low, 10), {}
    yield "create_orders", ([order, order],), {}
    yield "cancel_order", (resting.order_id if resting else ABSENT,), {}
    yield "fetch_order", (ABSENT,), {}
    yield "fetch_balance", (), {}
    yield "fetch_fills", (), {}
    yield "fetch_open_orders", (), {}
    yield "cancel_all_orders", (), {}
    yield "request", ("GET", "/clob/data/orders"), {"query": {"market": "?"}}
    yield "request", ("GET", "/clob/nowhere"), {}


def frames(error: BaseException | None) -> str:
    """An error's frames and those of its causes, but for the tests' own, with all names."""
    shown = []
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        own = [x for x in told.stack if not Path(x.filename).is_relative_to(TESTS)]
        assert own
        shown += [f"{x.line} {x.locals}" for x in own]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


# -- what leaves -----------------------------------------------------------------------


def test_fault_48_a_private_key_never_leaves_the_process(day: Day) -> None:
    said = day.ear.everything
    assert len(day.ear.requests) > 20
    assert b"poly_signature" in said.lower()
    assert b'"signature"' in said
    assert [form for form in forms(KEY) if form in said] == []


def test_fault_48_the_secret_of_an_api_key_leaves_to_open_the_user_channel_only(
    day: Day,
) -> None:
    secret = day.api["secret"]
    frames = [frame for frame in day.ear.frames if secret in frame]
    assert frames
    assert {'"type":"user"' in frame for frame in frames} == {True}
    requests = [
        str((x.url, x.query, dict(x.headers), x.body)) for x in day.ear.requests
    ]
    assert [x for x in requests if secret in x] == []


def test_what_is_public_is_not_signed(day: Day) -> None:
    signed = {
        x.url.split("/", 3)[3].partition("/")[0]
        for x in day.ear.requests
        if any(name.upper().startswith("POLY_") for name in x.headers)
    }
    assert signed == {"clob"}


# -- what is shown ---------------------------------------------------------------------


def test_fault_48_no_log_at_any_level_shows_a_secret(day: Day) -> None:
    assert len(day.log) > 5
    assert [line[:60] for line in day.log if day.leaks(line)] == []


def test_fault_48_nothing_that_is_returned_or_printed_shows_a_secret(day: Day) -> None:
    assert [line[:60] for line in day.shown if day.leaks(line)] == []


def test_fault_51_no_report_of_a_dry_run_shows_a_secret(day: Day) -> None:
    assert len(day.dry) > 3
    assert all("REDACTED" in report for report in day.dry)
    assert [report[:60] for report in day.dry if day.leaks(report)] == []


def test_fault_48_no_error_shows_a_secret(day: Day) -> None:
    assert len({type(error) for error in day.errors}) > 3
    for error in day.errors:
        assert day.leaks(told_by(error) + frames(error)) == []


def test_fault_48_a_journal_holds_no_secret(day: Day) -> None:
    assert b"0x" in day.journal
    assert day.leaks(day.journal) == []


# -- what a caller's slip makes known --------------------------------------------------

HEX = KEY.hex()
SLIPS: dict[str, dict[str, Any]] = {
    "too short": {"private_key": HEX[:-2]},
    "out of range": {"private_key": "f" * 64},
    "not hexadecimal": {"private_key": f"0x{HEX[:-1]}g"},
    "as Base64": {"private_key": b64encode(KEY).decode()},
    "as PEM": {
        "private_key": "-----BEGIN EC PRIVATE KEY-----\n"
        f"{forms(KEY)[-1].decode()}\n-----END EC PRIVATE KEY-----\n"
    },
    "as the funder": {
        "private_key": HEX,
        "options": {"funder": f"0x{HEX}", "signature_type": 3},
    },
    "with half of an API key": {"private_key": HEX, "secret": "canary" * 8},
    "with a broken secret": {
        "private_key": HEX,
        "api_key": "canary-key",
        "secret": "canary*" * 8,
        "password": "canary-word",
    },
    "with a wrong type of wallet": {
        "private_key": HEX,
        "options": {"signature_type": 7},
    },
    "with a setting that is none": {"private_key": HEX, "timeout": -1},
    "with an environment that is none": {"private_key": HEX, "environment": "moon"},
    "as the secret": {"private_key": HEX, "secret": b"canary"},
}
MAKERS: list[Any] = [
    lambda **given: ux.exchange("polymarket", **given),
    lambda **given: ux.async_exchange("polymarket", **given),
    PolymarketWebSocket,
    AsyncPolymarketWebSocket,
]


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("make", MAKERS, ids=["blocking", "async", "socket", "asocket"])
def test_fault_48_no_name_in_a_traceback_of_ours_holds_a_key(
    slip: str, make: Any
) -> None:
    given = SLIPS[slip]
    with pytest.raises(UnifiedExchangesError) as caught:
        make(**given)
    shown = frames(caught.value) + told_by(caught.value)
    words = ("canary", "f" * 64)
    wrong = [*(x.decode("latin-1") for x in forms(KEY)), HEX[:-2]]
    # Only what was given: modules of these tests have such names too.
    wrong += [word for word in words if word in repr(given)]
    # What is given as something else, or as no text, is not hidden in the caller's words.
    if slip in {"as the funder", "as the secret"}:
        shown = told_by(caught.value)
    assert [form for form in wrong if form in shown] == []


def test_fault_48_pytest_shows_no_key_with_the_values_of_names(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text(HEX)
    (tmp_path / "test_x.py").write_text(
        dedent(
            f"""
            import pathlib, pytest, unified_exchanges as ux

            KEY = pathlib.Path({str(tmp_path / "key")!r}).read_text

            @pytest.mark.parametrize("make", [ux.exchange, ux.async_exchange])
            def test_x(make):
                make("polymarket", private_key=KEY()[:-1], environment="local")

            def test_y():
                made = ux.exchange("polymarket", private_key=KEY(), environment="local")
                made.create_order("KXHIGHNY-26NOV21-T60", "yes", "buy", "0.1", 5)

            def test_z():
                made = ux.exchange("polymarket", private_key=KEY(), environment="local")
                made.fetch_balance()
            """
        )
    )
    command = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--showlocals",
        "--full-trace",
    ]
    run = subprocess.run(
        [sys.executable, *command, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 failed" in run.stdout
    assert "MarketNotFound" in run.stdout
    assert HEX[:-1] not in run.stdout
    assert [x for x in forms(KEY) if x in run.stdout.encode()] == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("make", ["exchange", "async_exchange"])
def test_fault_48_an_exchange_is_not_pickled_with_its_key(
    make: str, protocol: int
) -> None:
    made = getattr(ux, make)("polymarket", private_key=HEX, environment="local")
    for part in (made, made.venue.credentials):
        with pytest.raises(TypeError, match="not pickled") as caught:
            pickle.dumps(part, protocol)
        assert HEX not in told_by(caught.value)


def test_a_key_in_the_place_of_a_market_is_not_shown() -> None:
    made = ux.exchange("polymarket", private_key=HEX, environment="local")
    with pytest.raises(MarketNotFound, match="no market of 64 characters") as caught:
        made.fetch_market(HEX)
    assert HEX not in str(caught.value)
