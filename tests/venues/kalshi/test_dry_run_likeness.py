"""A dry run and the real thing show the same of orders that do not fill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.models import Market, OrderRequest
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
NTH = st.integers(0, 5)
SIZES = st.integers(1, 9)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("rest"), SIZES, st.integers(1, 3)),
        st.tuples(st.just("batch"), SIZES, st.integers(1, 3)),
        st.tuples(st.just("resize"), NTH, SIZES),
        st.tuples(st.just("reprice"), NTH, st.integers(1, 3)),
        st.tuples(st.just("cancel"), NTH, st.just(0)),
        st.tuples(st.just("cancel some"), NTH, st.just(0)),
        st.tuples(st.just("decrease"), NTH, SIZES),
        st.tuples(st.just("cancel all"), st.just(0), st.just(0)),
    ),
    max_size=8,
)


class Strategy:
    """Does things, on its own market, and remembers the ids that it got."""

    def __init__(self, trader: Trader, market: Market) -> None:
        self.trader = trader
        self.market = market
        self.ids: list[str] = []

    def price(self, ticks: int) -> Decimal:
        return self.market.grid.step_at(self.market.grid.lowest) * ticks

    def do(self, deed: tuple[str, int, int]) -> str:
        """What came of it: nothing, or the class of the error."""
        try:
            self._do(*deed)
        except UnifiedExchangesError as error:
            return type(error).__name__
        return ""

    def _do(self, what: str, first: int, second: int) -> None:
        trader, market_id = self.trader, self.market.market_id
        if what == "rest":
            price = self.price(second)
            placed = trader.create_order(market_id, "yes", "buy", price, first)
            self.ids.append(placed.order_id)
            return
        if what == "batch":
            asked = OrderRequest(
                market_id=market_id,
                outcome="yes",
                side="buy",
                price=self.price(second),
                size=first,
            )
            results = trader.create_orders([asked, asked])
            self.ids += [result.order.order_id for result in results]
            return
        if what == "cancel all":
            trader.cancel_all_orders()
            return
        if first >= len(self.ids):
            return
        order_id = self.ids[first]
        if what == "resize":
            trader.edit_order(order_id, size=second)
        elif what == "reprice":
            trader.edit_order(order_id, outcome="yes", price=self.price(second))
        elif what == "cancel":
            trader.cancel_order(order_id)
        elif what == "cancel some":
            trader.cancel_orders([order_id])
        else:
            path = f"/portfolio/events/orders/{order_id}/decrease"
            body = {"reduce_by": f"{second}.00", "exchange_index": self.market.shard}
            trader.request("POST", path, body=body)

    def shown(self) -> list[Any]:
        """What is shown of each of its orders, singly and in the listings."""
        trader = self.trader
        read = [trader.fetch_order(order_id) for order_id in self.ids]
        open_now = {o.order_id for o in trader.fetch_open_orders()}
        closed = {
            o.order_id
            for o in trader.fetch_closed_orders(market_id=self.market.market_id)
        }
        return [
            (
                order.price,
                order.size,
                order.filled,
                order.remaining,
                order.status,
                order.order_id in open_now,
                order.order_id in closed,
            )
            for order in read
        ]


@settings(max_examples=25, derandomize=True)
@given(deeds=DEEDS)
def test_a_dry_run_shows_what_the_real_thing_shows(
    deeds: list[tuple[str, int, int]],
) -> None:
    ground = KalshiGround(enforce_limits=False)
    real = ground.trader("blocking", limits=FREE)
    rehearsal = KalshiGround(enforce_limits=False).trader(
        "blocking", limits=FREE, dry_run=True
    )
    market = real.quoted_market()
    one, other = Strategy(real, market), Strategy(rehearsal, market)
    for deed in deeds:
        assert other.do(deed) == one.do(deed)
    assert other.shown() == one.shown()
    assert rehearsal.writes == []
