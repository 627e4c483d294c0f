"""A simulated Kalshi, a stream to it and its faults, in process, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from threading import RLock, current_thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.venues.kalshi.ground import KalshiGround, key_pair
from unified_exchanges import exchange
from unified_exchanges.clock import Clock
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
from unified_exchanges.watching.aio import AsyncWatch
from unified_exchanges.watching.aio_hub import AsyncHub
from unified_exchanges.watching.blocking import Watch
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.hub import Hub
from unified_exchanges.watching.listener import Listener
from unified_exchanges.watching.mailbox import Policy
from unified_exchanges.watching.seat import Wish
from unified_exchanges.watching.standing import Standing

from .wire import Wire

__all__ = [
    "POLICY",
    "AsyncConsumer",
    "AwaitingConsumer",
    "BlockingConsumer",
    "Consumer",
    "OwnClock",
    "Studio",
    "wish",
]

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


class OwnClock:
    """This machine's clock, so many seconds ahead of the venue's."""

    def __init__(self, true: Clock, ahead: float = 0.0) -> None:
        self._true = true
        self.ahead = ahead

    def now(self) -> float:
        return self._true.now() + self.ahead

    def monotonic(self) -> float:
        return self._true.monotonic()

    def step(self, seconds: float) -> None:
        """Set it, as a time service does."""
        self.ahead += seconds


class Studio(Wire):
    """A venue, its faults, and a stream that is carried by hand.

    ``clock`` is the venue's; this machine's is ``ahead`` of it.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        ahead: float = 0.0,
        observer: Observer | None = None,
        hears: Callable[[Clock], Listener] | None = None,
        **ground: Any,
    ) -> None:
        self.ground = KalshiGround(enforce_limits=False, seed=seed, **ground)
        self.clock, kalshi = self.ground.clock, self.ground.kalshi
        self.requests = FaultPlan(rng=Random(seed))
        self.frames = StreamPlan(rng=Random(seed))
        self.server = FaultyVenue(
            kalshi, self.requests, self.clock, streams=self.frames
        )
        self.own = OwnClock(self.clock, ahead)
        venue = self.make_venue(
            Settings(
                api_key=self.ground.key.key_id,
                private_key=key_pair().private_pem,
                environment="demo",
                clock=self.own,
                rng=Random(seed),
                stream=POLICY,
                limits=LimitPolicy(enabled=False, discover=False),
                environ={},
                observer=observer,
            )
        )
        listener = None if hears is None else hears(self.own)
        super().__init__(
            kalshi,
            self.server,
            venue,
            self.clock,
            rng=Random(seed),
            own=self.own,
            listener=listener,
        )
        self.timers: list[Timer] = []
        """What the awaiting hub wants done later."""
        self.beat: list[Callable[[], None]] = []
        """Done again and again while time passes."""
        self.rng = Random(seed)
        self.hub = _LOOP.run_until_complete(self._make_async_hub())
        self.blocking_hub = self._make_hub()

    def make_venue(self, settings: Settings) -> KalshiVenue:
        """The venue whose stream it is."""
        return KalshiVenue(settings)

    # -- the hubs, whose driver this is --------------------------------------------

    async def _make_async_hub(self) -> AsyncHub:
        nothing: Any = None
        hub: Any = AsyncHub(self.venue, nothing)
        hub._feed = self.feed
        hub._stream = _Standstill(self)
        hub.standing = Standing(self.later)
        found: AsyncHub = hub
        return found

    def _make_hub(self) -> Hub:
        nothing: Any = None
        hub: Any = Hub(self.venue, nothing)
        hub._feed = self.feed
        hub._stream = _Standstill(self)
        # Its clerk is we, and whoever tells holds the lock.
        hub._clerk = current_thread()
        hub._lock = RLock()
        hub._lock.acquire()
        found: Hub = hub
        return found

    def later(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Call something when so much time has passed."""
        timer = Timer(self.timers, self.clock.monotonic() + seconds, act)
        self.timers.append(timer)
        return timer

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the event loop, and what it leaves to be done."""

        async def run() -> Any:
            try:
                return await act
            finally:
                await turn()

        return _LOOP.run_until_complete(run())

    def tick(self) -> None:
        """Do what is due besides."""
        for each in self.beat:
            each()
        for timer in [x for x in self.timers if x.due <= self.clock.monotonic()]:
            timer.cancel()
            timer.act()

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


class Timer:
    """Something to be done later."""

    def __init__(
        self, timers: list[Timer], due: float, act: Callable[[], None]
    ) -> None:
        self._timers = timers
        self.due = due
        self.act = act

    def cancel(self) -> None:
        if self in self._timers:
            self._timers.remove(self)


class _Standstill:
    """Stands for the driver of either hub: the studio is it, and nothing runs by itself."""

    is_stopped = False

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def start(self) -> None: ...

    def flush(self) -> None: ...

    def run_beside(self, _job: object) -> None: ...

    def health(self) -> StreamHealth:
        return self._studio.protocol.health()


async def turn(turns: int = 4) -> None:
    """Let the event loop go round."""
    for _ in range(turns):
        await asyncio.sleep(0)


class BlockingConsumer:
    """A `Watch`."""

    def __init__(self, studio: Studio, wish: Wish) -> None:
        self.wish, self.joined = wish, studio.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        self.watch: Watch[Any] = studio.blocking_hub.watch(
            wish.subject,
            wish.market_ids,
            outcome=wish.outcome,
            policy=wish.policy,
            events=wish.events,
        )

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
    """An `AsyncWatch` in a block of its own."""

    def __init__(self, studio: Studio, wish: Wish) -> None:
        self.wish, self.joined = wish, studio.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        self._studio = studio
        self.watch: AsyncWatch[Any] = studio.run(self._enter())

    async def _enter(self) -> AsyncWatch[Any]:
        # In a list: it would be awaited.
        return await self._studio.hub.watch(self.wish).__aenter__()

    @property
    def follower(self) -> Follower:
        return self.watch._seat.follower

    def take(self, most: int = 10**9) -> None:
        self._studio.run(self._take(most))

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
        self._studio.run(self.watch.aclose())


class AwaitingConsumer:
    """Awaits what comes next, with waits that are given up at any moment.

    Its ``way``: calls of one task that goes on ("task"), each call in a task that ends
    with it ("tasks"), or one watch that is held and awaited in ever other tasks ("held").
    """

    def __init__(self, studio: Studio, wish: Wish, way: str) -> None:
        self.wish, self.joined = wish, studio.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        self._studio, self._hub, self._way = studio, studio.hub, way
        self._held: list[AsyncWatch[Any]] = []
        self._pending: asyncio.Task[Any] | None = None
        self._errands: asyncio.Queue[Callable[[], Any]] = asyncio.Queue()
        self._loyal = _LOOP.create_task(self._run_errands())
        before = studio.feed._everybody()
        studio.run(self._begin())
        [self.follower] = [x for x in studio.feed._everybody() if x not in before]
        if way == "tasks":
            studio.beat.append(self.call_again)

    # -- the ways -------------------------------------------------------------------

    async def _run_errands(self) -> None:
        while True:
            (await self._errands.get())()

    async def _call(self) -> Any:
        return await self._hub.watch(self.wish)

    async def _await_held(self) -> Any:
        return await self._held[0]

    async def _begin(self) -> None:
        """Call, and wait in a task."""
        if self._way == "task":
            self._errands.put_nowait(self._call_by_errand)
        elif self._way == "tasks":
            call = self._studio.rng.choice([self._call, self._call_patiently])
            self._pending = asyncio.create_task(call())
        else:
            if not self._held:
                await asyncio.create_task(self._hold())
            [watch] = self._held
            self._pending = self._studio.rng.choice(
                [
                    lambda: asyncio.create_task(watch),
                    lambda: asyncio.create_task(self._await_held()),
                    lambda: asyncio.create_task(asyncio.wait_for(watch, 600)),
                ]
            )()
        await turn(3)

    def _call_by_errand(self) -> None:
        self._pending = asyncio.create_task(self._hub.watch(self.wish))

    async def _call_patiently(self) -> Any:
        return await asyncio.wait_for(self._call(), 600)

    async def _hold(self) -> None:
        self._held.append(self._hub.watch(self.wish))

    # -- taking ---------------------------------------------------------------------

    def take(self, most: int = 10**9) -> None:
        self._studio.run(self._take(most))

    def call_again(self) -> None:
        """As somebody does who loses no time between two calls."""
        if self._pending is None or self._pending.done():
            self.take(2)

    def begin(self) -> None:
        """Wait, and let others act meanwhile."""
        if self._pending is None and self.error is None:
            self._studio.run(self._begin())

    def give_up(self, turns: int) -> None:
        """Cancel a wait, which may just have come to its end."""
        self.begin()
        if self.error is None:
            self._studio.run(self._end(turns))

    async def _take(self, most: int) -> None:
        for _ in range(most):
            if self.error is not None:
                return
            if self._pending is None:
                await self._begin()
            if not await self._end(turns=6):
                return

    async def _end(self, turns: int) -> bool:
        """Whether something came of the wait."""
        task, self._pending = self._pending, None
        assert task is not None
        for _ in range(turns):
            if not task.done():
                await turn(1)
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            return False
        try:
            self.items.append(task.result())
        except UnifiedExchangesError as error:
            self.error = error
        return True

    def leave(self) -> None:
        if self._way == "tasks":
            self._studio.beat.remove(self.call_again)
        if self._pending is not None:
            self._studio.run(self._end(turns=0))
        if self._held:
            self._studio.run(self._held[0].aclose())
        elif self._way == "tasks":
            self._studio.run(self._close())
        else:
            self._errands.put_nowait(self._close_by_errand)
        self._studio.run(turn())
        self._loyal.cancel()
        self._studio.run(turn())

    def _close_by_errand(self) -> None:
        self._pending = asyncio.create_task(self._hub.watch(self.wish).aclose())

    async def _close(self) -> None:
        await self._hub.watch(self.wish).aclose()


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
