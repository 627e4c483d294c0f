"""Markets as they are followed: ladders side by side, last trades, and how sure we are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..models import (
    Gap,
    Market,
    MarketChange,
    OrderBook,
    Reconciled,
    Reconnected,
    Side,
    StreamHealth,
    Trade,
)
from ..money import text
from .layout import amount
from .views import rungs

__all__ = ["Board", "Item", "change_line", "health_line", "trade_line"]

Item: TypeAlias = OrderBook | Trade | MarketChange | Gap | Reconnected | Reconciled
"""What is told of markets, and of the stream itself."""

_WIDTH = 40
"""Of one ladder, at least."""
_GAP = 3
_TRADES = 3
_FRAME = 4
"""Lines of a panel beside its levels and trades: name, title, state, spread."""
_STATES = {"live": "green", "degraded": "yellow", "paused": "yellow"}
_SIDES = {Side.BUY: "green", Side.SELL: "red", None: ""}


@attrs.define
class Panel:
    """One market: its book as it was last whole, and its last trades."""

    market: Market
    outcome: str
    book: OrderBook | None = None
    trades: deque[Trade] = attrs.field(factory=lambda: deque(maxlen=_TRADES))
    status: str = ""
    reason: str = ""
    """Why its book went stale."""

    def lines(self, depth: int) -> Iterator[Text]:
        """As many for every state, so that nothing jumps."""
        yield Text.assemble((self.market.market_id, "bold"), f" {self.outcome}")
        yield Text(self.market.title, style="dim")
        yield self._state()
        yield from _ladder(self.book, depth)
        trades = [trade_line(trade) for trade in reversed(self.trades)]
        yield from _filled(trades, _TRADES)

    def _state(self) -> Text:
        book = self.book
        if book is None:
            return Text("waiting for its book", style="yellow")
        is_stale = book.stale
        age = "" if book.age is None else f"  age {book.age:.1f} s"
        told = Text.assemble(
            ("STALE", "bold reverse red") if is_stale else ("live", "green"),
            (f"  {self.status}" if self.status else ""),
            f"{age}  seq {'–' if book.sequence is None else book.sequence}",
        )
        return told.append(f"  {self.reason}", "red") if is_stale else told


class Board:
    """What was told last of some markets, ready to be shown."""

    def __init__(self, markets: Sequence[Market], outcome: str | None) -> None:
        self._panels = {
            market.market_id: Panel(market, market.outcome(outcome).label)
            for market in markets
        }
        self._notice = Text()

    def hear(self, item: Item) -> None:
        """Take in what is told."""
        if isinstance(item, OrderBook):
            self._panels[item.market_id].book = item
        elif isinstance(item, Trade):
            self._panels[item.market_id].trades.append(item)
        elif isinstance(item, MarketChange):
            self._panels[item.market_id].status = str(item.status or item.change)
        elif isinstance(item, Gap):
            self._notice = Text(f"gap: {item.reason}", style="yellow")
            for market_id in item.market_ids or self._panels:
                if market_id in self._panels:
                    self._panels[market_id].reason = item.reason
        elif isinstance(item, Reconnected):
            told = f"connected again after {item.downtime:.1f} s"
            self._notice = Text(told, style="green")

    def render(
        self, health: StreamHealth, *, width: int, height: int, depth: int
    ) -> RenderableType:
        """All of it in so many columns and lines, with fewer levels if it must be."""
        panels = list(self._panels.values())
        beside = max(1, (width + _GAP) // (self._breadth() + _GAP))
        rows = -(-len(panels) // beside)
        room = (height - 2) // rows - _FRAME - _TRADES - 1
        levels = max(1, min(depth, room // 2))
        grid = Table.grid(padding=(0, _GAP, 1, 0))
        for _ in range(min(beside, len(panels))):
            grid.add_column(width=self._breadth(), no_wrap=True)
        for start in range(0, len(panels), beside):
            row = panels[start : start + beside]
            grid.add_row(*(Text("\n").join(panel.lines(levels)) for panel in row))
        return Group(grid, self._notice, health_line(health))

    def _breadth(self) -> int:
        # An id is never cut.
        names = (
            len(f"{x.market.market_id} {x.outcome}") for x in self._panels.values()
        )
        return max(_WIDTH, *names)


def _ladder(book: OrderBook | None, depth: int) -> Iterator[Text]:
    if book is None:
        yield from _filled([], 2 * depth + 1)
        return
    asks, middle, bids = rungs(book, depth)
    yield from _filled([], depth - len(asks))
    yield from asks
    yield middle
    yield from _filled(bids, depth)


def _filled(lines: list[Text], count: int) -> list[Text]:
    return lines + [Text()] * (count - len(lines))


def trade_line(trade: Trade) -> Text:
    """A trade in a line."""
    side = f"{trade.taker_side} " if trade.taker_side else ""
    what = f"{side}{text(trade.size)} @ {text(trade.price, 2)}"
    time = f"{trade.created_at:%H:%M:%S}"
    return Text.assemble((f"  {time}  ", "dim"), (what, _SIDES[trade.taker_side]))


def change_line(change: MarketChange) -> Text:
    """A change of a market in a line."""
    parts = [change.change, str(change.status or ""), change.result or ""]
    told = " ".join(dict.fromkeys(part for part in parts if part))
    if change.value is not None:
        told += f", one contract pays {amount(change.value, 2)}"
    return Text(f"{change.market_id}: {told}")


def health_line(health: StreamHealth) -> Text:
    """How a stream does, in a line."""
    again = max(0, health.connections - 1)
    parts = [
        f"{health.messages:,} messages",
        _counted(health.gaps, "gap"),
        _counted(again, "reconnection"),
    ]
    if health.silence is not None:
        parts.append(f"silent for {health.silence:.0f} s")
    if health.stale_books:
        parts.append(f"{health.stale_books} stale")
    if health.state != "live" and health.last_error:
        parts.append(health.last_error)
    style = _STATES.get(health.state, "red")
    return Text.assemble((f"● {health.state}", style), f"  {' · '.join(parts)}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
