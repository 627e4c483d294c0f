"""Waiting for an order to end, without I/O: when to look, and what there is to say.

News come from whatever tells the tracker.  Besides, the order is read over REST: seldom
while a stream tells all that happens, soon and ever less often while nothing does.  So a
wait does not hang on a message that was lost.
"""

from __future__ import annotations

from typing import Final

import attrs

from ..clock import Clock
from ..errors import (
    ArgumentsRequired,
    BadRequest,
    NotRecorded,
    OrderNotDone,
    OrderNotFilled,
    OrderNotFound,
    UnifiedExchangesError,
)
from ..flow import Flow, Sleep
from ..models import Intent, Order, OrderState, TrackedOrder
from ..money import text
from ..venue import Venue
from .calls import TrackedCalls
from .entry import Entry
from .tracker import OrderTracker

__all__ = [
    "Awaited",
    "Key",
    "Wait",
    "ending",
    "finding",
    "polling",
    "read_settled",
    "read_timeout",
    "wanted",
]

Awaited = Order | TrackedOrder | Intent | str
"""An order, what is known of one, one that was written down, or the venue's id of one."""


@attrs.frozen(slots=True)
class Key:
    """Our id of an order."""

    client_order_id: str


_SOON: Final = 0.25
_SELDOM: Final = 4.0
"""Seconds between two reads of an order of which nothing else tells, at first and at last."""
_NOT_TOLD: Final = frozenset({OrderState.FILLED, OrderState.UNRESOLVED})
"""States that want a read even so: to see it whole, or at all."""
_TOLD: Final = 20.0
"""Seconds between two reads of an order of which a stream tells."""
_CROWD: Final = 0.25
"""Seconds for each that waits, so that many together do not use up the rate limit."""
_LAST: Final = 1.0
"""Seconds before the end at which it is read once more."""
_SHORTEST: Final = 5e-10
"""Half the least time that a clock tells: what is nearer is the same moment."""
_NAP: Final = 1.0
"""Seconds after which it is looked whether a stream still tells."""


class Wait:
    """One wait for one order: `result` is there as soon as it ended."""

    def __init__(
        self,
        tracker: OrderTracker,
        entry: Entry,
        venue: Venue,
        *,
        outcome: str | None,
        timeout: float | None,
        for_fill: bool,
        settled: bool = False,
    ) -> None:
        self.tracker = tracker
        self.entry = entry
        self.trouble: Exception | None = None
        """What the last read met, if waiting does not mend it; raised to who waits."""
        self._clock: Clock = venue.clock
        self._venue = venue
        self._outcome = outcome
        self._timeout = timeout
        self._for_fill = for_fill
        self._settled = settled
        now = self._clock.monotonic()
        self._deadline = None if timeout is None else now + timeout
        self._read_at = now
        self._reads = 0
        self._looks = 0
        """How often of those it was read whether what filled is final."""
        self.is_reading = False

    # -- what there is to say -------------------------------------------------------

    @property
    def now(self) -> TrackedOrder:
        """Where the order stands."""
        with self.tracker.lock:
            while self.entry.heir is not None:
                self.entry = self.entry.heir
            return self.entry.view()

    def result(self, *, is_told: bool = False) -> Order | None:
        """The order as it ended, None if it has not yet.

        Raises `OrderNotFilled` if it ended otherwise than was waited for, or if some of
        what it filled has failed, what reading it met, unless a stream tells, and
        `OrderNotDone` if time is up.
        """
        tracked = self.now
        order = tracked.order
        if self._for_fill and tracked.failed:
            raise self._reverted(tracked)
        if order is not None and not order.is_open:
            is_filled = order.filled >= order.size or tracked.state is OrderState.FILLED
            if not self._is_settling(tracked):
                if self._for_fill and not is_filled:
                    raise self._unfilled(tracked)
                if order.failed < tracked.failed:
                    order = attrs.evolve(order, failed=tracked.failed)
                wish = self._outcome
                return order if wish is None else order.in_terms_of(wish)
        elif tracked.state in {OrderState.REFUSED, OrderState.ABSENT}:
            raise self._unfilled(tracked)
        if self.trouble is not None and not is_told:
            raise self.trouble
        if self._deadline is not None and (
            self._clock.monotonic() > self._deadline - _SHORTEST
        ):
            raise self._late(tracked)
        return None

    def _is_settling(self, tracked: TrackedOrder) -> bool:
        """Whether it has ended, and is waited for until its fills are final."""
        order = tracked.order
        is_done = order is not None and not order.is_open
        return self._settled and is_done and bool(tracked.pending)

    def _unfilled(self, tracked: TrackedOrder) -> OrderNotFilled:
        what = "it will not fill any more. Look at .tracked before you place another"
        return self._not_filled(tracked, what)

    def _reverted(self, tracked: TrackedOrder) -> OrderNotFilled:
        fills = ", ".join(tracked.failed_fills)
        named = f" (fills {fills})" if fills else ""
        rest = (
            "it will not fill any more" if tracked.is_done else "the rest may fill yet"
        )
        what = (
            f"what failed{named} never traded, and the order does not open again for it; "
            f"{rest}. Look at .tracked and your positions before you place another"
        )
        return self._not_filled(tracked, what)

    def _not_filled(self, tracked: TrackedOrder, what: str) -> OrderNotFilled:
        message = f"{tracked}; {what}"
        return OrderNotFilled(
            message,
            venue=self._venue.id,
            tracked=tracked,
            client_order_id=tracked.client_order_id,
        )

    def _late(self, tracked: TrackedOrder) -> OrderNotDone:
        message = f"{tracked}, after {self._timeout:g} s of waiting; "
        if self._is_settling(tracked):
            message += (
                f"{text(tracked.pending)} of it may still fail to settle. Wait again: "
                "nothing can be cancelled any more"
            )
        else:
            message += "it goes on. Wait again, or cancel_order() and see how it ended"
        return OrderNotDone(
            message,
            venue=self._venue.id,
            tracked=tracked,
            client_order_id=tracked.client_order_id,
            maybe_executed=tracked.is_doubtful,
        )

    # -- when to look ---------------------------------------------------------------

    def delay(self, *, is_told: bool) -> float:
        """Seconds until there is something to do, if nothing is told before."""
        now = self._clock.monotonic()
        naps = [_NAP]
        if self._deadline is not None:
            naps.append(self._deadline - now)
        if not self.is_reading:
            naps.append(self._due(is_told=is_told) - now)
        return max(0.0, min(naps))

    def is_due(self, *, is_told: bool) -> bool:
        """Whether to read the order now."""
        now = self._clock.monotonic()
        return not self.is_reading and now >= self._due(is_told=is_told)

    def _due(self, *, is_told: bool) -> float:
        pause = _SELDOM if self._reads > 4 else _SOON * 2**self._reads  # noqa: PLR2004
        if is_told and self._is_all_told(self.now):
            pause = _TOLD
        due = self._read_at + max(pause, _CROWD * self.tracker.waits)
        if self._deadline is None or self._deadline - self._read_at <= 2 * _LAST:
            return due
        # Whoever is told that time is up is told what stood a moment before.
        return min(due, self._deadline - _LAST)

    def _is_all_told(self, tracked: TrackedOrder) -> bool:
        """Whether a stream that tells leaves nothing to read but what may be lost."""
        if self._is_settling(tracked):
            # What became final before it was followed is told by nobody.
            return self._looks > 0
        return tracked.state not in _NOT_TOLD

    def read_again(self, calls: TrackedCalls) -> Flow[None]:
        """Read the order, for the tracker to take; it counts as begun at once."""
        self.is_reading = True
        return self._read_again(calls)

    def _read_again(self, calls: TrackedCalls) -> Flow[None]:
        tracked = self.now
        try:
            if self._is_settling(tracked):
                self._looks += 1
                yield from self._read_settling(tracked, calls)
            else:
                yield from self._read_order(tracked, calls)
        except UnifiedExchangesError as error:
            # One that was placed a moment ago may not be shown yet.
            is_final = not error.retryable and not isinstance(error, OrderNotFound)
            self.trouble = error if is_final else None
        else:
            self.trouble = None
        finally:
            self.is_reading = False
            self._reads += 1
            self._read_at = self._clock.monotonic()

    def looked(self, error: Exception | None) -> None:
        """A read has ended that was answered by a recording which is played.

        What was not read about now is passed over: the recording goes on to what its
        stream tells, or to its end.
        """
        if error is not None:
            self.trouble = error
        if isinstance(self.trouble, NotRecorded):
            self.trouble = None

    def _read_order(self, tracked: TrackedOrder, calls: TrackedCalls) -> Flow[None]:
        key = None if tracked.order_id is not None else tracked.client_order_id
        flow = self._venue.fetch_order(
            tracked.order_id, client_order_id=key, market_id=tracked.market_id
        )
        yield from calls.reading_order(flow, key, tracked.market_id)

    def _read_settling(self, tracked: TrackedOrder, calls: TrackedCalls) -> Flow[None]:
        since = None if tracked.order is None else tracked.order.created_at
        yield from calls.reading_fills(self._venue.settling(tracked.market_id, since))


def polling(wait: Wait, calls: TrackedCalls) -> Flow[Order]:
    """Wait without a stream: by reading, ever less often."""
    with wait.tracker.waking(wait.entry, lambda: None):
        while True:
            result = wait.result()
            if result is not None:
                return result
            if wait.is_due(is_told=False):
                yield from wait.read_again(calls)
            else:
                yield Sleep(wait.delay(is_told=False))


def ending(
    order: Order, timeout: float, calls: TrackedCalls, venue: Venue
) -> Flow[Order]:
    """Wait by reading until an order has ended; raises as `Exchange.wait_done`."""
    entry = yield from finding(order, calls, venue)
    wait = Wait(
        calls.tracker,
        entry,
        venue,
        outcome=order.outcome,
        timeout=timeout,
        for_fill=False,
    )
    return (yield from polling(wait, calls))


def wanted(order: Awaited | None, client_order_id: str | None) -> Awaited | Key:
    """What is waited for, said in one of two ways."""
    if order is not None and client_order_id is None:
        return order
    if order is None and client_order_id is not None:
        return Key(client_order_id)
    raise ArgumentsRequired("give an order or client_order_id, one of them")


def finding(awaited: Awaited | Key, calls: TrackedCalls, venue: Venue) -> Flow[Entry]:
    """The order that is waited for, read if nobody has heard of it.

    Raises `OrderNotFound`.
    """
    tracker = calls.tracker
    key: str | None = None
    market_id: str | None = None
    if isinstance(awaited, Order):
        # Whoever has it has it from somewhere; anything that is known is newer.
        tracker.order(awaited, read_at=0.0, is_wanted=True)
        order_id: str | None = awaited.order_id
    elif isinstance(awaited, TrackedOrder):
        order_id, key = awaited.order_id, awaited.client_order_id
    elif isinstance(awaited, Intent):
        order_id, key = awaited.order_id, awaited.client_order_id
        market_id = awaited.market_id
    elif isinstance(awaited, Key):
        order_id, key = None, awaited.client_order_id
    elif type(awaited) is str:
        order_id = awaited
    else:
        message = (
            "what is waited for is an Order, a TrackedOrder, an Intent or an order id, "
            f"not {awaited!r}"
        )
        raise BadRequest(message, venue=venue.id)
    found = tracker.find(order_id=order_id, client_order_id=key)
    if found is None:
        by_key = key if order_id is None else None
        flow = venue.fetch_order(order_id, client_order_id=by_key, market_id=market_id)
        order = yield from calls.reading_order(flow, by_key, market_id)
        # It may have ended long ago, and is tracked only for being waited for.
        tracker.order(order, read_at=0.0, is_wanted=True)
        found = tracker.find(order_id=order.order_id)
        assert found is not None
    return found


def read_settled(settled: object) -> bool:
    """Refuse what is neither True nor False: a slip would wait for too little."""
    if isinstance(settled, bool):
        return settled
    raise BadRequest(f"settled must be True or False, not {settled!r}")


def read_timeout(timeout: object) -> float | None:
    """Refuse a timeout that is no number of seconds."""
    if timeout is None:
        return None
    if type(timeout) not in (int, float) or not timeout >= 0:  # type: ignore[operator]
        message = f"timeout must be seconds, not below 0, or None, not {timeout!r}"
        raise BadRequest(message)
    return float(timeout)  # type: ignore[arg-type]
