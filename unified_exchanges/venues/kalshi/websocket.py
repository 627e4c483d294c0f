"""`KalshiWebSocket`: every channel of Kalshi's WebSocket, blocking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from types import TracebackType
from typing import Self

from ...clock import Clock
from ...drivers.dropped import close_when_dropped
from ...drivers.inbox import BlockingInbox
from ...drivers.streaming import StreamDriver
from ...hidden import hide
from ...models import OrderBook, StreamHealth
from ...policy import StreamPolicy
from ...settings import PrivateKey
from .stream import KalshiStream
from .subscriptions import (
    Asked,
    KalshiEvent,
    Params,
    Subscriptions,
    Words,
    make_venue,
    read_book,
)

__all__ = ["KalshiWebSocket"]


class KalshiWebSocket:
    """Kalshi's WebSocket with typed events, kept connected: for threads.

    For what all venues have, `Exchange` has ``watch_*``; here is everything that Kalshi
    tells, by its own names of channels, as it comes.  Iterate over it for events:
    models such as `Ticker`, `Trade`, `Order` and `Fill`, Kalshi's own such as `BookDelta`,
    and `Gap`, `Reconnected` and ``Refused``, which say that something was missed, that all
    is followed again, and what the venue will not let be followed.  Books are kept
    meanwhile: ``book`` has them at any time.  It ends with `close`, or once it and the
    iterators over it were dropped.

    The arguments are those of `Exchange`; a key is needed, also for public channels.
    ``stream`` says how the connection is kept, and how many events may wait
    (``queue``) before a reader that is too slow gets `StreamOverflow`.

    >>> from unified_exchanges import exchange
    >>> from unified_exchanges.simulator.server import SimulatorServer
    >>> from unified_exchanges.venues.kalshi.simulated import simulated
    >>> box = simulated(key_type="ed25519")
    >>> account = {"api_key": box.api_key, "private_key": box.private_key}
    >>> with SimulatorServer(box.venue) as server:
    ...     account["environment"] = server.url + box.path
    ...     with exchange("kalshi", **account) as kalshi:
    ...         market = kalshi.fetch_markets(limit=1)[0].market_id
    ...     with KalshiWebSocket(**account) as ws:
    ...         ws.subscribe("orderbook_delta", market)
    ...         event = next(iter(ws))
    ...         type(event).__name__, ws.book(market).stale
    ('BookSnapshot', False)
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        private_key: PrivateKey | None = None,
        password: str | None = None,
        environment: str = "production",
        timeout: float = 10.0,
        stream: StreamPolicy | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        subaccount: int | None = None,
    ) -> None:
        api_key, private_key = hide(api_key), hide(private_key)
        password = hide(password)
        venue, dial = make_venue(
            api_key=api_key,
            private_key=private_key,
            password=password,
            environment=environment,
            timeout=timeout,
            stream=stream,
            clock=clock,
            rng=rng,
            subaccount=subaccount,
        )
        policy = venue.settings.stream
        self._environment = venue.environment.name
        self._stream = KalshiStream(
            clock=venue.clock, policy=policy, subaccount=venue.subaccount
        )
        self._subscriptions = subscriptions = Subscriptions(self._stream)

        # Without us: the thread would keep alive what nobody else holds.
        def take(events: Iterable[KalshiEvent]) -> None:
            subscriptions.hear(events)
            inbox.put(events)

        def stopped(error: Exception | None) -> None:
            inbox.end(error)

        self._driver = StreamDriver(
            self._stream,
            dial,
            policy=policy,
            clock=venue.clock,
            rng=venue.rng,
            sink=take,
            on_stop=stopped,
        )
        inbox = BlockingInbox[KalshiEvent](policy.queue, self._driver.lock)
        self._inbox = inbox
        self._call_off = close_when_dropped(self, self._driver.close)
        self._timeout = timeout
        self._patience = policy.acknowledgement

    def __repr__(self) -> str:
        if "_patience" not in vars(self):  # in a traceback of its making
            return f"<{type(self).__name__} (not made)>"
        is_elsewhere = self._inbox.is_elsewhere
        state = "of another process" if is_elsewhere else self.health().state
        return f"<KalshiWebSocket {self._environment} ({state})>"

    def __enter__(self) -> Self:
        try:
            self._driver.wait_connected(self._timeout)
        except BaseException:
            self.close()
            raise
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
            self._driver.close()
        self._call_off()

    # -- what is followed -----------------------------------------------------------

    def subscribe(
        self,
        channels: Words,
        market_ids: Words | None = None,
        *,
        params: Params | None = None,
    ) -> None:
        """Follow channels, of these markets or of all, and wait for the acknowledgement.

        ``params`` are Kalshi's further words of the subscription, for each of the channels:
        ``user_filter``, ``shard_factor`` and ``shard_key`` of ``communications``,
        ``send_initial_snapshot`` of ``ticker`` (on unless it is False), ``skip_ticker_ack``
        of ``ticker``, ``trade`` and ``orderbook_delta``, ``index_ids`` of
        ``cfbenchmarks_value`` and ``cfbenchmarks_value_5hz``, ``underlying_tickers`` of
        ``pyth_value``.  They are said again on every connection, until the channel is
        unsubscribed; others meanwhile are refused as `BadRequest`, None leaves them.

        Raises what the venue refuses with; what else was asked for with it is followed.
        Raises `RequestTimeout` where no answer comes in time.  Asking again for what is
        followed does nothing.
        """
        self._inbox.check_process()
        with self._driver.lock:
            asked = self._subscriptions.subscribe(channels, market_ids, params)
        self._settle(asked)

    def unsubscribe(self, channels: Words, market_ids: Words | None = None) -> None:
        """Follow these markets of channels no more, or nothing of them."""
        self._inbox.check_process()
        with self._driver.lock:
            asked = self._subscriptions.unsubscribe(channels, market_ids)
        self._settle(asked)

    def add_markets(self, channels: Words, market_ids: Words) -> None:
        """Follow further markets; as `subscribe`, with the params that the channel has."""
        self.subscribe(channels, market_ids)

    def remove_markets(self, channels: Words, market_ids: Words) -> None:
        """Follow these markets no more; as `unsubscribe`."""
        self.unsubscribe(channels, market_ids)

    # -- what can be read -----------------------------------------------------------

    def __iter__(self) -> Iterator[KalshiEvent]:
        """Every event, in order; ends when the stream is closed, or raises its error."""
        yield from self._inbox

    def book(self, market_id: str, outcome: str | None = None) -> OrderBook | None:
        """The book of ``yes`` or ``no`` as it stands; None before its snapshot.

        It says by ``stale`` whether it may have changed unseen.
        """
        self._inbox.check_process()
        with self._driver.lock:
            return read_book(self._stream, market_id, outcome)

    def health(self) -> StreamHealth:
        """How the stream does."""
        self._inbox.check_process()
        return self._driver.health()

    def _settle(self, asked: Asked) -> None:
        driver = self._driver
        try:
            driver.wait_connected(self._timeout)
            driver.flush()
            settled = driver.wait_until(asked.is_over, self._patience)
        finally:
            with driver.lock:
                self._subscriptions.forget(asked)
        if asked.refusal is not None:
            raise asked.refusal
        if not settled:
            raise asked.late(self._patience)
