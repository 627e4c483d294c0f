"""Equity over time as a picture that needs no script: axes, fills, and falls below.

The picture is stretched to the width that there is, the texts beside it are not: so they
are read on a telephone too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Final

import attrs

from ..models import BUY, Fill
from ..money import EXACT, ZERO, div
from ..research.thinning import thinned
from .axes import depth_ticks, dollar_ticks, microseconds, time_ticks
from .report import EquityPoint

__all__ = ["CHART_STYLE", "chart"]

_WIDTH: Final = 900
_HEIGHT: Final = 260
_EDGE: Final = 6
_FALLS: Final = 305
"""Where the falls begin, below equity."""
_DEPTH: Final = 70
_BOTTOM: Final = _FALLS + _DEPTH + _EDGE
_MOST_POINTS: Final = 2_000
_MOST_DOTS: Final = 200
_STROKES: Final = (_HEIGHT + 4, _HEIGHT + 13)
"""Where the strokes of what was bought and of what was sold begin."""
_DOLLARS: Final = 5
_USUAL: Final = 9
"""Letters of an amount for which there is room at the left."""
_TIMES: Final = 6

CHART_STYLE: Final = """
.chart{margin:0}.plot{position:relative;height:24rem;margin:.5rem 2.5rem 3rem 5rem}
.plot svg{position:absolute;width:100%;height:100%;overflow:visible}
.plot path{fill:none;vector-effect:non-scaling-stroke}.plot span{position:absolute;
font-size:.75rem;line-height:1.2;color:var(--soft);font-variant-numeric:tabular-nums}
.dollars span{right:calc(100% + .5rem);transform:translateY(-50%);white-space:nowrap}
.times span{top:calc(100% + .35rem);transform:translateX(-50%);text-align:center;
white-space:nowrap}.plot .what{left:0}
.plot .grid{stroke:var(--line)}.plot .base{stroke:var(--soft);stroke-dasharray:4 4}
.plot .curve{stroke:var(--curve);stroke-width:1.5}
.plot .fall{fill:var(--loss);fill-opacity:.25;stroke:var(--loss);stroke-width:1}
.plot .bought,.plot .sold{stroke:var(--gain);stroke-width:6;stroke-linecap:round}
.plot .sold{stroke:var(--sold)}.plot .stroke{stroke-width:1;stroke-linecap:butt}
.dot{display:inline-block;width:.6em;height:.6em;
border-radius:50%;background:var(--gain)}.dot.sold{background:var(--sold)}
@media(max-width:45rem){.plot{margin-right:1.5rem}.times span:nth-child(even){display:none}}
"""


def chart(
    points: Sequence[EquityPoint], base: Decimal, trades: Sequence[Fill], label: str
) -> str:
    """The equity of a backtest that began with ``base`` dollars, with its trades.

    ``label`` is what is told to who cannot see it, as text that is escaped.
    """
    began, span = points[0].at, max(1, microseconds(points[0].at, points[-1].at))
    across = _Across(began, span)
    low = min(base, *(x.equity for x in points))
    high = max(base, *(x.equity for x in points))
    equity = _Scale(low, high, 0, _HEIGHT)
    falls = _falls(points, base)
    deepest = min(fall for _, fall in falls)
    depth = _Scale(deepest, ZERO, _FALLS, _DEPTH)
    heights = [
        *((equity.of(tick), told) for tick, told in dollar_ticks(low, high, _DOLLARS)),
        *((depth.of(tick), told) for tick, told in depth_ticks(deepest)),
    ]
    times = [
        (across.of(moment), told)
        for moment, told in time_ticks(began, points[-1].at, _TIMES)
    ]
    grid = [f"M0 {_tenths(y)}H{_WIDTH}" for y, _ in heights]
    grid += [f"M{_tenths(x)} 0V{_FALLS + _DEPTH}" for x, _ in times]
    level = _tenths(equity.of(base))
    line = _steps([(x.at, x.equity) for x in points], across, equity)
    fall = _steps(falls, across, depth)
    marks = _marks(points, trades, across, equity)
    return (
        f'<figure class="chart"><div class="plot"{_room(heights)}>'
        f'<svg viewBox="0 {-_EDGE} {_WIDTH} {_BOTTOM + _EDGE}" '
        f'preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<path class="grid" d="{"".join(grid)}"/>'
        f'<path class="fall" d="{fall}V{_FALLS}H0Z"/>'
        f'<path class="base" d="M0 {level}H{_WIDTH}"/>'
        f'<path class="curve" d="{line}"/>{marks}</svg>'
        f'<div class="dollars">{_beside(heights)}</div>'
        f'<div class="times">{_below(times)}</div>'
        f'<span class="what" style="top:{_percent((_FALLS - 20) * 10)}">Drawdown</span>'
        "</div></figure>"
    )


@attrs.frozen
class _Across:
    """Moments as tenths of a unit from the left."""

    began: datetime
    span: int

    def of(self, moment: datetime) -> int:
        passed = microseconds(self.began, moment)
        return min(max(0, passed * _WIDTH * 10 // self.span), _WIDTH * 10)


@attrs.frozen
class _Scale:
    """Dollars as tenths of a unit from the top."""

    low: Decimal
    high: Decimal
    top: int
    height: int

    def of(self, value: Decimal) -> int:
        if self.high == self.low:
            # Equity that never changes is in the middle; no fall is at the top.
            return self.top * 10 if self.top else self.height * 5
        part = div(
            EXACT.subtract(self.high, value), EXACT.subtract(self.high, self.low)
        )
        return self.top * 10 + int(EXACT.multiply(part, Decimal(self.height * 10)))


def _falls(
    points: Iterable[EquityPoint], base: Decimal
) -> list[tuple[datetime, Decimal]]:
    """How far equity is below its highest before: nothing, or less."""
    highest = base
    found = []
    for point in points:
        highest = max(highest, point.equity)
        found.append((point.at, EXACT.subtract(point.equity, highest)))
    return found


def _steps(
    points: Sequence[tuple[datetime, Decimal]], across: _Across, scale: _Scale
) -> str:
    shown = thinned(points, _MOST_POINTS, low=itemgetter(1), high=itemgetter(1))
    steps: list[str] = []
    for moment, amount in shown:
        x, y = _tenths(across.of(moment)), _tenths(scale.of(amount))
        # Between two points equity is what it was at the first.
        steps.append(f"H{x}V{y}" if steps else f"M{x} {y}")
    if len(shown) == 1:
        steps.append(f"H{_WIDTH}")  # a point alone is not drawn
    return "".join(steps)


def _marks(
    points: Sequence[EquityPoint],
    trades: Iterable[Fill],
    across: _Across,
    scale: _Scale,
) -> str:
    """Where trades were: dots on the line, or strokes below it where they would hide it."""
    moments = [point.at for point in points]
    found: dict[str, dict[tuple[int, int], None]] = {"bought": {}, "sold": {}}
    for trade in trades:
        place = max(0, bisect_right(moments, trade.created_at) - 1)
        x = (across.of(trade.created_at) + 5) // 10
        y = (scale.of(points[place].equity) + 5) // 10
        # Of those that would lie on one another, one.
        found["bought" if trade.side == BUY else "sold"][x, y] = None
    is_crowded = sum(map(len, found.values())) > _MOST_DOTS
    drawn = []
    for (kind, dots), top in zip(found.items(), _STROKES, strict=True):
        if is_crowded:
            marks = "".join(f"M{x} {top}v7" for x in dict.fromkeys(x for x, _ in dots))
        else:
            marks = "".join(f"M{x} {y}h0" for x, y in dots)
        if marks:
            form = " stroke" if is_crowded else ""
            drawn.append(f'<path class="{kind}{form}" d="{marks}"/>')
    return "".join(drawn)


def _room(heights: Iterable[tuple[int, str]]) -> str:
    """As much at the left as the longest amount takes, where that is more than is usual."""
    longest = max(len(told) for _, told in heights)
    return f' style="margin-left:{longest // 2 + 1}rem"' if longest > _USUAL else ""


def _beside(heights: Iterable[tuple[int, str]]) -> str:
    return "".join(
        f'<span style="top:{_percent(y)}">{told}</span>' for y, told in heights
    )


def _below(times: Iterable[tuple[int, Sequence[str]]]) -> str:
    return "".join(
        f'<span style="left:{_tenths(x * 100 // _WIDTH)}%">{"<br>".join(told)}</span>'
        for x, told in times
    )


def _percent(height: int) -> str:
    """How far down tenths of a unit are, as a part of the picture."""
    return f"{_tenths((height + _EDGE * 10) * 100 // (_BOTTOM + _EDGE))}%"


def _tenths(count: int) -> str:
    return f"{count // 10}.{count % 10}"
