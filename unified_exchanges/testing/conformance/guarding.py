"""Guards: what they refuse never leaves, and what only closes is not theirs to stop."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from ...errors import GuardTripped, OrderUnknown, RateLimitExceeded, ReadOnly
from ...guards import GuardPolicy
from ...models import Market, OrderRequest
from ...money import EXACT
from .ground import Conformance, Trader

__all__ = ["Guards"]


class Guards(Conformance):
    """What a `GuardPolicy` lets through, and what not."""

    def _guarded(self, trader: Trader, **policy: Any) -> Trader:
        return trader.another(guards=GuardPolicy(**policy))

    def _warm(self, guarded: Trader, market: Market) -> None:
        """Let an object know a market before nothing can be read."""
        # What its guards think of the order is asked once the market is known.
        with suppress(GuardTripped):
            guarded.preview_order(**self._dearly(market, guarded.units(5)))

    def _dearly(self, market: Market, size: Any, **more: Any) -> dict[str, Any]:
        """Terms of a purchase that rests: at the lowest price."""
        return {
            "market_id": market.market_id,
            "outcome": market.outcomes[0].label,
            "side": "buy",
            "price": market.grid.lowest,
            "size": size,
            **more,
        }

    def _refused(self, act: Any, trader: Trader, guard: str) -> GuardTripped:
        before = len(trader.writes)
        with pytest.raises(GuardTripped) as caught:
            act()
        assert (caught.value.guard, caught.value.maybe_executed) == (guard, False)
        assert len(trader.writes) == before
        return caught.value

    @pytest.mark.parametrize("guard", ["max_market_exposure", "max_exposure"])
    def test_fault_14_orders_together_stay_within_the_exposure(
        self, trader: Trader, guard: str
    ) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        guarded = self._guarded(trader, **{guard: most})
        placed = guarded.rest(market, guarded.units(6))
        told = self._refused(
            lambda: guarded.rest(market, guarded.units(5)), guarded, guard
        )
        assert told.limit == most
        guarded.rest(market, guarded.units(4))
        guarded.cancel_order(placed.order_id)
        guarded.rest(market, guarded.units(6))
        assert guarded.exchange.exposure().total == most

    def test_fault_14_each_order_of_a_batch_is_held_against_the_exposure(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        guarded = self._guarded(trader, max_exposure=most)
        sizes = map(trader.units, (6, 8, 4))
        wanted = [OrderRequest(**self._dearly(market, size)) for size in sizes]
        first, second, third = guarded.create_orders(wanted)
        assert isinstance(second.error, GuardTripped)
        assert (first.error, third.error) == (None, None)
        assert len(trader.fetch_open_orders()) == 2

    def test_fault_14_no_edit_costs_more_than_the_cap(self, trader: Trader) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(2))
        guarded = self._guarded(trader, max_order_cost=most)
        placed = guarded.rest(market, guarded.units(2))
        self._refused(
            lambda: guarded.edit_order(placed.order_id, size=guarded.units(3)),
            guarded,
            "max_order_cost",
        )

    def test_fault_14_no_order_costs_more_than_the_cap(self, trader: Trader) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(2))
        guarded = self._guarded(trader, max_order_cost=most)
        self._refused(
            lambda: guarded.rest(market, guarded.units(3)), guarded, "max_order_cost"
        )
        guarded.rest(market, guarded.units(2))
        sizes = map(trader.units, (3, 1))
        wanted = [OrderRequest(**self._dearly(market, size)) for size in sizes]
        dear, cheap = guarded.create_orders(wanted)
        assert isinstance(dear.error, GuardTripped)
        assert cheap.error is None

    def test_an_edit_is_held_against_the_exposure(self, trader: Trader) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        guarded = self._guarded(trader, max_market_exposure=most)
        placed = guarded.rest(market, guarded.units(9))
        # Changed by an object that has not placed it, too.
        for editor in (guarded, self._guarded(trader, max_market_exposure=most)):
            self._refused(
                lambda e=editor: e.edit_order(placed.order_id, size=trader.units(11)),
                editor,
                "max_market_exposure",
            )
        for size in (trader.units(10), trader.units(3)):
            assert guarded.edit_order(placed.order_id, size=size).size == size
        assert guarded.exchange.exposure(market.market_id).orders < most

    def test_what_only_closes_is_never_stopped_by_a_cap(self, trader: Trader) -> None:
        market = trader.quoted_market()
        guarded = self._guarded(trader, max_exposure=trader.units(2))
        bought = guarded.lift(market, guarded.units(1))
        trader.lift(market, trader.units(9))
        # The others' position is not known to this object, and is read before it refuses.
        label = market.outcomes[0].label
        sale = market.market_id, label, "sell", market.grid.lowest, trader.units(10)
        sold = guarded.create_order(*sale, time_in_force="ioc")
        assert (bought.filled, sold.filled) == (
            trader.units(1),
            trader.units(10),
        )
        # Where positions are told late, what filled since counts until they surely show it,
        # and where a sale may fail to settle, until its fills are told as final.
        trader.ground.clock.advance(60)
        guarded.fetch_fills(market_id=market.market_id)
        guarded.fetch_positions()
        assert guarded.exchange.exposure().total == 0

    def test_what_may_only_reduce_passes_while_nothing_can_be_read(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        guarded = self._guarded(trader, max_exposure=Decimal("0.01"), account_age=0)
        trader.lift(market, trader.units(3))
        label = market.outcomes[0].label
        sale = market.market_id, label, "sell", market.grid.lowest, trader.units(3)
        self._warm(guarded, market)
        guarded.suffer("503", 100, reads=True, writes=False)
        told = self._refused(
            lambda: guarded.rest(market, guarded.units(1)), guarded, "account_age"
        )
        assert told.retryable is False
        sold = guarded.create_order(*sale, time_in_force="ioc", reduce_only=True)
        assert sold.filled == trader.units(3)
        guarded.relieve()

    def test_fault_02_an_order_whose_answer_was_lost_is_exposure(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        guarded = self._guarded(trader, max_exposure=most)
        self._warm(guarded, market)
        guarded.suffer("lost after", 100, reads=True)
        with pytest.raises(OrderUnknown):
            guarded.rest(market, guarded.units(8))
        guarded.relieve()
        self._refused(
            lambda: guarded.rest(market, guarded.units(3)), guarded, "max_exposure"
        )
        guarded.cancel_all_orders()

    def test_an_account_that_must_be_known_is_read_before_an_order(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        guarded = self._guarded(trader, max_exposure=most, account_age=5)
        trader.rest(market, trader.units(8))
        self._refused(
            lambda: guarded.rest(market, guarded.units(3)), guarded, "max_exposure"
        )
        guarded.rest(market, guarded.units(2))

    def test_markets_that_are_not_allowed_are_refused_unread(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        guarded = self._guarded(trader, allowed_markets=["NOTHING-LIKE-IT*"])
        for act in (
            lambda: guarded.rest(market),
            lambda: guarded.edit_order(
                resting.order_id, market_id=market.market_id, size=trader.units(9)
            ),
        ):
            self._refused(act, guarded, "allowed_markets")
        assert guarded.transport.requests == []
        guarded.cancel_order(resting.order_id)
        allowed = self._guarded(trader, allowed_markets=[f"{market.market_id[:3]}*"])
        assert allowed.rest(market).is_open

    def test_a_price_far_from_the_book_is_refused(self, trader: Trader) -> None:
        market = trader.quoted_market()
        policy = {"price_collar": Decimal("0.02"), "without_book": "fetch"}
        guarded = self._guarded(trader, **policy)
        highest = market.grid.highest
        told = self._refused(
            lambda: guarded.lift(market, guarded.units(1), price=highest),
            guarded,
            "price_collar",
        )
        best = trader.book(market).ask
        assert best is not None
        assert told.value == EXACT.subtract(highest, best.price)
        assert guarded.lift(market, guarded.units(1)).filled > 0
        assert guarded.rest(market).is_open
        # What is said to close only may do so at any price; no other sale gives it away.
        label = market.outcomes[0].label
        sale = market.market_id, label, "sell", market.grid.lowest, trader.units(1)
        self._refused(
            lambda: guarded.create_order(*sale, time_in_force="ioc"),
            guarded,
            "price_collar",
        )
        sold = guarded.create_order(*sale, time_in_force="ioc", reduce_only=True)
        assert sold.filled == trader.units(1)

    def test_without_a_live_book_prices_pass_or_are_refused(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        collar = Decimal("0.02")
        strict = self._guarded(trader, price_collar=collar, without_book="refuse")
        self._refused(lambda: strict.rest(market), strict, "price_collar")
        easy = self._guarded(trader, price_collar=collar)
        assert easy.lift(market, easy.units(1), price=market.grid.highest).filled > 0

    def test_once_a_days_loss_is_reached_only_what_closes_goes(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        guarded = self._guarded(
            trader, max_daily_loss=Decimal("0.01"), account_age=0, price_collar=None
        )
        resting = guarded.rest(market)
        # The spread is lost at once, by the venue's own marks.
        bought = guarded.lift(market, guarded.units(9))
        self._refused(lambda: guarded.rest(market), guarded, "max_daily_loss")
        label = market.outcomes[0].label
        sale = market.market_id, label, "sell", market.grid.lowest, bought.filled
        assert guarded.create_order(*sale, time_in_force="ioc").filled == bought.filled
        assert not guarded.cancel_order(resting.order_id).is_open

    def test_fault_14_what_only_closes_is_stopped_by_no_cap_on_orders(
        self, trader: Trader
    ) -> None:
        if not trader.exchange.has.get("reduce_only"):
            pytest.skip("nothing only closes")
        market = trader.quoted_market()
        bought = trader.lift(market, trader.units(9))
        most = EXACT.multiply(market.grid.lowest, trader.units(2))
        guarded = self._guarded(trader, max_order_cost=most, max_orders=1)
        guarded.rest(market, guarded.units(1))
        terms = {"side": "sell", "time_in_force": "ioc", "reduce_only": True}
        sold = guarded.create_order(**self._dearly(market, trader.units(4), **terms))
        wanted = OrderRequest(**self._dearly(market, trader.units(2), **terms))
        (other,) = guarded.create_orders([wanted])
        assert other.order is not None
        filled = bought.filled, sold.filled, other.order.filled
        assert filled == tuple(map(trader.units, (9, 4, 2)))
        with pytest.raises(RateLimitExceeded):
            guarded.rest(market, guarded.units(1))

    def test_read_only_writes_nothing_at_all(self, trader: Trader) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        reader = self._guarded(trader, read_only=True)
        for act in (
            lambda: reader.rest(market),
            lambda: reader.edit_order(resting.order_id, size=trader.units(1)),
            lambda: reader.cancel_order(resting.order_id),
            reader.cancel_all_orders,
        ):
            with pytest.raises(ReadOnly, match="read-only"):
                act()
        assert reader.writes == []
        assert reader.fetch_order(resting.order_id).is_open

    def test_a_dry_run_is_held_against_the_rehearsed_account(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(10))
        if not trader.exchange.has.get("dry_run"):
            pytest.skip("no dry runs")
        policy = GuardPolicy(max_exposure=most, account_age=0)
        rehearsal = trader.another(guards=policy, dry_run=True)
        placed = rehearsal.rest(market, rehearsal.units(9))
        self._refused(
            lambda: rehearsal.rest(market, rehearsal.units(2)),
            rehearsal,
            "max_exposure",
        )
        rehearsal.cancel_order(placed.order_id)
        rehearsal.rest(market, rehearsal.units(10))

    def test_the_guards_that_are_on_can_be_seen_and_not_be_changed(
        self, trader: Trader
    ) -> None:
        guarded = self._guarded(
            trader, max_exposure=None, allowed_markets=["A*"], raw_writes=False
        )
        exchange = guarded.exchange
        if not exchange.has["create_order"]:
            pytest.skip(f"{exchange.id} has no create_order")
        shown = {
            "max_exposure": False,
            "max_orders": "emulated",
            "raw_writes": "emulated",
        }
        assert {name: exchange.has[name] for name in shown} == shown
        assert not trader.exchange.has["raw_writes"]
        assert exchange.describe().has["max_exposure"] == "emulated"
        assert exchange.guards.on["allowed_markets"] == ("A*",)
        assert exchange.guards.on["raw_writes"] is False
        for owner, name in ((exchange, "guards"), (exchange.venue, "guards")):
            with pytest.raises(AttributeError):
                setattr(owner, name, GuardPolicy())

    def test_fault_14_a_refused_key_is_free_again(self, trader: Trader) -> None:
        market = trader.quoted_market()
        most = EXACT.multiply(market.grid.lowest, trader.units(1))
        guarded = self._guarded(trader, max_exposure=most)
        with pytest.raises(GuardTripped):
            guarded.rest(market, guarded.units(9), client_order_id="mine")
        if trader.describe().idempotent_create != "client_order_id":
            assert guarded.rest(market, guarded.units(1), client_order_id="mine")
            return
        placed = trader.rest(market, trader.units(9), client_order_id="mine")
        # It is there from elsewhere: what is there is told, and nothing is refused.
        again = guarded.rest(market, guarded.units(9), client_order_id="mine")
        assert again.order_id == placed.order_id
