"""Placing orders on Polymarket: its requests, its answers, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Final

import attrs
import msgspec

from ...errors import (
    InsufficientFunds,
    MarketClosed,
    MarketNotFound,
    UnifiedExchangesError,
)
from ...flow import Flow, Response
from ...models import Balance, Order, OrderPreview, Side, TimeInForce
from ...money import EXACT, ZERO, text
from ...venue import Call
from ...venue.draft import Rules
from ...venue.ticket import Ticket, Tickets
from . import receipts
from .contracts import is_protocol_v2
from .drafts import TICKETS, Draft
from .errors import error_from
from .fees import fee_of
from .intents import Intents
from .parse import FeeTerms
from .reasons import name_of
from .rules import MarketRules

__all__ = ["ORDER", "ORDERS", "Placing", "most_fee"]

ORDER: Final = "/clob/order"
ORDERS: Final = "/clob/orders"
_MOST: Final = 15
"""Orders in a batch (docs.polymarket.com, place multiple orders, 2026-08)."""
_SALT_BITS: Final = 53
"""A salt is sent as a JSON number, which others read as a float."""
_HALF: Final = Decimal("0.5")
_encode: Final = msgspec.json.Encoder().encode


class Placing(Intents):
    """Creates orders, one by one and in batches."""

    tickets: ClassVar[Tickets] = TICKETS
    create_name: ClassVar[str] = f"POST {ORDER}"

    # -- drafts ---------------------------------------------------------------------

    def make_draft(
        self, ticket: Ticket, rules: Rules, outcome: str, price: Decimal, size: Decimal
    ) -> Draft:
        """An order with a salt and a time of its own."""
        assert isinstance(rules, MarketRules)
        now = self.clock.now() + self.offset.seconds
        return Draft(
            ticket=ticket,
            rules=rules,
            market=rules,
            outcome=outcome,
            price=price,
            size=size,
            credentials=self.credentials,
            salt=self.rng.getrandbits(_SALT_BITS),
            timestamp_ms=int(now * 1000),
        )

    # -- one ------------------------------------------------------------------------

    def creation(self, ready: Draft, deadline: float | None) -> Call:
        """The request that creates an order: the same each time, byte for byte."""
        call = self.write(
            "POST",
            ORDER,
            ready.body(self.key_id),
            about=ready,
            is_order=True,
            opens=True,
            deadline=deadline,
            client_order_id=ready.client_order_id,
        )
        self.sent_alone(ready, call)
        return call

    def accepted(self, ready: Draft, body: bytes) -> Order:
        """The order that a create made; what it says against it raises."""
        return self._answered(ready, receipts.placed(ready, body))

    def _answered(self, ready: Draft, answer: receipts.Answer) -> Order:
        if answer.order is None:
            raise self._refused(ready, answer.refusal)
        self.taken(post_only=ready.ticket.request.post_only)
        return self._learnt(answer.order)

    def _learnt(self, order: Order) -> Order:
        assert order.client_order_id is not None
        self.memory.name_order(order.order_id, order.client_order_id)
        return self.memory.learn_order(order)

    def contradicts(self, error: UnifiedExchangesError) -> bool:
        """Whether an order was signed for a contract that is not its market's any more."""
        return name_of(error) == "version"

    def _refused(self, ready: Draft, body: bytes) -> UnifiedExchangesError:
        """The error for a refusal in an answer that is a success, or in a batch."""
        error = error_from(
            400,
            {},
            body,
            asked=str(ready),
            path=self.create_name,
            now=self.clock.now(),
            hidden=(self.key_id,),
        )
        error.client_order_id = ready.client_order_id
        return error

    def ended_by(self, ready: Draft, error: UnifiedExchangesError) -> Order | None:
        """One that takes what is there and found nothing has ended: that is no error.

        All or nothing that got nothing is refused, as by other venues.
        """
        is_over = name_of(error) == "killed"
        if not is_over or ready.ticket.time_in_force is not TimeInForce.IOC:
            return None
        # It was compared with the book, which no mode but the usual does.
        self.taken(post_only=False)
        return self._learnt(receipts.killed(ready, (error.payload or "").encode()))

    # -- why not --------------------------------------------------------------------

    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        """The error for an answer; a market that has no book any more was there before."""
        error = super().refusal(call, response)
        if call.opens and call.is_order and isinstance(error, MarketNotFound):
            told = dict(vars(error))
            closed = MarketClosed(told.pop("message"))
            vars(closed).update(told)
            return closed
        return error

    def explain(self, ready: Draft, error: UnifiedExchangesError) -> Flow[None]:
        """Say what is lacking: the venue has one text for cash, shares and allowances."""
        if not isinstance(error, InsufficientFunds):
            if self.credentials is not None and name_of(error) == "wallet":
                error.add(self.credentials.suspicion)
            return
        try:
            if ready.side is Side.BUY:
                held = yield from self.fetch_balance()
            else:
                token = ready.token
                held = yield from self.holding(token, is_v2=is_protocol_v2(token))
        except UnifiedExchangesError:
            return
        lacking, is_allowed = _lacking(ready, held)
        error.add(lacking)
        if self.credentials is None or (held.available and is_allowed):
            return
        wallet = self.credentials.wallet
        asked = f"the wallet {wallet.address} (signature_type {wallet.kind:d})"
        if held.available:
            error.add(f". Asked was {asked}, from which it has to be allowed")
            return
        if ready.side is not Side.BUY:
            # That it has none of a token says nothing about the wallet.
            error.add(f". Asked was {asked}")
            return
        error.add(
            f". Nothing is free in {asked}: if the account has money, check "
            "options['funder'] and options['signature_type'], as polymarket.com shows "
            f"them for it{self.credentials.alternatives}"
        )

    # -- several --------------------------------------------------------------------

    def batch_limit(self) -> int:
        """How many creates one request may hold."""
        return _MOST

    def batch_creation(self, ready: Sequence[Draft], deadline: float) -> Call:
        """The request that creates several orders."""
        self.sent_together(ready)
        return self.write(
            "POST",
            ORDERS,
            [x.body(self.key_id) for x in ready],
            about=f"batch of {len(ready)} orders",
            items=len(ready),
            is_order=True,
            opens=True,
            deadline=deadline,
        )

    def batch_answers(
        self, ready: Sequence[Draft], body: bytes
    ) -> list[Order | UnifiedExchangesError]:
        """What a batch says of each order."""
        found: list[Order | UnifiedExchangesError] = []
        for x, answer in zip(ready, receipts.answers(ready, body), strict=True):
            try:
                if isinstance(answer, UnifiedExchangesError):
                    raise answer
                found.append(self._answered(x, answer))
            except UnifiedExchangesError as error:
                found.append(error)
        return found

    # -- previewing -----------------------------------------------------------------

    def shown(self, ready: Draft) -> Flow[OrderPreview]:
        """What placing would send; see `Exchange.preview_order`.

        Signature and API key are left out of the body: with them it could be sent.
        """
        yield from ()
        ticket = ready.ticket
        call = attrs.evolve(self.creation(ready, None))
        headers = dict.fromkeys(self.headers(call), "REDACTED")
        return OrderPreview(
            method=call.method,
            url=self.environment.address(call.path),
            headers=headers | {"content-type": "application/json"},
            body=_encode(ready.shown_body()).decode(),
            client_order_id=ticket.client_order_id,
            cost=ready.collateral,
            fee=most_fee(
                ready.market.fees,
                ready.side,
                ready.price,
                ready.size,
                maker=ticket.request.post_only,
            ),
            request=ticket.request,
        )


def most_fee(
    terms: FeeTerms | None, side: Side, price: Decimal, size: Decimal, *, maker: bool
) -> Decimal:
    """The most that an order pays if it fills in one piece at its limit or better.

    Fees are the highest in the middle.
    """
    middle = price >= _HALF if side is Side.BUY else price <= _HALF
    return fee_of(terms, _HALF if middle else price, size, maker=maker)


def _lacking(ready: Draft, held: Balance) -> tuple[str, bool]:
    """What a balance tells of an order that was refused for lack of something.

    And whether the exchange's contract may take enough, as far as that is told.
    """
    spender = ready.domain.contract or ""
    is_purchase = ready.side is Side.BUY
    needed = EXACT.multiply(ready.price, ready.size) if is_purchase else ready.size
    unit = "dollars" if is_purchase else f"shares of {ready.outcome}"
    said = f". Free are {text(held.available)} {unit}, and {text(needed)} are needed"
    allowed = {x.spender.lower(): x.amount for x in held.allowances}
    amount = allowed.get(spender.lower(), ZERO)
    is_allowed = amount is None or amount >= needed
    if amount is not None and not is_allowed:
        act = "pUSD approve" if is_purchase else "setApprovalForAll"
        said += (
            f"; the exchange's contract {spender} may take {text(amount)}: allow it more "
            f"on chain ({act}), which polymarket.com does with the first trade"
        )
    return said, is_allowed
