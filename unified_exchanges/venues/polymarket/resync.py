"""Reading a Polymarket account again, to find what its stream may have lost.

The user channel tells nothing of what was before a connection, and nothing twice
(docs.polymarket.com, websockets, 2026-08).
"""

from __future__ import annotations

from ...flow import Flow, collect
from ...models import AccountState, Fill, Order, Position, Resync, Settlement, Subject
from .own_trades import after
from .streaming import Streaming

__all__ = ["Resyncing"]


class Resyncing(Streaming):
    """What a watch asks of the venue besides its stream."""

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        """Orders, fills, positions and cash, as far as they are wanted.

        Fills that have failed are among them: whoever was told of one takes it back.
        """
        orders: list[Order] = []
        fills: list[Fill] = []
        positions: list[Position] = []
        if Subject.ORDERS in wanted.subjects:
            orders = yield from self._orders_since(wanted)
        if Subject.FILLS in wanted.subjects:
            query = after(wanted.since)
            found = yield from collect(self.own_fills(query, with_failed=True))
            fills = yield from self.with_fees(found)
        if Subject.POSITIONS in wanted.subjects:
            positions = yield from self.fetch_positions(mark=False)
        settlements: list[Settlement] = []
        for market_id in sorted(wanted.unexplained):
            paid = self.fetch_settlements(market_id=market_id)
            settlements += yield from collect(paid)
        balance = yield from self.fetch_balance()
        return AccountState(
            orders=tuple(orders),
            fills=tuple(fills),
            positions=tuple(positions),
            balance=balance,
            settlements=tuple(settlements),
        )

    def _orders_since(self, wanted: Resync) -> Flow[list[Order]]:
        """Open orders, and what became of those that were open or are asked about."""
        found = {x.order_id: x for x in (yield from collect(self.fetch_open_orders()))}
        names = [x.order_id for x in wanted.open_orders]
        names += sorted(wanted.strangers)
        for name in names:
            if name not in found:
                order = yield from self.read_order(name)
                if order is not None:
                    found[name] = order
        return list(found.values())
