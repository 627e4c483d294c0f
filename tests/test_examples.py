"""Every example runs on a simulated Kalshi, is short, and ends with nothing open."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import attrs
import pytest

from unified_exchanges import exchange
from unified_exchanges.cli import strategy
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.venues.kalshi.description import FACTS

from .guards import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    """A simulated venue, reached as its exports and as ``local`` say."""
    with practice("kalshi", seed=7, key_type="ed25519") as opened:
        for name, value in opened.exports.items():
            monkeypatch.setenv(name, value)
        local = attrs.evolve(FACTS.environments["local"], rest=opened.url, stream=None)
        monkeypatch.setitem(FACTS.environments, "local", local)
        yield opened


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_leaves_nothing_open(
    path: Path, place: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr()
    assert (bool(printed.out), printed.err) == (True, "")
    with exchange("kalshi", environment=place.url) as venue:
        assert venue.fetch_open_orders() == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 66


def test_the_hedge_says_that_no_venue_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}/trade-api/v2"
    monkeypatch.setenv("UNIFIED_EXCHANGES_ENVIRONMENT", url)
    monkeypatch.setenv("UNIFIED_EXCHANGES_VENUE", "kalshi")
    with pytest.raises(
        SystemExit, match="the venue was not reached, does it run"
    ) as told:
        runpy.run_path(str(ROOT / "examples" / "hedge_parlay.py"), run_name="__main__")
    # What is no number is printed, and the code is 1.
    assert f"no connection to 127.0.0.1:{port}" in str(told.value.code)


def test_the_demo_plays_the_strategy_of_the_examples() -> None:
    shown = (ROOT / "examples" / "demo_strategy.py").read_text()
    assert shown.startswith(Path(strategy.__file__).read_text())
