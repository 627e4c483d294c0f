"""A simulated Kalshi, a stream to it and its faults, in process, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from threading import Condition, RLock
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges import exchange
from unified_exchanges.errors import RequestTimeout, UnifiedExchangesError
from unified_exchanges.flow import Request
from unified_exchanges.models import StreamHealth, Subject
from unified_exchanges.observer import Observer
from unified_exchanges.policy import LimitPolicy, StreamPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.simulator.faults import (
    FaultPlan,
    FaultyVenue,
    StreamPlan,
)
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi.simulated import generate_key
from unified_exchanges.venues.kalshi.venue import KalshiVenue
from unified_exchanges.watching.aio import AsyncWatch, Seat, Wish
from unified_exchanges.watching.blocking import Watch
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.mailbox import Policy

from .wire import Wire

__all__ = ["AsyncConsumer", "BlockingConsumer", "Consumer", "Studio"]

POLICY = StreamPolicy(
    first=0.2,
    cap=3,
    stable=5,
    silence=12,
    acknowledgement=3,
    reconcile=25,
    audit=6,
)
_ANOTHER = generate_key("ed25519")
_LOOP = asyncio.new_event_loop()


class Studio(Wire):
    """A venue, its faults, and a stream that is carried by hand."""

    def __init__(
        self, *, seed: int = 7, observer: Observer | None = None, **ground: Any
    ) -> None:
        self.ground = KalshiGround(enforce_limits=False, seed=seed, **ground)
        clock, kalshi = self.ground.clock, self.ground.kalshi
        self.requests = FaultPlan(rng=Random(seed))
        self.frames = StreamPlan(rng=Random(seed))
        server = FaultyVenue(kalshi, self.requests, clock, streams=self.frames)
        venue = KalshiVenue(
            Settings(
                api_key=self.ground.key.key_id,
                private_key=key_pair().private_pem,
                environment="demo",
                clock=clock,
                rng=Random(seed),
                stream=POLICY,
                limits=LimitPolicy(enabled=False, discover=False),
                environ={},
                observer=observer,
            )
        )
        super().__init__(kalshi, server, venue, clock, rng=Random(seed))

    def another_trader(self) -> Any:
        """An account of somebody else, on a line without faults."""
        key = self.kalshi.add_account(public_key=_ANOTHER.public_key)
        transport = ScriptedTransport(self.kalshi, clock=self.clock)
        return exchange(
            "kalshi",
            api_key=key.key_id,
            private_key=_ANOTHER.private_pem,
            environment="demo",
            clock=self.clock,
            limits=LimitPolicy(enabled=False, discover=False),
            transport=transport,
        )


class Consumer(Protocol):
    """One watch, of either flavour, of which what is there can be taken."""

    wish: Wish
    joined: float
    items: list[Any]
    error: UnifiedExchangesError | None

    @property
    def follower(self) -> Follower:
        """Its seat in the hub."""

    def take(self, most: int = 10**9) -> None:
        """Take what waits, at most so many."""

    def leave(self) -> None:
        """Watch no more."""


class _Desk:
    """Stands for the hub of either flavour: one thread, and nothing runs by itself."""

    def __init__(self, studio: Wire) -> None:
        self.studio = studio

    def join(self, wish: Wish, wake: Callable[[], None]) -> Follower:
        return self.studio.feed.join(
            wish.subject,
            wish.market_ids,
            outcome=wish.outcome,
            policy=wish.policy,
            events=wish.events,
            wake=wake,
        )

    def seat(self, wish: Wish) -> Seat:
        seat = Seat()
        seat.follower = self.join(wish, seat.wake)
        return seat

    def standing(self, _caller: object, _wish: Wish) -> None:
        return None

    def check(self) -> None: ...

    def check_process(self) -> None: ...

    def leave(self, follower: Follower) -> None:
        self.studio.feed.leave(follower)

    note_leaving = leave

    def health(self) -> StreamHealth:
        return self.studio.feed.health(self.studio.protocol.health())


class BlockingConsumer:
    """A `Watch`."""

    def __init__(self, studio: Wire, wish: Wish) -> None:
        self.wish, self.joined = wish, studio.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        desk: Any = _Desk(studio)
        ready = Condition(RLock())
        # Whoever tells holds the lock.
        ready.acquire()
        self.watch: Watch[Any] = Watch(desk, desk.join(wish, ready.notify_all), ready)

    @property
    def follower(self) -> Follower:
        return self.watch._follower

    def take(self, most: int = 10**9) -> None:
        for _ in range(most):
            try:
                self.items.append(self.watch.next(timeout=0))
            except RequestTimeout:
                return
            except UnifiedExchangesError as error:
                self.error = error
                return

    def leave(self) -> None:
        self.watch.close()


class AsyncConsumer:
    """An `AsyncWatch`."""

    def __init__(self, studio: Wire, wish: Wish) -> None:
        self.wish, self.joined = wish, studio.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        desk: Any = _Desk(studio)
        self.watch: AsyncWatch[Any] = AsyncWatch(desk, wish, None)

    @property
    def follower(self) -> Follower:
        assert self.watch._seat is not None
        return self.watch._seat.follower

    def take(self, most: int = 10**9) -> None:
        _LOOP.run_until_complete(self._take(most))

    async def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                self.items.append(await self.watch.next(timeout=0))
            except RequestTimeout:
                return
            except UnifiedExchangesError as error:
                self.error = error
                return

    def leave(self) -> None:
        _LOOP.run_until_complete(self.watch.aclose())


def wish(
    subject: Subject,
    *market_ids: str,
    outcome: str | None = None,
    policy: Policy = "every",
    events: bool = False,
) -> Wish:
    """What a consumer wants; no market means all of them."""
    return Wish(subject, market_ids or None, outcome, policy, events)


def path_of(request: Request) -> str:
    """Where a request goes."""
    return urlsplit(request.url).path
