"""Our orders, fills and positions as streams and reads tell them, each news once.

A stream may lose, repeat and reorder what it tells; a read over REST may lag behind it.
Both pass through one `Account`, which hands on what is news and nothing else:

* a fill once, by its trade and its order;
* an order's states forward only: what has filled never falls, what has ended never
  opens again, and of two states that filled the same the later change is the newer;
* a position where it differs from the last, if nothing fresher is known.

Nothing here reads a clock: ``at`` is when something arrived and ``read_at`` when the read
that told it was begun, on one monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

import attrs

from ..models import Balance, Fill, Order, OrderStatus, Position
from ..money import ZERO

__all__ = ["Account", "fill_key"]

_LAG: Final = 5.0
"""Seconds that a read may lag behind what the stream told (Kalshi: seen 0.4 s)."""
_MOST_ENDED: Final = 50_000
_MOST_FILLS: Final = 200_000
"""How much is remembered to tell what was told before."""

FillKey: TypeAlias = tuple[str, str]


@attrs.define(slots=True, eq=False)
class _Known:
    """An order's newest state, when it came, and what else it was at the same moment."""

    order: Order
    at: float
    seen: set[Hashable]


class Account:
    """What is known of one account; what it returns is news, to be told once."""

    def __init__(self) -> None:
        self._open: dict[str, _Known] = {}
        self._ended: OrderedDict[str, Order] = OrderedDict()
        self._fills: OrderedDict[FillKey, datetime] = OrderedDict()
        self._fills_from: datetime | None = None
        self._positions: dict[str, tuple[Position, float]] = {}
        self._strangers: set[str] = set()
        self.balance: Balance | None = None
        """Cash as of the last read."""

    # -- orders ---------------------------------------------------------------------

    @property
    def open_orders(self) -> list[Order]:
        """The orders that were open when last heard of."""
        return [known.order for known in self._open.values()]

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of orders to ask about: filled and never told of, or ended who knows how."""
        return frozenset(self._strangers)

    def find(self, order_id: str) -> Order | None:
        """An order as last heard of."""
        known = self._open.get(order_id)
        return self._ended.get(order_id) if known is None else known.order

    def order(
        self, order: Order, *, at: float, read_at: float | None = None
    ) -> Order | None:
        """Take an order's state; it comes back if it is news.

        ``read_at`` None means that the stream told it.
        """
        key = order.order_id
        self._strangers.discard(key)
        if _is_unclear(order) and read_at is None:
            # The stream's word is not known; a read may have another.
            self._strangers.add(key)
        ended = self._ended.get(key)
        if ended is not None:
            if order.is_open or not _tells_more(order, ended):
                return None
            self._ended[key] = order
            return order
        known = self._open.get(key)
        if known is not None and not _is_newer(order, known, read_at):
            return None
        if order.is_open:
            self._open[key] = _Known(order, at, _seen(order, known))
        else:
            self._open.pop(key, None)
            self._ended[key] = order
            if len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
        return order

    def forget_orders(self) -> None:
        """Nobody follows orders any more: what is remembered will be out of date."""
        self._open.clear()
        self._ended.clear()
        self._strangers.clear()

    # -- fills ----------------------------------------------------------------------

    def fill(self, fill: Fill) -> Fill | None:
        """Take a fill; it comes back, with our id of its order if that is known, if new."""
        key = fill_key(fill)
        if key in self._fills:
            return None
        if self._fills_from is not None and fill.created_at < self._fills_from:
            return None
        self._fills[key] = fill.created_at
        if len(self._fills) > _MOST_FILLS:
            self._fills.popitem(last=False)
        order = self.find(fill.order_id)
        if order is None:
            self._strangers.add(fill.order_id)
        elif fill.client_order_id is None and order.client_order_id is not None:
            return attrs.evolve(fill, client_order_id=order.client_order_id)
        return fill

    def fills_complete(self, since: datetime) -> None:
        """Every fill before this moment is known: one that is older is no news."""
        if self._fills_from is None or since > self._fills_from:
            self._fills_from = since
        old = [key for key, made in self._fills.items() if made < self._fills_from]
        for key in old:
            del self._fills[key]

    def forget_fills(self) -> None:
        """Nobody follows fills any more."""
        self._fills.clear()
        self._fills_from = None
        self._strangers.clear()

    # -- positions ------------------------------------------------------------------

    @property
    def positions(self) -> list[Position]:
        """What is held, as last heard of."""
        return [told for told, _ in self._positions.values() if told.size]

    def position(
        self, position: Position, *, at: float, read_at: float | None = None
    ) -> Position | None:
        """Take a position; it comes back if it is news."""
        key = position.market_id
        told = self._positions.get(key)
        if told is not None:
            known, heard_at = told
            if read_at is None:
                heard_at = at
                # What only reads tell stays as it was read.
                position = attrs.evolve(
                    position, shard=known.shard, event_id=known.event_id
                )
            elif heard_at > read_at - _LAG:
                return None
            self._positions[key] = position, heard_at
            return None if _same_holding(known, position) else position
        self._positions[key] = position, at if read_at is None else read_at - _LAG
        # Of what was never held there is nothing to tell.
        return position if position.size or read_at is None else None

    def absent_positions(
        self, told: Collection[Position], *, read_at: float
    ) -> Iterator[Position]:
        """What was held and is in a complete read no more: held no longer, so nothing."""
        keys = {position.market_id for position in told}
        for key, (known, heard_at) in list(self._positions.items()):
            if key in keys or heard_at > read_at - _LAG:
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


def fill_key(fill: Fill) -> FillKey:
    """What a fill is told by: a trade between two of our own orders is two fills."""
    return fill.trade_id or fill.fill_id, fill.order_id


def _is_unclear(order: Order) -> bool:
    return order.status is OrderStatus.UNKNOWN and not order.is_open


def _tells_more(order: Order, ended: Order) -> bool:
    """Whether an end says more than another: more filled, or a word that is known."""
    if order.filled != ended.filled:
        return order.filled > ended.filled
    return _is_unclear(ended) and not _is_unclear(order)


def _is_newer(order: Order, known: _Known, read_at: float | None) -> bool:
    """Whether a state of an open order came after what is known of it."""
    old = known.order
    if order.filled != old.filled:
        return order.filled > old.filled
    if not order.is_open:
        return True
    if _terms(order) == _terms(old):
        return False
    told, before = _moment(order), _moment(old)
    if told != before and told is not None and before is not None:
        return told > before
    if _terms(order) in known.seen:
        return False
    # The same moment, or none was told: the stream tells in order, and a read is
    # believed where it was begun well after.
    return read_at is None or known.at <= read_at - _LAG


def _seen(order: Order, known: _Known | None) -> set[Hashable]:
    """What the order has been at the moment of its last change, as far as known."""
    mine: set[Hashable] = {_terms(order)}
    if known is None or _moment(known.order) != _moment(order):
        return mine
    return known.seen | mine


def _terms(order: Order) -> Hashable:
    return order.price, order.size, order.filled, order.remaining, order.status


def _moment(order: Order) -> int | None:
    """Milliseconds of the last change: streams tell no more than that."""
    told = order.updated_at or order.created_at
    return None if told is None else int(told.timestamp() * 1000)


def _same_holding(one: Position, other: Position) -> bool:
    return (one.outcome, one.size, one.cost, one.realized_pnl, one.fees_paid) == (
        other.outcome,
        other.size,
        other.cost,
        other.realized_pnl,
        other.fees_paid,
    )
