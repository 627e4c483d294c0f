"""The contract of a stream: one connection's conversation with a venue, without I/O.

Whoever drives it (`drivers`) owns a socket and tells it what happened; it answers with
events and with frames to send:

========================= ==========================================================
the driver says           it gets
========================= ==========================================================
``connection_made()``     frames to send: every subscription is asked for again
``receive(frame)``        the events that the frame meant
``receive_all(frames)``   those of all that one read has brought
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
from collections.abc import Collection, Iterable, Sequence
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

__all__ = [
    "BookChanged",
    "BookWanted",
    "Refused",
    "StreamEvent",
    "StreamProtocol",
    "Unheard",
    "Withheld",
]


class BookChanged:
    """Base of what says that the book of a market changed: read it with `order_book`.

    ``own_outcome`` is whose book it is, where each outcome has its own; None is the one
    of all of them.
    """

    __slots__ = ()

    market_id: str

    @property
    def own_outcome(self) -> str | None:
        """Whose book it is, where that matters."""
        return None


@attrs.frozen(kw_only=True, slots=True, eq=False)
class BookWanted:
    """A book does not come over the stream: it is to be read over REST, for `load`.

    ``outcome`` is the one whose book it is, None the first.  Who has no REST passes it over.
    """

    market_id: str
    outcome: str | None


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Refused:
    """The venue will not let these markets be followed; they are given up.

    ``market_ids`` None: the subject as a whole.  The wishes are forgotten, however often
    they were counted: what was refused is not to be taken back by `unfollow`.
    ``channel`` is the venue's word; ``subject`` is None where it is no subject of ours.
    With ``outcome`` only the wish for that is refused, as it was said to `follow`.
    """

    subject: Subject | None
    market_ids: frozenset[str] | None
    error: UnifiedExchangesError
    channel: str = ""
    outcome: str | None = None


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Unheard:
    """Nothing comes of these markets, however often it was asked for: they may not exist.

    Told in place of giving them up where ``asks_on`` is set; they are asked for on.
    """

    market_ids: frozenset[str]


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Withheld:
    """What happens to the account cannot be told now, and why; None: it can be again.

    Nothing of it is lost: it is told once it can be.
    """

    error: UnifiedExchangesError | None


StreamEvent: TypeAlias = (
    BookChanged
    | BookWanted
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
    | Withheld
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
        self.tells_positions = True
        """Whether it tells of positions; else they are read over REST after each fill."""
        self.tells_endings = True
        """Whether it can be relied on to tell how a market ended; else that is looked up
        over REST now and then."""
        self.tells_seconds = False
        """Whether it tells in whole seconds when something of the account happened."""

    @property
    def is_settled(self) -> bool:
        """Whether there is a connection, and all that is followed was acknowledged."""
        return self.is_connected

    @property
    def is_wanted(self) -> bool:
        """Whether a connection that was lost is to be made again: somebody follows."""
        return True

    def is_acknowledged(self, subject: Subject) -> bool:  # noqa: ARG002 - may be overridden
        """Whether all that is followed of one subject was acknowledged."""
        return self.is_settled

    # -- what is asked for (remembered over connections) ----------------------------

    @abstractmethod
    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Ask for these markets of a subject, None for all; counted, so ask again freely.

        ``outcome`` is the one that is wished where each has a book of its own, None for
        the first.
        """

    @abstractmethod
    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
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

    def receive_all(self, frames: Sequence[str | bytes]) -> list[StreamEvent]:
        """Take what one read has brought, in order; as `receive` with each frame.

        A protocol may do here once what would be the same for all of them.
        """
        events: list[StreamEvent] = []
        for frame in frames:
            events += self.receive(frame)
        return events

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
    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        """Mark a book stale because it was found to differ, and ask for it anew."""

    def load(self, book: OrderBook) -> Iterable[StreamEvent]:  # noqa: ARG002
        """Take a book that was read over REST, as a `BookWanted` asked for."""
        return ()

    def concerns(
        self,
        market_id: str,  # noqa: ARG002 - may be overridden
        outcome: str | None,  # noqa: ARG002
        wish: str | None,  # noqa: ARG002
    ) -> bool:
        """Whether what is told of an outcome is for who follows the one that is wished.

        None of ``outcome`` is all, None of ``wish`` is the first.  Where outcomes share one
        book, everything is for everybody.
        """
        return True

    def seen_from(
        self, quote: Ticker | Trade, wish: str | None
    ) -> Ticker | Trade | None:
        """A quote as told to who wishes an outcome; None if it is not for them.

        Where outcomes share one book, each quote is one of all of them.
        """
        return quote if wish is None else quote.in_terms_of(wish)

    @abstractmethod
    def health(self) -> StreamHealth:
        """Counters since the protocol was made."""
