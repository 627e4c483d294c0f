"""The live board: every state has its words, and its size does not change."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs
import pytest
from rich.console import Console

from unified_exchanges.cli.board import Board, change_line, health_line
from unified_exchanges.cli.telling import _line
from unified_exchanges.cli.views import trade_line
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    Gap,
    Level,
    Market,
    MarketChange,
    MarketStatus,
    OrderBook,
    Reconciled,
    Reconnected,
    Side,
    Trade,
)
from unified_exchanges.models.catalog import Outcome
from unified_exchanges.models.streams import IDLE

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@attrs.define
class Fresh:
    """Whether a book holds."""

    stale: bool = False
    seconds: float | None = None

    def is_stale(self) -> bool:
        return self.stale

    def age(self) -> float:
        known = 1.25 if self.stale else 0.25
        return known if self.seconds is None else self.seconds


def market(name: str) -> Market:
    return Market(
        venue="toy",
        market_id=name,
        event_id="E",
        title=f"Will {name} happen?",
        outcomes=(Outcome("yes", "y", ""), Outcome("no", "n", "")),
        status=MarketStatus.OPEN,
        venue_status="open",
        grid=PriceGrid.of("0.01"),
    )


def book(name: str, *, fresh: Fresh | None = None, levels: int = 1) -> OrderBook:
    step = Decimal("0.01")
    return OrderBook(
        venue="toy",
        market_id=name,
        outcome="yes",
        bids=tuple(
            Level(Decimal("0.45") - i * step, Decimal(10)) for i in range(levels)
        ),
        asks=tuple(
            Level(Decimal("0.46") + i * step, Decimal(20)) for i in range(levels)
        ),
        sequence=7,
        freshness=fresh,
    )


def trade(side: Side | None = Side.BUY) -> Trade:
    return Trade(
        venue="toy",
        trade_id="T",
        market_id="A",
        outcome="yes",
        price=Decimal("0.46"),
        size=Decimal(3),
        taker_side=side,
        created_at=NOW,
    )


def seen(board: Board, *, width: int = 100, height: int = 40, depth: int = 3) -> str:
    console = Console(width=width, height=height)
    with console.capture() as told:
        console.print(board.render(IDLE, width=width, height=height, depth=depth))
    return told.get()


@pytest.fixture
def board() -> Board:
    return Board([market("A"), market("B")], None)


def test_a_market_waits_for_its_book_first(board: Board) -> None:
    assert seen(board).count("waiting for its book") == 2


def test_a_live_book_is_shown_with_its_age_and_number(board: Board) -> None:
    board.hear(book("A", fresh=Fresh()))
    told = seen(board)
    assert "live  age 0.2 s  seq 7" in told
    assert "spread 0.01" in told


def test_p10_a_book_in_hand_turns_stale_on_the_board_with_the_reason(
    board: Board,
) -> None:
    fresh = Fresh()
    board.hear(book("A", fresh=fresh))
    board.hear(
        Gap(subject=None, market_ids=("A", "C"), reason="a number is missing", at=NOW)
    )
    assert "STALE" not in seen(board)
    fresh.stale, fresh.seconds = True, 0.25
    told = seen(board)
    assert "STALE  age 0.2 s  seq 7  a number is missing" in told
    assert "gap of 2 markets: a number is missing" in told


def test_p10_a_book_that_was_only_just_replaced_does_not_flicker(board: Board) -> None:
    fresh = Fresh(stale=True, seconds=0.25)
    board.hear(Gap(subject=None, reason="broken", at=NOW))
    board.hear(book("A", fresh=fresh))
    assert "live  age 0.2 s  seq 7" in seen(board)
    fresh.seconds = 1.25
    assert "STALE  age 1.2 s  seq 7" in seen(board)


def test_a_gap_of_all_is_one_of_each(board: Board) -> None:
    for name in "AB":
        board.hear(book(name, fresh=Fresh(stale=True)))
    board.hear(Gap(subject=None, reason="broken", at=NOW))
    assert seen(board).count("seq 7  broken") == 2


def test_a_book_without_age_and_number_says_so(board: Board) -> None:
    board.hear(attrs.evolve(book("A"), sequence=None))
    assert "live  seq –" in seen(board)


def test_trades_and_changes_are_told(board: Board) -> None:
    board.hear(book("A"))
    board.hear(trade())
    change = MarketChange(
        venue="toy", market_id="A", change="deactivated", status=MarketStatus.PAUSED
    )
    board.hear(change)
    told = seen(board)
    assert "12:00:00  buy 3 @ 0.46" in told
    assert "live  paused" in told


def test_a_reconnection_is_told_and_a_reconciliation_is_not(board: Board) -> None:
    board.hear(Reconnected(at=NOW, downtime=1.5, attempts=2))
    board.hear(Reconciled(at=NOW, orders=0, fills=0, available=None))
    assert "connected again after 1.5 s" in seen(board)


def test_the_size_is_the_same_in_every_state(board: Board) -> None:
    heights = {seen(board).count("\n")}
    for levels in (0, 1, 3, 9):
        board.hear(book("A", levels=levels))
        heights.add(seen(board).count("\n"))
    board.hear(trade())
    assert heights | {seen(board).count("\n")} == heights
    assert len(heights) == 1


@pytest.mark.parametrize(("width", "beside"), [(100, True), (50, False)])
def test_markets_stand_side_by_side_where_they_fit(
    board: Board, width: int, beside: bool
) -> None:
    first = seen(board, width=width).splitlines()[0]
    assert ("B yes" in first) == beside


@pytest.mark.parametrize("height", [20, 30, 60])
def test_a_low_terminal_gets_fewer_levels(board: Board, height: int) -> None:
    board.hear(book("A", levels=20))
    assert len(seen(board, height=height, depth=20).splitlines()) <= height


def test_an_id_is_never_cut() -> None:
    name = "A" * 60
    assert f"{name} yes" in seen(Board([market(name)], None), width=80)


def test_the_health_of_a_stream_is_a_line() -> None:
    calm = attrs.evolve(
        IDLE, state="live", connections=2, messages=1234, silence_ms=2_000.0
    )
    assert (
        health_line(calm).plain
        == "● live  1,234 messages · 0 gaps · 1 reconnection · silent for 2 s"
    )
    bad = attrs.evolve(IDLE, state="connecting", gaps=1, stale_books=3, last_error="no")
    assert (
        health_line(bad).plain
        == "● connecting  0 messages · 1 gap · 0 reconnections · 3 stale · no"
    )


def test_lines_for_pipes() -> None:
    assert plain(book("A")) == "A yes  10 @ 0.45 / 20 @ 0.46"
    assert plain(book("A", levels=0)) == "A yes  – / –"
    assert plain(trade()) == "A yes  12:00:00  buy 3 @ 0.46"
    assert trade_line(trade(None)).plain == "  12:00:00  3 @ 0.46"
    gap = Gap(subject=None, market_ids=("A", "B"), reason="lost", at=NOW)
    assert plain(gap) == "gap, A, B: lost"
    assert plain(attrs.evolve(gap, market_ids=())) == "gap, all markets: lost"
    assert (
        plain(Reconnected(at=NOW, downtime=2, attempts=1))
        == "connected again after 2.0 s"
    )
    assert plain(Reconciled(at=NOW, orders=1, fills=0, available=None)) is None


def test_a_change_of_a_market_is_a_line() -> None:
    change = MarketChange(
        venue="toy",
        market_id="A",
        change="determined",
        status=MarketStatus.CLOSED,
        result="yes",
        value=Decimal(1),
    )
    told = "A: determined closed yes, one contract pays 1.00"
    assert (change_line(change).plain, plain(change)) == (told, told)
    plainest = MarketChange(venue="toy", market_id="A", change="settled")
    assert change_line(plainest).plain == "A: settled"


def plain(item: object) -> str | None:
    line = _line(item)  # type: ignore[arg-type]
    return None if line is None else line.plain
