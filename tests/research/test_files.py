"""Files of tables: few of them are open, and what keeps one from being read is no damage."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.models.record import Record
from unified_exchanges.recording import DamagedRecording
from unified_exchanges.research import convert

from ..guards import ROOT
from ..unmeasured import unmeasured
from .test_conversion import DELTA, SNAPSHOT, journal

ROWS = 40


def of_markets(path: Path, count: int, changes: int) -> Path:
    """A recording of so many markets, each with so many changes of its book."""
    names = [f"M{n}" for n in range(count)]
    told, number = [], 0
    for text in (SNAPSHOT, *[DELTA] * changes):
        for name in names:
            number += 1
            size = ("1.00", "-1.00")[number % 2]
            made = text % number if text is SNAPSHOT else text % (number, size)
            told.append(
                made.replace('"market_ticker":"M"', f'"market_ticker":"{name}"')
            )
    assert all(f'"{name}"' in "".join(told) for name in names)
    return journal(path, *told)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of five markets, in files of more than a batch, some of which have groups."""
    folder = tmp_path_factory.mktemp("five")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unified_exchanges.research.parquet._MOST_ROWS", 61)
        convert(of_markets(folder / "r", 5, ROWS), folder / "tables")
    return folder / "tables"


def told(out: Path) -> list[tuple[int, dict[str, Any]]]:
    return [
        (at, each.to_dict()) for at, each in events_of(out) if isinstance(each, Record)
    ]


@pytest.mark.parametrize("seats", [0, 2, 100])
@pytest.mark.parametrize("rows", [1, 3, 7, 16, 1_000])
def test_the_same_is_read_however_many_files_may_be_open(
    tables: Path, rows: int, seats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = told(tables)
    assert len(expected) == 5 * (ROWS + 1)
    free = deque(range(seats))
    monkeypatch.setattr("unified_exchanges.research.files._SEATS", free)
    monkeypatch.setattr("unified_exchanges.research.files._ROWS", rows)
    assert told(tables) == expected
    assert len(free) == seats


@pytest.mark.parametrize(("rows", "most"), [(3, 2), (1_000, 0)])
def test_few_files_are_open_while_what_was_read_is_looked_at(
    tables: Path, rows: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    class Seen(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, source: Path) -> None:
            super().__init__(source)
            self.path = source
            opened.append(source)

        def close(self, force: bool = False) -> None:
            opened.remove(self.path)
            super().close(force)

    free = deque(range(2))
    monkeypatch.setattr("unified_exchanges.research.files._SEATS", free)
    monkeypatch.setattr("unified_exchanges.research.files._ROWS", rows)
    monkeypatch.setattr("unified_exchanges.research.files.pq.ParquetFile", Seen)
    assert max(len(opened) for _ in events_of(tables)) == most
    # Who stops in the midst of it leaves nothing open either.
    events: Any = iter(events_of(tables))
    next(events)
    events.close()
    assert (opened, len(free)) == ([], 2)


LIMITED = """
import resource, sys
import psutil
from unified_exchanges.backtesting.sources import events_of
# What it has open before it begins, and some.
limit = psutil.Process().num_fds() + 40
assert limit < int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
print(sum(1 for _ in events_of(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_tables_of_more_markets_than_a_process_may_have_files_are_read(
    tmp_path: Path,
) -> None:
    markets = 150
    path = of_markets(tmp_path / "r", markets, 2)
    convert(path, tmp_path / "out")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "out"), str(markets)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=unmeasured(),
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{len(list(events_of(path)))}\n", "")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EMFILE, "not damaged, but this process has too many files open.*ulimit"),
        (errno.ENFILE, "not damaged, but this process has too many files open.*ulimit"),
        (errno.EIO, os.strerror(errno.EIO)),
        (errno.EACCES, os.strerror(errno.EACCES)),
    ],
)
def test_what_a_machine_refuses_is_no_damage(
    tables: Path, number: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path) -> None:
        # As arrow says it.
        raise OSError(number, f"Failed to open local file '{source}'. Detail: …")

    monkeypatch.setattr("unified_exchanges.research.files.pq.ParquetFile", refused)
    with pytest.raises(OSError, match=rf"{said}.*part-\d+\.parquet") as raised:
        list(events_of(tables))
    assert raised.value.errno == number
    assert not isinstance(raised.value, DamagedRecording)


def test_nor_is_a_manifest_or_a_file_that_nobody_may_look_at(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, read = Path.stat, Path.read_bytes

    def blind(path: Path, **how: Any) -> os.stat_result:
        if path.suffix == ".jsonl":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, **how)

    def unread(path: Path) -> bytes:
        if path.name == "manifest.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", blind)
        with pytest.raises(PermissionError, match=r"Permission denied.*terms"):
            list(events_of(tables))
    monkeypatch.setattr(Path, "read_bytes", unread)
    with pytest.raises(PermissionError, match=r"Permission denied.*manifest"):
        list(events_of(tables))


def test_a_folder_that_cannot_be_listed_is_not_taken_to_be_empty(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = told(tables)
    listed = Path.glob

    def unlisted(path: Path, pattern: str) -> Any:
        # Python passes over folders that it may not list, and some over any error.
        return iter(()) if pattern.endswith("part-*.parquet") else listed(path, pattern)

    monkeypatch.setattr(Path, "glob", unlisted)
    assert told(tables) == expected


def test_a_file_that_is_written_over_while_it_is_read_is_damaged(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_exchanges.research.files._SEATS", deque())
    monkeypatch.setattr("unified_exchanges.research.files._ROWS", 3)
    events = iter(events_of(tables))
    next(events)
    for file in (tables / "books").rglob("*.parquet"):
        file.write_bytes(file.read_bytes())
    with pytest.raises(DamagedRecording, match="changed while it was read"):
        list(events)
