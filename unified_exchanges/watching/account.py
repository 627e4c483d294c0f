"""Our orders, fills and positions as streams and reads tell them, each news once.

A stream may lose, repeat and reorder what it tells; a read over REST may lag behind it.
Both pass through one `Account`, which hands on what is news and nothing else: orders and
fills by the rules of `known`, a position where it differs from the last, if nothing
fresher is known.

Nothing here reads a clock: ``at`` is when something arrived and ``read_at`` when the read
that told it was begun, on one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from datetime import datetime

import attrs

from ..models import Balance, Fill, FillSettled, FillState, Order, Position
from ..money import ZERO
from .known import LAG, KnownFills, KnownOrders, is_unclear

__all__ = ["Account"]


class Account:
    """What is known of one account; what it returns is news, to be told once.

    ``nets``: a market has one position, of either outcome; else each outcome has its own.
    """

    def __init__(self, *, nets: bool = True) -> None:
        self._nets = nets
        self._orders = KnownOrders()
        self._fills = KnownFills()
        self._positions: dict[Hashable, tuple[Position, float]] = {}
        self._strangers: set[str] = set()
        self.balance: Balance | None = None
        """Cash as of the last read."""

    # -- orders ---------------------------------------------------------------------

    @property
    def open_orders(self) -> list[Order]:
        """The orders that were open when last heard of."""
        return self._orders.open

    @property
    def open_count(self) -> int:
        """How many they are."""
        return self._orders.open_count

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of orders to ask about: filled and never told of, or ended who knows how."""
        return frozenset(self._strangers)

    def find(self, order_id: str) -> Order | None:
        """An order as last heard of."""
        return self._orders.find(order_id)

    def order(
        self, order: Order, *, at: float, read_at: float | None = None
    ) -> Order | None:
        """Take an order's state; it comes back if it is news.

        ``read_at`` None means that the stream told it.
        """
        key = order.order_id
        self._strangers.discard(key)
        if is_unclear(order) and read_at is None:
            # The stream's word is not known; a read may have another.
            self._strangers.add(key)
        return self._orders.take(order, at=at, read_at=read_at)

    def forget_orders(self) -> None:
        """Nobody follows orders any more: what is remembered will be out of date."""
        self._orders.clear()
        self._strangers.clear()

    # -- fills ----------------------------------------------------------------------

    def fill(self, fill: Fill) -> Fill | None:
        """Take a fill; it comes back, with our id of its order if that is known, if new.

        In place of one that has failed comes what takes it back, if it was told.
        """
        self._orders.match(fill)
        if not self._fills.take(fill):
            return None
        if fill.state is FillState.FAILED:
            fill = self._fills.reversal(fill)
        if self.find(fill.order_id) is None:
            self._strangers.add(fill.order_id)
        return self._named(fill)

    def failed_of(self, fill: Fill) -> Order | None:
        """The order of a fill, if that has failed and this is news of the order."""
        return self._orders.fail(fill) if fill.state is FillState.FAILED else None

    def is_overtaken(self, order_id: str) -> bool:
        """Whether the fills of an order tell more than its state, which may yet come."""
        return self._orders.is_overtaken(order_id)

    def overtake(self, order_id: str) -> Order | None:
        """The state of an order as its fills make it, if that is news of it."""
        return self._orders.overtake(order_id)

    def settled(self, fill: Fill) -> FillSettled | None:
        """That a fill has ended which might yet have failed; to be asked before `fill`."""
        return self.ended(fill) if self._fills.awaits(fill) else None

    def ended(self, fill: Fill) -> FillSettled:
        """What is told of a fill that has ended."""
        return FillSettled(fill=self._named(fill))

    def _named(self, fill: Fill) -> Fill:
        """A fill with our id of its order, if that is known."""
        order = self.find(fill.order_id)
        key = None if order is None else order.client_order_id
        if fill.client_order_id is not None or key is None:
            return fill
        return attrs.evolve(fill, client_order_id=key)

    @property
    def unsettled_since(self) -> datetime | None:
        """When the first fill was made that may still fail."""
        return self._fills.unsettled_since

    def fills_complete(self, since: datetime) -> None:
        """Every fill before this moment is known: one that is older is no news."""
        self._fills.complete(since)

    def forget_fills(self) -> None:
        """Nobody follows fills any more."""
        self._fills.clear()
        self._strangers.clear()

    # -- positions ------------------------------------------------------------------

    def key(self, position: Position) -> Hashable:
        """What a position is the newest state of."""
        market_id = position.market_id
        return market_id if self._nets else (market_id, position.outcome)

    @property
    def positions(self) -> list[Position]:
        """What is held, as last heard of."""
        return [told for told, _ in self._positions.values() if told.size]

    def position(
        self, position: Position, *, at: float, read_at: float | None = None
    ) -> Position | None:
        """Take a position; it comes back if it is news."""
        key = self.key(position)
        told = self._positions.get(key)
        if told is not None:
            known, heard_at = told
            if read_at is None:
                heard_at = at
                # What only reads tell stays as it was read.
                position = attrs.evolve(
                    position, shard=known.shard, event_id=known.event_id
                )
            elif heard_at > read_at - LAG:
                return None
            self._positions[key] = position, heard_at
            return None if _same_holding(known, position) else position
        self._positions[key] = position, at if read_at is None else read_at - LAG
        # Of what was never held there is nothing to tell.
        return position if position.size or read_at is None else None

    def absent_positions(
        self, told: Collection[Position], *, read_at: float
    ) -> Iterator[Position]:
        """What was held and is in a complete read no more: held no longer, so nothing."""
        keys = {self.key(position) for position in told}
        for key, (known, heard_at) in list(self._positions.items()):
            if key in keys or heard_at > read_at - LAG:
                continue
            if not known.size:
                # Told of before, and gone.
                del self._positions[key]
                continue
            gone = attrs.evolve(
                known,
                size=ZERO,
                cost=ZERO,
                entry_price=None,
                mark_price=None,
                unrealized_pnl=None,
                computed=known.computed | {"size", "cost"},
            )
            self._positions[key] = gone, heard_at
            yield gone

    def forget_positions(self) -> None:
        """Nobody follows positions any more."""
        self._positions.clear()


def _same_holding(one: Position, other: Position) -> bool:
    return (one.outcome, one.size, one.cost, one.realized_pnl, one.fees_paid) == (
        other.outcome,
        other.size,
        other.cost,
        other.realized_pnl,
        other.fees_paid,
    )
