"""Pictures: what is in them is exact, and they are drawn to the end by the renderer."""

from __future__ import annotations

import html
import json
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
import vl_convert

from unified_exchanges import BadRequest, Strategy, backtest
from unified_exchanges.models import (
    Candle,
    Fill,
    Level,
    Ohlc,
    OrderBook,
    PricePoint,
    Trade,
)
from unified_exchanges.research import plot_depth, plot_equity, plot_prices

from ..backtesting.browser import HOSTILE, dom, is_broken_out
from ..backtesting.test_loop import CONTRACTS, Restless, randomly
from .making import made

D = Decimal
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def rows(chart: Any) -> list[list[dict[str, str]]]:
    """The data of its layers."""
    told = chart.to_dict()
    sets = told.get("datasets", {})
    found = [
        sets[data["name"]] if "name" in data else data["values"]
        for layer in told["layer"]
        for data in [layer.get("data", told.get("data"))]
    ]
    # Where a name has a `<`, it is JSON.
    return [json.loads(x) if isinstance(x, str) else x for x in found]


def svg(chart: Any) -> str:
    return vl_convert.vegalite_to_svg(chart.to_json())


def paths(picture: str, kind: str) -> list[str]:
    """The paths of its lines or areas."""
    found = re.findall(
        rf'<g class="mark-{kind} role-mark[^"]*"[^>]*>.*?</g>', picture, re.DOTALL
    )
    return re.findall(r' d="(M[^"]+)"', "".join(found))


def book(bids: tuple[str, ...], asks: tuple[str, ...], **more: Any) -> OrderBook:
    return OrderBook(
        venue="kalshi",
        market_id="RAIN",
        outcome="yes",
        bids=tuple(Level(D(x), D("10.05")) for x in bids),
        asks=tuple(Level(D(x), D(20)) for x in asks),
        **more,
    )


def point(minute: int, price: str, market_id: str = "RAIN") -> PricePoint:
    return PricePoint(
        venue="kalshi",
        market_id=market_id,
        outcome="yes",
        timestamp=NOON + timedelta(minutes=minute),
        price=D(price),
    )


def test_depth_adds_up_from_the_best_price_exactly() -> None:
    bids, asks = rows(plot_depth(book(("0.50", "0.49", "0.40"), ("0.52", "0.55"))))
    assert [(x["price"], x["depth"]) for x in bids] == [
        # Behind the last level, so that it has a width: a part of what all have together.
        ("0.3925", "30.15"),
        *(("0.4", "30.15"), ("0.49", "20.1"), ("0.5", "10.05")),
    ]
    assert [(x["price"], x["depth"]) for x in asks] == [
        *(("0.52", "20"), ("0.55", "40"), ("0.5575", "40"))
    ]


def test_the_last_level_is_drawn_as_far_as_there_are_prices() -> None:
    bids, asks = rows(plot_depth(book(("0.001",), ("0.999",))))
    assert [x["price"] for x in bids] == ["0", "0.001"]
    assert [x["price"] for x in asks] == ["0.999", "1"]
    [alone, none] = rows(plot_depth(book(("0.5",), ())))
    assert ([x["price"] for x in alone], none) == (["0.49", "0.5"], [])


def test_depth_is_drawn_with_numbers_as_numbers() -> None:
    picture = svg(plot_depth(book(("0.50", "0.49", "0.40"), ("0.52", "0.55"))))
    assert len(paths(picture, "area")) == 2
    assert "NaN" not in picture
    assert "price ($)" in picture
    assert ">0.40<" in picture


def test_a_book_with_one_side_is_drawn_and_an_empty_one_refused() -> None:
    assert "NaN" not in svg(plot_depth(book((), ("0.52", "0.55"))))
    with pytest.raises(BadRequest, match="book of RAIN is empty"):
        plot_depth(book((), ()))


class Stale:
    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return 1.0


def test_a_stale_book_says_so_in_the_title() -> None:
    chart = plot_depth(book(("0.5",), (), freshness=Stale()))
    assert chart.to_dict()["title"] == "kalshi:RAIN:yes (stale)"


def test_a_line_for_each_outcome_in_the_order_of_time() -> None:
    chart = plot_prices([point(1, "0.56"), point(0, "0.5"), point(0, "0.3", "SNOW")])
    _, line, _ = rows(chart)
    assert [(x["line"], x["at"], x["price"]) for x in line] == [
        ("kalshi:RAIN:yes", "2026-11-29T12:00:00Z", "0.5"),
        ("kalshi:RAIN:yes", "2026-11-29T12:01:00Z", "0.56"),
        ("kalshi:SNOW:yes", "2026-11-29T12:00:00Z", "0.3"),
    ]


def test_of_one_moment_the_order_of_a_listing_is_turned_round_with_the_others() -> None:
    told = [point(0, "0.2"), *(point(1, x) for x in ("0.3", "0.4", "0.5"))]
    for listed in (told, told[::-1]):
        _, line, _ = rows(plot_prices(listed))
        assert [x["price"] for x in line] == ["0.2", "0.3", "0.4", "0.5"]


def test_prices_are_drawn_as_lines() -> None:
    picture = svg(plot_prices([point(n, f"0.{50 + n}") for n in range(30)]))
    [path] = paths(picture, "line")
    # A price holds until the next: 30 points are 29 steps.
    assert path.count("L") == 2 * 29
    assert "NaN" not in picture
    assert "time on 2026-11-29 (UTC)" in picture


def test_a_candle_is_its_close_and_its_range_and_nothing_without_a_trade() -> None:
    full = attrs.evolve(
        made(Candle, full=True), price=Ohlc(D("0.5"), D("0.7"), D("0.4"), D("0.6"))
    )
    idle = attrs.evolve(full, price=None)
    _, line, _ = rows(plot_prices([full, idle]))
    assert [(x["price"], x["low"], x["high"]) for x in line] == [("0.6", "0.4", "0.7")]
    with pytest.raises(BadRequest, match="nothing to draw"):
        plot_prices([idle])


def test_the_range_of_a_candle_is_drawn_over_its_own_period() -> None:
    candles = [
        attrs.evolve(
            made(Candle, full=True),
            start=NOON + timedelta(hours=n),
            end=NOON + timedelta(hours=n + 1),
            price=Ohlc(D("0.5"), D("0.7"), D("0.4"), D("0.6")),
        )
        for n in (0, 3)
    ]
    found = paths(svg(plot_prices(candles)), "rect")
    # Of 300 pixels for four hours, the first and the last quarter.
    assert [re.match(r"M([\d.]+),[\d.]+h([\d.]+)", x).groups() for x in found] == [  # type: ignore[union-attr]
        ("0", "75"),
        ("225", "75"),
    ]


@pytest.mark.parametrize("many", [1, 5_000])
def test_a_price_alone_is_seen_also_beside_a_line_with_many(many: int) -> None:
    points = [point(n, "0.5", "SNOW") for n in range(many)]
    chart = plot_prices([*points, point(0, "0.56")])
    *_, dots = rows(chart)
    assert [x["line"] for x in dots if "RAIN" in x["line"]] == ["kalshi:RAIN:yes"]
    picture = svg(chart)
    assert len(paths(picture, "symbol")) == (2 if many == 1 else 1)
    assert "NaN" not in picture


def test_a_number_alone_is_written_with_its_fraction() -> None:
    assert ">0.565<" in svg(plot_prices([point(0, "0.565")]))
    report = backtest(
        Strategy(),
        randomly(random.Random(5), 60),
        contracts=CONTRACTS,
        cash="985.83",
    )
    assert ">985.83<" in svg(plot_equity(report))


def test_one_candle_with_a_trade_among_many_without_is_seen() -> None:
    idle = attrs.evolve(made(Candle, full=True), price=None)
    full = attrs.evolve(idle, price=Ohlc(D("0.5"), D("0.7"), D("0.4"), D("0.6")))
    assert len(paths(svg(plot_prices([idle, full, idle])), "symbol")) == 1


LONG = "0x2f27755b4f404055419ba03e1d5806b61adcc25cd196ea03d8a7e1f08696c604"


def test_a_legend_names_the_outcome_and_is_not_pale() -> None:
    told = [
        attrs.evolve(point(n, "0.5", LONG), venue="polymarket", outcome=outcome)
        for n in (0, 1)
        for outcome in ("Ada Quimby", "Bob Terwilliger")
    ]
    picture = svg(plot_prices(told))
    for outcome in ("Ada Quimby", "Bob Terwilliger"):
        assert f">polymarket:0x2f27755b4f…8696c604:{outcome}<" in picture
    symbols = re.findall(r'role-legend-symbol".*?</g>', picture, re.DOTALL)
    assert len(symbols) == 2
    assert [x for x in symbols if "opacity" in x and 'opacity="1"' not in x] == []


def test_ids_that_are_alike_in_short_are_named_in_full() -> None:
    other = LONG.replace("404055419", "000000000")
    chart = plot_prices([point(0, "0.5", LONG), point(0, "0.6", other)])
    assert {x["line"] for x in rows(chart)[1]} == {
        *(f"kalshi:{LONG}:yes", f"kalshi:{other}:yes")
    }


def test_trades_are_drawn_too() -> None:
    _, line, _ = rows(plot_prices([made(Trade, full=True)]))
    assert [x["price"] for x in line] == ["0.123456"]


def test_what_has_no_price_over_time_is_refused() -> None:
    fill: Any = made(Fill, full=True)
    with pytest.raises(BadRequest, match="Fill is no price over time"):
        plot_prices([fill])
    with pytest.raises(BadRequest, match="not of PricePoint, Trade"):
        plot_prices([point(0, "0.5"), made(Trade, full=True)])
    with pytest.raises(BadRequest, match="nothing to draw"):
        plot_prices([])


@pytest.mark.parametrize("given", [None, 5, "x", [], {}])
def test_what_cannot_be_drawn_is_refused_with_what_can(given: Any) -> None:
    with pytest.raises(
        BadRequest, match=r"^depth is that of one OrderBook, .* is none"
    ):
        plot_depth(given)
    with pytest.raises(BadRequest, match=r"^equity is that of a Report, .* is none"):
        plot_equity(given)
    if not isinstance(given, list | dict):
        with pytest.raises(BadRequest, match=r"^prices are those of a list .* is none"):
            plot_prices(given)


def test_many_points_are_thinned_keep_their_extremes_and_the_title_says_so() -> None:
    points = [point(n, "0.5") for n in range(9_000)]
    points[4_321] = point(4_321, "0.99")
    points[6_543] = point(6_543, "0.01")
    chart = plot_prices(points)
    _, line, _ = rows(chart)
    prices = [D(x["price"]) for x in line]
    assert (min(prices), max(prices)) == (D("0.01"), D("0.99"))
    assert len(prices) < 3_100
    assert chart.to_dict()["title"]["subtitle"] == (
        f"{len(prices):,} of 9,000 points: the lowest and highest of each stretch"
    )
    assert line[-1]["at"] == points[-1].timestamp.isoformat().replace("+00:00", "Z")


def test_the_equity_of_a_backtest_is_exact_and_drawn() -> None:
    events = randomly(random.Random(5), 300)
    report = backtest(Restless(5), events, contracts=CONTRACTS, cash="500")
    chart = plot_equity(report)
    base, line = rows(chart)
    assert [D(x["equity"]) for x in line] == [x.equity for x in report.equity_curve]
    assert base == [{"began": "500"}]
    picture = svg(chart)
    [path] = paths(picture, "line")
    assert path.count("L") > len(line)
    assert "NaN" not in picture


def test_a_report_without_events_has_no_curve_to_draw() -> None:
    with pytest.raises(BadRequest, match="no equity curve"):
        plot_equity(backtest(Strategy(), iter(()), contracts=CONTRACTS))


def test_no_number_in_a_picture_is_a_float() -> None:
    chart = plot_depth(book(("0.50", "0.49"), ("0.52",)))
    for layer in rows(chart):
        assert json.loads(json.dumps(layer), parse_float=pytest.fail) == layer


def test_the_extra_is_named_without_altair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(ImportError, match=r"plots need altair: .*\[research\]"):
        plot_depth(book(("0.5",), ()))


def hostile() -> dict[str, Any]:
    """A picture of each kind, with names that break out of a page where they can."""
    report = backtest(Strategy(), randomly(random.Random(5), 60), contracts=CONTRACTS)
    return {
        "depth": plot_depth(
            attrs.evolve(book(("0.50", "0.49"), ("0.52",)), outcome=HOSTILE)
        ),
        "prices": plot_prices(
            [
                attrs.evolve(point(minute, "0.5"), outcome=outcome)
                for minute in (0, 1)
                for outcome in (HOSTILE, "no")
            ]
        ),
        "equity": plot_equity(attrs.evolve(report, strategy=HOSTILE)),
    }


@pytest.mark.parametrize("kind", ["depth", "prices", "equity"])
def test_no_name_can_end_the_script_that_a_picture_is_written_into(kind: str) -> None:
    assert "<" not in hostile()[kind].to_json()


@pytest.mark.parametrize("kind", ["depth", "prices", "equity"])
def test_a_name_with_markup_is_drawn_as_it_is(kind: str) -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)<", svg(hostile()[kind]))
    # Long ones are cut by the renderer.
    drawn = [html.unescape(text).removesuffix("…") for text in texts]
    shown = {
        "depth": "kalshi:RAIN:",
        "prices": "kalshi:RAIN:",
        "equity": "Backtest of ",
    }
    wanted = shown[kind] + HOSTILE
    assert any(len(text) > 15 and wanted.startswith(text) for text in drawn)


@pytest.mark.parametrize("kind", ["depth", "prices", "equity"])
def test_in_a_browser_a_picture_is_drawn_and_no_name_is_run(
    kind: str, tmp_path: Path
) -> None:
    page = tmp_path / "chart.html"
    drawn = hostile()[kind].to_html(inline=True, embed_options={"renderer": "svg"})
    page.write_text(f"<title>chart</title>{drawn}")
    seen = dom(page)
    assert not is_broken_out(seen)
    assert "<title>chart</title>" in seen
    assert "document.title=" in seen
    assert seen.count('role="graphics-document"') == 1


@pytest.mark.parametrize("kind", ["depth", "prices", "equity"])
def test_in_a_browser_a_cell_with_a_picture_runs_no_name(
    kind: str, tmp_path: Path
) -> None:
    page = tmp_path / "cell.html"
    cell = hostile()[kind]._repr_mimebundle_()["text/html"]
    page.write_text(f"<title>cell</title>{cell}")
    seen = dom(page)
    assert not is_broken_out(seen)
    assert "<title>cell</title>" in seen


def test_times_are_of_24_hours_and_a_day_is_a_date() -> None:
    evening = [point(60 * 7 + 3 * n, "0.5") for n in range(10)]
    assert ">19:05<" in svg(plot_prices(evening))
    picture = svg(plot_prices([point(360 * n, "0.5") for n in range(8)]))
    assert ">2026-11-30<" in picture
    assert ">time (UTC)<" in picture
    assert ">18:00<" in picture
    assert not re.search(r">[^<]*\b[AP]M<", picture)
