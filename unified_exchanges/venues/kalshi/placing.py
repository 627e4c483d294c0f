"""Placing orders on Kalshi: its requests and receipts.

``client_order_id`` is Kalshi's idempotency key, for ever: the same body sent again is
answered 201 if it was not there and 409 if it was (docs.kalshi.com, 2026-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from ...errors import UnifiedExchangesError
from ...flow import Flow
from ...models import Order, OrderPreview
from ...venue import Call
from ...venue.draft import Rules
from ...venue.ticket import Ticket, Tickets
from . import receipts
from .drafts import TICKETS, Draft
from .intents import Intents
from .memory import MarketRules
from .stakes import Held, Stake, opening

__all__ = ["Placing"]

_ORDERS = "/portfolio/events/orders"


class Placing(Intents):
    """Creates orders, one by one and in batches."""

    tickets: ClassVar[Tickets] = TICKETS
    create_name: ClassVar[str] = f"POST {_ORDERS}"

    # -- one ------------------------------------------------------------------------

    def make_draft(
        self, ticket: Ticket, rules: Rules, outcome: str, price: Decimal, size: Decimal
    ) -> Draft:
        """An order in Kalshi's words."""
        assert isinstance(rules, MarketRules)
        return Draft(
            ticket=ticket,
            rules=rules,
            outcome=outcome,
            price=price,
            size=size,
            market_shard=rules.shard,
            default_subaccount=self.subaccount,
        )

    def creation(self, ready: Draft, deadline: float | None) -> Call:
        """The request that creates an order."""
        return self.write(
            "POST",
            _ORDERS,
            ready.body(),
            about=ready,
            shard=ready.shard,
            is_order=True,
            deadline=deadline,
            opens=True,
            client_order_id=ready.client_order_id,
        )

    def accepted(self, ready: Draft, body: bytes) -> Order:
        """The order that a create made, in the caller's terms."""
        order = receipts.created(ready, body)
        self.memory.learn_order(order, ready.subaccount)
        return order

    def forget_rules(self, market_id: str) -> None:
        """Ask again next time: the venue contradicted what was remembered of a market."""
        self.memory.forget_rules(market_id)

    def shown(self, ready: Draft) -> Flow[OrderPreview]:
        """What placing would send; see `Exchange.preview_order`."""
        ticket = ready.ticket
        call = self.creation(ready, None)
        fees = yield from self.fee_schedule(ticket.market_id)
        fee = fees.most(
            ready.size,
            ready.first_outcome_price,
            is_bid=ready.is_bid,
            maker=ticket.request.post_only,
        )
        cost = yield from self._cost(ready)
        headers = dict.fromkeys(self.headers(call), "REDACTED") if self.has_key else {}
        assert call.body is not None
        return OrderPreview(
            method=call.method,
            url=self.environment.rest + call.path,
            headers=headers | {"content-type": "application/json"},
            body=call.body.decode(),
            client_order_id=ticket.client_order_id,
            cost=cost,
            fee=fee,
            request=ticket.request,
        )

    def _cost(self, ready: Draft) -> Flow[Decimal]:
        """What it would take at its limit, after what it closes of a position."""
        if not self.has_key:
            return ready.collateral
        account = ready.subaccount
        held = yield from self.fetch_positions(
            market_id=ready.market_id,
            mark=False,
            params=None if account is None else {"subaccount": account},
        )
        stake = Stake(
            is_bid=ready.is_bid,
            price=ready.first_outcome_price,
            size=ready.size,
            reduce_only=ready.ticket.request.reduce_only,
        )
        return opening([stake], Held.of(held))

    # -- several --------------------------------------------------------------------

    def batch_limit(self) -> int:
        """As many creates as the whole write bucket holds, so that one batch fits."""
        cost = self._costs.cost_of("POST", f"{_ORDERS}/batched", 1)
        return max(1, int(self.bucket("write").capacity // cost))

    def batch_creation(self, ready: Sequence[Draft], deadline: float) -> Call:
        """The request that creates several orders."""
        return self.write(
            "POST",
            f"{_ORDERS}/batched",
            {"orders": [x.body() for x in ready]},
            about=f"batch of {len(ready)} orders",
            items=len(ready),
            is_order=True,
            opens=True,
            deadline=deadline,
        )

    def batch_answers(
        self, ready: Sequence[Draft], body: bytes
    ) -> list[Order | UnifiedExchangesError]:
        """What a batch says of each order (docs.kalshi.com, batch create, 2026-10)."""
        answers: list[Order | UnifiedExchangesError] = []
        for x, entry in zip(ready, receipts.batch(body, ready), strict=True):
            if entry.order is None:
                answers.append(self.refusal_of_entry(str(x), _ORDERS, entry.error))
            else:
                self.memory.learn_order(entry.order, x.subaccount)
                answers.append(entry.order)
        return answers
