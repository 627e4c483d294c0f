"""A backtest is told the same by the tables of a recording as by the recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from unified_exchanges import Gap, MarketChange, OrderBook, Outcome, Trade
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.backtesting.sources import Data, events_of
from unified_exchanges.errors import BadRequest
from unified_exchanges.models import MarketStatus
from unified_exchanges.paper import FREE, Contract, PaperEvent
from unified_exchanges.recording import Body, Closed, Frame, Opened
from unified_exchanges.recording.format import encode
from unified_exchanges.research import Converted, convert
from unified_exchanges.strategies import Desk, Failure, Strategy

from ..paper import scene
from ..recording.sessions import VENUES
from ..research.test_conversion import ADDRESS, DELTA, HEAD, SNAPSHOT
from ..venues.polymarket.stream import desk as poly
from ..venues.polymarket.stream.test_quotes import regridded, resolved, traded


def life(seq: int, what: str, **more: Any) -> str:
    msg = {"event_type": what, "market_ticker": "M", **more}
    return json.dumps({"type": "market_lifecycle_v2", "sid": 9, "seq": seq, "msg": msg})


def trade(seq: int, price: str) -> str:
    msg = {
        "trade_id": f"t{seq}",
        "market_ticker": "M",
        "yes_price_dollars": price,
        "count_fp": "2.00",
        "taker_outcome_side": "yes",
        "ts_ms": HEAD.at // 10**6,
    }
    return json.dumps({"type": "trade", "sid": 7, "seq": seq, "msg": msg})


MILLS = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
YES = {"settlement_value": "1.0000", "result": "yes"}
TOLD: dict[str, tuple[str, ...]] = {
    "kalshi": (
        SNAPSHOT % 1,
        DELTA % (2, "1.50"),
        life(1, "price_level_structure_updated", price_ranges=MILLS),
        (DELTA % (3, "2.00")).replace("0.40", "0.405"),
        trade(1, "0.60"),
        life(2, "deactivated"),
        life(3, "activated"),
        DELTA % (5, "1.00"),  # one was lost
        SNAPSHOT % 6,
        life(4, "determined", **YES),
        life(5, "settled", **YES),
    ),
    "polymarket": tuple(
        json.dumps(told)
        for told in (
            poly.book(bids=(("0.40", "10.00"),), asks=(("0.60", "5.00"),)),
            poly.changes(poly.change("0.40", "11.50"), poly.change("0.41", "3"), at=1),
            regridded(),
            poly.changes(poly.change("0.405", "2"), at=4),
            # Told again, as it was.
            poly.changes(poly.change("0.405", "2"), at=5),
            [poly.book(token=poly.NO, at=5), traded("0.60", size="2")],
            resolved(),
        )
    ),
}
MARKETS = {"kalshi": ("M", "yes", "no"), "polymarket": (poly.A, poly.YES, poly.NO)}


def recording(venue: str, path: Path, *, late: int = 0) -> Path:
    """What is in `TOLD`, so many seconds later."""
    began = HEAD.at + late * 10**9
    lines: list[Any] = [msgspec.structs.replace(HEAD, venue=venue, at=began)]
    lines.append(Opened(began, 0, 1, ADDRESS[venue]))
    asked = json.dumps({"assets_ids": [poly.YES, poly.NO]})
    for n, (direction, text) in enumerate(
        [("out", asked), *(("in", text) for text in TOLD[venue])], 1
    ):
        # The monotonic clock went otherwise: it is not what a backtest goes by.
        lines.append(
            Frame(
                at=began + n * 10**9,
                mono=5 * n,
                connection=1,
                direction=direction,
                body=Body.of(text),
            )
        )
    lines.append(Closed(began + 60 * 10**9, 10**6, 1, "reset"))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def contract(venue: str) -> Contract:
    name, first, second = MARKETS[venue]
    market = attrs.evolve(
        scene.market(name),
        venue=venue,
        outcomes=(Outcome(first, first, "Yes"), Outcome(second, second, "No")),
    )
    return Contract(market=market, fees=FREE, nets=venue == "kalshi")


class Grasping(Strategy):
    """Notes all that it is told, and bids one tick above whenever it may."""

    subjects = ("order_book", "trades", "market_status")

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.log(str(plain(book)))
        market = desk.market(book.market_id)
        if market.status is MarketStatus.OPEN and book.bid and book.ask:
            step = market.grid.step_at(book.bid.price)
            name = market.outcomes[0].label
            desk.place(book.market_id, name, "buy", book.bid.price + step, 1)
            desk.place(book.market_id, name, "buy", book.ask.price, 1)

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        desk.log(str(trade.to_dict()))

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        desk.log(str(change.to_dict()))

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        desk.log(str(gap.to_dict()))


@attrs.frozen
class Session:
    venue: str
    path: Path
    tables: Path
    found: Converted


@pytest.fixture(params=VENUES)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Session:
    path = recording(request.param, tmp_path / "r.jsonl")
    found = convert(path, tmp_path / "tables")
    return Session(request.param, path, tmp_path / "tables", found)


def report_of(session: Session, data: Data) -> Report:
    return backtest(Grasping(), data, contracts=[contract(session.venue)])


def test_a_settlement_and_another_grid_give_the_same_report_byte_by_byte(
    session: Session,
) -> None:
    report = report_of(session, session.path)
    assert report.settlements
    assert report.fills
    # Bids of a tick above were placed by both grids.
    prices = {x.price for x in report.decisions if hasattr(x, "price")}
    assert {len(str(price.normalize())) for price in prices} >= {3, 4, 5}
    of_tables = report_of(session, session.tables)
    assert of_tables.to_json() == report.to_json()


def plain(event: PaperEvent) -> dict[str, Any]:
    # A table holds pictures: whether one still stands is told by gaps.
    told = event.to_dict()
    return {key: value for key, value in told.items() if key not in {"stale", "age"}}


KINDS = (OrderBook, Trade, MarketChange, Gap)


def kind_of(event: PaperEvent) -> type:
    [kind] = [kind for kind in KINDS if isinstance(event, kind)]
    return kind


def test_tables_tell_every_event_of_their_recording_in_its_order(
    session: Session,
) -> None:
    told, stored = (
        [(moment, kind_of(event), plain(event)) for moment, event in events_of(data)]
        for data in (session.path, session.tables)
    )
    assert {kind for _, kind, _ in told} == set(KINDS)
    assert stored == told


def test_changes_and_gaps_are_counted(session: Session) -> None:
    changes, gaps = {"kalshi": (5, 2), "polymarket": (2, 1)}[session.venue]
    assert (session.found.changes, session.found.gaps) == (changes, gaps)


def test_a_change_of_a_market_reads_in_sql(session: Session) -> None:
    files = f"{session.tables}/changes/**/*.parquet"
    [last] = duckdb.sql(
        f"SELECT status, value, result FROM read_parquet('{files}') "
        "ORDER BY line DESC, part DESC LIMIT 1"
    ).fetchall()
    assert (last[0], last[1]) == ("settled", 1)
    assert last[2].lower() == "yes"


@pytest.mark.parametrize("table", ["books", "trades", "changes", "gaps"])
def test_each_table_reads_whole_in_three_libraries(
    session: Session, table: str
) -> None:
    folder = session.tables / table
    names = ["line", "part"]
    by_pandas = pd.read_parquet(folder, dtype_backend="pyarrow")[names]
    by_polars = pl.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
    found = duckdb.sql(f"SELECT line, part FROM read_parquet('{folder}/**/*.parquet')")
    told = sorted(found.fetchall())
    assert told
    assert sorted(by_pandas.itertuples(index=False, name=None)) == told
    assert sorted(by_polars.select(names).rows()) == told


def test_tables_that_lack_a_column_are_refused_by_its_name(session: Session) -> None:
    [file, *_] = (session.tables / "trades").rglob("*.parquet")
    whole = pq.ParquetFile(file).read()
    pq.write_table(whole.drop_columns(["part"]), file)
    with pytest.raises(BadRequest, match=r"has no column part.*convert the recording"):
        list(events_of(session.tables))


# -- several recordings ------------------------------------------------------------------


class Enduring(Grasping):
    """Goes on bidding where the market was settled days ago."""

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        desk.log(str(failure.error))


def report_of_week(session: Session, data: Data) -> Report:
    return backtest(Enduring(), data, contracts=[contract(session.venue)])


@pytest.fixture
def week(session: Session, tmp_path: Path) -> list[Path]:
    """Recordings of which each begins before the last one ends; one tells nothing."""
    paths = [tmp_path / f"day{n}.jsonl" for n in range(6)]
    for number, path in enumerate(paths):
        # Also days apart: each has folders of its own.
        recording(session.venue, path, late=number * 3 + 86_400 * (number // 3))
    silent = tmp_path / "silent.jsonl"
    silent.write_bytes(encode(msgspec.structs.replace(HEAD, venue=session.venue)))
    return [*paths, silent]


def test_tables_of_a_week_give_the_report_of_its_recordings_byte_by_byte(
    session: Session, week: list[Path], tmp_path: Path
) -> None:
    of_recordings = report_of_week(session, week)
    assert of_recordings.repeated
    assert of_recordings.fills
    convert(week, tmp_path / "week")
    assert (
        report_of_week(session, tmp_path / "week").to_json() == of_recordings.to_json()
    )
    names = [x.name for x in of_recordings.assumptions.data]
    assert names == [path.name for path in week]


def test_what_is_added_a_day_later_is_as_if_converted_at_once(
    session: Session, week: list[Path], tmp_path: Path
) -> None:
    at_once, daily = tmp_path / "at_once", tmp_path / "daily"
    convert(week, at_once)
    for path in week:
        convert(path, daily, add=True)
    files = [
        {str(x.relative_to(out)): x.read_bytes() for x in out.rglob("*.parquet")}
        for out in (at_once, daily)
    ]
    assert files[0] == files[1]
    assert (
        report_of_week(session, at_once).to_json()
        == report_of_week(session, daily).to_json()
    )


def test_tables_and_recordings_are_read_together_in_their_order(
    session: Session, week: list[Path], tmp_path: Path
) -> None:
    convert(week[:3], tmp_path / "first")
    mixed = report_of_week(session, [tmp_path / "first", *week[3:]])
    assert mixed.to_json() == report_of_week(session, week).to_json()


def test_a_week_is_one_table_for_duckdb_polars_and_pandas(
    week: list[Path], tmp_path: Path
) -> None:
    found = convert(week, tmp_path / "week")
    of_each = [convert(x, tmp_path / f"out{n}").trades for n, x in enumerate(week)]
    assert found.trades == sum(of_each) > 0
    files = f"{tmp_path}/week/trades/**/*.parquet"
    counted = duckdb.sql(
        f"SELECT recording, count(*) FROM read_parquet('{files}') GROUP BY 1 ORDER BY 1"
    ).fetchall()
    expected = [
        (f"00{n}-day{n - 1}.jsonl", count)
        for n, count in enumerate(of_each, 1)
        if count
    ]
    assert counted == expected
    frame = pl.read_parquet(files, hive_partitioning=True)
    sizes = frame.group_by("recording").len().sort("recording").rows()
    assert sizes == expected
    told = pd.read_parquet(tmp_path / "week" / "trades", dtype_backend="pyarrow")
    assert len(told) == found.trades
    assert set(told["recording"]) == {name for name, _ in expected}


def test_a_week_is_open_one_recording_at_a_time(
    session: Session,
    week: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, path in enumerate(week[:6]):
        recording(session.venue, path, late=86_400 * number)
    convert(week, tmp_path / "week")
    opened: list[str] = []

    class Seen(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, source: Path) -> None:
            super().__init__(source)
            self.of = next(x for x in source.parts if x.startswith("recording="))
            opened.append(self.of)

        def close(self, force: bool = False) -> None:
            opened.remove(self.of)
            super().close(force)

    monkeypatch.setattr("unified_exchanges.research.files.pq.ParquetFile", Seen)
    # What is read at once is not open while it is looked at.
    monkeypatch.setattr("unified_exchanges.research.files._ROWS", 2)
    most = max(len(set(opened)) for _ in events_of(tmp_path / "week"))
    assert most == 1
    assert not opened
