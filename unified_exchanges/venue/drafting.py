"""From a ticket to a draft: an order held against the rules of its market."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import ClassVar, Final, Generic, TypeVar

from ..errors import (
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    UnifiedExchangesError,
)
from ..flow import Flow
from ..grid import read_price, read_size
from ..models import MarketStatus, Side
from ..models.catalog import no_outcome
from ..money import EXACT, ONE, ZERO, read_number, text
from .doubt import Doubt
from .draft import Draft, Rules
from .intents import Intents
from .ticket import Ticket, Tickets

__all__ = ["Drafting"]

D = TypeVar("D", bound=Draft)

_FRESH: Final = 2.0
"""Seconds for which remembered market rules are believed when they refuse an order."""


class Drafting(Intents[D], Doubt, Generic[D]):
    """Checks tickets against markets."""

    tickets: ClassVar[Tickets]
    create_name: ClassVar[str]
    """Method and path of a create, for errors of orders that were not sent."""

    @abstractmethod
    def rules(self, market_id: str, *, fresh: bool = False) -> Flow[Rules]:
        """What must be known of a market to trade on it; remembered, unless ``fresh``."""

    @abstractmethod
    def make_draft(
        self, ticket: Ticket, rules: Rules, outcome: str, price: Decimal, size: Decimal
    ) -> D:
        """An order in the venue's own words; what it refuses of its own raises."""

    def minimum_size(self, ticket: Ticket, rules: Rules) -> Decimal:
        """The smallest size that an order may have."""
        return self.tickets.least_size(
            ticket.time_in_force, rules.minimum_size, rules.lot
        )

    def draft(self, ticket: Ticket) -> Flow[D]:
        """Check a ticket against its market, as it is remembered or else as it is."""
        try:
            ready = yield from self._allowed(ticket)
            self.check_expiry(ticket.expires)
        except UnifiedExchangesError as error:
            error.venue = self.id
            error.client_order_id = ticket.client_order_id
            error.request = error.request or self.create_name
            raise
        return ready

    def check_expiry(self, expires: int | None) -> None:
        """Refuse an expiry that has passed by the venue's clock.

        That is known by its answers: not to be asked before there was one.
        """
        self.tickets.check_expiry(expires, self.clock.now() + self.offset.seconds)

    def _allowed(self, ticket: Ticket) -> Flow[D]:
        rules = yield from self.rules(ticket.market_id)
        try:
            return (yield from self._checked(ticket, rules))
        except (InvalidPrice, InvalidSize, MarketClosed):
            # Grids and states change while trading: ask before refusing by memory.
            if self.clock.monotonic() - rules.seen_at <= _FRESH:
                raise
        rules = yield from self.rules(ticket.market_id, fresh=True)
        return (yield from self._checked(ticket, rules))

    def _checked(self, ticket: Ticket, rules: Rules) -> Flow[D]:
        bound = None
        if ticket.request.max_slippage is not None:
            bound = yield from self._bound(ticket, rules)
        return self.drafted(ticket, rules, bound)

    def _bound(self, ticket: Ticket, rules: Rules) -> Flow[Decimal]:
        """The worst price of a market order: the best opposite one plus the slippage."""
        request = ticket.request
        try:
            slippage = read_number(request.max_slippage)
        except ValueError as error:
            message = f"max_slippage {error}; it is dollars, such as 0.02"
            raise InvalidOrder(message, venue=self.id) from error
        if not ZERO <= slippage < ONE:
            message = f"max_slippage {text(slippage)} is not between 0 and 1 dollar"
            raise InvalidOrder(message, venue=self.id)
        book = yield from self.fetch_order_book(
            ticket.market_id, outcome=request.outcome, depth=1
        )
        best = book.ask if ticket.side is Side.BUY else book.bid
        if best is None:
            message = f"nothing to {ticket.side} against: the book has no other side"
            raise InvalidOrder(message, venue=self.id)
        # The book is later than the rules, which may be remembered.
        grid = book.grid or rules.grid_of(book.outcome)
        if ticket.side is Side.BUY:
            worst = min(EXACT.add(best.price, slippage), grid.highest)
            snapped = grid.snap(worst, "down")
        else:
            worst = max(EXACT.subtract(best.price, slippage), grid.lowest)
            snapped = grid.snap(worst, "up")
        return read_price(worst if snapped is None else snapped, grid)

    def drafted(self, ticket: Ticket, rules: Rules, bound: Decimal | None) -> D:
        """Check a ticket against its market; ``bound`` is the price of a market order."""
        request = ticket.request
        outcome = self.outcome_label(rules, request.outcome)
        price = bound
        if price is None:
            assert request.price is not None
            price = read_price(request.price, rules.grid_of(outcome))
        least = self.minimum_size(ticket, rules)
        size = read_size(request.size, lot=rules.lot, minimum=least)
        if rules.status is not MarketStatus.OPEN:
            message = (
                f"market {rules.market_id} does not trade now: it is {rules.status}"
            )
            raise MarketClosed(message, venue=self.id)
        now = self.clock.now() + self.offset.seconds
        self.tickets.check(ticket, price, size, now)
        return self.make_draft(ticket, rules, outcome, price, size)

    def stated(self, ticket: Ticket, rules: Rules) -> D:
        """An order as it was said, to be compared: it need not be possible any more.

        Its price is 0 where the caller gave none.  Raises ValueError if it never was.
        """
        request = ticket.request
        outcome = self.outcome_label(rules, request.outcome)
        price = ZERO if request.price is None else read_number(request.price)
        size = read_number(request.size)
        if not ZERO <= price < ONE or size <= ZERO:
            message = "no order has such a price or size"
            raise ValueError(message)
        return self.make_draft(ticket, rules, outcome, price, size)

    def outcome_label(self, rules: Rules, name: object) -> str:
        """The label of a market's outcome, by any name of it."""
        found = rules.outcome(name)
        if found is None:
            message = no_outcome(rules.market_id, name, rules.outcomes)
            raise self.tickets.refusal(message)
        return found.label
