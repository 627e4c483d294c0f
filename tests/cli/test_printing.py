"""What a strategy prints, beside the JSON of a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.backtesting.sources import markets_told
from unified_exchanges.cli.practice import practice

from ..unmeasured import unmeasured
from .conftest import invoke
from .test_processes import COMMAND

PRINTING = """import os, subprocess, sys
import unified_exchanges as ux
print("as it is loaded")
class Printing(ux.Strategy):
    size = 1
    def __init__(self):
        print("as it is made")
    def on_start(self, desk):
        print("as it begins")
        sys.__stdout__.write("past sys.stdout")
        os.write(1, b"by its number")
        subprocess.run(["echo", "by another process"], check=True)
"""
PRINTED = (
    "as it is loaded",
    "as it is made",
    "as it begins",
    "past sys.stdout",
    "by its number",
    "by another process",
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("day") / "day.jsonl"
    with practice("kalshi", seed=7) as place:
        with exchange(place.venue, **place.account) as ex:
            [market, *_] = (x for x in ex.fetch_markets() if x.bid and x.ask)
        words = ("record", "kalshi", market.market_id, "--out", str(path))
        done = invoke(*words, "--for", "1s", env=place.exports)
        assert done.code == 0, done.err
        yield path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "printing.py"
    path.write_text(PRINTING)
    return path


def ran(*words: str | Path) -> subprocess.CompletedProcess[str]:
    # In its own process, whose standard output has the number that it has for users.
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env=unmeasured(),
    )


@pytest.mark.parametrize(
    "words",
    [
        ("backtest", "--data"),
        ("sweep", "--param", "size=1,2", "--workers", "1", "--data"),
        ("sweep", "--param", "size=1,2", "--workers", "2", "--data"),
        ("run", "MARKET", "--over"),
    ],
    ids=["backtest", "sweep here", "sweep in processes", "run"],
)
def test_json_is_alone_on_stdout_whatever_a_strategy_prints(
    words: tuple[str, ...], recording: Path, file: Path
) -> None:
    [market] = {*markets_told(recording)}
    name, *rest = (market if word == "MARKET" else word for word in words)
    done = ran(name, file, *rest, recording, "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)
    assert [words for words in PRINTED if words not in done.stderr] == []


def test_without_json_a_strategy_prints_where_it_likes(
    recording: Path, file: Path
) -> None:
    done = ran("backtest", file, "--data", recording)
    assert done.returncode == 0, done.stderr
    assert [words for words in PRINTED if words not in done.stdout] == []


def test_what_fails_while_it_plays_leaves_stdout_as_it_was(
    recording: Path, tmp_path: Path
) -> None:
    file = tmp_path / "failing.py"
    file.write_text(PRINTING + "        raise ValueError('no')\n")
    before = sys.stdout, os.fstat(1).st_ino
    done = invoke("backtest", str(file), "--data", str(recording), "--json")
    assert (done.code, done.out) == (1, "")
    assert (sys.stdout, os.fstat(1).st_ino) == before
