"""A recording answers in place of the venue, in either flavour, and nothing is sent."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import re
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytest_socket import disable_socket, enable_socket
from vcr.serializers.yamlserializer import serialize

from unified_exchanges import (
    ArgumentsRequired,
    BadRequest,
    ConnectionLost,
    LimitPolicy,
    NotRecorded,
    RetryPolicy,
    SystemClock,
    async_exchange,
    exchange,
    exchanges,
)
from unified_exchanges.flow import Request
from unified_exchanges.recording import (
    Body,
    DamagedRecording,
    Header,
    Rest,
    Unanswered,
    Withheld,
    read,
)
from unified_exchanges.recording.format import encode
from unified_exchanges.registry import folder
from unified_exchanges.replaying import ReplayTransport, load
from unified_exchanges.replaying.cassette import load_cassette
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing import cassette, socket_guard

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .sessions import performed, recorded, session

SECOND = 1_000_000_000
BASE = "http://127.0.0.1:1/trade-api/v2"
STATUS = b'{"exchange_active":true,"trading_active":true}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_own_fills_are_told_by_a_recording_without_the_keys_of_others(
    path: Path, flavour: str
) -> None:
    with stage("polymarket") as at:
        told = recorded(flavour, session, at, path)
    owners = {
        owner
        for line in read(path)
        if isinstance(line, Rest)
        for owner in re.findall(rb'owner":\s*"([^"]*)"', line.body.data)
    }
    assert owners == {b"REDACTED", b"REDACTED-KEY"}
    assert told[-1]
    assert performed(flavour, session, "replay", path=path) == told


def rest(at: float = 1_001, **how: Any) -> Rest:
    given: dict[str, Any] = {
        "began": int((at - 1) * SECOND),
        "method": "GET",
        "path": "/trade-api/v2/exchange/status",
        "status": 200,
        "body": Body.of(STATUS),
        **how,
    }
    moment = int(at * SECOND)
    host = "http://127.0.0.1:1"
    return Rest(at=moment, mono=moment, elapsed=SECOND // 2, host=host, **given)


def written(path: Path, *lines: Any) -> Path:
    header = Header(
        format=1,
        venue="kalshi",
        environment=BASE,
        library="0",
        rest=BASE,
        at=1_000 * SECOND,
        mono=1_000 * SECOND,
    )
    path.write_bytes(b"".join(map(encode, (header, *lines))))
    return path


def asked(path: Path, flavour: str, *calls: Any, **how: Any) -> list[Any]:
    """What raw calls get, each the answer or the error; and the clock after each."""
    how.setdefault("retry", RetryPolicy(attempts=1))
    if flavour == "blocking":
        with exchange("replay", path=path, **how) as ex:
            return [_got(ex, call) for call in calls]
    return asyncio.run(_asked(path, calls, how))


def _got(ex: Any, call: Any) -> Any:
    method, target, more = call
    try:
        told = ex.request(method, target, **more)
    except Exception as error:  # noqa: BLE001 - given back
        told = error
    return told, ex.venue.clock.now()


async def _asked(path: Path, calls: Any, how: dict[str, Any]) -> list[Any]:
    found = []
    async with async_exchange("replay", path=path, **how) as ex:
        for method, target, more in calls:
            told: Any
            try:
                told = await ex.request(method, target, **more)
            except Exception as error:  # noqa: BLE001 - given back
                told = error
            found.append((told, ex.venue.clock.now()))
    return found


def get(target: str = "/exchange/status", **query: Any) -> Any:
    return "GET", target, {"query": query}


def post(**body: Any) -> Any:
    return "POST", "/portfolio/orders", {"body": body}


# -- whole sessions ----------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recorded_session_replays_to_the_last_digit_in_both_flavours(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, session, at, path)
    for other in FLAVOURS:
        with socket_guard():
            assert performed(other, session, "replay", path=path) == live


@pytest.mark.parametrize("kind", ["deposit", "safe", "proxy", "eoa"])
def test_polymarket_s_orders_replay_for_every_kind_of_wallet(
    path: Path, kind: str
) -> None:
    box = folder("polymarket", "simulated").simulated(seed=7, key_type=kind)
    with SimulatorServer(box.venue) as server:
        account = {"private_key": box.private_key, "api_key": box.api_key}
        account |= {"environment": server.url, **box.arguments}
        at = Stage(venue="polymarket", account=account, secrets=[])
        live = recorded("blocking", session, at, path)
    assert performed("async", session, "replay", path=path) == live


def test_a_replay_needs_no_key_and_takes_none_from_the_environment(
    at: Stage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = recorded("blocking", session, at, path)
    for name in (
        "KALSHI_API_KEY",
        "KALSHI_PRIVATE_KEY_PATH",
        "POLYMARKET_PRIVATE_KEY_PATH",
        "POLYMARKET_FUNDER",
    ):
        monkeypatch.setenv(name, "/nothing/there")
    assert performed("blocking", session, "replay", path=path) == live


def test_a_cassette_replays_by_the_same_call(at: Stage, tmp_path: Path) -> None:
    tape_path = tmp_path / "session.yaml"
    with (
        cassette(tape_path, "record") as tape,
        exchange(at.venue, clock=tape.clock, **at.account) as ex,
    ):
        seen = ex.fetch_markets(limit=3)
        book = ex.fetch_order_book(seen[0].market_id)
        balance = ex.fetch_balance()
    for _ in range(2):
        with socket_guard(), exchange("replay", path=tape_path) as ex:
            assert ex.id == at.venue
            assert ex.fetch_markets(limit=3) == seen
            replayed = ex.fetch_order_book(seen[0].market_id)
            assert (replayed.bids, replayed.asks) == (book.bids, book.asks)
            assert ex.fetch_balance() == balance
            with pytest.raises(NotRecorded):
                ex.fetch_balance()


def test_no_descriptor_is_opened_by_a_replay(
    at: Stage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("blocking", session, at, path)
    made: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        made.append(given)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    before = _sockets()
    with exchange("replay", path=path) as ex:
        [market] = ex.fetch_markets(limit=1)
        with pytest.raises(NotRecorded):
            ex.fetch_markets(limit=77)
        with pytest.raises(NotRecorded):
            ex.watch_order_book(market.market_id).next(timeout=10)
        assert _sockets() <= before
    assert made == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_a_session_replays_where_sockets_are_disabled(
    path: Path, flavour: str
) -> None:
    written(path, rest(), rest())
    # A loop wakes itself by a pair of its own, which leads nowhere.
    disable_socket(allow_unix_socket=True)
    try:
        found = asked(path, flavour, get(), get(), get())
    finally:
        enable_socket()
    assert [type(told) for told, _ in found] == [dict, dict, NotRecorded]


def _sockets() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def test_what_was_not_asked_for_is_told_and_a_closed_replay_answers_nothing(
    path: Path,
) -> None:
    written(path, rest(), rest(path="/trade-api/v2/series"))
    source = load(path, [folder("kalshi", "blocking").EXCHANGE.describe()])
    transport = ReplayTransport(source.answers, source.clock)
    request = Request("GET", f"{BASE}/exchange/status")
    assert transport.send(request).body == STATUS
    assert source.answers.unplayed == ["GET /trade-api/v2/series"]
    transport.close()
    with pytest.raises(BadRequest, match="closed"):
        transport.send(request)


# -- what is not there -------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_what_is_not_recorded_says_what_was_asked_and_the_nearest(
    path: Path, flavour: str
) -> None:
    written(path, rest(query=[("limit", "1")]), rest(path="/trade-api/v2/series"))
    [(error, now)] = asked(path, flavour, get(limit="2"), retry=RetryPolicy())
    assert isinstance(error, NotRecorded)
    assert not error.retryable
    assert f"GET {BASE}/exchange/status?limit=2, which is not in it" in str(error)
    assert f"nearest that is there is GET {BASE}/exchange/status?limit=1" in str(error)
    assert now == 1_000
    [(error, _)] = asked(path, flavour, get("/serie"))
    assert f"nearest that is there is GET {BASE}/series" in str(error)


def test_fault_50_what_is_not_recorded_is_refused_in_every_thread(path: Path) -> None:
    written(path, rest())
    found: list[Exception] = []
    with socket_guard(), exchange("replay", path=path) as ex:

        def ask() -> None:
            try:
                ex.fetch_markets(limit=3)
            except Exception as error:  # noqa: BLE001 - compared below
                found.append(error)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [type(error) for error in found] == [NotRecorded] * 8


async def test_fault_50_a_stream_is_refused_in_a_loop_without_a_socket(
    path: Path,
) -> None:
    written(path, rest())
    async with async_exchange("replay", path=path) as ex:
        with (
            socket_guard(),
            pytest.raises(NotRecorded, match="the stream of ticker of M"),
        ):
            await ex.watch_ticker("M").next(timeout=10)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_answer_is_given_once_and_equal_requests_get_them_in_order(
    path: Path, flavour: str
) -> None:
    bodies = [Body.of(b'{"n":%d}' % n) for n in (1, 2)]
    written(path, *(rest(1_010 + n, body=body) for n, body in enumerate(bodies)))
    one, two, three = asked(path, flavour, get(), get(), get())
    assert one == ({"n": 1}, 1_010)
    assert two == ({"n": 2}, 1_011)
    assert isinstance(three[0], NotRecorded)
    assert "was recorded 2 times, and is asked for once more" in str(three[0])


def test_a_withheld_line_is_named(path: Path) -> None:
    told = Withheld(1, 1, "rest", "GET /trade-api/v2/exchange/status", ["a field"])
    [(error, _)] = asked(written(path, told), "blocking", get())
    assert "it was withheld when it was recorded" in str(error)


def test_an_empty_recording_says_that_it_is(path: Path) -> None:
    [(error, _)] = asked(written(path), "blocking", get())
    assert "which holds no request" in str(error)


# -- what matches ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"client_order_id": "a", "n": 1}, {"n": 1, "client_order_id": "b"}),
        ({"signature": "REDACTED", "n": 1}, {"n": 1, "signature": "x"}),
        ([{"order": {"salt": 1, "n": 1}}], [{"order": {"salt": 2, "n": 1}}]),
    ],
)
def test_what_differs_by_nature_does_not_count(one: Any, other: Any) -> None:
    from unified_exchanges.replaying.matching import key_of

    keys = {key_of("POST", "u", (), json.dumps(x).encode()) for x in (one, other)}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"price":0.1}', b'{"price":0.10}'),
        (b'{"count":"10.00"}', b'{"count":"1.00"}'),
        (b'{"order_id":"a"}', b'{"order_id":"b"}'),
        (b"not json", b"nor this"),
    ],
)
def test_what_an_order_says_counts(one: bytes, other: bytes) -> None:
    from unified_exchanges.replaying.matching import key_of

    assert key_of("POST", "u", (), one) != key_of("POST", "u", (), other)


def test_the_order_of_a_query_does_not_count_and_its_secrets_do_not(path: Path) -> None:
    query = [("b", "2"), ("token", "REDACTED"), ("a", "1")]
    call = get(a="1", b="2", token="t")
    assert asked(written(path, rest(query=query)), "blocking", call)[0][1] == 1_001


def bounded(at: int, **query: object) -> Rest:
    pairs = [(name, str(value)) for name, value in query.items()]
    return rest(at, query=pairs, body=Body.of(b'{"n":%d}' % at))


def test_bounds_of_now_move_with_the_clock(path: Path) -> None:
    # Each asked for the minute before, an hour apart; a second passed in between.
    lines = [bounded(at, max_ts=at - 1, min_ts=at - 61) for at in (5_000, 8_600)]
    written(path, *lines)
    calls = [get(min_ts=940, max_ts=1_000), get(min_ts=4_941, max_ts=5_001)]
    assert [told for told, _ in asked(path, "blocking", *calls)] == [
        {"n": 5_000},
        {"n": 8_600},
    ]


def test_bounds_that_are_the_same_are_compared_first(path: Path) -> None:
    written(path, *(bounded(1_001 + n, min_ts=1_000 + n) for n in range(3)))
    [(told, _), (other, _)] = asked(
        path, "blocking", get(min_ts=1_002), get(min_ts=1_002)
    )
    assert told == {"n": 1_003}
    assert other == {"n": 1_001}


@pytest.mark.parametrize("asked_for", [500, 1_500, "soon"])
def test_another_span_of_time_gets_no_answer(path: Path, asked_for: object) -> None:
    written(path, bounded(1_001, min_ts=800, limit=3))
    [(error, _)] = asked(path, "blocking", get(min_ts=asked_for, limit=3))
    assert isinstance(error, NotRecorded)
    assert "limit=3&min_ts=800" in str(error)


def test_times_in_milliseconds_move_as_well(path: Path) -> None:
    now = 1_795_000_000
    written(path, rest(now), bounded(now + 100, start=(now + 99) * 1000))
    found = asked(path, "blocking", get(), get(start=now * 1000 + 7))
    assert found[1][0] == {"n": now + 100}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_answers_carry_the_client_order_id_of_the_replaying_program(
    path: Path, flavour: str
) -> None:
    line = rest(
        method="POST",
        path="/trade-api/v2/portfolio/orders",
        request=Body.of(b'{"client_order_id":"old","n":"1"}'),
        body=Body.of(b'{"client_order_id":"old"}'),
    )
    call = post(client_order_id="new", n="1")
    [(told, _)] = asked(written(path, line), flavour, call)
    assert told == {"client_order_id": "new"}


# -- the clock, and the network ----------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_night_between_two_requests_uses_up_no_deadline(
    path: Path, flavour: str
) -> None:
    night = 30_000
    lines = [rest(1_001), rest(night, status=503, body=Body.of(b"{}")), rest(night + 2)]
    found = asked(
        written(path, *lines), flavour, get(), get(), retry=RetryPolicy(deadline=10)
    )
    assert [now for _, now in found] == [1_001, night + 2]
    assert found[1][0] == json.loads(STATUS)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_lost_answer_is_lost_again(path: Path, flavour: str) -> None:
    lost = Unanswered(
        at=1_005 * SECOND,
        mono=1,
        began=1_004 * SECOND,
        method="GET",
        host="http://127.0.0.1:1",
        path="/trade-api/v2/exchange/status",
        error="ConnectionLost",
        reason="reset",
        sent=True,
    )
    given_up = replace(lost, error="CancelledError")
    [(error, now), (told, _)] = asked(
        written(path, given_up, lost, rest(1_006)), flavour, get(), get()
    )
    assert isinstance(error, ConnectionLost)
    assert (error.sent, now) == (True, 1_005)
    assert told == json.loads(STATUS)


# -- making one --------------------------------------------------------------------------


def test_replay_is_an_id_and_no_venue(path: Path) -> None:
    assert "replay" not in exchanges
    with pytest.raises(BadRequest, match=r"there are: .*replay"):
        exchange("binance")
    with exchange("replay", path=written(path)) as ex:
        assert ex.id == "kalshi"
        assert repr(ex) == f"<Kalshi {BASE} (replay)>"


def test_a_replay_without_a_path_and_a_path_without_a_replay_are_refused() -> None:
    with pytest.raises(ArgumentsRequired, match="path="):
        exchange("replay")
    with pytest.raises(BadRequest, match="path= is for 'replay'"):
        exchange("kalshi", path="x")


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_a_replay_has_a_clock_and_a_transport_of_its_own(path: Path, make: Any) -> None:
    with pytest.raises(BadRequest, match="leave clock= away"):
        make("replay", path=written(path), clock=SystemClock())


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_a_replay_writes_into_no_journal(path: Path, make: Any) -> None:
    journal = path.with_name("orders.db")
    with pytest.raises(BadRequest, match="leave journal= away"):
        make("replay", path=written(path), journal=journal)
    assert not journal.exists()


def test_limits_that_are_given_are_kept_to_in_virtual_time(path: Path) -> None:
    written(path, *(rest(1_001) for _ in range(200)))
    limits = LimitPolicy(discover=False)
    found = asked(path, "blocking", *[get() for _ in range(200)], limits=limits)
    assert found[-1][1] > found[0][1]


def test_a_file_that_is_not_there_or_no_recording_is_said(path: Path) -> None:
    with pytest.raises(NotRecorded, match="record it first"):
        exchange("replay", path=path)
    path.write_text("interactions:\n- a\n")
    with pytest.raises(DamagedRecording, match="no cassette"):
        exchange("replay", path=path)
    path.write_text("interactions: [\n")
    with pytest.raises(DamagedRecording, match="no YAML"):
        exchange("replay", path=path)
    path.write_text("hello\n")
    with pytest.raises(DamagedRecording):
        exchange("replay", path=path)


def test_a_recording_of_a_venue_that_is_not_known_is_refused(path: Path) -> None:
    written(path)
    path.write_bytes(path.read_bytes().replace(b'"kalshi"', b'"bets"'))
    with pytest.raises(BadRequest, match="was recorded at bets"):
        exchange("replay", path=path)


def test_a_recording_that_was_cut_is_replayed_as_far_as_it_goes(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, rest(), rest(1_002))
    path.write_bytes(path.read_bytes()[:-20])
    one, two = asked(path, "blocking", get(), get())
    assert one[1] == 1_001
    assert isinstance(two[0], NotRecorded)
    assert "left out" in caplog.text
    assert len(list(read(path))) == 3


# -- cassettes of others -----------------------------------------------------------------

_FOREIGN = """
interactions:
- request: {{body: null, headers: {{}}, method: GET, uri: '{uri}'}}
  response:
    body: {{string: '{{"exchange_active":true,"trading_active":true}}'}}
    headers: {{{headers}}}
    status: {{code: 200, message: OK}}
version: 1
"""


def test_a_cassette_of_another_program_is_known_by_its_address(path: Path) -> None:
    uri = "https://external-api.kalshi.com/trade-api/v2/exchange/status"
    date = "Date: ['Sun, 29 Nov 2026 05:46:00 GMT']"
    path.write_text(_FOREIGN.format(uri=uri, headers=date))
    with exchange("replay", path=path) as ex:
        assert ex.request("GET", "/exchange/status") == json.loads(STATUS)
        assert ex.venue.environment.name == "production"
        assert ex.venue.clock.now() == 1_795_931_160


def test_a_cassette_that_tells_no_time_stands_at_the_change_of_its_file(
    path: Path,
) -> None:
    uri = "https://external-api.kalshi.com/trade-api/v2/exchange/status"
    path.write_text(_FOREIGN.format(uri=uri, headers=""))
    with exchange("replay", path=path) as ex:
        assert ex.venue.clock.now() == int(path.stat().st_mtime)


def compressed(path: Path, body: bytes) -> Path:
    """A cassette of vcrpy's own, which keeps an answer as it came."""
    uri = "https://external-api.kalshi.com/trade-api/v2/exchange/status"
    pair = {
        "request": {"body": None, "headers": {}, "method": "GET", "uri": uri},
        "response": {
            "body": {"string": body},
            "headers": {"Content-Encoding": ["gzip"]},
            "status": {"code": 200, "message": "OK"},
        },
    }
    path.write_text(serialize({"interactions": [pair], "version": 1}))
    return path


def test_an_answer_that_vcrpy_kept_compressed_is_unpacked(path: Path) -> None:
    compressed(path, gzip.compress(STATUS))
    with exchange("replay", path=path) as ex:
        assert ex.request("GET", "/exchange/status") == json.loads(STATUS)


def test_a_compressed_answer_that_is_cut_is_damaged(path: Path) -> None:
    compressed(path, gzip.compress(STATUS)[:-9])
    with pytest.raises(DamagedRecording, match=re.escape(str(path))):
        exchange("replay", path=path)


@pytest.mark.parametrize("is_on", [True, False])
def test_cycles_are_not_looked_for_while_a_cassette_is_read(
    path: Path, is_on: bool
) -> None:
    uri = "https://external-api.kalshi.com/trade-api/v2/exchange/status"
    head, pair = _FOREIGN.format(uri=uri, headers="").split("- request", 1)
    pair, version = pair.split("version")
    path.write_text(f"{head}{f'- request{pair}' * 300}version{version}")
    looks: list[str] = []

    def note(phase: str, _: object) -> None:
        # Before and after anybody may look, as a thread that a test has left behind does.
        told = [x.name for x in traceback.extract_stack()]
        if load_cassette.__name__ in told:
            looks.append(phase)

    known = [folder("kalshi", "blocking").EXCHANGE.describe()]
    if not is_on:
        gc.disable()
    gc.collect()
    gc.callbacks.append(note)
    try:
        source = load(path, known)
        found = gc.isenabled()
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    assert len(source.answers.unplayed) == 300
    assert looks == []
    assert found is is_on


def test_a_cassette_that_cannot_be_read_leaves_the_collector_on(path: Path) -> None:
    path.write_text("interactions: [\n")
    with pytest.raises(DamagedRecording):
        exchange("replay", path=path)
    assert gc.isenabled()


def test_a_cassette_of_no_venue_is_refused(path: Path) -> None:
    path.write_text(_FOREIGN.format(uri="https://example.org/x", headers=""))
    with pytest.raises(BadRequest, match=r"example\.org, which is no address"):
        exchange("replay", path=path)


def test_a_cassette_without_yaml_names_the_extra(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("interactions: []\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="testing"):
        exchange("replay", path=path)


def test_a_cassette_without_a_request_is_damaged(path: Path) -> None:
    path.write_text("interactions: []\n")
    with pytest.raises(DamagedRecording, match="no cassette"):
        exchange("replay", path=path)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_that_was_shown_before_has_the_recorded_id(
    at: Stage, path: Path, flavour: str
) -> None:
    def script() -> Any:
        [market] = yield "fetch_markets", (), {"limit": 1}
        terms = (
            market.market_id,
            market.outcomes[0].label,
            "buy",
            market.grid.lowest,
            10,
        )
        yield "preview_order", terms, {}
        order = yield "create_order", terms, {}
        ended = yield "cancel_order", (order.order_id,), {}
        return [order.order_id, ended.order_id, order.created_at]

    seen = recorded(flavour, script, at, path)
    assert performed(flavour, script, "replay", path=path) == seen


@pytest.mark.parametrize("make", [exchange, async_exchange])
def test_a_folder_in_place_of_a_recording_is_told_as_one(
    make: Any, tmp_path: Path
) -> None:
    with pytest.raises(NotRecorded, match="is a folder"):
        make("replay", path=tmp_path)
