"""Every example runs on every simulated venue, is short, and ends with nothing open."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from socket import create_server

import attrs
import pytest

from unified_exchanges import exchange
from unified_exchanges.cli import strategy
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.registry import exchanges

from .guards import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


QUICK = {"kalshi": "ed25519"}
"""Keys that are made faster than the usual ones."""


@pytest.fixture(params=exchanges)
def place(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Practice]:
    """Each simulated venue, reached as its exports and as ``local`` say."""
    name = request.param
    facts = import_module(f"unified_exchanges.venues.{name}.description").FACTS
    with practice(name, seed=7, key_type=QUICK.get(name)) as opened:
        exports = dict(opened.exports)
        # It is named in the call, and the environment says another.
        exports["UNIFIED_EXCHANGES_VENUE"] = "nowhere"
        for variable, value in exports.items():
            monkeypatch.setenv(variable, value)
        local = attrs.evolve(facts.environments["local"], rest=opened.url, stream=None)
        monkeypatch.setitem(facts.environments, "local", local)
        yield opened


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_leaves_nothing_open(
    path: Path,
    place: Practice,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "--venue", place.venue])
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr()
    assert (bool(printed.out), printed.err) == (True, "")
    with exchange(place.venue, environment=place.url) as venue:
        assert venue.fetch_open_orders() == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 70


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_a_venue_as_its_default_only(path: Path) -> None:
    names = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in exchanges
    ]
    assert names == ["kalshi"]


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
