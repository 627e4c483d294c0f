"""What one object remembers of markets and orders, so that it need not ask again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, TypeVar

import attrs

from ... import fork
from ...errors import BadRequest
from ...grid import PriceGrid
from ...models import Market, Order, Outcome
from ...models.catalog import find_outcome, no_outcome

__all__ = ["Known", "Memory"]

T = TypeVar("T")

_MOST_MARKETS: Final = 100_000
_MOST_ORDERS: Final = 20_000
_MOST_NAMES: Final = 200_000


@attrs.frozen(slots=True)
class Known:
    """A market's two outcomes with their tokens, which never change."""

    market_id: str
    outcomes: tuple[Outcome, ...]

    def outcome(self, name: object) -> Outcome:
        """Find an outcome by label or token, in any case; default the first."""
        if name is None:
            return self.outcomes[0]
        found = find_outcome(self.outcomes, name)
        if found is None:
            message = no_outcome(self.market_id, name, self.outcomes)
            raise BadRequest(message, venue="polymarket")
        return found


class Memory:
    """Markets by id and orders by id; threads may share it."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._markets: dict[str, Known] = {}
        self._grids: OrderedDict[str, PriceGrid] = OrderedDict()
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        """Those of the orders that are not alive."""
        self._client_ids: OrderedDict[str, str] = OrderedDict()
        self._missing: OrderedDict[str, float] = OrderedDict()
        self._canceled: OrderedDict[str, None] = OrderedDict()

    # -- markets --------------------------------------------------------------------

    def learn_market(self, market_id: str, outcomes: tuple[Outcome, ...]) -> Known:
        """Remember a market's tokens."""
        known = Known(market_id, outcomes)
        with self._lock:
            if len(self._markets) >= _MOST_MARKETS:
                self._markets.clear()
            self._markets[market_id] = known
        return known

    def learn_markets(self, markets: Iterable[Market]) -> None:
        """Remember the tokens of markets."""
        for market in markets:
            self.learn_market(market.market_id, market.outcomes)

    def market(self, market_id: str) -> Known | None:
        """What is remembered of a market."""
        return self._markets.get(market_id)

    def grid(self, market_id: str) -> PriceGrid | None:
        """The prices that may be ordered, as was told last: they change at run time."""
        return self._grids.get(market_id)

    def learn_grid(self, market_id: str, grid: PriceGrid) -> None:
        """They are these from now on."""
        with self._lock:
            _put(self._grids, market_id, grid, _MOST_MARKETS)

    # -- orders ---------------------------------------------------------------------

    def name_order(self, order_id: str, client_order_id: str) -> None:
        """Remember our own id of an order: the venue never hears it.

        Those of orders that were seen open stay the longest: what rests may do so for days.
        """
        with self._lock:
            if (
                order_id not in self._client_ids
                and len(self._client_ids) >= _MOST_NAMES
            ):
                self._forget_name()
            self._client_ids[order_id] = client_order_id
            self._client_ids.move_to_end(order_id)

    def forget_name(self, order_id: str) -> None:
        """This is no order of ours."""
        with self._lock:
            self._client_ids.pop(order_id, None)

    def _forget_name(self) -> None:
        names = self._client_ids
        for _ in range(len(names)):
            oldest = next(iter(names))
            if oldest not in self._orders or oldest in self._ended:
                break
            names.move_to_end(oldest)
        names.popitem(last=False)

    def client_id(self, order_id: str) -> str | None:
        """Our own id of an order, if this object placed it."""
        return self._client_ids.get(order_id)

    def order_id(self, client_order_id: str) -> str | None:
        """The venue's id of an order of ours; None if this object did not place it."""
        with self._lock:
            names = reversed(self._client_ids.items())
            return next((ours for ours, mine in names if mine == client_order_id), None)

    def learn_order(self, order: Order) -> Order:
        """Remember an order as it was seen last; it comes back with our own id."""
        named = self._client_ids.get(order.order_id)
        if named is not None and order.client_order_id is None:
            order = attrs.evolve(order, client_order_id=named)
        with self._lock:
            if order.order_id not in self._orders and len(self._orders) >= _MOST_ORDERS:
                self._forget_order()
            _put(self._orders, order.order_id, order, _MOST_ORDERS)
            if order.is_open or order.is_inferred:
                self._ended.pop(order.order_id, None)
            else:
                _put(self._ended, order.order_id, None, _MOST_ORDERS)
            if not order.is_inferred:
                self._missing.pop(order.order_id, None)
        return order

    def _forget_order(self) -> None:
        """One that has ended, if there is one."""
        oldest = next(iter(self._ended or self._orders))
        self._ended.pop(oldest, None)
        self._orders.pop(oldest, None)

    def missing_since(self, order_id: str, now: float) -> float:
        """Since when the venue has told nothing of an order; that it does not now is told.

        In seconds of the monotonic clock.  Whatever it tells of the order ends it.
        """
        with self._lock:
            since = self._missing.get(order_id, now)
            _put(self._missing, order_id, since, _MOST_ORDERS)
            return since

    def learn_canceled(self, order_ids: Iterable[str]) -> None:
        """Remember that the venue said it has cancelled these."""
        with self._lock:
            for order_id in order_ids:
                _put(self._canceled, order_id, None, _MOST_ORDERS)

    def was_canceled(self, order_id: str) -> bool:
        """Whether the venue said so of an order; that it has ended a look must show."""
        return order_id in self._canceled

    def order(self, order_id: str) -> Order | None:
        """An order as it was seen last."""
        return self._orders.get(order_id)

    def orders(self) -> list[Order]:
        """The orders that were seen, the latest seen last."""
        with self._lock:
            return list(self._orders.values())


def _put(things: OrderedDict[str, T], name: str, thing: T, most: int) -> None:
    """Remember something as the latest of so many; whoever reads meanwhile misses nothing."""
    things[name] = thing
    things.move_to_end(name)
    if len(things) > most:
        things.popitem(last=False)
