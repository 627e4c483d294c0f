"""Orders that are written down before they leave, and found again after a crash.

What a venue needs for it: whose orders they are, how they are looked for, and how fresh
its reads are.  The rest is here, the same for every venue.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import ClassVar, Final

import attrs

from ..errors import Halted, JournalError, UnifiedExchangesError, UnresolvedOrders
from ..flow import (
    AskHalt,
    AskIntent,
    Flow,
    KeepHalt,
    Note,
    Recall,
    Resolved,
    Sleep,
)
from ..models import Account, Halt, Intent, IntentState, Order, ReconcileReport
from ..settings import Settings
from .contract import Venue

__all__ = ["Journaling"]

_log = logging.getLogger(__name__)

_PAUSES: Final = (0.2, 0.4, 0.8, 1.6, 2.0)
"""Seconds between looks for what may still be on its way; the last one for ever."""
_BRIEFLY: Final = 3
"""Looks for which an order that waits to be sent waits for what cannot be told in time."""
_LONGEST: Final = 500
"""Characters of an error that are kept."""
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
_NAMED: Final = 5
"""Orders that a message describes; the error names all."""


class Journaling(Venue):
    """A venue whose orders can be looked for by their client order id."""

    positions_lag: ClassVar[bool] = False
    """Whether positions may be late by an unknown time, of which `until_fresh` says nothing."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.is_cleared = False
        self._under_way: dict[str, tuple[float, Callable[[], Intent]]] = {}
        """What left without a note: since when, on the monotonic clock, and what it is."""
        self._sights: dict[str, _Sight] = {}
        self._doubted: set[str] = set()
        self._owed: dict[str, Intent] = {}
        """How those ended that never left, not written yet."""
        self._unended: dict[str, Intent] = {}
        """What is unresolved as far as was heard: an order that shows ends it."""

    # -- what a subclass must say ---------------------------------------------------

    @property
    @abstractmethod
    def account(self) -> Account:
        """Whose orders they are: it must tell one key from another."""

    @abstractmethod
    def is_own(self, client_order_id: str) -> bool:
        """Whether this object has sent an order with this id, or is about to."""

    @abstractmethod
    def find_orders(
        self, market_id: str, intents: Sequence[Intent]
    ) -> Flow[Mapping[str, Order]]:
        """Orders on a market that are these intents, by client order id.

        All there ever were are looked through.  They are in the terms of the intents.
        """

    @abstractmethod
    def venue_now(self) -> datetime:
        """The venue's time."""

    @abstractmethod
    def until_fresh(
        self, since: datetime, *, urgent: bool = False
    ) -> Flow[UnifiedExchangesError | None]:
        """Wait until reads show what happened up to then; why they may not, else None."""

    @property
    def purse(self) -> Account:
        """Whose equity is read."""
        return self.account

    # -- writing --------------------------------------------------------------------

    def write_down(self, intents: Iterable[Intent]) -> Flow[tuple[Intent, ...]]:
        """Write intents before their orders leave; if that fails, they must not.

        What was known of their ids before: those that are orders must not leave either,
        nor those that may be, with other terms.
        """
        told = tuple(intents)
        yield from self.write_owed()
        try:
            before = yield Note(told)
        except Halted:
            yield from self.heed(f"{len(told)} order(s)")
            raise
        self.switch.heard = None
        assert isinstance(before, tuple)
        for x in told:
            self._sight(x)
        return before

    def known_of(self, client_order_id: str) -> Flow[Intent | None]:
        """What an id was used for, by this object or, as the journal has it, another.

        None where that tells of nothing that is an order, or may be one.
        """
        kept = self._under_way.get(client_order_id)
        if kept is not None:
            return self._told(kept)
        found = yield AskIntent(self.account, client_order_id)
        assert found is None or isinstance(found, Intent)
        return found if found is not None and found.may_be_an_order else None

    def keep(
        self, client_order_id: str, since: float, tell: Callable[[], Intent]
    ) -> None:
        """Remember what is about to leave where no file keeps it; ``tell`` tells it.

        A note of each order would cost some microseconds and outlive nothing.
        """
        self._under_way[client_order_id] = since, tell

    def _told(self, kept: tuple[float, Callable[[], Intent]]) -> Intent:
        since, tell = kept
        intent = tell()
        self._sight(intent).since = since
        return intent

    def is_over(self, client_order_id: str) -> bool:
        """Forget a kept order that has ended; False if the journal must be told of it."""
        if client_order_id in self._doubted:
            return False
        self._under_way.pop(client_order_id, None)
        self._sights.pop(client_order_id, None)
        return True

    def outcome(
        self, client_order_id: str, outcome: Order | UnifiedExchangesError
    ) -> tuple[Intent, ...]:
        """What the journal must be told of a kept order that has ended, if anything."""
        in_doubt = isinstance(outcome, UnifiedExchangesError) and outcome.maybe_executed
        kept = self._under_way.get(client_order_id)
        if kept is None or (not in_doubt and self.is_over(client_order_id)):
            # None: somebody has found out meanwhile what became of it.
            return ()
        del self._under_way[client_order_id]
        self._doubted.add(client_order_id)
        intent = self._told(kept)
        return intent, self.end(intent, outcome)

    def settle(self, ends: Iterable[Intent]) -> Flow[None]:
        """Write how intents ended.

        What cannot be written is no error: it stays unresolved, and is found out again.
        """
        told = tuple(ends)
        if not told:
            return
        for x in told:
            if x.state.is_resolved:
                self._under_way.pop(x.client_order_id, None)
                self._doubted.discard(x.client_order_id)
                self._unended.pop(x.client_order_id, None)
                self._sights.pop(x.client_order_id, None)
            else:
                self._unended[x.client_order_id] = x
        try:
            yield Note(told)
        except JournalError as error:
            names = ", ".join(f"{x.client_order_id} {x.state}" for x in told)
            _log.error("what became of orders (%s) was not kept: %s", names, error)

    def never_left(self, intents: Iterable[Intent]) -> None:
        """These were given up before they left, and may have been written down.

        Who gives a flow up does not wait for a file, so what is done next writes it.
        """
        for x in intents:
            self._owed[x.client_order_id] = x.ended(
                IntentState.REFUSED, detail=_NEVER_LEFT
            )

    def write_owed(self) -> Flow[None]:
        """Write of which orders it is known by now that they never left."""
        if self._owed:
            ended, self._owed = self._owed, {}
            yield from self.settle(ended.values())

    def discovered(self, order: Order, intent: Intent | None = None) -> Flow[None]:
        """Write down that an intent left open is this order, if there is one."""
        intent = intent or self._unended.get(order.client_order_id or "")
        if intent is None or intent.state.is_resolved:
            return
        if intent.market_id != order.market_id:
            return
        placed = intent.ended(IntentState.PLACED, order_id=order.order_id)
        yield from self.settle([placed])
        yield Resolved(ReconcileReport(found=(order,)))

    @staticmethod
    def end(intent: Intent, outcome: Order | UnifiedExchangesError) -> Intent:
        """An intent as a create ended it."""
        if isinstance(outcome, Order):
            return intent.ended(IntentState.PLACED, order_id=outcome.order_id)
        in_doubt = outcome.maybe_executed
        state = IntentState.UNKNOWN if in_doubt else IntentState.REFUSED
        return intent.ended(state, detail=outcome.message[:_LONGEST])

    # -- halts of the account -------------------------------------------------------

    def heed(self, about: object) -> Flow[None]:
        """Refuse what would leave if the journal's file has a halt, by whatever process."""
        if not self.settings.is_journaled:
            return
        halt = yield from self._ask_halt()
        if halt is not None:
            raise halt.refusal(about, self.id)

    def _ask_halt(self) -> Flow[Halt | None]:
        halt = yield AskHalt(self.account)
        assert halt is None or isinstance(halt, Halt)
        self.switch.heard = halt
        return halt

    def keep_halt(self, halt: Halt | None) -> Flow[Halt | None]:
        """Keep a halt for all who share the journal, or lift it; get the one before."""
        before = yield AskHalt(self.account)
        assert before is None or isinstance(before, Halt)
        yield KeepHalt(self.account, halt)
        return before

    # -- before the first order -----------------------------------------------------

    def require_resolved(
        self, deadline: float, again: Iterable[str | None]
    ) -> Flow[None]:
        """Refuse orders until it is known what became of those of earlier processes.

        ``deadline`` is when the order that waits for it would have to leave, ``again`` are
        the ids that its caller gave: sent again under the same id, an order cannot double,
        and nothing tells sooner what became of it.  Not to be asked once ``is_cleared``.
        """
        yield from self.heed("an order")
        recalled = yield from self._recall()
        others = [x for x in recalled if not self.is_own(x.client_order_id)]
        is_safe = self.facts.idempotent_create != "none"
        same = frozenset(again) if is_safe else frozenset()
        left = [x for x in others if x.client_order_id not in same]
        if left:
            report = yield from self._resolve(left, deadline)
            _log.warning(
                "orders that an earlier run left open: %d found, %d absent, %d unknown",
                len(report.found),
                len(report.absent),
                len(report.unknown),
            )
            if report.unknown:
                raise self._unresolved(report.unknown)
        self.is_cleared = len(left) == len(others)

    def _unresolved(self, intents: Sequence[Intent]) -> UnresolvedOrders:
        named = "; ".join(f"{x}: {x.detail}" for x in intents[:_NAMED])
        more = len(intents) - _NAMED
        message = (
            f"{len(intents)} order(s) that an earlier run left open may be at the venue: "
            f"{named}{f'; and {more} more' if more > 0 else ''}. Nothing was sent. Call "
            "reconcile(), which waits for what may be on its way, and try again; cancels "
            "and reads go on"
        )
        ids = [x.client_order_id for x in intents]
        return UnresolvedOrders(message, venue=self.id, client_order_ids=ids)

    # -- reconciling ----------------------------------------------------------------

    def reconcile(self) -> Flow[ReconcileReport]:
        """What became of the orders left open; see `Exchange.reconcile`."""
        left = yield from self._recall()
        return (yield from self._resolve(left, None))

    def glance(self) -> Flow[ReconcileReport]:
        """One look for the orders left open, without waiting for those on their way."""
        left = yield from self._recall()
        return (yield from self._resolve(left, float("-inf")))

    def take_over(self) -> Flow[list[Intent]]:
        """What a new object is told by its journal: a halt, and what is unresolved."""
        yield from self._ask_halt()
        return list((yield from self._recall()))

    def unresolved_intents(self) -> Flow[list[Intent]]:
        """The intents whose end is not known; see `Exchange.unresolved_intents`."""
        return list((yield from self._recall()))

    def _recall(self) -> Flow[tuple[Intent, ...]]:
        yield from self.write_owed()
        recalled = yield Recall(self.account)
        assert isinstance(recalled, tuple)
        for x in recalled:
            self._unended[x.client_order_id] = x
            self._sight(x)
        if not self._under_way:
            return recalled
        kept = [self._told(x) for x in list(self._under_way.values())]
        ids = {x.client_order_id for x in kept}
        older = [x for x in recalled if x.client_order_id not in ids]
        return tuple(sorted([*older, *kept], key=attrgetter("written_at")))

    def _resolve(
        self, left: Sequence[Intent], deadline: float | None
    ) -> Flow[ReconcileReport]:
        begun = self.clock.monotonic()
        reports: list[ReconcileReport] = []
        waiting = list(left)
        looks = 0
        if waiting and self.offset.milliseconds is None:
            # Its answer tells the venue's clock; what else it says is asked for later.
            yield from self.until_fresh(_LONG_AGO)
        while waiting:
            # Before looking: what arrives while we look would not be seen.
            looked_at = self.clock.monotonic()
            is_proof = any(self.has_arrived(x, looked_at) for x in waiting)
            seen = yield from self._look(waiting, is_proof=is_proof)
            young: list[Intent] = []
            absent: list[Intent] = []
            unknown: list[Intent] = []
            ended: list[Intent] = []
            for x in waiting:
                order = seen.orders.get(x.client_order_id)
                why = seen.troubles.get(x.market_id)
                # By what is known now: the answers told the venue's clock.
                is_due = is_proof and self.has_arrived(x, looked_at)
                if order is not None:
                    ended.append(x.ended(IntentState.PLACED, order_id=order.order_id))
                elif why is not None and (is_due or self._seems_over(x)):
                    unknown.append(x.ended(IntentState.UNKNOWN, detail=why[:_LONGEST]))
                elif why is not None:
                    young.append(x)
                elif is_due and self._was_missed(x):
                    absent.append(x.ended(IntentState.ABSENT, detail=_ABSENT))
                else:
                    self._sight(x).missed_at = looked_at
                    young.append(x)
            yield from self.settle([*ended, *absent, *unknown])
            is_hopeless = deadline is not None and self._is_hopeless(
                young, begun, looks, deadline
            )
            if is_hopeless:
                # Of these it stays written down that they are pending.
                unknown += (
                    x.ended(IntentState.UNKNOWN, detail=self._why_not_yet(x))
                    for x in young
                )
            reports.append(
                ReconcileReport(
                    found=tuple(seen.orders.values()),
                    absent=tuple(absent),
                    unknown=tuple(unknown),
                )
            )
            yield Resolved(reports[-1])
            if is_hopeless or not young:
                break
            yield Sleep(self._pause(young, looks))
            looks += 1
            waiting = yield from self._still_open(young)
        return ReconcileReport(
            found=tuple(x for report in reports for x in report.found),
            absent=tuple(x for report in reports for x in report.absent),
            unknown=tuple(x for report in reports for x in report.unknown),
        )

    def _still_open(self, intents: Sequence[Intent]) -> Flow[list[Intent]]:
        """Those that whoever sent them has not ended meanwhile."""
        recalled = yield from self._recall()
        still = {(x.client_order_id, x.written_at) for x in recalled}
        return [x for x in intents if (x.client_order_id, x.written_at) in still]

    def _look(self, intents: Sequence[Intent], *, is_proof: bool) -> Flow[_Seen]:
        """Ask the venue; ``is_proof`` if what is not shown must be there or nowhere."""
        seen = _Seen()
        stale: UnifiedExchangesError | None = None
        if is_proof:
            stale = yield from self.until_fresh(self.venue_now())
        by_market: dict[str, list[Intent]] = {}
        for x in intents:
            by_market.setdefault(x.market_id, []).append(x)
        down: UnifiedExchangesError | None = None
        for market_id, here in by_market.items():
            trouble = down or stale
            if down is None:
                try:
                    seen.orders.update((yield from self.find_orders(market_id, here)))
                except UnifiedExchangesError as error:
                    trouble = error
                    # The next market would only wait for the same.
                    down = error if error.retryable else None
            if trouble is not None:
                seen.troubles[market_id] = trouble.message
        return seen

    # -- when it can no longer arrive -------------------------------------------------

    def has_arrived(self, intent: Intent, at: float) -> bool:
        """Whether an intent was surely on its way no more by a moment, here or in the network.

        ``at`` is of the monotonic clock.  No wall clock tells: those are set, here or where
        it was written.
        """
        return self._time_left(intent, at) <= 0

    def _time_left(self, intent: Intent, at: float) -> float:
        """Seconds for which an intent may still be on its way at a moment, at the most.

        It was written before we saw it, and has lasted since.  Or the venue's clock, which
        whoever wrote it was told too, has passed the time.
        """
        left = self._sight(intent).since + intent.lasts - at
        if intent.is_venue_time:
            passed = self.offset.earliest(at)
            left = min(left, intent.arrives_by.timestamp() - passed)
        return left

    def _seems_over(self, intent: Intent) -> bool:
        """Whether it would have arrived if clocks are right: not enough for a proof."""
        return intent.arrives_by.timestamp() <= self.clock.now()

    def _sight(self, intent: Intent) -> _Sight:
        """What is known of a writing by looking at the clock and at the venue."""
        key, at = intent.client_order_id, intent.written_at
        known = self._sights.get(key)
        if known is None or known.written_at != at:
            known = self._sights[key] = _Sight(at, self.clock.monotonic())
        return known

    def _was_missed(self, intent: Intent) -> bool:
        """Whether an earlier look did not show it either, and it should have been there."""
        missed_at = self._sight(intent).missed_at
        return missed_at is not None and self.has_arrived(intent, missed_at)

    def _why_not_yet(self, intent: Intent) -> str:
        if self.has_arrived(intent, self.clock.monotonic()):
            return "it was not there, and is to be looked for once more"
        return f"it may be on its way until {intent.arrives_by:%H:%M:%S} UTC"

    def _longest(self, young: Sequence[Intent]) -> float:
        now = self.clock.monotonic()
        return max([0.0, *(self._time_left(x, now) for x in young)])

    def _pause(self, young: Sequence[Intent], looks: int) -> float:
        """Seconds until the next look: when the first of these has arrived, or sooner."""
        now = self.clock.monotonic()
        lefts = [self._time_left(x, now) for x in young]
        soonest = min(_PAUSES[0] if x <= 0 else max(x, _PAUSES[0] / 10) for x in lefts)
        return min(_PAUSES[min(looks, len(_PAUSES) - 1)], soonest)

    def _is_hopeless(
        self, young: Sequence[Intent], begun: float, looks: int, deadline: float
    ) -> bool:
        """Whether an order would wait in vain for these."""
        briefly = 0 if deadline < begun else _BRIEFLY
        left = self._longest(young)
        return looks >= briefly and self.clock.monotonic() + left >= deadline


@attrs.define(slots=True)
class _Sight:
    """One writing of an intent: until ``since`` it surely was written.

    ``missed_at`` is when the last look began that did not show it.  Both are of our
    monotonic clock.
    """

    written_at: datetime
    since: float
    missed_at: float | None = None


@attrs.define(slots=True)
class _Seen:
    """What one look found: orders by client order id, and troubles by market."""

    orders: dict[str, Order] = attrs.field(factory=dict)
    troubles: dict[str, str] = attrs.field(factory=dict)


_NEVER_LEFT: Final = "its call was given up before it left"
_ABSENT: Final = "looked for twice after it could no longer arrive, and not there"
