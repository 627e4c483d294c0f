"""What people see of the demo, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ..errors import InvalidPrice
from ..models import Balance, CancelReport, Fill, Market, Order, OrderBook, Position
from ..money import text
from .account import balance_line
from .layout import Column, amount, decimals, lay_out
from .ledger import Check, Ledger, Line
from .screen import Screen
from .views import FILLS, MARKETS, ORDERS, POSITIONS, Quoted, ladder, order_line

__all__ = ["Stage"]

_INDENT = 3
_SHOWN = 8
_LEVELS = 4
_SILENCE = Text("nothing was told", style="red")


class Stage:
    """Shows the steps as they come, and remembers what was seen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._count = 0
        self.seen: dict[str, Any] = {}

    def open(self, name: str, url: str, seed: int) -> None:
        """Say what is about to happen."""
        self._print(
            Text.assemble(
                (f"A simulated {name}", "bold"),
                f" on {url}\n",
                (f"seed {seed}, real HTTP, a key made for this run", "dim"),
            )
        )

    def show(self, step: str, seen: Any) -> None:
        """Show one step of the strategy."""
        self.seen[step] = seen
        self._count += 1
        title, show = _STEPS[step]
        self._titled(title, show(seen, self._screen.out.width - _INDENT))

    def close(self, ledger: Ledger) -> None:
        """Show the ledger and the verdict."""
        self._count += 1
        width = self._screen.out.width - _INDENT
        statement, _ = lay_out(_STATEMENT, ledger.lines, width)
        places = max(decimals(line.amount) for line in ledger.lines)
        checks, _ = lay_out(_checks(places), ledger.checks, width)
        self._titled("The ledger, in dollars", Group(statement, Text(), checks))
        self._print(Text())
        if ledger.reconciles:
            self._print(Text("✓ It adds up, to the last digit.", style="bold green"))
        else:
            self._print(Text("✗ It does not add up.", style="bold red"))

    def _titled(self, title: str, body: RenderableType) -> None:
        self._print(Text.assemble((f"\n{self._count:>2} ", "dim"), (title, "bold")))
        self._print(Padding(body, (0, 0, 0, _INDENT), expand=False))

    def _print(self, what: RenderableType) -> None:
        if not self._screen.as_json:
            self._screen.out.print(what)


def _balance(found: Balance, _: int) -> RenderableType:
    return balance_line(found)


def _markets(found: Sequence[Market], width: int) -> RenderableType:
    rows = [Quoted.of(market, None) for market in found[:_SHOWN]]
    table, _ = lay_out(MARKETS, rows, width)
    more = len(found) - len(rows)
    return Group(table, Text(f"and {more} more", style="dim")) if more else table


def _book(found: OrderBook, _: int) -> RenderableType:
    return ladder(found, _LEVELS)


def _order(found: Order, _: int) -> RenderableType:
    return order_line(found)


def _orders(found: Sequence[Order], width: int) -> RenderableType:
    if not found:
        return Text("none", style="green")
    return lay_out(ORDERS, found, width)[0]


def _fills(found: Sequence[Fill], width: int) -> RenderableType:
    return lay_out(FILLS, found, width)[0]


def _fill(found: Fill | None, _: int) -> RenderableType:
    if found is None:
        return _SILENCE
    what = f"{found.side} {text(found.size)} {found.outcome} @ {text(found.price, 2)}"
    fee = "unknown" if found.fee is None else text(found.fee, 2)
    return Text(f"{what}, a fee of {fee}")


def _told(found: Order | None, width: int) -> RenderableType:
    return _SILENCE if found is None else _order(found, width)


def _streamed(found: OrderBook | None, _: int) -> RenderableType:
    if found is None:
        return _SILENCE
    state = "stale" if found.stale else "live"
    # Not every venue numbers what it tells.
    number = "" if found.sequence is None else f", sequence {found.sequence}"
    fresh = Text(f"{state}{number}", style="dim")
    return Group(ladder(found, _LEVELS), fresh)


def _positions(found: Sequence[Position], width: int) -> RenderableType:
    return lay_out(POSITIONS, found, width)[0]


def _refusal(found: InvalidPrice, _: int) -> RenderableType:
    nearest = " and ".join(amount(price, 2) for price in found.nearest)
    return Group(
        Text.assemble(("InvalidPrice ", "bold red"), str(found)),
        Text(f"nothing was sent; the error carries {nearest}", style="dim"),
    )


def _report(found: CancelReport, _: int) -> RenderableType:
    gone = [order_line(order) for order in found.canceled]
    return Group(*gone, Text(f"complete: {found.is_complete}", style="dim"))


_STEPS: dict[str, tuple[str, Callable[[Any, int], RenderableType]]] = {
    "cash before": ("Cash at the start", _balance),
    "markets": ("Markets", _markets),
    "book": ("The book of the one nearest to even odds", _book),
    "rest": ("A bid that only rests", _order),
    "open orders": ("It is open at the venue", _orders),
    "take": ("A bid that takes what is offered", _order),
    "fills": ("It filled, for a fee", _fills),
    "fill told": ("The same on the stream", _fill),
    "positions": ("What we hold now", _positions),
    "off the grid": ("A price between two ticks is refused", _refusal),
    "cancel all": ("Cancel everything", _report),
    "order told": ("The end of the one that rested, on the stream", _told),
    "left open": ("Orders still open", _orders),
    "book read": ("The book over REST", _book),
    "book told": ("The book on the stream", _streamed),
    "cash after": ("Cash at the end", _balance),
}


def _verdict(check: Check) -> Text:
    return Text("✓", "green") if check.holds else Text("✗", "bold red")


_STATEMENT: tuple[Column[Line], ...] = (
    Column("", lambda line: line.label),
    Column("", lambda line: line.amount, places=2),
)


def _checks(places: int) -> tuple[Column[Check], ...]:
    def found(check: Check, number: Decimal) -> Text:
        shown = amount(number, places if check.unit == "dollars" else 0)
        return Text(shown, justify="right")

    return (
        Column("", _verdict),
        Column("must be equal", lambda check: check.label),
        Column("", lambda check: found(check, check.left)),
        Column("", lambda check: found(check, check.right)),
        Column("", lambda check: Text(check.unit, "dim"), rank=1),
    )
