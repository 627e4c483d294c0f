"""The blocking side of the order tracker: what `Exchange` has of it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import TYPE_CHECKING

from ..drivers.blocking import BlockingDriver
from ..errors import AuthenticationError, NotRecorded, NotSupported
from ..models import Exposure, Order, Subject
from ..tracking.calls import TrackedCalls
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
from .order_flows import OrderFlows
from .watching import Watching

if TYPE_CHECKING:
    from ..replaying import Timeline
    from ..watching.hub import Hub

__all__ = ["Orders", "Tracking"]


class Orders(OrderView):
    """Every order of an exchange, and where it stands by all that is known.

    It knows what the exchange sent and was answered, what it read, and, once a stream is
    followed, what that tells.  Iterating gives what is known at the moment; orders that
    are done are kept up to a bound.

    >>> from unified_exchanges import Exchange
    >>> def careful(kalshi: Exchange) -> bool:
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

    def follow(self) -> None:
        """Follow all orders and fills on the stream from now on, until `unfollow`.

        `wait_filled` and `wait_done` do so by themselves.
        """
        self._follow()

    def unfollow(self) -> None:
        """Follow nothing for this any more; watches go on."""
        self._unfollow()


class Tracking(OrderFlows, Watching):
    """Knows its orders, and waits for them."""

    @property
    def orders(self) -> Orders:
        """Every order of this object: where each stands, what is at risk, what differs.

        Fed by every call about orders and, once orders or fills are watched or waited
        for, by the stream.
        """
        return Orders(
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

    def wait_filled(
        self,
        order: Awaited | None = None,
        timeout: float | None = None,
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
        return self._wait(known, timeout, for_fill=True, settled=settled)

    def wait_done(
        self,
        order: Awaited | None = None,
        timeout: float | None = None,
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
        return self._wait(known, timeout, for_fill=False, settled=settled)

    def _wait(
        self,
        order: Awaited | Key,
        timeout: float | None,
        *,
        for_fill: bool,
        settled: bool = False,
    ) -> Order:
        timeout = read_timeout(timeout)
        calls = self._calls
        entry = self._driver.run(finding(order, calls, self.venue))
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
            return self._driver.run(polling(wait, calls))
        timeline = self.venue.taps.timeline
        if timeline is not None:
            return self._wait_replayed(wait, hub, timeline)
        return self._wait_told(wait, hub)

    def _wait_told(self, wait: Wait, hub: Hub) -> Order:
        tracker = self._calls.tracker
        changed = Condition(tracker.lock)
        with tracker.waking(wait.entry, changed.notify_all):
            while True:
                # Whoever tells the tracker holds the lock of the stream: it comes first.
                is_told = hub.is_told
                if wait.is_due(is_told=is_told):
                    _read_beside(self._driver, wait, self._calls)
                with changed:
                    result = wait.result(is_told=is_told)
                    if result is not None:
                        return result
                    changed.wait(wait.delay(is_told=is_told))

    def _wait_replayed(self, wait: Wait, hub: Hub, timeline: Timeline) -> Order:
        """Wait by playing what was recorded."""
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
                timeline.wait(turn, timeline.soon(wait.delay(is_told=is_told)))

    def _follow_orders(self) -> Hub:
        self.venue.require_stream("follow")
        hub = self._open_hub(Subject.ORDERS)
        hub.keep()
        return hub

    def _unfollow_orders(self) -> None:
        hub = self._hubs.get(self.venue.line_of(Subject.ORDERS).name)
        if hub is not None and hub.is_usable:
            hub.release()


def _read_beside(driver: BlockingDriver, wait: Wait, calls: TrackedCalls) -> None:
    """Read an order in a thread: the stream may tell meanwhile, or time be up."""
    flow = wait.read_again(calls)

    def read() -> None:
        try:
            driver.run(flow)
        except Exception as error:  # noqa: BLE001 - raised to whoever waits
            wait.trouble = error

    Thread(target=read, name="unified-exchanges-wait", daemon=True).start()
