"""Pictures of books, prices and equity; every number goes into them as exact text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import attrs

from ..errors import BadRequest
from ..models import Candle, Level, Ohlc, OrderBook, PricePoint, Trade
from ..models.line import flattened, shortened
from ..money import EXACT, ONE, ZERO, text
from ..wording import installed_by
from .columns import sorted_out
from .embedding import embedded_rows, embedded_text
from .thinning import thinned

if TYPE_CHECKING:
    from altair import LayerChart

__all__ = ["Curve", "plot_depth", "plot_equity", "plot_prices"]

_MOST: Final = 2_000
"""Points of a line; a notebook keeps them all."""
_FEW: Final = 100
"""Points of a line that are drawn as such too: one alone is no line."""
_LABEL: Final = 480
"""Pixels of a name in the legend: those of both venues, with an id in short."""
_EDGE: Final = Decimal("0.05")
"""How far the last level of a book is drawn, as a part of what its levels span."""
_ALONE: Final = Decimal("0.01")
"""The same, where there is but one."""
_BID: Final = "#146c2e"
_ASK: Final = "#b3261e"

_CLOCK: Final = (
    "utcFormat(datum.value, utcmilliseconds(datum.value) ? '%H:%M:%S.%L' "
    ": utcseconds(datum.value) ? '%H:%M:%S' "
    ": utchours(datum.value) || utcminutes(datum.value) ? '%H:%M' : '%Y-%m-%d')"
)
"""What stands at a tick: 24 hours, or the day that begins there."""

_Row: TypeAlias = dict[str, str]
_Line: TypeAlias = tuple[str, str, str]
"""Venue, market and outcome."""


class _Equity(Protocol):
    """Dollars at a moment."""

    @property
    def at(self) -> datetime: ...
    @property
    def equity(self) -> Decimal: ...


class Curve(Protocol):
    """What has an equity curve: a backtest's `Report`."""

    @property
    def strategy(self) -> str:
        """Its name."""
        ...

    @property
    def starting_cash(self) -> Decimal:
        """Dollars that it began with."""
        ...

    @property
    def equity_curve(self) -> Sequence[_Equity]:
        """Its dollars over time."""
        ...


def plot_depth(book: OrderBook) -> LayerChart:
    """Draw how many contracts a book has up to each price, bids and asks.

    Raises `BadRequest` for what is no book and for an empty one, ImportError without altair.

    >>> from decimal import Decimal
    >>> from unified_exchanges import Level
    >>> bids = (Level(Decimal("0.55"), Decimal(10)),)
    >>> book = OrderBook(
    ...     venue="kalshi", market_id="RAIN", outcome="yes", bids=bids, asks=()
    ... )
    >>> plot_depth(book).to_dict()["title"]
    'kalshi:RAIN:yes'
    """
    alt = _altair()
    if not isinstance(book, OrderBook):
        raise _undrawn(
            "depth is that of one OrderBook, as `fetch_order_book` gives it", book
        )
    if not book.bids and not book.asks:
        raise BadRequest(f"the book of {book.market_id} is empty: there is no depth")
    name = f"{book.venue}:{book.market_id}:{book.outcome}"
    title = f"{name} (stale)" if book.stale else name
    prices = [level.price for level in (*book.bids, *book.asks)]
    margin = EXACT.multiply(EXACT.subtract(max(prices), min(prices)), _EDGE) or _ALONE
    x = alt.X("price:Q", title="price ($)", scale=alt.Scale(zero=False))
    y = alt.Y("depth:Q", title="contracts up to this price")
    sides = [
        _chart(alt, rows, ("price", "size", "depth"))
        # Up to a price that nobody quotes there is what is quoted before it.
        .mark_area(interpolate=steps, color=color, opacity=0.35, line={"color": color})
        .encode(x=x, y=y, tooltip=["price:Q", "size:Q", "depth:Q"])
        for rows, steps, color in (
            (_deep(book.bids, -margin)[::-1], "step-before", _BID),
            (_deep(book.asks, margin), "step-after", _ASK),
        )
    ]
    layers: LayerChart = alt.layer(*sides, title=_title(alt, title))
    return layers


def plot_prices(objects: Iterable[Trade | Candle | PricePoint]) -> LayerChart:
    """Draw prices over time, a line for each outcome: of trades, candles or price points.

    A candle is its close, at its end, and behind it its range from its start; a period
    without a trade has no point.  A price holds until the next one; of up to 100 each is a
    dot too.  Of more than 2,000 points of a line the lowest and highest of each stretch are
    drawn, and the title says so.  A long id is named without its middle.

    Raises `BadRequest` for nothing, or for several kinds; ImportError without altair.

    >>> def drawn(exchange: Exchange, market_id: str) -> LayerChart:
    ...     return plot_prices(exchange.fetch_trades(market_id))
    """
    alt = _altair()
    lines: dict[_Line, list[_Point]] = {}
    for point in _points(objects):
        lines.setdefault(point.line, []).append(point)
    if not lines:
        raise BadRequest("there is no price among them: nothing to draw")
    rows: list[_Row] = []
    few: list[_Row] = []
    count = 0
    names = _names(lines)
    for line, points in lines.items():
        if points[0].at > points[-1].at:
            # The newest first, as venues list trades: so are those of one moment.
            points.reverse()
        points.sort(key=lambda each: each.at)
        count += len(points)
        shown = thinned(points, _MOST, low=lambda p: p.low, high=lambda p: p.high)
        told = [point.row(names[line]) for point in shown]
        rows += told
        few += told if len(told) <= _FEW else []
    chart = _chart(alt, rows, ("price", "low", "high"))
    legend = alt.Legend(
        orient="bottom",
        columns=1,
        labelLimit=_LABEL,
        symbolType="stroke",
        # That of the first layer would be as pale as its ranges.
        symbolOpacity=1,
    )
    color = alt.Color("line:N", title=None, legend=legend)
    zoom = alt.Scale(zero=False)
    # Only a candle lasts: what has no beginning has no range either.
    band = chart.mark_rect(opacity=0.2).encode(
        x=alt.X("since:T", scale=alt.Scale(type="utc")),
        x2="at",
        y=alt.Y("low:Q", scale=zoom),
        y2="high",
        color=color,
    )
    line = chart.mark_line(interpolate="step-after").encode(
        x=_time(alt, rows),
        color=color,
        y=alt.Y(
            "price:Q", title="price ($)", scale=zoom, axis=_axis(alt, rows, "price")
        ),
        tooltip=["line:N", _when(alt), "price:Q"],
    )
    dots = (
        _chart(alt, few, ("price", "low", "high"))
        .mark_point(filled=True, size=25, opacity=1)
        .encode(x=line.encoding.x, y=line.encoding.y, color=color)
    )
    layers: LayerChart = alt.layer(
        band, line, dots, title=_title(alt, "Prices", len(rows), count)
    )
    return layers


def plot_equity(report: Curve) -> LayerChart:
    """Draw the equity of a backtest over time; dashed is what it began with.

    Of more than 2,000 points the lowest and highest of each stretch are drawn, and the
    title says so.  Raises `BadRequest` for what is no report and for one without any,
    ImportError without altair.

    >>> def drawn(report: Report) -> LayerChart:
    ...     return plot_equity(report)
    """
    alt = _altair()
    if not hasattr(report, "equity_curve"):
        raise _undrawn("equity is that of a Report, as `backtest` gives it", report)
    curve = report.equity_curve
    if not curve:
        raise BadRequest("the report has no equity curve: there were no events")
    shown = thinned(curve, _MOST, low=lambda p: p.equity, high=lambda p: p.equity)
    rows = [{"at": _moment(x.at), "equity": text(x.equity)} for x in shown]
    began = text(report.starting_cash)
    zoom = alt.Scale(zero=False)
    line = (
        _chart(alt, rows, ("equity",))
        .mark_line(interpolate="step-after")
        .encode(
            x=_time(alt, rows),
            y=alt.Y(
                "equity:Q",
                title="equity ($)",
                scale=zoom,
                axis=_axis(alt, [*rows, {"equity": began}], "equity"),
            ),
            tooltip=[_when(alt), "equity:Q"],
        )
    )
    base = (
        _chart(alt, [{"began": began}], ("began",))
        .mark_rule(strokeDash=[4, 4], color="gray")
        .encode(y=alt.Y("began:Q", scale=zoom))
    )
    title = _title(alt, f"Backtest of {report.strategy}", len(rows), len(curve))
    layers: LayerChart = alt.layer(base, line, title=title)
    return layers


@attrs.frozen(kw_only=True, slots=True)
class _Point:
    line: _Line
    since: datetime
    at: datetime
    price: Decimal
    low: Decimal
    high: Decimal

    def row(self, name: str) -> _Row:
        prices = {"price": self.price, "low": self.low, "high": self.high}
        told = {name: text(price) for name, price in prices.items()}
        since, at = _moment(self.since), _moment(self.at)
        return {"line": name, "since": since, "at": at, **told}


def _undrawn(wanted: str, given: object) -> BadRequest:
    return BadRequest(f"{wanted}, and {short_repr(given)} is none")


def _points(objects: Iterable[object]) -> Iterable[_Point]:
    if isinstance(objects, str) or not isinstance(objects, Iterable):
        raise _undrawn(
            "prices are those of a list of trades, candles or price points", objects
        )
    found = list(objects)
    if found:
        sorted_out(found, None)
    for each in found:
        if isinstance(each, Candle):
            if each.price is not None:
                yield _candle(each, each.price)
        elif isinstance(each, Trade):
            yield _point(each, each.created_at)
        elif isinstance(each, PricePoint):
            yield _point(each, each.timestamp)
        else:
            raise BadRequest(
                f"{type(each).__name__} is no price over time: give trades, candles or "
                "price points"
            )


def _candle(of: Candle, price: Ohlc) -> _Point:
    return _Point(
        line=_line(of),
        since=of.start,
        at=of.end,
        price=price.close,
        low=price.low,
        high=price.high,
    )


def _point(of: Trade | PricePoint, at: datetime) -> _Point:
    price = of.price
    return _Point(line=_line(of), since=at, at=at, price=price, low=price, high=price)


def _line(of: Trade | Candle | PricePoint) -> _Line:
    return of.venue, of.market_id, of.outcome


def _names(lines: Iterable[_Line]) -> dict[_Line, str]:
    """How they are called: with ids in short, where that leaves them apart."""
    short = {
        line: flattened(f"{line[0]}:{shortened(line[1])}:{line[2]}") for line in lines
    }
    times = Counter(short.values())
    return {
        line: name if times[name] == 1 else ":".join(line)
        for line, name in short.items()
    }


def _deep(levels: Sequence[Level], margin: Decimal) -> list[_Row]:
    """A row for each level, and one behind the last, to which its depth goes on."""
    depth = ZERO
    found: list[tuple[Decimal, Decimal, Decimal]] = []
    for level in levels:
        depth = EXACT.add(depth, level.size)
        found.append((level.price, level.size, depth))
    if levels:
        # As far as there are prices.
        behind = EXACT.add(levels[-1].price, margin)
        found.append((min(ONE, max(ZERO, behind)), ZERO, depth))
    names = ("price", "size", "depth")
    return [dict(zip(names, map(text, each), strict=True)) for each in found]


def _chart(alt: Any, rows: Sequence[Mapping[str, str]], numbers: Iterable[str]) -> Any:
    """A chart of rows of text; only who draws it reads the numbers as such."""
    parse = dict.fromkeys(numbers, "number")
    if rows and "at" in rows[0]:
        parse |= dict.fromkeys(("at", "since"), "date")
    form = {"type": "json", "parse": parse}
    return alt.Chart(alt.InlineData(values=embedded_rows(rows), format=form))


def _axis(alt: Any, rows: Iterable[Mapping[str, str]], name: str) -> Any:
    """The axis of a column; one number alone would be written without its fraction."""
    is_one = len({row[name] for row in rows}) == 1
    return alt.Axis(format=".6~f") if is_one else alt.Axis()


def _title(alt: Any, title: str, shown: int = 0, count: int = 0) -> Any:
    less = f"{shown:,} of {count:,} points: the lowest and highest of each stretch"
    more = {} if shown == count else {"subtitle": less}
    title = flattened(title)
    told = embedded_text(alt, title)
    return told if told is title and not more else alt.TitleParams(told, **more)


def _time(alt: Any, rows: Iterable[_Row]) -> Any:
    days = {row["at"].partition("T")[0] for row in rows}
    title = f"time on {min(days)} (UTC)" if len(days) == 1 else "time (UTC)"
    axis = alt.Axis(labelExpr=_CLOCK, labelOverlap=True)
    return alt.X("at:T", title=title, scale=alt.Scale(type="utc"), axis=axis)


def _when(alt: Any) -> Any:
    unit = "utcyearmonthdatehoursminutesseconds"
    return alt.Tooltip("at:T", timeUnit=unit, title="time (UTC)")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _altair() -> Any:
    try:
        return import_module("altair")
    except ImportError as error:
        message = f"plots need altair: {installed_by('research')}"
        raise ImportError(message, name="altair") from error
