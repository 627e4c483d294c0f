"""What is told of an order that a run has yet to decide, by messages and by reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from unified_exchanges import BUY, Fill, Liquidity, Order, OrderStatus
from unified_exchanges.models.streams import AccountState
from unified_exchanges.paper import at
from unified_exchanges.recording.format import Body
from unified_exchanges.replaying.early import LATE, Early

from .test_equal import NOW, SECOND, ask, sent
from .test_equal import told as answers_of

OF: Any = {"venue": "kalshi", "order_id": "O-1", "client_order_id": "a"}
FILL = Fill(
    **OF,
    fill_id="F-1",
    market_id="RAIN",
    outcome="yes",
    side=BUY,
    price=1,
    size=10,
    fee=None,
    liquidity=Liquidity.TAKER,
    created_at=at(NOW),
)


def order(second: int, status: OrderStatus = OrderStatus.OPEN) -> Order:
    return Order(
        **OF,
        market_id="RAIN",
        outcome="yes",
        side=BUY,
        price=1,
        size=10,
        filled=0,
        remaining=10,
        status=status,
        updated_at=at(NOW + second * SECOND),
    )


@attrs.define
class Scene:
    """A run over a recording of one order, and what it is told."""

    early: Early
    place: Callable[[], None]
    due: list[tuple[int, Callable[[], None]]]
    told: list[Any] = attrs.field(factory=list)

    def hear(self, *events: Any) -> None:
        self.early.hear(self.tell, events)

    def read(self, **found: Any) -> list[Any]:
        """What a read leaves in what it found."""
        left = self.early.read(self.tell, AccountState(**found))
        return [*left.orders, *left.fills]

    def tell(self, events: Any) -> None:
        self.told += events

    def pass_time(self, most: int) -> None:
        for act in [act for span, act in self.due if span <= most]:
            act()


@pytest.fixture
def scene() -> Scene:
    body = Body(b'{"order_id": "O-1", "client_order_id": "a"}')
    line = replace(sent("a", 0), body=body)
    answers = answers_of(line)
    due: list[tuple[int, Callable[[], None]]] = []
    early = Early(answers, lambda span, act: due.append((span, act)))
    early.begin()

    def place() -> None:
        early.placed(answers.claim(ask("a"), (2 * SECOND, 2 * SECOND)))

    return Scene(early, place, due)


def test_what_a_message_told_comes_right_after_the_order_was_decided(
    scene: Scene,
) -> None:
    scene.hear(order(1), FILL)
    assert scene.told == []
    scene.place()
    scene.pass_time(0)
    assert scene.told == [order(1), FILL]


def test_what_a_read_alone_told_does_as_well(scene: Scene) -> None:
    assert scene.read(orders=(order(1),), fills=(FILL,)) == []
    scene.place()
    scene.pass_time(0)
    assert scene.told == [FILL, order(1)]


def test_what_both_told_is_told_once_and_no_state_after_a_newer_one(
    scene: Scene,
) -> None:
    scene.hear(FILL, order(2, OrderStatus.CLOSED))
    assert scene.read(orders=(order(1),), fills=(FILL,)) == []
    assert scene.read(orders=(order(3),)) == []
    scene.place()
    scene.pass_time(0)
    assert scene.told == [FILL, order(2, OrderStatus.CLOSED), order(3)]


def test_of_one_that_is_never_decided_all_is_told_in_the_end(scene: Scene) -> None:
    scene.hear(FILL)
    scene.read(orders=(order(1),))
    scene.pass_time(LATE)
    assert scene.told == [FILL, order(1)]


def test_what_is_of_others_is_left_in_what_was_read(scene: Scene) -> None:
    theirs = attrs.evolve(FILL, order_id="O-2", client_order_id=None)
    assert scene.read(fills=(theirs, FILL)) == [theirs]
    scene.early.end()
    assert scene.read(fills=(FILL,)) == [FILL]
