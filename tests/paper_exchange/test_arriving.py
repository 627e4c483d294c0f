"""What is on its way meets the market of its arrival, also where no stream tells of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.paper_exchange.others import GROUNDS, other
from unified_exchanges import InvalidOrder, OrderRequest
from unified_exchanges.money import complement
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader

SECOND = 1_000_000_000
SLOW = Delays(order=3 * SECOND)


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest, ground: Any) -> Trader:
    made: Trader = ground.trader(request.param, delays=SLOW)
    return made


def best_is_taken(trader: Trader, market: Any, after: float) -> Decimal:
    """Let others take the best offer after some seconds; gives its price."""
    others, best = other(trader.ground), trader.book(market).ask
    assert best is not None
    label = market.outcomes[0].label
    terms = (market.market_id, label, "buy", best.price, best.size)
    trader.ground.clock.plan(after, lambda: others.create_order(*terms))
    return best.price


def lift(trader: Trader, market: Any, price: Decimal, **how: Any) -> Any:
    label = market.outcomes[0].label
    how = {"time_in_force": "ioc", **how}
    return trader.create_order(
        market.market_id, label, "buy", price, trader.units(4), **how
    )


def test_what_was_taken_while_it_was_on_its_way_is_gone(trader: Trader) -> None:
    market = trader.quoted_market()
    price = best_is_taken(trader, market, after=1)
    order = lift(trader, market, price)
    assert order.filled == 0
    assert trader.fetch_fills() == []


def test_what_is_taken_after_its_arrival_was_there(trader: Trader) -> None:
    market = trader.quoted_market()
    price = best_is_taken(trader, market, after=4)
    assert lift(trader, market, price).filled == trader.units(4)


def test_a_batch_meets_the_market_of_its_arrival(trader: Trader) -> None:
    market = trader.quoted_market()
    price = best_is_taken(trader, market, after=1)
    asked = OrderRequest(
        market_id=market.market_id,
        outcome=market.outcomes[0].label,
        side="buy",
        price=price,
        size=trader.units(4),
        time_in_force="ioc",
    )
    results = trader.create_orders([asked, asked])
    assert [x.order and x.order.filled for x in results] == [0, 0]


def test_a_change_meets_the_market_of_its_arrival(trader: Trader) -> None:
    market = trader.quoted_market()
    label = market.outcomes[0].label
    resting = trader.rest(market, outcome=label)
    price = best_is_taken(trader, market, after=1)
    changed = trader.edit_order(resting.order_id, outcome=label, price=price)
    assert (changed.filled, changed.price) == (0, price)


def bid_that_is_hit(trader: Trader, market: Any, after: float) -> Any:
    """An order at the best bid, to which others sell all of it after some seconds."""
    first, second = (x.label for x in market.outcomes)
    best = trader.book(market).bid
    assert best is not None
    resting = trader.create_order(
        market.market_id, first, "buy", best.price, trader.units(4), post_only=True
    )
    others, size = other(trader.ground), trader.above(best.size) + trader.units(8)
    terms = (market.market_id, second, "buy", complement(best.price), size)
    trader.ground.clock.plan(after, lambda: others.create_order(*terms))
    return resting


def test_a_change_that_finds_its_order_filled_is_refused(trader: Trader) -> None:
    market = trader.quoted_market()
    resting = bid_that_is_hit(trader, market, after=1)
    with pytest.raises(InvalidOrder) as caught:
        trader.edit_order(resting.order_id, size=trader.units(9))
    filled = f"{trader.units(4)} of {trader.units(4)}"
    assert str(caught.value).endswith(
        f"order {resting.order_id} could not be changed; the venue shows it closed with "
        f"{filled} filled"
    )
    assert not caught.value.maybe_executed
    found = trader.exchange.orders.find(order_id=resting.order_id)
    assert (found.state, found.at_risk) == ("filled", 0)


def test_a_change_of_an_order_that_is_known_to_be_over_is_refused_alike(
    trader: Trader,
) -> None:
    market = trader.quoted_market()
    resting = trader.rest(market)
    trader.cancel_order(resting.order_id)
    with pytest.raises(InvalidOrder, match="shows it canceled with 0 of") as caught:
        trader.edit_order(resting.order_id, size=trader.units(9))
    assert not caught.value.maybe_executed


def test_a_cancel_finds_what_has_filled_until_it_arrives(trader: Trader) -> None:
    market = trader.quoted_market()
    resting = bid_that_is_hit(trader, market, after=1)
    assert trader.cancel_order(resting.order_id).filled == trader.units(4)


def test_where_it_cannot_be_read_on_arrival_nothing_is_offered(trader: Trader) -> None:
    market = trader.quoted_market()
    best = trader.book(market).ask
    assert best is not None
    trader.ground.clock.plan(1, lambda: trader.suffer("refused", 99, reads=True))
    order = lift(trader, market, best.price)
    trader.relieve()
    assert order.filled == 0
    assert lift(trader, market, best.price).filled == trader.units(4)


def test_who_waits_no_more_leaves_it_to_arrive(ground: Any) -> None:
    slow = ground.trader("async", delays=SLOW)
    market = slow.quoted_market()
    price = slow.book(market).ask.price

    async def leave() -> None:
        task = asyncio.ensure_future(_lift_async(slow, market, price))
        for _ in range(200):
            await asyncio.sleep(0)
            if slow.exchange.venue.house.engine.commands:
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    slow.do(leave)
    ground.clock.advance(10)
    found = slow.fetch_order(client_order_id="mine")
    assert (found.status, found.filled) == ("canceled", 0)


async def _lift_async(slow: Trader, market: Any, price: Decimal) -> Any:
    return await slow.exchange.create_order(
        market.market_id,
        market.outcomes[0].label,
        "buy",
        price,
        slow.units(4),
        time_in_force="ioc",
        client_order_id="mine",
    )
