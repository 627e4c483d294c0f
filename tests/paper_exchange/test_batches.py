"""Orders that leave together: each has an outcome of its own, and only one."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import (
    DuplicateOrderId,
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    MarketChange,
    OrderRejected,
    OrderRequest,
    PriceGrid,
)
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest) -> Trader:
    return KalshiPaper().trader(request.param)


def request_of(trader: Trader, market: Any, **how: Any) -> OrderRequest:
    """An order that buys ten at the best offer, or differs from that."""
    terms = {"side": "buy", "price": market.ask, "size": trader.units(10), **how}
    return OrderRequest(
        market_id=market.market_id, outcome=market.outcomes[0].label, **terms
    )


def exit_of(trader: Trader, market: Any, **how: Any) -> OrderRequest:
    """An order that sells ten at any price, and only what is held."""
    terms = {"side": "sell", "price": market.grid.lowest, **how}
    return request_of(trader, market, time_in_force="ioc", reduce_only=True, **terms)


def test_exits_that_leave_together_close_a_position_once(trader: Trader) -> None:
    market = trader.quoted_market()
    assert trader.lift(market, 10).filled == 10
    first, second = trader.create_orders([exit_of(trader, market)] * 2)
    assert (first.order.filled, second.order) == (10, None)
    assert isinstance(second.error, InvalidOrder)
    assert "no position to reduce" in str(second.error)
    assert not second.error.maybe_executed
    assert trader.fetch_positions() == []


def test_exits_that_are_on_their_way_together_close_a_position_once() -> None:
    slow = KalshiPaper().trader("async", delays=Delays(order=50_000_000))
    market = slow.quoted_market()
    slow.lift(market, 10)
    sale = exit_of(slow, market)
    terms = (sale.market_id, sale.outcome, sale.side, sale.price, sale.size)

    async def leave() -> list[Any]:
        sent = [
            slow.exchange.create_order(*terms, time_in_force="ioc", reduce_only=True)
            for _ in range(3)
        ]
        return await asyncio.gather(*sent, return_exceptions=True)

    found = slow.do(leave)
    assert sorted(type(x).__name__ for x in found) == [
        "InvalidOrder",
        "InvalidOrder",
        "Order",
    ]
    assert slow.fetch_positions() == []


def test_an_exit_of_more_than_is_held_closes_what_is(trader: Trader) -> None:
    market = trader.quoted_market()
    trader.lift(market, 10)
    [result] = trader.create_orders([exit_of(trader, market, size=20)])
    order = result.order
    assert (order.status, order.filled, order.size) == ("canceled", 10, 20)
    assert trader.fetch_positions() == []


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_where_only_what_is_held_is_sold_an_exit_of_more_is_refused(
    flavour: str,
) -> None:
    trader = PolymarketPaper().trader(flavour)
    market = trader.quoted_market()
    size = trader.lift(market).filled
    more = size + trader.units(1)
    [refused] = trader.create_orders([exit_of(trader, market, size=more)])
    assert isinstance(refused.error, InsufficientFunds)
    [sold] = trader.create_orders([exit_of(trader, market, size=size)])
    assert sold.order.filled > 0


def test_one_that_the_market_takes_no_more_does_not_hold_up_the_others(
    trader: Trader,
) -> None:
    market = trader.quoted_market()
    trader.rest(market)
    # What the stream has told and the source has not been asked for since.
    trader.exchange.venue.broker.hear(
        MarketChange(
            venue=market.venue,
            market_id=market.market_id,
            change="grid",
            grid=PriceGrid.of("0.1"),
        )
    )
    prices = [Decimal("0.10"), Decimal("0.02"), Decimal("0.20")]
    first, second, third = trader.create_orders(
        [request_of(trader, market, price=x, size=3) for x in prices]
    )
    assert (first.order.is_open, third.order.is_open) == (True, True)
    assert isinstance(second.error, InvalidPrice)
    assert not second.error.maybe_executed
    assert second.error.client_order_id
    assert second.error.nearest
    assert len(trader.fetch_open_orders()) == 3


def test_one_that_is_refused_on_arrival_is_alone_in_it(trader: Trader) -> None:
    market = trader.quoted_market()
    dear = request_of(trader, market, size=100_000)
    crossing = request_of(trader, market, post_only=True)
    plain = request_of(trader, market, time_in_force="ioc")
    results = trader.create_orders([dear, crossing, plain])
    kinds = [type(x.error) for x in results]
    assert kinds == [InsufficientFunds, OrderRejected, type(None)]
    assert len(trader.fetch_orders()) == 1


def test_a_batch_of_one_with_an_id_that_was_used_is_that_order(trader: Trader) -> None:
    market = trader.quoted_market()
    mine = request_of(trader, market, client_order_id="mine", time_in_force="ioc")
    [first] = trader.create_orders([mine])
    [again] = trader.another().create_orders([mine])
    assert first.order == again.order
    other = request_of(trader, market, client_order_id="mine", size=3)
    [refused] = trader.another().create_orders([other])
    assert isinstance(refused.error, DuplicateOrderId)
    assert trader.fetch_positions()[0].size == 10


class TestIds:
    def test_a_client_order_id_hides_no_order(self, trader: Trader) -> None:
        market = trader.quoted_market()
        mine = trader.rest(market, 7, client_order_id="paper-3")
        other = trader.rest(market, 2)
        assert (mine.order_id, other.order_id) == ("paper-1", "paper-3")
        assert trader.fetch_order("paper-3").size == 2
        assert trader.fetch_order(client_order_id="paper-3").size == 7
        assert trader.edit_order("paper-3", size=1).order_id == "paper-3"
        assert trader.cancel_order("paper-3").order_id == "paper-3"
        assert [x.order_id for x in trader.fetch_open_orders()] == ["paper-1"]

    def test_a_batch_of_cancels_ends_the_orders_of_the_ids(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.rest(market, 7, client_order_id="paper-3")
        trader.rest(market, 2)
        [result] = trader.cancel_orders(["paper-3"])
        assert result.order.size == 2
        assert [x.size for x in trader.fetch_open_orders()] == [7]
