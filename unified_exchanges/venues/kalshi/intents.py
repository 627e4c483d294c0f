"""How orders on Kalshi are found again, by the id that they left with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ...errors import PermissionDenied, UnifiedExchangesError
from ...flow import Flow
from ...models import Account as Owner
from ...models import Intent, Order, TimeInForce
from ...models import Intent as Written
from ...models.record import Json
from ...venue.batching import Batching
from ...venue.merging import next_page
from .drafts import Draft
from .lookup import Lookup

__all__ = ["Intents"]

_log = logging.getLogger(__name__)


class Intents(Lookup, Batching[Draft]):
    """Looks for orders of ours, and compares them with what is asked for."""

    # docs.kalshi.com, API environments, 2026-11.
    is_bound_key: ClassVar[bool] = True

    @property
    def owner_name(self) -> str:
        """The id of the key."""
        return self._key_id

    @property
    def purse(self) -> Owner:
        """Whose equity is read: that of one subaccount."""
        number = self.subaccount
        if number is None:
            return self.account
        return Owner(
            self.id, self.account.environment, f"{self.account.fingerprint}/{number}"
        )

    def fetch_order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """One order by either id; see `Exchange.fetch_order`."""
        found = yield from super().fetch_order(
            order_id,
            client_order_id=client_order_id,
            market_id=market_id,
            outcome=outcome,
        )
        yield from self.discovered(found)
        return found

    def find_orders(
        self, market_id: str, intents: Sequence[Intent]
    ) -> Flow[Mapping[str, Order]]:
        """Orders on a market that are these intents, by client order id."""
        by_subaccount: dict[int | None, dict[str, Intent]] = {}
        for x in intents:
            number = x.params.get("subaccount")
            chosen = number if isinstance(number, int) else None
            by_subaccount.setdefault(chosen, {})[x.client_order_id] = x
        found: dict[str, Order] = {}
        for subaccount, wanted in by_subaccount.items():
            here = yield from self._found_on(market_id, subaccount, wanted)
            found.update(here)
        return found

    def _found_on(
        self, market_id: str, subaccount: int | None, wanted: Mapping[str, Intent]
    ) -> Flow[Mapping[str, Order]]:
        found: dict[str, Order] = {}
        pages = self.orders_on(market_id, subaccount)
        try:
            while len(found) < len(wanted):
                orders = yield from next_page(pages)
                if orders is None:
                    break
                for order in orders:
                    intent = wanted.get(order.client_order_id or "")
                    if intent is not None:
                        told = order.in_terms_of(intent.outcome)
                        found[intent.client_order_id] = told
        finally:
            pages.close()
        return found

    def holder(self, same: Draft, before: Written | None) -> Flow[Order | None]:
        """The order that holds an id, where it is known to be or else would be."""
        if before is None:
            key, account = same.client_order_id, same.subaccount
            return (yield from self.by_key(key, same.market_id, account))
        if before.order_id is not None:
            return (yield from self.read_order(before.order_id, before.market_id))
        number = before.params.get("subaccount")
        scope = number if isinstance(number, int) else None
        key = before.client_order_id
        return (yield from self.by_key(key, before.market_id, scope))

    def find(self, ready: Draft) -> Flow[Order | None]:
        """An order that should be there, looked for again while reads may lag."""
        return self.find_by_key(
            ready.client_order_id, ready.market_id, ready.subaccount
        )

    def is_same(self, mine: Order, ready: Draft) -> Flow[bool]:
        """Whether an order, in the caller's terms, is the one that is asked for."""
        raw = mine.raw
        if not (_is_same(mine, ready) and _has_same_words(raw, ready)):
            return False
        return (yield from self._is_here(raw, ready))

    def _is_here(self, raw: Mapping[str, Json], ready: Draft) -> Flow[bool]:
        """Whether an order is on the subaccount that was asked for."""
        number = raw.get("subaccount_number") or 0
        if ready.subaccount is not None or not number:
            return number == (ready.subaccount or 0)
        # It was left to the key: that means 0, or the one that the key is bound to.
        # A bound key may not ask about another (docs.kalshi.com, 2026-08-16).
        call = self.read(
            "/portfolio/orders",
            {"subaccount": 0, "limit": 1},
            about="orders of the primary subaccount",
            private=True,
        )
        try:
            yield from self.send(call)
        except PermissionDenied:
            return True
        except UnifiedExchangesError as error:
            _log.info("whose key it is cannot be told: %s", error)
            return True
        return False


def _is_same(mine: Order, ready: Draft) -> bool:
    """Whether an order of the venue's is the one that was asked for, by unified terms.

    Kalshi gives neither time in force nor post_only back (docs.kalshi.com, 2026-10); what
    this object sent is compared by its kind, and an order that rests was not immediate.
    """
    ticket = ready.ticket
    rests = mine.is_open and ticket.time_in_force is not TimeInForce.GTC
    expires = None if mine.expires_at is None else int(mine.expires_at.timestamp())
    return not rests and (
        mine.market_id == ticket.market_id
        and mine.side is ticket.side
        and mine.price == ready.price
        and mine.size == ready.size
        and expires == ticket.expires
    )


def _has_same_words(raw: Mapping[str, Json], ready: Draft) -> bool:
    """Whether an order has the venue's own words that were asked for, where it tells."""
    body = ready.body()
    group = body.get("order_group_id") or None
    return (
        group == (raw.get("order_group_id") or None)
        and raw.get("self_trade_prevention_type")
        in (None, body["self_trade_prevention_type"])
        and raw.get("cancel_order_on_pause")
        in (None, body.get("cancel_order_on_pause", False))
    )
