"""Finding our orders: by the venue's id, by ours, and with patience for late reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ...errors import ArgumentsRequired, BadRequest, OrderNotFound
from ...flow import Done, Flow, Page, Pages, Sleep, advance
from ...flow import Outcome as Reply
from ...models import Order
from ...settings import Settings
from . import parse
from .account import Account
from .arguments import read_id, read_outcome
from .discovery import Discovery
from .freshness import Freshness
from .history import History
from .identity import check_asked
from .memory import MarketRules, SentKeys
from .quotes import Quotes

__all__ = ["Lookup"]

_PATIENCE = (0.0, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each look for an order that should be there.

A single-order read lagged 360 ms behind an acknowledged cancel (recorded on demo,
2026-06-11), so one empty answer proves nothing.
"""


_RECENT = timedelta(hours=1)


class Lookup(Account, History, Quotes, Discovery, Freshness):
    """Reads one order, wherever it is, and the rules of its market."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sent = SentKeys()

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order by either id; see `Exchange.fetch_order`."""
        if order_id is not None and client_order_id is None:
            found = yield from self.read_order(order_id, market_id)
        elif client_order_id is not None and order_id is None:
            found = yield from self.by_key(client_order_id, market_id)
        else:
            message = "give order_id or client_order_id, one of them"
            raise ArgumentsRequired(message, venue=self.id)
        if found is None or market_id not in (None, found.market_id):
            raise self.unknown_order(order_id or client_order_id, market_id)
        if found.filled and found.average_price is None:
            found = yield from self.average_from_fills(found)
        return found if outcome is None else found.in_terms_of(read_outcome(outcome))

    def by_key(
        self,
        client_order_id: str,
        market_id: str | None,
        subaccount: int | None = None,
    ) -> Flow[Order | None]:
        """An order by our id; one not shown is looked for again when reads are fresh."""
        has_key = _has_key(client_order_id)
        scope = None if subaccount is None else {"subaccount": subaccount}
        since = self.venue_now()
        for order in reversed(self.memory.orders()):
            if has_key(order):
                found = yield from self.read_order(order.order_id, order.market_id)
                if found is not None and has_key(found):
                    return found
                break
        found = yield from _first(
            self.fetch_orders(market_id=market_id, params=scope), has_key
        )
        if found is not None:
            return found
        stale = yield from self.until_fresh(since)
        recent = self.fetch_orders(
            market_id=market_id, since=since - _RECENT, params=scope
        )
        found = yield from _first(recent, has_key)
        if found is None and stale is not None:
            error = self.unknown_order(client_order_id, market_id)
            error.add(f". It may be too new to be shown: {stale.message}")
            error.leave_in_doubt()
            raise error from stale
        return found

    def read_order(
        self, order_id: str, market_id: str | None = None, *, urgent: bool = False
    ) -> Flow[Order | None]:
        """An order by the venue's id, live or archived; None if it is nowhere.

        One that this object has seen is there, so it is looked for with patience.
        ``urgent`` if a cancel waits for it.
        """
        found = yield from self._live_order(order_id, urgent=urgent)
        if found is None:
            found = yield from _first(
                self.archived_orders(market_id=market_id, urgent=urgent),
                lambda order: order.order_id == order_id,
            )
        waits = _PATIENCE[1:] if self.memory.route(order_id) else ()
        for wait in waits:
            if found is not None:
                break
            yield Sleep(wait)
            found = yield from self._live_order(order_id, urgent=urgent)
        return found

    def _live_order(self, order_id: str, *, urgent: bool = False) -> Flow[Order | None]:
        path = f"/portfolio/orders/{read_id('order_id', order_id)}"
        call = self.read(path, about=f"order {order_id}", private=True, urgent=urgent)
        try:
            response = yield from self.send(call)
        except OrderNotFound:
            return None
        found = parse.order(response.body)
        check_asked(found.order_id, (order_id,), "order_id")
        return self.known_order(found)

    def find(
        self,
        client_order_id: str,
        market_id: str | None,
        subaccount: int | None = None,
    ) -> Flow[Order | None]:
        """An order that should be there, looked for again while reads may lag."""
        scope = None if subaccount is None else {"subaccount": subaccount}
        since = datetime.fromtimestamp(self.clock.now(), UTC) - _RECENT
        has_key = _has_key(client_order_id)
        for wait in _PATIENCE:
            if wait:
                yield Sleep(wait)
            found = yield from _first(
                self.fetch_orders(market_id=market_id, since=since, params=scope),
                has_key,
            )
            if found is not None:
                return found
        return (
            yield from _first(
                self.fetch_orders(market_id=market_id, params=scope), has_key
            )
        )

    def find_everywhere(self, client_order_id: str) -> Flow[Order | None]:
        """An order on any market and subaccount that the key may see."""
        has_key = _has_key(client_order_id)
        return (yield from _first(self.orders_everywhere(), has_key))

    def rules(self, market_id: str, *, fresh: bool = False) -> Flow[MarketRules]:
        """What must be known of a market to trade on it."""
        known = None if fresh else self.memory.rules(market_id)
        if known is None:
            yield from self.fetch_market(market_id)
            known = self.memory.rules(market_id)
            assert known is not None
        return known

    def check_market(self, order_id: str, market_id: str | None) -> None:
        """Refuse a market that an order which was seen does not belong to."""
        route = self.memory.route(order_id)
        if route is None or market_id in (None, route.market_id):
            return
        message = (
            f"order {order_id} is on {route.market_id}, not on {market_id}: leave "
            "market_id out or correct it"
        )
        raise BadRequest(message, venue=self.id)

    def _subaccount_of(self, order_id: str) -> int | None:
        route = self.memory.route(order_id)
        return self.subaccount if route is None else route.subaccount

    def unknown_order(
        self, order_id: str | None, market_id: str | None = None
    ) -> OrderNotFound:
        """The error for an order that is nowhere on the account."""
        where = "on this account" if market_id is None else f"on {market_id}"
        message = (
            f"order {order_id!r} is neither live nor archived {where}; look through "
            "fetch_orders(), and check the environment and the key's subaccount"
        )
        return OrderNotFound(message, venue=self.id)


def _has_key(client_order_id: str) -> Callable[[Order], bool]:
    return lambda order: order.client_order_id == client_order_id


def _first(pages: Pages[Order], wanted: Callable[[Order], bool]) -> Flow[Order | None]:
    """The first match of a listing, without reading further."""
    reply: Reply | BaseException = None
    try:
        while not isinstance(step := advance(pages, reply), Done):
            reply = None
            if isinstance(step, Page):
                for item in step.items:
                    if wanted(item):
                        return item
                continue
            try:
                reply = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                reply = error
        return None
    finally:
        pages.close()
