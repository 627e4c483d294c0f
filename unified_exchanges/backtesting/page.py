"""A report as one page of HTML: nothing is fetched, and nothing is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Final

import attrs

from ..models.html import shown
from ..models.line import flattened, shortened
from ..money import EXACT, ZERO, text
from ..paper import at
from .assumptions import Assumptions, Source
from .chart import CHART_STYLE, chart
from .figures import contracts, dollars, percent, ratio, share
from .report import MarketReport, Report

__all__ = ["is_page", "page", "summary"]

_MOST_TRADES: Final = 2_000
_MOST_LINES: Final = 5_000
_LONGEST: Final = 80
"""Characters of a title beside each trade; the table of markets has all of it."""
_CLASSES: Final = {
    **dict.fromkeys(("As", "First of them", "Held", "Line", "Side"), ' class="word"'),
    "Market": ' class="word market"',
}
"""Of columns that are read from their beginning, where those of numbers end together."""

_STYLE: Final = """
:root{--ink:#1d2433;--paper:#fff;--soft:#5b6475;--line:#e3e7ee;--curve:#2457c5;
--gain:#146c2e;--loss:#b3261e;--sold:#c2570c}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;
color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p,dt,th,small{color:var(--soft)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:.75rem}
dl div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
dt{font-size:.8rem}dd{margin:0;overflow-x:auto;font-size:1.05rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;background:linear-gradient(to left,var(--paper) 40%,transparent)
right/3rem 100% no-repeat local,linear-gradient(to left,var(--soft),transparent)
right/.9rem 100% no-repeat scroll}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:right;vertical-align:top;padding:.3rem .5rem;white-space:nowrap;
border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th{font-weight:600;font-size:.8rem}th:first-child,td:first-child,.word{text-align:left}
td.word{white-space:normal;overflow-wrap:anywhere;min-width:5rem}
td.market{min-width:15rem}
.hint{display:none;font-size:.8rem;margin:.25rem 0}
.loss{color:var(--loss)}.gain{color:var(--gain)}
@media(max-width:70rem){td.market{min-width:10rem}}
@media(max-width:50rem){.hint{display:block}td.market{min-width:8.5rem}
.long td.market{min-width:7rem}.long td:first-child{white-space:normal;min-width:5.5rem}
.pinned th:first-child,.pinned td:first-child{position:sticky;left:0;
background:var(--paper);border-right:1px solid var(--line)}}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--paper:#12151c;--soft:#9aa3b5;
--line:#2c3342;--curve:#7aa2ff;--gain:#7bd88f;--loss:#ff8a80;--sold:#ffb066}}
"""


_TITLE: Final = "Backtest of "
_HEAD: Final = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    # Whatever a market or a strategy is called, the page runs and loads nothing.
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
"""How a page begins."""


@attrs.frozen(slots=True)
class _Figure:
    """A figure as it is shown, in red or green by the sign of its ``tone``.

    ``detail`` is what it is made of, each with its value, where there is no other place.
    """

    name: str
    value: str
    tone: Decimal | None = None
    detail: Sequence[tuple[str, str]] = ()


class _Html(str):
    """What is markup already; any other text is escaped where it is put into a page."""

    __slots__ = ()


def page(report: Report) -> str:
    """The whole report as a page."""
    title = f"{_TITLE}{report.strategy}"
    parts = [
        f"<h1>{shown(title)}</h1>",
        f"<p>{_span(report)}</p>",
        _figures(report),
        "<h2>Equity</h2>",
        _equity(report),
        "<h2>Markets</h2>",
        _markets(report.markets),
        *_judged(report),
        f"<h2>Trades</h2>{_trades(report)}",
        *_refused(report),
        *_log(report),
        f"<h2>Assumptions</h2>{_assumptions(report.assumptions)}",
    ]
    body = "\n".join(parts)
    return (
        f"{_HEAD}<title>{escape(flattened(title))}</title>"
        f"<style>{_STYLE}{CHART_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def is_page(path: Path) -> bool:
    """Whether a file is the page of a report."""
    begin = f"{_HEAD}<title>{_TITLE}"
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(begin)) == begin


def summary(report: Report) -> str:
    """Its figures as a table, for notebooks."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{shown(value)}</td></tr>"
        for figure in _figures_of(report)
        for name, value in ((figure.name, figure.value), *figure.detail)
    )
    caption = shown(f"Backtest of {report.strategy}")
    return f"<table><caption>{caption}</caption>{rows}</table>"


def _span(report: Report) -> str:
    if report.started_at is None or report.ended_at is None:
        return "There were no events."
    began, ended = _time(report.started_at), _time(report.ended_at)
    return f"{report.events:,} events from {began} to {ended}, UTC"


def _figures_of(report: Report) -> list[_Figure]:
    fall = f"{dollars(report.max_drawdown)} ({percent(report.max_drawdown_ratio)})"
    reasons = [(kind, count) for kind, count, _ in _refusals(report)]
    return [
        _Figure("P&L", dollars(report.pnl), tone=report.pnl),
        _Figure("Equity at the end", dollars(report.equity)),
        _Figure("Fees", dollars(report.fees)),
        _Figure("Deepest drawdown", fall),
        _Figure("Highest exposure", dollars(report.peak_exposure)),
        _Figure("Average exposure", dollars(report.average_exposure)),
        _Figure("Turnover", dollars(report.turnover)),
        _Figure("Trades", _traded(len(report.fills), report.order_count)),
        _Figure("Refused", f"{len(report.failures):,}", detail=reasons),
        _Figure("Filled of what was ordered", share(report.fill_ratio)),
        _Figure("Brier score", ratio(report.brier)),
    ]


def _traded(fills: int, orders: int) -> str:
    return (
        f"{fills:,} {'fill' if fills == 1 else 'fills'} of "
        f"{orders:,} {'order' if orders == 1 else 'orders'}"
    )


def _figures(report: Report) -> str:
    cells = "".join(
        f"<div><dt>{escape(x.name)}</dt><dd{_tone(x.tone)}>{shown(x.value)}</dd></div>"
        for x in _figures_of(report)
    )
    return f"<dl>{cells}</dl>"


def _equity(report: Report) -> str:
    points = report.equity_curve
    if not points:
        return "<p>There is none.</p>"
    amounts = [report.starting_cash, *(x.equity for x in points)]
    label = escape(f"Equity from {dollars(min(amounts))} to {dollars(max(amounts))}")
    drawn = chart(points, report.starting_cash, report.fills, label)
    return (
        f"{drawn}<p>{label}, over time (UTC); dashed is what it began with. Trades: "
        '<i class="dot"></i> bought, <i class="dot sold"></i> sold. Drawdown is how far '
        "it was below its highest before.</p>"
    )


def _markets(markets: Sequence[MarketReport]) -> str:
    head = ("Market", "P&L", "Fills", "Fees", "Realized", "Unrealized", "Contracts")
    rows = [
        (
            _market(x.title, x.venue, x.market_id),
            _Html(f"<span{_tone(x.pnl)}>{dollars(x.pnl)}</span>"),
            f"{x.fills:,}",
            dollars(x.fees),
            dollars(x.realized),
            dollars(x.unrealized),
            contracts(x.contracts),
            dollars(x.turnover),
            _paid(x),
            ", ".join(f"{contracts(h.size)} {h.outcome}" for h in x.held) or "–",
        )
        for x in markets
    ]
    return _table((*head, "Turnover", "Pays", "Held"), rows, kind="wide pinned")


def _market(title: str, venue: str, market_id: str) -> _Html:
    """What it is called, and its id, of which the whole is there to be looked up."""
    short = shown(f"{venue}:{shortened(flattened(market_id))}")
    whole = escape(flattened(f"{venue}:{market_id}"))
    hover = "" if short == whole else f' title="{whole}"'
    name = f"{shown(title)}<br>" if title else ""
    return _Html(f"{name}<small{hover}>{short}</small>")


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
            ratio(x.said),
            ratio(x.came),
        )
        for x in report.calibration
    ]
    head = ("Forecast", "How many", "Said on average", "Came true")
    return ["<h2>Calibration</h2>", _table(head, rows)]


def _trades(report: Report) -> str:
    titles = {(x.venue, x.market_id): _cut(x.title) for x in report.markets}
    fills = report.fills
    rows = [
        (
            _exactly(x.created_at),
            _market(titles.get((x.venue, x.market_id), ""), x.venue, x.market_id),
            f"{x.side} {x.outcome}",
            contracts(x.size),
            text(x.price, 2),
            "unknown" if x.fee is None else text(x.fee, 2),
            str(x.liquidity),
        )
        for x in fills[-_MOST_TRADES:]
    ]
    head = ("Time (UTC)", "Market", "Side", "Contracts", "Price", "Fee", "As")
    return _earlier(len(fills) - len(rows)) + _table(head, rows, kind="long")


def _refused(report: Report) -> list[str]:
    rows = _refusals(report)
    if not rows:
        return []
    return [
        "<h2>Refused</h2>",
        _table(("Reason", "How many", "First of them"), rows),
    ]


def _refusals(report: Report) -> list[tuple[str, str, str]]:
    """Each kind of error once: how many there were, and what the first of them said."""
    first = {type(x.error).__name__: str(x.error) for x in reversed(report.failures)}
    counts = Counter(type(x.error).__name__ for x in report.failures)
    return [(kind, f"{n:,}", first[kind]) for kind, n in counts.most_common()]


def _cut(title: str) -> str:
    return title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"


def _earlier(left: int) -> str:
    return f"<p>{left:,} earlier ones are in the JSON.</p>" if left else ""


def _assumptions(assumed: Assumptions) -> str:
    """Each fee rule once, with how many markets it was taken for."""
    rules = Counter(x.rule for x in assumed.fees)
    rows = [
        ("Delay of orders", _milliseconds(assumed.order_delay)),
        ("Delay of events", _milliseconds(assumed.event_delay)),
        ("Equity every", _milliseconds(assumed.sample)),
        *((f"Fees of {_counted(n)}", rule) for rule, n in rules.items()),
        ("Fees over time", "one rule for all days: changes and waivers are not kept"),
        *((f"Guard {x.guard}", x.limit) for x in assumed.guards),
        *(("Data", _source(x)) for x in assumed.data),
    ]
    return _table(("What", "As"), rows)


def _counted(markets: int) -> str:
    return f"{markets:,} market" if markets == 1 else f"{markets:,} markets"


def _milliseconds(nanoseconds: int) -> str:
    return f"{text(EXACT.scaleb(Decimal(nanoseconds), -6))} ms"


def _source(source: Source) -> str:
    name = "events given in memory" if source.name is None else source.name
    if source.began_at is None or source.ended_at is None:
        return f"{name}, of which nothing was read"
    polled = f", {source.polled:,} books polled" if source.polled else ""
    return f"{name}, {_time(source.began_at)} to {_time(source.ended_at)}, UTC{polled}"


def _log(report: Report) -> list[str]:
    lines = [
        (f"{_time(at(note.at))}.{note.at % 1_000_000_000:09}", note.text)
        for note in report.notes[-_MOST_LINES:]
    ]
    if not lines:
        return []
    left = len(report.notes) - len(lines)
    return ["<h2>Log</h2>", _earlier(left), _table(("Time (UTC)", "Line"), lines)]


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = ""
) -> str:
    if not rows:
        return "<p>There are none.</p>"
    classes = [_CLASSES.get(name, "") for name in head]
    titles = "".join(
        f"<th{each}>{escape(name)}</th>"
        for each, name in zip(classes, head, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{each}>{cell if isinstance(cell, _Html) else shown(cell)}</td>"
            for each, cell in zip(classes, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    hint = '<p class="hint">Scroll sideways for all columns →</p>' if kind else ""
    return (
        f'<div class="{kind}">{hint}<div class="scroll"><table><thead><tr>{titles}</tr>'
        f"</thead><tbody>{lines}</tbody></table></div></div>"
    )


def _tone(sign: Decimal | None) -> str:
    if not sign:
        return ""
    return ' class="gain"' if sign > ZERO else ' class="loss"'


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _exactly(moment: datetime) -> str:
    """To the microsecond, as a log has it too: what was logged at a trade is found by it."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
