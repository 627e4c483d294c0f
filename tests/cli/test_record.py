"""Recording from the command line: for a while, until Ctrl-C, and never over a file."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit

import pytest

from unified_exchanges import exchange, exchanges
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.recording import End, Frame, Header, Line, Rest, Torn, read
from unified_exchanges.recording.decoder import decode
from unified_exchanges.recording.line_clock import LineClock
from unified_exchanges.registry import folder
from unified_exchanges.simulator.faults import FaultPlan, unavailable
from unified_exchanges.simulator.server import SimulatorServer

from ..unmeasured import unmeasured
from .conftest import invoke
from .test_processes import COMMAND, start


@pytest.fixture(params=exchanges)
def place(request: pytest.FixtureRequest) -> Iterator[Practice]:
    with practice(request.param, seed=7, lively=True) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def markets(place: Practice) -> list[str]:
    with exchange(place.venue, environment=place.url) as ex:
        return [market.market_id for market in ex.fetch_markets(limit=2)]


def told(path: Path) -> list[bytes]:
    lines: list[Line] = list(read(path))
    assert isinstance(lines[0], Header)
    assert isinstance(lines[-1], End)
    assert any(isinstance(line, Rest) for line in lines)
    return [line.body.data for line in lines if isinstance(line, Frame)]


def test_markets_are_recorded_for_a_while(place: Practice, path: Path) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path), "--for", "2s")
    done = invoke(*words, env=place.exports)
    assert done.code == 0, done.err
    assert str(path) in done.out.replace("\n", "")
    assert any(b"book" in text for text in told(path))
    # By its fills a backtest knows what the account took itself.
    header, *lines = read(path)
    assert isinstance(header, Header)
    decoder = folder(place.venue, "decoder").DECODER(LineClock(header.at, header.mono))
    for line in lines:
        assert not isinstance(line, Torn)
        [*decode(decoder, line)]
    assert decoder.has_account


def test_a_market_of_another_venue_is_looked_for_where_it_was_asked(
    place: Practice, path: Path
) -> None:
    words = ("record", place.venue, "OTHER", "--out", str(path), "--json")
    done = invoke(*words, env=place.exports)
    assert done.error["error"] == "MarketNotFound"
    asked = f"unified-exchanges markets --venue {place.venue}"
    assert done.error["next"] == f"list the ids: {asked}"


def test_a_recording_becomes_tables(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables"
    with practice("kalshi", seed=7, lively=True) as place:
        words = ["record", "kalshi", *markets(place), "--out", str(path)]
        assert invoke(*words, "--for", "2s", env=place.exports).code == 0
    done = invoke("convert", str(path), "--out", str(out), "--json")
    assert done.code == 0, done.err
    assert done.document["books"] > 0
    assert list(out.glob("books/*/venue=kalshi/market=*/day=*/*.parquet"))
    again = invoke("convert", str(path), "--out", str(out))
    assert again.code != 0
    assert "not written over" in " ".join(again.err.split())


def test_what_is_no_recording_is_told_in_words(path: Path, tmp_path: Path) -> None:
    path.write_text("hello\n")
    for name in (path, tmp_path / "nothing"):
        done = invoke("convert", str(name), "--out", str(tmp_path / "tables"))
        assert done.code != 0
        assert "Traceback" not in done.err


def test_ctrl_c_ends_a_recording_whole(place: Practice, path: Path) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path), "--json")
    with start(*words, env=place.exports) as running:
        end = time.monotonic() + 30
        while not (path.exists() and b'"kind":"frame"' in path.read_bytes()):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < end
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    assert '"withheld":0' in out
    # Of a day that takes long, and nothing else is to be seen meanwhile.
    assert re.search(r"^compressing [\d,]+ bytes$", err, re.MULTILINE)
    assert told(path)


def test_a_recording_that_cannot_be_written_any_more_ends_the_command(
    place: Practice, path: Path
) -> None:
    """With a limit on the size of files, as for a quota, and no end by itself."""
    words = ("record", place.venue, *markets(place), "--out", str(path))
    with subprocess.Popen(
        [*COMMAND, *words],
        stderr=subprocess.PIPE,
        env=unmeasured(**place.exports, COLUMNS="500"),
        text=True,
        preexec_fn=lambda: setrlimit(RLIMIT_FSIZE, (20_000, 20_000)),  # noqa: PLW1509 - no thread is waited for
    ) as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1, err
    # First a warning as it came, then what the command ends with.
    *_, said = err.splitlines()
    assert said.startswith(
        f"✗ RecordingFailed {place.venue}: {path} ended early, after "
    )
    assert "File too large; what was written can be read; what was traded" in said
    assert any(isinstance(line, Rest) for line in read(path))


def test_a_file_that_is_moved_away_ends_the_command(
    place: Practice, path: Path, tmp_path: Path
) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path))
    with start(*words, env=place.exports) as running:
        end = time.monotonic() + 30
        while not (path.exists() and b'"kind":"frame"' in path.read_bytes()):
            assert time.monotonic() < end
            time.sleep(0.1)
        path.rename(tmp_path / "moved.jsonl")
        _, err = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in err) == (1, False)
    assert "was moved away while it was recorded" in err
    assert told(tmp_path / "moved.jsonl")


@pytest.mark.parametrize("name", ["paper", "replay", "nosuch"])
def test_what_is_no_venue_is_not_recorded(path: Path, name: str) -> None:
    done = invoke("record", name, "M", "--out", str(path), "--json")
    assert (done.code, path.exists()) == (2, False)
    assert done.error["message"].endswith(f"there are: {', '.join(exchanges)}")


def test_what_is_no_file_is_not_recorded_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path(os.devnull), Path("-")):
        done = invoke("record", "kalshi", "M", "--out", str(path), "--json")
        assert done.code == 2
        assert f"--out {path} is no file: name a new one" in done.error["message"]


def test_a_file_that_is_made_shorter_ends_the_command(
    place: Practice, path: Path
) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path))
    with start(*words, env=place.exports) as running:
        end = time.monotonic() + 30
        while not (path.exists() and b'"kind":"frame"' in path.read_bytes()):
            assert time.monotonic() < end
            time.sleep(0.1)
        os.truncate(path, 0)
        _, err = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in err) == (1, False)
    assert "was made shorter while it was recorded" in err


def test_a_file_that_is_there_is_not_written_over(place: Practice, path: Path) -> None:
    path.write_text("mine\n")
    words = ("record", place.venue, "X", "--out", str(path), "--for", "1s")
    done = invoke(*words, env=place.exports)
    assert done.code != 0
    assert "not written over" in " ".join(done.err.split())
    assert path.read_text() == "mine\n"


def test_a_market_that_does_not_exist_leaves_no_file_behind(
    place: Practice, path: Path
) -> None:
    words = ("record", place.venue, "NOPE", "--out", str(path), "--for", "1s")
    done = invoke(*words, env=place.exports)
    assert (done.code, path.exists()) == (3, False)


def test_what_is_not_left_behind_is_not_where_a_link_leads_either(
    place: Practice, path: Path, tmp_path: Path
) -> None:
    path.symlink_to(tmp_path / "target.jsonl")
    words = ("record", place.venue, "NOPE", "--out", str(path), "--for", "1s")
    done = invoke(*words, env=place.exports)
    assert (done.code, path.exists()) == (3, False)
    assert not (tmp_path / "target.jsonl").exists()


def test_a_stream_that_is_not_reached_leaves_no_file_behind(
    place: Practice, path: Path, tmp_path: Path
) -> None:
    box = folder(place.venue, "simulated").simulated(seed=7)
    plan = FaultPlan([unavailable(path="/ws/", count=None)])
    with SimulatorServer(box.venue, faults=plan) as server:
        key, url = tmp_path / "key.pem", server.url + box.path
        key.write_text(box.private_key)
        key.chmod(0o600)
        own = {box.key_variable: box.api_key, box.path_variable: str(key)}
        with exchange(place.venue, environment=url) as ex:
            names = [market.market_id for market in ex.fetch_markets(limit=1)]
        words = ("record", place.venue, *names, "--out", str(path), "--for", "1s")
        env = {**place.exports, **box.variables, **own}
        env["UNIFIED_EXCHANGES_ENVIRONMENT"] = url
        done = invoke(*words, "--json", env=env)
    assert (done.code, path.exists()) == (6, False), done.err
    *warnings, error = done.err.splitlines()
    assert all("stream: down" in words for words in warnings)
    assert "is not left behind: " in json.loads(error)["message"]


def test_what_is_ended_before_anything_was_told_leaves_no_file_behind(
    place: Practice, path: Path
) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path), "--json")
    with start(*words, env=place.exports) as running:
        end = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.001)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=30)
    if path.exists():  # it was quick: then there is something in it
        assert told(path)
        assert running.returncode == 0
    else:
        assert running.returncode == 6, err
        assert "Traceback" not in err


def test_a_secret_that_polymarket_refuses_ends_the_command(path: Path) -> None:
    with practice("polymarket", seed=7, lively=True) as place:
        words = ("record", "polymarket", *markets(place), "--out", str(path), "--json")
        wrong = {
            "POLYMARKET_API_SECRET": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        }
        done = invoke(*words, "--for", "30s", env={**place.exports, **wrong})
    assert (done.code, done.error["error"]) == (4, "AuthenticationError"), done.err


def test_a_recording_that_breaks_off_is_converted_and_told_once(
    place: Practice, path: Path, tmp_path: Path
) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path), "--for", "1s")
    assert invoke(*words, env=place.exports).code == 0
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(gzip.decompress(path.read_bytes())[:-20])
    for source, is_torn in ((path, False), (torn, True)):
        out = tmp_path / f"tables-{is_torn}"
        done = invoke("convert", str(source), "--out", str(out), "--json")
        assert done.code == 0, done.err
        assert done.document["is_torn"] is is_torn
        assert len(done.err.splitlines()) == int(is_torn)


def test_a_span_is_followed_whole_however_long_the_questions_took(
    place: Practice, path: Path
) -> None:
    words = ("record", place.venue, *markets(place), "--out", str(path), "--for", "1s")
    assert invoke(*words, env=place.exports).code == 0
    lines = list(read(path))
    asked = next(line for line in lines if isinstance(line, Rest))
    assert lines[-1].mono - asked.mono >= 1_000_000_000


def test_what_cannot_be_converted_is_said_without_numbers_of_errors(
    tmp_path: Path,
) -> None:
    for name, said in ((tmp_path / "no", "there is no"), (tmp_path, "is a folder")):
        done = invoke("convert", str(name), "--out", str(tmp_path / "x"), "--json")
        assert (done.code, said in done.error["message"]) == (2, True)
        assert "Errno" not in done.err
