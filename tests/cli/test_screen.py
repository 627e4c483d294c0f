"""Tables, numbers, JSON and progress, without a venue."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unified_exchanges.cli import screen as screens
from unified_exchanges.cli.account import balance_line
from unified_exchanges.cli.layout import Column, amount, average, lay_out, moment
from unified_exchanges.cli.options import instant
from unified_exchanges.cli.screen import Screen, flat
from unified_exchanges.cli.views import FILLS, ladder
from unified_exchanges.errors import BadRequest
from unified_exchanges.models import Balance, Fill, Level, Liquidity, OrderBook, Side

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@attrs.frozen
class Row:
    name: str
    title: str
    price: Decimal | None
    at: datetime | None = None


ROWS = [
    Row(
        "A-LONG-NAME-THAT-IS-AN-ID",
        "The first of two titles, which is long",
        Decimal("0.5"),
    ),
    Row("B", "The second", Decimal("0.1234"), NOON),
]
COLUMNS: tuple[Column[Row], ...] = (
    Column("name", lambda row: row.name),
    Column("title", lambda row: row.title, flexible=True, rank=1),
    Column("price", lambda row: row.price),
    Column("at", lambda row: row.at, rank=2),
)


def drawn(width: int, columns: tuple[Column[Row], ...] = COLUMNS) -> list[str]:
    table, _ = lay_out(columns, ROWS, width)
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_decimals_stand_below_each_other() -> None:
    _, _, first, second = drawn(200)
    assert first.index("0.5000") == second.index("0.1234")


def test_columns_of_a_unit_share_their_decimals() -> None:
    columns = (
        Column[Row]("bid", lambda _: Decimal("0.5"), unit="price"),
        Column[Row]("ask", lambda row: row.price, unit="price"),
    )
    assert drawn(80, columns)[2].split() == ["0.5000", "0.5000"]


def test_the_least_important_column_goes_first() -> None:
    table, left_out = lay_out(COLUMNS, ROWS, 70)
    assert left_out == ("at",)
    assert isinstance(table, Table)
    assert [column.header for column in table.columns] == ["name", "title", "price"]


def test_a_flexible_column_is_shortened_before_one_is_left_out() -> None:
    wide, narrow = drawn(100), drawn(90)
    assert "The first of two titles, which is long" in wide[2]
    assert "…" in narrow[2]
    assert "2026-11-21 12:00:00" in narrow[3]


def test_a_column_with_nothing_to_say_is_not_shown() -> None:
    columns = (*COLUMNS[:1], Column[Row]("nothing", lambda _: None))
    assert "nothing" not in drawn(80, columns)[0]


def test_what_is_important_stays_however_narrow_it_is() -> None:
    table, _ = lay_out(COLUMNS, ROWS, 10)
    assert isinstance(table, Table)
    assert [column.header for column in table.columns] == ["name", "price"]


def test_numbers_for_people() -> None:
    assert amount(Decimal("12345.6"), 2) == "12,345.60"
    assert average(Decimal("0.3333333")) == "≈0.3333"
    assert average(None) == moment(None) == "–"


def test_a_book_without_a_side_says_so() -> None:
    def shown(bids: tuple[Level, ...]) -> str:
        book = OrderBook(venue="toy", market_id="M", outcome="yes", bids=bids, asks=())
        drawn = ladder(book, 5)
        assert isinstance(drawn, Text)
        return drawn.plain

    assert "no bids and no asks" in shown(())
    assert "  no asks" in shown((Level(Decimal("0.5"), Decimal(1)),))


# -- JSON ------------------------------------------------------------------------------


def test_measured_numbers_stay_numbers_and_money_is_text() -> None:
    value = {"rate": 0.25, "price": Decimal("0.5600"), "times": (NOON,)}
    told = {"rate": 0.25, "price": "0.56", "times": ["2026-11-21T12:00:00.123456Z"]}
    assert flat(value) == told


def test_an_error_inside_a_result_is_told_in_full() -> None:
    told = flat([BadRequest("fix it", venue="toy", code="x")])
    assert told == [
        {
            "error": "BadRequest",
            "message": "toy: fix it",
            "venue": "toy",
            "code": "x",
            "exit_code": 2,
        }
    ]


# -- times -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_span_is_from_now_in_whole_seconds(given: str, span: timedelta) -> None:
    now = NOON.replace(microsecond=0)
    assert instant(given, ahead=True, now=NOON) == now + span
    assert instant(given, ahead=False, now=NOON) == now - span


def test_a_time_with_its_zone_is_taken_as_it_is() -> None:
    time = instant("2026-11-21T13:00:00.5+01:00", ahead=True)
    assert time == datetime(2026, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "given", ["", "h", "1.5h", "-1h", "²h", "tomorrow", "2026-11-21", "9" * 20 + "d"]
)
def test_what_is_neither_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="neither a span such as"):
        instant(given, ahead=True)


# -- progress --------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A screen's stderr that is a terminal, and patience that is at its end."""
    shown = io.StringIO()
    monkeypatch.setattr(screens, "_PATIENCE", -1.0)
    monkeypatch.setattr(os, "environ", {**os.environ, "TERM": "xterm"})
    return shown


def listed(shown: io.StringIO, *, limit: int | None, terminal: bool = True) -> None:
    screen = Screen()
    screen.err = Console(file=shown, force_terminal=terminal, width=80)
    screen.listing(names(), COLUMNS[:1], noun="markets", limit=limit)


def names() -> Iterator[Row]:
    for number in range(4):
        yield attrs.evolve(ROWS[0], name=str(number))


@pytest.mark.parametrize("limit", [None, 3, 10])
def test_a_slow_listing_shows_its_progress(
    terminal: io.StringIO, capsys: pytest.CaptureFixture[str], limit: int | None
) -> None:
    listed(terminal, limit=limit)
    assert "markets" in terminal.getvalue()
    assert ("%" in terminal.getvalue()) is (limit is not None)
    assert len(capsys.readouterr().out.splitlines()) == 2 + min(limit or 4, 4)


def test_no_progress_goes_into_a_file(
    terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    listed(terminal, limit=None, terminal=False)
    assert terminal.getvalue() == ""
    assert capsys.readouterr().out


def test_a_balance_without_shards_is_one_line() -> None:
    shown = balance_line(Balance(venue="toy", available=Decimal("12.3")))
    assert shown.plain == "12.30 USD free"


@pytest.mark.parametrize("others", [[], [Decimal("0.1")]])
def test_a_fee_that_is_not_known_is_said_to_be_so(others: list[Decimal]) -> None:
    fills = [
        Fill(
            venue="polymarket",
            fill_id="f",
            order_id="o",
            market_id="m",
            outcome="yes",
            side=Side.BUY,
            price=Decimal("0.5"),
            size=Decimal(3),
            fee=fee,
            liquidity=Liquidity.TAKER,
            created_at=NOON,
        )
        for fee in (None, *others)
    ]
    out = io.StringIO()
    Console(file=out, width=120).print(lay_out(FILLS, fills, 120)[0])
    _, _, unknown, *known = out.getvalue().splitlines()
    assert " unknown " in unknown
    assert ["0.10" in line for line in known] == [True for _ in others]
