"""Strategies from the command line: on a venue, and over what `record` wrote."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import exchange, exchanges
from unified_exchanges.backtesting.sources import events_of, markets_told
from unified_exchanges.cli.practice import Practice, practice
from unified_exchanges.models import OrderBook, Trade
from unified_exchanges.recording import DamagedRecording, End, Rest, Torn, read
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert

from ..guards import ROOT
from ..research.test_conversion import DELTA, SNAPSHOT, journal
from ..unmeasured import unmeasured_children
from .conftest import invoke
from .test_processes import shell

IMPORT = "import unified_exchanges as ux\n"
MAKER = str(ROOT / "examples" / "spread_maker.py")


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    """Whoever runs a sweep kills its workers, or may: none of them measures coverage."""
    with unmeasured_children():
        yield


@pytest.fixture(scope="module", params=exchanges)
def place(request: pytest.FixtureRequest) -> Iterator[Practice]:
    with practice(request.param, seed=7, lively=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def markets(place: Practice) -> list[str]:
    account = place.account
    with exchange(place.venue, **account) as ex:
        found = [m for m in ex.fetch_markets() if m.bid and m.ask]
        return [market.market_id for market in found[:2]]


@pytest.fixture(scope="module")
def recording(
    place: Practice, markets: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("day") / "day.jsonl"
    words = ("record", place.venue, *markets, "--out", str(path), "--for", "3s")
    done = invoke(*words, env=place.exports)
    assert done.code == 0, done.err
    return path


def test_a_strategy_runs_on_a_venue_and_leaves_nothing_open(
    place: Practice, markets: list[str]
) -> None:
    words = ("run", MAKER, *markets, "--for", "3s", "--json")
    done = invoke(*words, env=place.exports)
    assert done.code == 0, done.err
    assert done.document["events"] > 0
    assert len(done.document["decisions"]) >= 2
    with exchange(place.venue, **place.account) as ex:
        assert ex.fetch_open_orders() == []


def test_a_run_is_told_as_a_table(place: Practice, markets: list[str]) -> None:
    done = invoke("run", MAKER, *markets, "--for", "1s", env=place.exports)
    assert done.code == 0, done.err
    assert "open when it stopped" in done.out


def test_a_recording_is_enough_for_a_backtest(
    recording: Path, markets: list[str], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    words = ("backtest", MAKER, "--data", str(recording), "--html", str(page))
    done = invoke(*words, "--json")
    assert done.code == 0, done.err
    assert {x["market_id"] for x in done.document["markets"]} == set(markets)
    assert len(done.document["decisions"]) >= 2
    assert done.document["starting_cash"] == "10000"
    assert "<svg" in page.read_text()
    assert invoke(*words, "--json").out == done.out


def test_a_run_over_a_recording_decides_as_its_backtest(
    recording: Path, markets: list[str]
) -> None:
    delays = ("--order-delay", "20")
    ran = invoke("run", MAKER, *markets, "--over", str(recording), *delays, "--json")
    assert ran.code == 0, ran.err
    words = ("backtest", MAKER, *markets, "--data", str(recording), *delays, "--json")
    tested = invoke(*words)
    assert tested.code == 0, tested.err
    mine, theirs = (
        [x | {"key": ""} for x in done.document["decisions"]] for done in (ran, tested)
    )
    assert len(theirs) >= 2
    assert mine[: len(theirs)] == theirs


def test_a_run_without_markets_says_which_the_recording_has(
    place: Practice, markets: list[str], recording: Path
) -> None:
    done = invoke("run", MAKER, "--over", str(recording), "--json")
    assert done.code == 2
    message = done.error["message"]
    assert f"`run {MAKER} MARKET --over {recording}`" in message
    assert all(name in message for name in markets)
    live = invoke("run", MAKER, "--json", env=place.exports)
    assert live.code == 2
    assert f"`run {MAKER} MARKET`; `markets` lists them" in live.error["message"]
    gone = invoke("run", MAKER, "--over", str(recording.parent / "no"), "--json")
    assert (gone.code, "there is no" in gone.error["message"]) == (2, True)


def test_a_run_over_two_recordings_is_refused(recording: Path) -> None:
    path = str(recording)
    done = invoke("run", MAKER, "--over", path, "--over", path, "--json")
    assert done.code == 2
    assert "--over is there 2 times, and a run on paper is over one" in done.err


@pytest.mark.parametrize("named", [(), ("RAIN",)])
def test_a_run_over_a_cassette_of_two_venues_says_that_it_holds_no_stream(
    tmp_path: Path, named: Sequence[str]
) -> None:
    held = [
        {"request": {"method": "GET", "uri": uri}, "response": {}}
        for uri in (
            "https://external-api.kalshi.com/trade-api/v2/exchange/status",
            "https://clob.polymarket.com/time",
        )
    ]
    tape = tmp_path / "tape.json"
    tape.write_text(json.dumps({"version": 1, "interactions": held}, indent=4))
    done = invoke("run", MAKER, *named, "--over", str(tape), "--json")
    assert done.code == 2
    assert "is a cassette, " in done.error["message"]
    assert "no stream" in done.error["message"]


def test_what_is_for_a_recording_is_refused_without_one(
    place: Practice, markets: list[str], recording: Path, tmp_path: Path
) -> None:
    done = invoke("run", MAKER, *markets, "--cash", "5", env=place.exports)
    assert done.code == 2
    assert "--cash has no effect without --over" in done.err
    words = ("run", MAKER, *markets, "--over", str(recording))
    done = invoke(*words, "--journal", str(tmp_path / "j"), env=place.exports)
    assert done.code == 2
    assert "--journal has no effect with --over" in done.err
    # What is set for every command does not concern this one.
    elsewhere = {"UNIFIED_EXCHANGES_PAPER": str(tmp_path / "paper.db")}
    done = invoke(*words, env=place.exports | elsewhere)
    assert done.code == 0, done.err
    assert not (tmp_path / "paper.db").exists()


def test_tables_are_enough_for_a_backtest(recording: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    assert invoke("convert", str(recording), "--out", str(tables)).code == 0
    done = invoke("backtest", MAKER, "--data", str(tables), "--json")
    assert done.code == 0, done.err
    whole = invoke("backtest", MAKER, "--data", str(recording), "--json").document
    told = done.document
    assert told["markets"]
    for name in ("markets", "assumptions", "fills", "pnl", "notes", "equity_curve"):
        assert told[name] == whole[name]
    swept = invoke("sweep", MAKER, "--data", str(tables), "--workers", "1", "--json")
    assert swept.code == 0, swept.err
    assert swept.document["rows"][0]["pnl"] == told["pnl"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings of two venues."""
    found: list[Path] = []
    for venue in exchanges:
        path = tmp_path_factory.mktemp("both") / f"{venue}.jsonl"
        with practice(venue, seed=7, lively=True) as place:
            with exchange(venue, **place.account) as ex:
                name = next(m for m in ex.fetch_markets() if m.bid and m.ask).market_id
            words = ("record", venue, name, "--out", str(path), "--for", "2s")
            done = invoke(*words, env=place.exports)
        assert done.code == 0, done.err
        found.append(path)
    return found


def test_tables_of_two_venues_are_backtested(both: list[Path], tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    assert invoke("convert", *map(str, both), "--out", str(tables)).code == 0
    words = ["backtest", MAKER, "--data", str(tables), "--json"]
    done = invoke(*words)
    assert done.code == 0, done.err
    assert [x["venue"] for x in done.document["markets"]] == list(exchanges)
    assert [x["rule"] for x in done.document["assumptions"]["fees"]] != ["none"] * 2
    alone = invoke(
        "backtest", MAKER, "--data", str(both[0]), "--data", str(both[1]), "--json"
    )
    assert done.document["markets"] == alone.document["markets"]


def test_that_only_the_fees_of_a_market_are_missing_is_told_apart(
    both: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "free.jsonl"
    kept = [
        line
        for line in read(both[0])
        if not isinstance(line, Torn | Rest)
        or (isinstance(line, Rest) and "/series" not in line.path)
    ]
    path.write_bytes(b"".join(map(encode, kept)))
    words = ("backtest", MAKER, "--data", str(path), "--json")
    done = invoke(*words)
    assert done.code == 2
    assert "has the fees of the market" in done.error["message"]
    assert "--no-fees" in done.error["message"]
    assert invoke(*words, "--no-fees").code == 0


def test_a_recording_in_place_of_the_strategy_is_told(
    both: list[Path], tmp_path: Path
) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(gzip.decompress(both[0].read_bytes()))
    other = tmp_path / "other.bin"
    other.write_bytes(bytes(range(256)))
    for path in (both[0], plain, other):
        done = invoke("backtest", str(path), "--data", str(both[0]), "--json")
        assert done.code == 2
        assert (
            "is no Python: the file with the strategy comes first"
            in done.error["message"]
        )
    done = invoke("backtest", str(tmp_path), "--data", str(both[0]), "--json")
    assert (done.code, "is a folder" in done.error["message"]) == (2, True)


def test_the_markets_of_a_recording_are_found_without_reading_its_changes(
    tmp_path: Path,
) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"))
    *lines, change, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, change.replace(b"}", b"", 1), last]))
    assert set(markets_told(path)) == {"M"}
    with pytest.raises(DamagedRecording):
        list(events_of(path))


def test_the_markets_of_tables_are_those_of_their_recordings(
    both: list[Path], tmp_path: Path
) -> None:
    convert(both, tmp_path / "tables")
    told = {x for path in both for x in markets_told(path)}
    assert set(markets_told(tmp_path / "tables")) == told
    books = (event for path in both for _, event in events_of(path))
    assert told == {x.market_id for x in books if isinstance(x, OrderBook | Trade)}


@pytest.mark.parametrize("is_table", [True, False])
def test_a_report_says_that_a_recording_has_no_end(
    both: list[Path], tmp_path: Path, *, is_table: bool
) -> None:
    path = tmp_path / "killed.jsonl"
    lines = [encode(x) for x in read(both[0]) if not isinstance(x, Torn | End)]
    path.write_bytes(b"".join(lines))
    data = path
    if is_table:
        data = tmp_path / "tables"
        convert(path, data)
    told = [
        invoke("backtest", MAKER, "--data", str(x), "--json").document["notes"]
        for x in (data, both[0])
    ]
    said = "the recording killed.jsonl has no end"
    assert [[said in x["text"] for x in notes].count(True) for notes in told] == [1, 0]


def test_what_a_backtest_cannot_print_was_done_at_no_venue(recording: Path) -> None:
    words = f"backtest {MAKER} --data {recording} --json > /dev/full"
    done = shell(words)
    said = "cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_what_it_begins_with_and_how_late_it_is_are_options(recording: Path) -> None:
    late = ("--order-delay", "100", "--event-delay", "50", "--cash", "12.5")
    words = ("backtest", MAKER, "--data", str(recording), *late, "--no-fees")
    done = invoke(*words, "--json")
    assert done.code == 0, done.err
    assert Decimal(done.document["starting_cash"]) == Decimal("12.5")
    shown = invoke(*words)
    assert "deepest drawdown" in shown.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "it has: none"),
        (
            f"{IMPORT}class A(ux.Strategy): pass\nclass B(ux.Strategy): pass",
            "A, B",
        ),
        (
            f"{IMPORT}class A(ux.Strategy):\n    def __init__(self, x): pass",
            "without arguments",
        ),
    ],
)
def test_a_file_that_is_no_strategy_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    done = invoke("backtest", str(file), "--data", str(file), "--json")
    assert (done.code, said in done.error["message"]) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--data"),
        (("--data", "/nowhere.jsonl"), "there is no /nowhere.jsonl"),
    ],
)
def test_data_that_is_not_there_is_said(words: tuple[str, ...], said: str) -> None:
    done = invoke("backtest", MAKER, *words, "--json")
    assert (done.code, said in json.loads(done.err)["message"]) == (2, True)


@pytest.mark.parametrize("command", ["backtest", "sweep"])
def test_a_market_that_no_recording_has_is_named_and_those_that_there_are(
    recording: Path, markets: list[str], command: str
) -> None:
    nearly = f"{markets[1]}X"
    done = invoke(command, MAKER, nearly, "--data", str(recording), "--json")
    assert done.code == 2
    # The one that may be meant comes first.
    there = f"{markets[1]}, {markets[0]}"
    said = f"no recording has the market {nearly!r}, but {there}: --markets-from names"
    assert said in done.error["message"]


def test_of_many_markets_that_there_are_eight_are_named(tmp_path: Path) -> None:
    many = [SNAPSHOT.replace('"M"', f'"M{n:02}"') % (n + 1) for n in range(12)]
    path = journal(tmp_path / "r", *many)
    done = invoke("backtest", MAKER, "M1", "--data", str(path), "--json")
    there = re.findall(r"M\d\d", done.error["message"])
    assert len(there) == len(set(there)) == 8
    assert f"{there[-1]}, …: " in done.error["message"]


@pytest.mark.parametrize("name", ["M", "kalshi:M"])
def test_a_market_that_is_there_without_its_terms_is_not_named_as_another(
    tmp_path: Path, name: str
) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1)
    done = invoke("backtest", MAKER, name, "--data", str(path), "--json")
    assert f"no recording has the market {name!r}: --markets" in done.error["message"]


SWEPT = f"""import enum
{IMPORT}
Pace = enum.IntEnum("Pace", "SLOW FAST")
class Swept(ux.Strategy):
    size = 1
    how: str = "well"
    pace = Pace.SLOW
    sizes = (1, 2)
    def __init__(self, is_on: bool = True, rate: float = 0.5, free=None):
        self.given = is_on, rate, free
    def on_stop(self, desk):
        if self.how == "badly":
            raise ValueError("as it was told")
        assert (type(self.size), self.given[0]) == (int, False)
        assert isinstance(self.pace, Pace)
"""


@pytest.fixture
def swept(tmp_path: Path) -> str:
    file = tmp_path / "swept.py"
    file.write_text(SWEPT)
    return str(file)


def test_a_sweep_gives_the_figures_of_its_backtests(
    recording: Path, markets: list[str]
) -> None:
    words = ("sweep", MAKER, "--data", str(recording), "--param", "size=20,40")
    done = invoke(*words, "--param", "room=3", "--workers", "2", "--json")
    assert done.code == 0, done.err
    rows = done.document["rows"]
    assert [x["parameters"] for x in rows] == [
        {"size": "20", "room": 3},
        {"size": "40", "room": 3},
    ]
    alone = invoke("backtest", MAKER, "--data", str(recording), "--json").document
    names = ("pnl", "fees", "max_drawdown", "turnover", "order_count")
    assert {name: rows[0][name] for name in names} == {x: alone[x] for x in names}
    here = invoke(*words, "--param", "room=3", "--workers", "1", "--json")
    assert here.out == done.out


def test_a_sweep_on_a_cluster_gives_the_document_of_one_on_this_machine(
    recording: Path,
) -> None:
    from distributed import LocalCluster

    words = ("sweep", MAKER, "--data", str(recording), "--param", "size=20,40")
    here = invoke(*words, "--workers", "1", "--json")
    assert here.code == 0, here.err
    # Its annotations say that entering it needs an event loop, which it does not.
    cluster: Any = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )
    with cluster:
        address = cluster.scheduler_address
        assert address.startswith("tcp://")
        there = invoke(*words, "--engine", "dask", "--scheduler", address, "--json")
    assert there.code == 0, there.err
    assert len(there.document["rows"]) == 2
    assert there.out == here.out


def test_a_sweep_is_told_as_a_table_and_failures_beside_it(
    recording: Path, swept: str
) -> None:
    words = ("sweep", swept, "--data", str(recording))
    given = ("--param", "is_on=false", "--param", "how=well,badly", "--workers", "1")
    done = invoke(*words, *given)
    assert done.code == 8, done.err
    assert "drawdown" in done.out
    assert (
        "run 2 (is_on=False how=badly) failed: ValueError: as it was told" in done.err
    )
    stopped = invoke(
        *words, "--param", "how=badly,well", "--workers", "1", "--stop-on-failure"
    )
    assert "1 runs were not made" in stopped.err


def test_a_member_of_an_enumeration_is_named(recording: Path, swept: str) -> None:
    words = ("sweep", swept, "--data", str(recording), "--param", "is_on=false")
    done = invoke(*words, "--param", "pace=FAST,SLOW", "--workers", "1")
    assert (done.code, "FAST" in done.out) == (0, True), done.err


def test_a_run_whose_orders_were_refused_is_told_as_such(recording: Path) -> None:
    words = ("sweep", MAKER, "--data", str(recording), "--workers", "1", "--param")
    sound, refused = (invoke(*words, f"size={n}") for n in ("20", "20,-5"))
    assert (sound.code, refused.code) == (0, 0)
    assert "refused" not in sound.out
    rows = invoke(*words, "size=20,-5", "--json").document["rows"]
    counts = [x["refused"] for x in rows]
    assert counts[0] == 0 < counts[1]
    assert "refused" in refused.out
    assert f"{counts[1]:,}" in refused.out


def test_each_of_the_data_runs_by_itself_unless_told_otherwise(
    recording: Path, tmp_path: Path, swept: str
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(recording.read_bytes())
    words = ("sweep", swept, "--param", "is_on=false", "--workers", "1", "--json")
    both = ("--data", str(recording), "--data", str(other))
    apart = invoke(*words, *both)
    assert apart.code == 0, apart.err
    assert [x["data"] for x in apart.document["rows"]] == [str(recording), str(other)]
    merged = invoke(*words, *both, "--together")
    assert [x["data"] for x in merged.document["rows"]] == [""]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--param", "size"), "NAME=VALUE"),
        (("--param", "size=1", "--param", "size=2"), "twice"),
        (
            ("--param", "size=1,1.5"),
            "'1.5' is not a whole number such as 10, as size of Swept is (by default 1)",
        ),
        (("--param", "is_on=maybe"), "'maybe' is not true or false, as is_on of"),
        (("--param", "rate=x"), "'x' is not a number such as 0.5"),
        (("--param", "pace=FAST,quick"), "'quick' is not one of SLOW, FAST, as pace"),
        (("--param", "sizes=3"), "'3' is text, and no tuple: call sweep() in Python"),
        (("--param", "sise=1"), "no parameter 'sise'"),
        (("--engine", "dask"), "address of a scheduler"),
        (("--engine", "spark"), "neither"),
        (("--best", "profit"), "no figure 'profit'"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(
    recording: Path, swept: str, words: tuple[str, ...], said: str
) -> None:
    done = invoke("sweep", swept, "--data", str(recording), *words)
    assert (done.code, said in done.err) == (2, True)


def test_a_sweep_needs_data(swept: str) -> None:
    assert invoke("sweep", swept).code == 2
    assert invoke("sweep", swept, "--data", "/nowhere.jsonl").code == 2
