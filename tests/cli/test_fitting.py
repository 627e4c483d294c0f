"""The board on terminals of every size: nothing wraps, nothing is silently left out."""

from __future__ import annotations

import re
from decimal import Decimal

import attrs
import pytest
from rich.cells import cell_len

from unified_exchanges.cli.board import Board, health_line
from unified_exchanges.cli.panel import Panel, Shape, shapes
from unified_exchanges.cli.roster import Roster
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import Gap, MarketChange, MarketStatus, Reconnected
from unified_exchanges.models.streams import IDLE

from .test_board import NOW, Fresh, book, market, seen, trade

SIZES = [(60, 15), (80, 24), (100, 30), (200, 20), (200, 60)]
LIVE = "● idle  0 messages · 0 gaps · 0 reconnections"


def names(count: int) -> list[str]:
    return [f"KXBESTPICTURE-27MAR-NO{n:02}" for n in range(count)]


def followed(count: int, *, stale: tuple[int, ...] = ()) -> Board:
    """A board of so many markets, all of them with a book."""
    board = Board([market(name) for name in names(count)], None)
    for number, name in enumerate(names(count)):
        fresh = Fresh(stale=number in stale)
        board.hear(book(name, fresh=fresh, levels=20))
    return board


def screen(board: Board, width: int, height: int, *, depth: int = 8) -> list[str]:
    told = seen(board, width=width, height=height, depth=depth)
    return [line.rstrip() for line in told.splitlines()]


# -- every size ------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 14, 30, 50])
def test_every_market_is_shown_or_counted_and_nothing_is_too_long(
    count: int, size: tuple[int, int]
) -> None:
    lines = screen(followed(count), *size)
    shown = [name for name in names(count) if name in "\n".join(lines)]
    more = re.search(r"^and (\d+) more", "\n".join(lines), re.MULTILINE)
    assert len(lines) <= size[1]
    assert max(map(cell_len, lines)) <= size[0]
    assert len(shown) + (int(more[1]) if more else 0) == count


@pytest.mark.parametrize("size", [*SIZES, (20, 5), (60, 2)])
@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_notice_and_the_health_are_the_last_lines_of_every_screen(
    count: int, size: tuple[int, int]
) -> None:
    board = followed(count)
    board.hear(Reconnected(at=NOW, downtime=1.5, attempts=2))
    *_, notice, health = screen(board, *size)
    assert notice[:19] == "12:00:00  connected"
    assert health[:6] == "● idle"


def test_on_one_line_there_is_the_health_alone() -> None:
    assert screen(followed(3), 80, 1) == [LIVE]


@pytest.mark.parametrize("count", [2, 8, 50])
def test_no_news_changes_the_number_of_lines_or_the_order(count: int) -> None:
    board = Board([market(name) for name in names(count)], None)
    heights = {len(screen(board, 80, 24))}
    for name in reversed(names(count)):
        board.hear(book(name, fresh=Fresh(stale=True), levels=9))
        board.hear(attrs.evolve(trade(), market_id=name))
        heights.add(len(screen(board, 80, 24)))
    told = re.findall(r"(KX\S+) yes", "\n".join(screen(board, 80, 24)))
    assert len(heights) == 1
    assert told == sorted(told)


@pytest.mark.parametrize("count", [1, 8])
def test_words_of_a_venue_do_not_move_the_cursor(count: int) -> None:
    titled = [
        attrs.evolve(market(name), title="a\nb\x1b[2J\tc") for name in names(count)
    ]
    board = Board(titled, None)
    board.hear(Gap(subject=None, reason="lost\nmore\x1b[2J", at=NOW))
    lines = screen(board, 120, 24)
    assert "\x1b" not in "".join(lines)
    assert any("a b [2J c" in line for line in lines)
    assert lines[-2:] == ["12:00:00  gap: lost more [2J", LIVE]


# -- ladders ---------------------------------------------------------------------------


def test_levels_go_first_then_trades_then_the_title() -> None:
    assert list(shapes(2)) == [
        Shape(2, 3),
        Shape(1, 3),
        Shape(1, 2),
        Shape(1, 1),
        Shape(1, 0),
        Shape(1, 0, has_title=False),
    ]


def test_a_panel_has_the_height_of_its_shape() -> None:
    panel = Panel.of(market("A"), None)
    heights = [len(list(panel.lines(shape, 40))) for shape in shapes(9)]
    assert heights == [shape.height for shape in shapes(9)]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(
    ("height", "asks", "trades", "title"),
    [
        (30, 3, 3, True),
        (24, 1, 3, True),
        (20, 1, 2, True),
        (16, 1, 0, True),
        (14, 1, 0, False),
    ],
)
def test_two_rows_of_ladders_shrink_in_that_order(
    height: int, asks: int, trades: int, *, title: bool
) -> None:
    board = followed(3)
    for _ in range(3):
        board.hear(attrs.evolve(trade(), market_id=names(1)[0]))
    told = "\n".join(screen(board, 80, height))
    assert told.count("  20.00  ") == 3 * asks
    assert told.count("buy 3 @ 0.46") == trades
    assert (told.count("Will KX") == 3) == title
    assert told.count("spread 0.01") == 3


def test_two_ladders_stand_side_by_side_on_eighty_columns() -> None:
    first = screen(followed(2), 80, 24)[0]
    assert first.split() == [names(2)[0], "yes", names(2)[1], "yes"]


def test_a_market_that_does_not_trade_says_so_from_the_start() -> None:
    closed = attrs.evolve(market("A"), status=MarketStatus.CLOSED)
    board = Board([closed], None)
    assert "waiting for its book  closed" in screen(board, 80, 24)
    board.hear(
        MarketChange(
            venue="toy", market_id="A", change="activated", status=MarketStatus.OPEN
        )
    )
    assert "waiting for its book" in screen(board, 80, 24)


# -- a line each -----------------------------------------------------------------------


def test_markets_without_room_for_a_ladder_get_a_line_each() -> None:
    board = Board([market(name) for name in ("AA", "BB", "CC")], "no")
    board.hear(attrs.evolve(book("AA", fresh=Fresh()), outcome="no"))
    board.hear(book("BB", fresh=Fresh(stale=True), levels=0))
    assert screen(board, 60, 9) == [
        "market, outcome  bid × size  ask × size         age",
        "AA no            0.45 × 10   0.46 × 20          0.2 s",
        "BB no            –           –           STALE  1.2 s",
        "CC no            waiting     –",
        "",
        LIVE,
    ]


def test_a_line_has_the_title_where_there_is_room_for_it() -> None:
    board = Board([market(name) for name in ("AA", "BB", "CC")], None)
    lines = screen(board, 80, 9)
    assert lines[1].endswith("  Will AA happen?")
    assert lines[3].endswith("  Will CC happen?")


def test_a_status_is_in_the_line() -> None:
    board = Board([market(name) for name in ("AA", "BB", "CC")], None)
    board.hear(book("BB"))
    board.hear(
        MarketChange(
            venue="toy", market_id="BB", change="off", status=MarketStatus.PAUSED
        )
    )
    assert re.search(r"BB yes .* 0\.46 × 20   paused", screen(board, 60, 9)[2])


def test_the_sizes_stand_below_each_other_whatever_the_ticks() -> None:
    fine = attrs.evolve(market("B"), grid=PriceGrid.of("0.0001"))
    board = Board([market("A"), fine, market("C"), market("D")], None)
    board.hear(book("A"))
    exact = book("B")
    level = attrs.evolve(exact.bids[0], price=Decimal("0.4503"))
    board.hear(attrs.evolve(exact, bids=(level,)))
    lines = screen(board, 60, 8)
    assert [line.index(" × 10") for line in lines[1:3]] == [
        len("market, outcome  ") + 6
    ] * 2


@pytest.mark.parametrize(
    ("width", "heading"),
    [
        (80, ["market, outcome", "bid × size", "ask × size", "age"]),
        (65, ["market, outcome", "bid × size", "ask × size"]),
        (58, ["market", "bid × size", "ask × size"]),
        (50, ["market", "bid", "ask"]),
        (32, ["market"]),
        (24, ["market"]),
    ],
)
def test_a_narrow_line_leaves_out_what_matters_least(
    width: int, heading: list[str]
) -> None:
    lines = screen(followed(8), width, 12)
    assert re.split(r"\s{2,}", lines[0]) == heading
    assert [line[:24] for line in lines[1:9]] == names(8)


@pytest.mark.parametrize(
    ("width", "marked"), [(80, "STALE"), (32, "STALE"), (24, "KX")]
)
def test_a_stale_market_is_marked_on_every_width(width: int, marked: str) -> None:
    roster = Roster(tuple(followed(2, stale=(1,))._panels.values()))
    calm, stale = list(roster.lines(width, 2))
    found = [
        stale.plain[span.start : span.end]
        for span in stale.spans
        if "reverse" in str(span.style)
    ]
    assert [text[: len(marked)] for text in found] == [marked]
    assert not any("reverse" in str(span.style) for span in calm.spans)


@pytest.mark.parametrize("length", [40, 58, 60])
def test_an_id_is_whole_on_sixty_columns(length: int) -> None:
    long = "K" * length
    board = Board([market(name) for name in (long, *names(11))], None)
    assert screen(board, 60, 15)[1][:length] == long
    assert screen(Board([market(long)], None), 60, 15)[0][:length] == long


def test_columns_do_not_follow_a_size_that_shrinks_again() -> None:
    board = followed(8)
    before = screen(board, 80, 12)
    large = book(names(1)[0], fresh=Fresh())
    level = attrs.evolve(large.bids[0], size=Decimal("123456.78"))
    board.hear(attrs.evolve(large, bids=(level,)))
    wide = screen(board, 100, 12)
    board.hear(large)
    assert "0.45 × 123,456.78  0.46" in wide[1]
    assert screen(board, 100, 12)[2] == wide[2]
    assert wide[2] != before[2]


# -- more than fit ---------------------------------------------------------------------


def test_those_that_do_not_fit_are_counted() -> None:
    lines = screen(followed(30), 80, 24)
    assert lines[-3:] == [
        "and 9 more: a taller terminal shows them, --json prints them all",
        "",
        LIVE,
    ]
    assert [line[:24] for line in lines[:21]] == names(21)


def test_as_many_as_there_are_lines_fit_without_a_heading() -> None:
    lines = screen(followed(13), 60, 15)
    assert [line[:24] for line in lines[:13]] == names(13)
    assert (
        screen(followed(14), 60, 15)[12]
        == "and 2 more: see a taller terminal, or --json"
    )


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (80, ": a taller terminal shows them, --json prints them all"),
        (60, ": see a taller terminal, or --json"),
        (40, ""),
    ],
)
def test_it_says_how_many_of_the_hidden_are_stale(width: int, told: str) -> None:
    lines = screen(followed(30, stale=(0, 21, 29)), width, 24)
    assert lines[21] == f"and 9 more, 2 STALE{told}"


def test_a_wide_terminal_has_two_columns_of_lines() -> None:
    lines = screen(followed(30), 160, 18)
    assert [re.findall(r"NO\d\d", line) for line in lines[1:16]] == [
        [f"NO{n:02}", f"NO{n + 15:02}"] for n in range(15)
    ]
    assert lines[0].count("market, outcome") == 2


def test_without_a_line_for_markets_there_is_none() -> None:
    assert list(Roster((Panel.of(market("A"), None),)).lines(80, 0)) == []


# -- the stream ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markets", "told"),
    [
        ((), "12:00:00  gap: a number is missing"),
        (("A",), "12:00:00  gap, A: a number is missing"),
        (("A", "B"), "12:00:00  gap of 2 markets: a number is missing"),
    ],
)
def test_a_gap_says_when_and_where(markets: tuple[str, ...], told: str) -> None:
    board = followed(1)
    reason = "a number is missing"
    board.hear(Gap(subject=None, market_ids=markets, reason=reason, at=NOW))
    assert screen(board, 80, 24)[-2] == told


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (200, "1,234,567 messages · 12 gaps · 11 reconnections · {} the venue, again"),
        (100, "12 gaps · 11 reconnections · {} the venue, a…"),
        (80, "12 gaps · {} the venue, …"),
        (70, "{} the venue, …"),
        (40, "silent for 100 s · 30 sta…"),
    ],
)
def test_the_health_loses_counters_before_what_is_wrong(width: int, told: str) -> None:
    bad = attrs.evolve(
        IDLE,
        state="connecting",
        messages=1234567,
        gaps=12,
        connections=12,
        silence_ms=100_000,
        stale_books=30,
        last_error="HTTP 503 from the venue, again",
    )
    always = "silent for 100 s · 30 stale · HTTP 503 from"
    assert health_line(bad, width).plain == f"● connecting  {told.format(always)}"
