"""A report as one page of HTML: nothing is fetched, and nothing is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Final

from ..models import Fill
from ..money import EXACT, ZERO, div, text
from ..paper import at
from ..research.thinning import thinned
from .assumptions import Assumptions, Source
from .report import EquityPoint, MarketReport, Report

__all__ = ["page", "summary"]

_WIDTH: Final = 900
_HEIGHT: Final = 260
_MOST_POINTS: Final = 2_000
_MOST_TRADES: Final = 5_000
_WORDS: Final = frozenset({"As", "Held", "Line", "Market", "Side"})
"""Columns that are read from their beginning, where those of numbers end together."""

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;
color:#1d2433;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{color:#5b6475}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.75rem}
dl div{border:1px solid #dfe3ea;border-radius:.5rem;padding:.5rem .75rem}
dt{color:#5b6475;font-size:.8rem}dd{margin:0;font-size:1.15rem;
font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #eceff4;
font-variant-numeric:tabular-nums;white-space:nowrap}
th{color:#5b6475;font-weight:600;font-size:.8rem}
th:first-child,td:first-child,.word{text-align:left}
svg{width:100%;height:auto}.curve{fill:none;stroke:#2457c5;stroke-width:1.5}
.base{stroke:#aab2c0;stroke-dasharray:4 4}.loss{color:#b3261e}.gain{color:#146c2e}
@media(prefers-color-scheme:dark){body{background:#12151c;color:#e6e9ef}
p,dt,th{color:#9aa3b5}dl div{border-color:#2c3342}th,td{border-color:#232938}
.curve{stroke:#7aa2ff}.loss{color:#ff8a80}.gain{color:#7bd88f}}
"""


def page(report: Report) -> str:
    """The whole report as a page."""
    title = escape(f"Backtest of {report.strategy}")
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{_span(report)}</p>",
        _figures(report),
        "<h2>Equity</h2>",
        _curve(report.equity_curve, report.starting_cash),
        "<h2>Markets</h2>",
        _markets(report.markets),
        *_judged(report),
        f"<h2>Trades</h2>{_trades(report.trades)}",
        *_log(report),
        f"<h2>Assumptions</h2>{_assumptions(report.assumptions)}",
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # Whatever a market or a strategy is called, the page runs and loads nothing.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def summary(report: Report) -> str:
    """Its figures as a table, for notebooks."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value, _ in _told(report)
    )
    caption = escape(f"Backtest of {report.strategy}")
    return f"<table><caption>{caption}</caption>{rows}</table>"


def _span(report: Report) -> str:
    if report.started_at is None or report.ended_at is None:
        return "There were no events."
    began, ended = _time(report.started_at), _time(report.ended_at)
    return f"{report.events:,} events from {began} to {ended}, UTC"


def _told(report: Report) -> list[tuple[str, str, Decimal]]:
    ratio = report.fill_ratio
    return [
        ("P&L", _dollars(report.pnl), report.pnl),
        ("Equity at the end", _dollars(report.equity), ZERO),
        ("Fees", _dollars(report.fees), ZERO),
        (
            "Deepest drawdown",
            f"{_dollars(report.max_drawdown)} ({_percent(report.max_drawdown_ratio)})",
            ZERO,
        ),
        ("Highest exposure", _dollars(report.peak_exposure), ZERO),
        ("Average exposure", _dollars(report.average_exposure), ZERO),
        ("Turnover", _dollars(report.turnover), ZERO),
        ("Trades", f"{len(report.trades):,} of {report.orders:,} orders", ZERO),
        ("Filled of what was ordered", "–" if ratio is None else _percent(ratio), ZERO),
        ("Brier score", "–" if report.brier is None else _short(report.brier), ZERO),
    ]


def _figures(report: Report) -> str:
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd{_tone(sign)}>{escape(value)}</dd></div>"
        for name, value, sign in _told(report)
    )
    return f"<dl>{cells}</dl>"


def _curve(points: Sequence[EquityPoint], base: Decimal) -> str:
    if not points:
        return "<p>There is none.</p>"
    shown = thinned(
        points, _MOST_POINTS, low=lambda x: x.equity, high=lambda x: x.equity
    )
    began = shown[0].at
    span = max(1, _microseconds(began, shown[-1].at))
    low = min(base, *(x.equity for x in shown))
    high = max(base, *(x.equity for x in shown))
    steps: list[str] = []
    for point in shown:
        x = _tenths(_microseconds(began, point.at) * _WIDTH * 10 // span)
        y = _tenths(_height(point.equity, low, high))
        # Between two points equity is what it was at the first.
        steps.append(f"H{x}V{y}" if steps else f"M{x} {y}")
    if len(shown) == 1:
        steps.append(f"H{_WIDTH}")  # a point alone is not drawn
    level = _tenths(_height(base, low, high))
    label = escape(f"Equity from {_dollars(low)} to {_dollars(high)}")
    return (
        f'<svg viewBox="-4 -8 {_WIDTH + 8} {_HEIGHT + 16}" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<path class="base" d="M0 {level}H{_WIDTH}"/>'
        f'<path class="curve" d="{"".join(steps)}"/></svg>'
        f"<p>{label}; dashed is what it began with.</p>"
    )


def _height(value: Decimal, low: Decimal, high: Decimal) -> int:
    """Tenths of a unit from the top."""
    if high == low:
        return _HEIGHT * 5
    part = div(EXACT.subtract(high, value), EXACT.subtract(high, low))
    return int(EXACT.multiply(part, Decimal(_HEIGHT * 10)))


def _tenths(count: int) -> str:
    return f"{count // 10}.{count % 10}"


def _microseconds(began: datetime, ended: datetime) -> int:
    passed = ended - began
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _markets(markets: Iterable[MarketReport]) -> str:
    head = ("Market", "Fills", "Contracts", "Turnover", "Fees", "Realized")
    rows = [
        (
            f"{x.title} ({x.venue}:{x.market_id})",
            f"{x.fills:,}",
            text(x.contracts),
            _dollars(x.turnover),
            _dollars(x.fees),
            _dollars(x.realized),
            _dollars(x.unrealized),
            _dollars(x.pnl),
            _paid(x),
            ", ".join(f"{text(h.size)} {h.outcome}" for h in x.held) or "–",
        )
        for x in markets
    ]
    return _table((*head, "Unrealized", "P&L", "Pays", "Held"), rows)


def _paid(market: MarketReport) -> str:
    if market.value is None:
        return "–"
    return text(market.value, 2) + ("" if market.is_settled else " (not settled)")


def _judged(report: Report) -> list[str]:
    if not report.calibration:
        return []
    rows = [
        (
            f"{text(x.low, 1)} to {text(x.high, 1)}",
            f"{x.count:,}",
            _short(x.said),
            _short(x.came),
        )
        for x in report.calibration
    ]
    head = ("Forecast", "How many", "Said on average", "Came true")
    return ["<h2>Calibration</h2>", _table(head, rows)]


def _trades(trades: Sequence[Fill]) -> str:
    rows = [
        (
            _time(x.created_at),
            f"{x.venue}:{x.market_id}",
            f"{x.side} {x.outcome}",
            text(x.size),
            text(x.price, 2),
            "unknown" if x.fee is None else text(x.fee, 2),
            str(x.liquidity),
        )
        for x in trades[-_MOST_TRADES:]
    ]
    head = ("Time (UTC)", "Market", "Side", "Contracts", "Price", "Fee", "As")
    left = len(trades) - len(rows)
    more = f"<p>{left:,} earlier ones are in the JSON.</p>" if left else ""
    return more + _table(head, rows)


def _assumptions(assumed: Assumptions) -> str:
    """Each fee rule once, with how many markets it was taken for."""
    rules = Counter(x.rule for x in assumed.fees)
    rows = [
        ("Delay of orders", _milliseconds(assumed.order_delay)),
        ("Delay of events", _milliseconds(assumed.event_delay)),
        ("Equity every", _milliseconds(assumed.sample)),
        *((f"Fees of {n:,} markets", rule) for rule, n in rules.items()),
        ("Fees over time", "one rule for all days: changes and waivers are not kept"),
        *(("Data", _source(x)) for x in assumed.data),
    ]
    return _table(("What", "As"), rows)


def _milliseconds(nanoseconds: int) -> str:
    return f"{text(EXACT.scaleb(Decimal(nanoseconds), -6))} ms"


def _source(source: Source) -> str:
    name = "events given in memory" if source.name is None else source.name
    if source.began_at is None or source.ended_at is None:
        return f"{name}, of which nothing was read"
    return f"{name}, {_time(source.began_at)} to {_time(source.ended_at)}, UTC"


def _log(report: Report) -> list[str]:
    lines = [
        (f"{_time(at(note.at))}.{note.at % 1_000_000_000:09}", note.text)
        for note in report.notes[-_MOST_TRADES:]
    ]
    return ["<h2>Log</h2>", _table(("Time (UTC)", "Line"), lines)] if lines else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>There are none.</p>"
    kinds = [' class="word"' if name in _WORDS else "" for name in head]
    titles = "".join(
        f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, head, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{escape(cell)}</td>"
            for kind, cell in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _tone(sign: Decimal) -> str:
    if not sign:
        return ""
    return ' class="gain"' if sign > ZERO else ' class="loss"'


def _dollars(amount: Decimal) -> str:
    """To the hundredth of a cent, for people; JSON has every digit."""
    return f"{amount:,.4f} $"


def _percent(ratio: Decimal) -> str:
    return f"{ratio:.2%}"


def _short(number: Decimal) -> str:
    return f"{number:.4f}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
