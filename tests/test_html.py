"""What a notebook shows of models: markets, books, positions, orders and reports."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from unified_exchanges import exchange
from unified_exchanges import models as m
from unified_exchanges.grid import PriceGrid
from unified_exchanges.strategies import Note, RunReport
from unified_exchanges.venues.kalshi.fees import FeeSchedule
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

from .backtesting.browser import HOSTILE, dom, is_broken_out, looked_at
from .research.making import made

D = Decimal
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>&"
SHOWN: list[Any] = [
    *(m.Market, m.Event, m.Order, m.Fill, m.Position, m.Balance, m.Settlement),
    *(m.Ticker, m.Trade, m.Candle, m.PricePoint, m.OrderBook),
    *(m.CancelReport, m.HaltReport, m.ReconcileReport, m.DryRunReport, RunReport),
]
EVERY: list[Any] = [
    kind
    for name in m.__all__
    if isinstance(kind := getattr(m, name), type) and hasattr(kind, "_repr_html_")
]


class Cells(HTMLParser):
    """The tags that a page has, the texts of its cells, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def book(bids: int, asks: int, **fields: Any) -> m.OrderBook:
    return m.OrderBook(
        venue="kalshi",
        market_id="RAIN",
        outcome="yes",
        bids=tuple(m.Level(D(50 - n) / 100, D(10 * (n + 1))) for n in range(bids)),
        asks=tuple(m.Level(D(52 + n) / 100, D(20 * (n + 1))) for n in range(asks)),
        **fields,
    )


class Stale:
    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return 1.0


def named(kind: Any, text: str, *, full: bool) -> tuple[dict[str, str], Any]:
    """One of a kind, and which of its fields have this text: all that have any."""
    told = made(kind, full=full)
    names = {
        field.name: text
        for field in attrs.fields(kind)
        if field.type == "str" or "str" in get_args(field.type)
    }
    return names, attrs.evolve(told, **names)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_every_model_and_report_is_a_table_of_text(kind: Any, full: bool) -> None:
    names, told = named(kind, EVIL, full=full)
    page = told._repr_html_()
    assert Cells(page).tags <= {
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "em"),
        "bdi",
    }
    assert "<script" not in page
    assert "<img" not in page
    # What is text in the model is there, as text.
    assert names == {} or "&lt;script&gt;" in page


TURNING = "\u202e \u2066 \u200f \x1b[2J"
"""What turns the text around it, or acts on a terminal."""
SHALOM = "\u05e9\u05dc\u05d5\u05dd"
"""A word that is written from right to left."""


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_no_text_of_a_venue_turns_around_what_stands_beside_it(kind: Any) -> None:
    names, told = named(kind, TURNING + SHALOM, full=True)
    page = told._repr_html_()
    assert [char for char in TURNING.replace("[2J", "").split() if char in page] == []
    outside = re.sub(r"<bdi>[^<]*</bdi>", "", page)
    assert SHALOM not in outside
    assert names == {} or f"{SHALOM}</bdi>" in page


RULES = [
    (
        FeeSchedule("quadratic", D(2)),
        (
            "quadratic × 2: takers 0.14 × contracts × price × (1 − price), makers nothing, "
            "up to the next $0.0001"
        ),
    ),
    (
        FeeSchedule("quadratic_with_maker_fees"),
        (
            "quadratic_with_maker_fees × 1: takers 0.07 × contracts × price × (1 − price), "
            "makers 0.0175 × contracts × price × (1 − price), up to the next $0.0001"
        ),
    ),
    (
        FeeSchedule("quadratic", waived=True),
        "nothing, as the fees of the market are waived",
    ),
    (
        FeeSchedule("flat"),
        "not known: the fee type 'flat' has no published formula",
    ),
    (FeeSchedule(None), "not known: the fee type None has no published formula"),
    (
        FeeSchedule("quadratic", None),
        "not known: quadratic with a multiplier that is not told",
    ),
    (Fees(None), "nothing"),
    (
        Fees(FeeTerms(D("0.070"), D(1))),
        (
            "takers 0.07 × shares × (price × (1 − price)), makers nothing, to the nearest "
            "$0.00001"
        ),
    ),
    (
        Fees(FeeTerms(D("0.07"), D(2), is_taker_only=False)),
        (
            "takers 0.07 × shares × (price × (1 − price)) ^ 2, makers what is not published, "
            "to the nearest $0.00001"
        ),
    ),
]


@pytest.mark.parametrize(("rule", "words"), RULES)
def test_a_fee_rule_says_in_words_what_it_charges_also_in_a_cell(
    rule: Any, words: str
) -> None:
    assert str(rule) == words
    assert Cells(rule._repr_html_()).rows[0] == ["charged", words]


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
def test_a_venue_in_facts_is_a_table(venue: str) -> None:
    with exchange(venue) as ex:
        facts = ex.describe()
    rows = dict(Cells(facts._repr_html_()).rows)
    assert rows["name"] == facts.name
    assert "fetch_markets: True" in rows["has"]
    assert facts.environments["production"].rest in rows["environments"]
    assert "demo (name: demo, rest: " in rows["environments"] or venue != "kalshi"
    assert ": ," not in rows["environments"]


def test_a_cell_has_no_marks_of_python() -> None:
    rule = Fees(FeeTerms(D("0.07"), D(1)))
    assert Cells(rule._repr_html_()).rows[1] == [
        *("terms", "rate: 0.07, exponent: 1, is_taker_only: True")
    ]
    page = made(m.Candle, full=True)._repr_html_()
    assert "{" not in page
    assert "&#x27;" not in page


def test_a_grid_is_shown_as_traders_tell_it() -> None:
    grid = PriceGrid.of("0 0.1 0.001", "0.1 0.9 0.01", "0.9 1 0.001")
    change = m.MarketChange(venue="toy", market_id="M", change="grid", grid=grid)
    said = "<td>0.01 (0.001 below 0.10 and above 0.90)</td>"
    assert said in change._repr_html_()


def test_a_book_is_a_ladder_with_its_depth_around_the_spread() -> None:
    assert Cells(book(2, 2)._repr_html_()).rows == [
        ["depth", "bid size", "price", "ask size", "depth"],
        ["", "", "0.53", "40", "60"],
        ["", "", "0.52", "20", "20"],
        ["", "", "spread 0.02", "", ""],
        ["10", "10", "0.50", "", ""],
        ["30", "20", "0.49", "", ""],
    ]


def test_levels_that_are_not_shown_are_counted() -> None:
    rows = Cells(book(13, 11)._repr_html_()).rows
    assert rows[1] == ["… 1 more levels"]
    assert rows[-1] == ["… 3 more levels"]
    assert len(rows) == 1 + 10 + 1 + 10 + 2
    assert "more" not in book(10, 10)._repr_html_()


def test_a_side_that_is_empty_is_said() -> None:
    assert "one-sided" in book(1, 0)._repr_html_()
    assert "empty" in book(0, 0)._repr_html_()


def test_a_stale_book_is_shown_as_stale() -> None:
    assert "stale" not in book(1, 1)._repr_html_()
    page = book(1, 1, freshness=Stale())._repr_html_()
    assert "<strong>stale</strong>" in page


def test_bars_are_as_long_as_sizes() -> None:
    page = book(2, 1)._repr_html_()
    assert re.findall(r"\) (\d+)%", page) == ["100", "50", "100"]


def test_a_run_shows_its_figures_and_a_part_of_its_lists() -> None:
    moment = datetime(2026, 11, 29, 12, tzinfo=UTC)
    report = attrs.evolve(
        made(RunReport, full=False),
        notes=tuple(Note(at=n, text=f"note {n}") for n in range(23)),
        cash=D("100.50"),
        started_at=moment,
    )
    rows = {row[0]: row[1] for row in Cells(report._repr_html_()).rows}
    assert rows["cash"] == "100.5"
    assert rows["started_at"] == "2026-11-29T12:00:00Z"
    assert rows["notes"].startswith("231970-01-01 00:00:00.000 note 0")
    assert rows["notes"].endswith("… and 3 more")
    assert "fills" not in rows


def test_a_position_hides_what_the_venue_did_not_tell() -> None:
    rows = {row[0] for row in Cells(made(m.Position, full=False)._repr_html_()).rows}
    assert {"size", "cost"} <= rows
    assert rows & {"mark_price", "computed"} == set()


def test_a_browser_paints_the_ladder(tmp_path: Path) -> None:
    page = tmp_path / "book.html"
    page.write_text(f"<meta charset=utf-8>{book(9, 9)._repr_html_()}")
    pixels = [pixel for row in looked_at(page) for pixel in row]
    green = [x for x in pixels if x[1] > x[0] + 15 and x[1] > x[2] + 10]
    red = [x for x in pixels if x[0] > x[1] + 30 and x[0] > x[2] + 30]
    assert len(green) > 1_000
    assert len(red) > 1_000


def test_in_a_browser_nothing_that_a_venue_wrote_is_more_than_text(
    tmp_path: Path,
) -> None:
    cells = [named(kind, HOSTILE, full=True)[1]._repr_html_() for kind in EVERY]
    page = tmp_path / "models.html"
    page.write_text(f"<title>models</title><meta charset=utf-8>{''.join(cells)}")
    seen = dom(page)
    assert not is_broken_out(seen)
    assert "<title>models</title>" in seen
    assert seen.count("<table>") == len(EVERY)
