"""Ids that were used before, by this object or by another process: whose order it is.

An id is an idempotency key for ever, so one that comes again is asked about before anything
is said of it: "refused" must not be taken for "there is no such order".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, TypeVar

import attrs

from ..errors import (
    DuplicateOrderId,
    GuardTripped,
    InvalidOrder,
    JournalError,
    MarketClosed,
    OrderUnknown,
    UnifiedExchangesError,
)
from ..flow import Flow, Resolved
from ..models import Intent as Written
from ..models import IntentState, Order, ReconcileReport
from ..money import text
from .draft import Draft
from .drafting import Drafting
from .ticket import Ticket

__all__ = ["Earlier"]

D = TypeVar("D", bound=Draft)


class Earlier(Drafting[D], Generic[D]):
    """Finds the order that holds an id, and says whether it is the one that is asked for."""

    # -- what a subclass must say ---------------------------------------------------

    @abstractmethod
    def holder(self, same: D, before: Written | None) -> Flow[Order | None]:
        """The order that holds an id, where it is known to be or else would be.

        ``before`` is what is known of an earlier sending with that id.
        """

    @abstractmethod
    def find(self, ready: D) -> Flow[Order | None]:
        """An order that should be there, looked for again while reads may lag."""

    @abstractmethod
    def find_everywhere(self, client_order_id: str) -> Flow[Order | None]:
        """An order with that id on any market of the account."""

    @abstractmethod
    def is_same(self, mine: Order, ready: D) -> Flow[bool]:
        """Whether an order, in the caller's terms, is the one that is asked for."""

    # -- what is said of an id ------------------------------------------------------

    def _unless_there(
        self, ticket: Ticket, refusal: UnifiedExchangesError
    ) -> Flow[Order]:
        """Refuse an order before it leaves, unless its id was used before.

        Only an id that the caller gave can have been.  A journal that cannot be written is
        not asked either.
        """
        key = ticket.request.client_order_id
        if key is None or isinstance(refusal, JournalError):
            raise refusal
        refusal.client_order_id = key
        try:
            before = yield from self.known_of(key)
        except JournalError as failure:
            raise _doubted(refusal, None, f": {failure.message}") from failure
        if before is None and not self.is_own(key) and _is_general(refusal):
            raise refusal
        return (yield from self._looked_up(ticket, refusal, before))

    def _looked_up(
        self, ticket: Ticket, refusal: UnifiedExchangesError, before: Written | None
    ) -> Flow[Order]:
        """Refuse an order, unless the venue shows it from an earlier call.

        Markets close, expiries pass, grids and caps change after an answer was lost.
        ``before`` is what is known of its id without a request.
        """
        now = self.clock.monotonic()
        try:
            rules = yield from self.rules(ticket.market_id)
            same = self.stated(ticket, rules)
            found = yield from self.holder(same, before)
        except (ValueError, InvalidOrder):
            # What is no order at all was none before, but another may have its id.
            raise _told(refusal, before) from None
        except UnifiedExchangesError as failure:
            raise _doubted(refusal, before, f": {failure.message}") from failure
        if found is None:
            is_over = (
                before is not None
                and before.state is not IntentState.PLACED
                and self.has_arrived(before, now)
            )
            raise _told(refusal, None if is_over else before)
        yield from self.discovered(found, before)
        if ticket.request.price is None:
            same = attrs.evolve(same, price=found.in_terms_of(same.outcome).price)
        return (yield from self._same_or_refuse(same, found, None))

    def _taken(self, ready: D, before: Written) -> Flow[Order]:
        """What has an id: an order, or one that may be at the venue with other terms."""
        if before.state is IntentState.PLACED:
            return (yield from self._existing(ready, None, before))
        self.sent.give_back(ready.client_order_id)
        # What was about to leave was told, and does not.
        yield Resolved(ReconcileReport(unknown=(before,)))
        refusal = _other_terms(ready, before, self.as_written(ready))
        refusal.venue = self.id
        refusal.client_order_id = ready.client_order_id
        return (yield from self._looked_up(ready.ticket, refusal, before))

    def _existing(
        self,
        ready: D,
        error: DuplicateOrderId | None,
        before: Written | None = None,
    ) -> Flow[Order]:
        """Find the order that holds our key; it is ours if its terms are the same.

        ``before`` is what the journal has of it, if another process has placed it.
        """
        key = ready.client_order_id
        reason = (
            "another call is still sending it, and it is not at the venue yet"
            if error is None
            else "no order of this account shows it. Use a new id for a new order"
        )
        try:
            if before is not None:
                found = yield from self.holder(ready, before)
            else:
                found = yield from self.find(ready)
            if found is None:
                # The key is taken: if not here, then on another market or subaccount.
                found = yield from self.find_everywhere(key)
        except UnifiedExchangesError as failure:
            found = None
            reason = (
                f"looking for its order failed ({failure.message}). Look it up with "
                "fetch_order(client_order_id=...) before sending another"
            )
        if found is not None:
            return (yield from self._same_or_refuse(ready, found, error))
        message = f"{ready}: client_order_id {key!r} was used before, but {reason}"
        raise OrderUnknown(message, venue=self.id, client_order_id=key)

    def _same_or_refuse(
        self, ready: D, found: Order, error: UnifiedExchangesError | None
    ) -> Flow[Order]:
        mine = found.in_terms_of(ready.outcome)
        kind = self.sent.kind(ready.client_order_id)
        is_ours = kind in (None, ready.ticket.kind)
        if is_ours and (yield from self.is_same(mine, ready)):
            return mine
        if ready.written is not None:
            # Whoever asks what became of the id is to learn of the order that holds it.
            held = ready.written.ended(
                IntentState.PLACED, order_id=found.order_id, detail="with other terms"
            )
            yield from self.settle([held])
        message = (
            f"{ready}: client_order_id {ready.client_order_id!r} belongs to "
            f"another order, {found.order_id} ({mine!r}); nothing new was placed. Use a "
            "new id"
        )
        raise DuplicateOrderId(
            message,
            venue=self.id,
            status=None if error is None else error.status,
            code=None if error is None else error.code,
            client_order_id=ready.client_order_id,
        )


def _is_general(refusal: UnifiedExchangesError) -> bool:
    """Whether any order would be refused so: then an id that is new costs no request."""
    if isinstance(refusal, GuardTripped):
        return refusal.guard == "allowed_markets"
    return not isinstance(refusal, InvalidOrder | MarketClosed)


def _other_terms(ready: Draft, before: Written, asked: Written) -> DuplicateOrderId:
    differences = ", ".join(
        f"{name} {_word(before.term(name))}, not {_word(asked.term(name))}"
        for name in before.unlike(asked)
    )
    message = (
        f"{ready}: client_order_id {ready.client_order_id!r} was written down at "
        f"{before.written_at:%Y-%m-%d %H:%M:%S} UTC for another order: {before.what} "
        f"({differences}). Nothing was sent. Ask for that order again, or use a new id; or "
        "call reconcile(): if it is not there, the id is free"
    )
    return DuplicateOrderId(message)


def _word(term: object) -> str:
    if isinstance(term, Decimal):
        return text(term)
    if isinstance(term, Mapping):
        return ", ".join(f"{n}={value!r}" for n, value in term.items()) or "no params"
    return str(term)


def _told(
    refusal: UnifiedExchangesError, before: Written | None
) -> UnifiedExchangesError:
    """A refusal as it is, if nothing is known of an earlier sending."""
    return refusal if before is None else _doubted(refusal, before, "")


def _doubted(
    refusal: UnifiedExchangesError, before: Written | None, why: str
) -> UnifiedExchangesError:
    """A refusal, saying that there may be an order with its id for all that."""
    refusal.leave_in_doubt()
    if before is not None and before.state is IntentState.PLACED:
        refusal.add(
            f"; under this client_order_id order {before.order_id} was placed on "
            f"{before.market_id} before{why}"
        )
    else:
        refusal.add(
            "; whether an earlier call has placed it under this client_order_id is not "
            f"known{why}"
        )
    return refusal
