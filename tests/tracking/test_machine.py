"""A machine of orders that live at a venue, held against an oracle that keeps everything.

The oracle writes all down that was told of an order and works out from the whole list where
it stands: slow and plain, where the tracker keeps the newest only.
"""

from __future__ import annotations

import os
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from unified_exchanges.models import Fill, Order, OrderState, OrderStatus
from unified_exchanges.watching.known import LAG

from .samples import news, tracker_of
from .venue import Truth

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(3_600 if NIGHTLY else 120)

_ENDS = {
    OrderStatus.CLOSED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.EXPIRED,
}


class Told:
    """All that was told of one order, in one list each."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.states: list[Order] = []
        self.fills: dict[str | None, Fill] = {}
        self.answer = "sending"
        self.lost_at: float | None = None
        self.shown_at: list[float] = []

    def newest(self) -> Order | None:
        """Who ended is the newest, then who filled more, then who changed last."""
        return max(
            self.states,
            key=lambda x: (not x.is_open, x.filled, x.updated_at),
            default=None,
        )

    def expected(self) -> tuple[OrderState, Decimal, Decimal]:
        """State, filled and remaining."""
        newest = self.newest()
        fills = sum((x.size for x in self.fills.values()), Decimal(0))
        if newest is None:
            left = Decimal(self.truth.size) - fills
            if fills:
                state = OrderState.PARTIALLY_FILLED if left else OrderState.FILLED
                return state, fills, left
            unseen = {
                "sending": (OrderState.INTENDED, left),
                "lost": (OrderState.UNRESOLVED, left),
                "refused": (OrderState.REFUSED, Decimal(0)),
            }
            state, left = unseen[self.answer]
            return state, fills, left
        filled = max(newest.filled, fills)
        if not newest.is_open:
            return _ENDS[newest.status], filled, Decimal(0)
        left = newest.remaining - (filled - newest.filled)
        if left <= 0:
            return OrderState.FILLED, filled, Decimal(0)
        if self.is_cancel_lost():
            return OrderState.CANCEL_PENDING, filled, left
        state = OrderState.PARTIALLY_FILLED if filled else OrderState.OPEN
        return state, filled, left

    def is_cancel_lost(self) -> bool:
        lost = self.lost_at
        return lost is not None and not any(x >= lost + LAG for x in self.shown_at)


class Machine(RuleBasedStateMachine):
    """Creates, fills, cancels and reads; the stream loses, repeats and reorders."""

    orders: Bundle[Told] = Bundle("orders")

    @initialize()
    def begin(self) -> None:
        self.tracker, self.clock = tracker_of()
        self.rng = Random(7)
        self.told: list[Told] = []
        self.under_way: list[tuple[Told, Any]] = []

    # -- the client ---------------------------------------------------------------------

    @rule(target=orders, size=st.integers(1, 12), refused=st.booleans())
    def create(self, size: int, refused: bool) -> Any:
        if len(self.told) == 6:
            return multiple()
        truth = Truth(f"o{len(self.told)}", size=size, at=1 + self._ms())
        told = Told(truth)
        self.told.append(told)
        self.tracker.intend(truth.plan)
        if refused:
            truth.status = OrderStatus.REJECTED
            told.answer = "refused"
            self.tracker.refused(truth.plan.client_order_id)
        else:
            self.under_way.append((told, truth.now))
        return told

    @rule(told=orders, lost=st.booleans())
    def answer(self, told: Told, lost: bool) -> None:
        """The answer to the create comes, or nobody will know it."""
        if told.answer != "sending":
            return
        key = told.truth.plan.client_order_id
        if lost:
            told.answer = "lost"
            self.tracker.doubted(key)
            return
        told.answer = "accepted"
        first = told.truth.states[0]
        self._take(told, first, read_at=self.clock.monotonic(), is_ours=True)
        self.tracker.accepted(key)

    @rule(told=orders, worked=st.booleans(), answered=st.booleans())
    def cancel(self, told: Told, worked: bool, answered: bool) -> None:
        key = told.truth.name
        is_known = self.tracker.look(order_id=key) is not None
        self.tracker.cancelling(key)
        if worked or answered:
            self._end(told, OrderStatus.CANCELED)
        if answered and told.answer != "refused":
            self._take(told, told.truth.now)
        if is_known and not answered:
            told.lost_at = self.clock.monotonic()
        self.tracker.cancel_ended(key, is_lost=not answered)

    # -- the venue ----------------------------------------------------------------------

    @rule(told=orders, size=st.integers(1, 6))
    def trade(self, told: Told, size: int) -> None:
        before = len(told.truth.fills)
        told.truth.fill(size)
        for fill in told.truth.fills[before:]:
            self.under_way += [(told, fill), (told, told.truth.now)]

    @rule(told=orders, size=st.integers(1, 3))
    def take_off(self, told: Told, size: int) -> None:
        if told.answer != "refused":
            told.truth.take_off(size)
            self.under_way.append((told, told.truth.now))

    @rule(told=orders)
    def expire(self, told: Told) -> None:
        self._end(told, OrderStatus.EXPIRED)

    def _end(self, told: Told, status: OrderStatus) -> None:
        if told.truth.is_open:
            told.truth.end(status)
            self.under_way.append((told, told.truth.now))

    # -- what tells of it ---------------------------------------------------------------

    @rule(count=st.integers(1, 4), repeat=st.booleans())
    def deliver(self, count: int, repeat: bool) -> None:
        """The stream tells something, in any order, perhaps not for the last time."""
        for _ in range(min(count, len(self.under_way))):
            number = self.rng.randrange(len(self.under_way))
            told, item = self.under_way[number]
            if not repeat:
                del self.under_way[number]
            if isinstance(item, Order):
                self._take(told, item)
            elif self.tracker.look(order_id=item.order_id) is not None:
                told.fills[item.trade_id] = item
                self.tracker.fill(item)

    @rule()
    def lose(self) -> None:
        """A connection breaks, and what was on its way is gone."""
        self.under_way.clear()

    @rule(told=orders, lag=st.integers(0, 3))
    def read(self, told: Told, lag: int) -> None:
        """A read shows the order as it was some changes ago."""
        if told.answer != "refused":
            states = told.truth.states
            state = states[max(0, len(states) - 1 - lag)]
            self._take(told, state, read_at=self.clock.monotonic())

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def _take(self, told: Told, state: Order, **how: Any) -> None:
        told.states.append(state)
        if state.is_open and "read_at" in how:
            told.shown_at.append(how["read_at"])
        self.tracker.order(state, **how)

    def _ms(self) -> int:
        return int(self.clock.monotonic() * 1000)

    # -- what must hold -----------------------------------------------------------------

    @invariant()
    def every_order_stands_where_all_that_was_told_puts_it(self) -> None:
        for told in getattr(self, "told", ()):
            key = told.truth.plan.client_order_id
            found = self.tracker.look(client_order_id=key)
            assert found is not None
            at = found.state, found.filled, found.remaining
            assert at == told.expected()
            assert not found.is_external

    @invariant()
    def exposure_is_the_sum_of_what_may_fill(self) -> None:
        if told := getattr(self, "told", None):
            left = sum((x.expected()[2] for x in told), Decimal(0))
            assert self.tracker.at_risk() == left * Decimal("0.40")

    @invariant()
    def no_order_that_is_believed_dead_is_alive(self) -> None:
        for told in getattr(self, "told", ()):
            key = told.truth.plan.client_order_id
            found = self.tracker.look(client_order_id=key)
            assert found is not None
            assert not (found.is_done and told.truth.is_open)

    def teardown(self) -> None:
        """After a read of everything all is as it is at the venue."""
        if not getattr(self, "told", None):
            return
        self.clock.advance(60)
        now = self.clock.monotonic()
        there = [x.truth for x in self.told if x.answer != "refused"]
        fills = [fill for truth in there for fill in truth.fills]
        told = [truth.now for truth in there]
        self.tracker.reconciled(news(read_at=now, orders=told, fills=fills))
        assert len(self.tracker) == len(self.told)
        for truth in there:
            found = self.tracker.look(order_id=truth.name)
            assert found is not None
            assert found.order == truth.now
            assert (found.filled, found.is_done) == (truth.filled, not truth.is_open)
        assert not [x for x in self.tracker.views() if x.is_doubtful]


class TestMachine(Machine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(
        max_examples=3_000 if NIGHTLY else 150,
        stateful_step_count=60 if NIGHTLY else 40,
        derandomize=not NIGHTLY,
        # Explaining traces every line of a failing run, for minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
