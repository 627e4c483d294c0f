"""What has no unified name: through ``request()`` and ``params``, as a user would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    BadRequest,
    ExchangeError,
    InsufficientFunds,
    OrderNotFound,
    UnifiedExchangesError,
)
from unified_exchanges.models import OrderRequest, OrderStatus
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

GROUPS = "/portfolio/order_groups"
SUBACCOUNTS = "/portfolio/subaccounts"
FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest) -> Trader:
    return KalshiGround(enforce_limits=False).trader(request.param, limits=FREE)


def again(trader: Trader, **settings: Any) -> Trader:
    """Another object of the same account."""
    flavour = "async" if trader.is_async else "blocking"
    return trader.ground.trader(flavour, limits=FREE, **settings)


def on_shard(trader: Trader, shard: int) -> Any:
    return next(m for m in trader.fetch_markets() if m.shard == shard and m.bid)


# -- order groups ----------------------------------------------------------------------


def group_of(trader: Trader, limit: int = 100) -> str:
    made = trader.request("POST", f"{GROUPS}/create", body={"contracts_limit": limit})
    found: str = made["order_group_id"]
    return found


def test_an_order_joins_a_group_by_params(trader: Trader) -> None:
    group = group_of(trader)
    order = trader.rest(trader.quoted_market(), params={"order_group_id": group})
    shown = trader.request("GET", f"{GROUPS}/{group}")
    assert shown["orders"] == [order.order_id]


def test_a_group_that_is_triggered_cancels_its_orders_and_takes_no_more(
    trader: Trader,
) -> None:
    group, market = group_of(trader), trader.quoted_market()
    params = {"order_group_id": group}
    order = trader.rest(market, params=params)
    trader.request("PUT", f"{GROUPS}/{group}/trigger", body={})
    assert trader.fetch_order(order.order_id).status is OrderStatus.CANCELED
    with pytest.raises(ExchangeError):
        trader.rest(market, params=params)
    trader.request("PUT", f"{GROUPS}/{group}/reset", body={})
    assert trader.rest(market, params=params).status is OrderStatus.OPEN


def test_a_group_s_limit_is_changed_and_the_group_deleted(trader: Trader) -> None:
    group = group_of(trader)
    trader.request("PUT", f"{GROUPS}/{group}/limit", body={"contracts_limit": 7})
    shown = trader.request("GET", f"{GROUPS}/{group}")
    assert Decimal(shown["contracts_limit_fp"]) == 7
    trader.request("DELETE", f"{GROUPS}/{group}")
    assert trader.request("GET", GROUPS)["order_groups"] == []


def test_orders_of_a_batch_join_a_group(trader: Trader) -> None:
    group, market = group_of(trader), trader.quoted_market()
    terms = {"market_id": market.market_id, "outcome": "yes", "side": "buy"}
    results = trader.create_orders(
        [
            OrderRequest(
                **terms,
                price=market.grid.lowest,
                size=size,
                params={"order_group_id": group},
            )
            for size in (1, 2)
        ]
    )
    shown = trader.request("GET", f"{GROUPS}/{group}")
    assert sorted(shown["orders"]) == sorted(r.order.order_id for r in results)


# -- queue positions, decrease ---------------------------------------------------------


def test_queue_positions_of_one_order_and_of_a_market(trader: Trader) -> None:
    market = trader.quoted_market()
    order = trader.rest(market, price=market.bid)
    ahead = trader.book(market).bid.size - order.size
    one = trader.request("GET", f"/portfolio/orders/{order.order_id}/queue_position")
    many = trader.request(
        "GET",
        "/portfolio/orders/queue_positions",
        query={"market_tickers": market.market_id},
    )
    assert Decimal(one["queue_position_fp"]) == ahead
    assert [x["order_id"] for x in many["queue_positions"]] == [order.order_id]


def test_an_order_is_decreased_in_place(trader: Trader) -> None:
    order = trader.rest(trader.quoted_market(), "5")
    told = trader.request(
        "POST",
        f"/portfolio/events/orders/{order.order_id}/decrease",
        body={"reduce_by": "2.00", "exchange_index": order.shard},
    )
    assert Decimal(told["remaining_count"]) == 3
    assert trader.fetch_order(order.order_id).remaining == 3


def test_an_order_on_a_far_shard_is_decreased_by_its_index(trader: Trader) -> None:
    market = on_shard(trader, 2)
    order = trader.rest(market, "5")
    path = f"/portfolio/events/orders/{order.order_id}/decrease"
    with pytest.raises(OrderNotFound):
        trader.request("POST", path, body={"reduce_to": "1.00"})
    trader.request("POST", path, body={"reduce_to": "1.00", "exchange_index": 2})
    assert trader.fetch_order(order.order_id).remaining == 1


# -- subaccounts -----------------------------------------------------------------------


def subaccount_with(trader: Trader, cents: int) -> int:
    number: int = trader.request("POST", SUBACCOUNTS, body={})["subaccount_number"]
    body = {
        "client_transfer_id": str(UUID(int=number)),
        "from_subaccount": 0,
        "to_subaccount": number,
        "amount_cents": cents,
    }
    trader.request("POST", f"{SUBACCOUNTS}/transfer", body=body)
    return number


def test_an_object_trades_in_its_subaccount(trader: Trader) -> None:
    number = subaccount_with(trader, 5_000)
    market = on_shard(trader, 0)
    mine = again(trader, options={"subaccount": number})
    assert mine.fetch_balance().available == 50
    order = mine.rest(market, "2")
    taken = mine.lift(market, "1")
    assert [p.size for p in mine.fetch_positions()] == [taken.filled]
    assert trader.fetch_positions() == []
    assert mine.edit_order(order.order_id, size="1").size == 1
    assert mine.cancel_order(order.order_id).status is OrderStatus.CANCELED


def test_an_order_goes_to_a_subaccount_by_params_and_is_cancelled_there(
    trader: Trader,
) -> None:
    number = subaccount_with(trader, 5_000)
    order = trader.rest(on_shard(trader, 0), params={"subaccount": number})
    assert trader.cancel_order(order.order_id).status is OrderStatus.CANCELED


def test_a_batch_of_cancels_finds_each_order_s_subaccount(trader: Trader) -> None:
    number = subaccount_with(trader, 5_000)
    market = on_shard(trader, 0)
    ids = [trader.rest(market, params={"subaccount": number}).order_id]
    ids.append(trader.rest(market).order_id)
    results = trader.cancel_orders(ids)
    assert [r.order.status for r in results] == [OrderStatus.CANCELED] * 2


def test_the_cash_of_subaccounts_is_listed(trader: Trader) -> None:
    number = subaccount_with(trader, 1_234)
    rows = trader.request("GET", f"{SUBACCOUNTS}/balances")["subaccount_balances"]
    found = {
        (row["subaccount_number"], row["exchange_index"]): Decimal(row["balance"])
        for row in rows
    }
    assert found[number, 0] == Decimal("12.34")


def test_a_transfer_is_made_once(trader: Trader) -> None:
    subaccount_with(trader, 1_000)
    body = {
        "client_transfer_id": str(UUID(int=1)),
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 1_000,
    }
    with pytest.raises(ExchangeError) as caught:
        trader.request("POST", f"{SUBACCOUNTS}/transfer", body=body)
    assert caught.value.status == 409


# -- shards ----------------------------------------------------------------------------


def test_an_order_on_a_far_shard_is_cancelled_by_a_fresh_object(trader: Trader) -> None:
    order = trader.rest(on_shard(trader, 2))
    assert order.shard == 2
    ended = again(trader).cancel_order(order.order_id)
    assert ended.status is OrderStatus.CANCELED


def test_a_market_names_the_shard_as_well(trader: Trader) -> None:
    order = trader.rest(on_shard(trader, 3))
    fresh = again(trader)
    ended = fresh.cancel_order(order.order_id, market_id=order.market_id)
    assert ended.status is OrderStatus.CANCELED
    assert fresh.transport.requests[0].method == "DELETE"


def test_cash_is_moved_to_the_shard_that_needs_it(trader: Trader) -> None:
    body = {
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": 0,
        "destination_exchange_shard": 2,
        "amount": 25_000_000,
    }
    made = trader.request(
        "POST", "/portfolio/intra_exchange_instance_transfer", body=body
    )
    assert made["transfer_id"]
    cash = {s.shard: s.available for s in trader.fetch_balance().shards}
    assert cash == {0: 7_500, 1: 10_000, 2: 12_500, 3: 10_000}


def test_an_order_dearer_than_its_shard_is_refused_although_others_are_rich(
    trader: Trader,
) -> None:
    market = on_shard(trader, 2)
    with pytest.raises(InsufficientFunds, match="shard"):
        trader.rest(market, "200000", price=market.bid)


# -- what surrounds the markets --------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/milestones", "milestones"),
        ("/incentive_programs", "incentive_programs"),
        ("/structured_targets", "structured_targets"),
        ("/multivariate_event_collections", "multivariate_contracts"),
        ("/series", "series"),
    ],
)
def test_listings_without_a_unified_name_are_read(
    trader: Trader, path: str, name: str
) -> None:
    query = {"limit": 5} if path != "/series" else None
    assert trader.request("GET", path, query=query)[name]


def test_pages_are_followed_by_their_cursor(trader: Trader) -> None:
    found, query = [], {"limit": 2}
    while True:
        page = trader.request("GET", "/milestones", query=query)
        found += [milestone["id"] for milestone in page["milestones"]]
        if not page["cursor"]:
            break
        query = {"limit": 2, "cursor": page["cursor"]}
    everything = trader.request("GET", "/milestones", query={"limit": 100})
    assert found == [milestone["id"] for milestone in everything["milestones"]]
    assert len(found) > 2


def test_a_combination_is_made_and_traded_through_its_legs(trader: Trader) -> None:
    listed = trader.request(
        "GET", "/multivariate_event_collections", query={"limit": 5}
    )
    collection = listed["multivariate_contracts"][0]
    events = [x["ticker"] for x in collection["associated_events"]][:2]
    legs = []
    for event in events:
        market = trader.fetch_event(event).markets[0]
        legs.append(
            {
                "market_ticker": market.market_id,
                "event_ticker": event,
                "side": "yes",
            }
        )
    made = trader.request(
        "POST",
        f"/multivariate_event_collections/{collection['collection_ticker']}",
        body={"selected_markets": legs},
    )
    combo = trader.fetch_market(made["market_ticker"])
    assert combo.is_combination
    assert [leg.market_id for leg in combo.legs] == [x["market_ticker"] for x in legs]
    order = trader.rest(combo, "3")
    assert order.shard == combo.shard
    assert trader.cancel_order(order.order_id).status is OrderStatus.CANCELED


def test_money_in_a_raw_answer_is_never_a_float(trader: Trader) -> None:
    def leaves(content: Any) -> list[Any]:
        if isinstance(content, dict):
            return [x for value in content.values() for x in leaves(value)]
        if isinstance(content, list):
            return [x for value in content for x in leaves(value)]
        return [content]

    answer = trader.request("GET", "/markets", query={"limit": 10})
    assert not [leaf for leaf in leaves(answer) if isinstance(leaf, float)]


def test_an_answer_without_a_body_is_none(trader: Trader) -> None:
    trader.rest(trader.quoted_market())
    assert trader.request("DELETE", "/portfolio/events/orders", body={}) is None
    assert trader.fetch_open_orders() == []


def test_a_raw_refusal_is_a_typed_error(trader: Trader) -> None:
    body = {"ticker": "NO-SUCH", "side": "bid"}
    with pytest.raises(UnifiedExchangesError) as caught:
        trader.request("POST", "/portfolio/events/orders", body=body)
    assert caught.value.request == "POST /portfolio/events/orders"
    with pytest.raises(BadRequest, match="/portfolio/events/orders"):
        trader.request("POST", "/portfolio/orders", body=body)


def test_cancel_on_pause_and_self_trade_words_go_by_params(trader: Trader) -> None:
    order = trader.rest(
        trader.quoted_market(),
        params={"cancel_order_on_pause": True, "self_trade_prevention_type": "maker"},
    )
    shown = trader.request("GET", f"/portfolio/orders/{order.order_id}")["order"]
    assert shown["self_trade_prevention_type"] == "maker"
