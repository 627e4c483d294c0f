"""Reading a Kalshi account again, to find what its stream may have lost.

Fills, orders and positions have no sequence numbers on Kalshi's stream, so a loss cannot
be seen there (docs.kalshi.com, websockets, 2026-10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...flow import Flow, collect
from ...models import AccountState, Fill, Order, Position, Resync, Subject
from .arguments import YES, read_ids, read_outcome
from .lookup import Lookup

__all__ = ["Resyncing"]

_FEW: Final = 10
"""Orders that are read one by one; more are looked for in the list of all."""
_TRADED: Final[Mapping[str, str | int | bool]] = {"count_filter": "total_traded"}


class Resyncing(Lookup):
    """What a watch asks of the venue besides its stream."""

    def read_watch(
        self, market_ids: str | Sequence[str] | None, outcome: str | None
    ) -> tuple[tuple[str, ...] | None, str | None]:
        """Market ids and an outcome, checked; YES is how the stream tells everything."""
        label = None if outcome is None else read_outcome(outcome)
        if isinstance(market_ids, str):
            market_ids = (market_ids,)
        ids = None if market_ids is None else read_ids("market_ids", market_ids)
        told = None if ids is None else tuple(dict.fromkeys(ids))
        return told, None if label == YES else label

    def missing_markets(self, market_ids: Sequence[str]) -> Flow[list[str]]:
        """Those among the markets that are neither live nor archived.

        Kalshi keeps them in a subscription without a word (observed, 2026-09).
        """
        unseen = [x for x in market_ids if self.memory.rules(x) is None]
        found = yield from collect(self.known_markets(unseen))
        there = {market.market_id for market in found}
        return [x for x in unseen if x not in there]

    def resync(self, wanted: Resync) -> Flow[AccountState]:
        """Orders, fills, positions and cash, as far as they are wanted.

        Every read is signed, so none comes out of the cache for readers without a key.
        """
        orders: list[Order] = []
        fills: list[Fill] = []
        positions: list[Position] = []
        if Subject.ORDERS in wanted.subjects:
            orders = yield from self._orders_since(wanted)
        if Subject.FILLS in wanted.subjects:
            fills = yield from collect(self.fetch_fills(since=wanted.since))
        if Subject.POSITIONS in wanted.subjects:
            positions = yield from self._holdings(wanted)
        balance = yield from self.fetch_balance()
        return AccountState(
            orders=tuple(orders),
            fills=tuple(fills),
            positions=tuple(positions),
            balance=balance,
        )

    def _orders_since(self, wanted: Resync) -> Flow[list[Order]]:
        """Open orders, those made since, and what became of those that were open."""
        found = {x.order_id: x for x in (yield from collect(self.fetch_open_orders()))}
        for order in (yield from collect(self.fetch_orders(since=wanted.since))):
            # Read later than the open ones, so it is the newer.
            found[order.order_id] = order
        missing = [x for x in wanted.open_orders if x.order_id not in found]
        made = [x.created_at for x in missing if x.created_at is not None]
        if len(made) > _FEW:
            for order in (yield from collect(self.fetch_orders(since=min(made)))):
                found[order.order_id] = order
        names = [x.order_id for x in missing]
        names += sorted(wanted.strangers)
        for name in names:
            if name not in found:
                order_or_none = yield from self.read_order(name)
                if order_or_none is not None:
                    found[name] = order_or_none
        return list(found.values())

    def _holdings(self, wanted: Resync) -> Flow[list[Position]]:
        """What is held, and what became of what was held before."""
        found = yield from self.fetch_positions(mark=False)
        held = {(x.market_id, x.shard) for x in found}
        gone = {x.market_id for x in wanted.held if (x.market_id, x.shard) not in held}
        for market_id in sorted(gone):
            found += yield from self.fetch_positions(
                market_id=market_id, mark=False, params=_TRADED
            )
        return found
