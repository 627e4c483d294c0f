"""What a `Recorder` keeps of both venues in both flavours, and what never harms a call."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Any

import pytest

from unified_exchanges import BadRequest, exchange
from unified_exchanges.errors import NetworkError
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import (
    Closed,
    End,
    Frame,
    Header,
    Line,
    Opened,
    Recorder,
    RecordingFailed,
    Rest,
    Unanswered,
    Withheld,
    read,
)
from unified_exchanges.recording import file as file_of
from unified_exchanges.recording.file import RecordingFile
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport

from ..flavours import FLAVOURS
from ..interrupting import interrupted_at
from ..unmeasured import unmeasured
from .sessions import VENUES, Stage, frames, plain, stage, traded

URL = "http://127.0.0.1:1/trade-api/v2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> object:
    with stage(request.param) as made:
        yield made


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file of this process gets larger, as for a quota."""
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)


def led_to(path: Path, other: int) -> None:
    """Let what is written to the open file at a path go to another one from now on."""
    for found in Path("/proc/self/fd").iterdir():
        # That of the folder itself is closed by now.
        with suppress(OSError):
            if found.readlink() == path:
                os.dup2(other, int(found.name))


def rest(lines: list[Line]) -> list[Rest]:
    return [line for line in lines if isinstance(line, Rest)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_requests_and_frames_of_a_session_are_recorded_in_order(
    at: Stage, path: Path, flavour: str
) -> None:
    before = time.time_ns()
    order = traded(flavour, at, path)
    lines = list(read(path))
    head, end = lines[0], lines[-1]
    assert isinstance(head, Header)
    assert (head.venue, head.rest) == (at.venue, at.account["environment"])
    assert isinstance(end, End)
    assert (end.lines, end.withheld) == (len(lines) - 1, 0)
    asked = rest(lines)
    assert {line.method for line in asked} >= {"GET", "POST", "DELETE"}
    assert any(order.order_id.encode() in line.body.data for line in asked)
    assert all(json.loads(line.body.data) is not None for line in asked)
    assert any(isinstance(line, Opened) for line in lines)
    assert frames(lines, "out")
    assert any(b"book" in text for text in frames(lines, "in"))
    times = [line.at for line in asked]
    assert times == sorted(times)
    assert before - 1_000_000 <= times[0] <= time.time_ns()
    assert all(line.began <= line.at for line in asked)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_secret_of_the_account_is_in_a_recording(
    at: Stage, path: Path, flavour: str
) -> None:
    traded(flavour, at, path)
    content = plain(path).decode()
    assert "signature" not in at.secrets
    assert len(at.secrets) >= 2
    for secret in at.secrets:
        assert secret not in content
        assert json.dumps(secret)[1:-1] not in content
    assert '"kind":"withheld"' not in content


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_recorded_session_asks_for_the_same_as_one_that_is_not(
    at: Stage, path: Path, flavour: str
) -> None:
    order = traded(flavour, at, path)
    assert order.remaining is not None
    assert order.status == "canceled"


def test_a_recording_is_compressed_when_it_is_closed_and_for_its_owner_alone(
    path: Path,
) -> None:
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path):
        assert path.read_bytes().startswith(b'{"kind":"header"')
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [type(line) for line in read(path)] == [Header, End]


def test_a_recording_that_is_there_is_not_written_over(path: Path) -> None:
    path.write_text("mine\n")
    with (
        exchange("kalshi", environment=URL) as ex,
        pytest.raises(BadRequest, match="not written over"),
    ):
        Recorder(ex, path)
    assert path.read_text() == "mine\n"


def test_what_is_no_file_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/full")
    for path in (
        tmp_path / "pipe",
        tmp_path / "link",
        tmp_path,
        Path(os.devnull),
    ):
        # To open the pipe would wait for a reader.
        with (
            exchange("kalshi", environment=URL) as ex,
            pytest.raises(BadRequest, match="is no file: name a new one") as caught,
        ):
            Recorder(ex, path)
        assert str(path) in caught.value.message


def test_a_folder_that_is_not_there_is_told(path: Path) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        pytest.raises(BadRequest, match="cannot record there"),
    ):
        Recorder(ex, path / "nothing" / "x.jsonl")


def test_a_name_that_no_file_can_have_is_told(path: Path) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        pytest.raises(BadRequest, match="cannot record"),
    ):
        Recorder(ex, path / ("a" * 300))


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        *(
            ({"path": x}, "path= must be the path of a file")
            for x in (None, 5, "", b"x", "a\0b")
        ),
        *(
            ({"never": x}, "never= must be a list of texts")
            for x in ("pw", b"pw", 5, [5])
        ),
        *(
            ({"compress": x}, "compress= must be True or False")
            for x in (None, "no", 1)
        ),
    ],
    ids=str,
)
def test_what_is_given_wrongly_is_refused_and_nothing_is_begun(
    path: Path, how: dict[str, Any], wanted: str
) -> None:
    given: dict[str, Any] = {"path": path, **how}
    with exchange("kalshi", environment=URL) as ex:
        with pytest.raises(BadRequest, match=wanted) as caught:
            Recorder(ex, given.pop("path"), **given)
        assert "pw" not in caught.value.message
        assert not path.exists()
        with Recorder(ex, path):
            pass


def test_an_exchange_is_recorded_once_at_a_time(tmp_path: Path) -> None:
    with exchange("kalshi", environment=URL) as ex:
        with (
            Recorder(ex, tmp_path / "a"),
            pytest.raises(BadRequest, match="already"),
        ):
            Recorder(ex, tmp_path / "b")
        Recorder(ex, tmp_path / "c").close()


def test_a_recording_begins_before_the_first_watch(path: Path) -> None:
    with stage("kalshi") as at, exchange("kalshi", **at.account) as ex:
        [market] = ex.fetch_markets(limit=1)
        ex.watch_order_book(market.market_id).next(timeout=10)
        with pytest.raises(BadRequest, match="before the first watch"):
            Recorder(ex, path)
    assert not path.exists()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_full_disk_ends_the_recording_loudly_and_no_call(
    at: Stage, flavour: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RecordingFailed, match="File too large"), full_after(1_000):
        traded(flavour, at, path)
    errors = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert [r.name for r in errors] == ["unified_exchanges.recording.recorder"]
    assert "trading goes on unrecorded" in errors[0].getMessage()


@pytest.mark.parametrize(("words", "fewest"), [(200, 6), (1_500, 1), (2_900, 1)])
def test_a_disk_that_becomes_full_leaves_what_was_written(
    path: Path, words: int, fewest: int
) -> None:
    """With a limit on the size of files, as for a quota."""
    done = subprocess.run(
        [sys.executable, "-c", _QUOTA, str(path), str(words)],
        # Its limit holds for the file of what is covered too.
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["200", "RecordingFailed"], done.stderr
    lines = list(read(path))
    assert isinstance(lines[0], Header)
    assert fewest <= len(rest(lines)) < 200
    whole = path.read_bytes().count(b"\n")
    assert f"{path} ended early, after {whole} lines: " in done.stderr
    # What is short of it was never in it.
    assert "made shorter" not in done.stderr


_QUOTA = """
import resource, signal, sys, time
from unified_exchanges import exchange
from unified_exchanges.flow import Response
from unified_exchanges.recording import Recorder, RecordingFailed
from unified_exchanges.testing.scripted import ScriptedTransport
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
told = b'{"a": "%s"}' % (b"x y " * int(sys.argv[2]))
line = ScriptedTransport([Response(200, {}, told)] * 200)
done = 0
with exchange("kalshi", environment="http://127.0.0.1:1", transport=line) as ex:
    recorder = Recorder(ex, sys.argv[1])
    assert recorder.progress().failure is None
    for _ in range(200):
        ex.request("GET", "/exchange/status")
        done += 1
    while recorder.progress().failure is None:
        time.sleep(0.01)
    assert "File too large" in recorder.progress().failure
    try:
        recorder.close()
    except RecordingFailed as error:
        print(done, type(error).__name__)
        print(error, file=sys.stderr)
"""


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_is_moved_away_is_told_and_is_whole_where_it_is(
    path: Path, tmp_path: Path, is_replaced: bool
) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    with exchange("kalshi", environment=URL) as ex:
        recorder = Recorder(ex, path)
        assert recorder.progress().failure is None
        path.rename(elsewhere)
        if is_replaced:
            path.write_text("another's\n")
        said = recorder.progress().failure
        assert said is not None
        assert "was moved away while it was recorded" in said
        with pytest.raises(RecordingFailed, match="where it was moved to"):
            recorder.close()
        assert recorder.progress().failure == said
    assert [type(line) for line in read(elsewhere)] == [Header, End]
    assert path.exists() is is_replaced
    assert not is_replaced or path.read_text() == "another's\n"


@pytest.mark.parametrize("is_written_after", [True, False])
def test_a_file_that_is_made_shorter_is_told(
    path: Path, *, is_written_after: bool
) -> None:
    """As by logrotate with copytruncate."""
    with exchange("kalshi", environment=URL) as ex:
        recorder = Recorder(ex, path)
        assert recorder.progress().failure is None
        os.truncate(path, 0)
        if is_written_after:
            recorder.opened("ws://kalshi.test")
            while not path.stat().st_size:
                time.sleep(0.001)
        said = recorder.progress().failure
        assert said is not None
        assert "was made shorter while it was recorded" in said
        with pytest.raises(RecordingFailed, match="was made shorter"):
            recorder.close()
        assert recorder.progress().failure == said
    # What there is is left as it is, and not compressed.
    assert path.read_bytes().startswith(b'{"kind":"')


def test_a_file_that_is_deleted_is_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with exchange("kalshi", environment=URL) as ex:
        recorder = Recorder(ex, path)
        path.unlink()
        with pytest.raises(RecordingFailed, match="was deleted while it was recorded"):
            recorder.close()
    assert "was deleted" in caplog.text
    assert not path.exists()


def test_a_recording_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, "x.jsonl"):
        monkeypatch.chdir("/")
    assert (tmp_path / "x.jsonl").read_bytes().startswith(b"\x1f\x8b")


def test_of_two_who_ask_for_an_empty_file_the_first_one_gets_it(path: Path) -> None:
    first = RecordingFile(path, compress=False)
    with pytest.raises(BadRequest, match="not written over"):
        RecordingFile(path, compress=False)
    first.write(b"mine\n")
    first.close(is_whole=True)
    assert path.read_bytes() == b"mine\n"


def test_a_file_of_another_beside_it_stays(path: Path) -> None:
    other = path.with_name(f"{path.name}.part")
    other.write_text("a download of somebody's")
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path):
        pass
    assert other.read_text() == "a download of somebody's"
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert sorted(path.parent.iterdir()) == [path, other]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_recorded_through_a_link_is_where_it_leads(
    path: Path, tmp_path: Path, *, is_there: bool
) -> None:
    (tmp_path / "disk").mkdir()
    target = tmp_path / "disk" / "a.jsonl"
    path.symlink_to(target)
    if is_there:
        target.touch()
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        assert recorder.progress().failure is None
    assert path.readlink() == target
    assert target.read_bytes().startswith(b"\x1f\x8b")
    assert list(target.parent.iterdir()) == [target]
    assert [type(line) for line in read(path)] == [Header, End]


def test_a_link_that_leads_elsewhere_by_now_changes_nothing(
    path: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    path.symlink_to(first)
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path):
        path.unlink()
        path.symlink_to(second)
    assert first.read_bytes().startswith(b"\x1f\x8b")
    assert not second.exists()


@pytest.mark.parametrize("limit", [250, 350, 20_000])
def test_of_a_file_that_could_not_take_more_what_is_in_it_is_counted(
    path: Path, limit: int
) -> None:
    file = RecordingFile(path, compress=False)

    def fill() -> None:
        for _ in range(300):
            file.write(b"x" * 99 + b"\n")
        file.flush()

    with full_after(limit), pytest.raises(OSError, match="File too large"):
        fill()
    assert file.size == path.stat().st_size == limit
    assert file.lines == path.read_bytes().count(b"\n") == limit // 100
    with pytest.raises(OSError, match="File too large"), full_after(limit):
        file.close(is_whole=True)


def test_what_the_system_has_not_got_yet_is_not_counted_and_soon_has_it(
    path: Path,
) -> None:
    file = RecordingFile(path, compress=False)
    for _ in range(3_000):
        file.write(b"x" * 99 + b"\n")
        assert file.size <= path.stat().st_size
        assert file.lines * 100 == file.size
    assert file.size > 200_000
    file.close(is_whole=True)
    assert (file.lines, file.size) == (3_000, 300_000)


def test_what_cannot_be_compressed_stays_as_it_is_and_leaves_nothing_beside(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = RecordingFile(path, compress=True)
    file.write(b"x" * 50)
    file.flush()
    with full_after(10):
        file.close(is_whole=True)
    assert "stays uncompressed" in caplog.text
    assert path.read_bytes() == b"x" * 50
    assert list(path.parent.iterdir()) == [path]


def test_a_name_that_can_be_no_longer_stays_uncompressed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = path.with_name("a" * 250)
    file = RecordingFile(path, compress=True)
    file.write(b"x" * 50)
    file.close(is_whole=True)
    assert "stays uncompressed" in caplog.text
    assert list(path.parent.iterdir()) == [path]


# Who is interrupted between opening a file and holding it leaves it to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_closed_again_after_an_interrupt_anywhere_is_whole(
    path: Path,
) -> None:
    content = b"a line\n" * 100
    line, told = 0, ""
    while told is not None:
        line += 1
        file = RecordingFile(path, compress=True)
        file.write(content)
        told = interrupted_at(
            line,
            partial(file.close, is_whole=True),
            lambda name, _: name == file_of.__file__,
        )
        kept = path.read_bytes()
        assert kept in {b"", content} or gzip.decompress(kept) == content
        file.close(is_whole=True)
        assert gzip.decompress(path.read_bytes()) == content, told
        assert list(path.parent.iterdir()) == [path], told
        path.unlink()
    assert line > 10


def test_ctrl_c_while_it_is_compressed_leaves_nothing_beside(path: Path) -> None:
    file = RecordingFile(path, compress=True)
    content = os.urandom(20_000_000)
    file.write(content)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    try:
        # Of this processor's time, a fraction of what it takes.
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            file.close(is_whole=True)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert list(path.parent.iterdir()) == [path]
    file.close(is_whole=True)
    assert gzip.decompress(path.read_bytes()) == content


def test_who_closes_again_after_an_interrupt_has_it_compressed(
    path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, str(path)],
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["interrupted", "1", "closed"], done.stderr
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert list(path.parent.iterdir()) == [path]
    lines = list(read(path))
    assert [type(line) for line in lines[-2:]] == [Closed, End]


_INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from unified_exchanges import exchange
from unified_exchanges.recording import Recorder
path = Path(sys.argv[1])
with exchange("kalshi", environment="http://127.0.0.1:1") as ex:
    recorder = Recorder(ex, path)
    number = recorder.opened("ws://toy.test/")
    for _ in range(12):
        recorder.told(number, "in", ['{"a":"%s"}' % ("ab " * 700_000)])
    while recorder.progress().lines < 14:
        assert recorder.progress().failure is None
        time.sleep(0.01)
    recorder.closed(number, "gone")
    def interrupt():
        while not list(path.parent.glob("*.part")):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        recorder.close()
    except KeyboardInterrupt:
        print("interrupted", len(list(path.parent.iterdir())))
    recorder.close()
    print("closed")
"""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_disk_that_was_full_from_the_first_does_not_refuse_the_next_try(
    path: Path, *, is_there: bool
) -> None:
    if is_there:
        path.touch()
    with exchange("kalshi", environment=URL) as ex:
        with full_after(20):
            recorder = Recorder(ex, path)
            with pytest.raises(RecordingFailed, match="could not be begun"):
                recorder.close()
        assert path.exists() is is_there
        with Recorder(ex, path):
            pass
    assert [type(line) for line in read(path)] == [Header, End]


def test_an_error_of_the_user_is_not_hidden_by_that_of_the_recording(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        led_to(path, full.fileno())
        raise KeyError("mine")

    with (
        exchange("kalshi", environment=URL) as ex,
        Path("/dev/full").open("wb") as full,
        pytest.raises(KeyError),
        Recorder(ex, path),
    ):
        fail()
    assert "No space left" in caplog.text


@pytest.mark.parametrize("venue", VENUES)
def test_a_recorder_that_is_killed_leaves_a_recording(venue: str, path: Path) -> None:
    with stage(venue) as at:
        url = at.account["environment"]
        program = subprocess.Popen(
            [sys.executable, "-c", _ENDLESS, venue, url, str(path)],
            stdout=subprocess.PIPE,
            env=unmeasured(),
            text=True,
        )
        assert program.stdout is not None
        assert program.stdout.readline() == "recorded\n"
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()
    lines = list(read(path))
    assert isinstance(lines[0], Header)
    assert len(rest(lines)) >= 20
    assert not any(isinstance(line, End) for line in lines)


_ENDLESS = """
import sys, time
from unified_exchanges import LimitPolicy, exchange
from unified_exchanges.recording import Recorder
venue, url, path = sys.argv[1:]
with exchange(venue, environment=url, limits=LimitPolicy(enabled=False)) as ex:
    recorder = Recorder(ex, path)
    while True:
        ex.fetch_markets(limit=2)
        if recorder.progress().lines == 21 or recorder.progress().lines > 21:
            print("recorded", flush=True)
            break
    while True:
        ex.fetch_markets(limit=2)
"""


@pytest.mark.parametrize("venue", VENUES)
def test_each_connection_is_told_apart(venue: str, path: Path) -> None:
    faults = StreamPlan([StreamFault("close", after=0)])
    with (
        stage(venue, faults) as at,
        exchange(venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        [market] = ex.fetch_markets(limit=1)
        books = ex.watch_order_book(market.market_id)
        assert books.next(timeout=30).bids is not None
    lines = list(read(path))
    opened = [line.connection for line in lines if isinstance(line, Opened)]
    assert opened[:2] == [1, 2]
    [end] = [line for line in lines if isinstance(line, Closed)][:1]
    assert end.connection == 1
    assert end.reason
    told = [line.connection for line in lines if isinstance(line, Frame)]
    assert 2 in told
    assert told == sorted(told)


# -- single lines, over a script --------------------------------------------------------


def recorded(flavour: str, path: Path, outcome: object, **how: object) -> list[Line]:
    """The lines of one POST whose answer is the outcome."""
    kind = ScriptedTransport if flavour == "blocking" else AsyncScriptedTransport
    line = kind([outcome])
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path, **how),  # type: ignore[arg-type]
    ):
        _send(flavour, line, ex.venue.taps)
    return list(read(path))


def _send(flavour: str, line: object, taps: object) -> None:
    from unified_exchanges.drivers.tapped import AsyncTapped, Tapped

    request = Request(
        "POST",
        f"{URL}/portfolio/orders",
        (("limit", "1"), ("token", "t0ps3cr3t!")),
        {"KALSHI-ACCESS-KEY": "the-key-id", "KALSHI-ACCESS-SIGNATURE": "c2ln"},
        b'{"price": 0.10, "user": "the-key-id", "passphrase": "open sesame"}',
    )
    try:
        if flavour == "blocking":
            Tapped(line, taps).send(request)  # type: ignore[arg-type]
        else:
            asyncio.run(AsyncTapped(line, taps).send(request))  # type: ignore[arg-type]
    except NetworkError:
        pass


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_lost_answer_is_recorded_as_such(path: Path, flavour: str) -> None:
    [_, line, _] = recorded(flavour, path, NetworkError("reset by the-key-id"))
    assert isinstance(line, Unanswered)
    assert (line.error, line.sent) == ("NetworkError", True)
    assert line.reason == "reset by REDACTED-KEY"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_secrets_are_replaced_and_nothing_else_changes(
    path: Path, flavour: str
) -> None:
    told = b'{"cost": 1.10,\t"by": "the-key-id", "session_token": "abcdefgh"}'
    [_, line, _] = recorded(flavour, path, Response(200, {"set-cookie": "x"}, told))
    assert isinstance(line, Rest)
    assert line.request.data == (
        b'{"price": 0.10, "user": "REDACTED-KEY", "passphrase": "REDACTED"}'
    )
    assert line.body.data == (
        b'{"cost": 1.10,\t"by": "REDACTED-KEY", "session_token": "REDACTED"}'
    )
    assert line.request.redacted
    assert line.body.redacted
    assert line.query == [("limit", "1"), ("token", "REDACTED")]
    assert line.headers == {}


MINE, THEIRS = "the-key-id", "3813e82d-45da-4c84-b363-dc0d2be25ac2"
TRADE = (
    '{"owner": "%s", "price": 0.10, "order_owner":"%s", "trade_owner" : "%s",\t'
    '"maker_orders": [{"owner": "%s"}, {"owner": "%s"}, {"owner": null}]}'
)
PARTS = TRADE % (THEIRS, MINE, THEIRS, MINE, THEIRS)
HIDDEN = TRADE % (
    *("REDACTED", "REDACTED-KEY", "REDACTED"),
    *("REDACTED-KEY", "REDACTED"),
)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_api_keys_of_others_are_replaced_in_answers(
    path: Path, flavour: str
) -> None:
    [_, line, _] = recorded(flavour, path, Response(200, {}, PARTS.encode()))
    assert isinstance(line, Rest)
    assert line.body.data == HIDDEN.encode()
    assert line.body.redacted


def test_the_api_keys_of_others_are_replaced_in_frames(path: Path) -> None:
    with (
        exchange("kalshi", environment=URL) as ex,
        Recorder(ex, path) as recorder,
    ):
        line = ScriptedTransport([Response(200, {}, b"{}")])
        _send("blocking", line, ex.venue.taps)
        number = recorder.opened("ws://toy.test/")
        recorder.told(number, "in", [PARTS, PARTS.encode()])
    found = [x.body.data for x in read(path) if isinstance(x, Frame)]
    assert found == [HIDDEN.encode()] * 2


def test_a_header_of_limits_does_not_tell_the_key(path: Path) -> None:
    headers = {"x-ratelimit-scope": "key=the-key-id; write", "date": "today"}
    [_, line, _] = recorded("blocking", path, Response(200, headers, b"{}"))
    assert isinstance(line, Rest)
    assert line.headers == {
        "x-ratelimit-scope": "key=REDACTED-KEY; write",
        "date": "today",
    }


SUSPECTS = {
    "a PEM": b'{"note": "-----BEGIN PRIVATE KEY-----"}',
    "a signed token": b'{"note": "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2ln"}',
    "a name and a value": b'{"name": "password", "value": "short-one-of"}',
}


@pytest.mark.parametrize("told", SUSPECTS.values(), ids=SUSPECTS)
def test_fault_52_a_suspected_secret_is_not_written_and_the_recording_says_where(
    path: Path, told: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    [_, line, end] = recorded("blocking", path, Response(200, {}, told))
    assert isinstance(line, Withheld)
    assert line.about == "POST /trade-api/v2/portfolio/orders"
    assert isinstance(end, End)
    assert end.withheld == 1
    assert line.where[0].endswith("of the answer")
    assert told[-12:] not in plain(path)
    assert "withheld" in caplog.text


def test_an_end_with_a_suspected_secret_says_that_it_ended_and_what_is_withheld(
    path: Path,
) -> None:
    with exchange("kalshi", environment=URL) as ex, Recorder(ex, path) as recorder:
        number = recorder.opened("ws://toy.test/")
        recorder.closed(number, "reset at Zx81kQpL0sMv29dYtRb7Wc4E")
    lines = list(read(path))
    withheld = [line for line in lines if isinstance(line, Withheld)]
    assert [(line.line, line.about) for line in withheld] == [
        ("closed", "connection 1")
    ]
    assert [line.reason for line in lines if isinstance(line, Closed)] == ["withheld"]
    assert isinstance(lines[-1], End)
    assert lines[-1].withheld == len(withheld)
    assert b"Zx81kQ" not in plain(path)


def test_what_was_forbidden_is_replaced_wherever_it_stands(path: Path) -> None:
    told = Response(200, {}, b'["the name of my mother"]')
    [_, line, _] = recorded("blocking", path, told, never=["the name of my mother"])
    assert isinstance(line, Rest)
    assert line.body.data == b'["REDACTED"]'


PUBLIC = {
    "picture": b'{"image": "https://x.test/Zx81kQpL0sMv29dYtRb7Wc4E-aB3.png"}',
    "condition": b'{"x": "0x%s"}' % (b"3d1f3bba352ca337" * 4),
    "token": b'{"x": "20682202950510703972167680706247468659993829748228097938485"}',
    "uuid": b'{"x": "3813e82d-45da-4c84-b363-dc0d2be25ac2"}',
    "address": b'{"x": "0xeE453F76e0D92010e4c77dE97DC4737dE1A1336E"}',
    "hash": b'{"hash": "5b1e0fa3c2d44e5d9a7b5b1e0fa3c2d44e5d9a7b"}',
}


@pytest.mark.parametrize("told", PUBLIC.values(), ids=PUBLIC)
def test_ids_of_markets_orders_and_accounts_are_no_secrets(
    path: Path, told: bytes
) -> None:
    [_, line, _] = recorded("blocking", path, Response(200, {}, told))
    assert isinstance(line, Rest)
    assert line.body.data == told


def test_what_is_asked_of_a_closed_recorder_is_not_recorded(path: Path) -> None:
    with exchange("kalshi", environment=URL) as ex:
        recorder = Recorder(ex, path)
        number = recorder.opened("ws://toy.test/?key=1")
        recorder.close()
        recorder.told(number, "in", ["late"])
        recorder.close()
    assert not any(isinstance(line, Frame) for line in read(path))
    assert [line.url for line in read(path) if isinstance(line, Opened)] == [
        "ws://toy.test/"
    ]


def test_a_call_does_not_wait_for_a_disk_that_hangs(path: Path) -> None:
    """A pipe that nobody empties: the writer waits in it, the caller does not."""
    reader, writer = os.pipe()
    line = ScriptedTransport([Response(200, {}, b'"%s"' % (b"x y " * 50_000))] * 20)
    with exchange("kalshi", environment=URL, transport=line) as ex:
        recorder = Recorder(ex, path)
        led_to(path, writer)
        os.close(writer)
        started = time.monotonic()
        for _ in range(20):
            ex.request("GET", "/exchange/status")
        assert time.monotonic() - started < 5
        os.close(reader)
        with pytest.raises(RecordingFailed, match="Broken pipe"):
            recorder.close()
