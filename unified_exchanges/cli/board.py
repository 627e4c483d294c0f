"""Markets as they are followed, and the stream: all of it on one screen of any size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from rich.console import Group, RenderableType
from rich.text import Text

from ..models import (
    Gap,
    Market,
    MarketChange,
    MarketStatus,
    OrderBook,
    Reconciled,
    Reconnected,
    StreamHealth,
    Trade,
)
from .layout import amount
from .panel import Panel, shapes
from .roster import Roster
from .words import counted, fitted, flattened

__all__ = ["Board", "Item", "change_line", "health_line"]

Item: TypeAlias = OrderBook | Trade | MarketChange | Gap | Reconnected | Reconciled
"""What is told of markets, and of the stream itself."""

_WIDTH = 38
"""Of one ladder, at least: two stand side by side on 80 columns."""
_WIDEST = 80
_GAP = 3
_BESIDE = 2
"""Lines beside the markets: what happened to the stream last, and how it does."""
_ERROR = 24
"""Columns of an error for which counters make room."""
_STATES = {"live": "green", "degraded": "yellow", "paused": "yellow"}


class Board:
    """What was told last of some markets, ready to be shown."""

    def __init__(self, markets: Sequence[Market], outcome: str | None) -> None:
        self._panels = {
            market.market_id: Panel.of(market, outcome) for market in markets
        }
        self._roster = Roster(tuple(self._panels.values()))
        self._notice = Text()

    def hear(self, item: Item) -> None:
        """Take in what is told."""
        if isinstance(item, OrderBook):
            panel = self._panels[item.market_id]
            panel.book, panel.reason = item, ""
        elif isinstance(item, Trade):
            self._panels[item.market_id].trades.append(item)
        elif isinstance(item, MarketChange):
            is_open = item.status is MarketStatus.OPEN
            told = "" if is_open else str(item.status or item.change)
            self._panels[item.market_id].status = told
        elif isinstance(item, Gap):
            self._notice = _noticed(item.at, _gap(item), "yellow")
            for market_id in item.market_ids or self._panels:
                if market_id in self._panels:
                    self._panels[market_id].reason = item.reason
        elif isinstance(item, Reconnected):
            told = f"connected again after {item.downtime:.1f} s"
            self._notice = _noticed(item.at, told, "green")

    def render(
        self, health: StreamHealth, *, width: int, height: int, depth: int
    ) -> RenderableType:
        """All of it in so many columns and lines, never more.

        What happened to the stream last and how it does are always there. The markets
        share the rest: as ladders, ever smaller ones, then in a line each.
        """
        room = height - _BESIDE
        markets = self._ladders(width, room, depth)
        if markets is None:
            markets = list(self._roster.lines(width, room))
        notice = [fitted(self._notice.copy(), width)] if height >= _BESIDE else []
        return Group(*markets, *notice, health_line(health, width))

    def _ladders(self, width: int, room: int, depth: int) -> list[Text] | None:
        """The panels in the fullest shape that all of them can have, if there is one."""
        panels = list(self._panels.values())
        least = max(_WIDTH, *(panel.name.cell_len for panel in panels))
        beside = max(1, min(len(panels), (width + _GAP) // (least + _GAP)))
        rows = -(-len(panels) // beside)
        # A blank line follows each row.
        fitting = (s for s in shapes(depth) if rows * (s.height + 1) <= room)
        shape = next(fitting, None)
        if shape is None:
            return None
        breadth = min(_WIDEST, (width + _GAP) // beside - _GAP)
        lines: list[Text] = []
        for start in range(0, len(panels), beside):
            row = [
                panel.lines(shape, breadth) for panel in panels[start : start + beside]
            ]
            lines += (_side_by_side(parts, breadth) for parts in zip(*row, strict=True))
            lines.append(Text())
        return lines


def _side_by_side(parts: Sequence[Text], breadth: int) -> Text:
    fitting = [fitted(part, breadth, filled=True) for part in parts]
    return Text(" " * _GAP, no_wrap=True).join(fitting)


def _noticed(at: datetime, told: str, style: str) -> Text:
    return Text.assemble((f"{at.astimezone(UTC):%H:%M:%S}  ", "dim"), (told, style))


def _gap(gap: Gap) -> str:
    reason = flattened(gap.reason)
    if not gap.market_ids:
        return f"gap: {reason}"
    first, *others = gap.market_ids
    where = f" of {len(gap.market_ids):,} markets" if others else f", {first}"
    return f"gap{where}: {reason}"


def change_line(change: MarketChange) -> Text:
    """A change of a market in a line."""
    parts = [change.change, str(change.status or ""), change.result or ""]
    told = " ".join(dict.fromkeys(part for part in parts if part))
    if change.value is not None:
        told += f", one contract pays {amount(change.value, 2)}"
    return Text(f"{change.market_id}: {told}")


def health_line(health: StreamHealth, width: int | None = None) -> Text:
    """How a stream does, in a line; counters go where it would be too long."""
    messages = f"{health.messages:,} messages"
    gaps = counted(health.gaps, "gap")
    again = counted(max(0, health.connections - 1), "reconnection")
    everything = (messages, gaps, again)
    if width is None:
        return _state_of(health, everything, health.last_error)
    least = health.last_error[:_ERROR]
    fewer = (everything, (gaps, again), (gaps,))
    fitting = (x for x in fewer if _state_of(health, x, least).cell_len <= width)
    return fitted(_state_of(health, next(fitting, ()), health.last_error), width)


def _state_of(health: StreamHealth, counters: Sequence[str], error: str) -> Text:
    parts = list(counters)
    if health.silence_ms is not None:
        parts.append(f"silent for {health.silence_ms / 1000:.0f} s")
    if health.stale_books:
        parts.append(f"{health.stale_books} stale")
    if health.state != "live" and error:
        parts.append(flattened(error))
    style = _STATES.get(health.state, "red")
    return Text.assemble((f"● {health.state}", style), f"  {' · '.join(parts)}")
