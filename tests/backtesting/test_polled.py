"""Books that a program read over REST are told in a backtest, at the time of their receipt."""

from __future__ import annotations

import asyncio
import gzip
import json
import runpy
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
import vcr
from msgspec.structs import replace

from unified_exchanges import (
    BadRequest,
    MarketChange,
    OrderBook,
    Trade,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import Report, backtest, recorded, sweep
from unified_exchanges.backtesting.sources import events_of, markets_told
from unified_exchanges.models import MarketStatus
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Body, Recorder, Rest, read
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy, contract_of
from unified_exchanges.testing import cassette

from ..recording.sessions import VENUES, Stage, stage
from .test_sources import EXAMPLES, Watching

POLLS = 12


@attrs.frozen(kw_only=True)
class Polls:
    """What a program has read, one after another, and of which market."""

    contract: Contract
    books: list[OrderBook]
    path: Path


def polled(ex: Any, trade: Callable[..., object]) -> tuple[Contract, list[OrderBook]]:
    """Read a book again and again, while somebody trades."""
    market = next(
        m for m in ex.fetch_markets() if m.bid and m.ask and m.bid > m.grid.lowest
    )
    name, outcome = market.market_id, market.outcomes[0].label
    contract = contract_of(ex, name)
    books: list[OrderBook] = []
    for n in range(POLLS):
        read = ex.fetch_order_books([name])[name] if n % 4 == 3 else None
        book = read or ex.fetch_order_book(name)
        books.append(book)
        side, best = ("buy", book.ask) if n % 2 else ("sell", book.bid)
        if best and (n < 2 or side == "buy"):
            trade(name, outcome, "buy", best.price, 5)
    return contract, books


def taped(path: Path, at: Stage) -> Polls:
    """A cassette that a polling program made."""
    with (
        cassette(path, "record") as tape,
        exchange(at.venue, **at.account, clock=tape.clock) as ex,
    ):
        contract, books = polled(ex, ex.create_order)
    return Polls(contract=contract, books=books, path=path)


def taped_plainly(path: Path, at: Stage, **how: Any) -> Polls:
    """The same with vcrpy alone, without an account."""
    recorder = vcr.VCR(decode_compressed_response=True, **how)
    where = at.account["environment"]
    with (
        recorder.use_cassette(str(path), record_mode="all"),
        exchange(at.venue, environment=where) as ex,
    ):
        contract, books = polled(ex, lambda *_: None)
    return Polls(contract=contract, books=books, path=path)


@pytest.fixture(scope="module", params=VENUES)
def tape(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Polls:
    with stage(request.param) as at:
        return taped(tmp_path_factory.mktemp(at.venue) / "polls.yaml", at)


@pytest.fixture(scope="module", params=VENUES)
def journal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Polls:
    path = tmp_path_factory.mktemp(request.param) / "polls.jsonl"
    with (
        stage(request.param) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        contract, books = polled(ex, ex.create_order)
    return Polls(contract=contract, books=books, path=path)


def levels(books: Any) -> list[Any]:
    return [(x.market_id, x.outcome, x.bids, x.asks) for x in books]


def heard(path: Path) -> list[OrderBook]:
    return [x for _, x in recorded(path) if isinstance(x, OrderBook)]


def report(polls: Polls, data: Any, strategy: Strategy | None = None) -> Report:
    return backtest(strategy or Watching(), data, contracts=[polls.contract])


# -- what is told ------------------------------------------------------------------------


def test_a_cassette_tells_each_book_that_was_read(tape: Polls) -> None:
    assert levels(heard(tape.path)) == levels(tape.books)
    # Between two of them some may have left, and others come.
    assert all(book.is_polled for book in heard(tape.path))
    assert {*markets_told(tape.path)} == {tape.contract.market_id}


def test_a_recording_tells_each_book_that_was_read(journal: Polls) -> None:
    assert levels(heard(journal.path)) == levels(journal.books)
    times = [x.timestamp for x in journal.books]
    if journal.contract.market.venue == "polymarket":
        assert [x.timestamp for x in heard(journal.path)] == times


def test_books_are_told_when_they_were_received(tape: Polls) -> None:
    moments = [at for at, x in recorded(tape.path) if isinstance(x, OrderBook)]
    assert len(moments) == POLLS
    assert all(one < two for one, two in pairwise(moments))
    if tape.contract.market.venue == "kalshi":
        # It has no time of its own there, so the reader's is taken.
        for moment, book in zip(moments, tape.books, strict=True):
            assert book.timestamp is not None
            assert abs(book.timestamp.timestamp() - moment / 1e9) < 0.1


def maker() -> Strategy:
    made: Strategy = runpy.run_path(str(EXAMPLES / "spread_maker.py"))["SpreadMaker"]()
    return made


@pytest.mark.parametrize("strategy", [Watching, maker])
def test_a_backtest_decides_and_fills_as_who_polls_a_replay_of_it(
    tape: Polls, strategy: Callable[[], Strategy]
) -> None:
    with exchange("replay", path=tape.path) as ex:
        _, books = polled(ex, ex.create_order)
    moments = [at for at, x in recorded(tape.path) if isinstance(x, OrderBook)]
    told = list(zip(moments, books, strict=True))
    of_polls = report(tape, told, strategy())
    of_tape = report(tape, tape.path, strategy())
    assert of_tape.decisions
    assert of_tape.decisions == of_polls.decisions
    for name in ("fills", "cash", "equity", "equity_curve", "fees", "markets"):
        assert getattr(of_tape, name) == getattr(of_polls, name)


def test_who_takes_what_a_polled_book_offers_is_filled(tape: Polls) -> None:
    found = report(tape, tape.path)
    assert found.fills
    offered = {level.price for book in tape.books for level in book.asks}
    assert {fill.price for fill in found.fills} <= offered


class Meeting(Strategy):
    """Offers behind others, and later takes all that there is up to that."""

    def __init__(self) -> None:
        self.turn = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.turn += 1
        terms = book.market_id, book.outcome
        behind = book.asks[1].price
        if self.turn == 1:
            desk.place(*terms, "sell", behind, 5)
        if self.turn == 3:
            desk.place(*terms, "buy", behind, 10_000, time_in_force="ioc")


@pytest.mark.parametrize("way", ["one", "many"])
def test_books_that_somebody_read_himself_count_as_polled(way: str) -> None:
    with stage("kalshi") as at, exchange("kalshi", **at.account) as ex:
        name = next(
            name
            for name, book in ex.fetch_order_books(
                [m.market_id for m in ex.fetch_markets() if m.ask]
            ).items()
            if len(book.asks) > 1
        )
        contract = contract_of(ex, name)
        read = {
            "one": lambda: ex.fetch_order_book(name),
            "many": lambda: ex.fetch_order_books([name])[name],
        }[way]
        kept = [(time.time_ns(), read()) for _ in range(4)]
    best = kept[0][1].asks[0]
    report = backtest(Meeting(), kept, contracts=[contract], cash=100_000)
    # Those who stood before the own offer may have left, and others come behind it.
    assert [(x.price, x.size) for x in report.fills] == [(best.price, best.size)]


def test_the_report_counts_polled_books_and_is_the_same_each_time(tape: Polls) -> None:
    found = report(tape, tape.path)
    [data] = found.assumptions.data
    assert data.polled == POLLS
    assert f"{POLLS} books polled" in found.to_html()
    assert found.to_json() == report(tape, tape.path).to_json()
    assert not [x for x in found.notes if "whole seconds" in x.text]


def test_a_cassette_is_read_compressed_and_as_json(tape: Polls, tmp_path: Path) -> None:
    packed = tmp_path / "polls.yaml.gz"
    packed.write_bytes(gzip.compress(tape.path.read_bytes()))
    assert levels(heard(packed)) == levels(tape.books)


def test_tables_of_polled_books_give_the_same_report(
    journal: Polls, tmp_path: Path
) -> None:
    converted = convert(journal.path, tmp_path / "tables")
    assert converted.books >= POLLS
    tables = tmp_path / "tables"
    told = [x for _, x in events_of(tables) if isinstance(x, OrderBook)]
    assert all(book.is_polled for book in (*heard(journal.path), *told))
    assert len(told) >= POLLS
    one, two = (report(journal, x) for x in (journal.path, tables))
    assert one.assumptions.data[0].polled == POLLS
    assert one.to_json() == two.to_json()


# -- times -------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", VENUES)
def test_plain_vcrpy_has_dates_of_whole_seconds_and_the_report_says_so(
    venue: str, tmp_path: Path
) -> None:
    with stage(venue) as at:
        polls = taped_plainly(tmp_path / "plain.yaml", at)
    assert levels(heard(polls.path)) == levels(polls.books)
    assert all(not at % 10**9 for at, _ in recorded(polls.path))
    [note] = [x for x in report(polls, polls.path).notes if "whole seconds" in x.text]
    assert "the dates of the answers by the venue" in note.text


@pytest.mark.parametrize("venue", VENUES)
def test_a_cassette_without_times_is_refused(venue: str, tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    with stage(venue) as at:
        taped_plainly(
            path,
            at,
            serializer="json",
            before_record_response=lambda x: {**x, "headers": {}},
        )
    with pytest.raises(
        BadRequest, match=r"does not say when GET .* keep the header Date"
    ):
        list(recorded(path))


def test_what_aiohttp_was_answered_is_told_as_well(tmp_path: Path) -> None:
    path = tmp_path / "aio.yaml"

    async def poll(at: Stage) -> list[OrderBook]:
        with cassette(path, "record") as tape:
            async with async_exchange(at.venue, **at.account, clock=tape.clock) as ex:
                [market] = await ex.fetch_markets(limit=1)
                name = market.market_id
                return [await ex.fetch_order_book(name) for _ in range(3)]

    with stage("kalshi") as at:
        books = asyncio.run(poll(at))
    assert levels(heard(path)) == levels(books)


def test_two_venues_on_one_cassette_are_both_told(tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    told: list[str] = []
    with (
        stage("kalshi") as one,
        stage("polymarket") as two,
        vcr.VCR().use_cassette(str(path), record_mode="all"),
    ):
        for at in (one, two):
            with exchange(at.venue, environment=at.account["environment"]) as ex:
                [market] = ex.fetch_markets(limit=1)
                ex.fetch_order_book(market.market_id)
                told.append(market.market_id)
    assert [book.market_id for book in heard(path)] == told


# -- beside streams, trades and ends -----------------------------------------------------


@pytest.mark.parametrize("venue", VENUES)
def test_what_a_stream_tells_is_not_told_by_polls(venue: str, tmp_path: Path) -> None:
    path = tmp_path / "both.jsonl"
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        [market] = ex.fetch_markets(limit=1)
        name = market.market_id
        ex.fetch_order_book(name)
        watched = ex.watch_order_book(name)
        watched.next(timeout=10)
        for _ in range(5):
            ex.fetch_order_book(name)
        contract = contract_of(ex, name)
    found = backtest(Watching(), path, contracts=[contract])
    # Not what was read before it either: who watched was told nothing of that.
    assert found.assumptions.data[0].polled == 0
    assert found.events


@pytest.mark.parametrize("venue", VENUES)
def test_polled_trades_are_told_once_and_those_of_before_are_not(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "trades.jsonl"
    with stage(venue) as at, exchange(at.venue, **at.account) as ex:
        market = next(m for m in ex.fetch_markets() if m.bid and m.ask)
        name, outcome = market.market_id, market.outcomes[0].label
        ex.create_order(name, outcome, "buy", market.ask, 5)
        before = {x.trade_id for x in ex.fetch_trades(name)}
        with Recorder(ex, path):
            ex.fetch_order_book(name)
            for _ in range(2):
                ex.create_order(name, outcome, "buy", market.grid.highest, 5)
                seen = list(ex.fetch_trades(name))
    told = [x for _, x in recorded(path) if isinstance(x, Trade)]
    ids = [x.trade_id for x in told]
    assert len({*ids}) == len(ids)
    assert {*ids} <= {x.trade_id for x in seen}
    if venue == "kalshi":
        assert {*ids} == {x.trade_id for x in seen} - before
        assert ids


@pytest.mark.parametrize("count", [1, 2])
def test_a_page_of_trades_that_cannot_be_read_is_noted(
    journal: Polls, tmp_path: Path, count: int
) -> None:
    lines = list(read(journal.path))
    before = lines[-2]
    assert isinstance(before, Rest)
    is_kalshi = journal.contract.market.venue == "kalshi"
    page = replace(
        before,
        method="GET",
        path="/trade-api/v2/markets/trades" if is_kalshi else "/data/v2/trades",
        status=200,
        query=[] if is_kalshi else [("taker_only", "true")],
        body=Body.of('{"trades":[{}],"data":[{}]}'),
    )
    path = tmp_path / "unread.jsonl"
    path.write_bytes(b"".join(map(encode, [*lines[:-1], *[page] * count, lines[-1]])))
    found = report(journal, path)
    [note] = [x for x in found.notes if "cannot be read" in x.text]
    assert note.is_of_data
    answers = "an answer" if count == 1 else "2 answers"
    assert f"in the recording {path.name} {answers} about trades" in note.text
    assert f"GET {page.path}: {journal.contract.market.venue}" in note.text
    convert(path, tmp_path / "tables")
    assert report(journal, tmp_path / "tables").to_json() == found.to_json()


@pytest.mark.parametrize("venue", VENUES)
def test_a_position_is_settled_by_what_was_read_of_its_market(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "settled.yaml"
    with (
        stage(venue) as at,
        cassette(path, "record") as tape,
        exchange(at.venue, **at.account, clock=tape.clock) as ex,
    ):
        market = next(m for m in ex.fetch_markets() if m.bid and m.ask)
        contract = contract_of(ex, market.market_id)
        ex.fetch_order_book(market.market_id)
        engine = at.simulated.engine
        engine.determine(market.market_id, Decimal(1))
        if venue == "kalshi":
            engine.settle(market.market_id)
        for _ in range(2):
            ended = ex.fetch_market(market.market_id)
    assert ended.status is MarketStatus.SETTLED
    [change] = [x for _, x in recorded(path) if isinstance(x, MarketChange)]
    assert change.value == ended.settlement_price
    found = backtest(Watching(), path, contracts=[contract])
    assert found.fills
    assert found.settlements
    assert found.markets[0].is_settled


@pytest.mark.parametrize("venue", VENUES)
def test_a_settlement_may_be_read_with_the_event(venue: str, tmp_path: Path) -> None:
    path = tmp_path / "event.jsonl"
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        market = next(m for m in ex.fetch_markets() if m.bid and m.ask)
        ex.fetch_order_book(market.market_id)
        engine = at.simulated.engine
        engine.determine(market.market_id, Decimal(1))
        if venue == "kalshi":
            engine.settle(market.market_id)
        list(ex.fetch_events(status="all"))
        ex.fetch_event(market.event_id)
    told = [x for _, x in recorded(path) if isinstance(x, MarketChange)]
    assert [(x.market_id, x.value) for x in told] == [(market.market_id, 1)]
    assert {*markets_told(path)} == {market.market_id}


def test_a_cassette_of_no_venue_is_refused(tmp_path: Path) -> None:
    told = {
        "request": {
            "body": None,
            "headers": {},
            "method": "GET",
            "uri": "https://hooks.example.org/x",
        },
        "response": {
            "body": {"string": "{}"},
            "headers": {"Date": ["Mon, 30 Nov 2026 06:00:00 GMT"]},
            "status": {"code": 200, "message": "OK"},
        },
    }
    path = tmp_path / "hooks.json"
    path.write_text(json.dumps({"interactions": [told], "version": 1}))
    with pytest.raises(BadRequest, match="which is no address of a venue"):
        list(recorded(path))


def test_a_sweep_over_a_cassette_reports_what_a_backtest_does(tape: Polls) -> None:
    swept = sweep(Watching, [{}], tape.path, contracts=[tape.contract], workers=1)
    [row] = swept.rows
    assert row.report is not None
    assert row.report.to_json() == report(tape, tape.path).to_json()


@pytest.mark.parametrize("venue", VENUES)
def test_a_cassette_goes_with_a_recording_of_its_environment_and_with_no_other(
    venue: str, tmp_path: Path
) -> None:
    with stage(venue) as at:
        polls = taped(tmp_path / "polls.yaml", at)
        ex = exchange(at.venue, **at.account)
        with ex, Recorder(ex, tmp_path / "after.jsonl"):
            polled(ex, lambda *_: None)
    both = [polls.path, tmp_path / "after.jsonl"]
    assert report(polls, both).assumptions.data[1].polled > 0
    with stage(venue) as other:
        ex = exchange(other.venue, **other.account)
        with ex, Recorder(ex, tmp_path / "other.jsonl"):
            polled(ex, lambda *_: None)
    with pytest.raises(BadRequest, match="whose markets are not the same"):
        report(polls, [polls.path, tmp_path / "other.jsonl"])
