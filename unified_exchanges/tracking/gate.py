"""The gate: what is about to leave passes here, is held against the guards, and taken down.

Checking and taking down are one step under the tracker's lock, so that threads, tasks and
batches together stay within the caps.  What has to be read for it is read before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import attrs

from ..errors import GuardTripped, RateLimitExceeded, UnifiedExchangesError
from ..flow import DayStart, Flow, Leaving, collect
from ..guards.collar import check_collar
from ..guards.losses import DayLoss
from ..guards.worst import Claim
from ..models import Intended, Order, OrderBook, Side
from ..money import EXACT, ZERO, complement, text
from ..venue.journaling import Journaling
from .ahead import Ahead
from .changes import Change
from .entry import Entry
from .equity import Equity
from .guarded import Guarded
from .reading import catch_up
from .refusals import above, bookless
from .tracker import OrderTracker

__all__ = ["Gate"]

_EQUITY_AGE: Final = 60.0
"""Seconds that equity may be old where the policy does not say."""
_SURE: Final = 5.0
"""Seconds for which a position that was read is what can be closed, others trading too."""
_AGAIN: Final = 1.0
"""Seconds for which the position that was read before a refusal is not read again."""


class Gate:
    """Lets orders and edits of one client leave, or refuses them with `GuardTripped`.

    A backtest has one as well, over the account of its engine.
    """

    def __init__(self, tracker: OrderTracker, venue: Guarded) -> None:
        self._tracker = tracker
        self._venue = venue
        self._clock = venue.clock
        self._guards = venue.guards
        policy = venue.guards.policy
        self._policy = policy
        most = policy.max_daily_loss
        self._loss = None if most is None else DayLoss(most)
        self._equity = Equity(venue, tracker.first_outcome, most)
        self._age = policy.account_age
        if self._age is None and self._loss is not None:
            self._age = _EQUITY_AGE
        self._read_at: float | None = None
        self._looked: dict[str | None, float] = {}
        self.watched: Callable[[str], OrderBook | None] = _nothing
        """The book of a market in its first outcome, if it is watched and not stale."""

    def admit(self, step: Leaving) -> Flow[None]:
        """Take down what is about to leave, all of it or nothing.

        What only asks is held against the same, and not taken down.  Raises `GuardTripped`
        or `RateLimitExceeded`: then nothing of it may be sent.
        """
        policy = self._policy
        opens = [x for x in step.orders if not x.reduce_only]
        if self._age is not None and (opens or step.changes):
            yield from self._look(self._age)
        if policy.price_collar is not None:
            for plan in step.orders:
                # Also a sale that the venue lets close only: it may give away what is held.
                if not plan.is_asked_to_reduce:
                    yield from self._collar(plan, plan)
            for _, after in step.changes:
                if not after.reduce_only:
                    yield from self._collar(after, _told(after))
        try:
            self._take(step)
        except (GuardTripped, RateLimitExceeded) as refusal:
            # It may only close what is held, and is not known to be.
            if not (yield from self._look_closer(step, refusal)):
                raise
            self._take(step)

    # -- exposure -------------------------------------------------------------------

    def _take(self, step: Leaving) -> None:
        tracker = self._tracker
        if step.only_asks:
            ahead = Ahead()
            with tracker.lock:
                for plan in step.orders:
                    self._check_order(plan, ahead)
            return
        taken: list[str] = []
        with tracker.lock:
            try:
                for plan in step.orders:
                    self._check_order(plan)
                    taken.append(plan.client_order_id)
                    tracker.intend(plan)
                for before, after in step.changes:
                    self._check_change(before, after)
                    tracker.changing(after)
            except (GuardTripped, RateLimitExceeded):
                for key in taken:
                    tracker.refused(key)
                raise

    def _check_order(self, plan: Intended, ahead: Ahead | None = None) -> None:
        """Refuse an order; ``ahead`` are those before it where all are only asked about."""
        if plan.reduce_only:
            return
        tracker = self._tracker
        side, price = tracker.told_first(plan.outcome, plan.side, plan.price)
        claim = Claim(side, price, plan.size)
        key = tracker.first_outcome or plan.outcome, plan.purse
        entry = tracker.find(client_order_id=plan.client_order_id)
        before = () if ahead is None else ahead.of(plan.market_id, key)
        opens = self._opens(plan.market_id, key, claim, entry, before)
        self._guards.check_cost(opens.cost, plan)
        if ahead is not None or not self._fits(plan.market_id, [claim]):
            self._judge(plan.market_id, entry, key, [claim], plan, ahead)
        now = self._clock.monotonic()
        if ahead is None:
            if opens.size:
                self._guards.admit(1, now, plan)
            return
        ahead.add(plan.market_id, key, claim)
        if opens.size:
            ahead.opening += 1
            self._guards.admit(ahead.opening, now, plan, only_asks=True)

    def _check_change(self, before: Order, after: Order) -> None:
        tracker = self._tracker
        entry = tracker.find(order_id=after.order_id)
        # It was told before any guard was asked.
        assert entry is not None
        if entry.only_reduces or after.reduce_only:
            return
        told = after.in_terms_of(entry.outcome)
        key, about = (entry.outcome, entry.purse), _told(after)
        rests = Claim(told.side, told.price, told.remaining)
        opens = self._opens(after.market_id, key, rests, entry)
        self._guards.check_cost(opens.cost, about)
        claims = entry.claims(Change(told.price, told.size))
        if not self._fits(after.market_id, claims):
            self._judge(after.market_id, entry, key, claims, about)
        if opens.size and not _only_takes_off(before, after):
            self._guards.admit(1, self._clock.monotonic(), about)

    def _opens(
        self,
        market_id: str,
        key: tuple[str, str],
        claim: Claim,
        own: Entry | None,
        ahead: Sequence[Claim] = (),
    ) -> Claim:
        """What of an order may open a position: all that does not surely close one."""
        age = self._policy.account_age
        since = self._clock.monotonic() - (_SURE if age is None else max(age, _SURE))
        closed = self._tracker.exposures.closes(
            market_id, key, claim, since=since, own=own, ahead=ahead
        )
        if not closed:
            return claim
        return attrs.evolve(claim, size=EXACT.subtract(claim.size, closed))

    def _fits(self, market_id: str, claims: Sequence[Claim]) -> bool:
        policy = self._policy
        if self._loss is not None and self._loss.is_reached:
            return False
        return self._tracker.exposures.fits(
            market_id, claims, policy.max_market_exposure, policy.max_exposure
        )

    def _judge(
        self,
        market_id: str,
        entry: Entry | None,
        key: tuple[str, str],
        claims: Sequence[Claim],
        about: object,
        ahead: Ahead | None = None,
    ) -> None:
        """Refuse what would put more at risk than the caps allow; ``entry`` is itself."""
        exposures = self._tracker.exposures
        first = () if ahead is None else ahead.on(market_id)
        before = exposures.of(market_id, plus=first).total
        after = exposures.of(
            market_id, without=entry, plus=[*first, (key, claims)]
        ).total
        more = EXACT.subtract(after, before)
        if more <= ZERO:
            return
        if self._loss is not None:
            self._loss.check(about)
        most = self._policy.max_market_exposure
        if most is not None and after > most:
            where = f"in {market_id}"
            raise above("max_market_exposure", most, after, before, where, about)
        most = self._policy.max_exposure
        if most is None:
            return
        everywhere = exposures.of(None).total
        if ahead is not None:
            everywhere = EXACT.add(everywhere, ahead.at_risk(exposures))
        whole = EXACT.add(everywhere, more)
        if whole > most:
            where = "in all markets"
            raise above("max_exposure", most, whole, everywhere, where, about)

    # -- reads ----------------------------------------------------------------------

    def _look(self, age: float) -> Flow[None]:
        """Read the account, unless that was done lately."""
        now = self._clock.monotonic()
        is_recent = self._read_at is not None and now - self._read_at < age
        if is_recent and (self._loss is None or self._loss.is_of(self._day())):
            return
        self._equity.refuse_again()
        try:
            yield from self._read_account(now)
        except GuardTripped:
            raise
        except UnifiedExchangesError as error:
            message = (
                "the account could not be read, and what is known of it is older than "
                f"{age:g} s: {error.message}. Nothing was sent; cancels and "
                "reduce_only=True orders go on. Try again"
            )
            raise GuardTripped(message, guard="account_age", limit=age) from error

    def _day(self) -> date:
        """The day by the venue's clock: to set ours must not begin a new one."""
        return DayLoss.day_of(self._clock.now() + self._venue.offset.seconds)

    def _read_account(self, began: float) -> Flow[None]:
        venue, tracker = self._venue, self._tracker
        moment = yield from self._catch_up()
        orders = yield from collect(venue.fetch_open_orders())
        ours = {x.order_id for x in orders if self._is_rehearsed(x)}
        for order in orders:
            tracker.order(order, read_at=began)
        at = self._equity.now()
        held = yield from venue.fetch_positions(mark=self._equity.wants_marks)
        tracker.held(held, began=began, since=None if self._lags else moment)
        if self._loss is not None:
            counted = [x for x in orders if x.order_id not in ours]
            equity = yield from self._equity.read_equity(counted, held, at)
            day = self._day()
            first = yield DayStart(venue.purse, day, equity)
            assert isinstance(first, Decimal)
            self._loss.look(day, first, equity)
        self._read_at = began

    def _is_rehearsed(self, order: Order) -> bool:
        """Whether an order exists in our dry run only, so that no cash is held for it."""
        if not self._venue.settings.dry_run:
            return False
        entry = self._tracker.find(order_id=order.order_id)
        return entry is not None and entry.is_ours

    def _read_positions(self, market_id: str | None) -> Flow[None]:
        venue, tracker = self._venue, self._tracker
        began = self._clock.monotonic()
        since = None
        if not self._lags:
            since = yield from self._catch_up()
        held = yield from venue.fetch_positions(market_id=market_id, mark=False)
        tracker.held(held, began=began, since=since, market_id=market_id)

    def _read_settling(self, names: Collection[str] | None) -> Flow[None]:
        """Read what became of sales that may have failed to settle; nothing if none may.

        ``names`` None: those of all markets, in one read.
        """
        unsettled = self._tracker.unsettled(names)
        if not unsettled:
            return
        wanted: list[tuple[str | None, datetime]] = [*unsettled.items()]
        if names is None and len(wanted) > 1:
            wanted = [(None, min(unsettled.values()))]
        for market_id, since in wanted:
            for fill in (yield from self._venue.settling(market_id, since)):
                self._tracker.fill(fill)

    @property
    def _lags(self) -> bool:
        """Whether positions may lack what filled, however long the rest is waited for."""
        return isinstance(self._venue, Journaling) and self._venue.positions_lag

    def _catch_up(self) -> Flow[int]:
        """Wait until reads show all that is known at a moment, which is returned."""
        moment = self._tracker.moment()
        if isinstance(self._venue, Journaling):
            stale = yield from catch_up(self._venue, self._tracker)
            if stale is not None:
                raise stale
        return moment

    def _look_closer(
        self, step: Leaving, refusal: GuardTripped | RateLimitExceeded
    ) -> Flow[bool]:
        """Read what is held of the markets; whether anything may have changed by that."""
        now = self._clock.monotonic()
        names = {x.market_id for x in step.orders}
        names |= {after.market_id for _, after in step.changes}
        wanted: list[str | None] = [*sorted(names)]
        guard = refusal.guard if isinstance(refusal, GuardTripped) else None
        if guard == "max_exposure" and self._tracker.vague_markets - names:
            # What fills of late counts twice until a read surely has it.
            wanted = [None]
        due = [x for x in wanted if now - self._looked.get(x, -_AGAIN) >= _AGAIN]
        try:
            if due:
                # First: what surely settled is proof of what a position has in it.
                yield from self._read_settling(None if None in due else names)
            for market_id in due:
                yield from self._read_positions(market_id)
                self._looked[market_id] = now
        except UnifiedExchangesError as error:
            refusal.add(
                "; whether it only closes what is held could not be read "
                f"({error.message}): mark it reduce_only=True if it does"
            )
            return False
        return bool(due)

    # -- the collar -----------------------------------------------------------------

    def _collar(self, order: Intended | Order, about: object) -> Flow[None]:
        collar = self._policy.price_collar
        assert collar is not None
        book = self.watched(order.market_id)
        if book is None and self._policy.without_book == "pass":
            return
        if book is None and self._policy.without_book == "fetch":
            try:
                book = yield from self._venue.fetch_order_book(
                    order.market_id, outcome=order.outcome, depth=1
                )
            except UnifiedExchangesError as error:
                raise bookless(f"it could not be read: {error.message}", about) from (
                    error
                )
        if book is None:
            raise bookless("none is watched that is live", about)
        side, price = order.side, order.price
        if book.outcome != order.outcome:
            side, price = Side(side).opposite, complement(price)
        check_collar(collar, book, side, price, about)


def _only_takes_off(before: Order, after: Order) -> bool:
    """Whether an edit makes an order smaller, and changes nothing of its price."""
    return before.price == after.price and after.remaining < before.remaining


def _nothing(_: str) -> OrderBook | None:
    return None


def _told(order: Order) -> str:
    return (
        f"change of order {order.order_id} to {order.side} {text(order.size)} "
        f"{order.outcome} of {order.market_id} at {text(order.price)}"
    )
