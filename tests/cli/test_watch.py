"""Watching: lines for programs and people, a live board, and every way to end it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.venues.kalshi.listed import MARKET
from unified_exchanges import Exchange, exchange
from unified_exchanges.cli import watch as command
from unified_exchanges.cli.board import Board
from unified_exchanges.cli.practice import Practice
from unified_exchanges.cli.screen import Screen
from unified_exchanges.cli.stopping import Suspension
from unified_exchanges.cli.telling import JsonLines, Lines, LiveBoard
from unified_exchanges.errors import AuthenticationError, RequestTimeout
from unified_exchanges.models import Gap, Reconciled, Reconnected, Subject
from unified_exchanges.models.streams import IDLE
from unified_exchanges.simulator.faults import (
    FaultPlan,
    StreamFault,
    StreamPlan,
    unavailable,
)
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import simulated

from .conftest import Command, Run, invoke
from .test_board import NOW, book, market, trade
from .test_processes import start

FRAME = "● live"


@pytest.fixture
def name(look: Command) -> str:
    """A market of which every venue of the same seed has the same book."""
    found = look("markets", "--json", "--all").lines
    return next(m["market_id"] for m in found if m["bid"] and "0.2" < m["bid"] < "0.8")


def trading(place: Practice) -> Exchange:
    return exchange(
        "kalshi",
        environment=place.url,
        api_key=place.api_key,
        private_key=place.private_key_path,
    )


def exact(told: Any) -> None:
    """Nothing in it is a float."""
    json.dumps(told)
    assert not isinstance(told, float)
    for value in told.values() if isinstance(told, dict) else ():
        exact(value)


# -- lines -----------------------------------------------------------------------------


def test_each_event_is_one_json_object(look: Command, name: str) -> None:
    done = look("watch", name, "--json", "--count", "1")
    (told,) = done.lines
    assert (done.code, told["event"], told["market_id"]) == (0, "order_book", name)
    assert (told["bid"], told["ask"]) == (
        told["bids"][0]["price"],
        told["asks"][0]["price"],
    )
    assert told["sequence"] >= 1
    assert (told["stale"], Decimal(told["age"]) < 10) == (False, True)
    exact(told)


def test_what_came_of_it_is_told_beside_the_result(look: Command, name: str) -> None:
    done = look("watch", name, "--json", "--count", "1")
    assert re.fullmatch(r"1 event  ● \w+  \d+ messages · 0 gaps · .*\n", done.err), (
        done.err
    )


def test_several_markets_are_watched_at_once_and_each_once(
    look: Command, name: str
) -> None:
    other = next(
        m["market_id"]
        for m in look("markets", "--json").lines
        if m["market_id"] != name
    )
    told = look("watch", name, other, name, "--json", "--count", "2").lines
    assert {line["market_id"] for line in told} == {name, other}


def test_the_depth_and_the_outcome_are_as_asked_for(look: Command, name: str) -> None:
    yes = look("book", name, "--json").document
    done = look(
        "watch", name, "--json", "--count", "1", "--outcome", "no", "--depth", "1"
    )
    told = done.document
    assert (told["outcome"], len(told["bids"]), len(told["asks"])) == ("no", 1, 1)
    assert Decimal(told["bids"][0]["price"]) == 1 - Decimal(yes["asks"][0]["price"])


def test_a_book_without_bids_has_no_best_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    JsonLines(Screen(as_json=True), None).tell(attrs.evolve(book("A"), bids=()))
    told = json.loads(capsys.readouterr().out)
    assert (told["bid"], told["ask"]) == (None, "0.46")


def test_changes_and_trades_are_told_as_they_come(place: Practice, name: str) -> None:
    with start("watch", name, "--json", env=place.exports) as running:
        assert running.stdout is not None
        json.loads(running.stdout.readline())
        with trading(place) as venue:
            ask = venue.fetch_order_book(name).asks[0].price
            venue.create_order(name, "yes", "buy", ask, 3, time_in_force="ioc")
        told = [json.loads(running.stdout.readline()) for _ in range(2)]
        running.send_signal(signal.SIGINT)
        running.communicate()
    kinds = {line["event"]: line for line in told}
    assert set(kinds) == {"order_book", "trade"}
    assert (kinds["trade"]["size"], kinds["trade"]["price"]) == (
        "3",
        str(ask.normalize()),
    )


def test_in_a_pipe_people_get_lines(look: Command, name: str) -> None:
    done = look("watch", name, "--count", "1")
    assert re.fullmatch(rf"{name} yes  \S+ @ \S+ / \S+ @ \S+\n", done.out), done.out


def test_a_reconciliation_is_no_line_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(Screen())
    lines.tell(Reconciled(at=NOW, orders=0, fills=0, available=None))
    lines.tell(Reconnected(at=NOW, downtime=1, attempts=1))
    assert capsys.readouterr().out == "connected again after 1.0 s\n"


def test_it_ends_after_the_time_it_was_given(look: Command, name: str) -> None:
    began = time.monotonic()
    done = look("watch", name, "--for", "0.7")
    assert (done.code, time.monotonic() - began >= 0.7) == (0, True)


def test_p10_a_gap_is_told_in_its_place() -> None:
    box = simulated(key_type="ed25519")
    faults = StreamPlan([StreamFault("skip", frame="orderbook_delta")])
    with SimulatorServer(box.venue, stream_faults=faults) as server:
        account = {
            "environment": server.url + box.path,
            "api_key": box.api_key,
            "private_key": box.private_key,
        }
        with exchange("kalshi", **account) as venue:
            name = next(m.market_id for m in venue.iter_markets() if m.bid and m.ask)
            env = {
                "UNIFIED_EXCHANGES_ENVIRONMENT": account["environment"],
                "KALSHI_API_KEY": box.api_key,
                "KALSHI_PRIVATE_KEY": box.private_key,
            }
            with start("watch", name, "--json", "--count", "3", env=env) as running:
                assert running.stdout is not None
                json.loads(running.stdout.readline())
                venue.create_order(name, "yes", "buy", "0.01", 3, post_only=True)
                out, _ = running.communicate()
    told = [json.loads(line)["event"] for line in out.splitlines()]
    assert (running.returncode, told) == (0, ["gap", "order_book"])


# -- ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_signal_ends_it_cleanly(
    stand: Practice, name: str, number: int, as_json: bool
) -> None:
    words = ("watch", name, *(["--json"] if as_json else []))
    with start(*words, env=stand.exports) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(number)
        out, err = running.communicate()
    assert (running.returncode, out) == (0, "")
    assert err.startswith("1 event  ● ")


def test_the_stream_is_closed_as_it_should_be(name: str) -> None:
    codes: list[int | None] = []
    box = simulated(key_type="ed25519")
    with SimulatorServer(box.venue) as server:
        env = {
            "UNIFIED_EXCHANGES_ENVIRONMENT": server.url + box.path,
            "KALSHI_API_KEY": box.api_key,
            "KALSHI_PRIVATE_KEY": box.private_key,
        }
        with start("watch", name, "--json", env=env) as running:
            assert running.stdout is not None
            running.stdout.readline()
            (connection,) = server._connections
            running.send_signal(signal.SIGINT)
            running.communicate()
            while server._connections:
                time.sleep(0.01)
        codes.append(connection._socket.close_code)
    assert codes == [1000]


def test_a_reader_who_leaves_ends_it_at_the_next_line_or_before(
    stand: Practice, name: str
) -> None:
    # Nothing happens on that market: that the reader left is seen without a line.
    with start("watch", name, "--json", env=stand.exports) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        json.loads(running.stdout.readline())
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (0, "")


def test_a_second_signal_interrupts_who_is_stuck(stand: Practice, name: str) -> None:
    with start("watch", name, "--json", env=stand.exports) as running:
        assert running.stdout is not None
        running.stdout.readline()
        stuck = signal.SIGSTOP
        running.send_signal(stuck)
        running.send_signal(signal.SIGINT)
        running.send_signal(signal.SIGTERM)
        running.send_signal(signal.SIGCONT)
        _, err = running.communicate()
    # The last of them is what ended it.
    assert running.returncode in {0, 143}
    assert "Traceback" not in err


@pytest.mark.parametrize("stream", [None, object()])
def test_what_is_no_file_has_no_reader_who_could_leave(stream: object) -> None:
    assert command._is_left(stream) is False  # type: ignore[arg-type]


# -- errors ----------------------------------------------------------------------------


def test_an_unknown_market_is_told_at_once(look: Command) -> None:
    done = look("watch", "NOTHING")
    assert (done.code, "MarketNotFound" in done.err) == (3, True)
    assert "list the ids: unified-exchanges markets" in done.err


def test_an_unknown_outcome_is_told_at_once(look: Command, name: str) -> None:
    assert look("watch", name, "--outcome", "maybe").code == 2


def test_without_a_key_it_says_how_to_get_one(stand: Practice, name: str) -> None:
    env = {"UNIFIED_EXCHANGES_ENVIRONMENT": stand.url}
    none: dict[str, Any] = dict.fromkeys(
        ("KALSHI_API_KEY", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PATH")
    )
    done = invoke("watch", name, env=none | env)
    assert done.code == 4
    assert "the stream needs a key, also for public data" in done.err
    assert "`unified-exchanges simulate` gives you a key" in done.err


def test_without_a_server_it_says_how_to_start_one(stand: Practice) -> None:
    env = stand.exports | {"UNIFIED_EXCHANGES_ENVIRONMENT": "http://127.0.0.1:9/x"}
    done = invoke("watch", "ANY", env=env)
    assert (done.code, "unified-exchanges simulate kalshi" in done.err) == (6, True)


def test_a_stream_that_was_never_reached_is_an_error() -> None:
    box = simulated(key_type="ed25519")
    faults = FaultPlan([unavailable(503, path="/ws/", count=None)])
    with SimulatorServer(box.venue, faults=faults) as server:
        done = _run(box, server, "watch", MARKET, "--for", "1", "--json")
    assert (done.code, done.error["error"]) == (6, "ConnectionLost")
    assert "the stream was not reached: HTTP 503" in done.error["message"]


def test_a_stream_that_refuses_the_key_is_an_error() -> None:
    box = simulated(key_type="ed25519")
    faults = FaultPlan([unavailable(401, path="/ws/", count=None)])
    with SimulatorServer(box.venue, faults=faults) as server:
        done = _run(box, server, "watch", MARKET, "--json")
    assert (done.code, done.error["error"]) == (4, "AuthenticationError")


def test_a_stream_that_does_not_answer_yet_has_no_reason() -> None:
    assert "it did not answer yet" in str(command._unconnected(IDLE, "toy"))


def _run(box: Any, server: SimulatorServer, *words: str) -> Run:
    env = {
        "UNIFIED_EXCHANGES_ENVIRONMENT": server.url + box.path,
        "KALSHI_API_KEY": box.api_key,
        "KALSHI_PRIVATE_KEY": box.private_key,
    }
    return invoke(*words, env=env)


# -- following -------------------------------------------------------------------------


class Script:
    """A watch that tells what a test says; an exception is raised."""

    def __init__(self, *items: object) -> None:
        self._items = list(items)

    def next(self, timeout: float | None = None) -> Any:
        if not self._items:
            raise RequestTimeout(f"no update within {timeout} s")
        item = self._items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item


def follow(*watches: Script, beats: int = 1) -> Iterator[object]:
    stopped = threading.Event()
    for item in command._follow(watches, stopped, None):  # type: ignore[arg-type]
        yield item
        beats -= item is None
        if not beats:
            stopped.set()


def test_what_concerns_the_whole_stream_is_told_once() -> None:
    again = Reconnected(at=NOW, downtime=1, attempts=1)
    everywhere = Gap(subject=None, reason="broken", at=NOW)
    trades = Gap(subject=Subject.TRADES, reason="a number", at=NOW)
    told = follow(
        Script(everywhere, again, book("A")), Script(everywhere, trades, again, trade())
    )
    assert [type(x).__name__ for x in told] == [
        "Gap",
        "Gap",
        "Trade",
        "Reconnected",
        "OrderBook",
        "NoneType",
    ]


def test_an_error_of_the_stream_is_no_silence() -> None:
    late = RequestTimeout("the command was not answered", venue="toy")
    for error in (late, AuthenticationError("no", venue="toy")):
        with pytest.raises(type(error)):
            list(follow(Script(error), Script()))


# -- the live board --------------------------------------------------------------------


def live(*words: str, env: dict[str, str], until: str, size: str = "24") -> Run:
    """Run it in a terminal until that was drawn, then press Ctrl-C."""
    master, slave = pty.openpty()
    environment = os.environ | env | {"COLUMNS": "80", "LINES": size, "TERM": "xterm"}
    command = [sys.executable, "-m", "unified_exchanges.cli", *words]
    with subprocess.Popen(
        command, stdout=slave, stderr=subprocess.PIPE, env=environment
    ) as running:
        os.close(slave)
        drawn = _read(master, until)
        running.send_signal(signal.SIGINT)
        drawn += _read(master, None)
        assert running.stderr is not None
        err = running.stderr.read().decode()
    os.close(master)
    return Run(running.returncode, drawn, err)


def _read(master: int, until: str | None) -> str:
    text = ""
    deadline = time.monotonic() + 30
    while (until is None or until not in text) and time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.5)
        if not ready:
            continue
        try:
            text += os.read(master, 65536).decode(errors="replace")
        except OSError:
            # The other side is closed.
            break
    return text


def test_a_terminal_gets_a_board_that_is_left_in_order(
    stand: Practice, name: str
) -> None:
    # The book may come before all is caught up, which is what live means.
    done = live("watch", name, env=stand.exports, until=FRAME)
    assert done.code == 0
    assert done.err.startswith("1 event  ● ")
    assert FRAME in done.out
    # The cursor was hidden, and is there again.
    assert done.out.count("\x1b[?25l") == done.out.count("\x1b[?25h") == 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("unified_exchanges.cli.telling.time", clock)
    return clock


def test_the_board_is_drawn_eight_times_a_second_at_most(clock: Clock) -> None:
    drawn: list[float] = []

    def health() -> Any:
        drawn.append(clock.now)
        return IDLE

    with LiveBoard(Screen(), Board([market("A")], None), health, 3) as board:
        for _ in range(1000):
            board.tell(book("A"))
            clock.now += 0.001
    # And once at the end, so that the last news is seen.
    assert 8 <= len(drawn) <= 10
    assert drawn[-1] == clock.now


def test_a_board_without_news_is_drawn_twice_a_second(clock: Clock) -> None:
    drawn: list[float] = []

    def health() -> Any:
        drawn.append(clock.now)
        return IDLE

    with LiveBoard(Screen(), Board([market("A")], None), health, 3) as board:
        for _ in range(40):
            board.beat()
            clock.now += 0.1
    assert 8 <= len(drawn) <= 10


def test_a_board_of_another_size_is_drawn_at_once(clock: Clock) -> None:
    drawn: list[float] = []

    def health() -> Any:
        drawn.append(clock.now)
        return IDLE

    screen = Screen()
    with LiveBoard(screen, Board([market("A")], None), health, 3) as board:
        board.beat()
        clock.now += 0.01
        board.beat()
        screen.out.size = (60, 15)  # type: ignore[assignment]
        board.beat()
        board.beat()
        assert drawn == [100.0, 100.01]


def test_what_suspends_is_left_alone_where_there_is_no_such_thing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.getsignal(signal.SIGTSTP)
    monkeypatch.delattr(signal, "SIGTSTP")
    suspension = Suspension()
    suspension.hold()
    suspension.release()
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGTSTP) == before


def test_the_board_gives_the_terminal_back_after_an_error() -> None:
    board = LiveBoard(Screen(), Board([market("A")], None), lambda: IDLE, 3)
    with pytest.raises(RuntimeError, match="anything"), board:
        raise RuntimeError("anything")
    assert not board._live.is_started
