"""Trades that are settled after they matched, and may fail: what did not stand is not held."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import OrderNotFilled
from ...models import Fill, FillSettled, FillState, Order
from ...money import ZERO, total, total_if_known
from .live import LiveConformance, LiveTrader, Watched

__all__ = ["Settling"]

_WHILE = 10.0
"""Seconds within which a trade is settled."""


class Settling(LiveConformance):
    """What becomes of a match, as far as it is told; by sockets, since streams tell first."""

    def settling(self, live: LiveTrader, *, fails: int) -> None:
        """Let trades be settled soon, the next of them so; skips where none may fail."""
        if not live.exchange.venue.settles_late:
            pytest.skip(f"every trade of {live.ground.exchange_id} is final at once")
        if not live.ground.settle(fails=fails):
            pytest.skip(f"{live.ground.exchange_id} names no way to settle a trade")

    def ended(self, fills: Watched) -> tuple[FillSettled, list[Fill]]:
        """How the next fill ended, and all fills that were told until a silence."""
        told = fills.until(lambda item: isinstance(item, FillSettled))
        rest = fills.rest()
        assert not [item for item in rest if isinstance(item, FillSettled)]
        return told[-1], [x for x in (*told, *rest) if isinstance(x, Fill)]

    def tracked(self, live: LiveTrader, order: Order) -> Any:
        """What the exchange knows of an order."""
        return live.exchange.orders.find(order_id=order.order_id)

    def test_fault_30_what_filled_is_waited_for_until_it_is_final(
        self, live: LiveTrader
    ) -> None:
        live.ground.settle(fails=0)
        order = live.lift(live.quoted_market())
        filled = live.wait_filled(order, _WHILE, settled=True)
        assert (filled.order_id, filled.filled) == (order.order_id, order.filled)
        known = self.tracked(live, order)
        assert (known.filled, known.pending) == (order.filled, ZERO)
        fills = live.fetch_fills(order_id=order.order_id)
        assert {fill.state for fill in fills} == {FillState.FINAL}

    def test_fault_30_that_a_trade_is_final_is_told_once_and_counts_once(
        self, live: LiveTrader
    ) -> None:
        self.settling(live, fails=0)
        market = live.quoted_market()
        fills = live.watch("fills", events=True)
        fills.rest()
        order = live.lift(market)
        end, told = self.ended(fills)
        assert (end.fill.state, end.fill.order_id) == (FillState.FINAL, order.order_id)
        assert total(fill.size for fill in told) == order.filled

    def test_fault_30_a_trade_that_fails_is_taken_back_wherever_it_was_told(
        self, live: LiveTrader
    ) -> None:
        self.settling(live, fails=1)
        market = live.quoted_market()
        fills = live.watch("fills", events=True)
        orders = live.watch("orders")
        fills.rest()
        order = live.lift(market)
        end, told = self.ended(fills)
        assert (end.fill.state, end.fill.size) == (FillState.FAILED, order.filled)
        assert total(fill.size for fill in told) == ZERO
        assert total_if_known(fill.fee for fill in told) == ZERO
        changed = orders.until(lambda x: x.order_id == order.order_id and x.failed)[-1]
        assert (changed.failed, changed.is_open) == (order.filled, False)
        with pytest.raises(OrderNotFilled) as caught:
            live.wait_filled(order, _WHILE, settled=True)
        assert caught.value.tracked is not None
        assert caught.value.tracked.failed_fills == (end.fill.fill_id,)
        known = self.tracked(live, order)
        assert (known.filled, known.failed, known.pending) == (ZERO, order.filled, ZERO)
        assert live.fetch_fills(order_id=order.order_id) == []
        assert live.fetch_order(order.order_id).failed == order.filled

    def test_fault_30_a_wait_for_what_fails_is_an_error_that_names_the_fill(
        self, live: LiveTrader
    ) -> None:
        self.settling(live, fails=1)
        order = live.lift(live.quoted_market())
        with pytest.raises(OrderNotFilled) as caught:
            live.wait_filled(order, _WHILE, settled=True)
        known = caught.value.tracked
        assert known is not None
        assert (known.filled, known.failed) == (ZERO, order.filled)
        assert all(name in str(caught.value) for name in known.failed_fills)
