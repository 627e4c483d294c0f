"""The answer of another request: well formed, true, and about something else.

Connections that two processes share, proxies and caches mix answers up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import UnifiedExchangesError, VenueSchemaError
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market, OrderRequest, OrderStatus
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture
def ground() -> KalshiGround:
    ground = KalshiGround(enforce_limits=False)
    ground.clock.advance(60)
    return ground


@pytest.fixture(params=["blocking", "async"])
def trader(ground: KalshiGround, request: pytest.FixtureRequest) -> Trader:
    return ground.trader(request.param, limits=FREE)


@pytest.fixture
def markets(trader: Trader) -> tuple[Market, Market]:
    here, there = [
        x for x in trader.fetch_markets(limit=50) if x.bid and x.ask and not x.legs
    ][:2]
    return here, there


@pytest.fixture
def other(ground: KalshiGround, markets: tuple[Market, Market]) -> Any:
    """An order of another process with the same key, on another market."""
    return ground.trader("blocking", limits=FREE).rest(
        markets[1], "9", client_order_id="other"
    )


def answered(
    trader: Trader,
    method: str,
    path: str,
    changed: Callable[[Any], Any],
    times: int = 1,
) -> None:
    """Have requests carried out, and the first of them answered otherwise."""
    venue = trader.ground.venue
    serve = venue.handle
    left = [None] * times

    def handle(request: Request, **words: Any) -> Response:
        response = serve(request, **words)
        if request.method == method and request.url.endswith(path) and left:
            left.pop()
            body = json.dumps(changed(json.loads(response.body))).encode()
            return attrs.evolve(response, status=200, body=body)
        return response

    venue.handle = handle  # type: ignore[method-assign]


def swallowed(trader: Trader, method: str, told: Any) -> None:
    """Have one request not carried out, and answered all the same."""
    venue = trader.ground.venue
    serve = venue.handle
    left = [Response(200, {}, json.dumps(told).encode())]

    def handle(request: Request, **words: Any) -> Response:
        if request.method == method and left:
            return left.pop()
        return serve(request, **words)

    venue.handle = handle  # type: ignore[method-assign]


def receipt(order: Any, **fields: Any) -> Mapping[str, Any]:
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "fill_count": "0.00",
        "remaining_count": f"{order.remaining:.2f}",
        "ts_ms": 1_795_200_000_000,
        **fields,
    }


def resting(trader: Trader) -> set[str | None]:
    assert isinstance(trader.ground, KalshiGround)
    user = trader.ground.key.user_id
    orders = trader.ground.kalshi.engine.orders(user, status="resting")
    return {x.client_order_id for x in orders}


# -- writes ----------------------------------------------------------------------------


def test_fault_08_a_create_answered_with_another_order_s_receipt_is_looked_up(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    theirs = receipt(other, remaining_count="1.00")
    answered(trader, "POST", "/events/orders", lambda _: theirs)
    mine = trader.rest(markets[0], "1", client_order_id="mine")
    assert mine.order_id != other.order_id
    assert (mine.client_order_id, mine.size, mine.remaining) == ("mine", 1, 1)
    assert trader.cancel_order(mine.order_id).market_id == markets[0].market_id
    assert resting(trader) == {"other"}


IMPOSSIBLE = [
    {"remaining_count": "9.00"},
    {"fill_count": "6.00"},
    {"fill_count": "9.00", "remaining_count": "0.00"},
]


@pytest.mark.parametrize("counts", IMPOSSIBLE)
def test_fault_08_a_create_answered_with_more_than_was_asked_for_is_looked_up(
    trader: Trader, markets: tuple[Market, Market], counts: dict[str, str]
) -> None:
    answered(trader, "POST", "/events/orders", lambda told: {**told, **counts})
    mine = trader.rest(markets[0], "5", client_order_id="mine")
    assert (mine.size, mine.filled, mine.remaining) == (5, 0, 5)
    assert resting(trader) == {"mine"}


def batch(markets: tuple[Market, Market]) -> list[OrderRequest]:
    return [
        OrderRequest(
            market_id=markets[0].market_id,
            outcome="yes",
            side="buy",
            price=markets[0].grid.lowest,
            size=size,
            client_order_id=f"mine-{size}",
        )
        for size in (1, 2)
    ]


@pytest.mark.parametrize(
    "swapped",
    [
        lambda entries, other: [
            receipt(other, remaining_count="1.00"),
            entries[1],
        ],
        lambda entries, other: [
            {**entries[0], "order_id": entries[1]["order_id"]},
            entries[1],
        ],
        lambda entries, other: [{**entries[0], "fill_count": "1.00"}, entries[1]],
    ],
    ids=["of another", "twice the same", "too much"],
)
def test_fault_20_a_batch_answered_with_another_order_s_entry_is_looked_up(
    trader: Trader, markets: tuple[Market, Market], other: Any, swapped: Any
) -> None:
    answered(
        trader,
        "POST",
        "/batched",
        lambda told: {"orders": swapped(told["orders"], other)},
    )
    results = trader.create_orders(batch(markets))
    made = [result.order for result in results]
    assert [x.client_order_id for x in made] == ["mine-1", "mine-2"]
    assert [x.remaining for x in made] == [1, 2]
    assert len({x.order_id for x in made} | {other.order_id}) == 3
    assert resting(trader) == {"mine-1", "mine-2", "other"}


def test_fault_19_a_cancel_answered_for_another_order_is_read_as_it_is(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    mine = trader.rest(markets[0], client_order_id="mine")
    swapped = {"order_id": other.order_id, "reduced_by": "9.00", "ts_ms": 0}
    answered(trader, "DELETE", mine.order_id, lambda _: swapped)
    done = trader.cancel_order(mine.order_id)
    assert (done.order_id, done.status) == (mine.order_id, OrderStatus.CANCELED)


def test_fault_19_a_cancel_that_did_nothing_is_not_done_by_another_s_receipt(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    mine = trader.rest(markets[0], client_order_id="mine")
    swallowed(trader, "DELETE", {"order_id": other.order_id, "reduced_by": "9.00"})
    with pytest.raises(VenueSchemaError, match="counts as open") as told:
        trader.cancel_order(mine.order_id)
    assert told.value.maybe_executed
    assert resting(trader) == {"mine", "other"}


def test_fault_08_a_change_that_did_nothing_is_not_done_by_another_s_receipt(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    mine = trader.rest(markets[0], "5", client_order_id="mine")
    swallowed(
        trader,
        "POST",
        {"order_id": other.order_id, "remaining_count": "3.00", "ts_ms": 0},
    )
    assert trader.edit_order(mine.order_id, size=3).remaining == 3
    assert trader.fetch_order(mine.order_id).remaining == 3


@pytest.mark.parametrize(
    "swapped",
    [
        {"order_id": "other"},
        {"remaining_count": "4.00"},
        {"remaining_count": "2.00", "fill_count": "2.00"},
    ],
    ids=["of another", "too much", "too much with fills"],
)
def test_fault_08_a_change_answered_for_another_order_is_read_as_it_is(
    trader: Trader, markets: tuple[Market, Market], swapped: dict[str, str]
) -> None:
    mine = trader.rest(markets[0], "5", client_order_id="mine")
    answered(trader, "POST", "/amend", lambda told: {**told, **swapped})
    done = trader.edit_order(mine.order_id, size=3)
    assert (done.order_id, done.size, done.filled) == (mine.order_id, 3, 0)
    assert done.remaining == 3


# -- reads -----------------------------------------------------------------------------


def test_an_order_that_was_not_asked_for_is_not_told(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    mine = trader.rest(markets[0], client_order_id="mine")
    theirs = trader.fetch_order(other.order_id).raw
    answered(trader, "GET", mine.order_id, lambda _: {"order": theirs})
    with pytest.raises(VenueSchemaError, match="answer to something else") as told:
        trader.fetch_order(mine.order_id)
    assert told.value.field == "order_id"
    assert trader.fetch_order(mine.order_id).market_id == markets[0].market_id


def test_fills_are_not_looked_for_by_another_order(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    theirs = trader.fetch_order(other.order_id).raw
    mine = trader.lift(markets[0])
    answered(trader, "GET", mine.order_id, lambda _: {"order": theirs}, 9)
    with pytest.raises(VenueSchemaError, match="answer to something else"):
        trader.fetch_fills(order_id=mine.order_id)


def test_a_cancelled_order_is_not_read_from_another_s_answer(
    trader: Trader, markets: tuple[Market, Market], other: Any
) -> None:
    mine = trader.rest(markets[0], client_order_id="mine")
    theirs = trader.fetch_order(other.order_id).raw
    ended = {**theirs, "status": "canceled", "remaining_count_fp": "0.00"}
    answered(trader, "GET", mine.order_id, lambda _: {"order": ended}, 9)
    with pytest.raises(UnifiedExchangesError, match="could not be read") as told:
        trader.cancel_order(mine.order_id)
    assert told.value.maybe_executed


@pytest.mark.parametrize(
    ("what", "id_of"),
    [("market", "market_id"), ("event", "event_id"), ("series", "series_id")],
)
def test_something_of_the_catalogue_that_was_not_asked_for_is_not_told(
    trader: Trader, markets: tuple[Market, Market], what: str, id_of: str
) -> None:
    here, there = (
        trader.fetch_event(x.event_id) if what == "series" else x for x in markets
    )
    ids = getattr(here, id_of), getattr(there, id_of)
    assert ids[0] != ids[1]
    fetch = getattr(trader, "fetch_series" if what == "series" else f"fetch_{what}")
    theirs = fetch(ids[1])
    theirs = theirs[0] if what == "series" else theirs
    answered(trader, "GET", ids[0], lambda _: {what: theirs.raw})
    with pytest.raises(VenueSchemaError, match=f"about '{ids[1]}'"):
        fetch(ids[0])


def test_a_rule_of_another_market_is_not_learnt(
    trader: Trader, markets: tuple[Market, Market]
) -> None:
    here, there = markets
    trader.exchange.venue.memory.forget_rules(here.market_id)
    answered(trader, "GET", here.market_id, lambda _: {"market": there.raw})
    with pytest.raises(VenueSchemaError, match="answer to something else"):
        trader.rest(here)
    assert resting(trader) == set()


LISTINGS: Mapping[str, Callable[[Trader, Market, Any], Any]] = {
    "/portfolio/orders": lambda trader, market, _: trader.fetch_open_orders(
        market_id=market.market_id
    ),
    "/portfolio/fills": lambda trader, _, order: trader.fetch_fills(
        order_id=order.order_id
    ),
    "/portfolio/positions": lambda trader, market, _: trader.fetch_positions(
        market_id=market.market_id
    ),
    "/markets/trades": lambda trader, market, _: trader.fetch_trades(market.market_id),
    "/markets": lambda trader, market, _: trader.fetch_markets(
        market_ids=[market.market_id]
    ),
    "/markets/orderbooks": lambda trader, market, _: trader.fetch_order_books(
        [market.market_id]
    ),
}


@pytest.mark.parametrize("path", LISTINGS)
def test_a_listing_of_something_else_is_not_told(
    trader: Trader, markets: tuple[Market, Market], path: str
) -> None:
    here, there = markets
    mine, theirs = trader.lift(here), trader.lift(there)
    trader.rest(there)
    ask = LISTINGS[path]
    kept: list[Any] = []
    answered(trader, "GET", path, lambda told: kept.append(told) or told)
    ask(trader, there, theirs)
    assert any(kept[0].values())
    answered(trader, "GET", path, lambda _: kept[0])
    with pytest.raises(VenueSchemaError, match="answer to something else"):
        ask(trader, here, mine)


def test_candles_of_another_market_are_not_told(
    trader: Trader, markets: tuple[Market, Market]
) -> None:
    here, there = (x.market_id for x in markets)
    swapped = {"ticker": there, "candlesticks": []}
    answered(trader, "GET", f"{here}/candlesticks", lambda _: swapped)
    with pytest.raises(VenueSchemaError, match=f"`ticker` is '{there}'"):
        trader.fetch_ohlcv(here, "1h")
    assert trader.fetch_ohlcv(here, "1h")
