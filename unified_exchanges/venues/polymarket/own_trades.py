"""Whose orders and trades are asked for, and our part in the CLOB's trades."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final

import attrs

from ...errors import BadRequest
from ...flow import Flow, Page, Pages, collect
from ...models import Fill, FillState, Order, Outcome
from ...money import EXACT, div, total, total_if_known
from ...venue.merging import next_page
from . import parse
from .arguments import Span, read_event_id
from .tariffs import Tariffs

__all__ = ["OwnTrades", "Scope", "after", "before"]

_TRADES: Final = "/clob/data/trades"
_FILL_ID: Final = attrgetter("fill_id")


@attrs.frozen(slots=True, eq=False, repr=False)
class Scope:
    """Which orders a caller wants; ``market_ids`` None means all."""

    market_ids: frozenset[str] | None
    outcome: Outcome | None
    span: Span

    @property
    def token(self) -> str | None:
        """The only one that they are of."""
        return None if self.outcome is None else self.outcome.outcome_id

    @property
    def label(self) -> str | None:
        """What that is called."""
        return None if self.outcome is None else self.outcome.label

    def holds(self, order: Order) -> bool:
        """Whether an order is one of them."""
        if self.market_ids is not None and order.market_id not in self.market_ids:
            return False
        is_of_it = self.label in (None, order.outcome)
        return is_of_it and self.span.holds(order.created_at)


class OwnTrades(Tariffs):
    """Reads our fills."""

    def scope(
        self,
        market_id: str | None,
        event_id: str | None,
        outcome: str | None,
        span: Span,
    ) -> Flow[Scope]:
        """Read whose orders are wanted; what does not exist raises."""
        found, ids = None, None
        if outcome is not None and market_id is None:
            message = "outcome= names one of a market's, so give market_id too"
            raise BadRequest(message, venue=self.id)
        if market_id is not None:
            known = yield from self.known(market_id)
            ids = frozenset([known.market_id])
            if outcome is not None:
                found = known.outcome(outcome)
        if event_id is not None:
            event = yield from self.fetch_event(read_event_id(event_id))
            held = frozenset(market.market_id for market in event.markets)
            ids = held if ids is None else ids & held
        return Scope(ids, found, span)

    def own_fills(
        self, query: Mapping[str, object], *, with_failed: bool = False
    ) -> Pages[Fill]:
        """Our fills in the trades that a query finds, without their fees.

        ``with_failed``: also those that never came to be settled.
        """
        pages = self.ledger(_TRADES, query, self._read_fills, _FILL_ID, about="fills")
        try:
            while (found := (yield from next_page(pages))) is not None:
                fills = [
                    attrs.evolve(x, client_order_id=self.memory.client_id(x.order_id))
                    for x in found
                ]
                for fill in fills:
                    if fill.state is not FillState.PENDING:
                        self.tell_end(fill)
                yield Page(
                    [x for x in fills if with_failed or x.state is not FillState.FAILED]
                )
        finally:
            pages.close()

    def _read_fills(self, body: bytes) -> tuple[list[Fill], str | None]:
        # Only now: the first signed call may have had to find out the key's name.
        return parse.fills_page(body, self.ours())

    def ours(self) -> parse.Ours:
        """Whose part in a trade is ours, by the API key as it is by now."""
        return parse.Ours(self.key_id, self.own_wallet)

    def with_average(self, order: Order) -> Flow[Order]:
        """An order with what its fills make of its average price and fee, and what failed.

        Fills may lag behind their order: as long as they do not add up to what it filled,
        it comes back as it was given.
        """
        matched = yield from self.fills_of(order)
        fills = [fill for fill in matched if fill.state is not FillState.FAILED]
        size = total(fill.size for fill in fills)
        # Whether the venue takes off what failed is not documented (2026-10).
        if order.filled not in {size, total(fill.size for fill in matched)}:
            return order
        priced = yield from self.with_fees(fills)
        paid = total(EXACT.multiply(fill.price, fill.size) for fill in priced)
        return attrs.evolve(
            order,
            average_price=div(paid, size) if size else None,
            fee=total_if_known(fill.fee for fill in priced),
            failed=EXACT.subtract(order.filled, size),
        )

    def settling(
        self, market_id: str | None, since: datetime | None
    ) -> Flow[list[Fill]]:
        """Our fills in a market, or in all, since then, also those that failed.

        Their fees are not told.
        """
        where = {} if market_id is None else {"market": market_id}
        query = {**where, **after(since)}
        return collect(self.own_fills(query, with_failed=True))

    def fills_of(self, order: Order) -> Flow[list[Fill]]:
        """The fills of an order, also those that failed, without their fees."""
        query = {"market": order.market_id, **after(order.created_at)}
        fills = yield from collect(self.own_fills(query, with_failed=True))
        return [fill for fill in fills if fill.order_id == order.order_id]


def after(since: datetime | None) -> dict[str, object]:
    """A bound in seconds; whether "after" includes it is not documented (2026-10)."""
    return {} if since is None else {"after": max(0, int(since.timestamp()) - 1)}


def before(until: datetime | None) -> dict[str, object]:
    """The same for what is older."""
    return {} if until is None else {"before": max(0, int(until.timestamp()) + 2)}
