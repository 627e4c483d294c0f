"""Three ways to tell what is followed: a live board, lines for people, lines of JSON."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import attrs
from rich.console import ConsoleDimensions, RenderableType
from rich.live import Live
from rich.text import Text

from ..models import Gap, MarketChange, OrderBook, Reconciled, Reconnected, StreamHealth
from ..models.quotes import Level
from ..money import text as number
from .board import Board, Item, change_line
from .layout import NOTHING
from .screen import Screen, flat
from .stopping import Suspension
from .views import trade_line

__all__ = ["JsonLines", "Lines", "LiveBoard", "Teller"]

_FASTEST: Final = 0.125
"""Seconds between two pictures; more are not seen, and cost."""
_SLOWEST: Final = 0.5
"""Seconds after which a picture without news is drawn anew, for what grows old."""
_AFTERWARDS: Final = 2
"""Lines that follow the last picture: what came of it, and the prompt."""
_NAMES: Final[dict[type, str]] = {
    OrderBook: "order_book",
    MarketChange: "market_change",
}


class Teller(ABC):
    """Tells items as they come."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 - most have nothing to give back
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the screen as it was found."""

    @abstractmethod
    def tell(self, item: Item) -> None:
        """Tell of something."""

    def beat(self) -> None:  # noqa: B027 - most show no time
        """Time has passed, at most a tenth of a second."""


class JsonLines(Teller):
    """One object for each event: its kind in ``event``, then the model's own fields."""

    def __init__(self, screen: Screen, depth: int | None) -> None:
        self._screen = screen
        self._depth = depth

    def tell(self, item: Item) -> None:
        """Print it."""
        kind = _NAMES.get(type(item)) or type(item).__name__.lower()
        told: dict[str, object] = {"event": kind}
        if isinstance(item, OrderBook):
            best = {"bid": item.bid, "ask": item.ask}
            cut = slice(self._depth)
            item = attrs.evolve(item, bids=item.bids[cut], asks=item.asks[cut])
            told |= {
                name: level and number(level.price) for name, level in best.items()
            }
        fields = flat(item)
        assert isinstance(fields, dict)
        self._screen.line(told | fields)


class Lines(Teller):
    """One line for each event, for a pipe or a file that people read."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def tell(self, item: Item) -> None:
        """Print it."""
        line = _line(item)
        if line is not None:
            self._screen.out.print(line)


def _line(item: Item) -> Text | None:
    if isinstance(item, OrderBook):
        best = f"{_level(item.bid)} / {_level(item.ask)}"
        return Text(f"{item.market_id} {item.outcome}  {best}")
    if isinstance(item, MarketChange):
        return change_line(item)
    if isinstance(item, Gap):
        markets = ", ".join(item.market_ids) or "all markets"
        return Text(f"gap, {markets}: {item.reason}", style="yellow")
    if isinstance(item, Reconnected):
        return Text(f"connected again after {item.downtime:.1f} s", style="green")
    if isinstance(item, Reconciled):
        return None
    return Text.assemble(f"{item.market_id} {item.outcome}", trade_line(item))


def _level(level: Level | None) -> str:
    return f"{number(level.size)} @ {number(level.price, 2)}" if level else NOTHING


class LiveBoard(Teller):
    """A board on a screen of its own; the last picture is left behind."""

    def __init__(
        self,
        screen: Screen,
        board: Board,
        health: Callable[[], StreamHealth],
        depth: int,
    ) -> None:
        self._out = screen.out
        self._board = board
        self._health = health
        self._depth = depth
        # On the screen of the shell, what was drawn before a resize would stay behind.
        # Drawn by hand: a thread that draws would draw what has not changed.
        self._live = Live(
            console=self._out, screen=True, auto_refresh=False, redirect_stderr=False
        )
        self._drawn = -_SLOWEST
        self._has_news = True
        self._size = self._out.size
        self._suspension = Suspension()

    def __enter__(self) -> Self:
        self._suspension.hold()
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back, with the picture as it is now."""
        self._live.stop()
        self._suspension.release()
        self._out.print(self._picture(self._out.size, spare=_AFTERWARDS))

    def tell(self, item: Item) -> None:
        """Take it in; it is seen in the next picture."""
        self._board.hear(item)
        self._has_news = True
        self.beat()

    def beat(self) -> None:
        """Draw, if it is time to."""
        if self._suspension.is_due:
            self._live.stop()
            self._suspension.suspend()
            self._live.start()
            self._drawn = -_SLOWEST
        wait = _FASTEST if self._has_news else _SLOWEST
        is_due = time.monotonic() - self._drawn >= wait
        if is_due or self._out.size != self._size:
            self._draw()

    def _draw(self) -> None:
        self._size = self._out.size
        self._live.update(self._picture(self._size), refresh=True)
        self._drawn = time.monotonic()
        self._has_news = False

    def _picture(self, size: ConsoleDimensions, *, spare: int = 0) -> RenderableType:
        return self._board.render(
            self._health(),
            width=size.width,
            height=size.height - spare,
            depth=self._depth,
        )
