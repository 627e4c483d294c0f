"""What a recording tells is so until it ends, also where nothing happens."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from unified_exchanges import (
    BUY,
    Exchange,
    Gap,
    Market,
    OrderBook,
    Strategy,
    exchange,
)
from unified_exchanges.backtesting import backtest, merged, recorded
from unified_exchanges.paper import PaperEvent
from unified_exchanges.recording import End, Recorder, read
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, contract_of

from ..recording.sessions import VENUES, plain, stage
from .test_merging import SNOW, A, B, Told, gaps, seconds, stream, when


def until(
    second: float, told: Told
) -> Generator[tuple[int, PaperEvent], None, int | None]:
    """The same, of a recording that goes on for so long."""
    yield from told
    return when(second)


def test_a_recording_that_is_silent_is_followed_until_it_ends() -> None:
    other = stream((2, SNOW), (9, SNOW), (12, SNOW))
    made = merged(until(10, stream((0, A), (1, B))), other)
    assert gaps(made) == [(10, ("RAIN",), None)]
    assert gaps(merged(stream((0, A), (1, B)), other)) == [(1, ("RAIN",), None)]


def test_after_the_last_event_of_all_there_is_no_gap_however_long_they_go_on() -> None:
    first, other = stream((0, A), (1, B)), stream((2, SNOW), (3, SNOW))
    for ends in ((5, 9), (9, 5), (3, 9), (9, 3)):
        made = merged(until(ends[0], first), until(ends[1], other))
        assert seconds(made) == [0, 1, 2, 3]


def test_the_next_recording_takes_over_from_one_that_was_silent() -> None:
    first, following = stream((0, A), (1, B)), stream((8, B), (20, A))
    assert gaps(merged(until(10, first), until(30, following))) == []
    assert gaps(merged(until(7, first), until(30, following))) == [
        (7, ("RAIN",), None),
    ]


def test_an_end_that_is_said_to_be_before_the_last_event_is_at_that() -> None:
    made = merged(until(0.5, stream((0, A), (1, B))), stream((2, SNOW), (3, SNOW)))
    assert gaps(made) == [(1, ("RAIN",), None)]


class Seeing(Strategy):
    """Notes which books are known whenever one is told, and what is lost."""

    def __init__(self, *names: str) -> None:
        self.markets = names
        self.known: list[set[str]] = []
        self.lost: list[Gap] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.known.append({x for x in desk.markets if desk.book(x) is not None})

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.lost.append(gap)


def priced(ex: Exchange) -> Market:
    return next(x for x in ex.fetch_markets() if x.bid and x.ask)


def last_event(path: Path) -> int:
    return max(moment for moment, _ in recorded(path))


def end_of(path: Path) -> int:
    *_, last = read(path)
    assert isinstance(last, End)
    return last.at


def test_a_quiet_market_is_known_beside_one_that_moves(tmp_path: Path) -> None:
    quiet, moving = tmp_path / "quiet.jsonl", tmp_path / "moving.jsonl"
    names, made = [], []
    with ExitStack() as held:
        opened = []
        for venue, path in zip(VENUES, (quiet, moving), strict=True):
            at = held.enter_context(stage(venue))
            ex = held.enter_context(exchange(at.venue, **at.account))
            held.enter_context(Recorder(ex, path))
            market = priced(ex)
            names.append(market.market_id)
            made.append(contract_of(ex, market.market_id))
            book_stream = ex.watch_order_book(market.market_id)
            book_stream.next(timeout=10)
            opened.append((ex, market, book_stream))
        ex, market, book_stream = opened[1]
        for _ in range(4):
            assert market.ask is not None
            label = market.outcomes[0].label
            ex.create_order(
                market.market_id, label, BUY, market.ask, 10, time_in_force="ioc"
            )
            book_stream.next(timeout=10)
    assert last_event(quiet) < last_event(moving) < end_of(quiet)
    tables = tmp_path / "tables"
    convert([quiet, moving], tables)
    for data in ([quiet, moving], [moving, quiet], tables):
        seeing = Seeing(*names)
        backtest(seeing, data, contracts=made)
        assert seeing.lost == []
        assert len(seeing.known) > 4
        assert all(known == set(names) for known in seeing.known[2:])


@pytest.mark.parametrize("venue", VENUES)
def test_a_quiet_market_is_known_where_one_recorder_takes_over_from_another(
    venue: str, tmp_path: Path
) -> None:
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    with (
        stage(venue) as at,
        exchange(at.venue, **at.account) as following,
        ExitStack() as recorders,
    ):
        with exchange(at.venue, **at.account) as first, Recorder(first, paths[0]):
            market = priced(first)
            name = market.market_id
            made = contract_of(first, name)
            followed = first.watch_order_book(name)
            followed.next(timeout=10)
            # So much later that nobody could have been late with the same.
            time.sleep(2.2)
            recorders.enter_context(Recorder(following, paths[1]))
            books = following.watch_order_book(name)
            books.next(timeout=10)
            time.sleep(0.2)
        time.sleep(0.2)
        assert market.ask is not None
        label = market.outcomes[0].label
        following.create_order(name, label, BUY, market.ask, 10, time_in_force="ioc")
        books.next(timeout=10)
    tables = tmp_path / "tables"
    convert(paths, tables)
    for data in (paths, paths[::-1], tables):
        seeing = Seeing(name)
        backtest(seeing, data, contracts=[made])
        assert seeing.lost == []
        assert len(seeing.known) >= 2


def test_of_a_recording_that_was_killed_before_its_first_event_that_is_noted(
    tmp_path: Path,
) -> None:
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    with (
        stage("kalshi") as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, whole),
    ):
        market = priced(ex)
        made = contract_of(ex, market.market_id)
        ex.watch_order_book(market.market_id).next(timeout=10)
    killed.write_bytes(plain(whole).splitlines(keepends=True)[0])
    for data in ([whole, killed], [killed]):
        report = backtest(Strategy(), data, contracts=[made])
        assert any("killed.jsonl has no end" in x.text for x in report.notes)
