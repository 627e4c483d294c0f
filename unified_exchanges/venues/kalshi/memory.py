"""What the adapter remembers between calls: market rules, and where orders live.

Kalshi is sharded: a cancel that names neither shard nor market is looked for on shard 0
(docs.kalshi.com, exchange sharding, 2026-08).  So every market and order that passes by
leaves its shard here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import attrs

from ...models import Market, Order
from ...venue.draft import Rules
from .arguments import YES

__all__ = ["MarketRules", "Memory", "Route"]

T = TypeVar("T")

_MOST_ORDERS = 200_000
"""As many as Kalshi lets one account keep open (docs.kalshi.com, 2026-10)."""
_MOST_SNAPSHOTS = 10_000
_MOST_MARKETS = 200_000


@attrs.frozen(slots=True, eq=False, repr=False)
class MarketRules(Rules):
    """What must be known of a market to place an order on it, with its shard."""

    shard: int

    @classmethod
    def of(cls, market: Market, seen_at: float) -> MarketRules:
        """The rules that a market shows."""
        return cls(
            market.market_id,
            market.event_id,
            market.grid,
            market.lot,
            market.minimum_size,
            market.outcomes,
            market.status,
            market.is_combination,
            seen_at,
            market.shard,
        )


@attrs.frozen(slots=True, eq=False, repr=False)
class Route:
    """Where an order lives."""

    market_id: str
    shard: int | None
    subaccount: int | None
    client_order_id: str | None = None


class Memory:
    """Bounded maps from ids to what was learnt about them."""

    def __init__(self) -> None:
        self._rules: OrderedDict[str, MarketRules] = OrderedDict()
        self._routes: OrderedDict[str, Route] = OrderedDict()
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._latest: datetime | None = None

    @property
    def latest(self) -> datetime | None:
        """When the last change happened that an order showed, by the venue's clock."""
        return self._latest

    def rules(self, market_id: str) -> MarketRules | None:
        """The rules of a market that was seen."""
        return self._rules.get(market_id)

    def forget_rules(self, market_id: str) -> None:
        """Ask again next time: the venue contradicted what was remembered."""
        self._rules.pop(market_id, None)

    def learn_markets(self, markets: Iterable[Market], now: float) -> None:
        """Remember the rules of markets that passed by."""
        for market in markets:
            rules = MarketRules.of(market, now)
            _put(self._rules, market.market_id, rules, _MOST_MARKETS)

    def route(self, order_id: str) -> Route | None:
        """Where an order that was seen lives."""
        return self._routes.get(order_id)

    def learn_order(self, order: Order, subaccount: int | None = None) -> None:
        """Remember where an order lives, and the latest that was seen of it."""
        route = Route(order.market_id, order.shard, subaccount, order.client_order_id)
        _put(self._routes, order.order_id, route)
        at = order.updated_at
        if at is not None:
            known = self._orders.get(order.order_id)
            if known is not None and known.updated_at and known.updated_at > at:
                # Read too late: it stands no longer as this shows it.
                return
            if self._latest is None or at > self._latest:
                self._latest = at
        seen = order.in_terms_of(YES)
        _put(self._orders, order.order_id, seen, _MOST_SNAPSHOTS)

    def order(self, order_id: str) -> Order | None:
        """An order as it was last seen, in YES terms; it may have changed since."""
        return self._orders.get(order_id)

    def orders(self) -> tuple[Order, ...]:
        """The orders that were seen last, oldest first, as `order` tells them."""
        return tuple(self._orders.values())


def _put(
    memory: OrderedDict[str, T], key: str, value: T, most: int = _MOST_ORDERS
) -> None:
    memory[key] = value
    if len(memory) > most:
        memory.popitem(last=False)
