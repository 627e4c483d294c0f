"""Every example runs on every simulated venue, is short, and ends with nothing open."""

from __future__ import annotations

import ast
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from socket import create_server

import pytest

from unified_exchanges import (
    BadRequest,
    Desk,
    Failure,
    InsufficientFunds,
    OrderUnknown,
    Side,
    Strategy,
    UnifiedExchangesError,
    backtest,
    exchange,
)
from unified_exchanges.cli import demo_strategy
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.paper import Contract
from unified_exchanges.paper.account import Account
from unified_exchanges.recording import Recorder
from unified_exchanges.registry import exchanges
from unified_exchanges.strategies import Place, contract_of

from .guards import ROOT
from .paper.scene import book, contract
from .recording.sessions import stage
from .unmeasured import unmeasured

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


QUICK = {"kalshi": "ed25519"}
"""Keys that are made faster than the usual ones."""


@pytest.fixture(params=exchanges)
def place(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Practice]:
    """Each simulated venue, reached as its exports say."""
    name = request.param
    with practice(name, seed=7, key_type=QUICK.get(name)) as opened:
        for variable, value in opened.exports.items():
            monkeypatch.setenv(variable, value)
        yield opened


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_leaves_nothing_open(
    path: Path,
    place: Practice,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Both are named in the call, and the variables say others.
    for name in ("VENUE", "ENVIRONMENT"):
        monkeypatch.setenv(f"UNIFIED_EXCHANGES_{name}", "nowhere")
    given = ["--venue", place.venue, "--environment", place.url]
    # A strategy goes on until Ctrl-C.
    given += ["--seconds", "2"] if "Strategy)" in path.read_text() else []
    monkeypatch.setattr(sys, "argv", [str(path), *given])
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr()
    assert (bool(printed.out), printed.err) == (True, "")
    with exchange(place.venue, environment=place.url) as venue:
        assert venue.fetch_open_orders() == []


def test_the_strategy_of_the_demo_goes_where_the_exports_say(
    place: Practice,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = ROOT / "examples" / "demo_strategy.py"
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    assert "left open: []" in capsys.readouterr().out
    with exchange(place.venue, environment=place.url) as venue:
        assert venue.fetch_fills()


@pytest.mark.parametrize("name", ["complement_watcher", "spread_maker"])
def test_a_strategy_of_the_examples_ends_by_ctrl_c_with_what_it_came_to(
    name: str, place: Practice
) -> None:
    words = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
    words += ["--venue", place.venue, "--environment", place.url]
    with (
        exchange(place.venue, environment=place.url) as venue,
        subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=unmeasured(PYTHONPATH=str(ROOT), **place.exports),
        ) as running,
    ):
        assert running.stderr is not None
        if name == "complement_watcher":
            # It has not ended, and says so all the same.
            assert "taken for one question: " in running.stderr.readline()
        while name == "spread_maker" and not venue.fetch_open_orders():
            assert running.poll() is None
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, "Traceback" in err) == (0, False), err
        assert venue.fetch_open_orders() == []
    assert ("books:" in out) == (name == "complement_watcher")
    assert (" quotes, " in out) == (name == "spread_maker")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text()
    assert text.startswith('"""')
    # A strategy takes some more: it answers whatever may happen.
    assert len(text.splitlines()) <= (90 if "Strategy)" in text else 70)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_names_a_venue_as_its_default_only(path: Path) -> None:
    names = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in exchanges
    ]
    assert names == ["kalshi"]


@pytest.mark.parametrize("first", exchanges)
def test_the_complement_watcher_reaches_two_venues_by_the_exports_of_one(
    first: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for second in (name for name in exchanges if name != first):
        with (
            practice(first, seed=7, key_type=QUICK.get(first)) as here,
            practice(second, seed=7, key_type=QUICK.get(second)) as there,
        ):
            for variable, value in {**there.exports, **here.exports}.items():
                monkeypatch.setenv(variable, value)
            # Its address stands for "local", which in a test is another's.
            where = ["--other", second, "--other-environment", there.url]
            where += ["--seconds", "2"]
            monkeypatch.setattr(sys, "argv", ["complement_watcher.py", *where])
            runpy.run_path(
                str(ROOT / "examples" / "complement_watcher.py"), run_name="__main__"
            )
        shown = capsys.readouterr().out
        assert "books:" in shown
        assert shown.startswith(
            "unrelated, for show: a gain is none where it is not one"
        )


def test_the_hedge_says_that_no_venue_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}/trade-api/v2"
    monkeypatch.setenv("UNIFIED_EXCHANGES_ENVIRONMENT", url)
    monkeypatch.setenv("UNIFIED_EXCHANGES_VENUE", "kalshi")
    monkeypatch.setattr(sys, "argv", ["hedge_parlay.py"])
    with pytest.raises(
        SystemExit, match="the venue was not reached, does it run"
    ) as told:
        runpy.run_path(str(ROOT / "examples" / "hedge_parlay.py"), run_name="__main__")
    # What is no number is printed, and the code is 1.
    assert f"no connection to 127.0.0.1:{port}" in str(told.value.code)


def test_the_hedge_takes_no_legs_that_we_hold_already(
    place: Practice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(ROOT / "examples" / "hedge_parlay.py")
    slip = runpy.run_path(path)["slip"]
    with exchange(place.venue, environment=place.url) as venue:
        before = {leg.market_id for leg in slip(venue)}
        for market in venue.fetch_markets(market_ids=sorted(before)):
            terms = market.market_id, market.outcomes[0].label, "buy", market.ask, 10
            venue.create_order(*terms, time_in_force="ioc")
        assert before.isdisjoint(leg.market_id for leg in slip(venue))
    given = ["--venue", place.venue, "--environment", place.url]
    monkeypatch.setattr(sys, "argv", [path, *given])
    runpy.run_path(path, run_name="__main__")
    assert "a parlay of" in capsys.readouterr().out


def test_the_demo_plays_the_strategy_of_the_examples() -> None:
    shown = (ROOT / "examples" / "demo_strategy.py").read_text()
    assert shown.startswith(Path(demo_strategy.__file__).read_text())


def strategies() -> list[tuple[str, type[Strategy]]]:
    """Every example that is a strategy."""
    found = []
    for path in EXAMPLES:
        if "Strategy)" in path.read_text():
            names = runpy.run_path(str(path), run_name=path.stem)
            kinds = [x for x in names.values() if isinstance(x, type)]
            found += [(path.stem, x) for x in kinds if x.__module__ == path.stem]
    return found


@pytest.fixture(scope="module", params=exchanges)
def day(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Contract]]:
    """A recording of two markets, one with a favourite, and orders that come and go."""
    path = tmp_path_factory.mktemp(request.param) / "day.jsonl"
    with (
        stage(request.param) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        quoted = [m for m in ex.fetch_markets() if m.bid and m.ask]
        liked = max(quoted, key=lambda m: max(m.bid or 0, 1 - (m.ask or 1)))
        wide = next(m for m in quoted if m is not liked and m.bid != m.grid.lowest)
        markets = [liked, wide]
        books = ex.watch_order_book([m.market_id for m in markets])
        contracts = [contract_of(ex, m.market_id) for m in markets]
        for market in markets:
            name, outcome = market.market_id, market.outcomes[0].label
            for _ in range(5):
                books.next(timeout=10)
                order = ex.create_order(name, outcome, "buy", market.grid.lowest, 10)
                books.next(timeout=10)
                ex.cancel_order(order.order_id)
    return path, contracts


@pytest.mark.parametrize(("name", "kind"), strategies(), ids=lambda x: str(x)[:20])
def test_a_strategy_of_the_examples_runs_in_a_backtest(
    name: str, kind: type[Strategy], day: tuple[Path, list[Contract]]
) -> None:
    path, contracts = day
    strategy = kind()
    strategy.markets = [contract.market_id for contract in contracts]
    report = backtest(strategy, path, contracts=contracts)
    assert report.events > 10
    assert report.failures == ()
    if name == "spread_maker":
        assert len(report.decisions) >= 4
        assert report.order_count >= 4


def test_the_complement_watcher_says_which_questions_it_takes_for_one(
    day: tuple[Path, list[Contract]],
) -> None:
    path, contracts = day
    one, two = [x.market for x in contracts][:2]
    strategy = dict(strategies())["complement_watcher"]()
    strategy.markets = [one.market_id, two.market_id]
    first = backtest(strategy, path, contracts=contracts).notes[0]
    assert first.text == f"taken for one question: {one.title} | {two.title}"


def test_the_complement_watcher_says_that_it_wants_pairs(
    day: tuple[Path, list[Contract]],
) -> None:
    path, contracts = day
    watcher = dict(strategies())["complement_watcher"]
    for some in ([], [contracts[0].market_id]):
        strategy = watcher()
        strategy.markets = some
        with pytest.raises(BadRequest, match="name two markets for each pair"):
            backtest(strategy, path, contracts=contracts)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (InsufficientFunds("too little"), True),
        (OrderUnknown("the answer was lost"), False),
    ],
)
def test_the_favourite_filter_asks_again_where_an_order_failed_and_cannot_exist(
    error: UnifiedExchangesError,
    again: bool,
) -> None:
    strategy = dict(strategies())["favourite_filter"]()
    books = {x: book("900@0.90", "900@0.91", market_id=x) for x in ("RAIN", "SNOW")}
    contracts = [contract(), contract("SNOW")]
    desk = Desk(contracts, Account(Decimal(100)), book=books.get)

    def ordered() -> list[str]:
        return [x.market_id for x in desk.decisions if isinstance(x, Place)]

    for told in books.values():
        strategy.on_book(desk, told)
    assert ordered() == ["RAIN", "SNOW"]
    strategy.on_failure(desk, Failure(command=desk.decisions[0], error=error))
    for told in books.values():
        strategy.on_book(desk, told)
    # The other market has an order on its way, whatever failed here.
    assert ordered() == ["RAIN", "SNOW", *["RAIN"] * again]


def test_the_favourite_filter_leaves_what_it_held_before_it_began() -> None:
    held = Account(Decimal(100))
    price, size = Decimal("0.90"), Decimal(20)
    held.trade(contract(), "yes", Side.BUY, price, size, Decimal(0))
    moved = book("900@0.80", "900@0.81")
    strategy = dict(strategies())["favourite_filter"]()
    desk = Desk([contract()], held, book={"RAIN": moved}.get)
    strategy.on_start(desk)
    strategy.on_book(desk, moved)
    [left] = desk.decisions
    assert isinstance(left, Place)
    assert (left.side, left.size) == (Side.SELL, 20)


def test_there_are_three_strategies_among_the_examples() -> None:
    assert [name for name, _ in strategies()] == [
        "complement_watcher",
        "favourite_filter",
        "spread_maker",
    ]
