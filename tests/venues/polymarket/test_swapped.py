"""The answer of another request: well formed, true, and about something else.

Connections that two processes share, proxies and caches mix answers up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest

from tests.venues.polymarket.scene import Scene, lost
from unified_exchanges.errors import ExchangeError, OrderUnknown, VenueSchemaError
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market

Swap = Callable[[Request], Request]


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def other(scene: Scene) -> Market:
    return next(
        x
        for x in scene.trader.fetch_markets()
        if x.bid and x.ask and x.market_id != scene.market.market_id
    )


def swapped(scene: Scene, path: str, this: str, that: str) -> None:
    """Answer what is asked about one thing with what there is of another."""
    serve = scene.ground.venue.handle

    def put(text: str) -> str:
        return text.replace(this, that)

    def handle(request: Request) -> Response:
        if path not in request.url:
            return serve(request)
        asked = attrs.evolve(
            request,
            url=put(request.url),
            query=tuple((name, put(value)) for name, value in request.query),
            body=None if request.body is None else put(request.body.decode()).encode(),
        )
        return serve(asked)

    scene.ground.venue.handle = handle  # type: ignore[method-assign]


def answered(scene: Scene, path: str, change: Callable[[Any], Any]) -> None:
    """Have what is asked below a path answered otherwise."""
    serve = scene.ground.venue.handle

    def handle(request: Request) -> Response:
        answer = serve(request)
        if path not in request.url:
            return answer
        told = change(msgspec.json.decode(answer.body))
        return attrs.evolve(answer, body=msgspec.json.encode(told))

    scene.ground.venue.handle = handle  # type: ignore[method-assign]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(VenueSchemaError, match="nothing of it was believed") as caught:
        act()
    assert caught.value.field is not None
    return caught.value.field


def test_an_order_of_another_id_is_not_believed(scene: Scene) -> None:
    first, second = (scene.trader.rest(scene.market) for _ in range(2))
    body = scene.trader.fetch_order(second.order_id).raw
    answered(scene, f"/data/order/{first.order_id}", lambda _: body)
    assert refused(lambda: scene.trader.fetch_order(first.order_id)) == "id"
    with pytest.raises(ExchangeError, match="answer to something else"):
        scene.trader.cancel_order(first.order_id)


def test_fault_03_a_lost_order_is_not_taken_for_another(scene: Scene) -> None:
    body = scene.trader.fetch_order(scene.trader.rest(scene.market).order_id).raw
    answered(scene, "/data/order/", lambda _: body)
    scene.always(lost)
    with pytest.raises(OrderUnknown, match="answer to something else"):
        scene.trader.rest(scene.market, client_order_id="mine")


def test_the_book_of_another_market_is_not_believed(
    scene: Scene, other: Market
) -> None:
    trader, here = scene.trader, scene.market
    trader.fetch_order_book(here.market_id)
    this, that = (x.outcomes[0].outcome_id for x in (here, other))
    swapped(scene, "/clob/book", this, that)
    assert refused(lambda: trader.fetch_order_book(here.market_id)) == "asset_id"
    assert refused(lambda: trader.fetch_order_books([here.market_id])) == "asset_id"


def test_a_market_that_was_not_asked_for_proves_no_absence(
    scene: Scene, other: Market
) -> None:
    trader = scene.trader
    swapped(scene, "/markets", scene.market.market_id, other.market_id)
    assert refused(lambda: trader.fetch_market(scene.market.market_id)) == "conditionId"


def test_no_order_is_signed_for_the_tokens_of_another_market(
    scene: Scene, other: Market
) -> None:
    sent = len(scene.trader.writes)
    swapped(scene, "/clob-markets/", scene.market.market_id, other.market_id)
    assert refused(lambda: scene.trader.rest(scene.market)) == "t"
    assert len(scene.trader.writes) == sent


@pytest.mark.parametrize("method", ["fetch_open_orders", "fetch_fills"])
def test_what_is_told_of_another_market_is_not_nothing(
    scene: Scene, other: Market, method: str
) -> None:
    trader = scene.trader
    trader.rest(other)
    trader.lift(other)
    swapped(scene, "/clob/data/", scene.market.market_id, other.market_id)
    market = scene.market.market_id
    assert refused(lambda: getattr(trader, method)(market_id=market)) == "market"
