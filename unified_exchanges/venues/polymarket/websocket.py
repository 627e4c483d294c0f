"""`PolymarketWebSocket`: both channels of Polymarket's WebSocket, blocking."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

from ... import fork
from ...clock import Clock
from ...drivers.blocking import BlockingDriver
from ...drivers.dropped import close_when_dropped
from ...drivers.inbox import BlockingInbox
from ...drivers.streaming import StreamDriver
from ...errors import UnifiedExchangesError
from ...hidden import hide
from ...models import OrderBook, StreamHealth
from ...policy import StreamPolicy
from ...settings import PrivateKey
from ...streams.health import together
from ...streams.session import Dial
from ...transports.blocking import BlockingTransport
from .stream import MarketStream, UserStream
from .subscriptions import (
    MARKET,
    USER,
    Errand,
    Ledger,
    PolymarketEvent,
    Words,
    errands,
    late,
    make_venue,
    read_channel,
)
from .venue import PolymarketVenue

__all__ = ["PolymarketWebSocket"]

_log = logging.getLogger(__name__)


class PolymarketWebSocket:
    """Polymarket's WebSockets with typed events, kept connected: for threads.

    For what all venues have, `Exchange` has ``watch_*``; here is everything that Polymarket
    tells, by its own ids of outcomes, as it comes.  Iterate over it for events: models such
    as `Trade`, `Ticker`, `Order` and `Fill`, a fill at each step of its settlement,
    Polymarket's own such as ``BookChange``, and `Gap` and `Reconnected`, which say that
    something was missed, and that all is followed again.  Books are kept meanwhile: `book`
    has them at any time.  It ends with `close`, or once it and the iterators over it were
    dropped.

    There are two channels, each with a connection of its own once it is subscribed:
    ``market``, which needs no key, and ``user``.  What a break hid of orders and fills is
    yours to find.  The arguments are those of `Exchange`.

    >>> from unified_exchanges.simulator.server import SimulatorServer
    >>> from unified_exchanges.venues.polymarket.simulated import simulated
    >>> box = simulated()
    >>> [token, _] = box.venue.catalog.find("will-the-fed-cut-rates-in-december").tokens
    >>> with SimulatorServer(box.venue) as server:
    ...     with PolymarketWebSocket(environment=server.url) as ws:
    ...         ws.subscribe("market", token)
    ...         event = next(iter(ws))
    ...         type(event).__name__, ws.book(token).stale
    ('BookSnapshot', False)
    """

    def __init__(
        self,
        *,
        private_key: PrivateKey | None = None,
        api_key: str | None = None,
        secret: str | None = None,
        password: str | None = None,
        environment: str = "production",
        timeout: float = 10.0,
        stream: StreamPolicy | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        options: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        api_key, private_key = hide(api_key), hide(private_key)
        secret, password = hide(secret), hide(password)
        self._venue = venue = make_venue(
            private_key=private_key,
            api_key=api_key,
            secret=secret,
            password=password,
            environment=environment,
            timeout=timeout,
            stream=stream,
            clock=clock,
            rng=rng,
            options=options,
        )
        self._rest = rest = BlockingDriver(BlockingTransport())
        self._timeout = timeout
        self._patience = venue.settings.stream.acknowledgement
        market, user = venue.lines()
        self._market, self._user = venue.market_stream(), venue.user_stream()
        self._ledger = Ledger(self._market, self._user)
        self._inbox = BlockingInbox[PolymarketEvent](
            venue.settings.stream.queue, fork.rlock()
        )
        # Without us: the threads would keep alive what nobody else holds.
        make = partial(_Wire, venue, rest, self._inbox)
        self._wires = {
            MARKET: make(self._market, market.dial),
            USER: make(self._user, user.dial),
        }
        self._call_off = close_when_dropped(self, partial(_close, self._wires, rest))

    def __repr__(self) -> str:
        if "_wires" not in vars(self):  # in a traceback of its making
            return f"<{type(self).__name__} (not made)>"
        is_elsewhere = self._inbox.is_elsewhere
        state = "of another process" if is_elsewhere else self.health().state
        return f"<PolymarketWebSocket {self._venue.environment.name} ({state})>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and end; readers get what waits, then the end."""
        if not self._inbox.is_elsewhere:
            _close(self._wires, self._rest)
        self._call_off()

    # -- what is followed -----------------------------------------------------------

    def subscribe(self, channel: str, tokens: Words | None = None) -> None:
        """Follow tokens on the ``market`` channel, or the account on the ``user`` channel.

        It waits until the venue has heard it: nothing is acknowledged, but a ping that is
        sent after it is answered.  Asking again for what is followed does nothing.  The
        ``user`` channel needs a private key: where no API key was given, it is derived
        first.  Raises `RequestTimeout` where no answer comes.
        """
        self._inbox.check_process()
        wire = self._wires[read_channel(channel)]
        if channel == USER:
            self._venue.require_key()
            self._rest.run(self._venue.prepare_user_stream())
        driver = wire.driver
        with driver.lock:
            self._ledger.subscribe(channel, tokens)
        driver.wait_connected(self._timeout)
        driver.flush()
        if not driver.wait_until(lambda: wire.stream.is_settled, self._patience):
            raise late(channel, self._patience)

    def unsubscribe(self, channel: str, tokens: Words | None = None) -> None:
        """Follow these tokens no more, or nothing of a channel."""
        self._inbox.check_process()
        driver = self._wires[read_channel(channel)].driver
        with driver.lock:
            self._ledger.unsubscribe(channel, tokens)
        driver.flush()

    # -- what can be read -----------------------------------------------------------

    def __iter__(self) -> Iterator[PolymarketEvent]:
        """Every event, in order; ends when the stream is closed, or raises its error."""
        yield from self._inbox

    def book(self, token: str) -> OrderBook | None:
        """The book of a token as it stands; None before its snapshot.

        It says by ``stale`` whether it may have changed unseen.
        """
        self._inbox.check_process()
        with self._wires[MARKET].driver.lock:
            return self._market.token_book(token)

    def health(self) -> StreamHealth:
        """How the connections do, together."""
        self._inbox.check_process()
        told = [wire.driver.health() for wire in self._wires.values()]
        return together([x for x in told if x.state != "idle"] or told[:1])


class _Wire:
    """One channel: its driver, what it tells, and what it wants to know over REST."""

    def __init__(
        self,
        venue: PolymarketVenue,
        rest: BlockingDriver,
        inbox: BlockingInbox[PolymarketEvent],
        stream: MarketStream | UserStream,
        dial: Dial,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._inbox = inbox
        self.stream = stream
        self.driver = StreamDriver(
            stream,
            dial,
            policy=venue.settings.stream,
            clock=venue.clock,
            rng=venue.rng,
            sink=self._take,
            on_stop=self._stopped,
        )

    def _take(self, events: Iterable[Any]) -> None:
        told, found = errands(self._venue, self.stream, events)
        with self._inbox.lock:
            self._inbox.put(told)
        for errand in found:
            self.driver.run_beside(partial(self._run, errand))

    def _run(self, errand: Errand) -> None:
        try:
            answer = self._rest.run(errand.flow)
        except UnifiedExchangesError as error:
            _log.info("what the stream wants to know could not be read: %s", error)
            return
        with self.driver.lock:
            self._take(list(errand.done(answer)))
        self.driver.flush()

    def _stopped(self, error: Exception | None) -> None:
        with self._inbox.lock:
            self._inbox.end(error)


def _close(wires: Mapping[str, _Wire], rest: BlockingDriver) -> None:
    for wire in wires.values():
        wire.driver.close()
    rest.close()
