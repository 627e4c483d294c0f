"""One market as it is followed: its ladder, its last trades, and how sure we are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs
from rich.text import Text

from ..models import Market, MarketStatus, OrderBook, Trade
from ..models.titles import title_of
from .views import rungs, trade_line
from .words import flattened, span

__all__ = ["Panel", "Shape", "shapes"]

_TRADES = 3
_MOMENT = 1.0
"""Seconds in which a book that was replaced should have been."""
_FRAME = 3
"""Lines that every panel has: its name, its state, its spread."""


@attrs.frozen
class Shape:
    """How much a panel shows."""

    levels: int
    trades: int = _TRADES
    has_title: bool = True

    @property
    def height(self) -> int:
        """Its lines, the same for every state of a market, so that nothing jumps."""
        return _FRAME + self.has_title + 2 * self.levels + self.trades


def shapes(depth: int) -> Iterator[Shape]:
    """From the fullest on: first levels go, then trades, then the title."""
    for levels in range(depth, 0, -1):
        yield Shape(levels)
    for trades in range(_TRADES - 1, -1, -1):
        yield Shape(1, trades)
    yield Shape(1, 0, has_title=False)


@attrs.define
class Panel:
    """One market: its book as it was last whole, and its last trades."""

    market: Market
    outcome: str
    book: OrderBook | None = None
    trades: deque[Trade] = attrs.field(factory=lambda: deque(maxlen=_TRADES))
    status: str = ""
    """Empty as long as it trades and nothing else was told."""
    reason: str = ""
    """Why its book went stale, if that was told since it came."""

    @classmethod
    def of(cls, market: Market, outcome: str | None) -> Panel:
        """Begin with what is known of a market; default its first outcome."""
        status = "" if market.status is MarketStatus.OPEN else str(market.status)
        return cls(market, market.outcome(outcome).label, status=status)

    @property
    def name(self) -> Text:
        """Its id and which outcome is quoted."""
        return Text.assemble((self.market.market_id, "bold"), f" {self.outcome}")

    @property
    def is_stale(self) -> bool:
        """Whether its book may have missed a change.

        Until a newer one that has just come is taken, it is shown as it is.
        """
        book = self.book
        if book is None or not book.stale:
            return False
        return bool(self.reason) or (book.age or 0) >= _MOMENT

    @property
    def age(self) -> str:
        """How long nothing was heard of its book, empty if that is not known."""
        age = None if self.book is None else self.book.age
        return "" if age is None else span(age)

    @property
    def id(self) -> Text:
        """Its id alone."""
        return Text(self.market.market_id, "bold")

    def lines(self, shape: Shape, breadth: int) -> Iterator[Text]:
        """As many as the shape says; what is longer than the breadth is cut later."""
        yield self.name if self.name.cell_len <= breadth else self.id
        if shape.has_title:
            yield Text(flattened(title_of(self.market)), style="dim")
        yield self._state()
        yield from _ladder(self.book, shape.levels)
        trades = [trade_line(trade) for trade in reversed(self.trades)]
        yield from _filled(trades[: shape.trades], shape.trades)

    def _state(self) -> Text:
        status = f"  {self.status}" if self.status else ""
        book = self.book
        if book is None:
            return Text.assemble(("waiting for its book", "yellow"), status)
        told = Text.assemble(
            ("STALE", "bold reverse red") if self.is_stale else ("live", "green"),
            status,
            f"  age {self.age}" if self.age else "",
            f"  seq {'–' if book.sequence is None else book.sequence}",
        )
        if not self.is_stale:
            return told
        return told.append(f"  {flattened(self.reason)}", "red")


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
    return lines + [Text() for _ in range(count - len(lines))]
