"""What a run, a backtest and a sweep say besides their figures."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from unified_exchanges import OrderRejected, Strategy, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.cli.outcomes import of_backtest
from unified_exchanges.cli.practice import practice
from unified_exchanges.recording import End, Torn, read
from unified_exchanges.recording.format import encode
from unified_exchanges.strategies import Cancel, Failure

from .conftest import invoke

TALKER = r"""
import unified_exchanges as ux

class Talker(ux.Strategy):
    lines = 2
    def on_start(self, desk):
        self.asked = False
        for number in range(self.lines):
            desk.log(f"[bold]line {number}[/bold]\n\x1b[2J!")
    def on_book(self, desk, book):
        if not book.ask or self.asked:
            return
        self.asked = True
        place = book.market_id, desk.market(book.market_id).outcomes[0].label, "buy"
        for _ in range(3):
            desk.place(*place, book.ask.price, 100_000_000)
        desk.place(*place, book.ask.price, 1, post_only=True)
    def on_failure(self, desk, failure):
        pass
"""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A market, and a recording of it that was not closed."""
    folder = tmp_path_factory.mktemp("killed")
    with practice("kalshi", seed=7, lively=True) as place:
        with exchange("kalshi", **place.account) as ex:
            name = next(m for m in ex.fetch_markets() if m.bid and m.ask).market_id
        words = ("record", "kalshi", name, "--out", str(folder / "r.jsonl"))
        done = invoke(*words, "--for", "3s", env=place.exports)
    assert done.code == 0, done.err
    kept = [x for x in read(folder / "r.jsonl") if not isinstance(x, Torn | End)]
    (folder / "killed.jsonl").write_bytes(b"".join(map(encode, kept)))
    return name, folder / "killed.jsonl"


@pytest.fixture
def talker(tmp_path: Path) -> str:
    path = tmp_path / "talker.py"
    path.write_text(TALKER)
    return str(path)


LOG = ["[bold]line 0[/bold] [2J!", "[bold]line 1[/bold] [2J!"]
UNENDED = "the recording killed.jsonl has no end"


def test_a_backtest_prints_its_log_and_a_run_over_it_told_it_as_it_came(
    talker: str, market: tuple[str, Path]
) -> None:
    name, data = market
    tested = invoke("backtest", talker, name, "--data", str(data))
    assert tested.code == 0, tested.err
    assert UNENDED in tested.out
    lines = tested.out.splitlines()[:2]
    assert [line.split(maxsplit=2)[2] for line in lines] == LOG
    ran = invoke("run", talker, name, "--over", str(data))
    assert ran.code == 0, ran.err
    assert [line.split(maxsplit=2)[2] for line in ran.err.splitlines()[:2]] == LOG


def test_failures_are_told_by_their_reasons(
    talker: str, market: tuple[str, Path]
) -> None:
    name, data = market
    # The guards refuse before anything is sent what the account could not pay.
    done = invoke("backtest", talker, name, "--data", str(data))
    told = [x for x in done.out.splitlines() if x.startswith(("3 ×", "1 ×"))]
    kinds = [x.split(":")[0] for x in told]
    assert kinds == ["3 × GuardTripped", "1 × OrderRejected"]
    ran = invoke("run", talker, name, "--over", str(data))
    assert [ran.err.count(f"{x}: ") for x in ("GuardTripped", "OrderRejected")] == [
        3,
        1,
    ]


def test_of_a_long_log_the_last_lines_are_printed_and_the_rest_is_counted(
    talker: str, market: tuple[str, Path], tmp_path: Path
) -> None:
    name, data = market
    long = tmp_path / "long.py"
    long.write_text(TALKER.replace("lines = 2", "lines = 10_000"))
    done = invoke("backtest", str(long), name, "--data", str(data))
    first, *lines = [x for x in done.out.splitlines() if "line" in x]
    assert first == "… 9,900 lines of the log before; --json has all"
    assert (len(lines), "line 9999[" in lines[-1]) == (100, True)
    assert UNENDED in done.out


def test_of_many_reasons_the_most_frequent_are_printed() -> None:
    reasons = [f"reason {n}" for n in (*range(12), 11, 11, 10)]
    failures = tuple(
        Failure(command=Cancel(at=0, key="a"), error=OrderRejected(x)) for x in reasons
    )
    empty = backtest(Strategy(), iter([]), contracts=[])
    *told, _ = of_backtest(attrs.evolve(empty, failures=failures, notes=()))
    first, second, *others, last = map(str, told)
    assert first == "3 × OrderRejected: reason 11"
    assert second == "2 × OrderRejected: reason 10"
    assert len(others) == 6
    assert last == "… 4 failures of 4 reasons more; --json has all"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_sweep_says_once_what_concerns_its_data(
    talker: str, market: tuple[str, Path], workers: str
) -> None:
    name, data = market
    words = ("sweep", talker, name, "--data", str(data), "--param", "lines=1,2,3")
    done = invoke(*words, "--workers", workers)
    assert done.code == 0, done.err
    assert done.err.count(UNENDED) == 1
    assert "line 0" not in done.out + done.err
    rows = invoke(*words, "--workers", workers, "--json").document["rows"]
    assert [[UNENDED in x["text"] for x in row["notes"]] for row in rows] == [
        [True]
    ] * 3


def test_how_often_equity_is_looked_at_is_an_option(
    talker: str, market: tuple[str, Path]
) -> None:
    name, data = market
    words = (talker, name, "--data", str(data), "--sample", "1s", "--json")
    told = invoke("backtest", *words).document
    assert told["assumptions"]["sample"] == 1_000_000_000
    assert invoke("sweep", *words, "--workers", "1").code == 0
    for command in ("backtest", "sweep"):
        done = invoke(command, *words[:-2], "soon", "--json")
        assert done.code == 2
        assert done.error["message"].startswith("--sample 'soon' is no span of time")
