"""What a run logs, and what fails, is on stderr as it comes, with its time, and once."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.cli.practice import Practice, practice

from ..unmeasured import unmeasured
from .conftest import Run, invoke
from .test_processes import COMMAND, start
from .test_terminal import Terminal, names

__all__ = ["names"]

TICKER = """
from datetime import timedelta
import unified_exchanges as ux

class Ticker(ux.Strategy):
    count = 0
    def on_start(self, desk):
        desk.timer("next", timedelta(0))
    def on_timer(self, desk, name):
        self.count += 1
        desk.log(f"tick {self.count}")
        if self.count == 2:
            place = self.markets[0], desk.market(self.markets[0]).outcomes[0].label
            desk.place(*place, "buy", "0.123456", 1)
        desk.timer("next", timedelta(milliseconds=300))
"""
HANDLED = """
    def on_failure(self, desk, failure):
        pass
"""
TOLD = r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} "


@pytest.fixture
def ticker(tmp_path: Path) -> str:
    path = tmp_path / "ticker.py"
    path.write_text(TICKER + HANDLED)
    return str(path)


def plain(told: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", told)


def ran(place: Practice, *words: str) -> Run:
    return invoke("run", *words, "--for", "2s", env=place.exports)


def test_a_process_that_is_killed_has_told_its_log(
    stand: Practice, names: list[str], ticker: str
) -> None:
    words = [*COMMAND, "run", ticker, names[0]]
    env = unmeasured(**stand.exports)
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env) as running:
        assert running.stderr is not None
        told = [running.stderr.readline() for _ in range(4)]
        running.kill()
    assert [x.split(maxsplit=2)[2][:6] for x in told[:2]] == ["tick 1", "tick 2"]
    assert re.match(TOLD + "place run-[0-9a-f]+-1: InvalidPrice: ", told[2])


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nothing_is_told_twice(
    stand: Practice, names: list[str], ticker: str, options: tuple[str, ...]
) -> None:
    done = ran(stand, ticker, names[0], *options)
    assert done.code == 0, done.err
    assert len(re.findall(TOLD + "tick 2$", done.err)) == 1
    assert done.err.count("InvalidPrice") == 1
    if options:
        totals = done.document["totals"]
        assert (totals["failures"], totals["notes"] > 3) == (1, True)
    else:
        assert "tick" not in done.out
        assert "InvalidPrice" not in done.out
        assert re.search(r"failures +│ +1 ", done.out)


def test_a_failure_that_ends_the_run_is_told_once(
    stand: Practice, names: list[str], ticker: str
) -> None:
    Path(ticker).write_text(TICKER)
    done = ran(stand, ticker, names[0])
    assert done.code == 2
    assert re.search(TOLD + "tick 2$", done.err)
    assert done.err.count("InvalidPrice") == 1
    assert "✗ InvalidPrice" in done.err


def test_lines_stand_above_the_bar_which_counts_failures(
    stand: Practice, names: list[str], ticker: str
) -> None:
    words = ("run", ticker, names[0], "--for", "3s")
    with Terminal(*words, env=stand.exports, width=120) as terminal:
        terminal.until("1 failure ")
        assert terminal.rest() == 0, terminal.told
    lines = [line.strip() for line in plain(terminal.told).splitlines()]
    told = [line for line in lines if line.endswith("tick 2")]
    assert len(told) == 1
    assert re.match(TOLD, told[0])


@pytest.mark.parametrize("command", ["run", "record"])
def test_that_the_stream_is_gone_is_told_while_it_is(
    command: str, ticker: str, tmp_path: Path
) -> None:
    """What rests at a venue that nobody hears any more is the caller's money."""
    with practice("kalshi", seed=7) as place:
        with exchange(place.venue, **place.account) as ex:
            name = next(ex.iter_markets()).market_id
        words = {
            "run": ("run", ticker, name),
            "record": ("record", "kalshi", name, "--out", str(tmp_path / "r.jsonl")),
        }[command]
        running = start(*words, "--for", "60s", env=place.exports)
        assert running.stderr is not None
        until_live = iter(running.stderr.readline, "")
        assert any("tick 2" in x or "1 market live" in x for x in until_live)
    with running:
        lines = iter(running.stderr.readline, "")
        told = next((x for x in lines if "down, and" in x), "")
        is_going_on = running.poll() is None
        running.kill()
    assert re.match(TOLD, told)
    assert is_going_on
