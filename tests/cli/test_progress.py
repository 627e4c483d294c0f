"""How far a long command is, in a real terminal: its share, and the time that is left."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unified_exchanges.cli.practice import Practice

from ..guards import ROOT
from ..research.test_conversion import DELTA, SNAPSHOT, journal
from .test_terminal import Terminal, names

__all__ = ["names"]

MAKER = str(ROOT / "examples" / "spread_maker.py")


def shares(told: str) -> list[int]:
    """The percentages that were shown, and beside each what is left."""
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", told)
    return [int(x) for x in re.findall(r"(\d+)% \d:\d\d:\d\d left [\d-]+:", plain)]


@pytest.fixture
def day(tmp_path: Path) -> Path:
    lines = (DELTA % (n, "1.00") for n in range(2, 40_000))
    return journal(tmp_path / "day", SNAPSHOT % 1, *lines)


def test_a_conversion_shows_its_share_of_the_bytes(day: Path, tmp_path: Path) -> None:
    words = ("convert", str(day), "--out", str(tmp_path / "tables"))
    with Terminal(*words, env={}, width=120) as terminal:
        assert terminal.rest() == 0, terminal.told
    found = shares(terminal.told)
    assert found == sorted(found)
    assert len({x for x in found if 0 < x <= 100}) > 1


def test_a_run_for_some_time_shows_its_share_of_it(
    stand: Practice, names: list[str]
) -> None:
    words = ("run", MAKER, names[0], "--for", "3s")
    with Terminal(*words, env=stand.exports, width=120) as terminal:
        assert terminal.rest() == 0, terminal.told
    found = shares(terminal.told)
    assert found == sorted(found)
    assert len({x for x in found if 0 < x <= 100}) > 1


def test_a_run_without_an_end_shows_none(stand: Practice, names: list[str]) -> None:
    with Terminal("run", MAKER, names[0], env=stand.exports, width=120) as terminal:
        terminal.until(" open")
        terminal.end()
    assert shares(terminal.told) == []
