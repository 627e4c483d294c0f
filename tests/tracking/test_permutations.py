"""Any order, repetition and loss of what is told ends in one state, after a later read."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import FillState, OrderStatus, TrackedOrder
from unified_exchanges.tracking.tracker import OrderTracker

from .samples import fill, news, order, tracker_of
from .venue import Tell, Truth

D = Decimal
LATER = 1_000.0
ACTS = st.one_of(
    st.tuples(st.just("fill"), st.integers(1, 6)),
    st.tuples(st.just("take_off"), st.integers(1, 4)),
    st.tuples(st.just("fail"), st.integers(0, 2)),
    st.tuples(
        st.just("end"), st.sampled_from([OrderStatus.CANCELED, OrderStatus.EXPIRED])
    ),
)


def lived(acts: list[tuple[str, Any]]) -> Truth:
    truth = Truth()
    for name, value in acts:
        getattr(truth, name)(value)
    return truth


def messages(truth: Truth, *, keyed: bool, is_ours: bool) -> list[Tell]:
    """All that may be told of a life: by the stream, by reads, by an answer or none."""
    told: list[Tell] = [_telling("accepted", "c-o1"), _telling("doubted", "c-o1")]
    for number, state in enumerate(truth.states):
        told += [_order(state), _order(state, read_at=number / 10)]
    told.append(_order(truth.states[0], read_at=0.0, is_ours=is_ours))
    for made in truth.fills:
        key = made.client_order_id if not keyed else "c-o1"
        pending = attrs.evolve(made, state=FillState.PENDING)
        told += [_fill(attrs.evolve(made, client_order_id=key)), _fill(made)]
        told += [_fill(attrs.evolve(pending, client_order_id=key)), _fill(pending)]
    return told


def _telling(method: str, *args: Any) -> Tell:
    return lambda tracker: getattr(tracker, method)(*args)


def _order(*args: Any, **more: Any) -> Tell:
    return lambda tracker: tracker.order(*args, **more)


def _fill(*args: Any) -> Tell:
    return lambda tracker: tracker.fill(*args)


def end_of(truth: Truth, told: list[Tell], *, is_ours: bool = True) -> TrackedOrder:
    """Where the order stands after all of it, and a read that came later."""
    tracker, _ = tracker_of(settles_late=True)
    if is_ours:
        tracker.intend(truth.plan)
    for tell in told:
        tell(tracker)
    read_all(tracker, truth)
    found = tracker.look(order_id="o1")
    assert found is not None
    assert len(tracker) == 1
    assert tracker.at_risk() == found.at_risk
    return found


def read_all(tracker: OrderTracker, truth: Truth) -> None:
    tracker.reconciled(
        news(read_at=LATER, began=LATER, orders=[truth.now], fills=truth.fills)
    )


@given(st.lists(ACTS, max_size=8), st.data(), st.booleans(), st.booleans())
def test_fault_22_any_order_repetition_and_loss_ends_in_the_same_state(
    acts: list[tuple[str, Any]], data: st.DataObject, keyed: bool, is_ours: bool
) -> None:
    truth = lived(acts)
    known = messages(truth, keyed=keyed, is_ours=is_ours)
    told = data.draw(st.lists(st.sampled_from(known), max_size=2 * len(known)))
    found = end_of(truth, told, is_ours=is_ours)
    plain = end_of(truth, [], is_ours=is_ours)
    assert found == plain
    assert found.order == attrs.evolve(truth.now, failed=D(truth.failed))
    assert (found.filled, found.failed) == (truth.filled - truth.failed, truth.failed)
    assert (found.remaining, found.pending) == (truth.now.remaining, 0)
    assert found.is_done is not truth.is_open


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("is_ours", [True, False])
def test_fault_22_two_messages_of_a_life_with_a_failure_end_in_the_same_state(
    is_ours: bool, keyed: bool
) -> None:
    truth = lived([("fill", 1), ("fail", 0)])
    known = messages(truth, keyed=keyed, is_ours=is_ours)
    plain = end_of(truth, [], is_ours=is_ours)
    for told in permutations(known, 2):
        assert end_of(truth, [*told], is_ours=is_ours) == plain


def test_fault_18_every_order_of_a_short_life_ends_in_the_same_state() -> None:
    truth = lived([("fill", 3), ("end", OrderStatus.CANCELED)])
    told = [*map(_order, truth.states), *map(_fill, truth.fills)]
    told.append(_telling("doubted", "c-o1"))
    ends = set()
    for some in permutations(told):
        tracker, _ = tracker_of()
        tracker.intend(truth.plan)
        for tell in some:
            tell(tracker)
        found = tracker.look(client_order_id="c-o1")
        assert found is not None
        ends.add((found.state, found.filled, found.remaining, found.at_risk))
    assert ends == {("canceled", 3, 0, 0)}


@pytest.mark.parametrize("is_ours", [True, False])
def test_fault_30_every_order_of_a_life_with_a_failure_ends_in_the_same_state(
    is_ours: bool,
) -> None:
    truth = lived([("fill", 3), ("fail", 0), ("end", OrderStatus.CANCELED)])
    (lost,) = truth.fills
    pending = attrs.evolve(lost, state=FillState.PENDING)
    told = [*map(_order, truth.states), _fill(pending), _fill(lost)]
    ends = set()
    for some in permutations(told):
        tracker, _ = tracker_of(settles_late=True)
        if is_ours:
            tracker.intend(truth.plan)
        for tell in some:
            tell(tracker)
        found = tracker.look(order_id="o1")
        assert found is not None
        ends.add((found.state, found.filled, found.failed, found.pending))
    assert ends == {("canceled", 0, 3, 0)}


@pytest.mark.parametrize("first", ["order", "failure"])
def test_fault_30_a_failure_of_what_filled_long_ago_counts_whenever_it_is_told(
    first: str,
) -> None:
    tracker, _ = tracker_of(settles_late=True)
    lost = fill("t1", size=D(4), at=-100, state=FillState.FAILED)
    told = [_order(order(filled=4, at=-100)), _fill(lost)]
    for tell in told if first == "order" else reversed(told):
        tell(tracker)
    found = tracker.look(order_id="o1")
    assert found is not None
    assert (found.state, found.filled, found.failed) == ("open", 0, 4)


def test_fault_30_a_failure_of_which_nothing_else_is_told_is_counted() -> None:
    tracker, _ = tracker_of(settles_late=True)
    tracker.fill(fill("t1", size=D(4), state=FillState.FAILED))
    found = tracker.look(order_id="o1")
    assert found is not None
    assert (found.filled, found.failed, found.failed_fills) == (0, 4, ("t1",))
    assert (found.is_external, tracker.position("A")) == (True, None)
