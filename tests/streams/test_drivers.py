"""A stream is kept running, by all three drivers alike."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count
from typing import Any

import pytest

from tests.transports import rawserver as raw
from unified_exchanges.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionLost,
    InternalError,
    RequestTimeout,
)

from .conftest import Open, Start
from .runner import Runner
from .venue import VenueServer, Visit, answer


def test_what_the_venue_tells_arrives_in_order(venue: Open, runner: Start) -> None:
    def tell(visit: Visit) -> None:
        visit.say("one", "two", "three")
        visit.serve()

    stream = runner(venue(tell).url)
    stream.wait_connected()
    assert stream.wait(lambda: len(stream.texts) == 3)
    assert stream.texts == ["one", "two", "three"]


def test_a_stream_that_is_closed_says_goodbye(venue: Open, runner: Start) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.wait_connected()
    stream.close()
    assert server.wait(lambda: bool(server.codes))
    assert server.codes == [1000]
    assert stream.ends == [None]
    assert stream.health().state == "stopped"


def test_what_is_followed_later_is_asked_for_at_once(
    venue: Open, runner: Start
) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.wait_connected()
    stream.follow("A", "B")
    assert stream.wait(lambda: stream.protocol.confirmed == {"A", "B"})
    assert server.commands == ["follow A", "follow B"]


def test_fault_35_p11_everything_is_followed_again_after_a_break(
    venue: Open, runner: Start
) -> None:
    def leave(visit: Visit) -> None:
        visit.listen()
        visit.cut()

    server = venue(leave, Visit.serve)
    stream = runner(server.url)
    stream.follow("A")
    stream.start()
    assert stream.wait(lambda: len(stream.named("Reconnected")) == 1)
    assert stream.wait(lambda: stream.texts == ["ok A", "ok A"])
    assert server.commands == ["follow A", "follow A"]
    assert len(stream.named("Gap")) == 1


# -- signatures and refusals -----------------------------------------------------------


def signed() -> Callable[[], dict[str, str]]:
    """Headers with a signature of their own for each attempt."""
    numbers = count(1)
    return lambda: {"X-Signature": f"signature-{next(numbers)}"}


def signatures(server: VenueServer) -> list[str]:
    return [request.headers["X-Signature"] for request in server.requests]


def test_fault_37_f18_each_attempt_is_signed_anew(venue: Open, runner: Start) -> None:
    server = venue(Visit.cut, answer(500), Visit.serve)
    stream = runner(server.url, headers=signed())
    stream.start()
    assert stream.wait(lambda: len(stream.named("Reconnected")) == 1)
    assert signatures(server) == ["signature-1", "signature-2", "signature-3"]
    assert stream.named("Reconnected")[0].attempts == 2


def test_fault_37_a_refused_key_stops_the_stream_after_a_second_try(
    venue: Open, runner: Start
) -> None:
    date = ("Date", "Sat, 21 Nov 2026 12:00:00 GMT")
    server = venue(answer(401, date, body="bad signature"))
    seen: list[Any] = []
    stream = runner(server.url, headers=signed(), observe=lambda *s: seen.append(s))
    with pytest.raises(AuthenticationError, match="HTTP 401: bad signature"):
        stream.wait_connected()
    assert signatures(server) == ["signature-1", "signature-2"]
    assert [each[0] for each in seen] == [date[1]]
    assert [type(end) for end in stream.ends] == [AuthenticationError]
    assert stream.health().state == "stopped"
    with pytest.raises(AuthenticationError):
        stream.wait_connected()


def test_fault_37_a_clock_that_was_wrong_is_corrected_and_the_stream_lives(
    venue: Open, runner: Start
) -> None:
    server = venue(answer(401), Visit.serve)
    stream = runner(server.url, headers=signed())
    stream.wait_connected()
    assert stream.health().state == "live"


def test_fault_45_a_redirect_is_not_followed(venue: Open, runner: Start) -> None:
    elsewhere = venue(Visit.serve)
    server = venue(answer(302, ("Location", elsewhere.url)), Visit.serve)
    stream = runner(server.url, headers=signed())
    stream.wait_connected()
    assert len(server.requests) == 2
    assert elsewhere.requests == []


def test_headers_that_http_cannot_carry_stop_the_stream(
    venue: Open, runner: Start
) -> None:
    stream = runner(venue(Visit.serve).url, headers=lambda: {"X-Key": "a\nb"})
    with pytest.raises(BadRequest, match="'X-Key'"):
        stream.wait_connected()


def test_who_waits_for_a_venue_that_is_not_there_is_told_why(runner: Start) -> None:
    stream = runner("ws://127.0.0.1:9/stream")
    with pytest.raises(RequestTimeout, match=r"no connection to 127\.0\.0\.1:9"):
        stream.wait_connected(0.3)
    assert stream.health().state == "connecting"


def test_a_venue_that_does_not_answer_is_given_up_in_time(
    stack: ExitStack, runner: Start
) -> None:
    def silent(visit: raw.Visit) -> None:
        visit.read()
        visit.wait()

    server = stack.enter_context(raw.RawServer(silent))
    stream = runner(server.url.replace("http", "ws"), timeout=0.1)
    with pytest.raises(RequestTimeout, match=r"within 0\.1 s"):
        stream.wait_connected(0.5)
    assert server.connections > 1


def test_an_answer_that_is_no_http_is_a_lost_connection(
    stack: ExitStack, runner: Start
) -> None:
    def babble(visit: raw.Visit) -> None:
        visit.read()
        visit.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    server = stack.enter_context(raw.RawServer(babble))
    stream = runner(server.url.replace("http", "ws"))
    with pytest.raises(RequestTimeout):
        stream.wait_connected(0.3)
    assert stream.ends == []


# -- breaks ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1012, 1013])
def test_fault_41_a_venue_that_restarts_pauses_the_stream(
    venue: Open, runner: Start, code: int
) -> None:
    def restart(visit: Visit) -> None:
        visit.socket.close(code, "restarting")

    stream = runner(venue(restart, Visit.serve).url, first=1.0, cap=60.0)
    stream.start()
    assert stream.wait(lambda: bool(stream.named("Gap")))
    assert stream.protocol.reasons == [
        f"the stream /stream of {host(stream)} ended with code {code}: restarting"
    ]
    assert soon(lambda: stream.health().state == "paused")
    assert "restarting" in stream.health().last_error


def test_fault_33_a_connection_that_falls_silent_is_replaced(
    venue: Open, runner: Start
) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url, silence=0.15)
    stream.start()
    assert stream.wait(lambda: len(stream.named("Reconnected")) == 2)
    assert stream.protocol.reasons[0] == "the stream was given up: silent for 0.15 s"
    assert server.codes[0] == 1000


def test_fault_33_pings_are_a_sign_of_life(venue: Open, runner: Start) -> None:
    def ping(visit: Visit) -> None:
        while not visit.server.closing.wait(0.05):
            visit.socket.ping(b"heartbeat")

    stream = runner(venue(ping).url, silence=0.3)
    stream.wait_connected()
    assert soon(lambda: stream.protocol.signs >= 10)
    assert stream.protocol.reasons == []


def test_pings_are_answered_with_their_own_body(venue: Open, runner: Start) -> None:
    answered = threading.Event()

    def ping(visit: Visit) -> None:
        if visit.socket.ping(b"heartbeat").wait(5):
            answered.set()
        visit.serve()

    stream = runner(venue(ping).url)
    stream.wait_connected()
    assert answered.wait(5)


def test_fault_34_a_half_open_connection_is_replaced(
    venue: Open, runner: Start
) -> None:
    stream = runner(venue(Visit.hold, Visit.serve).url, silence=0.15)
    stream.start()
    # Its goodbye goes unanswered; that takes no more than a second.
    assert stream.wait(lambda: bool(stream.named("Reconnected")))


def test_fault_42_a_stream_that_flaps_is_degraded(venue: Open, runner: Start) -> None:
    stream = runner(venue(Visit.cut, Visit.cut, Visit.cut, Visit.serve).url)
    stream.start()
    assert stream.wait(lambda: len(stream.named("Reconnected")) == 3)
    assert stream.health().state == "degraded"
    assert stream.health().connections == 4


# -- frames that no venue sends --------------------------------------------------------


def frame(first: int, payload: bytes, size: int | None = None) -> bytes:
    """A frame as bytes; ``size`` lies about the payload."""
    length = len(payload) if size is None else size
    if length < 126:
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload


FINAL, COMPRESSED, TEXT, BINARY = 0x80, 0x40, 0x1, 0x2
BOMB = b"\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(FINAL | BINARY, b"{}"), "1003"),
        (frame(FINAL | TEXT, b'{"a":"\xff\xfe"}'), "1007"),
        (frame(TEXT, b'"\xc3') + frame(FINAL, b'("'), "1007"),
        (frame(FINAL | TEXT, b"{", (64 << 20) + 1), "1009"),
        (frame(FINAL | COMPRESSED | TEXT, BOMB), "1002"),
        (frame(FINAL | 0x3, b""), "1002"),
        (frame(TEXT, b"{") + frame(0, b" ") * 5000, "1009"),
    ],
    ids=["binary", "no UTF-8", "halves", "oversize", "bomb", "opcode", "fragments"],
)
def test_fault_40_frames_that_no_venue_sends_end_the_connection_with_their_code(
    venue: Open, runner: Start, data: bytes, code: str
) -> None:
    def misbehave(visit: Visit) -> None:
        visit.say("before")
        visit.write(data)
        visit.serve()

    stream = runner(venue(misbehave, Visit.serve).url)
    stream.start()
    if code == "1009" and stream.name == "aiohttp" and len(data) > 20:
        # aiohttp joins any number of fragments, up to the size.
        return
    assert stream.wait(lambda: bool(stream.named("Reconnected")))
    assert f"with code {code}" in stream.protocol.reasons[0]
    assert stream.texts == ["before"]


def test_fault_40_a_message_of_5_mib_in_fragments_arrives(
    venue: Open, runner: Start
) -> None:
    def large(visit: Visit) -> None:
        visit.socket.send(["é" * (1 << 19) for _ in range(5)])
        visit.serve()

    stream = runner(venue(large).url)
    stream.start()
    assert stream.wait(lambda: bool(stream.texts))
    assert stream.texts == ["é" * 5 * (1 << 19)]


# -- what is beside the stream ---------------------------------------------------------


def mistakes(stream: Runner) -> list[str]:
    """What the stream has ended by, where that is a mistake of ours."""
    assert [type(end) for end in stream.ends] == [InternalError]
    return [repr(end.__cause__) for end in stream.ends if end]


def test_p11_a_protocol_that_fails_stops_the_stream_with_its_error(
    venue: Open, runner: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def provoke(visit: Visit) -> None:
        visit.say("boom a mistake")
        visit.serve()

    server = venue(provoke)
    stream = runner(server.url)
    stream.start()
    assert stream.wait(lambda: bool(stream.ends))
    assert mistakes(stream) == ["LookupError('a mistake')"]
    with pytest.raises(InternalError, match="a mistake of this library"):
        stream.wait_connected()
    assert stream.health().state == "stopped"
    assert "LookupError: a mistake" in stream.health().last_error
    assert "Traceback" in caplog.text
    assert server.wait(lambda: server.codes == [1000])


def test_a_sink_that_fails_stops_the_stream_with_its_error(
    venue: Open, runner: Start
) -> None:
    def sink(_: object) -> None:
        raise LookupError("full")

    def tell(visit: Visit) -> None:
        visit.say("one")
        visit.serve()

    stream = runner(venue(tell).url, sink=sink)
    stream.start()
    assert stream.wait(lambda: bool(stream.ends))
    assert mistakes(stream) == ["LookupError('full')"]


def test_what_a_protocol_answers_to_a_message_is_sent(
    venue: Open, runner: Start
) -> None:
    def ask(visit: Visit) -> None:
        visit.say("ask for a snapshot")
        visit.serve()

    server = venue(ask)
    stream = runner(server.url)
    stream.start()
    assert soon(lambda: server.commands == ["for a snapshot"])


def test_a_job_runs_beside_the_stream(venue: Open, runner: Start) -> None:
    stream = runner(venue(Visit.serve).url)
    stream.wait_connected()
    done = threading.Event()
    stream.run_beside(done.set)
    assert done.wait(5)
    assert stream.ends == []


def test_a_job_that_fails_stops_the_stream_with_its_error(
    venue: Open, runner: Start
) -> None:
    def fail() -> None:
        raise LookupError("no such order")

    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.wait_connected()
    stream.run_beside(fail)
    assert stream.wait(lambda: bool(stream.ends))
    assert mistakes(stream) == ["LookupError('no such order')"]
    assert server.wait(lambda: server.codes == [1000])


def test_a_stream_that_has_ended_begins_nothing(venue: Open, runner: Start) -> None:
    server = venue(Visit.serve)
    stream = runner(server.url)
    stream.close()
    stream.run_beside(lambda: stream.ends.append(LookupError("a job")))
    with pytest.raises(ConnectionLost, match="the stream is closed"):
        stream.wait_connected()
    assert server.requests == []
    assert stream.ends == [None]


def test_an_end_that_fails_itself_is_logged(
    venue: Open, runner: Start, caplog: pytest.LogCaptureFixture
) -> None:
    stream = runner(venue(Visit.serve).url)

    def fail(_: object) -> None:
        raise LookupError("whoever is told")

    stream.driver._on_stop = fail
    stream.wait_connected()
    stream.close()
    assert "on_stop of the stream has failed" in caplog.text


# -- secrets ---------------------------------------------------------------------------

KEY = "canary-key-5f2c8a"
SIGNATURE = "canary+signature/9b1d=="


def test_fault_48_no_log_line_and_no_error_shows_a_key_or_a_signature(
    venue: Open, runner: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def misbehave(visit: Visit) -> None:
        visit.socket.close(1011, f"bad {KEY}")

    secrets = {"KALSHI-ACCESS-KEY": KEY, "KALSHI-ACCESS-SIGNATURE": SIGNATURE}
    for name in ("", "websockets", "websockets.client", "aiohttp.client", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    caplog.set_level(logging.DEBUG, logger="unified_exchanges.transports")
    server = venue(Visit.cut, misbehave, answer(401, body=f"{KEY} is not {SIGNATURE}"))
    stream = runner(server.url, headers=lambda: secrets)
    with suppress(AuthenticationError):
        stream.wait_connected()
    assert stream.wait(lambda: bool(stream.ends))
    (error,) = stream.ends
    assert error is not None
    told = "".join(traceback.format_exception(error)) + repr(vars(error))
    shown = told + " ".join(f"{r.getMessage()} {r.args}" for r in caplog.records)
    shown += repr(stream.protocol.reasons) + repr(stream.health())
    assert "HTTP 401: … is not …" in shown
    assert KEY not in shown
    assert SIGNATURE not in shown


# -- helpers ---------------------------------------------------------------------------


def host(stream: Runner) -> str:
    url: str = stream.driver._dial.url
    return url.split("/")[2]


def soon(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait for what no condition tells."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.005)
    return is_so()
