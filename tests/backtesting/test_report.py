"""A report as JSON and as a page, looked at in a real browser where there is one."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from unified_exchanges import BadRequest, Level, MarketStatus, OrderBook, Outcome
from unified_exchanges.backtesting import Report, backtest
from unified_exchanges.backtesting.chart import chart
from unified_exchanges.backtesting.page import summary
from unified_exchanges.backtesting.report import EquityPoint
from unified_exchanges.backtesting.tables import Table
from unified_exchanges.models import Holding
from unified_exchanges.models.titles import title_of
from unified_exchanges.paper import FREE, Delays, at
from unified_exchanges.strategies import Desk, Note, Strategy
from unified_exchanges.venues.kalshi.fees import FeeSchedule
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

from ..paper.scene import START, Cent, change, contract_of, market
from .browser import HOSTILE, dom, is_broken_out, looked_at, measured
from .test_loop import CONTRACTS, Restless, randomly

CURVE = (0x24, 0x57, 0xC5)
D = Decimal


@pytest.fixture(scope="module")
def report() -> Report:
    events = randomly(random.Random(5), 600)
    settled = (events[-1][0] + 1, change(MarketStatus.SETTLED, "1"))
    return backtest(Restless(5), [*events, settled], contracts=CONTRACTS, cash="500")


def test_json_has_every_digit_as_text(report: Report) -> None:
    told = json.loads(report.to_json(), parse_float=pytest.fail)
    assert Decimal(told["pnl"]) == report.pnl
    assert len(told["fills"]) == len(report.fills) > 20
    assert Decimal(told["markets"][0]["pnl"]) == report.markets[0].pnl
    assert told["decisions"][0]["key"] == "order-1"
    assert told["started_at"].endswith("Z")
    assert Decimal(told["brier"]) == report.brier


def test_a_page_needs_nothing_and_runs_nothing(report: Report) -> None:
    html = report.to_html()
    assert (
        re.findall(r"<script|<link|<img|src=|href=|url\(|@import|https?:", html) == []
    )
    assert "default-src 'none'" in html


def test_markets_of_one_event_are_told_apart() -> None:
    albums = [
        attrs.evolve(
            market(name),
            title="Top album this week?",
            outcomes=(Outcome("yes", "yes", name), Outcome("no", "no", name)),
        )
        for name in ("Static Garden", "Vega")
    ]
    told = backtest(Restless(5), iter(()), contracts=map(contract_of, albums))
    expected = [f"{x.market_id} · Top album this week?" for x in albums]
    assert [x.title for x in told.markets] == expected
    assert [title_of(x) for x in albums] == expected
    assert all(f"{name}</bdi><br>" in told.to_html() for name in expected)


def test_what_markets_and_strategies_are_called_is_text(report: Report) -> None:
    evil: Any = "<script>alert(1)</script>"
    market = attrs.evolve(report.markets[0], title=evil)
    told = attrs.evolve(report, strategy=evil, markets=(market,))
    assert "<script>" not in told.to_html()
    assert "<script>" not in summary(told)


def test_a_browser_shows_the_curve_the_markets_and_the_trades(
    report: Report, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(report.to_html())
    seen = dom(page)
    assert seen.count("<svg") == 1
    assert seen.count("<tr>") > len(report.fills) + len(report.markets)
    rows = looked_at(page)
    blue = [
        (x, y)
        for y, row in enumerate(rows)
        for x, pixel in enumerate(row)
        if all(abs(a - b) < 24 for a, b in zip(pixel, CURVE, strict=True))
    ]
    assert len(blue) > 300
    # It is drawn from one side of the page to the other, and has ups and downs.
    assert max(x for x, _ in blue) - min(x for x, _ in blue) > 700
    assert max(y for _, y in blue) - min(y for _, y in blue) > 100
    # White paper around it, not an error page in another colour.
    assert rows[2][2] == (255, 255, 255)


LONG = "0x2f27755b4f404055419ba03e1d5806b61adcc25cd196ea03d8a7e1f08696c604"
"""An id as those of Polymarket are."""
PLACES = """[...page.querySelectorAll('table')].map(table => ({
    head: [...table.querySelectorAll('th')].map(x => x.textContent),
    ends: [...table.querySelectorAll('th')].map(x => x.getBoundingClientRect().right),
    heights: [...table.querySelectorAll('tbody tr')].map(x => x.clientHeight)}))"""


def on_polymarket(report: Report) -> Report:
    """The same with an id and a title that are long, and large figures."""
    markets = [
        attrs.evolve(
            x,
            market_id=LONG,
            title=f"Will the {x.title} be followed by more of it than ever before?",
            pnl=D("-123456.7891"),
            turnover=D("1234567.8912"),
        )
        for x in report.markets
    ]
    trades = [attrs.evolve(x, market_id=LONG) for x in report.fills[:40]]
    return attrs.evolve(report, markets=tuple(markets), fills=tuple(trades))


def test_at_the_width_of_a_screen_every_column_is_seen(
    report: Report, tmp_path: Path
) -> None:
    html = on_polymarket(report).to_html()
    width = "page.documentElement.scrollWidth"
    assert measured(html, 1280, width, tmp_path) <= 1280
    tables = measured(html, 1280, PLACES, tmp_path)
    markets, trades = (x for x in tables if "Market" in x["head"])
    assert {"P&L", "Fills", "Held"} < set(markets["head"])
    assert {"Side", "Price", "Contracts", "Fee"} < set(trades["head"])
    assert max(max(x["ends"]) for x in tables) <= 1280


def test_at_the_width_of_a_telephone_what_was_made_is_seen_and_the_rest_hinted_at(
    report: Report, tmp_path: Path
) -> None:
    html = on_polymarket(report).to_html()
    width = "page.documentElement.scrollWidth"
    assert measured(html, 375, width, tmp_path) <= 375
    markets = measured(html, 375, PLACES, tmp_path)[0]
    seen = [
        name
        for name, end in zip(markets["head"], markets["ends"], strict=True)
        if end <= 375
    ]
    assert seen[:3] == ["Market", "P&L", "Fills"]
    assert max(markets["heights"]) < 250
    hints = "[...page.querySelectorAll('.hint')].map(x => x.clientHeight > 0)"
    assert set(measured(html, 375, hints, tmp_path)) == {True}
    assert set(measured(html, 1280, hints, tmp_path)) == {False}


def test_a_long_id_is_shown_without_its_middle_and_can_be_looked_up(
    report: Report,
) -> None:
    html = on_polymarket(report).to_html()
    short = "<bdi>toy:0x2f27755b4f…8696c604</bdi>"
    assert f'<small title="toy:{LONG}">{short}</small>' in html
    assert LONG not in re.sub(r'title="[^"]*"', "", html)
    assert "<small>toy:RAIN</small>" in report.to_html()


def test_a_title_that_is_written_the_other_way_stands_apart(report: Report) -> None:
    shalom = "\u05e9\u05dc\u05d5\u05dd"
    titles = (f"\u202e{shalom}\n", "\u202eabc\x1b[2J")
    markets = tuple(
        attrs.evolve(x, title=title)
        for x, title in zip(report.markets, titles, strict=False)
    )
    told = attrs.evolve(report, markets=markets, strategy="\u2066Maker")
    for page in (told.to_html(), summary(told)):
        assert [x for x in "\u202e\u2066\x1b" if x in page] == []
    assert f'<td class="word market"><bdi>{shalom}</bdi><br><small>' in told.to_html()


def test_in_a_browser_the_chart_has_dollars_dates_falls_and_trades(
    report: Report, tmp_path: Path
) -> None:
    script = """({
        dollars: [...page.querySelectorAll('.dollars span')].map(x => x.textContent),
        times: [...page.querySelectorAll('.times span')].map(x => x.innerHTML),
        sizes: [...page.querySelectorAll('.plot path')].map(x => {
            const box = x.getBoundingClientRect();
            return [x.getAttribute('class'), box.width, box.height]}),
        size: parseFloat(getComputedStyle(page.querySelector('.times span')).fontSize)
    })"""
    for width in (375, 1280):
        seen = measured(report.to_html(), width, script, tmp_path)
        assert all(re.fullmatch(r"-?\$[\d,.]+", x) for x in seen["dollars"])
        assert len(seen["dollars"]) > 4
        assert len(seen["times"]) > 2
        assert all(x.endswith("<br>2026-11-20") for x in seen["times"])
        assert seen["size"] == 12
        boxes = {name: (wide, high) for name, wide, high in seen["sizes"]}
        assert {"curve", "fall", "bought", "sold"} < set(boxes)
        assert boxes["curve"][0] > width * 0.5
        assert boxes["fall"][0] == pytest.approx(boxes["curve"][0], abs=3)
        assert boxes["fall"][1] > 40


def test_a_dot_is_where_equity_was_at_each_trade(report: Report) -> None:
    [curve] = re.findall(r'class="curve" d="([^"]+)"', report.to_html())
    places = {
        (round(float(x)), round(float(y)))
        for x, y in re.findall(r"[MH]([\d.]+)[ V]([\d.]+)", curve)
    }
    dots = re.findall(r'class="(?:bought|sold)" d="([^"]+)"', report.to_html())
    marks = [
        (int(x), int(y))
        for path in dots
        for x, y in re.findall(r"M(\d+) (\d+)h0", path)
    ]
    assert len(marks) > 10
    near = [(x + a, y + b) for x, y in marks for a in (-1, 0, 1) for b in (-1, 0, 1)]
    assert len(places & set(near)) >= len(set(marks)) * 0.9


@pytest.mark.parametrize(
    ("lowest", "told"),
    [
        ("999.552", "-$0.448"),
        ("999.999999", "-$0.000001"),
        ("990.1234567", "-$9.88"),
        ("-234.56", "-$1,235"),
        ("-249899000", "-$250M"),
        ("1000", None),
    ],
)
def test_the_deepest_fall_is_labeled_whatever_it_is(
    lowest: str, told: str | None
) -> None:
    points = [
        EquityPoint(
            at=at(START) + timedelta(minutes=n), equity=D(x), cash=D(0), exposure=D(0)
        )
        for n, x in enumerate(("1000", lowest, "1000"))
    ]
    drawn = chart(points, D(1000), [], "equity")
    labels = re.findall(r'<span style="top:([\d.]+)%">([^<]+)<', drawn)
    below = [label for top, label in labels if float(top) > 75]
    assert below == ["$0", *([told] if told else [])]


def test_the_deepest_fall_is_drawn_to_the_bottom(report: Report) -> None:
    [path] = re.findall(r'class="fall" d="([^"]+)"', report.to_html())
    heights = [D(x) for x in re.findall(r"V([\d.]+)", path)]
    assert report.max_drawdown > 0
    assert (min(heights), max(heights)) == (305, 375)


def test_a_hundred_thousand_trades_are_less_than_a_megabyte(report: Report) -> None:
    told = on_polymarket(report)
    [first, *_], began = told.equity_curve, told.equity_curve[0].at
    many = [
        (began + timedelta(seconds=n), first.equity + D(n * 7919 % 1009))
        for n in range(120_000)
    ]
    big = attrs.evolve(
        told,
        equity_curve=tuple(attrs.evolve(first, at=x, equity=y) for x, y in many),
        fills=tuple(attrs.evolve(told.fills[0], created_at=x) for x, _ in many),
    )
    html = big.to_html()
    assert len(html.encode()) < 1_000_000
    assert "118,000 earlier ones are in the JSON." in html
    # Strokes below the curve: dots would hide it.
    assert 'class="bought stroke"' in html or 'class="sold stroke"' in html


def test_lines_of_a_log_that_are_not_shown_are_counted(report: Report) -> None:
    notes = tuple(Note(at=n, text="told") for n in range(5_003))
    assert "<p>3 earlier ones" in attrs.evolve(report, notes=notes).to_html()


def test_in_a_browser_whatever_is_named_by_others_is_text(
    report: Report, tmp_path: Path
) -> None:
    market = attrs.evolve(report.markets[0], title=HOSTILE, market_id=HOSTILE)
    trade = attrs.evolve(report.fills[0], market_id=HOSTILE, outcome=HOSTILE)
    told = attrs.evolve(
        report,
        strategy=HOSTILE,
        markets=(market,),
        fills=(trade,),
        notes=(Note(at=1, text=HOSTILE),),
    )
    for html in (told.to_html(), f"<title>cell</title>{told._repr_html_()}"):
        page = tmp_path / "report.html"
        page.write_text(html)
        seen = dom(page)
        assert not is_broken_out(seen)
        assert "document.title='broken out'&lt;/script&gt;" in seen


def test_a_backtest_without_events_has_a_page_too() -> None:
    report = backtest(Strategy(), iter(()), contracts=CONTRACTS)
    assert "There were no events." in report.to_html()
    assert "There are none." in report.to_html()


def test_a_log_on_the_page_has_times_and_words_begin_together() -> None:
    class Teller(Strategy):
        def on_start(self, desk: Desk) -> None:
            desk.log("hello")

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.log("told")
            desk.stop()

    moment = 1_795_200_000 * 10**9 + 7
    book = OrderBook(venue="toy", market_id="RAIN", outcome="yes", bids=(), asks=())
    report = backtest(Teller(), [(moment, book)], contracts=CONTRACTS)
    html = report.to_html()
    assert "<td>2026-11-20 18:40:00.000000007</td>" in html
    assert str(moment) not in html
    assert '<th class="word">Line</th>' in html
    assert '<td class="word">told</td>' in html


def test_equity_that_never_changes_is_a_line(report: Report) -> None:
    [point, *_] = report.equity_curve
    html = attrs.evolve(report, equity_curve=(point,)).to_html()
    [path] = re.findall(r'class="curve" d="([^"]+)"', html)
    assert path.endswith("H900")


def test_a_long_curve_is_thinned_and_keeps_its_extremes() -> None:
    class Holder(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", "yes", "buy", "0.50", 100)

    minute = 60 * 10**9
    start, size = 1_795_200_000 * 10**9, D(500)

    def told(n: int) -> tuple[int, OrderBook]:
        bid = D("0.10") if n == 2_501 else D("0.90") if n == 1_234 else D("0.45")
        ask = max(D("0.50"), bid + D("0.01"))
        made = OrderBook(
            venue="toy",
            market_id="RAIN",
            outcome="yes",
            bids=(Level(bid, size),),
            asks=(Level(ask, size),),
        )
        return start + n * minute, made

    report = backtest(
        Holder(), map(told, range(5_000)), contracts=CONTRACTS, cash="100"
    )
    assert len(report.equity_curve) > 4_900
    html = report.to_html()
    [path] = re.findall(r'class="curve" d="([^"]+)"', html)
    assert path.count("H") < 4_000
    heights = [Decimal(x) for x in re.findall(r"V([\d.]+)", path)]
    assert (min(heights), max(heights)) == (D(0), D(260))


class Poor(Strategy):
    """Asks for more than it can pay, and says when it did."""

    markets = ("RAIN",)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask:
            desk.place("RAIN", "yes", "buy", book.ask.price, 10, time_in_force="ioc")

    def on_failure(self, desk: Desk, failure: object) -> None:
        """It does not mind."""


def test_what_was_refused_is_told_with_its_reasons() -> None:
    events = randomly(random.Random(5), 200)
    told = backtest(Poor(), events, contracts=CONTRACTS, cash="0.5")
    count = len(told.failures)
    assert count > 10
    assert {type(x.error).__name__ for x in told.failures} == {"InsufficientFunds"}
    html = told.to_html()
    assert f"<dt>Refused</dt><dd>{count}</dd>" in html
    assert f"<td>InsufficientFunds</td><td>{count}</td>" in html
    assert f"<th>Refused</th><td>{count}</td></tr><tr><th>InsufficientF" in summary(
        told
    )
    assert "<h2>Refused" not in attrs.evolve(told, failures=()).to_html()


def test_fills_are_counted_of_orders_in_words(report: Report) -> None:
    one = attrs.evolve(report, fills=report.fills[:3], order_count=1)
    assert "<dd>3 fills of 1 order</dd>" in one.to_html()
    other = attrs.evolve(report, fills=report.fills[:1], order_count=2)
    assert "<dd>1 fill of 2 orders</dd>" in other.to_html()


def test_a_trade_has_its_time_to_the_microsecond(report: Report) -> None:
    moment = report.fills[-1].created_at
    assert f"<td>{moment:%Y-%m-%d %H:%M:%S.%f}</td>" in report.to_html()


@pytest.mark.parametrize("cash", ["250000000", "999999999", "250000000000000"])
def test_in_a_browser_amounts_of_any_size_are_seen_whole(
    cash: str, tmp_path: Path
) -> None:
    events = randomly(random.Random(5), 100)
    html = backtest(Restless(5), events, contracts=CONTRACTS, cash=cash).to_html()
    lefts = (
        "[...page.querySelectorAll('.dollars span')]"
        ".map(x => x.getBoundingClientRect().left)"
    )
    assert min(measured(html, 1280, lefts, tmp_path)) >= 0
    over = (
        "[...page.querySelectorAll('dl div')].map(x => x.scrollWidth - x.clientWidth)"
    )
    assert max(measured(html, 1280, over, tmp_path)) <= 0


def test_in_a_browser_nothing_is_hinted_at_where_nothing_scrolls(
    report: Report, tmp_path: Path
) -> None:
    html = report.to_html()
    over = (
        "[...page.querySelectorAll('.scroll')].map(x => x.scrollWidth - x.clientWidth)"
    )
    assert max(measured(html, 1000, over, tmp_path)) <= 0
    hints = "[...page.querySelectorAll('.hint')].map(x => x.clientHeight > 0)"
    assert set(measured(html, 1000, hints, tmp_path)) == {False}


def test_a_summary_is_a_small_table(report: Report) -> None:
    told = summary(report)
    assert told.startswith("<table>")
    kinds = {type(x.error) for x in report.failures}
    assert len(kinds) == 3
    assert told.count("<tr>") == 11 + len(kinds)


@pytest.mark.parametrize("table", get_args(Table))
def test_every_list_is_a_table_and_an_empty_one_has_the_same_columns(
    report: Report, table: Table
) -> None:
    empty = backtest(Strategy(), iter(()), contracts=CONTRACTS)
    frame, none = report.to_frame(table), empty.to_frame(table)
    assert len(frame) == len(getattr(report, table))
    assert len(none) == len(getattr(empty, table))
    assert list(frame.dtypes) == list(none.dtypes)
    assert report.to_frame(table, "polars").columns == list(frame.columns)


def test_tables_add_up_to_the_last_digit(report: Report) -> None:
    assert report.to_frame("markets")["pnl"].sum() == report.pnl
    assert report.to_frame("fills", "polars")["fee"].sum() == report.fees
    assert report.to_frame("equity_curve")["equity"].iloc[-1] == report.equity


def test_decisions_say_which_command_they_were() -> None:
    class Mover(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                key = desk.place("RAIN", "yes", "buy", "0.01", 10)
                desk.amend(key, price="0.02")
                desk.cancel(key)

    report = backtest(Mover(), randomly(random.Random(5), 60), contracts=CONTRACTS)
    told = report.to_frame("decisions", "polars").to_dicts()
    words = ("command", "market_id", "side", "price", "size")
    assert [[row[word] for word in words] for row in told] == [
        ["place", "RAIN", "buy", D("0.01"), D(10)],
        ["amend", None, None, D("0.02"), None],
        ["cancel", None, None, None, None],
    ]


def test_a_table_that_there_is_not_is_refused(report: Report) -> None:
    wanted: Any = "positions"
    with pytest.raises(BadRequest, match=r"no table 'positions'; it has: calibration,"):
        report.to_frame(wanted)


def test_a_report_says_what_it_took_for_granted(report: Report) -> None:
    told = json.loads(report.to_json())["assumptions"]
    assert (told["order_delay"], told["event_delay"], told["sample"]) == (
        0,
        0,
        1_280 * 10**6,
    )
    assert told["fees"][0] == {"venue": "toy", "market_id": "RAIN", "rule": "Cent"}
    [source] = told["data"]
    assert source["name"] is None
    assert source["began_at"] == json.loads(report.to_json())["started_at"]
    html = report.to_html()
    for shown in (
        'Delay of orders</td><td class="word">0 ms<',
        'Delay of events</td><td class="word">0 ms<',
        'Equity every</td><td class="word">1280 ms<',
        f'Fees of {len(CONTRACTS)} markets</td><td class="word">Cent<',
        "one rule for all days",
        "events given in memory, 2026-11-20 18:40:",
    ):
        assert shown in html


def test_a_report_says_what_its_run_was_told_to_assume() -> None:
    free = [attrs.evolve(x, fees=FREE) for x in CONTRACTS[:1]]
    report = backtest(
        Strategy(),
        iter(()),
        contracts=free,
        delays=Delays(order=150_000_000, event=1_500),
        sample=timedelta(seconds=2),
    )
    assert [x.rule for x in report.assumptions.fees] == ["none"]
    html = report.to_html()
    for shown in (
        "150 ms",
        "0.0015 ms",
        "2000 ms",
        "none<",
        "of which nothing was read",
    ):
        assert shown in html


def test_the_rule_of_a_venue_is_told_with_its_numbers() -> None:
    fields = {"rate": attrs.field()}
    kind = attrs.make_class("Rule", fields, bases=(Cent,), frozen=True)
    rule = kind(D("0.07"))
    charged = [attrs.evolve(x, fees=rule) for x in CONTRACTS[:1]]
    report = backtest(Strategy(), iter(()), contracts=charged)
    assert report.assumptions.fees[0].rule == "Rule(rate=Decimal('0.07'))"


def test_the_rules_of_the_venues_are_told_in_words_without_names_of_classes() -> None:
    rules = (FeeSchedule("quadratic"), Fees(FeeTerms(D("0.07"), D(1))))
    charged = [
        attrs.evolve(x, fees=rule) for x, rule in zip(CONTRACTS, rules, strict=False)
    ]
    report = backtest(Strategy(), iter(()), contracts=charged)
    told = [x.rule for x in report.assumptions.fees]
    assert told == [str(rule) for rule in rules]
    for words in told:
        assert "0.07 × " in words
        assert words in report.to_json()
        assert f'Fees of 1 market</td><td class="word"><bdi>{words}' in report.to_html()


def test_a_report_is_printed_by_its_figures_however_many_trades_it_has(
    report: Report,
) -> None:
    told = attrs.evolve(
        report,
        fills=report.fills * 1_000,
        pnl=D("-14.1700"),
        fees=D("10.8094"),
        max_drawdown=D("14.17"),
        equity=D(1000),
    )
    assert (
        str(told)
        == repr(told)
        == (
            "Report(strategy='Restless', started_at=2026-11-20T18:40:02Z, "
            f"ended_at={report.ended_at:%Y-%m-%dT%H:%M:%SZ}, events={report.events}, "
            f"markets={len(report.markets)}, order_count={report.order_count}, "
            f"fills={len(told.fills)}, pnl=-14.17, fees=10.8094, max_drawdown=14.17, "
            "equity=1000)"
        )
    )
    empty = backtest(Strategy(), iter(()), contracts=CONTRACTS)
    assert "started_at=None, ended_at=None, events=0" in repr(empty)


def test_dollars_on_a_page_have_as_many_places_everywhere(report: Report) -> None:
    # Beside the chart they are round.
    page = re.sub(r'<div class="dollars">.*?</div>', "", report.to_html())
    shown = re.findall(r">-?\$([\d,.]+)(?: \(|<)", page)
    assert len(shown) > 10
    assert {len(x.partition(".")[2]) for x in shown} == {4}


def test_contracts_on_a_page_are_grouped_and_dollars_are_one_word(
    report: Report,
) -> None:
    [market, *others] = report.markets
    large = attrs.evolve(
        market,
        contracts=D("1234567.50"),
        turnover=D("-1234567.5"),
        held=(Holding("yes", D("54321.5"), D(1)),),
    )
    trade = attrs.evolve(report.fills[-1], size=D(7_654_321))
    page = attrs.evolve(
        report, markets=(large, *others), fills=(*report.fills, trade)
    ).to_html()
    for told in ("1,234,567.5<", "-$1,234,567.5000<", ">7,654,321<"):
        assert told in page
    assert "54,321.5 " in page
    assert " $<" not in page
