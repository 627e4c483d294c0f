"""Tables that are not whole any more are refused, by a word of what to do."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from unified_exchanges import BadRequest
from unified_exchanges.backtesting.sources import events_of, markets_told
from unified_exchanges.recording import DamagedRecording, Header, read
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.research.terms import all_terms

from ..cli.conftest import invoke
from ..guards import ROOT
from ..unmeasured import unmeasured
from .test_conversion import DELTA, SNAPSHOT, journal

CHANGES = [DELTA % (n + 2, ("1.00", "-1.00")[n % 2]) for n in range(200)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    convert(journal(tmp_path / "r", SNAPSHOT % 1, *CHANGES), out)
    return out


def books_in(out: Path) -> Path:
    [file] = (out / "books").rglob("*.parquet")
    return file


def flipped(file: Path, at: float) -> None:
    whole = bytearray(file.read_bytes())
    whole[int(len(whole) * at)] ^= 4
    file.write_bytes(whole)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "empty": lambda file: file.write_bytes(b""),
    "another": lambda file: file.write_bytes(b"PAR1" * 10),
    **{f"flipped at {x}": lambda file, x=x: flipped(file, x) for x in (0.1, 0.4, 0.9)},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_told_and_what_to_do(
    out: Path, damage: Callable[[Path], object]
) -> None:
    damage(books_in(out))
    with pytest.raises(
        DamagedRecording, match=r"part-0\.parquet is damaged .*delete the folders"
    ):
        list(events_of(out))


def test_the_command_says_it_in_a_line(out: Path, tmp_path: Path) -> None:
    books_in(out).write_bytes(b"")
    words = ("convert", str(out), "--out", str(tmp_path / "n"), "--to", "hftbacktest")
    done = invoke(*words, "--market", "M", "--markets-from", str(tmp_path / "r"))
    assert done.code not in {0, 1}
    assert "Traceback" not in done.err


LOSSES: dict[str, Callable[[Path], Path]] = {
    "a table": lambda out: out / "trades",
    "a recording of a table": lambda out: out / "gaps" / "recording=001-r",
    "a market": lambda out: books_in(out).parents[1],
    "a day": lambda out: books_in(out).parent,
    "a table that a backtest does not read": lambda out: out / "tickers",
    "one of the account": lambda out: out / "orders" / "recording=001-r",
    "what was told of markets": lambda out: out / "terms",
}


@pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("market_id", [None, "M"])
def test_rows_that_are_gone_are_missed(
    out: Path, lost: Callable[[Path], Path], market_id: str | None
) -> None:
    shutil.rmtree(lost(out))
    with pytest.raises(DamagedRecording, match=r"is gone, in which there were \d+ row"):
        list(events_of(out, market_id))


def test_more_or_fewer_rows_than_were_written_are_told(out: Path) -> None:
    [file] = (out / "manifests").rglob("*.json")
    told = json.loads(file.read_bytes())
    [written] = told["files"]["books"].values()
    written["rows"] += 1
    file.write_text(json.dumps(told), "utf-8")
    rows = written["rows"]
    with pytest.raises(DamagedRecording, match=f"{rows - 1} rows, of {rows} written"):
        list(events_of(out))


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda file: flipped(file, 0.5)], ids=["gone", "damaged"]
)
def test_what_was_told_of_markets_is_as_it_was_written(
    out: Path, harm: Callable[[Path], object]
) -> None:
    [file] = all_terms(out)
    harm(file)
    with pytest.raises(DamagedRecording, match=r"terms\.jsonl is .*delete the folders"):
        all_terms(out)


def test_of_another_market_that_is_gone_nothing_is_asked(tmp_path: Path) -> None:
    path, out = tmp_path / "r", tmp_path / "out"
    other = SNAPSHOT.replace('"M"', '"N"').replace('"sid":1', '"sid":2')
    assert other != SNAPSHOT
    convert(journal(path, SNAPSHOT % 1, other % 1), out)
    shutil.rmtree(next((out / "books").rglob("market=N")))
    assert list(events_of(out, "M"))
    with pytest.raises(DamagedRecording, match=r"market=N.* is gone"):
        list(events_of(out))


def test_a_market_that_is_gone_is_still_one_of_them(out: Path) -> None:
    shutil.rmtree(books_in(out).parents[1])
    assert set(markets_told(out)) == {"M"}


def test_a_file_that_convert_did_not_write_is_told(out: Path) -> None:
    file = books_in(out)
    shutil.copy(file, file.with_name("part-0 copy.parquet"))
    with pytest.raises(DamagedRecording, match=r"copy\.parquet is not one that"):
        list(events_of(out))


@pytest.mark.parametrize("cut", ["", "{}", "[]", '{"files": 5}', "whole", "files"])
def test_a_manifest_that_cannot_be_read_is_told(out: Path, cut: str) -> None:
    [file] = (out / "manifests").rglob("*.json")
    whole = file.read_text("utf-8")
    cuts = {"whole": whole[:-9], "files": whole.replace("crc32", "crc")}
    file.write_text(cuts.get(cut, cut), "utf-8")
    with pytest.raises(DamagedRecording, match=r"manifest\.json cannot be read"):
        list(events_of(out))


@pytest.mark.parametrize("table", ["manifests", "trades"])
@pytest.mark.parametrize("name", ["xyz", "foo-r", "2-r", "002-r b", "-r", "007"])
def test_a_folder_with_a_name_of_no_recording_is_told(
    out: Path, tmp_path: Path, table: str, name: str
) -> None:
    (out / table / f"recording={name}").mkdir()
    other = journal(tmp_path / "other", SNAPSHOT % 1)
    givers: tuple[Callable[[], object], ...] = (
        lambda: events_of(out),
        lambda: list(markets_told(out)),
        lambda: convert(other, out, add=True),
    )
    for give in givers:
        with pytest.raises(DamagedRecording, match=f"{name} is not one .*move it out"):
            give()


# -- all of a recording, or none ---------------------------------------------------------


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("after", range(0, 16, 3))
def test_a_conversion_that_fails_while_it_places_leaves_what_was(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch, *, add: bool
) -> None:
    out = tmp_path / "out"
    if add:
        convert(journal(tmp_path / "a", SNAPSHOT % 1), out)
    before = sorted(out.rglob("*"))
    done: list[Path] = []
    rename = Path.rename

    def failing(path: Path, to: Path) -> Any:
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(path)
        return rename(path, to)

    paths = [journal(tmp_path / x, SNAPSHOT % 1) for x in "bc"]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        with pytest.raises(KeyboardInterrupt):
            convert(paths, out, add=add)
    assert sorted(out.rglob("*")) == before
    convert(paths, out, add=add)
    assert list(events_of(out))


CONVERT = """
import sys, pathlib
from unified_exchanges.research import convert

done, rename = [], pathlib.Path.rename

def stopping(path, to):
    done.append(path)
    if len(done) == int(sys.argv[1]):
        print("there", flush=True)
        sys.stdin.read()
    return rename(path, to)

pathlib.Path.rename = stopping
convert(sys.argv[3:], sys.argv[2], add=pathlib.Path(sys.argv[2]).exists())
"""
"""Goes on only when it is told to, before it places a certain table."""


@contextmanager
def converting(at: int, out: Path, *paths: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that converts, and is killed at the end if it still does."""
    with subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(at), str(out), *map(str, paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=unmeasured(),
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"there\n"
        try:
            yield other
        finally:
            other.kill()


def refused(give: Callable[[], object], match: str) -> None:
    with pytest.raises(BadRequest, match=match):
        give()


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


@POSIX
@pytest.mark.parametrize("at", [1, 3])
def test_what_a_killed_conversion_left_is_told_and_the_next_takes_it_out(
    tmp_path: Path, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = (journal(tmp_path / x, SNAPSHOT % 1, *CHANGES) for x in "ab")
    out, wanted = tmp_path / "out", tmp_path / "wanted"
    convert([a, b], wanted)
    convert(a, out)
    before = list(events_of(out))
    with converting(at, out, b):
        # While it lives, what is whole is read, and nobody else may write.
        assert list(events_of(out)) == before
        refused(
            lambda: convert(b, out, add=True),
            f"^another `convert` is writing to {out}: wait until it has ended$",
        )
    assert (out / ".converting").exists()
    if at == 1:  # nothing of it is there
        assert list(events_of(out)) == before
    else:
        refused(lambda: list(events_of(out)), "only a part of the tables of b.*--add")
    convert(b, out, add=True)
    assert "was killed: emptied" in caplog.text
    assert ("taken out" in caplog.text) is (at > 1)
    assert not (out / ".converting").exists()
    assert list(events_of(out)) == list(events_of(wanted))


@POSIX
@pytest.mark.parametrize("at", [1, 3])
def test_the_first_conversion_that_was_killed_is_made_again(
    tmp_path: Path, at: int
) -> None:
    path, out = journal(tmp_path / "r", SNAPSHOT % 1), tmp_path / "out"
    with converting(at, out, path):
        refused(
            lambda: convert(path, out),
            f"^another `convert` is writing to {out}: wait until it has ended$",
        )
    refused(lambda: events_of(out), "only what a `convert` that was killed left.*--add")
    if at > 1:
        refused(lambda: convert(path, out), "is not empty.*--add")
    convert(path, out, add=at > 1)
    assert list(events_of(out))


@POSIX
def test_what_lies_beside_what_a_killed_conversion_left_is_no_tables(
    tmp_path: Path,
) -> None:
    path, out = journal(tmp_path / "r", SNAPSHOT % 1), tmp_path / "out"
    (out / ".converting").mkdir(parents=True)
    (out / ".converting" / "letter").touch()
    (out / "letter").touch()
    refused(lambda: convert(path, out, add=True), "only what a `convert`")
    (out / "letter").unlink()
    convert(path, out)
    assert list(events_of(out))


@POSIX
def test_without_locks_what_was_left_is_deleted_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (journal(tmp_path / x, SNAPSHOT % 1) for x in "ab")
    out = tmp_path / "out"

    def without(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("fcntl.flock", without)
    convert(a, out)
    (out / ".converting").mkdir()
    refused(lambda: convert(b, out, add=True), r"was killed: delete .*out/\.converting")
    (out / ".converting").rmdir()
    convert(b, out, add=True)
    assert list(events_of(out))


def test_tables_of_which_a_manifest_was_deleted_are_refused(
    out: Path, tmp_path: Path
) -> None:
    convert(journal(tmp_path / "b", SNAPSHOT % 1), out, add=True)
    shutil.rmtree(out / "manifests" / "recording=002-b")
    refused(lambda: list(events_of(out)), "only a part of the tables of b.*--add")
    shutil.rmtree(out / "manifests")
    for give in (
        lambda: events_of(out),
        lambda: convert(tmp_path / "r", out, add=True),
    ):
        refused(give, "`convert` that was killed")


# -- of one place ------------------------------------------------------------------------


def elsewhere(path: Path, environment: str) -> Path:
    head = next(read(path))
    assert isinstance(head, Header)
    lines = path.read_bytes().splitlines(keepends=True)[1:]
    other = encode(msgspec.structs.replace(head, environment=environment))
    path.write_bytes(b"".join([other, *lines]))
    return path


def test_recordings_of_two_environments_are_not_one_market(tmp_path: Path) -> None:
    demo = elsewhere(journal(tmp_path / "demo", SNAPSHOT % 1), "demo")
    real = elsewhere(journal(tmp_path / "real", SNAPSHOT % 1), "production")
    tables, others = tmp_path / "tables", tmp_path / "others"
    refused = pytest.raises(
        BadRequest, match="demo is of kalshi at demo and real of kalshi at production"
    )
    with refused:
        events_of([demo, real])
    with refused:
        convert([demo, real], tables)
    convert(demo, tables)
    convert(real, others)
    with refused:
        events_of([tables, others])
    with refused:
        events_of([tables, real])
    with refused:
        convert(real, tables, add=True)
    assert len(list(events_of(tables))) == len(list(events_of(demo)))
