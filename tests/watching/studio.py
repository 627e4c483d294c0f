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
from unified_exchanges.errors import (
    ConnectionLost,
    NetworkError,
    RequestTimeout,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Done, Request, Response, Sleep, advance
from unified_exchanges.models import StreamHealth, Subject
from unified_exchanges.observer import Observer
from unified_exchanges.policy import LimitPolicy, StreamPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.simulator.faults import (
    FaultPlan,
    FaultyStream,
    FaultyVenue,
    StreamPlan,
)
from unified_exchanges.streams.session import Session, UpgradeRefused
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi.simulated import generate_key
from unified_exchanges.venues.kalshi.venue import KalshiVenue
from unified_exchanges.watching.aio import AsyncWatch, Seat, Wish
from unified_exchanges.watching.blocking import Watch
from unified_exchanges.watching.feed import Feed, dial
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.job import Job
from unified_exchanges.watching.listener import Listener
from unified_exchanges.watching.mailbox import Policy

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
_PING = 5.0
_TICK = 5.0


class Studio:
    """What a driver does, in one thread: frames, reconnects, work over REST, time."""

    def __init__(
        self, *, seed: int = 7, observer: Observer | None = None, **ground: Any
    ) -> None:
        self.ground = KalshiGround(enforce_limits=False, seed=seed, **ground)
        self.clock = self.ground.clock
        self.kalshi = self.ground.kalshi
        self.requests = FaultPlan(rng=Random(seed))
        self.frames = StreamPlan(rng=Random(seed))
        self.server = FaultyVenue(
            self.kalshi, self.requests, self.clock, streams=self.frames
        )
        self.venue = KalshiVenue(
            Settings(
                api_key=self.ground.key.key_id,
                private_key=key_pair().private_pem,
                environment="demo",
                clock=self.clock,
                rng=Random(seed),
                stream=POLICY,
                limits=LimitPolicy(enabled=False, discover=False),
                environ={},
                observer=observer,
            )
        )
        self.protocol = self.venue.stream()
        self.feed = Feed(self.protocol, self.venue)
        self.session = Session(dial(self.venue), POLICY, self.clock, Random(seed))
        self.line: FaultyStream | None = None
        self._dial_at = self._ping_at = 0.0

    def listen(self, listener: Listener) -> None:
        """Let a listener hear all, from before anything is followed."""
        self.feed = Feed(self.protocol, self.venue, listener=listener)

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

    # -- the stream -----------------------------------------------------------------

    def pump(self) -> None:
        """Carry frames both ways until nothing moves."""
        self.kalshi.advance()
        if self.line is None and self.clock.monotonic() >= self._dial_at:
            self._dial()
        while self.line is not None and self._carry(self.line):
            pass

    def _carry(self, line: FaultyStream) -> bool:
        protocol, now = self.protocol, self.clock.monotonic()
        if now >= self._ping_at:
            self._ping_at = now + _PING
            if line.sends_pings:
                protocol.heard()
        self.feed.handle(protocol.poll())
        sent = [] if protocol.broken else protocol.data_to_send()
        for text in sent:
            line.receive(text)
        frames = line.data_to_send()
        for frame in frames:
            self.feed.handle(protocol.receive(frame))
        if protocol.broken or line.closing is not None:
            self._lose(protocol.broken or f"closed with {line.closing}")
            return False
        return bool(sent or frames)

    def _dial(self) -> None:
        self.session.begin()
        url = "https" + self.session.dial.url.removeprefix("wss")
        request = Request("GET", url, headers=self.session.dial.headers())
        try:
            line = self.server.connect(request)
        except NetworkError as error:
            self._fail(error)
            return
        if isinstance(line, Response):
            self._fail(UpgradeRefused(line.status, line.headers))
            return
        self.line = line
        self._ping_at = self.clock.monotonic()
        events = list(self.protocol.connection_made())
        made = self.session.made()
        self.feed.handle([*events, made] if made else events)

    def lose(self, seconds: float) -> None:
        """Break the connection; there is no other for a while."""
        self._lose("the network is gone")
        self._dial_at = self.clock.monotonic() + seconds

    def _lose(self, reason: str) -> None:
        assert self.line is not None
        self.line.close()
        self.line = None
        self.feed.handle(self.protocol.connection_lost(reason))
        self._fail(ConnectionLost(reason))

    def _fail(self, failure: NetworkError | UpgradeRefused) -> None:
        delay = self.session.failed(failure)
        self._dial_at = self.clock.monotonic() + delay

    # -- time and work --------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass and everything happen that falls into it."""
        end = self.clock.monotonic() + seconds
        while (now := self.clock.monotonic()) < end:
            self.clock.advance(min(max(0.01, self._nap(now)), end - now))
            self.pump()
            self.work()

    def _nap(self, now: float) -> float:
        naps = [self.feed.delay(), _TICK]
        if self.line is None:
            naps.append(self._dial_at - now)
        else:
            naps += [self.protocol.next_poll(), self._ping_at - now]
            if self.line.next_due is not None:
                naps.append(self.line.next_due - now)
        return min(naps)

    def work(self) -> None:
        """Do what is due over REST."""
        for job in self.feed.jobs():
            self._run(job)

    def _run(self, job: Job[Any]) -> None:
        outcome: Any = None
        try:
            while not isinstance(step := advance(job.flow, outcome), Done):
                if isinstance(step, Sleep):
                    self.clock.advance(step.seconds)
                    outcome = None
                else:
                    assert isinstance(step, Request), step
                    outcome = self._ask(step)
                self.pump()
        except Exception as error:  # noqa: BLE001 - as a driver does
            job.failed(error)
        else:
            job.done(step.value)
        self.pump()

    def _ask(self, request: Request) -> Response | NetworkError:
        try:
            return self.server.handle(request)
        except NetworkError as error:
            return error


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

    def __init__(self, studio: Studio) -> None:
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

    def __init__(self, studio: Studio, wish: Wish) -> None:
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

    def __init__(self, studio: Studio, wish: Wish) -> None:
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
