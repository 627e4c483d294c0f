"""Our fills on Polymarket, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from ...flow import Page, Pages
from ...models import Fill, Params
from ...venue.merging import next_page
from .arguments import Span, read_limit, read_order_id, read_params, read_span
from .order_history import OrderHistory
from .own_trades import after, before

__all__ = ["FillHistory"]

_ARGUMENTS: Final = ("after", "asset_id", "before", "market", "next_cursor")
_KNOWN: Final[Mapping[str, type]] = {"id": str}


class FillHistory(OrderHistory):
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
        ahead: bool = False,  # noqa: ARG002 - what comes next is told by each page only
    ) -> Pages[Fill]:
        """Our executions, newest first, each in the terms of its own outcome.

        Fees are worked out by the market's present schedule.  A fill is settled on chain
        after it matched, and may fail until its ``state`` is final; those that failed never
        happened and are left out.  ``params`` takes ``id``, that of a trade.  A market that
        does not exist raises `MarketNotFound`, an order `OrderNotFound`.
        """
        read_limit(limit)
        span = read_span(since, until)
        given = read_params(params, _ARGUMENTS, _KNOWN)
        order = None if order_id is None else read_order_id(order_id)
        return self._fills(market_id, order, outcome, span, given)

    def _fills(
        self,
        market_id: str | None,
        order_id: str | None,
        outcome: str | None,
        span: Span,
        given: Mapping[str, object],
    ) -> Pages[Fill]:
        wanted = yield from self.scope(market_id, None, outcome, span)
        query: dict[str, object] = {
            **given,
            **after(span.since),
            **before(span.until),
        }
        if market_id is not None:
            known = yield from self.known(market_id)
            query["market"] = known.market_id
        # Not asset_id: that may be the taker's, where ours is the other outcome.
        is_empty = True
        pages = self.own_fills(query)
        try:
            while (fills := (yield from next_page(pages))) is not None:
                kept = [
                    fill
                    for fill in fills
                    if span.holds(fill.created_at)
                    and order_id in (None, fill.order_id)
                    and wanted.label in (None, fill.outcome)
                ]
                is_empty = is_empty and not kept
                yield Page((yield from self.with_fees(kept)))
        finally:
            pages.close()
        if is_empty and order_id is not None and span.since is None:
            found = yield from self.read_order(order_id)
            if found is None:
                raise self.unknown_order(order_id)
