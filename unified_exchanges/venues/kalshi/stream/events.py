"""What Kalshi's stream tells besides the unified models.

Changes of books are made by the thousand a second, so they are structs of what came
over the wire, whose Decimals and times are made when they are read.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import attrs
from msgspec import Struct

from ....models import Level, Record, Side
from ....models.record import Json, plain
from ....streams.book import ASKS, BIDS, CHANGES, DOLLARS, Keys, contracts, size
from ....streams.protocol import BookChanged
from ..parse.reading import milliseconds

__all__ = [
    "BookDelta",
    "BookSnapshot",
    "CfBenchmarksIndexList",
    "CfBenchmarksValue",
    "EventFeeUpdate",
    "EventLifecycle",
    "IndexAverage",
    "OrderGroupUpdate",
    "PythUnderlyingList",
    "PythValue",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "RfqCreated",
    "RfqDeleted",
    "Unrecognised",
]


class _Told(BookChanged, Struct, frozen=True, gc=False):
    """What every change of a book tells."""

    _names: ClassVar[tuple[str, ...]] = ()

    venue: ClassVar[str] = "kalshi"
    outcome: ClassVar[str] = "yes"
    """Kalshi has one book per market, in YES prices."""

    market_id: str
    """Kalshi's ticker."""

    sequence: int
    """The number of the message, which counts all books of a connection."""

    _moment: int

    @property
    def timestamp(self) -> datetime:
        """The venue's time of the change, or when it arrived where it gives none."""
        return milliseconds(self._moment, "ts_ms")

    def to_dict(self) -> dict[str, Json]:
        """A flat, JSON-safe dictionary: decimals as text, times as RFC 3339."""
        return {name: plain(getattr(self, name)) for name in self._names}

    def __repr__(self) -> str:
        told = " ".join(f"{k}={v}" for k, v in self.to_dict().items() if v is not None)
        return f"{type(self).__name__}({told})"


class BookDelta(_Told, frozen=True, gc=False):
    """One level of a book changed: ``size`` contracts are at ``price`` now.

    ``side`` is `BUY` for a bid and `SELL` for an ask, in YES prices.  ``client_order_id``
    and ``subaccount`` are there when an order of ours caused it.
    """

    _names: ClassVar[tuple[str, ...]] = (
        "venue",
        "market_id",
        "outcome",
        "side",
        "price",
        "change",
        "size",
        "sequence",
        "timestamp",
        "client_order_id",
        "subaccount",
    )

    _side: str
    _price: str
    _change: str
    _size: int
    client_order_id: str | None = None
    subaccount: int | None = None

    @property
    def side(self) -> Side:
        """Whether a bid or an ask changed."""
        return Side.BUY if self._side == "yes" else Side.SELL

    @property
    def price(self) -> Decimal:
        """The level's price in dollars."""
        return DOLLARS[BIDS[self._price]]

    @property
    def change(self) -> Decimal:
        """Contracts that came, or with a minus went."""
        return contracts(CHANGES[self._change])

    @property
    def size(self) -> Decimal:
        """Contracts at that price now; 0 where the level is gone."""
        return contracts(self._size)


_Rows = tuple[tuple[str, str], ...]


class BookSnapshot(_Told, frozen=True, gc=False):
    """A whole book, best first on both sides; what was known of it before is void."""

    _names: ClassVar[tuple[str, ...]] = (
        "venue",
        "market_id",
        "outcome",
        "bids",
        "asks",
        "sequence",
        "timestamp",
    )

    _bids: _Rows = ()
    _asks: _Rows = ()

    @property
    def bids(self) -> tuple[Level, ...]:
        """The bids."""
        return _levels(BIDS, self._bids)

    @property
    def asks(self) -> tuple[Level, ...]:
        """The asks."""
        return _levels(ASKS, self._asks)


def _levels(keys: Keys, rows: _Rows) -> tuple[Level, ...]:
    read = sorted(((keys[price], size(text)) for price, text in rows), reverse=True)
    return tuple(Level(DOLLARS[key], contracts(now)) for key, now in read if now)


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class OrderGroupUpdate(Record):
    """An order group was ``created``, ``triggered``, ``reset``, ``deleted`` or limited anew.

    ``limit`` is contracts, told where it is set.
    """

    group_id: str
    change: str
    limit: Decimal | None = None
    timestamp: datetime | None = None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class EventLifecycle(Record):
    """An event was made."""

    event_id: str
    series_id: str | None = None
    title: str = ""
    subtitle: str = ""
    collateral_return: str | None = None
    strike_at: datetime | None = None
    strike_period: str | None = None
    shard: int = 0


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class EventFeeUpdate(Record):
    """The fee rule of one event changed; None gives it back to its series' rule."""

    event_id: str
    fee_type: str | None
    fee_multiplier: Decimal | None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class RfqCreated(Record):
    """Somebody asks for quotes, for ``size`` contracts or for ``cost`` dollars."""

    rfq_id: str
    creator_id: str
    market_id: str
    event_id: str | None = None
    size: Decimal | None = None
    cost: Decimal | None = None
    collection_id: str | None = None
    timestamp: datetime | None = None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class RfqDeleted(RfqCreated):
    """A request for quotes is over."""


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class QuoteCreated(Record):
    """A quote for a request: two bids in dollars, and what it offers of each, if limited."""

    quote_id: str
    rfq_id: str
    quote_creator_id: str
    rfq_creator_id: str
    market_id: str
    yes_bid: Decimal
    no_bid: Decimal
    event_id: str | None = None
    yes_size: Decimal | None = None
    no_size: Decimal | None = None
    cost: Decimal | None = None
    timestamp: datetime | None = None
    subaccount: int | None = None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class QuoteAccepted(QuoteCreated):
    """A quote was accepted: which of its bids, and for how many contracts."""

    accepted_outcome: str | None = None
    accepted_size: Decimal | None = None


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class QuoteExecuted(Record):
    """A quote became an order."""

    quote_id: str
    rfq_id: str
    quote_creator_id: str
    rfq_creator_id: str
    order_id: str
    client_order_id: str | None
    market_id: str
    timestamp: datetime | None = None
    subaccount: int | None = None


@attrs.frozen(kw_only=True, slots=True)
class IndexAverage:
    """The average of an index over a window of time, and how many ticks it counts."""

    value: Decimal
    ticks: int
    since: datetime
    until: datetime


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class CfBenchmarksValue(Record):
    """The value of an index of CF Benchmarks at ``timestamp``, by its source's clock.

    ``average`` is that of the minute before; ``closing_average`` that of the last minute
    of a quarter of an hour as far as it went, and None outside such a minute.
    ``received_at`` is when Kalshi was told.
    """

    index_id: str
    value: Decimal
    average: IndexAverage
    closing_average: IndexAverage | None
    timestamp: datetime
    received_at: datetime


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class CfBenchmarksIndexList(Record):
    """Which indices of CF Benchmarks there are."""

    index_ids: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class PythValue(Record):
    """What an underlying such as ``Metal.XAU/USD`` costs in dollars, as Pyth says.

    ``timestamp`` is by Pyth's clock, ``received_at`` when Kalshi was told.
    """

    underlying: str
    value: Decimal
    timestamp: datetime
    received_at: datetime


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class PythUnderlyingList(Record):
    """Which underlyings Pyth told of in the last two hours."""

    underlyings: tuple[str, ...]


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Unrecognised(Record):
    """A message of a channel that is followed, of a type that this library does not know.

    ``kind`` is Kalshi's word for the type; ``raw`` is all of the frame.
    """

    channel: str
    kind: str
