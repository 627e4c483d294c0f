"""Commands of a strategy on their way to the engine."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from random import Random
from typing import Final

import attrs

from ..errors import OrderNotFound, UnifiedExchangesError
from ..grid import read_price, read_size
from ..models import Order
from ..money import EXACT, ZERO
from ..paper import Contract, PaperEngine, RefusedChange
from ..paper.order_entry import change_of
from ..paper.orders import PaperOrder
from ..paper.pit import Pit
from ..paper.refusals import error_of, refusal_told
from ..registry import exchanges, folder
from ..strategies import Amend, Cancel, Command, Desk, Failure, Place
from ..strategies.flows import request
from ..venue.arguments import Arguments
from ..venue.draft import PaperDraft, Rules
from ..venue.ticket import Ticket, Tickets
from .guarding import Guarding

__all__ = ["Sender"]

_SECOND: Final = 1_000_000_000
_UNUSED: Final = Random(0)  # noqa: S311 - it is never asked
"""Makes up client order ids where there is none: here there is always one."""


@attrs.frozen
class _Change:
    """A change on its way; ``after`` is what the guards were told of it, if they were."""

    command: Amend
    order: PaperOrder
    after: Order | None
    is_of_unheard: bool
    """Whether it was asked for before anything was told of the order."""


class Sender:
    """Hands commands to the engine that the guards let pass.

    It knows which of them a refusal is about.  As live, what is for an order of which the
    ``desk`` was told that it has ended goes nowhere, and nothing is told of it.
    """

    def __init__(self, engine: PaperEngine, guarding: Guarding, desk: Desk) -> None:
        self._engine = engine
        self._guarding = guarding
        self._desk = desk
        self._changes: dict[int, _Change] = {}
        """Changes on their way, by the turn of their sending."""

    def send(self, command: Command) -> None:
        """Hand it over; raises `UnifiedExchangesError` where it is refused at once."""
        if isinstance(command, Place):
            self._place(command)
            return
        if self._desk.has_ended(command.key):
            return
        try:
            order = self._engine.find_client(command.key)
        except OrderNotFound:
            return  # it never left, of which the failure is told next
        try:
            if isinstance(command, Amend):
                self._amend(command, order)
            else:
                self._cancel(command, order)
        except UnifiedExchangesError as error:
            error.venue = error.venue or self._venue(order.market_id)
            error.client_order_id = command.key
            raise

    def _venue(self, market_id: str) -> str:
        return self._engine.pits[market_id].contract.market.venue

    # -- orders ------------------------------------------------------------------------

    def _place(self, place: Place) -> None:
        """Send an order, if it keeps to the rules of the venue, as its client has them."""
        pit = self._engine.pits[place.market_id]
        tickets = _tickets(pit.contract.market.venue)
        is_taken_down = pit.trades_at(place.at)
        try:
            ready = self._drafted(place, pit, tickets)
            # Live one for a market that is known not to trade leaves not, and counts not.
            if is_taken_down:
                self._guarding.admit(ready)
        except UnifiedExchangesError as error:
            error.venue = self._venue(place.market_id)
            error.client_order_id = place.key
            raise
        try:
            self._engine.place(
                place.at,
                place.market_id,
                place.outcome,
                place.side,
                place.price,
                place.size,
                time_in_force=place.time_in_force,
                post_only=place.post_only,
                reduce_only=place.reduce_only,
                expires_at=place.expires_at,
                client_order_id=place.key,
                minimum_size=_least(place, pit.contract, tickets),
            )
        except UnifiedExchangesError as error:
            if is_taken_down:
                self._guarding.refused(place.market_id, place.key)
            error.message = refusal_told(ready, error.message)
            error.args = (error.message,)
            raise

    def _drafted(self, place: Place, pit: Pit, tickets: Tickets) -> PaperDraft:
        """Hold an order against all rules that need no account, and what may be traded."""
        contract, now = pit.contract, place.at / _SECOND
        market = contract.market
        ticket = tickets.read(request(place), rng=_UNUSED)
        self._guarding.check_writable(ticket)
        self._guarding.check_market(place.market_id, ticket)
        is_first = place.outcome == contract.first
        price = read_price(
            place.price, market.grid if is_first else market.grid.complement()
        )
        least = _least(place, contract, tickets)
        size = read_size(place.size, lot=market.lot, minimum=least)
        tickets.check(ticket, price, size, now)
        tickets.check_expiry(ticket.expires, now)
        return _draft(ticket, place, contract, price, size)

    # -- changes and cancels -----------------------------------------------------------

    def _cancel(self, command: Cancel, order: PaperOrder) -> None:
        self._guarding.check_writable(f"cancel of {order.order_id}")
        self._engine.cancel(command.at, order.order_id)

    def _amend(self, command: Amend, order: PaperOrder) -> None:
        about = f"change of {order.order_id}"
        self._guarding.check_writable(about)
        self._guarding.check_market(order.market_id, about)
        pit = self._engine.pits[order.market_id]
        after = None
        # Else it is refused on its arrival.
        if order.remaining and pit.trades_at(command.at):
            before = self._engine.order(order.order_id)
            after = _after(before, *_terms(command, order, pit.contract))
            self._guarding.admit_change(before, after)
        turn = self._engine.amend(
            command.at, order.order_id, price=command.price, size=command.size
        )
        is_of_unheard = self._desk.order(command.key) is None
        self._changes[turn] = _Change(command, order, after, is_of_unheard)

    def refused(self, change: RefusedChange) -> Failure | None:
        """The failure of a change that was refused when it arrived.

        None for one that live waits for the answer to its order, and then is for nothing.
        """
        found = self._changes.pop(change.turn)
        if found.after is not None:
            self._guarding.refused_change(found.after)
        is_nothing = not (found.order.remaining or found.order.filled)
        if found.is_of_unheard and is_nothing:
            return None
        error = error_of(change.reason)(
            refusal_told(f"change of {found.order.order_id}", change.reason),
            venue=self._venue(change.market_id),
            client_order_id=found.command.key,
        )
        return Failure(command=found.command, error=error)


def _least(place: Place, contract: Contract, tickets: Tickets) -> Decimal:
    """The smallest size that an order may have."""
    market = contract.market
    return tickets.least_size(place.time_in_force, market.minimum_size, market.lot)


def _draft(
    ticket: Ticket, place: Place, contract: Contract, price: Decimal, size: Decimal
) -> PaperDraft:
    market = contract.market
    rules = Rules(
        market_id=market.market_id,
        event_id=market.event_id,
        grid=market.grid,
        lot=market.lot,
        minimum_size=market.minimum_size,
        outcomes=market.outcomes,
        status=market.status,
        is_combination=market.is_combination,
        seen_at=0,
    )
    return PaperDraft(
        ticket=ticket,
        rules=rules,
        outcome=place.outcome,
        price=price,
        size=size,
        nets=contract.nets,
    )


def _terms(
    command: Amend, order: PaperOrder, contract: Contract
) -> tuple[Decimal, Decimal]:
    """Price and size that an order is to have."""
    price, size = change_of(contract, order, command.price, command.size)
    return order.price if price is None else price, order.size if size is None else size


def _after(before: Order, price: Decimal, size: Decimal) -> Order:
    left = max(ZERO, EXACT.subtract(size, before.filled))
    return attrs.evolve(before, price=price, size=size, remaining=left)


@cache
def _tickets(venue: str) -> Tickets:
    """What reads orders for a venue; one that is not ours has no rules of its own."""
    if venue in exchanges:
        theirs: Tickets = folder(venue, "drafts").TICKETS
        # The desk has looked at the market already.
        return attrs.evolve(theirs, read_market_id=str)
    return Tickets(
        arguments=Arguments(venue=venue, people=venue, ids="what they are"),
        taken=frozenset(),
        known={},
        read_market_id=str,
    )
