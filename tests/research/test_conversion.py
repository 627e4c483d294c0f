"""Recordings as Parquet: the same facts as live, exactly, in the three libraries."""

from __future__ import annotations

import gc
import json
import re
import sys
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from unified_exchanges import BadRequest, exchange
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.models import Gap, Order, OrderBook, Trade
from unified_exchanges.recording import (
    Body,
    Closed,
    DamagedRecording,
    End,
    Frame,
    Header,
    Opened,
    Recorder,
)
from unified_exchanges.recording.format import encode
from unified_exchanges.research import ConversionProgress, Converted, convert
from unified_exchanges.research.rows import Rows

from ..recording.sessions import VENUES, in_force, plain, stage
from ..venues.polymarket.stream import desk as poly

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@attrs.frozen(kw_only=True)
class Session:
    """What was seen live, and where its tables are."""

    books: list[OrderBook]
    order: Order
    trade: Trade
    out: Path
    found: Converted

    def files(self, table: str) -> str:
        return f"{self.out}/{table}/**/*.parquet"


@pytest.fixture(scope="module", params=VENUES)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    folder = tmp_path_factory.mktemp(request.param)
    path, out = folder / "session.jsonl", folder / "tables"
    with (
        stage(request.param) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        markets = ex.fetch_markets()
        market = next(m for m in markets if m.bid and m.ask and m.bid > m.grid.lowest)
        name, outcome = market.market_id, market.outcomes[0].label
        books = ex.watch_order_book(name)
        trades = ex.watch_trades(name)
        tickers = ex.watch_ticker(name)
        orders = ex.watch_orders()
        in_force(ex)
        seen = [books.next(timeout=10)]
        tickers.next(timeout=10)
        # A read may tell of the first, before the stream of orders is open.
        for size in (7, 10):
            order = ex.create_order(name, outcome, "buy", market.grid.lowest, size)
            while orders.next(timeout=10).order_id != order.order_id:
                pass
        ex.create_order(name, outcome, "buy", market.ask, 5)
        trade = trades.next(timeout=10)
        # Until the stream told of all of it.
        whole = ex.fetch_order_book(name)
        while (seen[-1].bids, seen[-1].asks) != (whole.bids, whole.asks):
            seen.append(books.next(timeout=10))
    found = convert(path, out)
    return Session(books=seen, order=order, trade=trade, out=out, found=found)


def test_every_table_has_what_was_told(session: Session) -> None:
    found = session.found
    assert found.books > 5
    assert found.trades == 1
    assert found.tickers >= 1
    assert found.orders >= 1
    assert not found.is_torn


def test_files_lie_by_venue_market_and_day(session: Session) -> None:
    day = datetime.now(UTC).date()
    trade = session.trade
    [file] = (session.out / "trades").rglob("*.parquet")
    assert file.parents[3].name == "recording=001-session.jsonl"
    assert file.parents[2].name == f"venue={trade.venue}"
    assert file.parent.parent.name == f"market={trade.market_id}"
    assert file.parent.name.startswith(f"day={day:%Y-%m}")


def rows(session: Session, table: str, reader: str) -> list[dict[str, Any]]:
    files = session.files(table)
    if reader == "duckdb":
        found = duckdb.sql(f"SELECT * FROM read_parquet('{files}') ORDER BY line")
        return found.to_arrow_table().to_pylist()
    if reader == "polars":
        return pl.read_parquet(files).sort("line").to_dicts()
    frame = pd.read_parquet(session.out / table, dtype_backend="pyarrow")
    return frame.sort_values("line").to_dict("records")


@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_a_trade_reads_as_it_was_told_live(session: Session, reader: str) -> None:
    [row] = rows(session, "trades", reader)
    trade = session.trade
    assert (row["price"], row["size"]) == (trade.price, trade.size)
    assert isinstance(row["price"], Decimal)
    assert (row["trade_id"], row["outcome"]) == (trade.trade_id, trade.outcome)
    assert row["created_at"] == trade.created_at


@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_an_order_reads_as_it_was_told_live(session: Session, reader: str) -> None:
    order = session.order
    told = [
        row
        for row in rows(session, "orders", reader)
        if row["order_id"] == order.order_id
    ]
    assert [(r["price"], r["size"], r["side"]) for r in told[:1]] == [
        (order.price, order.size, order.side.value)
    ]


@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_rows_of_a_book_add_up_to_the_book_that_was_seen(
    session: Session, reader: str
) -> None:
    last = session.books[-1]
    sides: dict[str, dict[Decimal, Decimal]] = {"bid": {}, "ask": {}}
    for row in rows(session, "books", reader):
        if row["event"] == "stale" or row["outcome"] != last.outcome:
            continue
        sides[row["side"]][row["price"]] = row["size"]
    built = {
        side: {price: size for price, size in levels.items() if size}
        for side, levels in sides.items()
    }
    assert built["bid"] == {level.price: level.size for level in last.bids}
    assert built["ask"] == {level.price: level.size for level in last.asks}


def test_prices_and_sizes_multiply_exactly_in_sql(session: Session) -> None:
    files = session.files("trades")
    [[paid]] = duckdb.sql(
        f"SELECT price * size FROM read_parquet('{files}')"
    ).fetchall()
    assert paid == session.trade.price * session.trade.size


# -- what is not whole -------------------------------------------------------------------

HEAD = Header(
    format=1,
    venue="kalshi",
    environment="local",
    library="0",
    rest="http://kalshi.test",
    at=1_795_930_000 * 10**9,
    mono=0,
)
SNAPSHOT = (
    '{"type":"orderbook_snapshot","sid":1,"seq":%d,"msg":{"market_ticker":"M","market_id":"x",'
    '"yes_dollars_fp":[["0.40","10.00"]],"no_dollars_fp":[["0.60","5.00"]]}}'
)
DELTA = (
    '{"type":"orderbook_delta","sid":1,"seq":%d,"msg":{"market_ticker":"M","market_id":"x",'
    '"price_dollars":"0.40","delta_fp":"%s","side":"yes","ts_ms":1795930000000}}'
)


def journal(path: Path, *frames: str) -> Path:
    lines: list[Any] = [HEAD, Opened(HEAD.at, 0, 1, "ws://kalshi.test")]
    for n, text in enumerate(frames, 1):
        at = HEAD.at + n
        lines.append(
            Frame(at=at, mono=n, connection=1, direction="in", body=Body.of(text))
        )
    lines.append(Closed(HEAD.at + 10**6, 10**6, 1, "reset"))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def told(out: Path) -> list[tuple[Any, ...]]:
    found = duckdb.sql(
        "SELECT event, side, price, size FROM "
        f"read_parquet('{out}/books/**/*.parquet') ORDER BY line, side"
    )
    return found.fetchall()


def test_a_book_is_stale_from_a_lost_message_to_its_next_snapshot(
    tmp_path: Path,
) -> None:
    path = journal(
        tmp_path / "r",
        SNAPSHOT % 1,
        DELTA % (2, "1.50"),
        DELTA % (4, "1.00"),
        DELTA % (5, "1.00"),
        SNAPSHOT % 6,
    )
    convert(path, tmp_path / "out")
    price, other = Decimal("0.400000"), Decimal("0.600000")
    assert told(tmp_path / "out") == [
        ("snapshot", "ask", other, Decimal(5)),
        ("snapshot", "bid", price, Decimal(10)),
        ("change", "bid", price, Decimal("11.5")),
        ("stale", None, None, None),
        ("snapshot", "ask", other, Decimal(5)),
        ("snapshot", "bid", price, Decimal(10)),
        ("stale", None, None, None),
    ]


SAID = {
    "kalshi": (
        SNAPSHOT % 1,
        DELTA % (2, "1.50"),
        DELTA % (4, "1.00"),
        SNAPSHOT % 5,
    ),
    "polymarket": tuple(
        json.dumps(told)
        for told in (
            poly.book(bids=(("0.40", "10.00"),), asks=(("0.60", "5.00"),)),
            poly.changes(poly.change("0.40", "11.50"), at=1),
            poly.changes(poly.change("0.40", "12.50"), at=2),
            poly.book(bids=(("0.40", "10.00"),), asks=(("0.60", "5.00"),), at=3),
        )
    ),
}
NOTE = "-----BEGIN PRIVATE KEY"
HIDDEN = {
    "kalshi": json.dumps({**json.loads(DELTA % (3, "1.00")), "note": NOTE}),
    "polymarket": json.dumps(
        {**poly.changes(poly.change("0.40", "12.00"), at=2), "note": NOTE}
    ),
}
ADDRESS = {"kalshi": "ws://kalshi.test", "polymarket": "ws://poly.test/ws/market"}


@pytest.mark.parametrize("venue", VENUES)
def test_a_book_is_stale_from_a_withheld_message_to_its_next_snapshot(
    tmp_path: Path, venue: str
) -> None:
    with stage(venue) as at, exchange(at.venue, **at.account) as ex:
        recorder = Recorder(ex, tmp_path / "r")
        number = recorder.opened(ADDRESS[venue])
        recorder.told(number, "out", [json.dumps({"assets_ids": [poly.YES]})])
        first, second, third, fourth = SAID[venue]
        recorder.told(number, "in", [first, second, HIDDEN[venue]])
        recorder.told(number, "in", [third, fourth])
        recorder.close()
    convert(tmp_path / "r", tmp_path / "out")
    bid, ask = Decimal("0.400000"), Decimal("0.600000")
    assert told(tmp_path / "out") == [
        ("snapshot", "ask", ask, Decimal(5)),
        ("snapshot", "bid", bid, Decimal(10)),
        ("change", "bid", bid, Decimal("11.5")),
        ("stale", None, None, None),
        ("snapshot", "ask", ask, Decimal(5)),
        ("snapshot", "bid", bid, Decimal(10)),
    ]


@pytest.mark.parametrize(
    "trade",
    [
        poly.user_trade(),
        poly.user_trade(trader_side="MAKER", maker_orders=[poly.maker()]),
        # Of another key of the wallet, which the recording does not name.
        poly.user_trade(
            trader_side="MAKER", owner="o", maker_orders=[poly.maker(owner="other")]
        ),
    ],
    ids=["taken", "made", "of another key"],
)
def test_what_is_told_of_our_trades_on_polymarket_leaves_books_alone(
    tmp_path: Path, trade: dict[str, Any]
) -> None:
    key = {
        "auth": {
            "apiKey": poly.KEY,
            "secret": "c2VjcmV0LW9mLW91cnM=",
            "passphrase": "p4ss",
        }
    }
    with stage("polymarket") as at, exchange(at.venue, **at.account) as ex:
        recorder = Recorder(ex, tmp_path / "r")
        market = recorder.opened(ADDRESS["polymarket"])
        user = recorder.opened("ws://poly.test/ws/user")
        recorder.told(market, "out", [json.dumps({"assets_ids": [poly.YES]})])
        recorder.told(user, "out", [json.dumps(key)])
        recorder.told(market, "in", [SAID["polymarket"][0]])
        recorder.told(user, "in", [json.dumps(poly.user_order())])
        recorder.told(user, "in", [json.dumps(trade), "not to be read"])
        recorder.closed(user, "reset")
        recorder.told(market, "in", [SAID["polymarket"][1]])
        recorder.close()
    for secret in (poly.KEY, "c2VjcmV0LW9mLW91cnM=", "p4ss"):
        assert secret.encode() not in plain(tmp_path / "r")
    found = convert(tmp_path / "r", tmp_path / "out")
    assert (found.trades, found.orders) == (0, 1)
    assert [(event, side) for event, side, _, _ in told(tmp_path / "out")] == [
        ("snapshot", "ask"),
        ("snapshot", "bid"),
        ("change", "bid"),
    ]


def test_a_recording_that_broke_off_is_converted_up_to_there(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"))
    path.write_bytes(path.read_bytes()[:-5])
    found = convert(path, tmp_path / "out")
    assert (found.books, found.is_torn) == (3, True)


def test_tables_are_not_written_over(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1)
    convert(path, tmp_path / "out")
    with pytest.raises(BadRequest, match=r"not written over: .*add=True"):
        convert(path, tmp_path / "out")
    with pytest.raises(BadRequest, match="r is a file"):
        convert(path, path)


def test_several_recordings_are_tables_together_or_none_is(tmp_path: Path) -> None:
    good, out = journal(tmp_path / "good", SNAPSHOT % 1), tmp_path / "out"
    bad = journal(tmp_path / "bad", SNAPSHOT % 1, DELTA % (2, "1.00"))
    # In its middle: the first lines can be read.
    bad.write_bytes(bad.read_bytes().replace(b'"delta_fp"', b"\xff", 1))
    with pytest.raises(DamagedRecording):
        convert([good, bad], out)
    assert not out.exists()
    convert(good, out)
    before = sorted(out.rglob("*"))
    with pytest.raises(DamagedRecording):
        convert(bad, out, add=True)
    assert sorted(out.rglob("*")) == before


def test_that_one_of_many_is_no_recording_is_said_before_any_is_read(
    tmp_path: Path,
) -> None:
    good, out = journal(tmp_path / "good", SNAPSHOT % 1), tmp_path / "out"
    with pytest.raises(BadRequest, match=r"there is no .*nothing"):
        convert([good, tmp_path / "nothing"], out)
    with pytest.raises(BadRequest, match="is a folder"):
        convert([good, tmp_path], out)
    given: Any
    for given in ([], 5, [good, 5], {good}):
        with pytest.raises(BadRequest, match="neither the path of a recording nor"):
            convert(given, out)
    assert not out.exists()


def test_a_recording_is_not_added_twice(tmp_path: Path) -> None:
    path, out = journal(tmp_path / "r", SNAPSHOT % 1), tmp_path / "out"
    with pytest.raises(BadRequest, match="recording r is given twice"):
        convert([path, path], out)
    convert(path, out)
    with pytest.raises(BadRequest, match=r"recording r is in .*out already"):
        convert(path, out, add=True)


def test_nothing_is_added_to_what_are_no_tables(tmp_path: Path) -> None:
    path, out = journal(tmp_path / "r", SNAPSHOT % 1), tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(BadRequest, match="has no tables"):
        convert(path, out, add=True)
    (out / "books" / "venue=kalshi").mkdir(parents=True)
    with pytest.raises(BadRequest, match="of an earlier version"):
        convert(path, out, add=True)


@pytest.mark.parametrize("part", ["books", "trades", "books/recording=001-r"])
def test_of_a_part_of_tables_the_folder_above_is_named(
    tmp_path: Path, part: str
) -> None:
    path, out = journal(tmp_path / "r", SNAPSHOT % 1), tmp_path / "out"
    convert(path, out)
    with pytest.raises(
        BadRequest, match=f"give the folder above, {re.escape(str(out))}$"
    ):
        next(iter(events_of(out / part)))


TABLES = ("books", "trades", "tickers", "orders", "takes", "changes", "gaps")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("frames", [(), (SNAPSHOT % 1,)], ids=["none", "a book"])
def test_a_table_of_which_nothing_was_told_is_read_as_one_without_rows(
    tmp_path: Path, frames: tuple[str, ...], table: str
) -> None:
    out = tmp_path / "out"
    found = convert(journal(tmp_path / "r", *frames), out)
    files, count = f"{out}/{table}/**/*.parquet", getattr(found, table)
    [[counted]] = duckdb.sql(
        "SELECT count((recording, market_id, line, part)) "
        f"FROM read_parquet('{files}') WHERE day IS NOT NULL"
    ).fetchall()
    assert counted == count
    assert pl.read_parquet(files).height == count
    frame = pd.read_parquet(out / table, dtype_backend="pyarrow")
    assert (len(frame), "market_id" in frame) == (count, True)


def test_tables_without_rows_tell_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert(journal(tmp_path / "r", SNAPSHOT % 1), out)
    told_of_it = [event for _, event in events_of(out)]
    assert list(map(type, told_of_it[1:])) == [Gap]
    assert isinstance(told_of_it[0], OrderBook)
    assert [event for _, event in events_of(out, market_id="M")] == told_of_it
    with pytest.raises(BadRequest, match="no tables of books or trades of HAIL"):
        events_of(out, market_id="HAIL")


def test_a_conversion_says_how_far_it_is(tmp_path: Path) -> None:
    changes = [DELTA % (n + 2, ("1.00", "-1.00")[n % 2]) for n in range(12_000)]
    path = journal(tmp_path / "r", SNAPSHOT % 1, *changes)
    heard: list[ConversionProgress] = []
    convert(path, tmp_path / "out", progress=heard.append)
    assert [(x.recording, x.lines) for x in heard] == [("r", 5_000), ("r", 10_000)]
    assert heard[-1].moment == HEAD.at + 10_000 - 2


def test_a_recording_that_was_not_closed_is_named(tmp_path: Path) -> None:
    killed = journal(tmp_path / "killed", SNAPSHOT % 1)
    closed = journal(tmp_path / "closed", SNAPSHOT % 1)
    with closed.open("ab") as file:
        file.write(encode(End(HEAD.at + 10**7, 10**7, lines=4, withheld=0)))
    found = convert([killed, closed], tmp_path / "out")
    assert (found.unended, found.is_torn) == (("killed",), False)


def test_a_number_with_more_places_than_its_column_is_an_error(tmp_path: Path) -> None:
    from unified_exchanges.research.parquet import Tables

    row = next(
        row
        for _, row in Rows().of(
            OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=()),
            1,
            1,
            1,
        )
    )
    with pytest.raises(pa.ArrowInvalid), Tables(tmp_path, "kalshi", "r", 0) as tables:
        tables.add("books", row | {"price": Decimal("0.1234567")})


def test_memory_does_not_grow_with_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_exchanges.research.parquet._MOST_ROWS", 1_000)
    peaks = []
    for count in (4_000, 16_000):
        changes = [DELTA % (n + 2, ("1.00", "-1.00")[n % 2]) for n in range(count)]
        path = journal(tmp_path / f"r{count}", SNAPSHOT % 1, *changes)
        del changes
        gc.collect()
        tracemalloc.start()
        found = convert(path, tmp_path / f"out{count}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.books == count + 2 + 1
    assert peaks[1] < 1.5 * peaks[0]


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(
        sys.modules, "unified_exchanges.research.parquet", raising=False
    )
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = journal(tmp_path / "r", SNAPSHOT % 1)
    with pytest.raises(ImportError, match=r"'\.\[research\]'"):
        convert(path, tmp_path / "out")
