"""What the adapter remembers between calls: market rules, and where orders live.

Kalshi is sharded: a cancel that names neither shard nor market is looked for on shard 0
(docs.kalshi.com, exchange sharding, 2026-08).  So every market and order that passes by
leaves its shard here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import attrs

from ... import fork
from ...grid import PriceGrid
from ...models import Market, MarketStatus, Order, Outcome
from .arguments import YES

__all__ = ["MarketRules", "Memory", "Route", "SentKeys"]

T = TypeVar("T")

_MOST_ORDERS = 200_000
"""As many as Kalshi lets one account keep open (docs.kalshi.com, 2026-10)."""
_MOST_SNAPSHOTS = 10_000
_MOST_MARKETS = 200_000


@attrs.frozen(slots=True, eq=False, repr=False)
class MarketRules:
    """What must be known of a market to place an order on it."""

    market_id: str
    event_id: str
    grid: PriceGrid
    lot: Decimal
    minimum_size: Decimal
    outcomes: tuple[Outcome, ...]
    status: MarketStatus
    shard: int
    is_combination: bool
    seen_at: float

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
            market.shard,
            market.is_combination,
            seen_at,
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


class SentKeys:
    """Idempotency keys that this object has sent, so that an intent leaves once.

    With each is kept what kind of order it was sent with: Kalshi does not tell that.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[str, str | None] = OrderedDict()
        self._free: set[str] = set()
        self._doubtful: set[str] = set()
        self._lock = fork.lock()

    def begin(self, key: str, kind: str | None = None) -> bool:
        """Claim a key; False if it was claimed before."""
        with self._lock:
            if key not in self._keys:
                self._free.discard(key)
                self._doubtful.discard(key)
                _put(self._keys, key, kind)
                return True
            is_free = key in self._free
            self._free.discard(key)
            return is_free

    def is_known(self, key: str) -> bool:
        """Whether a key was claimed, and not given back after a refusal."""
        return key in self._keys

    def kind(self, key: str) -> str | None:
        """What kind of order first left with a key; None if that is not known."""
        return self._keys.get(key)

    def release(self, key: str) -> None:
        """Let a key be sent again: whether its order exists is not known."""
        with self._lock:
            if key in self._keys:
                # Keys that were dropped for their number must not gather here.
                self._free &= self._keys.keys()
                self._doubtful &= self._keys.keys()
                self._free.add(key)
                self._doubtful.add(key)

    def doubt(self, key: str) -> None:
        """Know that another process has sent a key that was claimed here."""
        with self._lock:
            self._doubtful.add(key)

    def is_doubtful(self, key: str) -> bool:
        """Whether an order that left with a key before may be at the venue."""
        return key in self._doubtful

    def forget(self, key: str) -> None:
        """Give a key back after the venue refused it for good."""
        with self._lock:
            self._keys.pop(key, None)
            self._free.discard(key)
            self._doubtful.discard(key)

    def give_back(self, key: str) -> None:
        """Give a key back of which this time nothing arrived, nor before as is known."""
        if self.is_doubtful(key):
            self.release(key)
        else:
            self.forget(key)
