"""The price collar stops what would give away what is held, though every sale only closes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.errors import GuardTripped
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import OrderRequest
from unified_exchanges.testing.conformance.ground import Trader

COLLAR = Decimal("0.05")


@pytest.fixture
def scene(flavour: str) -> Scene:
    scene = Scene(flavour)
    scene.trader.lift(scene.market, 10)
    return scene


@pytest.fixture
def careful(scene: Scene) -> Trader:
    """A client of the same account that reads the book before it sends."""
    policy = GuardPolicy(price_collar=COLLAR, without_book="fetch")
    return scene.another(guards=policy)


def given_away(scene: Scene, **more: Any) -> dict[str, Any]:
    """A sale at the lowest price there is."""
    return {
        "market_id": scene.market.market_id,
        "outcome": "yes",
        "side": "sell",
        "price": scene.market.grid.lowest,
        "size": 10,
        "time_in_force": "ioc",
        **more,
    }


def refused(act: Callable[[], object]) -> None:
    with pytest.raises(GuardTripped, match="worse than the best bid") as caught:
        act()
    assert (caught.value.guard, caught.value.limit) == ("price_collar", COLLAR)


@pytest.mark.parametrize("time_in_force", ["gtc", "ioc", "fok"])
def test_a_sale_far_below_the_book_is_refused(
    scene: Scene, careful: Trader, time_in_force: str
) -> None:
    sale = given_away(scene, time_in_force=time_in_force)
    refused(lambda: careful.create_order(**sale))
    assert careful.writes == []


def test_a_sale_near_the_book_goes(scene: Scene, careful: Trader) -> None:
    best = careful.book(scene.market).bid
    assert best is not None
    near = given_away(scene, price=best.price - scene.market.grid.lowest)
    assert careful.create_order(**near).filled == 10


def test_a_sale_in_a_batch_is_refused_alone(scene: Scene, careful: Trader) -> None:
    far = OrderRequest(**given_away(scene))
    (result,) = careful.create_orders([far])
    assert isinstance(result.error, GuardTripped)
    assert result.error.guard == "price_collar"
    assert careful.writes == []


def test_a_sale_of_which_no_book_is_known_is_refused(scene: Scene) -> None:
    strict = scene.another(
        guards=GuardPolicy(price_collar=COLLAR, without_book="refuse")
    )
    with pytest.raises(GuardTripped, match="none is watched that is live"):
        strict.create_order(**given_away(scene))


def test_the_same_sale_marked_reduce_only_goes(scene: Scene, careful: Trader) -> None:
    sold = careful.create_order(**given_away(scene, reduce_only=True))
    assert sold.filled == 10


def test_a_position_is_closed_at_any_price(scene: Scene, careful: Trader) -> None:
    lowest = scene.market.grid.lowest
    sold = careful.close_position(scene.market.market_id, price=lowest)
    assert sold.filled == 10
