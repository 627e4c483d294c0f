"""Our orders on Kalshi, live and archived as one list, newest first."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from ...flow import Pages, collect
from ...models import Order, Params
from ...venue.merging import changed, live_then_archive, newest_first
from . import parse
from .arguments import (
    Span,
    bounds,
    read_limit,
    read_optional_id,
    read_outcome,
    read_params,
    read_span,
)
from .existence import Existence

__all__ = ["OrderHistory"]

_Query: TypeAlias = Mapping[str, object]

_CREATED: Final = attrgetter("created_at")
_ORDER_ID: Final = attrgetter("order_id")
_SUBACCOUNT: Final = re.compile(rb'"subaccount_number"\s*:\s*(\d+)')
_ARGUMENTS: Final = (
    "cursor",
    "event_ticker",
    "limit",
    "max_ts",
    "min_ts",
    "status",
    "ticker",
)
_KNOWN: Final = {"exchange_index": int, "subaccount": int}


class OrderHistory(Existence):
    """Lists orders."""

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
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders, newest first, by the time they were created.

        They are told in YES terms, or in those of ``outcome``.  Without a subaccount
        those of all come; ``params`` takes ``subaccount`` and ``exchange_index``.  A
        market or event that does not exist raises `MarketNotFound` or `EventNotFound`.
        """
        return self._orders(
            _Wanted.read(market_id, event_id, outcome, since, until, limit),
            (None,),
            params=params,
            ahead=ahead,
        )

    def fetch_open_orders(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        outcome: str | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our resting orders, newest first; those are never archived."""
        return self._orders(
            _Wanted.read(market_id, event_id, outcome, None, None, limit),
            ("resting",),
            params=params,
            ahead=ahead,
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
        ahead: bool = False,
    ) -> Pages[Order]:
        """Our orders that no longer rest, newest first, by the time they were created."""
        return self._orders(
            _Wanted.read(market_id, event_id, outcome, since, until, limit),
            ("executed", "canceled"),
            params=params,
            ahead=ahead,
        )

    def resting_orders(
        self, market_id: str | None, params: Params | None
    ) -> Pages[Order]:
        """What is open, for a cancel: before other reads; the market may be unknown."""
        given = {
            "subaccount": self.subaccount,
            **read_params(params, _ARGUMENTS, _KNOWN),
        }
        wanted = _Wanted.read(market_id, None, None, None, None, None)
        return self._listed(wanted, ("resting",), given, ahead=False, urgent=True)

    def cancelled_orders(self, since: datetime | None) -> Pages[Order]:
        """What was cancelled of live orders created since then, before other reads."""
        query = {
            "status": "canceled",
            "min_ts": None if since is None else int(since.timestamp()),
        }
        return changed(
            self._order_pages("/portfolio/orders", query, None, urgent=True),
            lambda orders: map(self.known_order, orders),
        )

    def orders_everywhere(self) -> Pages[Order]:
        """Our orders on every subaccount that the key may see, newest first."""
        wanted = _Wanted.read(None, None, None, None, None, None)
        return self._listed(wanted, (None,), {}, ahead=False)

    def orders_on(self, market_id: str, subaccount: int | None) -> Pages[Order]:
        """Our orders on a market, all there ever were; none if the market is gone too."""
        wanted = _Wanted.read(market_id, None, None, None, None, None)
        return self._listed(wanted, (None,), {"subaccount": subaccount}, ahead=False)

    def archived_orders(
        self, *, market_id: str | None = None, urgent: bool = False
    ) -> Pages[Order]:
        """Our orders that ended before the cutoff, newest first."""
        query = {
            "ticker": read_optional_id("market_id", market_id),
            "subaccount": self.subaccount,
        }
        return changed(
            self._order_pages("/historical/orders", query, None, urgent=urgent),
            lambda orders: map(self.known_order, orders),
        )

    def known_order(self, order: Order, outcome: str | None = None) -> Order:
        """Remember where an order lives; tell it in YES terms, or for ``outcome``."""
        route = self.memory.route(order.order_id)
        # Of an order that was placed here it stays as it was asked for: else the words of
        # its cancel would hang on whether a read came in between, and no replay knew them.
        told = (
            _subaccount(order, self.subaccount) if route is None else route.subaccount
        )
        self.memory.learn_order(order, told)
        return order if outcome is None else order.in_terms_of(outcome)

    def _orders(
        self,
        wanted: _Wanted,
        statuses: tuple[str | None, ...],
        *,
        params: Params | None,
        ahead: bool,
    ) -> Pages[Order]:
        span = wanted.span
        given = {
            "subaccount": self.subaccount,
            # Kalshi does not say whether an order's time is that of its creation or of
            # its last change (docs.kalshi.com, 2026-10).  Asking for what is later than
            # since is right for both; asking for what is earlier than until is not.
            "min_ts": bounds(span)["min_ts"],
            **read_params(params, _ARGUMENTS, _KNOWN),
        }
        return self.existing(
            self._listed(wanted, statuses, given, ahead=ahead),
            market_id=wanted.market_id,
            event_id=wanted.event_id,
        )

    def _listed(
        self,
        wanted: _Wanted,
        statuses: tuple[str | None, ...],
        given: _Query,
        *,
        ahead: bool,
        urgent: bool = False,
    ) -> Pages[Order]:
        span = wanted.span
        shard = given.get("exchange_index")
        limit = wanted.limit if span.until is None else None
        seen: set[Hashable] = set()

        def live(status: str | None) -> Pages[Order]:
            query = {
                "ticker": wanted.market_id,
                "event_ticker": wanted.event_id,
                "status": status,
                **given,
            }
            return self._order_pages(
                "/portfolio/orders", query, limit, ahead=ahead, urgent=urgent, seen=seen
            )

        def told(orders: list[Order]) -> list[Order]:
            return [
                self.known_order(order, wanted.outcome)
                for order in orders
                if span.holds(order.created_at) and shard in (None, order.shard)
            ]

        listing = newest_first(*map(live, statuses), moment=_CREATED)
        if statuses == ("resting",):
            yield from changed(listing, told)
            return
        cutoff = yield from self.cutoff()
        archive = {k: v for k, v in given.items() if k != "exchange_index"}
        yield from changed(
            live_then_archive(
                listing,
                self._archived(wanted, archive, limit, seen),
                boundary=span.boundary(cutoff.orders),
                moment=_CREATED,
            ),
            told,
        )

    def _archived(
        self,
        wanted: _Wanted,
        given: _Query,
        limit: int | None,
        seen: set[Hashable],
    ) -> Pages[Order]:
        """Archived orders; the archive cannot be filtered by event, only by market."""

        def of(market_id: str | None) -> Pages[Order]:
            query = {**given, "ticker": market_id}
            return self._order_pages("/historical/orders", query, limit, seen=seen)

        if wanted.event_id is None or wanted.market_id is not None:
            yield from of(wanted.market_id)
            return
        markets = yield from collect(
            self.fetch_markets(event_id=wanted.event_id, status="all")
        )
        ids = [market.market_id for market in markets]
        yield from newest_first(*map(of, ids), moment=_CREATED)

    def _order_pages(
        self,
        path: str,
        query: _Query,
        limit: int | None,
        *,
        ahead: bool = False,
        urgent: bool = False,
        seen: set[Hashable] | None = None,
    ) -> Pages[Order]:
        return self.listing(
            path,
            query,
            parse.orders_page,
            _ORDER_ID,
            about="orders",
            limit=limit,
            private=True,
            ahead=ahead,
            urgent=urgent,
            seen=seen,
        )


@attrs.frozen(slots=True, eq=False, repr=False)
class _Wanted:
    """Which orders a caller wants, checked."""

    market_id: str | None
    event_id: str | None
    outcome: str | None
    span: Span
    limit: int | None

    @classmethod
    def read(
        cls,
        market_id: str | None,
        event_id: str | None,
        outcome: str | None,
        since: datetime | None,
        until: datetime | None,
        limit: int | None,
    ) -> _Wanted:
        return cls(
            read_optional_id("market_id", market_id),
            read_optional_id("event_id", event_id),
            None if outcome is None else read_outcome(outcome),
            read_span(since, until),
            read_limit(limit),
        )


def _subaccount(order: Order, default: int | None) -> int | None:
    """The subaccount that an order belongs to: a cancel must name it."""
    found = _SUBACCOUNT.search(order.raw_json)
    return default if found is None else int(found[1])
