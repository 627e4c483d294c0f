"""What names a venue, or a market of one, is taken or refused alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from unified_exchanges.cli.practice import Practice

from ..guards import ROOT
from .conftest import invoke

MAKER = str(ROOT / "examples" / "spread_maker.py")
NOWHERE = {"UNIFIED_EXCHANGES_ENVIRONMENT": "http://127.0.0.1:9/trade-api/v2"}


def refused(*words: str) -> str:
    done = invoke(*words, "--json", env=NOWHERE)
    assert (done.code, done.out) == (2, "")
    return str(done.error["message"])


@pytest.mark.parametrize("command", ["simulate", "venues"])
def test_what_is_no_venue_is_told_from_the_venues(command: str) -> None:
    told = refused(command, "paper")
    assert told == "there is no venue 'paper'; there are: kalshi, polymarket"


@pytest.mark.parametrize(
    ("word", "instead"), [("paper", "--paper FILE"), ("replay", "`run --over FILE`")]
)
def test_an_exchange_that_is_no_venue_is_named_by_another_option(
    word: str, instead: str
) -> None:
    told = refused("markets", "--venue", word)
    assert told.startswith(f"--venue {word}: ")
    assert instead in told


def test_a_run_is_on_one_venue_and_says_so() -> None:
    told = refused("run", MAKER, "kalshi:M", "polymarket:0x1")
    assert told.startswith(
        "polymarket:0x1 is a market of polymarket, and this command "
    )
    assert "run(strategy, one, another)" in told


def test_a_recording_is_of_one_venue_and_says_so(tmp_path: Path) -> None:
    out = str(tmp_path / "x.jsonl")
    told = refused("record", "kalshi", "polymarket:0x1", "--out", out)
    assert told.startswith("polymarket:0x1 is a market of polymarket, and this records")


def test_a_market_may_be_named_with_its_venue_where_it_is_recorded(
    stand: Practice, tmp_path: Path
) -> None:
    listed = invoke("markets", "--json", "--limit", "1", env=stand.exports)
    [found] = listed.lines
    out = tmp_path / "x.jsonl"
    words = ("record", "kalshi", f"kalshi:{found['market_id']}", "--out", str(out))
    done = invoke(*words, "--for", "0.5", "--json", env=stand.exports)
    assert (done.code, out.exists()) == (0, True), done.err


def test_a_recording_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("")
    told = refused("sweep", MAKER, "--data", str(path), "--data", str(path))
    assert told == f"--data {path} is there twice: name it once"
