"""The account on paper as a stream, so that it is followed like that of any venue.

No socket is opened: the "connection" is a bell that the broker rings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Event
from typing import Final

import attrs

from ..clock import Clock
from ..errors import UnifiedExchangesError
from ..models import Fill, Order, OrderBook, StreamHealth, Subject
from ..models.streams import IDLE, StreamState
from ..paper.broker import PaperBroker
from ..paper.session import PaperSession
from ..streams.protocol import StreamEvent, StreamProtocol, Withheld
from ..transports import AsyncConnect, AsyncConnection, Connect, Connection

__all__ = ["AccountStream", "connect", "connect_async"]

_NEWS: Final = "news"
_LONGEST: Final = 60.0
"""Seconds between two looks at the clock where nothing is planned."""
_AGAIN: Final = 1.0
"""Seconds after which it is tried again to keep what could not be kept."""
_SECOND: Final = 1_000_000_000


class AccountStream(StreamProtocol):
    """Tells of orders and fills of the broker, in terms of ``first`` where outcomes net."""

    def __init__(self, broker: PaperBroker, *, clock: Clock, first: str | None) -> None:
        super().__init__(clock=clock)
        self.tells_positions = False
        self._broker = broker
        self._first = first
        self._session: PaperSession | None = None
        self._messages = 0
        self._trouble: UnifiedExchangesError | None = None

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Everything of the account is told anyway."""

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,
    ) -> None:
        """Everything of the account is told anyway."""

    def hang(self, bell: Callable[[], None]) -> None:
        """Have a bell rung whenever there is news; it must not wait."""
        self._broker.events.hang(bell)

    def connection_made(self) -> Iterable[StreamEvent]:
        """Listen to the broker."""
        self.is_connected = True
        self._session = self._broker.events.open_session()
        return ()

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """Listen no more."""
        del reason
        self.is_connected = False
        if self._session is not None:
            self._broker.events.close_session(self._session)
            self._session = None
        return ()

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        """The bell has rung: there is news."""
        del frame
        return self.poll()

    def heard(self) -> None:
        """The broker is always there."""

    def poll(self) -> Iterable[StreamEvent]:
        """What may be told by now."""
        if self._session is None:
            return ()
        before = self._trouble
        try:
            news = self._broker.take(self._session)
        except UnifiedExchangesError as error:
            # What cannot be kept is not told, and is tried again.
            self._trouble = error
            return [Withheld(error=error)]
        self._trouble = None
        self._messages += len(news)
        told = [self._told(x) for x in news]
        return told if before is None else [Withheld(error=None), *told]

    def _told(self, news: Order | Fill) -> Order | Fill:
        return news if self._first is None else news.in_terms_of(self._first)

    def next_poll(self) -> float:
        """Seconds until the broker does something, or may tell something."""
        if self._trouble is not None:
            return _AGAIN
        waiting = None if self._session is None else self._session.due
        due = [x for x in (self._broker.due, waiting) if x is not None]
        if not due:
            return _LONGEST
        left = (min(due) - self._broker.moment()) / _SECOND
        return min(max(left, 0.0), _LONGEST)

    def data_to_send(self) -> list[str]:
        """Nothing: nobody listens."""
        return []

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        """None: books are the source's."""
        del market_id, outcome
        return None

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        """Nothing: it has no books."""
        del market_id, reason, outcome
        return ()

    def health(self) -> StreamHealth:
        """It is live while it is followed."""
        state: StreamState = "live" if self.is_connected else "idle"
        if self._trouble is not None:
            state = "degraded"
        return attrs.evolve(
            IDLE,
            state=state,
            messages=self._messages,
            last_error="" if self._trouble is None else str(self._trouble),
        )


class _Bell:
    """A connection without a socket, for one thread."""

    def __init__(self, broker: PaperBroker) -> None:
        self._broker = broker
        self._rung = Event()
        self._ring = self._rung.set
        broker.events.hang(self._ring)

    def recv(self, timeout: float) -> Sequence[str | bytes]:
        """Wait for the bell."""
        if not self._rung.wait(timeout):
            return ()
        self._rung.clear()
        return (_NEWS,)

    def wake(self) -> None:
        """Ring it."""
        self._ring()

    def send(self, text: str) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Take it down."""
        self._broker.events.take_down(self._ring)
        self._ring()


def connect(broker: PaperBroker) -> Connect:
    """What opens a connection to the broker, for a thread."""

    def opened(
        url: str,
        headers: Mapping[str, str],
        *,
        heard: Callable[[], None],
        timeout: float,
    ) -> Connection:
        del url, headers, heard, timeout
        return _Bell(broker)

    return opened


def connect_async(broker: PaperBroker) -> AsyncConnect:
    """The same for an event loop."""

    async def opened(
        url: str,
        headers: Mapping[str, str],
        *,
        heard: Callable[[], None],
        timeout: float,  # noqa: ASYNC109 - as `AsyncConnect` has it
    ) -> AsyncConnection:
        from .aio_bell import AsyncBell  # noqa: PLC0415 - loads asyncio

        del url, headers, heard, timeout
        return AsyncBell(broker)

    return opened
