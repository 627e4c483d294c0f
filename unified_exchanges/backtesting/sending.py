"""Commands of a strategy on their way to the engine."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from random import Random
from typing import Final

import attrs

from ..errors import UnifiedExchangesError
from ..grid import read_price, read_size
from ..models import OrderRequest
from ..paper import Contract, PaperEngine, RefusedChange
from ..paper.refusals import error_of
from ..registry import exchanges, folder
from ..strategies import Amend, Command, Failure, Place
from ..venue.arguments import Arguments
from ..venue.ticket import Tickets

__all__ = ["Sender"]

_SECOND: Final = 1_000_000_000
_UNUSED: Final = Random(0)  # noqa: S311 - it is never asked
"""Makes up client order ids where there is none: here there is always one."""


class Sender:
    """Hands commands to the engine, and knows which of them a refusal is about."""

    def __init__(self, engine: PaperEngine) -> None:
        self._engine = engine
        self._changes: dict[int, Amend] = {}
        """Changes on their way, by the turn of their sending."""

    def send(self, command: Command) -> None:
        """Hand it over; raises `UnifiedExchangesError` where it is refused at once."""
        engine = self._engine
        if isinstance(command, Place):
            self._place(command)
            return
        order_id = engine.find_client(command.key).order_id
        if isinstance(command, Amend):
            turn = engine.amend(
                command.at, order_id, price=command.price, size=command.size
            )
            self._changes[turn] = command
        else:
            engine.cancel(command.at, order_id)

    def _place(self, place: Place) -> None:
        """Send an order, if it keeps to the rules of the venue, as its client has them."""
        contract = self._engine.pits[place.market_id].contract
        try:
            least = _checked(place, contract)
        except UnifiedExchangesError as error:
            error.venue = contract.market.venue
            error.client_order_id = place.key
            raise
        self._engine.place(
            place.at,
            place.market_id,
            place.outcome,
            place.side,
            place.price,
            place.size,
            time_in_force=place.time_in_force,
            post_only=place.post_only,
            expires_at=place.expires_at,
            client_order_id=place.key,
            minimum_size=least,
        )

    def refused(self, change: RefusedChange) -> Failure:
        """The failure of a change that was refused when it arrived."""
        command = self._changes.pop(change.turn)
        venue = self._engine.pits[change.market_id].contract.market.venue
        error = error_of(change.reason)(
            change.reason, venue=venue, client_order_id=command.key
        )
        return Failure(command=command, error=error)


def _checked(place: Place, contract: Contract) -> Decimal:
    """Hold an order against all rules that need no account; gives the least size."""
    market, now = contract.market, place.at / _SECOND
    tickets = _tickets(market.venue)
    request = OrderRequest(
        market_id=place.market_id,
        outcome=place.outcome,
        side=place.side,
        price=place.price,
        size=place.size,
        time_in_force=place.time_in_force,
        post_only=place.post_only,
        expires_at=place.expires_at,
        client_order_id=place.key,
    )
    ticket = tickets.read(request, rng=_UNUSED)
    is_first = place.outcome == contract.first
    price = read_price(
        place.price, market.grid if is_first else market.grid.complement()
    )
    least = tickets.least_size(place.time_in_force, market.minimum_size, market.lot)
    size = read_size(place.size, lot=market.lot, minimum=least)
    tickets.check(ticket, price, size, now)
    tickets.check_expiry(ticket.expires, now)
    return least


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
