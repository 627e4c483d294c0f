"""`AsyncPolymarketWebSocket`: both channels of Polymarket's WebSocket, asynchronous."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

from ...clock import Clock
from ...drivers.aio import AsyncDriver
from ...drivers.aio_streaming import AsyncStreamDriver
from ...drivers.inbox import AsyncInbox
from ...errors import UnifiedExchangesError
from ...hidden import hide
from ...models import OrderBook, StreamHealth
from ...policy import StreamPolicy
from ...settings import PrivateKey
from ...streams.health import together
from ...streams.session import Dial
from ...transports.aio import AioTransport
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

__all__ = ["AsyncPolymarketWebSocket"]

_log = logging.getLogger(__name__)


class AsyncPolymarketWebSocket:
    """Polymarket's WebSockets with typed events, kept connected: for one event loop.

    As `PolymarketWebSocket`, with ``async with``, ``async for`` and ``await``; the `book`
    is there without waiting.

    >>> async def watch(environment: str, token: str) -> None:
    ...     async with AsyncPolymarketWebSocket(environment=environment) as ws:
    ...         await ws.subscribe("market", token)
    ...         async for event in ws:
    ...             print(event)
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
        self._rest = AsyncDriver(AioTransport())
        self._timeout = timeout
        self._patience = venue.settings.stream.acknowledgement
        market, user = venue.lines()
        self._market, self._user = venue.market_stream(), venue.user_stream()
        self._ledger = Ledger(self._market, self._user)
        self._inbox: AsyncInbox[PolymarketEvent] = AsyncInbox(
            venue.settings.stream.queue
        )
        make = partial(_Wire, venue, self._rest, self._inbox)
        self._wires = {
            MARKET: make(self._market, market.dial),
            USER: make(self._user, user.dial),
        }

    def __repr__(self) -> str:
        if "_wires" not in vars(self):  # in a traceback of its making
            return f"<{type(self).__name__} (not made)>"
        is_elsewhere = self._inbox.is_elsewhere
        state = "of another process" if is_elsewhere else self.health().state
        return f"<AsyncPolymarketWebSocket {self._venue.environment.name} ({state})>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say goodbye and end; readers get what waits, then the end."""
        if not self._inbox.is_elsewhere:
            for wire in self._wires.values():
                await wire.driver.aclose()
            await self._rest.close()

    # -- what is followed -----------------------------------------------------------

    async def subscribe(self, channel: str, tokens: Words | None = None) -> None:
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
            await self._rest.run(self._venue.prepare_user_stream())
        self._ledger.subscribe(channel, tokens)
        driver = wire.driver
        await driver.wait_connected(self._timeout)
        driver.flush()
        settled = await driver.wait_until(
            lambda: wire.stream.is_settled, self._patience
        )
        if not settled:
            raise late(channel, self._patience)

    async def unsubscribe(self, channel: str, tokens: Words | None = None) -> None:
        """Follow these tokens no more, or nothing of a channel."""
        self._inbox.check_process()
        driver = self._wires[read_channel(channel)].driver
        self._ledger.unsubscribe(channel, tokens)
        driver.flush()

    # -- what can be read -----------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[PolymarketEvent]:
        """Every event, in order; ends when the stream is closed, or raises its error."""
        return aiter(self._inbox)

    def book(self, token: str) -> OrderBook | None:
        """The book of a token as it stands; None before its snapshot.

        It says by ``stale`` whether it may have changed unseen.
        """
        self._inbox.check_process()
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
        rest: AsyncDriver,
        inbox: AsyncInbox[PolymarketEvent],
        stream: MarketStream | UserStream,
        dial: Dial,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._inbox = inbox
        self.stream = stream
        self.driver = AsyncStreamDriver(
            stream,
            dial,
            policy=venue.settings.stream,
            clock=venue.clock,
            rng=venue.rng,
            sink=self._take,
            on_stop=inbox.end,
        )

    def _take(self, events: Iterable[Any]) -> None:
        told, found = errands(self._venue, self.stream, events)
        self._inbox.put(told)
        for errand in found:
            self.driver.run_beside(partial(self._run, errand))

    async def _run(self, errand: Errand) -> None:
        try:
            answer = await self._rest.run(errand.flow)
        except UnifiedExchangesError as error:
            _log.info("what the stream wants to know could not be read: %s", error)
            return
        self._take(list(errand.done(answer)))
        self.driver.flush()
