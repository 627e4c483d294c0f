"""The asynchronous side of the order tracker: what `AsyncExchange` has of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import AuthenticationError, NotRecorded, NotSupported
from ..flow import Flow
from ..models import Exposure, Order, Subject
from ..tracking.tracker import OrderTracker
from ..tracking.view import OrderView
from ..tracking.waiting import (
    Awaited,
    Key,
    Wait,
    finding,
    polling,
    read_settled,
    read_timeout,
    wanted,
)
from .aio_watching import AsyncWatching
from .order_flows import OrderFlows

if TYPE_CHECKING:
    from ..replaying import Timeline
    from ..watching.aio_hub import AsyncHub

__all__ = ["AsyncOrders", "AsyncTracking"]


class AsyncOrders(OrderView):
    """Every order of an exchange, and where it stands by all that is known.

    It knows what the exchange sent and was answered, what it read, and, once a stream is
    followed, what that tells.  Iterating gives what is known at the moment; orders that
    are done are kept up to a bound.

    >>> from unified_exchanges import AsyncExchange
    >>> def careful(kalshi: AsyncExchange) -> bool:
    ...     orders = kalshi.orders
    ...     return not orders.unresolved and orders.exposure() < 100
    """

    def __init__(
        self,
        tracker: OrderTracker,
        *,
        follow: Callable[[], object],
        unfollow: Callable[[], object],
    ) -> None:
        super().__init__(tracker)
        self._follow = follow
        self._unfollow = unfollow

    async def follow(self) -> None:
        """Follow all orders and fills on the stream from now on, until `unfollow`.

        `wait_filled` and `wait_done` do so by themselves.
        """
        self._follow()

    async def unfollow(self) -> None:
        """Follow nothing for this any more; watches go on."""
        self._unfollow()


class AsyncTracking(OrderFlows, AsyncWatching):
    """Knows its orders, and waits for them."""

    @property
    def orders(self) -> AsyncOrders:
        """Every order of this object: where each stands, what is at risk, what differs.

        Fed by every call about orders and, once orders or fills are watched or waited
        for, by the stream.
        """
        return AsyncOrders(
            self._calls.tracker,
            follow=self._follow_orders,
            unfollow=self._unfollow_orders,
        )

    def exposure(self, market_id: str | None = None) -> Exposure:
        """Get the dollars at risk that guards judge by, of one market or of all.

        Nothing is asked: it is what this object has placed, adopted, seen fill and read.
        Orders that are unresolved or on their way count.  Where what matched may still fail
        (Polymarket), so does what was sold, until a stream or a read of fills or of the
        order shows the sale as final: no read of positions does.
        """
        return self._calls.tracker.exposure(market_id)

    async def wait_filled(
        self,
        order: Awaited | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as in Exchange
        *,
        client_order_id: str | None = None,
        settled: bool = False,
    ) -> Order:
        """Wait until an order has filled whole, and get it as it ended.

        ``order`` is an `Order`, an entry of `orders`, an `Intent` of the journal, or an order
        id; ``client_order_id`` says it by our id instead, also one of an earlier run.
        ``timeout`` is seconds, None for as long as it takes.  It is followed on the stream
        where the venue has one, and read over REST beside it, so that a lost message is no
        lost order.

        With ``settled`` every fill of it is waited for until it is final, where what
        matched may still fail (Polymarket); elsewhere that is the same.

        Raises `OrderNotFilled` if it ended otherwise, or if some of its fills are known to
        have failed, `OrderNotDone` if time is up: both carry where it stands as ``tracked``.
        """
        known = wanted(order, client_order_id)
        return await self._wait(known, timeout, for_fill=True, settled=settled)

    async def wait_done(
        self,
        order: Awaited | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as in Exchange
        *,
        client_order_id: str | None = None,
        settled: bool = False,
    ) -> Order:
        """Wait until an order can fill no more, and get it as it ended: look at ``status``.

        As `wait_filled`, but an order that was cancelled or expired is returned as well, and
        with ``settled`` one of which fills have failed: ``failed`` of it says how much.
        Raises `OrderNotFilled` if it never came to be, `OrderNotDone` if time is up.
        """
        known = wanted(order, client_order_id)
        return await self._wait(known, timeout, for_fill=False, settled=settled)

    async def _wait(
        self,
        order: Awaited | Key,
        seconds: float | None,
        *,
        for_fill: bool,
        settled: bool = False,
    ) -> Order:
        timeout = read_timeout(seconds)
        calls = self._calls
        entry = await self._driver.run(finding(order, calls, self.venue))
        wait = Wait(
            calls.tracker,
            entry,
            self.venue,
            outcome=None if isinstance(order, str | Key) else order.outcome,
            timeout=timeout,
            for_fill=for_fill,
            settled=read_settled(settled),
        )
        result = wait.result()
        if result is not None:
            return result
        try:
            hub = self._follow_orders()
        except (AuthenticationError, NotSupported, NotRecorded):
            return await self._driver.run(polling(wait, calls))
        timeline = self.venue.taps.timeline
        if timeline is not None:
            return await self._wait_replayed(wait, hub, timeline)
        return await self._wait_told(wait, hub)

    async def _wait_told(self, wait: Wait, hub: AsyncHub) -> Order:
        changed = asyncio.Event()
        wake = _waking(asyncio.get_running_loop(), changed)
        reading: asyncio.Task[None] | None = None
        with self._calls.tracker.waking(wait.entry, wake):
            try:
                while True:
                    changed.clear()
                    is_told = hub.is_told
                    result = wait.result(is_told=is_told)
                    if result is not None:
                        return result
                    if wait.is_due(is_told=is_told):
                        flow = wait.read_again(self._calls)
                        reading = asyncio.create_task(self._read(wait, flow))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait.delay(is_told=is_told)):
                            await changed.wait()
            finally:
                if reading is not None and not reading.done():
                    reading.cancel()
                    await asyncio.wait([reading])

    async def _wait_replayed(
        self, wait: Wait, hub: AsyncHub, timeline: Timeline
    ) -> Order:
        """Wait by playing what was recorded."""
        from ..replaying.waiting import wait as play  # noqa: PLC0415 - few replay

        turn = timeline.turn()

        def looked(error: Exception | None) -> None:
            wait.looked(error)
            turn.ring()

        with self._calls.tracker.waking(wait.entry, turn.ring):
            while True:
                turn.is_rung = False
                is_told = hub.is_told
                if wait.is_due(is_told=is_told):
                    flow = self._driver.rehearsed(wait.read_again(self._calls))
                    timeline.look(flow, looked)
                result = wait.result(is_told=is_told)
                if result is not None:
                    return result
                timeline.check_open()
                delay = wait.delay(is_told=is_told)
                await play(timeline, turn, timeline.soon(delay))

    async def _read(self, wait: Wait, flow: Flow[None]) -> None:
        """Read an order in a task: the stream may tell meanwhile, or time be up."""
        try:
            await self._driver.run(flow)
        except Exception as error:  # noqa: BLE001 - raised to whoever waits
            wait.trouble = error

    def _follow_orders(self) -> AsyncHub:
        self.venue.require_stream("follow")
        hub = self._open_hub(Subject.ORDERS)
        hub.keep()
        return hub

    def _unfollow_orders(self) -> None:
        hub = self._hubs.get(self.venue.line_of(Subject.ORDERS).name)
        if hub is not None and hub.is_usable:
            hub.release()


def _waking(
    loop: asyncio.AbstractEventLoop, changed: asyncio.Event
) -> Callable[[], None]:
    """What sets an event from any thread."""

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    return wake
