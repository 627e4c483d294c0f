"""Models as HTML shows them; all that a venue wrote is text, and turns nothing around."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Final

import attrs

from ..grid import PriceGrid
from ..money import EXACT, ZERO, div, text, total
from .line import flattened
from .record import Json, plain

if TYPE_CHECKING:
    from .quotes import Level, OrderBook

__all__ = ["cell", "fields", "ladder", "shown"]

_MOST: Final = 20
"""Models that a cell lists, before it says how many more there are."""
_DEPTH: Final = 10
"""Levels of a side."""
_HUNDRED: Final = Decimal(100)
_BID: Final = "rgba(20,108,46,.25)"
_ASK: Final = "rgba(179,38,30,.25)"


def shown(words: str) -> str:
    """What others wrote, for a place in a page: escaped, flat and apart.

    A name may be written from right to left, and what stands beside it is not.

    >>> shown("<b>"), shown("\u05d2\u05e9\u05dd") == "<bdi>\u05d2\u05e9\u05dd</bdi>"
    ('&lt;b&gt;', True)
    """
    flat = escape(flattened(words))
    return flat if flat.isascii() else f"<bdi>{flat}</bdi>"


def fields(title: str, items: Iterable[tuple[str, object]]) -> str:
    """A model as a table of its fields, without those that are empty."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{cell(value)}</td></tr>"
        for name, value in items
        if value is not None and value not in ((), frozenset())
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def ladder(book: OrderBook) -> str:
    """A book as its levels around the spread; ``depth`` adds up from the best one."""
    levels = [*book.bids[:_DEPTH], *book.asks[:_DEPTH]]
    largest = max((level.size for level in levels), default=ZERO)
    # Prices beneath one another are compared: all have as many places as the finest.
    places = max((_places(level.price) for level in levels), default=0)
    asks = [
        f"<tr><td></td><td></td><td>{text(level.price, places)}</td>"
        f"{_bar(level.size, largest, _ASK, 'right')}<td>{text(depth)}</td></tr>"
        for level, depth in _deep(book.asks)
    ]
    bids = [
        f"<tr><td>{text(depth)}</td>{_bar(level.size, largest, _BID, 'left')}"
        f"<td>{text(level.price, places)}</td><td></td><td></td></tr>"
        for level, depth in _deep(book.bids)
    ]
    rows = [
        *_more(book.asks),
        *reversed(asks),
        f"<tr><td></td><td></td><td><em>{_middle(book)}</em></td><td></td><td></td></tr>",
        *bids,
        *_more(book.bids),
    ]
    name = ":".join(map(shown, (book.venue, book.market_id, book.outcome)))
    # What is not the venue's book any more must not look as if it were.
    stale = " <strong>stale</strong>" if book.stale else ""
    head = "".join(
        f"<th>{x}</th>" for x in ("depth", "bid size", "price", "ask size", "depth")
    )
    return (
        f"<table><caption>{name}{stale}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def cell(value: object) -> str:
    """A value as what stands in a cell: in words, and of a list of models each."""
    if isinstance(value, PriceGrid):
        return shown(str(value))
    if not isinstance(value, tuple | list) or not any(map(_is_model, value)):
        return shown(_told(plain(value)))
    lines = [f"<li>{shown(str(each))}</li>" for each in value[:_MOST]]
    left = len(value) - len(lines)
    if left:
        lines.append(f"<li>… and {left:,} more</li>")
    return f"{len(value):,}<ul>{''.join(lines)}</ul>"


def _told(value: Json) -> str:
    """In words, as far as a cell has any: names and values, without marks of Python's."""
    if isinstance(value, dict):
        return ", ".join(
            f"{name} ({_told(each)})"
            if isinstance(each, dict)
            else f"{name}: {_told(each)}"
            for name, each in value.items()
            if each is not None and each not in ([], {})
        )
    if isinstance(value, list):
        return ", ".join(map(_told, value))
    return str(value)


def _is_model(value: object) -> bool:
    return attrs.has(type(value)) or isinstance(value, Exception)


def _places(price: Decimal) -> int:
    return len(text(price).partition(".")[2])


def _deep(levels: Sequence[Level]) -> list[tuple[Level, Decimal]]:
    first = levels[:_DEPTH]
    return [
        (level, total(x.size for x in first[: number + 1]))
        for number, level in enumerate(first)
    ]


def _bar(size: Decimal, largest: Decimal, color: str, side: str) -> str:
    """A cell with its size, and behind it a bar that is as long as that."""
    part = int(div(EXACT.multiply(size, _HUNDRED), largest)) if largest else 0
    style = f"linear-gradient(to {side},{color} {part}%,transparent {part}%)"
    return f'<td style="background:{style}">{text(size)}</td>'


def _more(levels: Sequence[Level]) -> list[str]:
    left = len(levels) - _DEPTH
    if left <= 0:
        return []
    return [f'<tr><td colspan="5">… {left:,} more levels</td></tr>']


def _middle(book: OrderBook) -> str:
    if not book.bids and not book.asks:
        return "empty"
    return "one-sided" if book.spread is None else f"spread {text(book.spread)}"
