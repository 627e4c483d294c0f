"""Reading a Polymarket account again, to find what its stream may have lost.

The user channel tells nothing of what was before a connection, and nothing twice
(docs.polymarket.com, websockets, 2026-08).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import ExchangeNotAvailable, NetworkError, RateLimitExceeded
from ...flow import Flow, collect
from ...models import AccountState, Fill, Order, Position, Resync, Settlement, Subject
from .own_trades import after
from .streaming import Streaming

__all__ = ["Resyncing"]

_log = logging.getLogger(__name__)


class Resyncing(Streaming):
    """What a watch asks of the venue besides its stream."""

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        """Orders, fills, positions and cash, as far as they are wanted.

        Fills that have failed are among them: whoever was told of one takes it back.
        """
        orders: list[Order] = []
        fills: list[Fill] = []
        positions: list[Position] = []
        found = yield from self._fills_from(wanted)
        if Subject.ORDERS in wanted.subjects:
            orders = yield from self._orders_since(wanted, found)
        if Subject.FILLS in wanted.subjects:
            fills = yield from self._priced(found)
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

    def _priced(self, fills: list[Fill]) -> Flow[list[Fill]]:
        """Fills with their fees, by what is known of them if the catalog does not answer.

        What the stream lost is told by this read alone, which waits for no fee.
        """
        try:
            return (yield from self.with_fees(fills))
        except (ExchangeNotAvailable, NetworkError, RateLimitExceeded) as error:
            _log.info("fees of fills that the stream lost were not read: %s", error)
            return self.with_known_fees(fills)

    def _fills_from(self, wanted: Resync) -> Flow[list[Fill]]:
        """Fills since then, without their fees; they also tell which orders ended."""
        if wanted.subjects.isdisjoint((Subject.ORDERS, Subject.FILLS)):
            return []
        query = after(wanted.since)
        return (yield from collect(self.own_fills(query, with_failed=True)))

    def _orders_since(self, wanted: Resync, fills: Sequence[Fill]) -> Flow[list[Order]]:
        """Open orders, what became of those that were, and those that came and went.

        No listing has orders that ended.  One that was made and ended while nothing was
        heard is known here if it was placed or read by this object, or filled something;
        what another program placed and cancelled unfilled is not found.
        """
        found = {x.order_id: x for x in (yield from collect(self.fetch_open_orders()))}
        names = [x.order_id for x in wanted.open_orders]
        names += sorted(wanted.strangers)
        names += [fill.order_id for fill in fills]
        for seen in self.memory.orders():
            if seen.created_at is None or seen.created_at < wanted.since:
                continue
            names.append(seen.order_id)
            if not (seen.is_open or seen.is_inferred):
                # How it ended was read, and is not asked again.
                found.setdefault(seen.order_id, seen)
        for name in dict.fromkeys(names):
            if name not in found:
                order = yield from self.read_order(name)
                if order is not None:
                    found[name] = order
        return list(found.values())
