"""The calls of a client, such that its tracker learns what they do and what they are told.

Each wraps a flow of the venue and hands on every step of it unchanged.  A flow that is
given up half-way, by Ctrl-C or with its task, leaves what it sent unresolved, and ends
what it had not begun to send.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar
from weakref import WeakMethod

import attrs

from ..clock import Clock
from ..errors import (
    DuplicateOrderId,
    JournalError,
    UnifiedExchangesError,
)
from ..flow import (
    AskIntent,
    Done,
    Flow,
    Judged,
    Judging,
    Leaving,
    Outcome,
    Recall,
    Request,
    Resolved,
    Shown,
    advance,
)
from ..models import (
    CancelReport,
    CancelResult,
    Fill,
    Intent,
    IntentState,
    Order,
    OrderBook,
    OrderResult,
    OrderState,
    ReconcileReport,
)
from ..venue import Venue
from .gate import Gate
from .reading import TrackedReads
from .tracker import OrderTracker

__all__ = ["TrackedCalls", "calls_of"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_UNSEEN: Final = (OrderState.UNRESOLVED, OrderState.UNKNOWN)
"""How an order stands that the venue has, or may have, and has not shown."""


class TrackedCalls(TrackedReads):
    """Flows of one venue that tell a tracker."""

    def __init__(
        self, tracker: OrderTracker, clock: Clock, gate: Gate | None = None
    ) -> None:
        super().__init__(tracker, clock)
        self.gate = gate
        """What orders and edits pass before they leave; None lets all of them."""

    def show_books(self, watched: Callable[[str], OrderBook | None]) -> None:
        """Hold prices against the books that are watched from now on."""
        if self.gate is not None:
            self.gate.watched = watched

    def judge_by(self, books: Callable[[str], OrderBook | None]) -> Callable[[], None]:
        """Hold prices against these books, until what is returned is called."""
        gate = self.gate
        if gate is None:
            return _nothing
        before, gate.watched = gate.watched, books

        def undo() -> None:
            gate.watched = before

        return undo

    # -- creates --------------------------------------------------------------------

    def creating(self, flow: Flow[T]) -> Flow[T]:
        """A create, or what ends in one: in an `Order`, or None if none was needed."""
        sent: list[str] = []
        began = self._clock.monotonic()
        try:
            result = yield from self._noting(flow, sent, [])
            if isinstance(result, Order):
                self._placed(result, began, sent)
        except UnifiedExchangesError as error:
            self._failed(error, sent)
            raise
        finally:
            self._give_up(sent)
        return result

    def creating_many(self, flow: Flow[list[OrderResult]]) -> Flow[list[OrderResult]]:
        """A batch of creates, of which each ends on its own."""
        sent: list[str] = []
        began = self._clock.monotonic()
        try:
            results = yield from self._noting(flow, sent, [])
            for result in results:
                if result.order is not None:
                    self._placed(result.order, began, sent)
                else:
                    assert result.error is not None
                    self._failed(result.error, sent)
        finally:
            # What of it had arrived nobody can tell.
            self._give_up(sent)
        return results

    def following(self, flow: Flow[T]) -> Flow[T]:
        """Any other flow: what it sends counts, and what the journal tells it."""
        sent: list[str] = []
        began = self._clock.monotonic()
        try:
            result = yield from self._noting(flow, sent, [])
            if isinstance(result, Order) and result.client_order_id in sent:
                self._placed(result, began, sent)
        except UnifiedExchangesError as error:
            self._failed(error, sent)
            raise
        finally:
            self._give_up(sent)
        return result

    def remembering(self, flow: Flow[list[Intent]]) -> Flow[None]:
        """What the journal tells a new object, for the tracker to know it at once."""
        try:
            yield from self.following(flow)
        except JournalError as error:
            # Cancels and reads go on; the first order meets it again.
            _log.warning("what earlier runs left open is not known: %s", error)

    def _noting(self, flow: Flow[T], sent: list[str], changed: list[Order]) -> Flow[T]:
        """Hand on a flow, and take down what is about to leave, if the guards let it.

        Who is leaving is told once, however many of these a flow goes through.
        """
        began = self._clock.monotonic()
        waiting: list[Leaving] = []
        outcome: Outcome | BaseException = None
        try:
            while not isinstance(step := advance(flow, outcome), Done):
                self._learn(step, began)
                try:
                    if isinstance(step, Leaving):
                        yield from self._ask_guards(step, waiting, sent, changed)
                        outcome = None
                    else:
                        if isinstance(step, Request) and not step.is_read:
                            waiting.clear()
                        outcome = yield step
                except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                    outcome = error
                if isinstance(step, Recall) and isinstance(outcome, tuple):
                    yield from self._recall(step, outcome)
        except BaseException as error:
            # The flow's own errors say themselves what became of each.
            if not isinstance(error, Exception):
                self._never_left(waiting, sent, changed)
            raise
        else:
            return step.value
        finally:
            flow.close()

    def _learn(self, step: object, began: float) -> None:
        """What a flow found out on its way, by reads that began no sooner."""
        if isinstance(step, Resolved):
            self.tracker.resolved(step.report, read_at=began)
        elif isinstance(step, Shown):
            self.tracker.order(step.order, read_at=began)

    def _ask_guards(
        self,
        step: Leaving,
        waiting: list[Leaving],
        sent: list[str],
        changed: list[Order],
    ) -> Flow[None]:
        yield Judging()
        try:
            yield from self._take_down(step, waiting, sent, changed)
        except Exception:
            yield Judged(passes=False)
            raise
        yield Judged(passes=True)

    def _take_down(
        self,
        step: Leaving,
        waiting: list[Leaving],
        sent: list[str],
        changed: list[Order],
    ) -> Flow[None]:
        if step.only_asks:
            if self.gate is not None:
                yield from self.gate.admit(step)
            return
        tracker = self.tracker
        with tracker.lock:
            for before, _ in step.changes:
                if tracker.find(order_id=before.order_id) is None:
                    # Also if the guards refuse the edit.  What is known of it is newer.
                    tracker.order(before, read_at=0.0, is_wanted=True)
        # Before it is: an interrupt may come right after.
        waiting.append(step)
        sent += [x.client_order_id for x in step.orders]
        changed += [after for _, after in step.changes]
        try:
            yield from self._admit(step)
        except Exception:
            # Nothing of it was.
            waiting.remove(step)
            self._forget(step, sent, changed)
            raise

    def _never_left(
        self, waiting: Iterable[Leaving], sent: list[str], changed: list[Order]
    ) -> None:
        """What was given up while it waited for its turn: no write was begun since."""
        for step in waiting:
            self._forget(step, sent, changed)
            for x in step.orders:
                self.tracker.refused(x.client_order_id)
            for _, after in step.changes:
                self.tracker.change_ended(after, is_lost=False)

    def _forget(self, step: Leaving, sent: list[str], changed: list[Order]) -> None:
        """What was about to leave does not, and is none of those any more."""
        for x in step.orders:
            if x.client_order_id in sent:
                sent.remove(x.client_order_id)
        for _, after in step.changes:
            if after in changed:
                changed.remove(after)

    def _admit(self, step: Leaving) -> Flow[None]:
        if self.gate is not None:
            yield from self.gate.admit(step)
            return
        for plan in step.orders:
            self.tracker.intend(plan)
        for _, after in step.changes:
            self.tracker.changing(after)

    def _recall(self, step: Recall, intents: tuple[Intent, ...]) -> Flow[None]:
        for key in self.tracker.recalled(intents):
            yield from self._ask(AskIntent(step.account, key))

    def _ask(self, step: AskIntent) -> Flow[Intent | None]:
        """How another process has ended an intent that was left open."""
        try:
            intent = yield step
        except JournalError as error:
            _log.info("how %s ended is not known: %s", step.client_order_id, error)
            return None
        if not isinstance(intent, Intent):
            return None
        self.tracker.ended_elsewhere(intent)
        return intent

    def _placed(self, order: Order, began: float, sent: list[str]) -> None:
        key = order.client_order_id
        # It may have changed while it was answered: what the stream told is newer.
        self.tracker.order(order, read_at=began, is_ours=True)
        if key in sent:
            self.tracker.accepted(key)
            # Last: what an interrupt leaves in there is given up.
            sent.remove(key)

    def _failed(self, error: UnifiedExchangesError, sent: list[str]) -> None:
        """A create ended in an error: refused, unless it may have been carried out."""
        key = error.client_order_id
        if key is None or key not in sent:
            # It did not leave with this call: what is known of it stays.
            return
        if error.maybe_executed or isinstance(error, DuplicateOrderId):
            # What has its id may be what it was, changed since: a read tells.
            self.tracker.doubted(key)
        else:
            self.tracker.refused(key)
        sent.remove(key)

    def _give_up(self, sent: list[str]) -> None:
        for key in sent:
            self.tracker.doubted(key)
        sent.clear()

    # -- changes and cancels --------------------------------------------------------

    def changing(self, flow: Flow[Order]) -> Flow[Order]:
        """An edit of a resting order."""
        tracker = self.tracker
        changed: list[Order] = []
        is_lost = True
        try:
            order = yield from self._noting(flow, [], changed)
            tracker.order(order)
            is_lost = False
        except UnifiedExchangesError as error:
            is_lost = error.maybe_executed
            raise
        finally:
            for after in changed:
                tracker.change_ended(after, is_lost=is_lost)
        return order

    def cancelling(self, flow: Flow[Order], order_id: str) -> Flow[Order]:
        """A cancel of one order."""
        self.tracker.cancelling(order_id)
        is_lost = True
        try:
            order = yield from flow
            self.tracker.order(order)
            is_lost = False
        except UnifiedExchangesError as error:
            is_lost = error.maybe_executed
            raise
        finally:
            self.tracker.cancel_ended(order_id, is_lost=is_lost)
        return order

    def cancelling_many(
        self, flow: Flow[list[CancelResult]], order_ids: Sequence[str]
    ) -> Flow[list[CancelResult]]:
        """Cancels of several orders, of which each ends on its own."""
        tracker = self.tracker
        pending = _ids(order_ids)
        for order_id in pending:
            tracker.cancelling(order_id)
        is_lost = True
        try:
            results = yield from flow
            is_lost = False
            for result in results:
                if result.order is not None:
                    tracker.order(result.order)
                if result.error is not None and result.order_id in pending:
                    del pending[result.order_id]
                    lost = result.error.maybe_executed
                    tracker.cancel_ended(result.order_id, is_lost=lost)
        except UnifiedExchangesError as error:
            is_lost = error.maybe_executed
            raise
        finally:
            for order_id in pending:
                tracker.cancel_ended(order_id, is_lost=is_lost)
        return results

    def cancelling_all(
        self, flow: Flow[CancelReport], market_id: str | None
    ) -> Flow[CancelReport]:
        """A cancel of all that is open, of one market or of all."""
        tracker = self.tracker
        began = self._clock.monotonic()
        pending = [
            x.order_id
            for x in tracker.undone()
            if x.order_id is not None and market_id in (None, x.market_id)
        ]
        for order_id in pending:
            tracker.cancelling(order_id)
        is_lost = True
        try:
            report = yield from flow
            is_lost = not report.is_complete
            for order in report.canceled:
                tracker.order(order)
            for order in report.remaining:
                tracker.order(order, read_at=began)
        except UnifiedExchangesError as error:
            is_lost = error.maybe_executed
            raise
        finally:
            for order_id in pending:
                tracker.cancel_ended(order_id, is_lost=is_lost)
        return report

    # -- what was left open ----------------------------------------------------------

    def reconciling(
        self, flow: Flow[ReconcileReport], venue: Venue
    ) -> Flow[ReconcileReport]:
        """A look for what was left open.

        What another process that shares the journal has found out is not in the report,
        so what is still unresolved here is read; what cannot be read is unknown.
        """
        tracker = self.tracker
        report = yield from self.following(flow)
        unknown = {x.client_order_id for x in report.unknown}
        unread: list[Intent] = []
        for seen in tracker.undone():
            key = seen.client_order_id
            if seen.state not in _UNSEEN or seen.order is not None or seen.is_external:
                continue
            if key is None or key in unknown:
                continue
            if seen.order_id is not None:
                read = venue.fetch_order(seen.order_id)
            else:
                read = venue.fetch_order(client_order_id=key, market_id=seen.market_id)
            try:
                yield from self.reading_order(read, key, seen.market_id)
            except UnifiedExchangesError as error:
                _log.info("what became of order %s was not read: %s", key, error)
                kept = yield from self._ask(AskIntent(venue.account, key))
                if kept is not None and kept.state is IntentState.ABSENT:
                    # Whoever proved it has looked for longer than it could arrive.
                    tracker.absent(key)
                now = tracker.look(client_order_id=key)
                if now is None or now.state not in _UNSEEN:
                    continue
                if kept is None:
                    # The journal has forgotten it, or cannot tell: no report can name it.
                    error.client_order_id = key
                    error.add(f"; what became of order {key} is not known: it counts")
                    raise
                why = f"it could not be read: {error.message}"
                unread.append(attrs.evolve(kept, state=IntentState.UNKNOWN, detail=why))
        return attrs.evolve(report, unknown=(*report.unknown, *unread))


def _nothing() -> None:
    """No price is held against any book."""


def calls_of(venue: Venue) -> TrackedCalls:
    """The calls of a client of this venue, and a tracker for them."""
    tracker = OrderTracker(
        venue.clock,
        first_outcome=venue.first_outcome,
        in_flight=venue.retry.order_deadline + venue.retry.order_grace,
        moves_position=venue.moves_position,
        offset=venue.offset,
        positions_late=venue.positions_late,
        settles_late=venue.settles_late,
    )
    # Weakly: the tracker holds the venue, whose monitor this is.
    count = WeakMethod(tracker.count_unresolved)
    venue.monitor.unresolved = lambda: 0 if (ask := count()) is None else ask()
    heard = WeakMethod(tracker.fill_ended)

    def tell(fill: Fill) -> None:
        if (hear := heard()) is not None:
            hear(fill)

    venue.tell_end = tell
    return TrackedCalls(tracker, venue.clock, Gate(tracker, venue))


def _ids(given: object) -> dict[str, None]:
    """Ids of orders, if they are: the venue refuses what is none."""
    listed = given if isinstance(given, list | tuple) else ()
    return dict.fromkeys(x for x in listed if isinstance(x, str))
