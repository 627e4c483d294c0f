"""What a user is told who asks a replay for what it has not: what there is, and what to do."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    NotRecorded,
    NotSupported,
    UnifiedExchangesError,
    async_exchange,
    exchange,
)
from unified_exchanges.flow import Request
from unified_exchanges.recording import DamagedRecording, Recorder, Rest
from unified_exchanges.replaying.answers import Answers
from unified_exchanges.replaying.clock import ReplayClock
from unified_exchanges.testing import cassette

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, plain, stage
from .streaming import drained, recorded, replayed

MADE_BY = "one is made with Recorder, or unified-exchanges record"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


def listed(ex: Any) -> Any:
    """Look at the markets, and at nothing else."""
    return (yield ex.fetch_markets(limit=2))


def one_book(ex: Any) -> Any:
    """Follow the book of one market of two, through an order of our own."""
    markets = yield ex.fetch_markets(limit=2)
    market = markets[0]
    books = ex.watch_order_book(market.market_id, policy="every")
    yield books.next(timeout=30)
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    order = yield ex.create_order(*terms, 10)
    yield books.next(timeout=30)
    yield ex.cancel_order(order.order_id)
    yield books.next(timeout=30)
    return [x.market_id for x in markets]


def refusal(flavour: str, path: Any) -> UnifiedExchangesError:
    """What is said to whoever replays a file."""
    make: Any = exchange if flavour == "blocking" else async_exchange
    with pytest.raises(UnifiedExchangesError) as raised:
        make("replay", path=path)
    assert "\n" not in str(raised.value)
    return raised.value


# -- no recording ------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_path_at_which_is_nothing_is_told_with_what_lies_beside_it(
    flavour: str, tmp_path: Path
) -> None:
    for name in ("session.jsonl", "tape.yaml", "tape.json", "notes.txt"):
        (tmp_path / name).touch()
    told = refusal(flavour, tmp_path / "sesion.jsonl")
    assert isinstance(told, NotRecorded)
    assert "there is no recording" in str(told)
    assert "which holds session.jsonl, tape.json, tape.yaml: correct" in str(told)
    nowhere = refusal(flavour, tmp_path / "none" / "session.jsonl")
    assert "which is not there: correct path=" in str(nowhere)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_folder_is_told_with_the_recordings_in_it(
    flavour: str, tmp_path: Path
) -> None:
    empty = refusal(flavour, tmp_path)
    assert "is a folder, which holds no recording" in str(empty)
    for number in range(7):
        (tmp_path / f"{number}.jsonl.gz").touch()
    told = refusal(flavour, tmp_path)
    assert isinstance(told, NotRecorded)
    assert "4.jsonl.gz and 2 more: a replay wants the recording itself" in str(told)


@pytest.mark.parametrize("given", ["", 3, ["a.jsonl", "b.jsonl"]])
def test_what_is_no_path_is_told_to_be_none(given: object) -> None:
    told = refusal("blocking", given)
    assert type(told) is BadRequest
    assert "must be that of one recording or cassette" in str(told)
    assert repr(given) in str(told)


def test_a_file_that_the_system_does_not_give_is_told_with_its_reason(
    tmp_path: Path,
) -> None:
    told = refusal("blocking", tmp_path / ("long" * 999))
    assert type(told) is BadRequest
    assert "cannot be read: File name too long" in str(told)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty: nothing was recorded"),
        (gzip.compress(b""), "is empty: nothing was recorded"),
        (b"PAR1\x00\x01", "no line is whole"),
        (b"a,b\n1,2\n", "its first line is no header"),
    ],
    ids=["empty", "empty, compressed", "binary", "text"],
)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_file_that_is_no_recording_is_told_to_be_none_and_how_one_is_made(
    flavour: str, path: Path, content: bytes, why: str
) -> None:
    path.write_bytes(content)
    told = refusal(flavour, path)
    assert isinstance(told, DamagedRecording)
    assert why in str(told)
    assert MADE_BY in str(told)


def test_compression_that_is_damaged_is_told_as_that(path: Path) -> None:
    with stage("kalshi") as at:
        recorded("blocking", listed, at, path)
    whole = path.read_bytes()
    # The checksum of what was compressed stands before its length.
    path.write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    assert "damaged within its compression" in str(refusal("blocking", path))
    path.write_bytes(whole[: len(whole) // 2])
    assert "a part of a compressed file" in str(refusal("blocking", path))
    path.write_bytes(b"\x1f\x8b" + b"zz" * 30)
    assert "damaged within its compression" in str(refusal("blocking", path))


def test_a_later_version_of_the_format_is_told_with_what_reads_it(path: Path) -> None:
    with stage("kalshi") as at:
        recorded("blocking", listed, at, path)
    path.write_bytes(plain(path).replace(b'"format":1', b'"format":2', 1))
    told = refusal("blocking", path)
    assert "has version 2 of the format" in str(told)
    assert "use a later version of unified-exchanges" in str(told)


def test_a_venue_that_is_not_known_is_told_with_those_that_are(path: Path) -> None:
    with stage("kalshi") as at:
        recorded("blocking", listed, at, path)
    path.write_bytes(plain(path).replace(b'"kalshi"', b'"manifold"', 1))
    assert "does not know: it knows kalshi, polymarket" in str(
        refusal("blocking", path)
    )


# -- cassettes ---------------------------------------------------------------------------


def taped(path: Path) -> None:
    """Record a cassette of one look at the markets."""
    with (
        stage("kalshi") as at,
        cassette(path, "record") as tape,
        exchange(at.venue, clock=tape.clock, **at.account) as ex,
    ):
        ex.fetch_markets(limit=2)


def test_a_cassette_that_is_compressed_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"
    taped(path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert len(replayed("blocking", listed, path)) == 2


def test_a_cassette_that_is_not_whole_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"
    taped(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is no YAML" in str(refusal("blocking", path))
    path.write_bytes(b"interactions: []\nversion: 1\n")
    assert "no cassette that holds a request: nothing was" in str(
        refusal("blocking", path)
    )
    path.write_bytes(b"interactions:\n- request: 5\n")
    assert "is no cassette that can be read" in str(refusal("blocking", path))
    many = whole + b"# " + bytes(range(33, 127)) * 99
    path.write_bytes(gzip.compress(many)[:-9])
    assert "is not whole" in str(refusal("blocking", path))


@pytest.mark.parametrize(
    "told",
    [
        "2026-13-45",
        "!!int ''",
        "!!timestamp x",
        "!!bool x",
        "9" * 5_000,
        "[" * 5_000,
        "{response: {clock_before: [.inf], headers: {}}, request: {uri: a}}",
    ],
)
def test_a_cassette_that_holds_what_is_no_value_is_told_with_its_file(
    tmp_path: Path, told: str
) -> None:
    path = tmp_path / "tape.yaml"
    path.write_text(f"interactions:\n- {told}\n")
    error = refusal("blocking", path)
    assert isinstance(error, DamagedRecording)
    assert str(error).startswith(f"{path} is no ")


# -- requests ----------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_request_that_is_not_there_is_told_with_what_the_nearest_has_instead(
    at: Stage, path: Path, flavour: str
) -> None:
    recorded("blocking", one_book, at, path)

    def otherwise(ex: Any) -> Any:
        with pytest.raises(NotRecorded, match=r"where limit was 2, not 3\. Nothing"):
            yield ex.fetch_markets(limit=3)
        with pytest.raises(NotRecorded, match="the nearest that is there is GET"):
            yield ex.fetch_balance()
        [market, _] = yield ex.fetch_markets(limit=2)
        terms = (market.market_id, market.outcomes[0].label, "buy")
        with pytest.raises(NotRecorded, match=r"was .*, not .*Nothing was sent"):
            yield ex.create_order(*terms, market.grid.lowest, 11)
        return []

    assert replayed(flavour, otherwise, path) == []


def test_to_say_what_is_nearest_takes_no_longer_the_longer_a_recording_is() -> None:
    """Where each request is another one, and where each is to another address."""

    def seconds(count: int, *, is_apart: bool) -> float:
        lines = [
            Rest(
                *(
                    n,
                    n,
                    n,
                    0,
                    "GET",
                    "http://v.test",
                    f"/m/{n}" if is_apart else "/m",
                    200,
                ),
                query=[("limit", "3"), ("event", f"RAIN{n}")],
            )
            for n in range(count)
        ]
        answers = Answers(lines, ReplayClock(0), "x")
        request = Request("GET", "http://v.test/m", (("limit", "3"),))
        taken = []
        for _ in range(3):
            began = time.thread_time()
            said = answers.nearest(request)
            taken.append(time.thread_time() - began)
            assert said.startswith("; the nearest that is there is GET http://v.test/m")
        return min(taken)

    for is_apart in (True, False):
        assert seconds(16_000, is_apart=is_apart) < 4 * seconds(
            1_000, is_apart=is_apart
        )


def test_a_recording_without_a_request_says_so(at: Stage, path: Path) -> None:
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        pass

    def ask(ex: Any) -> Any:
        with pytest.raises(NotRecorded, match="which holds no request at all"):
            yield ex.fetch_markets(limit=2)
        return []

    assert replayed("blocking", ask, path) == []


def test_a_thread_is_told_what_was_not_recorded(at: Stage, path: Path) -> None:
    recorded("blocking", listed, at, path)
    told: list[Exception] = []
    with exchange("replay", path=path) as ex:

        def ask() -> None:
            try:
                ex.fetch_markets(limit=3)
            except NotRecorded as error:
                told.append(error)

        thread = Thread(target=ask)
        thread.start()
        thread.join(30)
    assert "limit was 2, not 3" in str(told[0])


# -- streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_not_followed_is_told_with_what_was_by_the_names_of_the_library(
    at: Stage, path: Path, flavour: str
) -> None:
    one, two = recorded("blocking", one_book, at, path)
    held = {
        "kalshi": f"It holds order_book for {one}.",
        "polymarket": f"It holds books, tickers and trades for yes of {one}.",
    }[at.venue]

    def watch(ex: Any) -> Any:
        with pytest.raises(NotRecorded, match=re.escape(held)) as raised:
            yield ex.watch_order_book(two).next(timeout=30)
        assert f"the stream of order_book of {two}, which was" in str(raised.value)
        with pytest.raises(NotRecorded, match="the stream of orders of the account"):
            yield ex.watch_orders().next(timeout=30)
        return []

    assert replayed(flavour, watch, path) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recording_without_a_stream_says_so(
    at: Stage, path: Path, flavour: str
) -> None:
    one, _ = recorded("blocking", listed, at, path)

    def watch(ex: Any) -> Any:
        with pytest.raises(NotRecorded, match="It holds no stream"):
            yield ex.watch_order_book(one.market_id).next(timeout=30)
        return []

    assert replayed(flavour, watch, path) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_watch_that_ended_with_the_recording_says_that_this_was_why(
    at: Stage, path: Path, flavour: str
) -> None:
    one, _ = recorded("blocking", one_book, at, path)

    def on(ex: Any) -> Any:
        first = ex.watch_order_book(one, policy="every")
        second = ex.watch_order_book(one, policy="every")
        told = [(yield drained(first)), (yield drained(second))]
        assert [len(x) for x in told] == [3, 3]
        for watch in (first, second):
            with pytest.raises(BadRequest, match="come to its end") as raised:
                yield watch.next(timeout=30)
            assert "make another exchange to replay it anew" in str(raised.value)
        return []

    assert replayed(flavour, on, path) == []
    assert replayed(flavour, on, path) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_watch_of_which_nothing_came_says_that_the_recording_is_over(
    path: Path, flavour: str
) -> None:
    # Polymarket tells trades by the same frames as books.
    with stage("polymarket") as at:
        one, _ = recorded("blocking", one_book, at, path)

    def awaited(ex: Any) -> Any:
        yield ex.fetch_markets(limit=2)
        with pytest.raises(BadRequest, match="come to its end"):
            yield ex.watch_trades(one, outcome="yes").next(timeout=300)
        return []

    assert replayed(flavour, awaited, path) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_watch_of_a_replay_that_was_closed_early_is_told_as_ever(
    at: Stage, path: Path, flavour: str
) -> None:
    one, _ = recorded("blocking", one_book, at, path)

    def leave(ex: Any) -> Any:
        books = ex.watch_order_book(one, policy="every")
        yield books.next(timeout=30)
        yield ex.aclose() if hasattr(ex, "aclose") else ex.close()
        with pytest.raises(BadRequest, match="it was closed"):
            yield books.next(timeout=30)
        with pytest.raises(BadRequest, match="the exchange is closed"):
            yield ex.watch_order_book(one).next(timeout=30)
        return []

    assert replayed(flavour, leave, path) == []


def test_a_replay_is_not_recorded_again(at: Stage, path: Path) -> None:
    recorded("blocking", listed, at, path)
    other = path.with_name("again.jsonl")
    with (
        exchange("replay", path=path) as ex,
        pytest.raises(NotSupported, match="copy the file"),
    ):
        Recorder(ex, other)
    assert not other.exists()
