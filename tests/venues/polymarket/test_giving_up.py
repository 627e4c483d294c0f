"""A call that is given up before its order left for Polymarket ends it as never sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.venues.polymarket.scene import Scene, unheard
from unified_exchanges.errors import OrderUnknown
from unified_exchanges.models import OrderRequest
from unified_exchanges.testing.conformance.ground import Trader
from unified_exchanges.venues.polymarket import limits


class Interrupt(BaseException):
    """Ctrl-C, or the end of a task."""


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture(params=["memory", "file"])
def trader(scene: Scene, request: pytest.FixtureRequest, tmp_path: Path) -> Trader:
    path = tmp_path / "orders.db" if request.param == "file" else None
    made = scene.another(journal=path)
    made.rest(scene.market)
    return made


def interrupted(scene: Scene, trader: Trader, act: Any, *, pause: bool = True) -> None:
    """Do something that is interrupted as soon as it waits."""

    def interrupt(_: float) -> float:
        raise Interrupt

    if pause:
        bucket = trader.exchange.venue.bucket(limits.ORDERS)
        bucket.pause(scene.ground.clock.monotonic(), 5)
    trader.transport._fall_asleep = interrupt
    with pytest.raises(Interrupt):
        act()
    del trader.transport._fall_asleep


def wanted(scene: Scene, key: str) -> OrderRequest:
    return OrderRequest(
        market_id=scene.market.market_id,
        outcome="yes",
        side="buy",
        price="0.001",
        size=10,
        client_order_id=key,
    )


def state(trader: Trader, key: str) -> str:
    return str(trader.exchange.orders.find(client_order_id=key).state)


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_fault_47_an_order_given_up_while_it_waited_for_its_turn_never_left(
    scene: Scene, trader: Trader, *, batch: bool
) -> None:
    sent = len(trader.writes)

    def place() -> None:
        if batch:
            trader.create_orders([wanted(scene, "one"), wanted(scene, "two")])
        else:
            trader.rest(scene.market, 10, client_order_id="one")

    interrupted(scene, trader, place)
    assert len(trader.writes) == sent
    assert state(trader, "one") == "refused"
    assert trader.unresolved_intents() == []
    # Its id is free, for other terms too.
    assert trader.rest(scene.market, 20, client_order_id="one").size == 20


def test_fault_47_one_that_was_sent_before_it_waited_stays_in_doubt(
    scene: Scene, trader: Trader
) -> None:
    scene.then(unheard)
    act = lambda: trader.rest(scene.market, 10, client_order_id="one")  # noqa: E731
    interrupted(scene, trader, act, pause=False)
    assert state(trader, "one") == "unresolved"
    assert [x.client_order_id for x in trader.unresolved_intents()] == ["one"]


def test_fault_47_what_an_earlier_sending_left_in_doubt_stays_so(
    scene: Scene, trader: Trader
) -> None:
    scene.always(unheard)
    with pytest.raises(OrderUnknown):
        trader.rest(scene.market, 10, client_order_id="one")
    (left,) = trader.unresolved_intents()
    scene.relieve()
    act = lambda: trader.rest(scene.market, 10, client_order_id="one")  # noqa: E731
    interrupted(scene, trader, act)
    (still,) = trader.unresolved_intents()
    assert (state(trader, "one"), still.order_id) == ("unresolved", left.order_id)
    order = trader.rest(scene.market, 10, client_order_id="one")
    assert order.order_id == left.order_id
    assert trader.unresolved_intents() == []
