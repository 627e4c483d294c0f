"""A protocol whose events reach the followers frame by frame.

A driver may hand over many frames at once.  Whoever wants every state of a book must be
told of one before the next frame changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ..models import OrderBook, StreamHealth, Subject
from ..streams.protocol import StreamEvent, StreamProtocol

__all__ = ["Relay"]


class Relay(StreamProtocol):
    """What a driver drives in place of a protocol; it is left with no events to tell."""

    def __init__(
        self,
        protocol: StreamProtocol,
        handle: Callable[[Iterable[StreamEvent]], None],
    ) -> None:
        self._protocol = protocol
        self._handle = handle
        self._receive = protocol.receive
        self.clock = protocol.clock

    @property
    def is_connected(self) -> bool:  # type: ignore[override]  # it only looks
        """Whether there is a connection."""
        return self._protocol.is_connected

    @property
    def broken(self) -> str:  # type: ignore[override]  # it only looks
        """Why the driver must give the connection up."""
        return self._protocol.broken

    @property
    def is_settled(self) -> bool:
        """Whether all that is followed was acknowledged."""
        return self._protocol.is_settled

    @property
    def is_wanted(self) -> bool:
        """Whether anybody follows anything."""
        return self._protocol.is_wanted

    def is_acknowledged(self, subject: Subject) -> bool:
        """Whether all that is followed of one subject was acknowledged."""
        return self._protocol.is_acknowledged(subject)

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Ask for these markets of a subject."""
        self._protocol.follow(subject, market_ids, outcome)

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Take back one `follow`."""
        self._protocol.unfollow(subject, market_ids, outcome)

    def connection_made(self) -> Iterable[StreamEvent]:
        """A new connection is open."""
        return self._told(self._protocol.connection_made())

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """The connection is gone."""
        return self._told(self._protocol.connection_lost(reason))

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        """Take one frame, and tell what it meant."""
        if events := self._receive(frame):
            self._handle(events)
        return ()

    def heard(self) -> None:
        """Any sign of life."""
        self._protocol.heard()

    def poll(self) -> Iterable[StreamEvent]:
        """Do what is due."""
        return self._told(self._protocol.poll())

    def next_poll(self) -> float:
        """Seconds until `poll` has something to do."""
        return self._protocol.next_poll()

    def data_to_send(self) -> list[str]:
        """Frames to send, in order."""
        return self._protocol.data_to_send()

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        """The book as it stands."""
        return self._protocol.order_book(market_id, outcome)

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        """Mark a book stale, and ask for it anew."""
        return self._told(self._protocol.doubt(market_id, reason, outcome))

    def health(self) -> StreamHealth:
        """Counters since the protocol was made."""
        return self._protocol.health()

    def _told(self, events: Iterable[StreamEvent]) -> Iterable[StreamEvent]:
        self._handle(events)
        return ()
