"""The contract of a stream: one connection's conversation with a venue, without I/O.

Whoever drives it (`drivers`) owns a socket and tells it what happened; it answers with
events and with frames to send:

========================= ==========================================================
the driver says           it gets
========================= ==========================================================
``connection_made()``     frames to send: every subscription is asked for again
``receive(frame)``        the events that the frame meant
``heard()``               nothing; a ping or any other sign of life arrived
``poll()``                events that time has brought; ``broken`` may be set after it
``connection_lost(why)``  events: what was followed is stale from now on
``data_to_send()``        frames, in order, each handed out once
========================= ==========================================================

Nothing here reads a clock but the injected one.  A protocol is not thread-safe: its
driver holds a lock where several threads meet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import TypeAlias

import attrs

from ..clock import Clock
from ..errors import UnifiedExchangesError
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    Position,
    Reconnected,
    StreamHealth,
    Subject,
    Ticker,
    Trade,
)

__all__ = ["BookChanged", "Refused", "StreamEvent", "StreamProtocol", "Unheard"]


class BookChanged:
    """Base of what says that the book of a market changed: read it with `order_book`."""

    __slots__ = ()

    market_id: str


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Refused:
    """The venue will not let these markets be followed; they are given up.

    ``market_ids`` None: the subject as a whole.  The wishes are forgotten, however often
    they were counted: what was refused is not to be taken back by `unfollow`.
    ``channel`` is the venue's word; ``subject`` is None where it is no subject of ours.
    """

    subject: Subject | None
    market_ids: frozenset[str] | None
    error: UnifiedExchangesError
    channel: str = ""


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Unheard:
    """Nothing comes of these markets, however often it was asked for: they may not exist.

    Told in place of giving them up where ``asks_on`` is set; they are asked for on.
    """

    market_ids: frozenset[str]


StreamEvent: TypeAlias = (
    BookChanged
    | Ticker
    | Trade
    | Order
    | Fill
    | Position
    | MarketChange
    | Gap
    | Reconnected
    | Refused
    | Unheard
)
"""What a protocol tells; a venue's own events may come besides, and are passed over."""


class StreamProtocol(ABC):
    """One venue's stream; see the module for how it is driven."""

    def __init__(self, *, clock: Clock) -> None:
        self.clock = clock
        self.is_connected = False
        self.broken = ""
        """Why the driver must give the connection up; empty while it is good."""
        self.asks_on = False
        """Whether somebody else finds out which markets exist: none is given up then
        because nothing comes of it."""

    @property
    def is_settled(self) -> bool:
        """Whether there is a connection, and all that is followed was acknowledged."""
        return self.is_connected

    def is_acknowledged(self, subject: Subject) -> bool:  # noqa: ARG002 - may be overridden
        """Whether all that is followed of one subject was acknowledged."""
        return self.is_settled

    # -- what is asked for (remembered over connections) ----------------------------

    @abstractmethod
    def follow(self, subject: Subject, market_ids: Collection[str] | None) -> None:
        """Ask for these markets of a subject, None for all; counted, so ask again freely."""

    @abstractmethod
    def unfollow(self, subject: Subject, market_ids: Collection[str] | None) -> None:
        """Take back one `follow` with the same arguments."""

    # -- what the driver says -------------------------------------------------------

    @abstractmethod
    def connection_made(self) -> Iterable[StreamEvent]:
        """A new connection is open: all numbers of the old one are void."""

    @abstractmethod
    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """The connection is gone; every book is stale."""

    @abstractmethod
    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        """Take one frame; never raises for what the venue says."""

    @abstractmethod
    def heard(self) -> None:
        """Any sign of life, pings included."""

    @abstractmethod
    def poll(self) -> Iterable[StreamEvent]:
        """Do what is due: missing acknowledgements, silence, requests to repeat."""

    @abstractmethod
    def next_poll(self) -> float:
        """Seconds until `poll` has something to do."""

    @abstractmethod
    def data_to_send(self) -> list[str]:
        """Frames to send, in order."""

    # -- what can be read -----------------------------------------------------------

    @abstractmethod
    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        """The book as it stands, None before its first snapshot; it may be ``stale``."""

    @abstractmethod
    def doubt(self, market_id: str, reason: str) -> Iterable[StreamEvent]:
        """Mark a book stale because it was found to differ, and ask for it anew."""

    @abstractmethod
    def health(self) -> StreamHealth:
        """Counters since the protocol was made."""
