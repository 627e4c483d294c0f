"""Commands under faults: confirmed, refused or unknown, and never two orders of one."""

from __future__ import annotations

from typing import Any, Final

import attrs
import pytest

from ...errors import NetworkError, OrderUnknown, UnifiedExchangesError
from ...models import BUY, Market, OrderStatus
from ...simulator.faults import Fault, unavailable
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["Commands"]

LATE: Final = 15.0
"""Seconds: longer than a request may take by default."""
_PAGE: Final = b"<html><body>all is well</body></html>"
_TEXT: Final = {"content-type": "text/html"}

ACCEPTED: Final = {
    "lost": Fault("drop"),
    "never comes": Fault("stall"),
    "too late": Fault("delay", seconds=LATE),
    "cut off": Fault("truncate", keep=20),
    "not gzip": Fault("garble"),
    "a page": Fault("answer", status=200, headers=_TEXT, body=_PAGE),
    "nothing": Fault("answer", status=200),
    **{f"{n}": unavailable(n, commits=True) for n in (500, 502, 503, 504)},
}
"""The venue has acted, and this is what comes of its answer."""
WORST: Final = ("lost", "never comes", "cut off", "a page", "503")
"""Those of them that are told apart by how they look on the wire."""
UNHEARD: Final = {
    "lost": Fault("drop", commits=False),
    "never comes": Fault("stall", commits=False),
    "503": unavailable(503),
}
"""The venue has not acted, and nobody can tell."""


def lasting(fault: Fault) -> Fault:
    """The same fault for every write."""
    return attrs.evolve(fault, count=None)


def intended(trader: Trader, market: Market) -> Any:
    """An order, or the admission that it is unknown; nothing else is true of it."""
    try:
        return trader.rest(market, trader.units(5), client_order_id="intent")
    except OrderUnknown as error:
        unknown = error
    assert (unknown.client_order_id, unknown.maybe_executed) == ("intent", True)
    return None


def resting(trader: Trader) -> list[Any]:
    """What rests at the venue, as somebody sees who has placed nothing."""
    trader.relieve()
    found: list[Any] = trader.another().fetch_open_orders()
    return found


class Commands(Conformance):
    """What a create or a cancel may come to when something goes wrong on its way."""

    @pytest.mark.parametrize("kind", ACCEPTED)
    def test_fault_02_06_08_a_create_answered_badly_is_one_order_or_unknown(
        self, trader: Trader, kind: str
    ) -> None:
        market = trader.quoted_market()
        trader.meet(ACCEPTED[kind])
        order = intended(trader, market)
        placed = resting(trader)
        assert len(placed) == 1
        assert order is None or order.order_id == placed[0].order_id

    @pytest.mark.parametrize("kind", WORST)
    def test_fault_02_06_08_p05_nor_is_it_two_if_every_answer_is_bad(
        self, trader: Trader, kind: str
    ) -> None:
        market = trader.quoted_market()
        trader.meet(lasting(ACCEPTED[kind]))
        order = intended(trader, market)
        placed = resting(trader)
        assert len(placed) == 1
        assert order is None or order.order_id == placed[0].order_id

    @pytest.mark.parametrize("kind", UNHEARD)
    def test_fault_03_06_a_create_that_is_unheard_is_unknown_and_may_be_sent_again(
        self, trader: Trader, kind: str
    ) -> None:
        market = trader.quoted_market()
        trader.meet(lasting(UNHEARD[kind]))
        assert intended(trader, market) is None
        assert resting(trader) == []
        if trader.describe().idempotent_create == "none":
            return
        order = trader.rest(market, trader.units(5), client_order_id="intent")
        assert [o.order_id for o in resting(trader)] == [order.order_id]

    @pytest.mark.parametrize("kind", WORST)
    def test_fault_04_an_order_that_filled_unheard_counts_once(
        self, trader: Trader, kind: str
    ) -> None:
        market = trader.quoted_market()
        trader.meet(lasting(ACCEPTED[kind]))
        try:
            order = trader.lift(market, trader.units(2), client_order_id="intent")
        except OrderUnknown:
            pass
        else:
            two = trader.units(2)
            assert (order.filled, order.status) == (two, OrderStatus.CLOSED)
        trader.relieve()
        held = trader.another().fetch_positions(market_id=market.market_id)
        assert [position.size for position in held] == [trader.units(2)]

    @needs("idempotent create")
    def test_fault_05_an_answer_after_the_caller_gave_up_adds_no_order(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.meet(Fault("delay", seconds=LATE, count=2))
        order = trader.rest(market, trader.units(5), client_order_id="intent")
        assert [o.order_id for o in resting(trader)] == [order.order_id]

    @needs("idempotent create")
    def test_fault_07_f17_a_create_that_arrives_twice_is_one_order(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.meet(Fault("duplicate"))
        order = trader.rest(market, trader.units(5), client_order_id="intent")
        assert order.status is OrderStatus.OPEN
        assert [o.order_id for o in resting(trader)] == [order.order_id]

    def test_fault_16_every_price_of_a_market_arrives_as_it_was_meant(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        sent: dict[str, Any] = {}
        for price in market.grid.prices():
            if price < best.price:
                sent[trader.rest(market, trader.units(1), price=price).order_id] = price
        label = market.outcomes[0].label
        assert {
            order.order_id: order.price
            for order in trader.another().fetch_orders(
                market_id=market.market_id, outcome=label
            )
        } == sent

    @pytest.mark.parametrize("kind", WORST)
    def test_fault_17_19_a_cancel_answered_badly_is_read_not_assumed(
        self, trader: Trader, kind: str
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.meet(lasting(ACCEPTED[kind]))
        ended = trader.cancel_order(order.order_id)
        assert ended.status is OrderStatus.CANCELED
        assert resting(trader) == []

    @pytest.mark.parametrize("kind", ["lost", "503"])
    def test_fault_19_a_cancel_that_is_unheard_leaves_an_order_that_counts(
        self, trader: Trader, kind: str
    ) -> None:
        order = trader.rest(trader.quoted_market())
        trader.meet(lasting(UNHEARD[kind]))
        with pytest.raises(UnifiedExchangesError) as caught:
            trader.cancel_order(order.order_id)
        assert caught.value.maybe_executed
        assert [o.order_id for o in resting(trader)] == [order.order_id]

    def test_fault_17_f17_a_cancel_that_arrives_twice_is_a_cancel(
        self, trader: Trader
    ) -> None:
        order = trader.rest(trader.quoted_market())
        # The second is told that there is no such order.
        trader.meet(Fault("duplicate"))
        ended = trader.cancel_order(order.order_id)
        assert ended.status is OrderStatus.CANCELED

    @pytest.mark.parametrize("kind", [*WORST, "twice"])
    def test_fault_18_a_cancel_keeps_what_filled_before_it(
        self, trader: Trader, kind: str
    ) -> None:
        market = trader.quoted_market()
        best = trader.book(market).ask
        assert best is not None
        more = best.size + trader.units(5)
        order = trader.lift(market, more, time_in_force="gtc")
        trader.meet(ACCEPTED.get(kind, Fault("duplicate")))
        ended = trader.cancel_order(order.order_id)
        assert (ended.status, ended.filled) == (OrderStatus.CANCELED, best.size)
        assert ended.remaining == 0

    def test_fault_22_fills_read_again_and_again_are_the_same_fills(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.lift(market, trader.units(1))
        trader.lift(market, trader.units(1))
        first, second = trader.fetch_fills(), trader.fetch_fills()
        assert first == second
        assert len({fill.fill_id for fill in first}) == len(first)
        held = trader.fetch_positions(market_id=market.market_id)
        assert sum(p.size for p in held) == sum(f.size for f in first if f.side == BUY)

    @needs("idempotent create")
    def test_fault_27_an_order_that_a_list_does_not_show_yet_is_not_gone(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.ground.clock.advance(60)
        trader.meet(Fault("drop", count=None))
        # Lists show what was a while ago, when there was no such order.
        trader.meet(Fault("lag", seconds=30, count=3), reads=True)
        order = intended(trader, market)
        placed = resting(trader)
        assert len(placed) == 1
        assert order is None or order.order_id == placed[0].order_id

    def test_fault_01_a_create_that_never_left_may_be_sent_again(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.suffer("refused", 1000)
        with pytest.raises(NetworkError) as caught:
            trader.rest(market, trader.units(5), client_order_id="intent")
        assert not caught.value.sent
        trader.relieve()
        trader.rest(market, trader.units(5), client_order_id="intent")
        assert len(resting(trader)) == 1
