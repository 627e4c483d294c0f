"""Our orders and fills on Polymarket.

The CLOB lists open orders only.  One that ended is told by its id (docs.polymarket.com,
2026-10; not seen in 2026-07), and its fills are in the trades.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

import attrs

from ...errors import ArgumentsRequired, BadRequest, OrderNotFound
from ...flow import Flow, Page, Pages, collect
from ...models import Fill, FillState, Order, OrderStatus, Params, TimeInForce
from ...money import EXACT, ZERO, total
from ...venue.merging import next_page
from . import parse
from .arguments import (
    Span,
    read_limit,
    read_market_id,
    read_order_id,
    read_params,
    read_span,
)
from .asked import check_asked
from .newest_first import NewestFirst
from .own_trades import OwnTrades, Scope, after

__all__ = ["OrderHistory"]

_log = logging.getLogger(__name__)

_ORDERS: Final = "/clob/data/orders"
_ORDER_ID: Final = attrgetter("order_id")
_INFERRED: Final = frozenset({"status", "filled", "remaining"})
_ORDER_ARGUMENTS: Final = ("asset_id", "market", "next_cursor")


class OrderHistory(OwnTrades):
    """Reads orders and fills."""

    # -- one order ------------------------------------------------------------------

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order by its id, with its average price and fee out of its fills.

        By ``client_order_id`` only one that this object placed: the venue never hears our
        ids.  Raises `OrderNotFound`.
        """
        name = self._one_name(order_id, client_order_id)
        market = None if market_id is None else read_market_id(market_id)
        found = yield from self.read_order(name, market)
        if found is None or market not in (None, found.market_id):
            raise self.unknown_order(name)
        if outcome is not None:
            known = yield from self.known(found.market_id)
            if known.outcome(outcome).label != found.outcome:
                message = (
                    f"order {name} is of {found.outcome!r}, and each outcome has its own "
                    f"book: it cannot be told of {outcome!r}"
                )
                raise BadRequest(message, venue=self.id)
        return (yield from self.with_average(found)) if found.filled else found

    def _one_name(self, order_id: object, client_order_id: str | None) -> str:
        if (order_id is None) == (client_order_id is None):
            message = "give order_id or client_order_id, one of them"
            raise ArgumentsRequired(message, venue=self.id)
        if client_order_id is None:
            return read_order_id(order_id)
        found = self.memory.order_id(client_order_id)
        if found is None:
            message = (
                f"no order {client_order_id!r} was placed here; Polymarket knows no ids of "
                "ours: look it up by its order_id"
            )
            raise OrderNotFound(message, venue=self.id, client_order_id=client_order_id)
        return found

    def read_order(
        self, order_id: str, market_id: str | None = None, *, urgent: bool = False
    ) -> Flow[Order | None]:
        """An order by its id; None if neither the venue nor this object knows it.

        One that this object saw open, and that the venue does not tell, is `concluded`.
        """
        call = self.read(
            f"/clob/data/order/{order_id}",
            about=f"order {order_id}",
            private=True,
            urgent=urgent,
        )
        response = yield from self.read_if_there(call)
        found = None if response is None else self.order_of(response.body)
        if found is not None:
            check_asked(found.order_id, (order_id,), "id")
            return self.memory.learn_order(found)
        seen = self.memory.order(order_id)
        if seen is None or market_id not in (None, seen.market_id):
            return seen
        if not (seen.is_open or seen.is_inferred):
            return seen
        return (yield from self.concluded(seen))

    def order_of(self, body: bytes) -> Order | None:
        """The order of an answer, without the API key that its payload names."""
        return parse.order(self.ours().without_key(body))

    def _orders_of(self, body: bytes) -> tuple[list[Order], str | None]:
        return parse.orders_page(self.ours().without_key(body))

    def concluded(self, order: Order) -> Flow[Order]:
        """How an order stands that was open, and that the venue does not tell by its id.

        That alone proves nothing: a read may miss what is there, an order that a game's
        delay holds is in no list, and in 2026-07 nothing was told of orders that had ended.
        So it has ended if it is not among the open ones and

        * its fills make it whole: that is a fact, and all else is inferred; or
        * the venue said that it cancelled it; or
        * it fills whole or not at all, and has filled something; or
        * no look has shown it for as long as an order may be on its way.

        The trades may tell one part of a match before the others, so a part that filled
        ends nothing else: not what takes at once either.

        Until then it stands as it was seen.  Where that is inferred, its cancel is sent all
        the same, and who sees it open again counts it again.
        """
        for listed in (yield from collect(self.open_orders(order.market_id))):
            if listed.order_id == order.order_id:
                return listed
        fills = yield from self.fills_of(order)
        told = total(fill.size for fill in fills)
        filled = max(told, order.filled)
        size = max(order.size, filled)
        is_all_or_none = order.time_in_force is TimeInForce.FOK
        if filled and is_all_or_none:
            filled = size
        left = EXACT.subtract(size, filled)
        is_proven = not left and (told >= size or not is_all_or_none)
        now = self.clock.monotonic()
        missed = now - self.memory.missing_since(order.order_id, now)
        is_over = (
            self.memory.was_canceled(order.order_id) or missed >= self.retry.order_grace
        )
        status = order.status if order.is_open else OrderStatus.OPEN
        if not left:
            status = OrderStatus.CLOSED
        elif is_over:
            status, left = OrderStatus.CANCELED, ZERO
        found = attrs.evolve(
            order,
            size=size,
            filled=filled,
            remaining=left,
            status=status,
            computed=frozenset() if is_proven else _INFERRED,
        )
        return self.memory.learn_order(found)

    def unknown_order(self, order_id: str) -> OrderNotFound:
        """The error for an order that is not known."""
        message = (
            f"order {order_id!r} is not open, and the venue tells nothing else of it; "
            "fetch_fills(order_id=…) tells what it filled. Check the key and environment="
        )
        return OrderNotFound(message, venue=self.id)

    # -- lists of orders ------------------------------------------------------------

    def fetch_open_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Order]:
        """Our resting orders, as the venue lists them; with ``outcome``, those of it.

        Average prices and fees are not told: `fetch_order` works them out.  A market or
        event that does not exist raises `MarketNotFound` or `EventNotFound`.
        """
        read_limit(limit)
        read_params(params, _ORDER_ARGUMENTS, {})
        return self._open(market_id, event_id, outcome)

    def _open(
        self, market_id: str | None, event_id: str | None, outcome: str | None
    ) -> Pages[Order]:
        wanted = yield from self.scope(market_id, event_id, outcome, Span())
        yield from self._open_pages(wanted)

    def _open_pages(self, wanted: Scope, *, urgent: bool = False) -> Pages[Order]:
        query: dict[str, object] = {"asset_id": wanted.token}
        if wanted.market_ids is not None and len(wanted.market_ids) == 1:
            query["market"] = next(iter(wanted.market_ids))
        pages = self.ledger(
            _ORDERS, query, self._orders_of, _ORDER_ID, about="orders", urgent=urgent
        )
        try:
            while (orders := (yield from next_page(pages))) is not None:
                known = [self.memory.learn_order(order) for order in orders]
                yield Page([order for order in known if wanted.holds(order)])
        finally:
            pages.close()

    def open_orders(self, market_id: str | None = None) -> Pages[Order]:
        """What is open, for a cancel: before other reads; the market may be unknown."""
        ids = None if market_id is None else frozenset([market_id])
        return self._open_pages(Scope(ids, None, Span()), urgent=True)

    def fetch_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Order]:
        """Our orders, newest first, by the time they were created.

        The open ones; of those that ended, those that filled something since ``since`` and
        that the venue still tells by their id, and those that this object has seen.  Each
        is a request, as far as they are wanted, until this object has seen it end and its
        trades are final.  An order that was cancelled unfilled by another program is not
        listed anywhere.
        """
        read_limit(limit)
        read_params(params, _ORDER_ARGUMENTS, {})
        return self._all(
            market_id, event_id, outcome, read_span(since, until), with_open=True
        )

    def fetch_closed_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Order]:
        """Our orders that no longer rest, newest first, as far as `fetch_orders` has them."""
        read_limit(limit)
        read_params(params, _ORDER_ARGUMENTS, {})
        return self._all(
            market_id, event_id, outcome, read_span(since, until), with_open=False
        )

    def _all(
        self,
        market_id: str | None,
        event_id: str | None,
        outcome: str | None,
        span: Span,
        *,
        with_open: bool,
    ) -> Pages[Order]:
        wanted = yield from self.scope(market_id, event_id, outcome, span)
        always = attrs.evolve(wanted, span=Span())
        open_now = yield from collect(self._open_pages(always))
        names = {order.order_id for order in open_now}
        query = after(span.since)
        if market_id is not None:
            query["market"] = read_market_id(market_id)
        fills = yield from collect(self.own_fills(query))
        listing = NewestFirst(span)
        if with_open:
            listing.add(order for order in open_now if wanted.holds(order))
        for name, parts in self._known(always, fills).items():
            if name in names:
                continue
            seen = self.memory.order(name)
            if seen is None or not _is_final(seen, parts):
                listing.expect(name, seen, parts)
            elif wanted.holds(seen):
                listing.add([seen])
        yield Page(listing.due())
        while (due := listing.next()) is not None:
            order = yield from self.read_order(due)
            if order is None:
                _log.warning("order %s filled, and the venue tells no more of it", due)
            elif wanted.holds(order) and (with_open or not order.is_open):
                listing.add([order])
            yield Page(listing.due())

    def _known(self, wanted: Scope, fills: Sequence[Fill]) -> dict[str, list[Fill]]:
        """The orders that filled, or that this object has seen, with their fills."""
        found: dict[str, list[Fill]] = {}
        for fill in fills:
            if wanted.market_ids is None or fill.market_id in wanted.market_ids:
                found.setdefault(fill.order_id, []).append(fill)
        for order in self.memory.orders():
            if wanted.holds(order):
                found.setdefault(order.order_id, [])
        return found


def _is_final(order: Order, fills: Sequence[Fill]) -> bool:
    """Whether a read would tell the same of an order: what it filled is settled too."""
    if order.is_open or order.is_inferred:
        return False
    is_settled = all(fill.state is FillState.FINAL for fill in fills)
    return is_settled and total(fill.size for fill in fills) == order.filled
