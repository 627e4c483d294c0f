"""Orders: what is asked is what rests, fills, changes and goes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ...errors import (
    ArgumentsRequired,
    BadRequest,
    DuplicateOrderId,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    MarketNotFound,
    OrderNotFound,
    OrderRejected,
)
from ...models import OrderRequest, OrderStatus, Side
from ...money import EXACT, ZERO, complement, total
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["Orders"]

_TERMS = ("order_id", "market_id", "outcome", "side", "price", "size")


def terms(order: Any) -> tuple[object, ...]:
    """What an order is, whatever became of it."""
    return tuple(getattr(order, name) for name in _TERMS)


class Orders(Conformance):
    """The life of orders when nothing goes wrong, and refusals before sending."""

    # -- placing --------------------------------------------------------------------

    def test_an_order_away_from_the_market_rests(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.rest(market, trader.units(5))
        assert order.status is OrderStatus.OPEN
        five = trader.units(5)
        assert (order.size, order.filled, order.remaining) == (five, 0, five)
        assert [terms(o) for o in trader.fetch_open_orders()] == [terms(order)]

    def test_an_order_is_read_back_as_it_was_placed(self, trader: Trader) -> None:
        market = trader.quoted_market()
        for outcome in market.outcomes:
            order = trader.rest(market, outcome=outcome.label)
            found = trader.fetch_order(order.order_id, outcome=outcome.label)
            assert terms(found) == terms(order)
            assert found.client_order_id == order.client_order_id

    def test_an_order_is_found_by_our_own_id(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.rest(market, client_order_id="my-own-id")
        found = trader.fetch_order(client_order_id="my-own-id")
        assert found.order_id == order.order_id

    def test_an_order_at_the_market_fills_at_once(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.lift(market, trader.units(2))
        assert order.status is OrderStatus.CLOSED
        assert (order.filled, order.remaining) == (trader.units(2), 0)
        assert order.average_price is not None
        assert order.average_price <= order.price

    def test_an_immediate_order_that_finds_nobody_is_cancelled(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).bid
        assert best is not None
        order = trader.rest(market, price=best.price, time_in_force="ioc")
        assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
        assert trader.fetch_open_orders() == []

    def test_all_or_nothing_takes_nothing_when_there_is_too_little(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        before = trader.fetch_balance().available
        try:
            order = trader.lift(market, trader.above(best.size), time_in_force="fok")
        except OrderRejected:
            filled = ZERO
        else:
            filled = order.filled
        assert filled == ZERO
        assert trader.fetch_balance().available == before

    def test_a_post_only_order_that_would_take_is_refused(self, trader: Trader) -> None:
        market = trader.quoted_market()
        with pytest.raises(OrderRejected):
            trader.lift(market, time_in_force="gtc", post_only=True)
        assert trader.fetch_open_orders() == []

    @needs("one book")
    def test_p07_buying_the_other_outcome_is_the_complement_on_the_book(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        first, second = (o.label for o in market.outcomes)
        price = complement(market.grid.highest)
        trader.rest(market, trader.units(7), outcome=second, price=price)
        book = trader.fetch_order_book(market.market_id, outcome=first)
        worst = [x for x in book.asks if x.price == complement(price)]
        assert total(x.size for x in worst) >= trader.units(7)

    @pytest.mark.parametrize("side", ["buy", "BUY", Side.BUY])
    def test_a_side_is_read_in_any_case(self, trader: Trader, side: str) -> None:
        order = trader.rest(trader.quoted_market(), side=side)
        assert order.side is Side.BUY

    def test_a_market_order_with_a_bound_fills_within_it(self, trader: Trader) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        order = trader.create_order(
            market.market_id,
            market.outcomes[0].label,
            "buy",
            None,
            trader.units(1),
            type="market",
            max_slippage="0.02",
        )
        assert order.status is OrderStatus.CLOSED
        assert order.price <= EXACT.add(best.price, Decimal("0.02"))

    def test_an_order_may_expire(self, trader: Trader) -> None:
        market = trader.quoted_market()
        now = trader.fetch_order_book(market.market_id).timestamp
        order = trader.rest(
            market, expires_at=now.replace(microsecond=0) + timedelta(minutes=5)
        )
        trader.ground.clock.advance(600)
        ended = trader.fetch_order(order.order_id)
        assert ended.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED)
        assert trader.fetch_open_orders() == []

    # -- refused before anything is sent --------------------------------------------

    @pytest.mark.parametrize(
        "price", [0, 1, "0", "1", "-0.1", 29, "0.123456", 0.1 + 0.2, "x", True, "nan"]
    )
    def test_fault_14_a_price_the_market_has_not_is_refused_unsent(
        self, trader: Trader, price: object
    ) -> None:
        market = trader.quoted_market()
        with pytest.raises(InvalidPrice):
            trader.rest(market, price=price)
        assert trader.writes == []

    @pytest.mark.parametrize("size", [0, "-1", "0.001", "1.005", "x", None, True])
    def test_fault_14_a_size_the_market_has_not_is_refused_unsent(
        self, trader: Trader, size: object
    ) -> None:
        market = trader.quoted_market()
        with pytest.raises(InvalidSize):
            trader.rest(market, size=size)
        assert trader.writes == []

    def test_p06_the_refusal_names_the_nearest_prices(self, trader: Trader) -> None:
        market = trader.quoted_market()
        with pytest.raises(InvalidPrice) as caught:
            trader.rest(market, price=0.1 + 0.2)
        assert caught.value.nearest
        assert all(price in market.grid for price in caught.value.nearest)

    def test_fault_15_a_float_on_the_grid_is_taken_for_what_it_says(
        self, trader: Trader
    ) -> None:
        order = trader.rest(trader.quoted_market(), price=0.01)
        assert order.price == Decimal("0.01")

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"outcome": "maybe"}, BadRequest),
            ({"side": "hold"}, InvalidOrder),
            ({"time_in_force": "day"}, InvalidOrder),
            ({"price": None}, ArgumentsRequired),
            ({"client_order_id": " "}, InvalidOrder),
            ({"post_only": True, "time_in_force": "ioc"}, InvalidOrder),
            ({"max_slippage": "0.01"}, InvalidOrder),
            ({"type": "stop"}, InvalidOrder),
            ({"type": "market", "price": None}, ArgumentsRequired),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_an_order_that_makes_no_sense_is_refused_unsent(
        self, trader: Trader, wrong: dict[str, Any], error: type[Exception]
    ) -> None:
        market = trader.quoted_market()
        with pytest.raises(error):
            trader.rest(market, **wrong)
        assert trader.writes == []

    def test_an_order_on_a_market_that_does_not_trade_is_refused_unsent(
        self, trader: Trader
    ) -> None:
        over = [
            *trader.fetch_markets(status="closed", limit=1),
            *trader.fetch_markets(status="settled", limit=1),
        ]
        market = over[0]
        with pytest.raises(MarketClosed):
            trader.rest(market)
        assert trader.writes == []

    # -- one intent, one order ------------------------------------------------------

    @needs("idempotent create")
    def test_fault_07_the_same_order_twice_is_one_order(self, trader: Trader) -> None:
        market = trader.quoted_market()
        first = trader.rest(market, client_order_id="same")
        second = trader.rest(market, client_order_id="same")
        assert terms(second) == terms(first)
        assert len(trader.mine(market, "same")) == 1

    @needs("client order ids")
    def test_fault_07_another_object_meets_the_same_order(self, trader: Trader) -> None:
        market = trader.quoted_market()
        first = trader.rest(market, client_order_id="same")
        flavour = "async" if trader.is_async else "blocking"
        second = trader.ground.trader(flavour).rest(market, client_order_id="same")
        assert terms(second) == terms(first)
        assert len(trader.mine(market, "same")) == 1

    @needs("idempotent create")
    def test_fault_07_an_id_of_other_terms_is_refused(self, trader: Trader) -> None:
        market = trader.quoted_market()
        trader.rest(market, trader.units(5), client_order_id="same")
        with pytest.raises(DuplicateOrderId):
            trader.rest(market, trader.units(6), client_order_id="same")
        assert [o.size for o in trader.mine(market, "same")] == [trader.units(5)]

    # -- changing -------------------------------------------------------------------

    def test_p16_an_edit_says_what_the_venue_did(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.rest(market, trader.units(5))
        three = trader.units(3)
        changed = trader.edit_order(order.order_id, size=three)
        assert (changed.size, changed.remaining) == (three, three)
        found = trader.fetch_order(changed.order_id)
        assert (found.size, found.status) == (three, OrderStatus.OPEN)
        if trader.describe().edit == "in place":
            assert changed.order_id == order.order_id

    def test_an_edit_of_the_price_moves_the_order(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.rest(market)
        wanted = sorted(market.grid.prices())[1]
        label = market.outcomes[0].label
        changed = trader.edit_order(order.order_id, outcome=label, price=wanted)
        assert trader.fetch_order(changed.order_id).price == wanted

    def test_an_edit_of_a_part_filled_order_keeps_what_filled(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        three = trader.units(3)
        more = best.size + trader.units(5)
        order = trader.lift(market, more, time_in_force="gtc")
        assert order.filled == best.size
        changed = trader.edit_order(order.order_id, size=best.size + three)
        assert (changed.filled, changed.remaining) == (best.size, three)
        found = trader.fetch_order(order.order_id)
        assert (found.filled, found.remaining) == (best.size, three)

    def test_an_edit_that_crosses_fills(self, trader: Trader) -> None:
        market = trader.quoted_market()
        order = trader.rest(market, trader.units(2))
        best = trader.book(market).ask
        assert best is not None
        changed = trader.edit_order(
            order.order_id, outcome=order.outcome, price=best.price
        )
        two = trader.units(2)
        assert (changed.status, changed.filled) == (OrderStatus.CLOSED, two)

    def test_fault_16_an_edit_of_the_price_must_say_which_outcome(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        second = market.outcomes[1].label
        order = trader.rest(market, outcome=second, price=market.grid.lowest)
        wanted = sorted(market.grid.prices())[1]
        with pytest.raises(ArgumentsRequired, match="outcome"):
            trader.edit_order(order.order_id, price=wanted)
        changed = trader.edit_order(order.order_id, outcome=second, price=wanted)
        assert (changed.outcome, changed.price) == (second, wanted)
        found = trader.fetch_order(order.order_id, outcome=second)
        assert (found.outcome, found.price) == (second, wanted)

    def test_listings_say_the_same_whoever_placed_the_order(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.rest(market, outcome=market.outcomes[1].label)
        flavour = "async" if trader.is_async else "blocking"
        other = trader.ground.trader(flavour)
        mine, told = trader.fetch_open_orders(), other.fetch_open_orders()
        assert [terms(o) for o in mine] == [terms(o) for o in told]

    @needs("idempotent create")
    def test_fault_07_an_immediate_order_is_not_the_one_that_rests(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.rest(market, client_order_id="same")
        with pytest.raises(DuplicateOrderId):
            trader.rest(market, client_order_id="same", time_in_force="ioc")

    @needs("client order ids")
    def test_fault_07_an_id_taken_on_another_market_is_refused(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        other = next(
            m
            for m in trader.fetch_markets()
            if m.market_id != market.market_id and not m.legs
        )
        trader.rest(other, client_order_id="same")
        flavour = "async" if trader.is_async else "blocking"
        with pytest.raises(DuplicateOrderId):
            trader.ground.trader(flavour).rest(market, client_order_id="same")

    def test_an_edit_off_the_grid_changes_nothing(self, trader: Trader) -> None:
        order = trader.rest(trader.quoted_market())
        count = len(trader.writes)
        with pytest.raises(InvalidPrice):
            trader.edit_order(order.order_id, outcome=order.outcome, price="0.123456")
        assert len(trader.writes) == count

    def test_an_edit_of_nothing_is_refused(self, trader: Trader) -> None:
        with pytest.raises(ArgumentsRequired):
            trader.edit_order("some-order")

    # -- cancelling -----------------------------------------------------------------

    def test_a_cancelled_order_is_gone(self, trader: Trader) -> None:
        order = trader.rest(trader.quoted_market(), trader.units(5))
        ended = trader.cancel_order(order.order_id)
        assert (ended.status, ended.filled, ended.remaining) == (
            OrderStatus.CANCELED,
            0,
            0,
        )
        assert trader.fetch_open_orders() == []

    def test_fault_17_a_second_cancel_finds_the_order_cancelled(
        self, trader: Trader
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.cancel_order(order.order_id)
        assert trader.cancel_order(order.order_id).status is OrderStatus.CANCELED

    def test_fault_18_a_cancel_after_the_fill_finds_the_fill(
        self, trader: Trader
    ) -> None:
        order = trader.lift(trader.quoted_market(), trader.units(2))
        ended = trader.cancel_order(order.order_id)
        assert (ended.status, ended.filled) == (OrderStatus.CLOSED, trader.units(2))

    def test_a_stranger_to_the_order_can_cancel_it(self, trader: Trader) -> None:
        order = trader.rest(trader.quoted_market())
        flavour = "async" if trader.is_async else "blocking"
        other = trader.ground.trader(flavour)
        assert other.cancel_order(order.order_id).status is OrderStatus.CANCELED

    def test_an_order_that_never_was_is_not_found(self, trader: Trader) -> None:
        with pytest.raises(OrderNotFound):
            trader.cancel_order(trader.ground.missing_order)

    def test_cancelling_several_gives_one_result_each(self, trader: Trader) -> None:
        market = trader.quoted_market()
        ids = [trader.rest(market).order_id for _ in range(3)]
        missing = trader.ground.missing_order
        results = trader.cancel_orders([*ids, missing])
        assert [r.order_id for r in results] == [*ids, missing]
        assert [r.order.status for r in results[:3]] == [OrderStatus.CANCELED] * 3
        assert isinstance(results[3].error, OrderNotFound)

    def test_cancelling_all_of_a_market_leaves_the_others(self, trader: Trader) -> None:
        market = trader.quoted_market()
        other = next(
            m
            for m in trader.fetch_markets()
            if m.market_id != market.market_id and not m.legs
        )
        trader.rest(market)
        kept = trader.rest(other)
        report = trader.cancel_all_orders(market_id=market.market_id)
        assert report.is_complete
        assert [o.order_id for o in trader.fetch_open_orders()] == [kept.order_id]

    def test_cancelling_all_of_a_market_that_is_not_there_is_an_error(
        self, trader: Trader
    ) -> None:
        with pytest.raises(MarketNotFound):
            trader.cancel_all_orders(market_id="NO-SUCH-MARKET")

    # -- batches --------------------------------------------------------------------

    def test_fault_20_a_batch_gives_each_order_its_own_result(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        low = str(market.grid.lowest)
        one, two = trader.units(1), trader.units(2)
        entries: list[tuple[str, Any]] = [
            (low, one),
            ("0.123456", one),
            (low, "0.001"),
            (low, two),
        ]
        batch = [
            OrderRequest(
                market_id=market.market_id,
                outcome=market.outcomes[0].label,
                side="buy",
                price=price,
                size=size,
            )
            for price, size in entries
        ]
        results = trader.create_orders(batch)
        assert [r.request for r in results] == batch
        assert [type(r.error) for r in results] == [
            type(None),
            InvalidPrice,
            InvalidSize,
            type(None),
        ]
        assert len(trader.fetch_open_orders()) == 2

    def test_a_batch_of_nothing_sends_nothing(self, trader: Trader) -> None:
        assert trader.create_orders([]) == []
        assert trader.writes == []

    # -- previewing -----------------------------------------------------------------

    def test_a_preview_sends_nothing_and_shows_no_secret(self, trader: Trader) -> None:
        market = trader.quoted_market()
        preview = trader.preview_order(
            market.market_id,
            market.outcomes[0].label,
            "buy",
            market.bid,
            trader.units(4),
        )
        assert trader.writes == []
        assert market.bid is not None
        assert preview.cost == EXACT.multiply(market.bid, trader.units(4))
        assert preview.fee >= ZERO
        secrets = [str(v) for v in trader.ground.account().values()]
        assert not any(s in repr(preview) for s in secrets if len(s) > 20)
