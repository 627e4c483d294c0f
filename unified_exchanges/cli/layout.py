"""Tables that fit: columns by importance, decimals aligned, ids never cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, TypeAlias, TypeVar

import attrs
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

__all__ = [
    "LONG",
    "NOTHING",
    "Cell",
    "Column",
    "amount",
    "average",
    "decimals",
    "lay_out",
    "moment",
]

T = TypeVar("T")

Cell: TypeAlias = "str | Decimal | datetime | Text | None"

LONG = 40
"""Characters beyond which an id is not put beside other things on a narrow terminal."""
_INDENT = 2
_GAP = 2
_FINEST = 4
_LEAST_FLEXIBLE = 30
NOTHING = "–"


@attrs.frozen(slots=True)
class Column(Generic[T]):
    """One property of the rows.

    ``rank`` 0 is always shown; of the others the highest go first when the terminal is
    narrow.  A ``flexible`` column is shortened instead.  Numbers get ``places``
    decimals, more if one of them needs more; so do those of columns in the same
    ``unit``.  What ``spans`` is on lines of its own where it is long and the terminal
    narrow, so that an id can be copied.
    """

    heading: str
    cell: Callable[[T], Cell]
    rank: int = 0
    style: str = ""
    flexible: bool = False
    places: int = 0
    unit: str = ""
    spans: bool = False


def lay_out(
    columns: Sequence[Column[T]], rows: Sequence[T], width: int
) -> tuple[RenderableType, tuple[str, ...]]:
    """A table no wider than ``width`` if it can be, and the headings left out for that."""
    texts = _texts(columns, rows)
    kept = [pair for pair in texts if any(map(_says_something, pair[1]))]
    long = next((x for x in kept if x[0].spans and _natural(*x) > LONG), None)
    if long is None or _width(kept) <= width or len(kept) == 1:
        return _fitted(kept, len(rows), width)
    others = [pair for pair in kept if pair is not long]
    table, left_out = _fitted(others, len(rows), width - _INDENT)
    return Stacked(long[0].heading, long[1], table, width), left_out


def _fitted(kept: _Kept[T], count: int, width: int) -> tuple[Table, tuple[str, ...]]:
    left_out: list[str] = []
    while _width(kept, shrunk=True) > width:
        droppable = max(kept, key=lambda pair: pair[0].rank)
        if not droppable[0].rank:
            break
        kept.remove(droppable)
        if droppable[0].heading:
            left_out.append(droppable[0].heading)
    excess = max(0, _width(kept) - width)
    return _table(kept, excess, count), tuple(left_out)


class Stacked:
    """A table in which each row is below a line, or some, of its own."""

    def __init__(
        self, heading: str, heads: Sequence[Text], table: Table, width: int
    ) -> None:
        self._heading = heading
        self._heads = heads
        self._table = table
        self._width = width

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """The heading and the table's, then each row with what is above it."""
        inner = options.update(width=min(self._width, options.max_width) - _INDENT)
        lines = console.render_lines(self._table, inner, pad=False)
        first = len(lines) - len(self._heads)
        yield Text(self._heading, style="dim")
        for line in lines[:first]:
            yield from _indented(line)
        for head, line in zip(self._heads, lines[first:], strict=True):
            yield head
            yield from _indented(line)

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        """As wide as it may be."""
        return Measurement(LONG, min(self._width, options.max_width))


def _indented(line: Iterable[Segment]) -> Iterable[Segment]:
    return [Segment(" " * _INDENT), *line, Segment.line()]


def average(price: Decimal | None) -> str:
    """A price per contract to four decimals, marked where that is not all of it.

    >>> average(Decimal("0.98")), average(Decimal("0.18985507"))
    ('0.98', '≈0.1899')
    """
    if price is None or decimals(price) <= _FINEST:
        return amount(price, 2)
    return f"≈{price:.{_FINEST}f}"


def amount(number: Decimal | None, places: int = 0) -> str:
    """A number for people: plain decimals and thousands separated.

    >>> amount(Decimal("1234.5"), 2), amount(None)
    ('1,234.50', '–')
    """
    if number is None:
        return NOTHING
    return f"{number:,.{max(places, decimals(number))}f}"


def moment(time: datetime | None) -> str:
    """A time in UTC to the second.

    >>> moment(datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    '2026-11-21 09:30:00'
    """
    if time is None:
        return NOTHING
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def decimals(number: Decimal) -> int:
    """How many decimals a number needs.

    >>> decimals(Decimal("0.3900")), decimals(Decimal("5E+1"))
    (2, 0)
    """
    _, _, fraction = format(number, "f").partition(".")
    return len(fraction.rstrip("0"))


def _texts(
    columns: Iterable[Column[T]], rows: Sequence[T]
) -> list[tuple[Column[T], list[Text]]]:
    cells = [(column, [column.cell(row) for row in rows]) for column in columns]
    places: dict[str, int] = {}
    for column, found in cells:
        needed = [decimals(cell) for cell in found if isinstance(cell, Decimal)]
        unit = column.unit or column.heading
        places[unit] = max([column.places, places.get(unit, 0), *needed])
    return [
        (column, [_text(cell, places[column.unit or column.heading]) for cell in found])
        for column, found in cells
    ]


def _says_something(text: Text) -> bool:
    return text.plain != NOTHING


def _text(cell: Cell, places: int) -> Text:
    if isinstance(cell, Text):
        return cell
    if isinstance(cell, datetime):
        return Text(moment(cell), style="dim")
    if isinstance(cell, Decimal):
        return Text(amount(cell, places), justify="right")
    return Text(cell) if cell else Text(NOTHING, style="dim")


_Kept: TypeAlias = "list[tuple[Column[T], list[Text]]]"


def _natural(column: Column[T], texts: Iterable[Text]) -> int:
    lines = (line for text in texts for line in text.plain.splitlines())
    return max([cell_len(column.heading), *map(cell_len, lines)])


def _width(kept: _Kept[T], *, shrunk: bool = False) -> int:
    widths = [
        min(_natural(column, texts), _LEAST_FLEXIBLE)
        if shrunk and column.flexible
        else _natural(column, texts)
        for column, texts in kept
    ]
    return sum(widths) + _GAP * (len(widths) - 1)


def _table(kept: _Kept[T], excess: int, count: int) -> Table:
    table = Table(
        show_header=any(column.heading for column, _ in kept),
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
        border_style="dim",
    )
    for column, texts in kept:
        natural = _natural(column, texts)
        is_number = any(text.justify == "right" for text in texts)
        table.add_column(
            column.heading,
            style=column.style,
            justify="right" if is_number else "left",
            no_wrap=column.flexible,
            overflow="ellipsis" if column.flexible else "fold",
            max_width=max(_LEAST_FLEXIBLE, natural - excess)
            if column.flexible
            else None,
        )
    for row in range(count):
        table.add_row(*(texts[row] for _, texts in kept))
    return table
