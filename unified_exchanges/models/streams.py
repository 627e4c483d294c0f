"""What a stream tells besides quotes and orders: breaks, status changes, its health."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Literal, TypeAlias

import attrs

from ..grid import PriceGrid
from .account import Balance, Position, Settlement
from .orders import Fill, Order
from .record import Flat, Record
from .terms import MarketStatus
from .venue_state import Latency

__all__ = [
    "IDLE",
    "AccountState",
    "FillSettled",
    "Gap",
    "MarketChange",
    "Reconciled",
    "Reconnected",
    "Resync",
    "StreamHealth",
    "StreamNotice",
    "StreamState",
    "Subject",
]


class Subject(str, Enum):
    """What can be followed; each is the ``watch_*`` method of that name."""

    ORDER_BOOK = "order_book"
    TICKER = "ticker"
    TRADES = "trades"
    ORDERS = "orders"
    FILLS = "fills"
    POSITIONS = "positions"
    MARKET_STATUS = "market_status"

    def __str__(self) -> str:
        return self.value


@attrs.frozen(kw_only=True, slots=True)
class Gap(Flat):
    """Something was lost on the way: what is followed may have changed unseen.

    ``market_ids`` are the markets concerned, empty for all; ``outcome`` is whose book,
    where each outcome has its own, None for all.  Books are stale from here until a new
    snapshot, if it `is_of_books`; orders and fills are read again over REST.
    """

    subject: Subject | None
    market_ids: tuple[str, ...] = ()
    outcome: str | None = None
    reason: str
    at: datetime

    @property
    def is_of_books(self) -> bool:
        """Whether a book may have changed unseen: it is of books, or of everything."""
        return self.subject in (None, Subject.ORDER_BOOK)


@attrs.frozen(kw_only=True, slots=True)
class Reconnected(Flat):
    """A new connection follows everything again; ``downtime`` is seconds without one."""

    at: datetime
    downtime: float
    attempts: int


@attrs.frozen(kw_only=True, slots=True)
class Reconciled(Flat):
    """Orders, fills, positions and cash were read over REST and merged.

    ``orders`` and ``fills`` count what the stream had not told; ``available`` is cash in
    dollars.
    """

    at: datetime
    orders: int
    fills: int
    available: Decimal | None


@attrs.frozen(kw_only=True, slots=True)
class FillSettled(Flat):
    """A fill that might have failed is final, or has failed: ``fill.state`` says which.

    ``fill`` is as it matched: it is not to be counted again.  That one has failed is told
    besides, before this, by the `Fill` that takes it back.
    """

    fill: Fill


StreamNotice: TypeAlias = Gap | Reconnected | Reconciled
"""What a watch with ``events=True`` tells of the stream itself."""


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Resync:
    """What is to be read of an account, to find what a stream may have lost.

    ``since`` is the venue's time from which on new orders and fills are wanted.
    ``open_orders`` were open when last heard of, ``strangers`` are ids of orders that
    were never heard of but filled, or ended by a word nobody knows, ``held`` is what
    was held.  ``unexplained`` are markets whose position is not what the fills make of it:
    their settlements are wanted.
    """

    subjects: frozenset[Subject]
    since: datetime
    open_orders: tuple[Order, ...] = ()
    strangers: frozenset[str] = frozenset()
    held: tuple[Position, ...] = ()
    unexplained: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True, slots=True, eq=False)
class AccountState:
    """An account as a `Resync` found it; what was not asked for is empty.

    ``orders`` are the open ones, those created since, and those that were asked about by
    name, as far as the venue knows them.  ``positions`` is everything held, and what
    became of what was held before.  ``settlements`` are those of markets that were asked
    about.
    """

    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] = ()
    balance: Balance | None = None
    settlements: tuple[Settlement, ...] = ()


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class MarketChange(Record):
    """A market changed its status, times or grid; None is what the change leaves alone.

    ``change`` is the venue's word.  ``value`` is what one contract of the first outcome
    pays, once it is determined.
    """

    market_id: str
    change: str
    status: MarketStatus | None = None
    closes_at: datetime | None = None
    result: str | None = None
    value: Decimal | None = None
    grid: PriceGrid | None = None
    timestamp: datetime | None = None


StreamState: TypeAlias = Literal[
    "idle", "connecting", "live", "degraded", "paused", "stopped"
]


_UNMEASURED = Latency(None, None, None, 0)


@attrs.frozen(kw_only=True, slots=True)
class StreamHealth(Flat):
    """How a stream does; counters are since it was made.

    ``silence_ms`` is milliseconds since any sign of life, None without a connection.  ``gaps``
    were noticed while connected; a lost connection shows in ``connections``.
    ``unknown_messages`` and ``malformed_messages`` were passed over, and ``last_error`` says
    why the newest malformed one was; ``unknown_fields`` are names that we do not know, from
    samples.  ``folded`` were replaced by newer ones under the policy ``latest``.  ``missed``
    orders and fills were found over REST only: each is counted once the stream has had ten
    seconds to tell of it too.
    ``reconciliations`` succeeded, the last ``last_reconciled_at``; ``reconcile_failures``
    were tries that did not.  ``latency`` is how old messages were by the venue's time
    when their consumer got them, as far as the clocks are known; without an observer it
    is of samples.  ``stale_ms`` is for how many milliseconds the longest stale of the
    followed books has been so, 0 if none is.
    """

    state: StreamState
    connections: int
    messages: int
    gaps: int
    duplicates: int
    unknown_messages: int
    malformed_messages: int
    unknown_fields: tuple[str, ...]
    subscriptions: int
    stale_books: int
    silence_ms: float | None
    last_message_at: datetime | None
    folded: int = 0
    missed: int = 0
    reconciliations: int = 0
    reconcile_failures: int = 0
    last_reconciled_at: datetime | None = None
    last_error: str = ""
    latency: Latency = _UNMEASURED
    stale_ms: float = 0.0


IDLE = StreamHealth(
    state="idle",
    connections=0,
    messages=0,
    gaps=0,
    duplicates=0,
    unknown_messages=0,
    malformed_messages=0,
    unknown_fields=(),
    subscriptions=0,
    stale_books=0,
    silence_ms=None,
    last_message_at=None,
)
"""The health of a stream before anything was asked of it."""
