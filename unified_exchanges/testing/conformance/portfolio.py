"""Cash, fills and positions: what happened is what is shown, to the last digit."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ArgumentsRequired, MarketNotFound, ReadOnly
from ...models import BUY, Liquidity, Market, OrderStatus
from ...money import EXACT, ZERO, div, total
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["Portfolio"]


def bought(trader: Trader, market: Market, size: Any = None, **kwargs: Any) -> Any:
    """An order that filled, and its fills."""
    size = trader.units(2) if size is None else size
    order = trader.lift(market, size, **kwargs)
    fills = trader.fetch_fills(
        market_id=market.market_id, order_id=order.order_id, outcome=order.outcome
    )
    return order, fills


class Portfolio(Conformance):
    """What we hold and what it cost."""

    def test_the_fills_of_an_order_add_up_to_it(self, trader: Trader) -> None:
        order, fills = bought(trader, trader.quoted_market(), trader.units(2))
        assert total(f.size for f in fills) == order.filled == trader.units(2)
        assert {f.liquidity for f in fills} == {Liquidity.TAKER}
        assert {(f.outcome, f.side) for f in fills} == {(order.outcome, BUY)}
        cash = total(f.proceeds for f in fills)
        assert div(EXACT.minus(cash), order.filled) == order.average_price

    def test_cash_falls_by_cost_and_fees_exactly(self, trader: Trader) -> None:
        before = trader.fetch_balance().available
        _, fills = bought(trader, trader.quoted_market(), trader.units(3))
        spent = EXACT.subtract(
            total(f.fee for f in fills), total(f.proceeds for f in fills)
        )
        assert trader.fetch_balance().available == EXACT.subtract(before, spent)

    def test_p19_a_fee_estimated_is_the_fee_charged(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order, fills = bought(trader, market, trader.units(2))
        assert len(fills) == 1
        estimate = trader.estimate_fee(
            market.market_id, order.outcome, "buy", fills[0].price, fills[0].size
        )
        assert estimate == fills[0].fee

    def test_a_position_is_what_was_bought(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order, fills = bought(trader, market, trader.units(3))
        held = [p for p in trader.fetch_positions() if p.market_id == market.market_id]
        assert [(p.outcome, p.size) for p in held] == [(order.outcome, trader.units(3))]
        cost = EXACT.minus(total(f.proceeds for f in fills))
        assert held[0].cost == cost
        assert held[0].entry_price == div(cost, trader.units(3))
        assert held[0].fees_paid == total(f.fee for f in fills)

    def test_p02_a_position_in_the_second_outcome_is_filled_in(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        second = market.outcomes[1].label
        best = trader.fetch_order_book(market.market_id, outcome=second).ask
        assert best is not None
        bought(trader, market, trader.units(2), outcome=second, price=best.price)
        held = trader.fetch_positions(market_id=market.market_id)
        two = trader.units(2)
        assert [(p.outcome, p.size, p.cost) for p in held] == [
            (second, two, EXACT.multiply(best.price, two))
        ]
        assert held[0].entry_price == best.price
        assert held[0].unrealized_pnl is not None

    def test_a_marked_position_is_worth_its_bid(self, trader: Trader) -> None:
        market = trader.quoted_market()
        bought(trader, market, trader.units(2))
        held = trader.fetch_positions(market_id=market.market_id)[0]
        assert held.mark_price == trader.fetch_ticker(market.market_id).bid
        assert "unrealized_pnl" in held.computed

    def test_closing_a_position_leaves_nothing(self, trader: Trader) -> None:
        market = trader.quoted_market()
        bought(trader, market, trader.units(2))
        order = trader.close_position(market.market_id, max_slippage="0.10")
        assert order.status is OrderStatus.CLOSED
        assert trader.fetch_positions(market_id=market.market_id) == []

    def test_closing_nothing_is_nothing(self, trader: Trader) -> None:
        market = trader.quoted_market()
        assert trader.close_position(market.market_id, max_slippage="0.1") is None
        assert trader.writes == []

    def test_closing_a_market_that_is_not_there_is_an_error(
        self, trader: Trader
    ) -> None:
        with pytest.raises(MarketNotFound):
            trader.close_position("NO-SUCH-MARKET", max_slippage="0.1")

    def test_closing_needs_a_bound_even_when_nothing_is_held(
        self, trader: Trader
    ) -> None:
        with pytest.raises(ArgumentsRequired):
            trader.close_position(trader.quoted_market().market_id)

    def test_orders_and_fills_are_newest_first(self, trader: Trader) -> None:
        market = trader.quoted_market()
        for _ in range(3):
            trader.lift(market, trader.units(1))
            trader.ground.clock.advance(1)
        fills = [f.created_at for f in trader.fetch_fills()]
        orders = [o.created_at for o in trader.fetch_orders()]
        assert fills == sorted(fills, reverse=True)
        assert orders == sorted(orders, reverse=True)

    def test_a_limit_on_orders_and_fills_keeps_the_newest(self, trader: Trader) -> None:
        market = trader.quoted_market()
        for _ in range(3):
            trader.lift(market, trader.units(1))
            trader.ground.clock.advance(1)
        assert trader.fetch_fills(limit=2) == trader.fetch_fills()[:2]
        assert trader.fetch_orders(limit=2) == trader.fetch_orders()[:2]

    def test_closed_orders_are_those_that_no_longer_rest(self, trader: Trader) -> None:
        market = trader.quoted_market()
        filled = trader.lift(market, trader.units(1))
        trader.rest(market)
        closed = trader.fetch_closed_orders(market_id=market.market_id)
        assert [o.order_id for o in closed] == [filled.order_id]

    @needs("one book")
    def test_orders_can_be_said_in_terms_of_one_outcome(self, trader: Trader) -> None:
        market = trader.quoted_market()
        first, second = (o.label for o in market.outcomes)
        trader.rest(market)
        seen = trader.fetch_orders(market_id=market.market_id, outcome=second)
        assert {o.outcome for o in seen} <= {second}
        again = trader.fetch_orders(market_id=market.market_id, outcome=first)
        assert {o.outcome for o in again} == {first}

    def test_limits_are_told(self, trader: Trader) -> None:
        limits = trader.fetch_limits()
        assert limits.buckets
        assert all(b.capacity > ZERO and b.refill_rate > ZERO for b in limits.buckets)

    def test_health_counts_what_was_asked(self, trader: Trader) -> None:
        trader.fetch_status()
        health = trader.check_health()
        assert health.is_healthy
        assert trader.is_healthy
        assert health.requests == len(trader.transport.requests)
        assert health.last_contact_at is not None

    def test_fault_51_where_money_is_real_a_write_needs_live(
        self, trader: Trader
    ) -> None:
        flavour = "async" if trader.is_async else "blocking"
        careful = trader.ground.trader(flavour, environment="production")
        market_id = trader.ground.missing_market
        order_id = trader.ground.missing_order
        for name, arguments in (
            ("create_order", (market_id, "yes", "buy", "0.5", 1)),
            ("cancel_order", (order_id,)),
            ("cancel_all_orders", ()),
            ("edit_order", (order_id,)),
            ("close_position", (market_id,)),
        ):
            if not careful.has[name]:
                continue
            extra = {"edit_order": {"size": "3"}, "close_position": {"price": "0.5"}}
            with pytest.raises(ReadOnly, match="live=True"):
                getattr(careful, name)(*arguments, **extra.get(name, {}))
        assert careful.transport.requests == []
