"""Orders on paper: checked by the source's rules, and placed in the broker."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Final

import attrs

from ..errors import (
    ExchangeNotAvailable,
    NotRecorded,
    OrderUnknown,
    UnifiedExchangesError,
)
from ..flow import Flow, Response, Sleep
from ..models import BUY, Intent, Market, Order, OrderPreview
from ..models.tracking import risk
from ..money import EXACT
from ..paper.broker import Refusal
from ..paper.departure import Departure
from ..paper.refusals import error_of, refusal_told
from ..venue import Call
from ..venue.batching import Batching
from ..venue.closing import Closing
from ..venue.doubt import is_doubtful
from ..venue.draft import Draft, PaperDraft, Rules
from ..venue.ticket import Ticket, Tickets
from .account import OnAccount
from .pausing import KNOWN

__all__ = ["Placing"]

_log = logging.getLogger(__name__)

_SECOND: Final = 1_000_000_000
_BATCH: Final = 20
_PLACE: Final = "/orders"
_HALF: Final = Decimal("0.5")


@attrs.define(kw_only=True, slots=True)
class _Act(Call):
    """A call that is answered here, by drafts that are placed one after another."""

    drafts: Sequence[Draft] = attrs.field(eq=False, repr=False)
    refused: dict[str, UnifiedExchangesError] = attrs.field(
        factory=dict, eq=False, repr=False
    )
    """Why an order was refused, by client order id."""


class Placing(OnAccount, Batching[Draft], Closing[Draft]):
    """Places orders."""

    tickets: ClassVar[Tickets]
    create_name: ClassVar[str] = f"POST {_PLACE}"

    # -- whose they are -------------------------------------------------------------

    @property
    def owner_name(self) -> str:
        """The file of the state, or that there is none: then nobody shares it."""
        file = self.terms.file
        return f"{self.source.id} {self.environment.rest} {file and file.path}"

    # -- drafting -------------------------------------------------------------------

    def rules(self, market_id: str, *, fresh: bool = False) -> Flow[Rules]:
        """What the source's market wants of an order."""
        return self.source.rules(market_id, fresh=fresh)

    def learn_rules(self, market: Market) -> Flow[None]:
        """Have the source learn them."""
        return self.source.learn_rules(market)

    def forget_rules(self, market_id: str) -> None:
        """Ask the source again next time."""
        self.source.forget_rules(market_id)

    def make_draft(
        self, ticket: Ticket, rules: Rules, outcome: str, price: Decimal, size: Decimal
    ) -> Draft:
        """An order with nothing to be signed."""
        return PaperDraft(
            ticket=ticket,
            rules=rules,
            outcome=outcome,
            price=price,
            size=size,
            nets=self.first_outcome is not None,
        )

    def drafted(self, ticket: Ticket, rules: Rules, bound: Decimal | None) -> Draft:
        """An order, held against all that the source would have against it."""
        checked: Draft = self.source.drafted(ticket, rules, bound)
        return self.make_draft(
            ticket, rules, checked.outcome, checked.price, checked.size
        )

    # -- creating -------------------------------------------------------------------

    def creation(self, ready: Draft, deadline: float | None) -> Call:
        """What places one order."""
        return _Act(
            method="POST",
            path=_PLACE,
            about=ready,
            drafts=(ready,),
            is_order=True,
            opens=True,
            deadline=deadline,
            client_order_id=ready.client_order_id,
        )

    def accepted(self, ready: Draft, body: bytes) -> Order:
        """The order as it is after its arrival, in the caller's terms."""
        [order_id] = json.loads(body)
        return self._arrived(ready, order_id)

    def _arrived(self, ready: Draft, order_id: str) -> Order:
        found = self.broker.find(order_id)
        if found is None:
            message = (
                f"{ready}: order {order_id} is still on its way on paper: ask for it by "
                "its client_order_id"
            )
            raise OrderUnknown(
                message, venue=self.id, client_order_id=ready.client_order_id
            )
        return found.in_terms_of(ready.outcome)

    def shown(self, ready: Draft) -> Flow[OrderPreview]:
        """What an order would take of the cash; there is no request to show."""
        yield from self.awake()
        rule = yield from self.source.fetch_fee_rule(ready.market_id)
        request, size = ready.ticket.request, ready.size
        buys = ready.side is BUY
        prices = {ready.price}
        if not request.post_only:
            # At a better price than its limit it may fill where fees are the highest.
            prices.add(min(ready.price, _HALF) if buys else max(ready.price, _HALF))
        fee = max(
            rule.fee(ready.outcome, ready.side, x, size, maker=request.post_only)
            for x in prices
        )
        opened = EXACT.subtract(size, min(size, self._room(ready)))
        return OrderPreview(
            method="POST",
            url=f"paper:{_PLACE}",
            headers={},
            body=str(ready),
            client_order_id=ready.client_order_id,
            cost=risk(ready.side, ready.price, opened),
            fee=fee,
            request=request,
        )

    def batch_limit(self) -> int:
        """How many creates are sent together."""
        return _BATCH

    def batch_creation(self, ready: Sequence[Draft], deadline: float) -> Call:
        """What places several orders."""
        return _Act(
            method="POST",
            path=f"{_PLACE}/batch",
            about=f"{len(ready)} orders",
            drafts=tuple(ready),
            is_order=True,
            opens=True,
            deadline=deadline,
        )

    def batch_answers(
        self, ready: Sequence[Draft], body: bytes
    ) -> list[Order | UnifiedExchangesError]:
        """Each order, or why it was refused."""
        answers: list[Order | UnifiedExchangesError] = []
        for x, order_id in zip(ready, json.loads(body), strict=True):
            if order_id is None:
                assert isinstance(x.call, _Act)
                answers.append(x.call.refused[x.client_order_id])
                continue
            try:
                answers.append(self._arrived(x, order_id))
            except OrderUnknown as error:
                answers.append(error)
        return answers

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        """Answer an order here; nothing of it is ever sent."""
        del deadline
        assert isinstance(call, _Act)
        markets = dict.fromkeys(x.market_id for x in call.drafts)
        for market_id in markets:
            try:
                yield from self.look(market_id)
            except UnifiedExchangesError as error:
                if not is_doubtful(error):
                    raise
                # A read went wrong: that leaves no doubt about the order.
                failure = str(error.message)
            else:
                continue
            message = (
                f"{call.about} was not placed on paper, as its market could not be read: "
                f"{failure}"
            )
            raise ExchangeNotAvailable(message, venue=self.id, refused=True)
        if call.heeds:
            yield from self.heed(call.about)
        self.switch.check(call.about)
        with self.broker.leaving(self.unseen(markets)) as departure:
            sent = [self._sent(x, call) for x in call.drafts]
        call.has_left = True
        yield from self.arrived(call.about, departure)
        there = [
            self._answered(x, order_id, call)
            for x, order_id in zip(call.drafts, sent, strict=True)
        ]
        if call.path == _PLACE and there == [None]:
            [refused] = call.refused.values()
            raise refused
        return Response(200, {}, json.dumps(there).encode())

    def unseen(self, market_ids: Iterable[str]) -> list[str]:
        """Those of which no stream tells all while an order is on its way."""
        delay = self.terms.delays.order
        if not delay:
            return []
        # No stream tells of a pause, and what was known of that when it left may be too old.
        ages = self.pauses_untold and delay >= KNOWN * _SECOND
        return [x for x in market_ids if ages or not self._sees(x)]

    def travelled(self, departure: Departure) -> Flow[None]:
        """Wait until what was just sent has arrived, and is answered."""
        delays = self.terms.delays
        unknown = set(departure.unread)
        try:
            if delays.order:
                yield Sleep(delays.order / _SECOND)
            for market_id in departure.unread:
                if (yield from self._is_read_now(market_id)):
                    unknown.discard(market_id)
        finally:
            # Also where nobody waits any more: it has left.
            self.broker.meet(departure, unknown)
        self.broker.advance(until=departure.due)
        if delays.event:
            yield Sleep(delays.event / _SECOND)

    def _is_read_now(self, market_id: str) -> Flow[bool]:
        """Whether a market is known as it is on the arrival of what was sent to it."""
        try:
            yield from self.heed_pause(market_id)
            if not self._sees(market_id):
                yield from self._read_anew(market_id)
        except UnifiedExchangesError as error:
            _log.info("paper: %s was not read on arrival: %s", market_id, error)
            return False
        return True

    def arrived(self, about: object, departure: Departure) -> Flow[None]:
        """As `travelled`: what came of it has happened, also where it cannot be kept."""
        try:
            yield from self.travelled(departure)
        except NotRecorded:
            raise
        except UnifiedExchangesError as error:
            error.leave_in_doubt()
            error.add(f". Until then nobody is told what became of {about}")
            raise

    def _sent(self, ready: Draft, call: _Act) -> str | None:
        """The id of an order that is on its way; None if it is refused at once.

        Each on its own: of a batch the others go all the same.
        """
        ticket, request = ready.ticket, ready.ticket.request
        try:
            return self.broker.place(
                ready.market_id,
                ready.outcome,
                ready.side,
                ready.price,
                ready.size,
                time_in_force=ticket.time_in_force,
                post_only=request.post_only,
                reduce_only=request.reduce_only,
                expires_at=request.expires_at,
                client_order_id=ready.client_order_id,
                minimum_size=self.minimum_size(ticket, ready.rules),
            )
        except UnifiedExchangesError as error:
            self._refuse(ready, call, error)
            return None

    def _room(self, ready: Draft) -> Decimal:
        """Contracts that an order could close."""
        outcome = ready.outcome
        if ready.side is BUY:
            if self.first_outcome is None:
                return Decimal(0)
            outcome = next(
                x.label for x in ready.rules.outcomes if x.label != ready.outcome
            )
        return self.broker.held(ready.market_id, outcome)

    def _answered(self, ready: Draft, order_id: str | None, call: _Act) -> str | None:
        """The id of an order that is there; None if it was refused."""
        if order_id is None:
            return None
        try:
            self.broker.arrived(order_id)
        except Refusal as refusal:
            reason = str(refusal)
            self._refuse(ready, call, error_of(reason)(reason))
            return None
        return order_id

    def _refuse(self, ready: Draft, call: _Act, error: UnifiedExchangesError) -> None:
        """Keep why an order is not there, in the words of its caller."""
        error.message = refusal_told(ready, error.message)
        error.args = (error.message,)
        error.venue, error.request = self.id, self.create_name
        error.client_order_id = ready.client_order_id
        call.refused[ready.client_order_id] = error

    # -- finding them again ---------------------------------------------------------

    def holder(self, same: Draft, before: Intent | None) -> Flow[Order | None]:
        """The order that holds an id."""
        del before
        return self.find(same)

    def find(self, ready: Draft) -> Flow[Order | None]:
        """The order with this client order id."""
        return self.find_everywhere(ready.client_order_id)

    def find_everywhere(self, client_order_id: str) -> Flow[Order | None]:
        """The same, on any market."""
        yield from self.awake()
        self.broker.keep()
        return self.broker.find_client(client_order_id)

    def is_same(self, mine: Order, ready: Draft) -> Flow[bool]:
        """Whether an order is the one that is asked for."""
        yield from ()
        asked = ready.market_id, ready.outcome, ready.side, ready.price, ready.size
        return asked == (mine.market_id, mine.outcome, mine.side, mine.price, mine.size)

    def find_orders(
        self, market_id: str, intents: Sequence[Intent]
    ) -> Flow[Mapping[str, Order]]:
        """Orders that are these intents, by client order id."""
        yield from self.awake()
        self.broker.keep()
        found: dict[str, Order] = {}
        for intent in intents:
            order = self.broker.find_client(intent.client_order_id)
            if order is not None and order.market_id == market_id:
                found[intent.client_order_id] = order.in_terms_of(intent.outcome)
        return found
