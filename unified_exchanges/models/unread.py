"""Books whose levels are made when somebody looks at them, and not before.

Of the books of a recording most are looked at in part or not at all, and to make the levels
of one costs more than all else that is done for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from ..grid import PriceGrid
from .quotes import Freshness, Level, OrderBook
from .record import Record

__all__ = ["Picture", "Side", "developed", "unread"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Side(Protocol):
    """One side of a book that changes, and remembers."""

    def levels(self, count: int) -> tuple[Level, ...]:
        """The levels after so many changes, best first."""
        ...


Picture: TypeAlias = list[Any]
"""A `Side`, after how many of its changes, and its levels then, None until they are read.

One is made for each change that a recording tells, and there is nothing that takes as
little time to make.
"""


def developed(picture: Picture) -> tuple[Level, ...]:
    """The levels of a picture; whoever has the same picture has the same levels."""
    levels: tuple[Level, ...] | None = picture[2]
    if levels is None:
        side: Side = picture[0]
        levels = picture[2] = side.levels(picture[1])
    return levels


def unread(
    venue: str,
    market_id: str,
    outcome: str,
    bids: Picture,
    asks: Picture,
    sequence: int | None,
    moment: int | None,
    grid: PriceGrid | None = None,
) -> OrderBook:
    """Make a book of its sides and of the Unix milliseconds of its last change.

    It is an `OrderBook` in all that can be seen of it, and never changes.
    """
    # While it is a draft, slots are given what the fields are to be made of.
    book: Any = _new(_Draft)
    book.venue = venue
    book.market_id = market_id
    book.outcome = outcome
    book.bids = bids
    book.asks = asks
    book.timestamp = moment
    book.sequence = sequence
    if grid is None:
        book.__class__ = _Unread
    else:
        book.grid = grid
        book.__class__ = _UnreadOnGrid
    read: OrderBook = book
    return read


_new: Final[Any] = object.__new__


class _Draft(OrderBook):
    """A book that can be written, in the memory layout of `OrderBook`."""

    __slots__ = ()

    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__


class _Unread(OrderBook):
    """A book whose slots hold what its fields are made of, until they are read.

    What depends on the class, such as equality, makes it an `OrderBook` first.
    """

    __slots__ = ()

    # What is the same of all of them stands here until one is read: a slot that nobody has
    # to write is a part of the time that it takes to make a book.
    raw_json: bytes = b"{}"
    grid: PriceGrid | None = None
    _freshness: Freshness | None = None

    # Nobody can assign the fields, so that properties may stand in their place; these are
    # the slots of the fields, beneath the properties that have their names here.
    _bids: Any = vars(OrderBook)["bids"]
    _asks: Any = vars(OrderBook)["asks"]
    _timestamp: Any = vars(OrderBook)["timestamp"]

    def __new__(cls, **fields: Any) -> OrderBook:  # type: ignore[misc]
        """Whoever copies one with changes, as `attrs.evolve` does, has read it."""
        return OrderBook(**fields)

    @property
    def bids(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> tuple[Level, ...]:
        found = self._bids
        levels: tuple[Level, ...]
        levels = found if type(found) is tuple else found[2] or developed(found)
        return levels

    @property
    def asks(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> tuple[Level, ...]:
        found = self._asks
        levels: tuple[Level, ...]
        levels = found if type(found) is tuple else found[2] or developed(found)
        return levels

    @property
    def timestamp(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> datetime | None:
        found = self._timestamp
        moment: datetime | None
        moment = _EPOCH + timedelta(milliseconds=found) if type(found) is int else found
        return moment

    def __eq__(self, other: object) -> bool:
        mine = _whole(self)
        return mine == (_whole(other) if isinstance(other, _Unread) else other)

    def __hash__(self) -> int:
        return hash(_whole(self))

    def __repr__(self) -> str:
        return repr(_whole(self))


class _UnreadOnGrid(_Unread):
    """One whose slot of its grid was written."""

    __slots__ = ()

    grid: Any = vars(OrderBook)["grid"]


def _whole(book: _Unread) -> OrderBook:
    """Read all of it: from now on it is as any other."""
    # Another thread may look at it meanwhile: each step leaves it readable.
    for name in ("bids", "asks", "timestamp", "grid", "_freshness"):
        vars(OrderBook)[name].__set__(book, getattr(book, name))
    vars(Record)["raw_json"].__set__(book, book.raw_json)
    object.__setattr__(book, "__class__", OrderBook)
    return book
