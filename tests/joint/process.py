"""One process of ours: an exchange object that may be killed at any instant of a call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from random import Random
from threading import Thread
from typing import Any, Final

import attrs

from tests.watching.studio import POLICY
from tests.watching.wire import Wire
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.simulator.faults import FaultPlan, FaultyVenue, StreamPlan
from unified_exchanges.watching.seat import Wish

from .body import AsyncBody, Body, MortalJournal
from .network import Network
from .world import World

__all__ = ["GRACE", "RETRY", "Fate", "Killed", "Outcome", "Process"]

RETRY: Final = RetryPolicy(
    attempts=3, first=0.1, cap=1.0, deadline=6.0, order_deadline=4.0
)
GRACE: Final = RETRY.order_deadline + RETRY.order_grace
"""Seconds after which nothing that left is on its way."""
_FREE = LimitPolicy(enabled=False, discover=False)


class Killed(BaseException):
    """The process is gone."""


@attrs.define
class Fate:
    """What befalls a call at its ``at``-th instant: before or after a step of it.

    ``act`` returns, raises `Killed`, or raises KeyboardInterrupt: its caller goes away.
    """

    at: int
    act: Callable[[Process], None]
    is_nested: bool = False
    """Whether it makes calls itself."""


@attrs.define
class Outcome:
    """How a call ended; with neither value nor error nobody heard of it."""

    number: int
    value: Any = None
    error: UnifiedExchangesError | None = None
    is_over: bool = False
    """Whether it came back at all."""
    sent: list[str] = attrs.field(factory=list)
    """Client order ids that it sent, each once."""


class Reader:
    """Who follows something: told by any thread, it takes when it is asked to."""

    def __init__(self, process: Process, wish: Wish) -> None:
        self.wish, self.joined = wish, process.clock.now()
        self.items: list[Any] = []
        self.error: UnifiedExchangesError | None = None
        self._process = process
        self.follower = process.feed.join(
            wish.subject,
            wish.market_ids,
            outcome=wish.outcome,
            policy=wish.policy,
            events=wish.events,
            wake=lambda: None,
        )

    def take(self) -> None:
        """Take all that waits."""
        try:
            while (item := self.follower.mailbox.take()) is not None:
                self.items.append(item)
        except UnifiedExchangesError as error:
            self.error = error

    def leave(self) -> None:
        """Watch no more."""
        self._process.feed.leave(self.follower)


class Process(Wire):
    """An exchange object with its stream, on the journal that all of them share."""

    def __init__(self, world: World, *, is_async: bool, **settings: Any) -> None:
        self.world, self.is_async = world, is_async
        self.number = next(world.numbers)
        self.is_dead = False
        self.fate: Fate | None = None
        self.sent: list[str] = []
        self.call_number = 0
        rng = Random(self.number)
        self.requests, self.frames = FaultPlan(rng=rng), StreamPlan(rng=rng)
        self.network = Network(world)
        server = FaultyVenue(
            self.network, self.requests, world.clock, streams=self.frames
        )
        kind: Any = world.house.kinds[is_async]
        self.exchange: Any = kind(
            **world.house.account(),
            clock=world.clock,
            transport=(AsyncBody if is_async else Body)(self),
            rng=Random(self.number),
            retry=RETRY,
            limits=_FREE,
            stream=POLICY,
            journal=str(world.journal),
            **settings,
        )
        self.tracker = self.exchange._calls.tracker
        super().__init__(
            world.venue,
            server,
            self.exchange.venue,
            world.clock,
            rng=Random(self.number),
            listener=self.tracker,
            line=world.house.line,
        )
        driver = self.exchange._driver
        driver._journal = MortalJournal(driver._journal, self)
        self.began = world.clock.now()
        self.consumers: list[Reader] = []
        self._task: tuple[Any, Any] | None = None
        self.feed.keep()
        world.processes.append(self)

    @property
    def knows_account(self) -> bool:
        """Whether its guards have read the account, all of which is in exposure then."""
        return self.exchange._calls.gate._read_at is not None

    # -- what it does ---------------------------------------------------------------

    def call(self, act: Callable[[Any], Any], fate: Fate | None = None) -> Outcome:
        """Call the exchange; all that can become of it is an outcome."""
        outer = self.fate, self.sent, self.call_number, self._task
        outcome = Outcome(next(self.world.numbers))
        self.fate, self.sent, self.call_number = fate, outcome.sent, outcome.number
        self.world.moment()
        try:
            outcome.value = self._perform(act)
            outcome.is_over = True
        except UnifiedExchangesError as error:
            outcome.error = error.with_traceback(None)
            outcome.is_over = True
        except Killed:
            self.world.bury(self)
        except (KeyboardInterrupt, asyncio.CancelledError):
            pass
        finally:
            self.fate, self.sent, self.call_number, self._task = outer
        self.world.pump()
        return outcome

    def _perform(self, act: Callable[[Any], Any]) -> Any:
        done = act(self.exchange)
        if not inspect.iscoroutine(done):
            return done

        async def whole() -> Any:
            self._task = asyncio.get_running_loop(), asyncio.current_task()
            return await done

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._settled(lambda: asyncio.run(whole()))
        return in_thread(lambda: self._settled(lambda: asyncio.run(whole())))

    def _settled(self, run: Callable[[], Any]) -> Any:
        """Whoever was left writing has written before anything else happens."""
        try:
            return run()
        finally:
            clerk = self.exchange._driver._clerk
            if clerk is not None:
                clerk.submit(lambda: None).result()

    def carry(self, request: Request) -> Response:
        """Send a request of the exchange."""
        for key in self.world.created(request):
            self.world.left[key].add(self.call_number)
            if key not in self.sent:
                self.sent.append(key)
        self.world.pump()
        answer = self.server.handle(request)
        self.world.pump()
        return answer

    def instant(self, *, in_journal: bool = False) -> None:
        """An instant between two things that a call does."""
        if self.is_dead:
            raise Killed
        fate = self.fate
        if fate is None:
            return
        fate.at -= 1
        # The one thread that writes for an event loop cannot wait for itself.
        is_clerk = in_journal and self.is_async
        if fate.at > 0 or (fate.is_nested and is_clerk):
            return
        self.fate = None
        try:
            fate.act(self)
        except KeyboardInterrupt:
            if not is_clerk or self._task is None:
                raise
            loop, task = self._task
            loop.call_soon_threadsafe(task.cancel)

    # -- its consumers --------------------------------------------------------------

    def join(self, wish: Wish) -> None:
        """Let somebody watch."""
        self.world.moment()
        self.consumers.append(Reader(self, wish))
        self.world.moment()

    # -- its end --------------------------------------------------------------------

    def die(self) -> None:
        """Do nothing more; the venue sees the line break."""
        self.is_dead = True
        if self.line is not None:
            self.line.close()
            self.line = None

    def release(self) -> None:
        """Close what would be closed by the end of a real process."""
        driver = self.exchange._driver
        driver._journal.close()
        if self.is_async and driver._clerk is not None:
            driver._clerk.shutdown(wait=False)


def in_thread(act: Callable[[], Any]) -> Any:
    """Do something beside the event loop that runs here, and wait for it."""
    done: list[Any] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(act())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
