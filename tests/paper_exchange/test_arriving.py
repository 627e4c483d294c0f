"""What is on its way meets the market of its arrival, also where no stream tells of it."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.paper_exchange.others import GROUNDS, other
from unified_exchanges import (
    BUY,
    InvalidOrder,
    OrderRequest,
    OrderUnknown,
    TimeInForce,
)
from unified_exchanges.money import complement
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venue.draft import Draft, Rules
from unified_exchanges.venue.ticket import Ticket

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


@pytest.fixture(params=["on the way", "long ago"])
def set_back(request: pytest.FixtureRequest, trader: Trader) -> Any:
    """Set the clock back: an hour since the account was used last, or 5 s on the way."""
    is_old, clock = request.param == "long ago", trader.ground.clock

    def act() -> None:
        if is_old:
            broker = trader.exchange.venue.broker
            broker.advance(until=broker.moment() + 3_600 * SECOND)
        else:
            clock.plan(1, lambda: clock.step(-5))

    return act


def test_an_order_arrives_also_by_a_clock_that_is_set_back(
    trader: Trader, set_back: Any
) -> None:
    market = trader.quoted_market()
    best = trader.book(market).ask
    assert best is not None
    set_back()
    assert lift(trader, market, best.price).filled == trader.units(4)


def test_a_batch_arrives_also_by_a_clock_that_is_set_back(
    trader: Trader, set_back: Any
) -> None:
    market = trader.quoted_market()
    asked = OrderRequest(
        market_id=market.market_id,
        outcome=market.outcomes[0].label,
        side="buy",
        price=market.grid.lowest,
        size=trader.units(200),
    )
    set_back()
    results = trader.create_orders([asked, asked])
    assert [x.order and x.order.is_open for x in results] == [True, True]


def test_a_cancel_arrives_also_by_a_clock_that_is_set_back(
    trader: Trader, set_back: Any
) -> None:
    resting = trader.rest(trader.quoted_market())
    set_back()
    assert trader.cancel_order(resting.order_id).status == "canceled"


def test_a_change_arrives_also_by_a_clock_that_is_set_back(
    trader: Trader, set_back: Any
) -> None:
    resting = trader.rest(trader.quoted_market())
    set_back()
    size = resting.size + trader.units(1)
    assert trader.edit_order(resting.order_id, size=size).size == size


def draft(market: Any, outcome: str, price: Decimal, size: Decimal) -> Draft:
    """What a venue sends of an order with the id ``mine``."""
    rules = Rules(
        market_id=market.market_id,
        event_id=market.event_id,
        grid=market.grid,
        lot=market.lot,
        minimum_size=market.minimum_size,
        outcomes=market.outcomes,
        status=market.status,
        is_combination=False,
        seen_at=0,
    )
    asked = OrderRequest(
        market_id=market.market_id, outcome=outcome, side="buy", price=price, size=size
    )
    ticket = Ticket(
        request=asked,
        market_id=market.market_id,
        side=BUY,
        time_in_force=TimeInForce.GTC,
        client_order_id="mine",
        expires=None,
        params={},
    )
    return Draft(ticket=ticket, rules=rules, outcome=outcome, price=price, size=size)


def test_an_order_that_is_still_on_its_way_is_not_known_to_be_there(
    trader: Trader,
) -> None:
    market = trader.quoted_market()
    order = trader.rest(market)
    venue = trader.exchange.venue
    label = market.outcomes[0].label
    lowest, size = market.grid.lowest, trader.units(200)
    name = venue.broker.place(market.market_id, label, "buy", lowest, size)
    ready = draft(market, label, lowest, size)
    with pytest.raises(OrderUnknown, match=f"order {name} is still on its way") as one:
        venue.accepted(ready, json.dumps([name]).encode())
    assert (one.value.maybe_executed, one.value.client_order_id) == (True, "mine")
    there, unknown = venue.batch_answers(
        [ready, ready], json.dumps([order.order_id, name]).encode()
    )
    assert there.order_id == order.order_id
    assert isinstance(unknown, OrderUnknown)


def test_who_waits_no_more_leaves_it_to_arrive(ground: Any) -> None:
    slow = ground.trader("async", delays=SLOW)
    market = slow.quoted_market()
    price = slow.book(market).ask.price

    async def leave() -> None:
        task = asyncio.ensure_future(_lift_async(slow, market, price))
        for _ in range(200):
            await asyncio.sleep(0)
            if slow.exchange.venue.broker.engine.commands:
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
