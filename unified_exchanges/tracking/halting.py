"""Stopping everything as a flow: refuse, cancel, wait for what is under way, and verify.

That no order leaves is settled before the first step (see `Switch`).  All else may be
interrupted or fail: called again, it goes on with what is open then.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from math import inf
from typing import Final

import attrs

from ..errors import BadRequest, RequestTimeout, UnifiedExchangesError
from ..flow import Flow, Sleep, collect
from ..models import (
    CancelReport,
    Halt,
    HaltReport,
    Intent,
    Order,
    OrderStatus,
    Position,
    TrackedOrder,
)
from ..venue import Venue
from ..venue.deadline import within
from .calls import TrackedCalls

__all__ = ["Halting"]

_log = logging.getLogger(__name__)

_PAUSES: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Seconds before going over it again; the last one for ever."""
_GLANCE: Final = 0.02
"""Seconds after which it is seen that a request under way was answered."""
_PATIENCE: Final = 1.0
"""Seconds that a round waits for such an answer: what rests is not left alone longer."""
_SHARE: Final = 0.1
_MOST_SHARE: Final = 3.0
"""What of the time is left for reading positions: a share, at most so many seconds."""
_STUCK: Final = 3
"""Rounds that met only what time does not heal, after which it is given up."""


@attrs.define(slots=True)
class _Round:
    """What the last round came to."""

    remaining: tuple[Order, ...] = ()
    errors: tuple[UnifiedExchangesError, ...] = ()
    left: tuple[Intent, ...] = ()
    under_way: tuple[str, ...] = ()
    is_verified: bool = False
    found: int = 0

    @property
    def says_why(self) -> bool:
        """Whether it tells what may still show, or why that is not known."""
        return bool(self.errors or self.left or self.under_way)

    @property
    def is_hopeless(self) -> bool:
        """Whether doing the same again would only meet the same."""
        return bool(self.errors) and not any(e.retryable for e in self.errors)

    @property
    def is_refused(self) -> bool:
        """Whether nothing was even asked."""
        return any(isinstance(e, BadRequest) and e.status is None for e in self.errors)


class Halting:
    """The halts of one client: what they have done so far is in each report."""

    def __init__(self, venue: Venue, calls: TrackedCalls) -> None:
        self._venue = venue
        self._calls = calls
        self._clock = venue.clock
        self._forget()

    def _forget(self) -> None:
        self._before: dict[str, TrackedOrder] = {}
        self._ended: dict[str, Order] = {}

    @property
    def halt(self) -> Halt | None:
        """Why no order leaves, as far as this object knows."""
        return self._venue.switch.halt

    def trip(self, reason: object) -> Halt:
        """Let no order leave from now on: no I/O, no waiting, from any thread."""
        return self._venue.switch.throw(reason)

    # -- lifting --------------------------------------------------------------------

    def resume(self, reason: object) -> Flow[Halt | None]:
        """Let orders leave again, here and for all who share the journal."""
        why = reason.strip() if isinstance(reason, str) else ""
        if not why:
            message = (
                "resume takes the reason why orders may leave again, as text; nothing "
                "was lifted"
            )
            raise BadRequest(message, venue=self._venue.id)
        kept = yield from self._venue.keep_halt(None)
        before = kept or self._venue.switch.thrown
        self._venue.switch.lift(why)
        self._forget()
        return before

    # -- stopping -------------------------------------------------------------------

    def stop(
        self, reason: object, *, cancel: bool, deadline: float
    ) -> Flow[HaltReport]:
        """Halt, cancel what rests, look for the rest, and say what it came to."""
        halt = self.trip(reason)
        # Only now: whoever calls it wrongly must be halted all the same.
        if type(deadline) not in (int, float) or not 0 < deadline < inf:
            message = (
                "everything is halted and nothing was canceled: deadline must be a "
                f"number of seconds above 0, not {deadline!r}"
            )
            raise BadRequest(message, venue=self._venue.id)
        return self._stop(halt, cancel=cancel, deadline=deadline)

    def _stop(self, halt: Halt, *, cancel: bool, deadline: float) -> Flow[HaltReport]:
        end = self._clock.monotonic() + deadline
        enough = end - min(deadline * _SHARE, _MOST_SHARE)
        for x in self._calls.tracker.undone():
            key = x.order_id or x.client_order_id
            if key is not None:
                self._before[key] = x
        # First of all: it is here, and quick, and stops the other processes.
        halt, unkept = yield from self._tell_others(halt)
        last = yield from self._rounds(enough, cancel=cancel)
        if (
            not last.is_verified
            and not last.says_why
            and not (cancel and last.remaining)
        ):
            last.errors = (self._unverified(),)
        yield from self._ends(enough, last)
        held, unread = yield from self._held(end)
        errors = [e for e in (unkept, *last.errors, unread) if e is not None]
        ended = list(self._ended.values())
        return HaltReport(
            reason=halt.reason,
            halted_at=halt.at,
            ended_at=datetime.fromtimestamp(self._clock.now(), UTC),
            canceled=tuple(x for x in ended if x.status is not OrderStatus.CLOSED),
            filled=tuple(x for x in ended if x.status is OrderStatus.CLOSED),
            remaining=last.remaining,
            unresolved=last.left,
            under_way=last.under_way,
            positions=held,
            errors=tuple(errors),
            is_canceling=cancel,
        )

    def _tell_others(
        self, halt: Halt
    ) -> Flow[tuple[Halt, UnifiedExchangesError | None]]:
        """Keep the halt where other processes see it; theirs goes before, if there is one."""
        try:
            known = yield from self._venue.keep_halt(halt)
        except UnifiedExchangesError as error:
            error.add(
                "; this object is halted all the same, other processes that share the "
                "journal are not"
            )
            return halt, error
        if known is not None:
            self._venue.switch.thrown = halt = known
        return halt, None

    def _rounds(self, end: float, *, cancel: bool) -> Flow[_Round]:
        """Cancel and look, until nothing is left that could still appear, or time is up."""
        last = _Round()
        yield from self._recall(last)
        stuck = looks = 0
        while True:
            if not last.is_verified:
                yield from self._verify(last, end, cancel=cancel)
            yield from self._wait_for_answers(end)
            yield from self._look(last, end)
            # As of now: what is answered later shows in none of these reads.
            last.under_way = self._venue.switch.under_way
            is_quiet = not last.left and not last.under_way
            if (last.is_verified and is_quiet) or last.is_refused:
                return last
            stuck = stuck + 1 if last.is_hopeless and is_quiet else 0
            pause = 0.0 if last.found else _PAUSES[min(looks, len(_PAUSES) - 1)]
            if self._clock.monotonic() + pause >= end or stuck >= _STUCK:
                return last
            if pause:
                yield Sleep(pause)
                looks += 1

    def _recall(self, last: _Round) -> Flow[None]:
        """What is left open before anything is looked at, whoever ends it meanwhile."""
        try:
            last.left = tuple((yield from self._venue.unresolved_intents()))
        except UnifiedExchangesError as error:
            # Each look asks again, and tells if it cannot.
            _log.info("what was left open is not known yet: %s", error)

    def _unverified(self) -> RequestTimeout:
        message = (
            "time was up before another look showed that nothing is open; call halt "
            "again, or give it a longer deadline"
        )
        return RequestTimeout(message, sent=False, venue=self._venue.id)

    def _verify(self, last: _Round, end: float, *, cancel: bool) -> Flow[None]:
        """Cancel what is open, or only read it; what is under way may come after that."""
        is_settled = not self._venue.switch.under_way
        calls, venue = self._calls, self._venue
        try:
            if cancel:
                flow = calls.cancelling_all(venue.stop_orders(), None)
                report = yield from within(flow, self._clock, end)
            else:
                pages = calls.listing_orders(venue.fetch_open_orders())
                listed = yield from within(collect(pages), self._clock, end)
                report = CancelReport(canceled=(), remaining=tuple(listed))
        except UnifiedExchangesError as error:
            last.errors = (error,)
            if cancel and not last.is_refused:
                yield from self._cancel_known(end)
            last.remaining = yield from self._still_open(
                end, is_readable=last.is_refused
            )
            return
        for order in report.canceled:
            self._ended[order.order_id] = order
        last.remaining, last.errors = report.remaining, report.errors
        is_done = not report.errors and not (cancel and report.remaining)
        last.is_verified = is_settled and is_done

    def _cancel_known(self, end: float) -> Flow[None]:
        """Cancel what is known here by its ids: a list that fails must not keep it open."""
        calls = self._calls
        ids = [x.order_id for x in calls.tracker.undone() if x.order_id is not None]
        if not ids:
            return
        flow = calls.cancelling_many(self._venue.cancel_orders(ids), ids)
        try:
            results = yield from within(flow, self._clock, end)
        except UnifiedExchangesError as error:
            _log.info("what is known to be open was not canceled by its ids: %s", error)
            return
        for result in results:
            if result.order is not None:
                self._ended[result.order_id] = result.order

    def _still_open(self, end: float, *, is_readable: bool) -> Flow[tuple[Order, ...]]:
        """What is open where nothing could be cancelled.

        ``is_readable``: that was refused here, so that reads may do.
        """
        calls, venue = self._calls, self._venue
        try:
            if is_readable:
                pages = calls.listing_orders(venue.fetch_open_orders())
                return tuple((yield from within(collect(pages), self._clock, end)))
        except UnifiedExchangesError as error:
            _log.info("what is open could not be read: %s", error)
        # As far as is known: nobody could look.
        known = (x.order for x in calls.tracker.undone())
        return tuple(x for x in known if x is not None and x.is_open)

    def _wait_for_answers(self, end: float) -> Flow[None]:
        """Wait for answers to requests for orders, not for those that nobody waits for."""
        now = self._clock.monotonic
        until = min(end, now() + _PATIENCE)
        while self._venue.switch.is_awaiting and now() < until:
            yield Sleep(_GLANCE)

    def _look(self, last: _Round, end: float) -> Flow[None]:
        """Look for orders whose end is not known; those that show must be cancelled too."""
        tracker = self._calls.tracker
        before = {x.client_order_id for x in last.left}
        last.found = 0
        try:
            seen = yield from within(self._venue.glance(), self._clock, end)
        except UnifiedExchangesError as error:
            last.errors = (*last.errors, error)
            last.is_verified = False
            return
        for order in seen.found:
            tracker.order(order, is_ours=True)
            if not order.is_open and order.filled:
                self._ended[order.order_id] = order
        for x in seen.absent:
            tracker.absent(x.client_order_id)
        last.found = len(seen.found)
        last.left = seen.unknown
        known = {x.client_order_id for x in (*seen.unknown, *seen.absent)}
        if seen.found or before - known:
            # Also where the call that had sent it has found it out meanwhile.
            last.is_verified = False

    def _ends(self, end: float, last: _Round) -> Flow[None]:
        """How orders ended that were not done when all was halted, and nobody has told."""
        open_ids = {order.order_id for order in last.remaining}
        for known in list(self._before.values()):
            x = self._calls.tracker.look(
                order_id=known.order_id, client_order_id=known.client_order_id
            )
            order_id = (x or known).order_id
            if order_id is None or order_id in self._ended or order_id in open_ids:
                continue
            order = None if x is None else x.order
            if order is None or order.is_open:
                flow = self._calls.reading_order(
                    self._venue.fetch_order(order_id), None
                )
                try:
                    order = yield from within(flow, self._clock, end)
                except UnifiedExchangesError as error:
                    error.add(f"; how order {order_id} ended is not known")
                    last.errors = (*last.errors, error)
                    if error.retryable:
                        # The next one would only meet the same.
                        return
                    continue
            if order.is_open:
                last.remaining = (*last.remaining, order)
            else:
                self._ended[order_id] = order

    def _held(
        self, end: float
    ) -> Flow[tuple[tuple[Position, ...] | None, UnifiedExchangesError | None]]:
        """What is held; None and why if that could not be read."""
        flow = self._venue.fetch_positions(mark=False)
        try:
            held = yield from within(flow, self._clock, end)
        except UnifiedExchangesError as error:
            error.add("; what is held is not known, which does not mean nothing")
            return None, error
        return tuple(x for x in held if x.size), None
