"""Which columns a table of models has, told by the fields of the models themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from ..errors import BadRequest
from ..models import OrderBook
from ..models.record import Flat, plain

__all__ = ["BookLevel", "Column", "Content", "columns", "sorted_out"]

T = TypeVar("T")

Content: TypeAlias = Literal[
    "decimal", "json", "number", "span", "text", "time", "truth", "whole"
]
"""What the cells of a column are; ``number`` is milliseconds only, never money."""

_CONTENTS: Final[dict[type, Content]] = {
    bool: "truth",
    int: "whole",
    float: "number",
    str: "text",
    Decimal: "decimal",
    datetime: "time",
    timedelta: "span",
}
_KINDS: Final[dict[Content, tuple[Any, str]]] = {
    "decimal": (Decimal, "finite Decimals"),
    "json": (object, "anything"),
    "number": (float | int, "numbers"),
    "span": (timedelta, "timedeltas"),
    "text": (str, "text"),
    "time": (datetime, "datetimes with a zone"),
    "truth": (bool, "True and False"),
    "whole": (int, "whole numbers"),
}
"""What a cell has to be, and how that is called."""


@attrs.frozen(kw_only=True, slots=True)
class BookLevel(Flat):
    """A row of the table of a book: ``level`` 0 is the best one of its side."""

    venue: str
    market_id: str
    outcome: str
    side: Literal["bid", "ask"]
    level: int
    price: Decimal
    size: Decimal
    timestamp: datetime | None
    sequence: int | None
    stale: bool


@attrs.frozen(kw_only=True, slots=True)
class Column:
    """A column: ``path`` are the attributes that lead to its cells."""

    name: str
    content: Content
    path: tuple[str, ...]
    is_spread: bool = False
    """Whether it stands for columns of its own: one for each key of its mappings."""

    def cells(self, objects: Iterable[object]) -> list[Any]:
        """A cell for each object, None where it has none.

        Raises `BadRequest` for what is not of the kind of the column.
        """
        return [self._cell(row, each) for row, each in enumerate(objects)]

    def _cell(self, row: int, found: Any) -> Any:
        for name in self.path:
            if found is None:
                return None
            found = (
                found.get(name) if isinstance(found, Mapping) else getattr(found, name)
            )
        if found is None:
            return None
        self._check(row, found)
        if self.content == "time":
            return found.astimezone(UTC)
        if self.content == "text":
            return found.value if isinstance(found, Enum) else found
        if self.content == "json":
            # A set has no order of its own, and the same objects give the same table.
            told = sorted(found) if isinstance(found, frozenset) else found
            return json.dumps(plain(told), ensure_ascii=False)
        return found

    def _check(self, row: int, found: Any) -> None:
        kind, wanted = _KINDS[self.content]
        if (
            isinstance(found, kind)
            and (self.content != "decimal" or found.is_finite())
            and (self.content != "time" or found.tzinfo is not None)
            and (self.content == "truth" or not isinstance(found, bool))
        ) or self.content == "json":
            return
        raise BadRequest(
            f"column {self.name!r} holds {wanted}, and in row {row} there is {found!r}: "
            "make that model anew, or leave it out"
        )


@lru_cache(maxsize=256)
def columns(kind: type) -> tuple[Column, ...]:
    """The columns of a kind of model, in the order of its fields, without ``raw``.

    >>> from unified_exchanges import Candle
    >>> [column.name for column in columns(Candle)][5:10]
    ['price_open', 'price_high', 'price_low', 'price_close', 'bid_open']
    """
    kind = BookLevel if kind is OrderBook else kind
    return tuple(_columns(kind, (), ()))


def sorted_out(
    objects: object, kind: type | None
) -> tuple[tuple[Column, ...], Sequence[object]]:
    """The columns and what their cells are read from: of books, their levels.

    Raises `BadRequest` for what is no model, for several kinds in one table, and for
    nothing at all of no kind.
    """
    if kind is not None and not isinstance(kind, type):
        raise BadRequest(f"kind={kind!r}: give the class of the models, as kind=Trade")
    found = [objects] if attrs.has(type(objects)) else _listed(objects)
    kinds = {type(each): None for each in found}
    if kind is not None:
        kinds = {kind: None, **kinds}
    if len(kinds) > 1:
        names = ", ".join(each.__name__ for each in kinds)
        raise BadRequest(f"a table has rows of one kind, not of {names}: make several")
    if not kinds:
        raise BadRequest(
            "nothing was given, and so nothing says which columns the table has: pass "
            "kind=, for example kind=Trade"
        )
    [one] = kinds
    if not attrs.has(one):
        raise BadRequest(
            f"{one.__name__} is no model of this library: a table is of those"
        )
    if one is OrderBook:
        return columns(one), [row for book in found for row in _levels(book)]
    if (inner := _rows_of(one)) is not None:
        name, row = inner
        return sorted_out([x for each in found for x in getattr(each, name)], row)
    return _spread(columns(one), found), found


def _listed(objects: object) -> list[object]:
    if not isinstance(objects, Iterable) or isinstance(objects, str | bytes | dict):
        raise BadRequest(
            f"{type(objects).__name__} is neither a model nor a list of models"
        )
    return list(objects)


def _levels(book: object) -> Iterator[BookLevel]:
    assert isinstance(book, OrderBook)
    stale = book.stale
    sides: tuple[tuple[Literal["bid", "ask"], Any], ...]
    sides = (("bid", book.bids), ("ask", book.asks))
    for side, levels in sides:
        for number, level in enumerate(levels):
            yield BookLevel(
                venue=book.venue,
                market_id=book.market_id,
                outcome=book.outcome,
                side=side,
                level=number,
                price=level.price,
                size=level.size,
                timestamp=book.timestamp,
                sequence=book.sequence,
                stale=stale,
            )


def _rows_of(kind: type) -> tuple[str, type] | None:
    """The field whose models are the rows of the table, and their class."""
    for field, hint in _fields(kind):
        if _place(field) == "rows":
            return field.name, get_args(hint)[0]
    return None


def _spread(head: tuple[Column, ...], objects: Sequence[object]) -> tuple[Column, ...]:
    """The columns, with those of the keys of a mapping in the place of its own."""
    taken = {column.name for column in head if not column.is_spread}
    found: list[Column] = []
    for column in head:
        if not column.is_spread:
            found.append(column)
            continue
        mappings = [getattr(each, column.path[0]) for each in objects]
        for key in dict.fromkeys(key for each in mappings for key in each):
            name = key
            while name in taken:
                name = f"{column.name.removesuffix('s')}_{name}"
            taken.add(name)
            content = _common(
                [x for each in mappings if (x := each.get(key)) is not None]
            )
            found.append(Column(name=name, content=content, path=(*column.path, key)))
    return tuple(found)


def _common(values: Sequence[object]) -> Content:
    """What all of these can be cells of; JSON, where they are of several kinds."""
    contents: set[Content] = {_CONTENTS.get(type(each), "json") for each in values}
    if len(contents) != 1:
        return "json"
    [content] = contents
    if content == "decimal" and not all(x.is_finite() for x in _of(Decimal, values)):
        return "json"
    if content == "time" and not all(x.tzinfo for x in _of(datetime, values)):
        return "json"
    return content


def _of(kind: type[T], values: Iterable[object]) -> list[T]:
    return [each for each in values if isinstance(each, kind)]


def _columns(
    kind: type, names: tuple[str, ...], path: tuple[str, ...]
) -> Iterator[Column]:
    for field, hint in _fields(kind):
        name, content = field.name, _content(hint)
        to = (*path, name)
        inner = _bare(hint)
        is_wide = _place(field) == "columns"
        if content == "json" and (_is_flat(inner) or (is_wide and attrs.has(inner))):
            # A candle's four prices are four columns.
            yield from _columns(inner, (*names, name), to)
        else:
            full = "_".join((*names, name))
            yield Column(name=full, content=content, path=to, is_spread=is_wide)


def _fields(kind: type) -> Iterator[tuple[attrs.Attribute[Any], object]]:
    hints = get_type_hints(kind)
    for field in attrs.fields(kind):
        is_hidden = field.name == "raw_json" or field.name.startswith("_")
        if not is_hidden and _place(field) != "none":
            yield field, hints[field.name]


def _place(field: attrs.Attribute[Any]) -> str:
    """What a field says that it is in a table: ``rows``, ``columns``, ``none`` or a cell."""
    return str(field.metadata.get("table", "cell"))


def _content(hint: object) -> Content:
    options = _options(hint)
    if all(_is_word(each) for each in options):
        return "text"
    if len(options) == 1 and isinstance(options[0], type):
        return _CONTENTS.get(options[0], "json")
    return "json"


def _options(hint: object) -> tuple[object, ...]:
    if get_origin(hint) in (Union, UnionType):
        return tuple(each for each in get_args(hint) if each is not NoneType)
    return (hint,)


def _is_word(hint: object) -> bool:
    if get_origin(hint) is Literal:
        return all(isinstance(each, str) for each in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, str)


def _bare(hint: object) -> Any:
    options = _options(hint)
    return options[0] if len(options) == 1 else None


def _is_flat(kind: object) -> bool:
    """Whether it is a few cells that belong together, not a model of its own."""
    if not isinstance(kind, type) or issubclass(kind, Flat) or not attrs.has(kind):
        return False
    return all(_content(hint) != "json" for _, hint in _fields(kind))
