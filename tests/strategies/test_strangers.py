"""News of orders that nobody knows are kept until no answer on its way can name them."""

from __future__ import annotations

from collections import deque

import attrs
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import Fill, Order, OrderStatus
from unified_exchanges.strategies import Place

from .test_session import Scene, fill, order
from .test_session import scene as scene  # noqa: PLC0414 - a fixture

CLOSED = OrderStatus.CLOSED


def news(scene: Scene) -> list[tuple[str, str]]:
    """Kinds and ids of what was told."""
    return [
        (type(x).__name__, x.order_id)
        for x in scene.heard.told
        if isinstance(x, Order | Fill)
    ]


def test_those_of_others_are_forgotten_while_something_is_always_on_its_way(
    scene: Scene,
) -> None:
    sent = deque([scene.place()])
    for n in range(20):
        scene.session.take(order(None, f"theirs-{n}"))
        sent.append(scene.place())
        placed = sent.popleft()
        scene.session.answered(placed, order(placed.key, f"ours-{n}"))
        assert scene.session.in_flight == 1
        # Of the one on its way it may be only what came since that was sent.
        assert not scene.session.has_strangers


def test_what_came_since_another_was_sent_waits_for_the_answer_to_that(
    scene: Scene,
) -> None:
    first, second = scene.place(), scene.place()
    scene.session.take(fill("B"))
    scene.session.answered(first, order(first.key, "A"))
    assert scene.session.has_strangers
    assert news(scene) == [("Order", "A")]
    closed = order(second.key, "B", status=CLOSED, filled=10)
    scene.session.answered(second, closed)
    assert news(scene)[1:] == [("Fill", "B"), ("Order", "B")]
    assert not scene.session.has_strangers


def test_one_under_a_key_that_a_change_gave_it_is_told_once_that_is_answered(
    scene: Scene,
) -> None:
    placed = scene.place()
    scene.session.answered(placed, order(placed.key, "A"))
    scene.desk.amend(placed.key, price="0.4")
    amend = scene.sent()
    scene.session.take(attrs.evolve(fill("B"), client_order_id="of-the-change"))
    assert news(scene) == [("Order", "A")]
    scene.session.answered(amend, order(None, "B", status=CLOSED, filled=10))
    assert news(scene)[1:] == [("Fill", "B"), ("Order", "B")]


@given(data=st.data())
def test_all_of_ours_is_told_and_nothing_of_others_whatever_is_answered_first(
    data: st.DataObject,
) -> None:
    made = scene.__wrapped__  # type: ignore[attr-defined]
    there: Scene = made()
    due: list[tuple[str, Place]] = []
    told = 0
    for n in range(data.draw(st.integers(1, 12))):
        due.append((f"ours-{n}", there.place(size=1)))
        for name, _ in data.draw(st.lists(st.sampled_from(due), unique=True)):
            made_ = fill(name, 1, fill_id=f"{name}-{told}")
            there.session.take(made_)
            told += 1
        there.session.take(fill(f"theirs-{n}"))
        for one in data.draw(st.lists(st.sampled_from(due), unique=True)):
            due.remove(one)
            there.session.answered(one[1], order(one[1].key, one[0]))
    while due:
        name, placed = due.pop()
        there.session.answered(placed, order(placed.key, name))
    assert not there.session.has_strangers
    fills = [x for x in there.heard.told if isinstance(x, Fill)]
    assert len(fills) == told
    assert all(x.order_id.startswith("ours") for x in fills)
