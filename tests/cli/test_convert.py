"""Recordings as the data of other engines, from the command line."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
import zlib
from pathlib import Path

import pytest

from unified_exchanges.exporting import to_hftbacktest, to_nautilus, to_nautilus_catalog
from unified_exchanges.money import text
from unified_exchanges.recording import End, Rest, read
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert

from ..exporting.recordings import Recorded, recorded_on
from ..recording.sessions import VENUES
from ..research.test_conversion import DELTA, SNAPSHOT, journal
from .conftest import invoke
from .test_processes import start
from .test_terminal import Terminal


@pytest.fixture(scope="module", params=VENUES)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    return recorded_on(request.param, tmp_path_factory.mktemp("r") / "session.jsonl")


def test_each_market_becomes_a_file_for_hftbacktest(
    session: Recorded, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("convert", str(session.path), "--out", str(out), "--to", "hftbacktest")
    done = invoke(*words, "--json")
    assert done.code == 0, done.err
    file = out / session.market.venue / f"{session.market.market_id}.npz"
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    assert file.read_bytes() == made.path.read_bytes()
    assert (done.document["rows"], done.document["trades"]) == (made.rows, made.trades)
    assert done.document["tick_size"] == text(made.tick_size)
    again = invoke(*words)
    assert again.code != 0
    assert "not written over" in " ".join(again.err.split())


def test_all_markets_become_a_catalog_for_nautilus(
    session: Recorded, tmp_path: Path
) -> None:
    pytest.importorskip("nautilus_trader")
    out = tmp_path / "out"
    words = ("convert", str(session.path), "--out", str(out), "--to", "nautilus")
    done = invoke(*words, "--json")
    assert done.code == 0, done.err
    made = to_nautilus(session.path, session.market)
    told = done.document
    assert told["instrument_id"] == str(made.instrument.id)
    assert told["books"] + told["trades"] == len(made.events)
    again = invoke(*words)
    assert again.code != 0
    assert "not written over" in " ".join(again.err.split())


def test_without_nautilus_the_extra_is_named(
    session: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nautilus_trader", None)
    for name in [x for x in sys.modules if x.startswith("nautilus_trader.")]:
        monkeypatch.delitem(sys.modules, name)
    out = str(tmp_path / "out")
    done = invoke("convert", str(session.path), "--out", out, "--to", "nautilus")
    assert done.code != 0
    assert "'.[nautilus]'" in " ".join(done.err.split())


def test_tables_have_the_markets_of_their_recordings(
    session: Recorded, tmp_path: Path
) -> None:
    tables, out = tmp_path / "tables", tmp_path / "out"
    assert invoke("convert", str(session.path), "--out", str(tables)).code == 0
    done = invoke("convert", str(tables), "--out", str(out), "--to", "hftbacktest")
    assert done.code == 0, done.err
    assert len(list(out.rglob("*.npz"))) == 1


def test_the_answers_that_tables_keep_are_of_their_markets_alone(
    session: Recorded, tmp_path: Path
) -> None:
    convert(session.path, tmp_path / "tables")
    [file] = (tmp_path / "tables").glob("terms/*/terms.jsonl")
    kept = [x for x in read(file) if isinstance(x, Rest)]
    assert kept
    assert {x.method for x in kept} == {"GET"}
    private = ("portfolio", "balance", "/data/", "orderbook", "/book")
    assert not [x.path for x in kept for word in private if word in x.path]
    assert isinstance(list(read(file))[-1], End)


def untold(tables: Path) -> None:
    """As if the recording had told nothing of its markets."""
    [terms] = (tables / "terms").rglob("terms.jsonl")
    terms.write_bytes(encode(next(read(terms))))
    [manifest] = (tables / "manifests").rglob("manifest.json")
    told = json.loads(manifest.read_bytes())
    told["files"]["terms"] = {
        "terms.jsonl": {"rows": 1, "crc32": zlib.crc32(terms.read_bytes())}
    }
    manifest.write_text(json.dumps(told), "utf-8")


def test_markets_that_tables_lack_are_taken_from_another_recording(
    session: Recorded, tmp_path: Path
) -> None:
    tables, out = tmp_path / "tables", tmp_path / "out"
    assert invoke("convert", str(session.path), "--out", str(tables)).code == 0
    untold(tables)
    words = ("convert", str(tables), "--out", str(out), "--to", "hftbacktest")
    alone = invoke(*words)
    assert alone.code != 0
    assert "--markets-from" in alone.err
    name = session.market.market_id
    done = invoke(*words, "--market", name, "--markets-from", str(session.path))
    assert done.code == 0, done.err
    assert len(list(out.rglob("*.npz"))) == 1


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda x: x.name
)
def test_a_conversion_that_is_ended_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    changes = (DELTA % (n + 2, ("1.00", "-1.00")[n % 2]) for n in range(200_000))
    path, out = journal(tmp_path / "r", SNAPSHOT % 1, *changes), tmp_path / "out"
    with start("convert", str(path), "--out", str(out)) as running:
        while not (out / ".converting" / "terms").exists():
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    told = "stopped" if number == signal.SIGINT else f"ended by {number.name}"
    assert (running.returncode, err) == (128 + number, f"{told}\n")
    assert not out.exists()


def test_on_a_terminal_a_conversion_says_how_far_it_is(tmp_path: Path) -> None:
    changes = (DELTA % (n + 2, ("1.00", "-1.00")[n % 2]) for n in range(60_000))
    path = journal(tmp_path / "r", SNAPSHOT % 1, *changes)
    words = ("convert", str(path), "--out", str(tmp_path / "out"))
    with Terminal(*words, env={}) as terminal:
        terminal.until("0 lines  to 2026-11-29 ")
        assert terminal.rest() == 0
    # Where the line breaks depends on the length of the folder's name.
    assert "60,003 books" in " ".join(terminal.told.split())


def test_a_recording_without_an_end_is_told(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1)
    done = invoke("convert", str(path), "--out", str(tmp_path / "out"))
    assert done.code == 0
    assert "the recording r has no end" in done.err


def test_a_part_of_a_compressed_recording_is_refused(
    session: Recorded, tmp_path: Path
) -> None:
    path, whole = tmp_path / "part.jsonl", session.path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    done = invoke("convert", str(path), "--out", str(tmp_path / "out"), "--json")
    assert done.code == 2
    assert done.error["error"] == "DamagedRecording"
    assert not (tmp_path / "out").exists()


def test_a_week_becomes_one_folder_of_tables_day_by_day_or_at_once(
    session: Recorded, tmp_path: Path
) -> None:
    days = [tmp_path / name for name in ("monday.jsonl", "tuesday.jsonl")]
    for day in days:
        shutil.copy(session.path, day)
    words = ("convert", *map(str, days), "--out", str(tmp_path / "week"), "--json")
    done = invoke(*words)
    assert done.code == 0, done.err
    again = invoke(*words)
    assert again.code == 2
    assert "--add" in again.error["message"]
    for day in days:
        out = str(tmp_path / "daily")
        added = invoke("convert", str(day), "--out", out, "--add", "--json")
        assert added.code == 0, added.err
    twice = invoke("convert", str(days[0]), "--out", out, "--add", "--json")
    assert (twice.code, "already" in twice.error["message"]) == (2, True)
    week, daily = (
        sorted(
            str(x.relative_to(tmp_path / name)) for x in (tmp_path / name).rglob("*")
        )
        for name in ("week", "daily")
    )
    assert week == daily
    assert done.document["books"] == 2 * added.document["books"] > 0
    assert done.document["is_torn"] is False


def test_several_recordings_become_one_file_of_a_market_for_hftbacktest(
    session: Recorded, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    shutil.copy(session.path, other)
    words = ("convert", str(session.path), str(other), "--to", "hftbacktest")
    done = invoke(*words, "--out", str(tmp_path / "out"), "--json")
    assert done.code == 0, done.err
    # What overlaps, here all of it, counts once.
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    assert (done.document["rows"], done.document["trades"]) == (made.rows, made.trades)
    added = invoke(*words, "--out", str(tmp_path / "new"), "--add", "--json")
    assert (
        added.code,
        "--add has no effect with --to hftbacktest" in added.error["message"],
    ) == (2, True)


def test_a_market_that_cannot_be_exported_is_named_and_others_go_without_it(
    session: Recorded, tmp_path: Path
) -> None:
    [venue] = {*VENUES} - {session.market.venue}
    other = recorded_on(venue, tmp_path / "other.jsonl")
    quiet = other.market.market_id
    words = ("convert", str(session.path), "--markets-from", str(other.path))
    words += ("--to", "hftbacktest", "--market", quiet)
    one = invoke(*words, "--out", str(tmp_path / "1"), "--json")
    both = ("--market", session.market.market_id, "--out", str(tmp_path / "2"))
    two = invoke(*words, *both, "--json")
    told = f"the data tell nothing of {quiet}"
    assert one.error["message"] == told
    assert two.error["message"] == (
        f"{told}; to do others without it, name each with --market"
    )


def test_where_a_file_of_another_market_is_there_none_is_made(
    session: Recorded, tmp_path: Path
) -> None:
    [venue] = {*VENUES} - {session.market.venue}
    other = recorded_on(venue, tmp_path / "other.jsonl").market
    out = tmp_path / "out"
    there = out / venue / f"{other.market_id}.npz"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"mine")
    words = ("convert", str(session.path), "--to", "hftbacktest", "--out", str(out))
    words += ("--markets-from", str(tmp_path / "other.jsonl"))
    words += ("--market", session.market.market_id, "--market", other.market_id)
    done = invoke(*words)
    assert done.code == 2
    assert "not written over" in " ".join(done.err.split())
    assert [x.read_bytes() for x in out.rglob("*.npz")] == [b"mine"]


def test_a_dangling_link_of_another_market_keeps_all_from_being_made(
    session: Recorded, tmp_path: Path
) -> None:
    [venue] = {*VENUES} - {session.market.venue}
    other = recorded_on(venue, tmp_path / "other.jsonl").market
    out = tmp_path / "out"
    there = out / venue / f"{other.market_id}.npz"
    there.parent.mkdir(parents=True)
    there.symlink_to(tmp_path / "a disk that is not mounted")
    words = ("convert", str(session.path), "--to", "hftbacktest", "--out", str(out))
    words += ("--markets-from", str(tmp_path / "other.jsonl"))
    words += ("--market", session.market.market_id, "--market", other.market_id)
    done = invoke(*words)
    assert (done.code, [*out.rglob("*.npz")]) == (2, [there])
    assert "not written over" in " ".join(done.err.split())


def test_where_a_catalog_has_another_market_none_is_added(
    session: Recorded, tmp_path: Path
) -> None:
    pytest.importorskip("nautilus_trader")
    [venue] = {*VENUES} - {session.market.venue}
    other = recorded_on(venue, tmp_path / "other.jsonl")
    out = tmp_path / "out"
    to_nautilus_catalog(other.path, other.market, out)
    before = {*out.rglob("*")}
    words = ("convert", str(session.path), "--to", "nautilus", "--out", str(out))
    words += ("--markets-from", str(other.path))
    words += ("--market", session.market.market_id)
    done = invoke(*words, "--market", other.market.market_id)
    assert (done.code, {*out.rglob("*")}) == (2, before)
    assert "not written over" in " ".join(done.err.split())


@pytest.mark.parametrize("to", ["parquet", "hftbacktest", "nautilus"])
def test_a_file_in_place_of_a_folder_is_told_in_words(
    session: Recorded, tmp_path: Path, to: str
) -> None:
    out = tmp_path / "mine.txt"
    out.write_text("mine", "utf-8")
    done = invoke("convert", str(session.path), "--out", str(out), "--to", to)
    assert done.code == 2
    assert "is a file: name a folder" in " ".join(done.err.split())
    assert out.read_text("utf-8") == "mine"


def test_a_recording_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    words = ("convert", str(tmp_path / "no"), "--out", str(tmp_path / "out"))
    done = invoke(*words, "--to", "hftbacktest")
    assert done.code != 0
    assert "there is no" in " ".join(done.err.split())


@pytest.mark.parametrize(
    "words",
    [
        ("--market", "M"),
        ("--markets-from", "r"),
        ("--exchange-times", "venue"),
        ("--to", "nautilus", "--exchange-times", "venue"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    done = invoke("convert", str(tmp_path / "r"), "--out", str(out), *words)
    assert done.code == 2
    assert words[-2] in " ".join(done.err.split())
    assert not out.exists()


def test_a_market_that_is_not_recorded_names_only_options_that_there_are(
    session: Recorded, tmp_path: Path
) -> None:
    words = ("convert", str(session.path), "--out", str(tmp_path / "out"))
    done = invoke(*words, "--to", "hftbacktest", "--market", "HAIL", "--json")
    assert (done.code, "'HAIL'" in done.error["message"]) == (2, True)
    assert "--markets-from" in done.error["message"]
    assert "--no-fees" not in done.error["message"]
