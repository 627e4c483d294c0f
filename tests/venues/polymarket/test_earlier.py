"""Client order ids of orders that may be at Polymarket: nothing else leaves with them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.venues.polymarket.scene import Scene, lost, unheard
from unified_exchanges.errors import DuplicateOrderId, OrderUnknown
from unified_exchanges.models import OrderRequest
from unified_exchanges.money import text
from unified_exchanges.testing.conformance.ground import Trader

OTHER_TERMS = [
    ({"price": "0.002"}, "price 0.001, not 0.002"),
    ({"size": 20}, "size 10, not 20"),
    ({"outcome": "no"}, "outcome yes, not no"),
    ({"time_in_force": "ioc", "price": "0.3"}, "time_in_force gtc, not ioc"),
    ({"post_only": True}, "params no params, not post_only=True"),
]


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture(params=["memory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "orders.db" if request.param == "file" else None


def place(scene: Scene, trader: Trader, key: str = "same", **more: Any) -> Any:
    return trader.rest(scene.market, more.pop("size", 10), client_order_id=key, **more)


def left_open(scene: Scene, path: Path | None, *, arrives: bool) -> Trader:
    """A process of whose order nobody knows whether it is there."""
    first = scene.another(journal=path)
    first.preview_order(scene.market.market_id, "yes", "buy", "0.001", 10)
    scene.always(lost if arrives else unheard)
    first.suffer("503", 1000, reads=True, writes=False)
    with pytest.raises(OrderUnknown):
        first.create_order(
            scene.market.market_id, "yes", "buy", "0.001", 10, client_order_id="same"
        )
    scene.relieve()
    first.relieve()
    return first


def end(*traders: Trader) -> None:
    for x in traders:
        x.do(x.exchange.aclose if x.is_async else x.exchange.close)


@pytest.mark.parametrize(("other", "difference"), OTHER_TERMS)
def test_fault_07_12_other_terms_under_an_id_left_open_do_not_leave(
    scene: Scene, path: Path | None, other: dict[str, Any], difference: str
) -> None:
    first = left_open(scene, path, arrives=False)
    askers = [first]
    if path is not None:
        askers.append(scene.another(journal=path, rng=Random(9)))
    for asker in askers:
        sent = len(asker.writes)
        with pytest.raises(DuplicateOrderId) as caught:
            place(scene, asker, **other)
        assert caught.value.maybe_executed
        for words in (difference, "Nothing was sent", "or call reconcile()"):
            assert words in caught.value.message
        assert "salt" not in caught.value.message
        assert len(asker.writes) == sent
        # What is at risk is what may be at the venue, by whoever counts it.
        (kept,) = asker.exchange.orders.unresolved
        assert (kept.side, text(kept.price), kept.size) == ("buy", "0.001", 10)
        (intent,) = asker.unresolved_intents()
        assert (text(intent.price), intent.size) == ("0.001", 10)
    for asker in askers:
        assert place(scene, asker).order_id == intent.order_id
    end(*askers)


def test_fault_07_12_other_terms_under_an_id_that_is_proven_free_are_placed(
    scene: Scene, path: Path | None
) -> None:
    first = left_open(scene, path, arrives=False)
    asker = first if path is None else scene.another(journal=path)
    assert len(asker.reconcile().absent) == 1
    assert place(scene, asker, size=20).size == 20
    end(first, asker)


@pytest.mark.parametrize("other", [{"size": 20}, {"post_only": True}])
def test_fault_07_12_other_terms_are_told_of_the_order_that_has_arrived(
    scene: Scene, path: Path | None, other: dict[str, Any]
) -> None:
    first = left_open(scene, path, arrives=True)
    asker = first if path is None else scene.another(journal=path)
    sent = len(asker.writes)
    with pytest.raises(DuplicateOrderId, match="belongs to another order"):
        place(scene, asker, **other)
    assert len(asker.writes) == sent
    assert asker.unresolved_intents() == []
    (kept,) = asker.exchange.orders
    assert (kept.state, kept.size) == ("open", 10)
    end(first, asker)


def test_fault_07_12_20_other_terms_in_a_batch_keep_no_other_order_back(
    scene: Scene, path: Path | None
) -> None:
    first = left_open(scene, path, arrives=False)
    asker = first if path is None else scene.another(journal=path)

    def wanted(key: str, size: int) -> OrderRequest:
        return OrderRequest(
            market_id=scene.market.market_id,
            outcome="yes",
            side="buy",
            price="0.001",
            size=size,
            client_order_id=key,
        )

    other, new = asker.create_orders([wanted("same", 20), wanted("new", 10)])
    assert isinstance(other.error, DuplicateOrderId)
    assert new.order is not None
    assert [x.order_id for x in asker.fetch_open_orders()] == [new.order.order_id]
    assert [x.client_order_id for x in asker.unresolved_intents()] == ["same"]
    end(first, asker)
