"""Any order, repetition and loss of what is told ends in one state, after a later read."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import OrderStatus, TrackedOrder
from unified_exchanges.tracking.tracker import OrderTracker

from .samples import news, tracker_of
from .venue import Tell, Truth

LATER = 1_000.0
ACTS = st.one_of(
    st.tuples(st.just("fill"), st.integers(1, 6)),
    st.tuples(st.just("take_off"), st.integers(1, 4)),
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
    for fill in truth.fills:
        key = fill.client_order_id if not keyed else "c-o1"
        told += [_fill(attrs.evolve(fill, client_order_id=key)), _fill(fill)]
    return told


def _telling(method: str, *args: Any) -> Tell:
    return lambda tracker: getattr(tracker, method)(*args)


def _order(*args: Any, **more: Any) -> Tell:
    return lambda tracker: tracker.order(*args, **more)


def _fill(*args: Any) -> Tell:
    return lambda tracker: tracker.fill(*args)


def end_of(truth: Truth, told: list[Tell], *, is_ours: bool = True) -> TrackedOrder:
    """Where the order stands after all of it, and a read that came later."""
    tracker, _ = tracker_of()
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
    assert found.order == truth.now
    assert (found.filled, found.remaining) == (truth.filled, truth.now.remaining)
    assert found.is_done is not truth.is_open


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
