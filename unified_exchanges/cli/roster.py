"""A line for each market, where a terminal is too low for their ladders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import attrs
from rich.text import Text

from ..models import Level
from ..models.titles import title_of
from .layout import NOTHING, amount, decimals
from .panel import Panel
from .words import fitted, flattened

__all__ = ["Roster"]

_GAP: Final = 2
_BETWEEN: Final = 3
"""Columns between two lines that stand side by side."""
_LEAST_TITLE: Final = 16
_NAMED, _ID, _STATE = "market, outcome", "market", ""
_BOTH = ("bid × size", "ask × size")
_FORMS: Final[tuple[tuple[str, ...], ...]] = (
    (_NAMED, *_BOTH, _STATE, "age"),
    (_NAMED, *_BOTH, _STATE),
    (_ID, *_BOTH, _STATE),
    (_ID, "bid", "ask", _STATE),
    (_ID, _STATE),
    (_ID,),
)
"""What is in a line, from wide terminals to narrow ones: the id goes last."""
_WIDTHS: Final = {_STATE: len("STALE"), "age": len("59 min")}
"""Of columns at least, for what is not there from the start."""
_LONGEST_STATE: Final = len("unopened")

_Cells: TypeAlias = dict[str, Text]


@attrs.frozen
class _Plan:
    """How the lines stand: their form, how many side by side, and how many at all."""

    form: tuple[str, ...]
    columns: int
    rows: int
    has_heading: bool
    shown: int


class Roster:
    """Markets in the order they were given, which no news changes."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._panels = panels
        # Widths only grow: a column that follows each size to and fro is not read.
        self._widths = dict(_WIDTHS)
        steps = (band.step for panel in panels for band in panel.market.grid.bands)
        self._places = max([2, *map(decimals, steps)])

    def lines(self, width: int, room: int) -> Iterator[Text]:
        """At most ``room``; the last counts the markets for which there is no line."""
        if room <= 0:
            return
        cells = [self._cells(panel) for panel in self._panels]
        self._measure(cells)
        plan = self._plan(width, room)
        columns = [self._column(plan, cells, n, width) for n in range(plan.columns)]
        for row in zip(*columns, strict=True):
            yield fitted(Text(" " * _BETWEEN).join(row), width)
        if hidden := self._panels[plan.shown :]:
            yield fitted(_unseen(hidden, width), width)

    def _cells(self, panel: Panel) -> _Cells:
        book = panel.book
        bid, ask = (book.bid, book.ask) if book else (None, None)
        waiting = None if book else Text("waiting", "yellow")
        return {
            _NAMED: panel.name,
            _ID: panel.id,
            "bid × size": waiting or self._quote(bid, "green", sized=True),
            "ask × size": self._quote(ask, "red", sized=True),
            "bid": waiting or self._quote(bid, "green"),
            "ask": self._quote(ask, "red"),
            _STATE: _state(panel),
            "age": Text(panel.age),
        }

    def _quote(self, level: Level | None, style: str, *, sized: bool = False) -> Text:
        if level is None:
            return Text(NOTHING, style="dim")
        # As wide as the finest price, so that the sizes stand below each other.
        price = f"{amount(level.price, 2):<{self._places + 2}}"
        size = f" × {amount(level.size)}" if sized else ""
        return Text.assemble((price, style), size)

    def _measure(self, cells: Sequence[_Cells]) -> None:
        for name in cells[0]:
            widest = max(line[name].cell_len for line in cells)
            before = self._widths.get(name, len(name))
            self._widths[name] = max(before, widest)

    def _wide(self, form: Sequence[str]) -> int:
        return sum(self._widths[name] for name in form) + _GAP * (len(form) - 1)

    def _plan(self, width: int, room: int) -> _Plan:
        fitting = (form for form in _FORMS if self._wide(form) <= width)
        form = next(fitting, _FORMS[-1])
        count = len(self._panels)
        beside = (width + _BETWEEN) // (self._wide(form) + _BETWEEN)
        columns = max(1, min(beside, -(-count // room)))
        if count > columns * room:
            # One line says how many more there are.
            rows = room - 1
            return _Plan(form, columns, rows, has_heading=False, shown=columns * rows)
        rows = -(-count // columns)
        return _Plan(form, columns, rows, has_heading=rows < room, shown=count)

    def _column(
        self, plan: _Plan, cells: Sequence[_Cells], number: int, width: int
    ) -> list[Text]:
        start = number * plan.rows
        mine = range(start, min(start + plan.rows, plan.shown))
        lines = [self._line(plan.form, cells[index]) for index in mine]
        for index, line in zip(mine, lines, strict=True):
            self._finish(line, self._panels[index], plan, width)
        blank = [Text(" " * self._wide(plan.form))] * (plan.rows - len(lines))
        return [*self._headings(plan), *lines, *blank]

    def _headings(self, plan: _Plan) -> list[Text]:
        if not plan.has_heading:
            return []
        return [self._line(plan.form, {name: Text(name, "dim") for name in plan.form})]

    def _line(self, form: Sequence[str], cells: _Cells) -> Text:
        parts = [
            fitted(cells[name].copy(), self._widths[name], filled=True) for name in form
        ]
        return Text(" " * _GAP).join(parts)

    def _finish(self, line: Text, panel: Panel, plan: _Plan, width: int) -> None:
        if panel.is_stale and _STATE not in plan.form:
            line.stylize("reverse red")
        spare = width - line.cell_len - _GAP
        if plan.columns == 1 and plan.form is _FORMS[0] and spare >= _LEAST_TITLE:
            title = flattened(title_of(panel.market))
            line.append(" " * _GAP).append(title, "dim")


def _state(panel: Panel) -> Text:
    if panel.is_stale:
        return Text("STALE", style="bold reverse red")
    return fitted(Text(panel.status, "yellow"), _LONGEST_STATE)


def _unseen(panels: Sequence[Panel], width: int) -> Text:
    more = f"and {len(panels):,} more"
    stale = sum(panel.is_stale for panel in panels)
    if stale:
        more += f", {stale:,} STALE"
    endings = (
        ": a taller terminal shows them, --json prints them all",
        ": see a taller terminal, or --json",
        "",
    )
    told = next((more + x for x in endings if len(more + x) <= width), more)
    return Text(told, style="bold red" if stale else "yellow")
