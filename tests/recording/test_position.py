"""How far recordings are read, while they are, and by whom it is watched."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from unified_exchanges.recording import read
from unified_exchanges.recording.position import watched

from ..research.test_conversion import DELTA, SNAPSHOT, journal

LINES = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 6_000))]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return journal(tmp_path / "day", *LINES)


@pytest.mark.parametrize("is_packed", [False, True])
def test_the_bytes_that_were_read_grow_to_the_size_of_the_file(
    plain: Path, *, is_packed: bool
) -> None:
    path = plain
    if is_packed:
        path = plain.with_suffix(".gz")
        path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    size = path.stat().st_size
    with watched() as position:
        assert position.read == 0
        seen = [position.read for n, _ in enumerate(read(path)) if not n % 500]
        assert position.read == size
    assert seen == sorted(seen)
    assert seen[0] < size / 2 < seen[-1] <= size
    assert len(set(seen)) > 2


def test_files_count_together_and_each_as_it_was_opened_last(
    plain: Path, tmp_path: Path
) -> None:
    other = journal(tmp_path / "other", *LINES[:3])
    with watched() as position:
        for path in (other, plain, other):
            list(read(path))
        assert position.read == plain.stat().st_size + other.stat().st_size
        next(read(plain))
    read_then = position.read
    list(read(plain))  # of which nobody wants to know
    assert position.read == read_then
