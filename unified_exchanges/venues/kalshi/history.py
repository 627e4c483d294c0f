"""What happened on Kalshi: trades, orders, fills and settlements, live and archived.

Every listing is complete: Kalshi keeps about two weeks in the live endpoints and the rest
in an archive, and both come as one list, newest first, without duplicates.  The archive
is asked only by whoever reads that far.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from ...flow import Flow, Pages, collect
from ...models import Fill, Order, Params, Settlement, Trade
from . import parse
from .archive import Archive
from .arguments import (
    Span,
    read_limit,
    read_optional_id,
    read_outcome,
    read_params,
)
from .merging import changed, live_then_archive, newest_first

__all__ = ["History"]

_Query: TypeAlias = Mapping[str, object]

_CREATED: Final = attrgetter("created_at")
_TRADE_ID: Final = attrgetter("trade_id")
_ORDER_ID: Final = attrgetter("order_id")
# Two subaccounts that trade with each other share the id (asyncapi, fill, 2026-08).
_FILL_ID: Final = attrgetter("fill_id", "order_id")
_SUBACCOUNT: Final = re.compile(rb'"subaccount_number"\s*:\s*(\d+)')

_PAGING: Final = ("cursor", "limit", "max_ts", "min_ts")
_TRADE_ARGUMENTS: Final = (*_PAGING, "ticker")
_ORDER_ARGUMENTS: Final = (*_PAGING, "event_ticker", "status", "ticker")
_FILL_ARGUMENTS: Final = (*_PAGING, "order_id", "ticker")
_SETTLEMENT_ARGUMENTS: Final = (*_PAGING, "event_ticker", "ticker")


class History(Archive):
    """Trades, orders, fills and settlements."""

    # -- public trades --------------------------------------------------------------

    def fetch_trades(
        self,
        market_id: str | None = None,
        *,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Trade]:
        """Public trades, newest first, in YES terms or in those of ``outcome``.

        ``since`` and ``until`` are both included.  ``params`` takes ``is_block_trade``.
        """
        label, span, wanted = _read(outcome, since, until, limit)
        query = {
            "ticker": read_optional_id("market_id", market_id),
            **span.query(),
            **read_params(params, _TRADE_ARGUMENTS),
        }
        seen: set[Hashable] = set()

        def tier(path: str) -> Pages[Trade]:
            return self.listing(
                path,
                query,
                parse.trades_page,
                _TRADE_ID,
                about="trades",
                limit=wanted,
                ahead=ahead,
                seen=seen,
            )

        def told(trades: list[Trade]) -> list[Trade]:
            return [x.in_terms_of(label) for x in trades if span.holds(x.created_at)]

        cutoff = yield from self.cutoff()
        yield from changed(
            live_then_archive(
                tier("/markets/trades"),
                tier("/historical/trades"),
                boundary=span.boundary(cutoff.trades),
                moment=_CREATED,
            ),
            told,
        )

    # -- our orders -----------------------------------------------------------------

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

        Each is told as it was put, if this object placed it, else in YES terms;
        ``outcome`` tells all in its own.  Without a subaccount those of all come.
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

    def archived_orders(self, *, market_id: str | None = None) -> Pages[Order]:
        """Our orders that ended before the cutoff, newest first."""
        query = {
            "ticker": read_optional_id("market_id", market_id),
            "subaccount": self.subaccount,
        }
        return changed(
            self._order_pages("/historical/orders", query, None),
            lambda orders: map(self.known_order, orders),
        )

    def known_order(self, order: Order, outcome: str | None = None) -> Order:
        """Remember where an order lives; tell it as it was put, or for ``outcome``."""
        self.memory.learn_order(order, _subaccount(order, self.subaccount))
        if outcome is None:
            terms = self.memory.terms(order.client_order_id)
            outcome = None if terms is None else terms.outcome
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
            "min_ts": span.query()["min_ts"],
            **read_params(params, _ORDER_ARGUMENTS),
        }
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
            return self._order_pages("/portfolio/orders", query, limit, ahead, seen)

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
        ahead: bool = False,  # noqa: FBT001, FBT002 - private, and named where it is used
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
            seen=seen,
        )

    # -- our fills ------------------------------------------------------------------

    def fetch_fills(
        self,
        *,
        market_id: str | None = None,
        order_id: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Fill]:
        """Our executions with their fees, newest first.

        Each is told as its order was put, if this object knows that order, else in YES
        terms; ``outcome`` tells all in its own.  Without a subaccount those of all come.
        """
        span, wanted = Span.read(since, until), read_limit(limit)
        label = None if outcome is None else read_outcome(outcome)
        order = read_optional_id("order_id", order_id)
        given = {
            "ticker": read_optional_id("market_id", market_id),
            "subaccount": self.subaccount,
            **span.query(),
            **read_params(params, _FILL_ARGUMENTS),
        }
        shard = given.get("exchange_index")
        seen: set[Hashable] = set()

        def told(fills: list[Fill]) -> list[Fill]:
            return [
                self._known_fill(fill, label)
                for fill in fills
                if span.holds(fill.created_at) and shard in (None, fill.shard)
            ]

        cutoff = yield from self.cutoff()
        yield from changed(
            live_then_archive(
                self._fill_pages(
                    "/portfolio/fills",
                    {**given, "order_id": order},
                    limit=wanted,
                    ahead=ahead,
                    seen=seen,
                ),
                self._archived_fills(order, given, cutoff.trades, wanted, seen),
                boundary=span.boundary(cutoff.trades),
                moment=_CREATED,
            ),
            told,
        )

    def _archived_fills(
        self,
        order_id: str | None,
        given: _Query,
        cutoff: datetime,
        limit: int | None,
        seen: set[Hashable],
    ) -> Pages[Fill]:
        """Archived fills; the archive cannot be filtered by order, so that is done here."""
        query = {k: v for k, v in given.items() if k != "exchange_index"}
        path = "/historical/fills"
        if order_id is None:
            yield from self._fill_pages(path, query, limit=limit, seen=seen)
            return
        found = yield from self._live_order(order_id)
        if found is not None:
            if found.created_at is not None and found.created_at >= cutoff:
                return
            query["ticker"] = found.market_id
        elif route := self.memory.route(order_id):
            query["ticker"] = route.market_id
        yield from changed(
            self._fill_pages(path, query, seen=seen),
            lambda fills: [fill for fill in fills if fill.order_id == order_id],
        )

    def _live_order(self, order_id: str) -> Flow[Order | None]:
        call = self.read(
            f"/portfolio/orders/{order_id}", about=f"order {order_id}", private=True
        )
        response = yield from self.read_if_there(call)
        return None if response is None else parse.order(response.body)

    def _known_fill(self, fill: Fill, outcome: str | None) -> Fill:
        route = self.memory.route(fill.order_id)
        if route is not None:
            fill = attrs.evolve(fill, client_order_id=route.client_order_id)
        if outcome is None:
            terms = self.memory.terms(fill.client_order_id)
            outcome = None if terms is None else terms.outcome
        return fill if outcome is None else fill.in_terms_of(outcome)

    def _fill_pages(
        self,
        path: str,
        query: _Query,
        *,
        limit: int | None = None,
        ahead: bool = False,
        seen: set[Hashable] | None = None,
    ) -> Pages[Fill]:
        return self.listing(
            path,
            query,
            parse.fills_page,
            _FILL_ID,
            about="fills",
            limit=limit,
            private=True,
            ahead=ahead,
            seen=seen,
        )

    # -- settlements ----------------------------------------------------------------

    def fetch_settlements(
        self,
        *,
        market_id: str | None = None,
        event_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Settlement]:
        """Positions that were paid out, newest first.

        Kalshi documents no archive of settlements: what its endpoint gives is all there
        is (docs.kalshi.com, 2026-10).
        """
        span = Span.read(since, until)
        query = {
            "ticker": read_optional_id("market_id", market_id),
            "event_ticker": read_optional_id("event_id", event_id),
            "subaccount": self.subaccount,
            **span.query(),
            **read_params(params, _SETTLEMENT_ARGUMENTS),
        }
        yield from changed(
            self.listing(
                "/portfolio/settlements",
                query,
                _settlements_page,
                lambda found: (found[0].raw_json, found[1]),
                about="settlements",
                limit=read_limit(limit),
                private=True,
                ahead=ahead,
            ),
            lambda found: [x for x, _ in found if span.holds(x.settled_at)],
        )


@attrs.frozen(slots=True)
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
            Span.read(since, until),
            read_limit(limit),
        )


def _read(
    outcome: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
) -> tuple[str, Span, int | None]:
    return read_outcome(outcome), Span.read(since, until), read_limit(limit)


def _subaccount(order: Order, default: int | None) -> int | None:
    """The subaccount that an order belongs to: a cancel must name it."""
    found = _SUBACCOUNT.search(order.raw_json)
    return default if found is None else int(found[1])


def _settlements_page(
    body: bytes,
) -> tuple[list[tuple[Settlement, int]], str | None]:
    """The settlements of a page, equal ones numbered.

    A settlement has no id, and two subaccounts may have settled the very same position.
    """
    settlements, cursor = parse.settlements_page(body)
    counted: Counter[bytes] = Counter()
    numbered = []
    for settlement in settlements:
        numbered.append((settlement, counted[settlement.raw_json]))
        counted[settlement.raw_json] += 1
    return numbered, cursor
