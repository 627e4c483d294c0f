"""One small strategy on every venue, swapped by id: it does not care, and ends alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, Decimal
from importlib import import_module
from typing import Any

import attrs
import pytest

from unified_exchanges.models import Market, OrderBook
from unified_exchanges.registry import exchanges
from unified_exchanges.testing.conformance import Ground, LiveTrader, Stage

WANTED = Decimal(20)


@attrs.frozen
class Story:
    """What the strategy saw, in words of no venue."""

    quote: list[str]
    told: list[str]
    taken: Decimal
    held: list[Decimal]
    reduced: list[Decimal]
    paid: Decimal
    at_the_end: list[Decimal]
    open_orders: int


def whole(market: Market, price: Decimal, size: Decimal) -> Decimal:
    """At least so many, as the market sells them at once at a price."""
    lot = market.immediate_lot(price)
    return (size / lot).to_integral_value(ROUND_CEILING) * lot


def play(
    live: LiveTrader, market: Market, end: Callable[[], None]
) -> tuple[Story, Decimal]:
    """Quote, place, watch, fill, reduce, settle; and what the cash does not explain."""
    name, outcome = market.market_id, market.outcomes[0].label
    before = live.fetch_balance().available
    orders, fills = live.watch("orders"), live.watch("fills")
    seen: OrderBook = live.watch("order_book", name).next()
    assert seen.bid is not None
    assert seen.ask is not None
    size = whole(market, seen.ask.price, WANTED)

    quote = live.create_order(
        name, outcome, "buy", seen.bid.price, size, post_only=True
    )
    orders.until(lambda x: x.order_id == quote.order_id)
    taken = live.create_order(
        name, outcome, "buy", seen.ask.price, size, time_in_force="ioc"
    )
    told = fills.until(lambda x: x.order_id == taken.order_id)
    ended = live.cancel_order(quote.order_id)
    held = live.fetch_positions(market_id=name)
    sold = live.create_order(
        name,
        outcome,
        "sell",
        seen.bid.price,
        size / 2,
        time_in_force="ioc",
        reduce_only=True,
    )
    told += fills.until(lambda x: x.order_id == sold.order_id)
    reduced = live.fetch_positions(market_id=name)

    end()
    (payment,) = live.fetch_settlements(market_id=name)
    flows = [fill.proceeds - fill.fee for fill in live.fetch_fills(market_id=name)]
    left = before + sum(flows) + payment.payout
    story = Story(
        quote=[str(quote.status), str(ended.status)],
        told=[str(fill.side) for fill in told],
        taken=taken.filled,
        held=[x.size for x in held],
        reduced=[x.size for x in reduced],
        paid=payment.payout,
        at_the_end=[x.size for x in live.fetch_positions(market_id=name)],
        open_orders=len(live.fetch_open_orders()),
    )
    return story, live.fetch_balance().available - left


@pytest.fixture(params=exchanges)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Each simulated venue on a real socket."""
    found = vars(import_module(f"tests.venues.{request.param}.ground"))
    (kind,) = (
        x
        for x in found.values()
        if isinstance(x, type) and issubclass(x, Ground) and x is not Ground
    )
    with Stage(kind()) as opened:
        yield opened


def won(stage: Stage, market: Market) -> None:
    """The first outcome comes true, and whoever holds it is paid."""
    venue: Any = stage.ground.venue.server
    if hasattr(venue, "redeem"):
        # Whose shares are redeemed by an operator, after a while.
        venue.settings.redeem = 0.0
        venue.engine.determine(market.market_id, Decimal(1))
        venue.advance()
    else:
        venue.engine.determine(market.market_id, Decimal(1))
        venue.engine.settle(market.market_id)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_strategy_ends_alike_on_every_venue(stage: Stage, flavour: str) -> None:
    live = stage.trader(flavour)
    market = live.quoted_market()
    story, unexplained = play(live, market, lambda: won(stage, market))
    assert story == Story(
        quote=["open", "canceled"],
        told=["buy", "sell"],
        taken=WANTED,
        held=[WANTED],
        reduced=[WANTED / 2],
        paid=WANTED / 2,
        at_the_end=[],
        open_orders=0,
    )
    assert unexplained == 0
