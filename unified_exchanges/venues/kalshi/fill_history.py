"""Our fills on Kalshi, live and archived as one list, newest first."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from ...flow import Flow, Page, Pages, collect
from ...models import Fill, Order, Params
from ...money import EXACT, div, total, total_if_known
from ...venue.merging import changed, live_then_archive, next_page
from . import parse
from .arguments import (
    bounds,
    read_limit,
    read_optional_id,
    read_outcome,
    read_params,
    read_span,
)
from .existence import Existence

__all__ = ["FillHistory"]

_Query: TypeAlias = Mapping[str, object]

_CREATED: Final = attrgetter("created_at")
# Two subaccounts that trade with each other share the id (asyncapi, fill, 2026-08).
_FILL_ID: Final = attrgetter("fill_id", "order_id")
_ARGUMENTS: Final = ("cursor", "limit", "max_ts", "min_ts", "order_id", "ticker")
_KNOWN: Final = {"exchange_index": int, "subaccount": int}


class FillHistory(Existence):
    """Lists executions of our orders."""

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

        They are told in YES terms, or in those of ``outcome``.  Without a subaccount
        those of all come; ``params`` takes ``subaccount`` and ``exchange_index``.  A
        market that does not exist raises `MarketNotFound`, an order `OrderNotFound`.
        """
        fills = self._fills(
            market_id=market_id,
            order_id=order_id,
            outcome=outcome,
            since=since,
            until=until,
            limit=limit,
            params=params,
            ahead=ahead,
        )
        if order_id is None:
            return fills
        return self._of_order(fills, order_id, market_id)

    def _of_order(
        self, pages: Pages[Fill], order_id: str, market_id: str | None
    ) -> Pages[Fill]:
        """Fills of an order, which must exist if there are none."""
        is_empty = True
        try:
            while (items := (yield from next_page(pages))) is not None:
                is_empty = is_empty and not items
                yield Page(items)
        finally:
            pages.close()
        route = self.memory.route(order_id)
        known = route is not None and market_id in (None, route.market_id)
        if is_empty and not known:
            yield from self.fetch_order(order_id, market_id=market_id)

    def _fills(
        self,
        *,
        order_id: str | None,
        outcome: str | None,
        market_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        params: Params | None = None,
        ahead: bool = False,
    ) -> Pages[Fill]:
        span, wanted = read_span(since, until), read_limit(limit)
        label = None if outcome is None else read_outcome(outcome)
        order = read_optional_id("order_id", order_id)
        given: _Query = {
            "ticker": read_optional_id("market_id", market_id),
            "subaccount": self.subaccount,
            **bounds(span),
            **read_params(params, _ARGUMENTS, _KNOWN),
        }
        shard = given.get("exchange_index")
        seen: set[Hashable] = set()

        def told(fills: list[Fill]) -> list[Fill]:
            return [
                self._known_fill(fill, label)
                for fill in fills
                if span.holds(fill.created_at) and shard in (None, fill.shard)
            ]

        def both() -> Pages[Fill]:
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

        return self.existing(both(), market_id=market_id)

    def average_from_fills(self, order: Order) -> Flow[Order]:
        """The order with its average price and fee out of its fills.

        For what Kalshi leaves out of an order that is read: the average of an ask.  The
        price is Σ price × size / Σ size in the order's terms to 28 digits, the fee their
        exact sum.  Fills lag behind their order: as long as they do not add up to what
        it filled, it comes back as it was given.
        """
        if not order.filled:
            return order
        fills = yield from collect(
            self._fills(order_id=order.order_id, outcome=order.outcome)
        )
        if not fills or total(fill.size for fill in fills) != order.filled:
            return order
        paid = total(EXACT.multiply(fill.price, fill.size) for fill in fills)
        return attrs.evolve(
            order,
            average_price=div(paid, order.filled),
            fee=total_if_known(fill.fee for fill in fills),
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

    @abstractmethod
    def _live_order(self, order_id: str) -> Flow[Order | None]:
        """Read an order by the venue's id; None if it is not live."""

    def _known_fill(self, fill: Fill, outcome: str | None) -> Fill:
        route = self.memory.route(fill.order_id)
        if route is not None:
            fill = attrs.evolve(fill, client_order_id=route.client_order_id)
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
