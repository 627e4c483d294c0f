"""Recording what a venue answered, replaying it without a network, keeping no secret."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from unified_exchanges.clock import Clock, VirtualClock
from unified_exchanges.errors import BadRequest, NetworkError
from unified_exchanges.flow import Request, Response
from unified_exchanges.testing import (
    NotRecorded,
    SocketBlocked,
    SuspectedSecret,
    cassette,
)
from unified_exchanges.testing.redaction import (
    redact_body,
    redact_headers,
    suspects,
)
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from .transports.rawserver import RawServer, Visit, http

CANARY = "Zx81canaryQ9wE7rT5yU3iO1pA2sD4"
SIGNED = {
    "KALSHI-ACCESS-KEY": CANARY,
    "KALSHI-ACCESS-SIGNATURE": CANARY + "==",
    "KALSHI-ACCESS-TIMESTAMP": "1795200000000",
    "Authorization": f"Bearer {CANARY}",
    "Cookie": f"session={CANARY}",
}
VENUE = "https://venue.test/trade-api/v2"

Flavour = Literal["blocking", "aio"]
FLAVOURS: list[Flavour] = ["blocking", "aio"]


def ask(flavour: Flavour, *requests: Request) -> list[Response]:
    if flavour == "aio":
        return asyncio.run(ask_async(requests))
    transport = BlockingTransport()
    try:
        return [transport.send(request) for request in requests]
    finally:
        transport.close()


async def ask_async(requests: tuple[Request, ...]) -> list[Response]:
    transport = AioTransport()
    try:
        return [await transport.send(request) for request in requests]
    finally:
        await transport.close()


def counting(visit: Visit) -> None:
    while visit.read():
        number = len(visit.server.requests)
        body = f'{{"number":{number}}}'.encode()
        visit.write(http(body, "200 OK", f"Set-Cookie: session={CANARY}"))


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(counting) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recorded" / "cassette.yaml"


def order(base: str, client_order_id: str, price: str = "0.5500") -> Request:
    body = f'{{"client_order_id":"{client_order_id}","price":"{price}"}}'.encode()
    headers = {**SIGNED, "Content-Type": "application/json"}
    return Request("POST", f"{base}/orders", (), headers, body)


# -- replay ----------------------------------------------------------------------------


@pytest.mark.parametrize("replaying", FLAVOURS)
@pytest.mark.parametrize("recording", FLAVOURS)
def test_a_cassette_of_either_flavour_replays_in_either(
    path: Path, server: RawServer, recording: Flavour, replaying: Flavour
) -> None:
    requests = [Request("GET", server.url + "/a", (("x", "1"),), SIGNED)] * 2
    with cassette(path, "record"):
        recorded = ask(recording, *requests)
    before = server.connections
    with cassette(path) as tape:
        replayed = ask(replaying, *requests)
        assert (tape.play_count, tape.unplayed) == (2, [])
    assert server.connections == before
    assert [(r.status, r.body) for r in replayed] == [
        (r.status, r.body) for r in recorded
    ]
    assert [r.body for r in replayed] == [b'{"number":1}', b'{"number":2}']


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_with_a_fresh_client_order_id_replays(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    with cassette(path, "record"):
        ask(flavour, order(server.url, "first"))
    with cassette(path):
        assert ask(flavour, order(server.url, "second"))[0].body == b'{"number":1}'


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_answer_carries_the_ids_of_the_replaying_program(
    path: Path, flavour: Flavour
) -> None:
    told = (
        b'{"client_order_id": "first","order_id":"first","size":1.50,'
        b'"orders":[{"client_order_id":"o\\"ther"},{"client_order_id":""}]}'
    )

    def answering(visit: Visit) -> None:
        while visit.read():
            visit.write(http(told))

    with RawServer(answering) as server, cassette(path, "record"):
        ask(flavour, order(server.url, "first"), Request("GET", server.url + "/orders"))
    base = VENUE[:18]
    with cassette(path):
        answers = ask(
            flavour, order(base, r"se\"cond"), Request("GET", base + "/orders")
        )
    expected = told.replace(b': "first"', b': "se\\"cond"')
    assert [answer.body for answer in answers] == [expected] * 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_body_that_is_no_json_replays_as_it_is(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    with cassette(path, "record"):
        ask(flavour, Request("POST", server.url + "/a", body=b"not json"))
    with cassette(path):
        replayed = ask(flavour, Request("POST", VENUE[:18] + "/a", body=b"not json"))
    assert replayed[0].body == b'{"number":1}'


def test_the_last_answer_goes_to_one_of_two_that_ask_at_once(
    path: Path, server: RawServer
) -> None:
    with cassette(path, "record"):
        ask("blocking", Request("GET", server.url + "/a"))
    with cassette(path) as tape:
        request = tape.requests[0]
        assert tape.can_play_response_for(request)
        tape.play_response(request)
        with pytest.raises(NotRecorded, match="already"):
            tape.play_response(request)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_with_other_terms_does_not_replay(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    with cassette(path, "record"):
        ask(flavour, order(server.url, "first"))
    with cassette(path), pytest.raises(NotRecorded, match="POST /orders"):
        ask(flavour, order(server.url, "first", price="0.5600"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recording_of_one_host_replays_as_another(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    with cassette(path, "record"):
        ask(flavour, Request("GET", server.url + "/trade-api/v2/markets"))
    with cassette(path):
        answer = ask(flavour, Request("GET", VENUE + "/markets"))[0]
    assert answer.body == b'{"number":1}'


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_what_was_not_recorded_raises_at_once_and_is_not_retryable(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    with cassette(path, "record"):
        ask(flavour, Request("GET", server.url + "/a"))
    asked = len(server.requests)
    with cassette(path) as tape, pytest.raises(NotRecorded) as caught:
        ask(flavour, Request("GET", server.url + "/b"))
    assert isinstance(caught.value, BadRequest)
    assert not isinstance(caught.value, NetworkError)
    assert not caught.value.retryable
    assert (len(server.requests), tape.unplayed) == (asked, ["GET /a"])


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_50_what_was_played_already_is_not_played_again(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    request = Request("GET", server.url + "/a")
    with cassette(path, "record"):
        ask(flavour, request)
    with cassette(path), pytest.raises(NotRecorded, match="already"):
        ask(flavour, request, request)


def test_fault_50_many_threads_in_a_replay_reach_no_network(
    path: Path, server: RawServer
) -> None:
    request = Request("GET", server.url + "/a")
    with cassette(path, "record"):
        ask("blocking", *[request] * 40)
    asked = len(server.requests)
    outcomes: list[object] = []

    def replay() -> None:
        for _ in range(5):
            try:
                outcomes.append(ask("blocking", request))
            except (SocketBlocked, NotRecorded) as error:
                outcomes.append(error)

    with cassette(path):
        threads = [threading.Thread(target=replay) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 40
    assert len(server.requests) == asked


def test_fault_50_a_socket_opened_in_a_replay_is_blocked(
    path: Path, server: RawServer
) -> None:
    with cassette(path, "record"):
        ask("blocking", Request("GET", server.url + "/a"))
    with cassette(path), pytest.raises(SocketBlocked):
        socket.create_connection(("127.0.0.1", server.port))


def test_a_cassette_that_is_not_there_says_so(path: Path) -> None:
    with pytest.raises(NotRecorded, match="there is no cassette"), cassette(path):
        pass


def test_the_network_is_back_after_a_replay(path: Path, server: RawServer) -> None:
    transport = BlockingTransport()
    request = Request("GET", server.url + "/a")
    with cassette(path, "record"):
        transport.send(request)
    with cassette(path):
        assert transport.send(request).body == b'{"number":1}'
    assert transport.send(request).body == b'{"number":2}'
    transport.close()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_recording_again_replaces_what_was_there(
    path: Path, server: RawServer, flavour: Flavour
) -> None:
    for _ in range(2):
        with cassette(path, "record"):
            ask(flavour, Request("GET", server.url + "/a"))
    with cassette(path):
        answer = ask(flavour, Request("GET", server.url + "/a"))[0]
    assert answer.body == b'{"number":2}'


def test_a_recording_that_fails_is_not_saved(path: Path, server: RawServer) -> None:
    with pytest.raises(NetworkError), cassette(path, "record"):
        ask(
            "blocking", Request("GET", server.url), Request("GET", "http://127.0.0.1:1")
        )
    assert not path.exists()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_compressed_answer_is_stored_readable(path: Path, flavour: Flavour) -> None:
    packed = http(gzip.compress(b'{"a":1}'), "200 OK", "Content-Encoding: gzip")

    def zipping(visit: Visit) -> None:
        visit.read()
        visit.write(packed)

    with RawServer(zipping) as server, cassette(path, "record"):
        ask(flavour, Request("GET", server.url + "/a"))
    assert '{"a":1}' in path.read_text()
    with cassette(path):
        assert ask(flavour, Request("GET", VENUE[:18] + "/a"))[0].body == b'{"a":1}'


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refusal_keeps_its_status_and_its_hint(path: Path, flavour: Flavour) -> None:
    def limiting(visit: Visit) -> None:
        visit.read()
        visit.write(http(b"{}", "429 Too Many Requests", "Retry-After: 7"))

    with RawServer(limiting) as server, cassette(path, "record"):
        ask(flavour, Request("GET", server.url + "/a"))
    with cassette(path):
        answer = ask(flavour, Request("GET", VENUE[:18] + "/a"))[0]
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")


# -- time ------------------------------------------------------------------------------

START = 1_795_200_000.0


def answering_at(visit: Visit) -> None:
    while visit.read():
        visit.write(http(b"{}", "200 OK", "Date: Fri, 20 Nov 2026 00:00:00 GMT"))


def read(clock: Clock, source: VirtualClock, *ask_after: bool) -> list[float]:
    """Look at a clock while a second passes each time; True asks before the look."""
    seen = []
    with RawServer(answering_at) as server:
        for asks in ask_after:
            if asks:
                ask("blocking", Request("GET", server.url + "/a"))
            source.advance(1)
            seen.append(clock.now())
    return seen


def recorded_times(path: Path) -> list[float]:
    source = VirtualClock(START)
    with cassette(path, "record", clock=source) as tape:
        return read(tape.clock, source, False, False, True, True, False)


def again(*asks: bool, path: Path) -> list[float]:
    seen = []
    with cassette(path) as tape:
        for asks_first in asks:
            if asks_first:
                ask("blocking", Request("GET", VENUE[:18] + "/a"))
            seen.append(tape.clock.now())
    return seen


def test_a_replay_tells_the_times_that_the_recording_told(path: Path) -> None:
    seen = recorded_times(path)
    assert seen == [START + n for n in range(1, 6)]
    assert again(False, False, True, True, False, path=path) == seen


def test_who_reads_the_clock_more_often_or_less_is_in_step_after_the_next_answer(
    path: Path,
) -> None:
    recorded_times(path)
    seen = again(False, False, False, True, path=path)
    assert [at - START for at in seen] == [1, 2, 2, 3]
    seen = again(True, True, False, False, path=path)
    assert [at - START for at in seen] == [3, 4, 5, 5]


def test_a_clock_that_is_taken_late_starts_at_the_right_place(path: Path) -> None:
    recorded_times(path)
    with cassette(path) as tape:
        ask("blocking", *[Request("GET", VENUE[:18] + "/a")] * 2)
        assert tape.clock.now() == START + 4


def test_a_replay_waits_by_the_clock_that_it_is_given(path: Path) -> None:
    recorded_times(path)
    ours = VirtualClock()
    with cassette(path, clock=ours) as tape:
        ours.advance(3)
        assert tape.clock.monotonic() == 3


def test_a_recording_waits_by_the_clock_that_it_is_given(path: Path) -> None:
    ours = VirtualClock()
    with cassette(path, "record", clock=ours) as tape:
        ours.advance(3)
        assert tape.clock.monotonic() == 3


def test_the_venue_s_date_is_told_with_the_recorded_time_only(path: Path) -> None:
    recorded_times(path)
    request = Request("GET", VENUE[:18] + "/a")
    with cassette(path):
        assert "date" not in ask("blocking", request)[0].headers
    for flavour in FLAVOURS:
        with cassette(path) as tape:
            assert tape.clock.now() > 0
            date = ask(flavour, request)[0].headers["date"]
        assert date == "Fri, 20 Nov 2026 00:00:00 GMT"


def test_a_cassette_without_times_says_how_to_record_them(
    path: Path, server: RawServer
) -> None:
    with cassette(path, "record"):
        ask("blocking", Request("GET", server.url + "/a"))
    with cassette(path) as tape, pytest.raises(NotRecorded, match=r"clock=tape\.clock"):
        assert tape.clock


def test_what_is_not_recorded_is_told_with_a_hint_at_the_clock(path: Path) -> None:
    recorded_times(path)
    request = Request("GET", VENUE[:18] + "/b")
    with cassette(path), pytest.raises(NotRecorded, match=r"clock=tape\.clock"):
        ask("blocking", request)
    with cassette(path) as tape:
        assert tape.clock
        with pytest.raises(NotRecorded) as caught:
            ask("blocking", request)
    assert "clock" not in str(caught.value)


# -- secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_f13_keys_signatures_and_cookies_are_not_saved(
    path: Path,
    server: RawServer,
    flavour: Flavour,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f'{{"keys":[{{"private_key":"{CANARY}","name":"mine"}}]}}'.encode()
    with cassette(path, "record"):
        ask(flavour, Request("POST", server.url + "/api_keys", (), SIGNED, body))
    assert CANARY in server.requests[0].decode()
    assert CANARY not in path.read_text()
    assert "mine" in path.read_text()
    assert CANARY not in caplog.text


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "leak",
    [
        {"headers": {"X-Venue-Blob": CANARY}},
        {"query": (("blob", CANARY),)},
        {"body": f'{{"blob":"{CANARY}"}}'.encode()},
        {"body": b"-----BEGIN RSA PRIVATE KEY-----\nMII"},
    ],
    ids=["header", "query", "field", "pem"],
)
def test_fault_52_a_suspected_secret_stops_the_saving_and_is_not_shown(
    path: Path, server: RawServer, flavour: Flavour, leak: dict[str, object]
) -> None:
    request = Request("POST", server.url + "/a", **leak)  # type: ignore[arg-type]
    with pytest.raises(SuspectedSecret, match="POST /a") as caught:  # noqa: SIM117
        with cassette(path, "record"):
            ask(flavour, request)
    assert not path.exists()
    assert CANARY not in str(caught.value)


def test_fault_52_a_secret_in_an_answer_stops_the_saving(path: Path) -> None:
    def leaking(visit: Visit) -> None:
        visit.read()
        visit.write(http(f'{{"blob":"{CANARY}"}}'.encode()))

    with pytest.raises(SuspectedSecret, match="answer to GET /a"):  # noqa: SIM117
        with RawServer(leaking) as server, cassette(path, "record"):
            ask("blocking", Request("GET", server.url + "/a"))
    assert not path.exists()


def test_a_text_that_must_never_be_saved_is_not(path: Path, server: RawServer) -> None:
    request = Request("GET", server.url + "/members/me@venue.test")
    with pytest.raises(SuspectedSecret, match="the path"):  # noqa: SIM117
        with cassette(path, "record", never=["me@venue.test"]):
            ask("blocking", request)


@pytest.mark.parametrize("name", ["never", "public"])
@pytest.mark.parametrize("given", ["a text", b"a text", 5, [5], None], ids=str)
def test_what_is_no_list_of_texts_is_refused_before_anything_is_asked(
    path: Path, name: str, given: Any
) -> None:
    with pytest.raises(BadRequest, match=f"{name}= must be a list of texts") as caught:  # noqa: SIM117
        with cassette(path, "record", **{name: given}):
            pytest.fail("nothing is recorded")
    assert "a text" not in str(caught.value)


MINE = "0f8fad5b-d9cd-469f-a165-70867728950e"
THEIRS = "3813e82d-45da-4c84-b363-dc0d2be25ac2"
TRADES = """{"data": [{"price": 0.10, "owner": "%s", "trade_owner":"%s", "maker_orders": [
  {"owner" : "%s", "price": 1.50}, {"owner": "%s"}, {"owner": "", "of": null}]}]}"""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_keys_of_others_are_not_saved_and_a_replay_knows_its_own(
    path: Path, flavour: Flavour
) -> None:
    def trading(visit: Visit) -> None:
        while visit.read():
            visit.write(http((TRADES % (THEIRS, MINE, THEIRS, MINE)).encode()))

    def asked(base: str, key: str) -> bytes:
        request = Request("GET", base + "/data/trades", (), {"POLY_API_KEY": key})
        return ask(flavour, request)[0].body

    with RawServer(trading) as server, cassette(path, "record"):
        told = asked(server.url, MINE)
    assert THEIRS.encode() in told
    saved = path.read_text()
    assert THEIRS not in saved
    assert MINE not in saved
    with cassette(path):
        again = asked("http://other.test", "another-key-id")
    wanted = TRADES % ("REDACTED", "another-key-id", "REDACTED", "another-key-id")
    assert again == wanted.encode()


@pytest.mark.parametrize(
    "name",
    [
        "KALSHI-ACCESS-KEY",
        "kalshi-access-signature",
        "Proxy-Authorization",
        "Set-Cookie",
        "X-API-Key",
        "X-Api-Secret",
        "POLY_ADDRESS",
        "POLY_API_KEY",
        "POLY_NONCE",
        "POLY_PASSPHRASE",
        "POLY_SIGNATURE",
        "POLY_TIMESTAMP",
        "Poly_Timestamp",
        "KALSHI-ACCESS-TIMESTAMP",
        "X-Session-Id",
        "Auth",
    ],
)
def test_a_header_named_like_a_secret_is_redacted(name: str) -> None:
    assert redact_headers({name: "x"}) == {name: "REDACTED"}


@pytest.mark.parametrize(
    "name", ["Content-Type", "Accept", "User-Agent", "Retry-After"]
)
def test_an_ordinary_header_is_kept(name: str) -> None:
    assert redact_headers({name: "x"}) == {name: "x"}


def test_numbers_stay_as_they_are_written_beside_what_is_redacted() -> None:
    numbers = '"price":0.30, "big":12345678901234567890.123456789, "e":1e5'
    assert redact_body(f'{{{numbers},"token":"abc"}}'.encode()) == (
        f'{{{numbers},"token":"REDACTED"}}'.encode()
    )


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (rb'{"se\u0063ret":"ab"}', b'{"secret": "REDACTED"}'),
        (b'{"secrets":[["ab"],12345]}', b'{"secrets": [["REDACTED"], "REDACTED"]}'),
    ],
)
def test_what_is_not_found_in_place_is_redacted_too(told: bytes, wanted: bytes) -> None:
    assert redact_body(told) == wanted


@pytest.mark.parametrize("name", ["tokenId", "token_id", "clobTokenIds", "tokenIDs"])
def test_a_token_s_id_is_no_secret(name: str) -> None:
    body = f'{{"{name}":"12","signatureType":"3"}}'.encode()
    assert redact_body(body) == body


@pytest.mark.parametrize("name", ["token", "accessToken", "signature", "tokens"])
def test_a_token_or_a_signature_is_one_in_lists_too(name: str) -> None:
    assert redact_body(f'{{"{name}":["a","b"]}}'.encode()) == (
        f'{{"{name}":["REDACTED","REDACTED"]}}'.encode()
    )


WORD = "0x" + "5f4dcc3b5aa765d6" * 4


def test_a_word_of_a_chain_is_an_id_if_it_is_known_and_else_a_key() -> None:
    body = f'{{"market":"{WORD}"}}'.encode()
    assert suspects("", {}, body) == []
    assert suspects("", {}, body, known={WORD}) == []
    assert suspects("", {}, body, known=()) == ["field 'market'"]
    assert suspects(f"/order/{WORD}", {}, b"", known=()) == ["the path"]
    # Not even a name that speaks of ids tells what it is.
    assert suspects(f"/x?order_id={WORD}", {}, b"", known=()) == [
        "query parameter 'order_id'"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0x435B159C72a98628e32ada7530a4Bd7275475731",
        "0x" + "0" * 64,
        "71321045679252212594626385532706912750332728571942532289631379312455583992563",
    ],
    ids=["address", "noughts", "token"],
)
def test_an_address_a_token_and_noughts_are_not_suspected(text: str) -> None:
    assert suspects("", {}, f'{{"note":"{text}"}}'.encode(), known=()) == []


@pytest.mark.parametrize("digits", [62, 66, 130])
def test_other_digits_of_a_chain_are_suspected(digits: int) -> None:
    text = "0x" + ("5f4dcc3b5aa765d6" * 9)[:digits]
    body = f'{{"note":"{text}"}}'.encode()
    assert suspects("", {}, body) == ["field 'note'"]


@pytest.mark.parametrize("body", [b"", b"not json", b'{"a": [1, "x"]}', b"\xff"])
def test_a_body_without_secrets_stays_as_it_is(body: bytes) -> None:
    assert redact_body(body) == body


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    ],
)
def test_what_looks_random_is_suspected(text: str) -> None:
    assert suspects("", {}, f'{{"note":"{text}"}}'.encode()) == ["field 'note'"]


@pytest.mark.parametrize(
    "text",
    [
        "KXHIGHNY-26NOV21-T70",
        "KXPRESPERSON-28-SOMEONEWITHALONGNAME",
        "0f8fad5b-d9cd-469f-a165-70867728950e",
        "Will the Federal Reserve cut rates in December 2026?",
        "will-the-federal-reserve-cut-rates-in-december-2026",
        "2026-11-21T10:00:00.123456Z",
        "12345678901234567890.123456789012345678901234567890",
        "REDACTED",
        "application/json",
    ],
)
def test_what_venues_say_all_day_is_not_suspected(text: str) -> None:
    assert suspects("", {"X-Note": text}, f'{{"note":"{text}"}}'.encode()) == []


@pytest.mark.parametrize("name", ["cursor", "order_id", "image_url", "hash"])
def test_an_identifier_may_be_long_and_random(name: str) -> None:
    body = f'{{"{name}":"{CANARY}"}}'.encode()
    assert suspects(f"http://v/?{name}={CANARY}", {}, body) == []


# -- vcrpy as it comes ----------------------------------------------------------------

PLAIN = """
import asyncio, sys
import vcr

from unified_exchanges.flow import Request

recorder = vcr.VCR(decode_compressed_response=True)
path, url, mode = sys.argv[1:]
with recorder.use_cassette(path, record_mode=mode):
    from unified_exchanges.transports.aio import AioTransport
    from unified_exchanges.transports.blocking import BlockingTransport

    async def ask():
        transport = AioTransport()
        answer = await transport.send(Request("GET", url + "/aio"))
        await transport.close()
        return answer

    transport = BlockingTransport()
    print(transport.send(Request("GET", url + "/blocking")).body)
    transport.close()
    print(asyncio.run(ask()).body)
"""


def test_plain_vcrpy_records_and_replays_even_what_is_imported_inside(
    path: Path,
) -> None:
    packed = gzip.compress(b'{"a":1}')

    def zipping(visit: Visit) -> None:
        while visit.read():
            visit.write(http(packed, "200 OK", "Content-Encoding: gzip"))

    with RawServer(zipping) as server:
        recorded = run(PLAIN, path, server.url, "once")
    replayed = run(PLAIN, path, server.url, "none")
    assert recorded == replayed == "b'{\"a\":1}'\n" * 2
    assert len(server.requests) == 2


# -- without vcrpy ---------------------------------------------------------------------


def test_without_vcrpy_the_error_names_the_extra() -> None:
    program = """
import sys
sys.modules["vcr"] = None
from unified_exchanges.testing.cassettes import cassette
try:
    with cassette("x.yaml"):
        pass
except ImportError as error:
    print(error)
"""
    assert "pip install '.[testing]' in a clone" in run(program)


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
