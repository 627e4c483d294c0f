"""Answers that are lost: at most one order at the venue, and nothing believed wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import (
    AuthenticationError,
    ExchangeNotAvailable,
    NetworkError,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from ...models import OrderRequest, OrderStatus
from ...policy import RetryPolicy
from ...simulator.faults import Fault
from .ground import Conformance, Kind, Trader
from .needs import needs

__all__ = ["LostAnswers"]

ONCE: list[Kind] = ["refused", "lost before", "lost after", "timeout", "503", "cut"]
ALWAYS: list[Kind] = ["lost after", "timeout", "503", "cut", "html"]


class LostAnswers(Conformance):
    """Faults that REST can meet."""

    @needs("idempotent create")
    @pytest.mark.parametrize("kind", ONCE)
    def test_fault_02_a_create_that_goes_wrong_once_is_one_order(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        trader.suffer(kind)
        order = trader.rest(market, trader.units(5), client_order_id="intent")
        assert order.status is OrderStatus.OPEN
        assert [o.order_id for o in trader.mine(market, "intent")] == [order.order_id]

    @needs("idempotent create")
    @pytest.mark.parametrize("kind", ONCE)
    def test_fault_04_an_order_that_filled_unheard_is_found_filled(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        trader.suffer(kind)
        order = trader.lift(market, trader.units(2), client_order_id="intent")
        assert (order.filled, order.status) == (trader.units(2), OrderStatus.CLOSED)
        assert len(trader.mine(market, "intent")) == 1

    @needs("idempotent create")
    @pytest.mark.parametrize("word", ["ioc", "fok"])
    @pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut"])
    def test_fault_04_28_one_that_filled_unheard_is_found_while_reads_lag(
        self, trader: Trader, kind: Kind, word: str
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        trader.suffer(kind)
        trader.meet(Fault("lag", seconds=1.5, count=None), reads=True)
        two = trader.units(2)
        order = trader.lift(market, two, price=best.price, time_in_force=word)
        assert (order.filled, order.status) == (two, OrderStatus.CLOSED)

    @needs("idempotent create")
    @pytest.mark.parametrize("kind", ALWAYS)
    def test_p05_a_create_that_always_goes_wrong_is_one_order_looked_up(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        trader.suffer(kind, 1000)
        order = trader.rest(market, trader.units(5), client_order_id="intent")
        assert [o.order_id for o in trader.mine(market, "intent")] == [order.order_id]

    def test_fault_03_a_create_that_never_arrives_is_unknown_with_its_id(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.suffer("lost before", 1000)
        with pytest.raises(OrderUnknown) as caught:
            trader.rest(market, client_order_id="intent")
        assert caught.value.client_order_id == "intent"
        assert caught.value.maybe_executed
        assert trader.mine(market, "intent") == []

    def test_fault_01_a_create_that_never_left_says_so(self, trader: Trader) -> None:
        market = trader.quoted_market()
        trader.suffer("refused", 1000)
        with pytest.raises(NetworkError) as caught:
            trader.rest(market, client_order_id="intent")
        assert not caught.value.sent
        assert not caught.value.maybe_executed

    def test_fault_06_a_create_is_not_sent_past_its_deadline(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        start = trader.ground.clock.monotonic()
        sent_at: list[float] = []
        serve = trader.ground.venue.handle

        def watch(request: Any) -> Any:
            if not request.is_read:
                sent_at.append(trader.ground.clock.monotonic() - start)
            return serve(request)

        trader.ground.venue.handle = watch  # type: ignore[method-assign]
        trader.suffer("lost before", 10_000)
        with pytest.raises(OrderUnknown):
            trader.rest(market)
        assert sent_at
        assert max(sent_at) <= RetryPolicy().order_deadline

    def test_fault_09_a_create_refused_for_speed_is_not_repeated(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.suffer("429")
        with pytest.raises(RateLimitExceeded):
            trader.rest(market, client_order_id="intent")
        assert len(trader.writes) == 1
        assert trader.mine(market, "intent") == []

    def test_fault_09_unless_the_caller_allows_it(self, trader: Trader) -> None:
        flavour = "async" if trader.is_async else "blocking"
        policy = RetryPolicy(retry_refused_writes=True)
        patient = trader.ground.trader(flavour, retry=policy)
        market = patient.quoted_market()
        patient.suffer("429")
        assert patient.rest(market).status is OrderStatus.OPEN

    @needs("idempotent create")
    @pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut"])
    def test_fault_20_a_batch_whose_answer_is_lost_is_resolved_entry_by_entry(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        batch = [
            OrderRequest(
                market_id=market.market_id,
                outcome=market.outcomes[0].label,
                side="buy",
                price=market.grid.lowest,
                size=trader.units(size),
                client_order_id=f"entry-{size}",
            )
            for size in (1, 2, 3)
        ]
        trader.suffer(kind)
        results = trader.create_orders(batch)
        assert [r.error for r in results] == [None] * 3
        assert len(trader.fetch_open_orders()) == 3

    @pytest.mark.parametrize("kind", ["lost before", "lost after", "timeout", "503"])
    def test_fault_17_a_cancel_that_goes_wrong_once_is_a_cancel(
        self, trader: Trader, kind: Kind
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.suffer(kind)
        ended = trader.cancel_order(order.order_id)
        assert ended.status is OrderStatus.CANCELED
        assert trader.fetch_open_orders() == []

    def test_fault_19_a_cancel_that_never_arrives_is_not_assumed(
        self, trader: Trader
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.suffer("lost before", 1000)
        with pytest.raises(NetworkError, match="counts as open") as caught:
            trader.cancel_order(order.order_id)
        assert caught.value.maybe_executed
        assert [o.order_id for o in trader.fetch_open_orders()] == [order.order_id]

    @pytest.mark.parametrize("kind", ["lost before", "lost after", "timeout", "503"])
    def test_fault_21_an_edit_that_goes_wrong_once_is_an_edit(
        self, trader: Trader, kind: Kind
    ) -> None:
        order = trader.rest(trader.quoted_market(), trader.units(5))
        trader.suffer(kind)
        three = trader.units(3)
        changed = trader.edit_order(order.order_id, size=three)
        assert changed.size == three
        assert [o.size for o in trader.fetch_open_orders()] == [three]

    @pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut", "html"])
    def test_fault_19_a_cancel_whose_answer_is_always_lost_is_read(
        self, trader: Trader, kind: Kind
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.suffer(kind, 1000)
        assert trader.cancel_order(order.order_id).status is OrderStatus.CANCELED

    @pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut", "html"])
    def test_fault_20_cancelling_all_reads_what_is_left_when_answers_are_lost(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        ids = {trader.rest(market).order_id for _ in range(3)}
        trader.suffer(kind, 1000)
        report = trader.cancel_all_orders()
        assert report.is_complete
        assert {order.order_id for order in report.canceled} == ids

    @pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut", "html"])
    def test_fault_21_an_edit_that_crosses_unheard_is_found_filled(
        self, trader: Trader, kind: Kind
    ) -> None:
        market = trader.quoted_market()
        order = trader.rest(market, trader.units(2))
        best = trader.book(market).ask
        assert best is not None
        trader.suffer(kind, 1000)
        changed = trader.edit_order(
            order.order_id, outcome=order.outcome, price=best.price
        )
        two = trader.units(2)
        assert (changed.filled, changed.status) == (two, OrderStatus.CLOSED)

    def test_fault_21_an_edit_that_never_arrives_is_not_assumed(
        self, trader: Trader
    ) -> None:
        order = trader.rest(trader.quoted_market(), trader.units(5))
        trader.suffer("lost before", 1000)
        with pytest.raises(NetworkError) as caught:
            trader.edit_order(order.order_id, size=trader.units(3))
        assert caught.value.maybe_executed
        assert [o.size for o in trader.fetch_open_orders()] == [trader.units(5)]

    @needs("idempotent create")
    def test_fault_03_an_order_unknown_may_be_sent_again_by_its_id(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.suffer("lost before", 1000)
        with pytest.raises(OrderUnknown):
            trader.rest(market, client_order_id="intent")
        trader.ground.venue.troubles.clear()
        order = trader.rest(market, client_order_id="intent")
        assert [o.order_id for o in trader.mine(market, "intent")] == [order.order_id]

    @pytest.mark.parametrize(
        "name",
        [
            "fetch_positions",
            "fetch_open_orders",
            "fetch_fills",
            "fetch_balance",
            "fetch_orders",
            "fetch_settlements",
            "fetch_markets",
        ],
    )
    @pytest.mark.parametrize("kind", ["lost before", "503", "html", "cut"])
    def test_fault_25_a_list_that_fails_is_an_error_never_empty(
        self, trader: Trader, name: str, kind: Kind
    ) -> None:
        trader.lift(trader.quoted_market(), trader.units(1))
        trader.suffer(kind, 1000, reads=True)
        with pytest.raises(UnifiedExchangesError):
            getattr(trader, name)()

    def test_a_read_survives_trouble_that_passes(self, trader: Trader) -> None:
        trader.suffer("lost before", 2, reads=True)
        assert trader.fetch_status().is_active

    def test_a_read_gives_up_in_time(self, trader: Trader) -> None:
        start = trader.ground.clock.monotonic()
        trader.suffer("503", 10_000, reads=True)
        with pytest.raises((ExchangeNotAvailable, NetworkError)):
            trader.fetch_markets()
        assert trader.ground.clock.monotonic() - start <= RetryPolicy().deadline

    def test_fault_10_a_wrong_key_is_refused_once_and_tells_no_secret(
        self, trader: Trader
    ) -> None:
        flavour = "async" if trader.is_async else "blocking"
        stranger = trader.ground.trader(flavour, api_key="someone-else")
        with pytest.raises(AuthenticationError) as caught:
            stranger.fetch_balance()
        asked = [r for r in stranger.transport.requests if "balance" in r.url]
        assert len(asked) == 1
        for request in asked:
            for value in request.headers.values():
                assert value not in str(caught.value) or len(value) < 12
