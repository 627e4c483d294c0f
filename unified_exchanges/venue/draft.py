"""An order that is ready to be sent: a ticket, checked against the rules of its market."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from ..grid import PriceGrid
from ..models import Intent, MarketStatus, Outcome, Side
from ..models.catalog import find_outcome
from ..models.tracking import risk
from ..money import text
from .ticket import Ticket

if TYPE_CHECKING:
    from .call import Call

__all__ = ["Draft", "PaperDraft", "Rules"]


@attrs.frozen(slots=True, eq=False, repr=False)
class Rules:
    """What must be known of a market to place an order on it.

    ``grid`` is that of the first outcome's prices.  ``seen_at`` is on the monotonic clock.
    """

    market_id: str
    event_id: str
    grid: PriceGrid
    lot: Decimal
    minimum_size: Decimal
    outcomes: tuple[Outcome, ...]
    status: MarketStatus
    is_combination: bool
    seen_at: float

    def outcome(self, name: object) -> Outcome | None:
        """The outcome of a label or an id, in any case."""
        return find_outcome(self.outcomes, name)

    def is_first(self, label: str) -> bool:
        """Whether an outcome is the first, whose prices the grid is of."""
        return label == self.outcomes[0].label

    def grid_of(self, label: str) -> PriceGrid:
        """The prices that an outcome may have."""
        return self.grid if self.is_first(label) else self.grid.complement()


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Draft:
    """An order that is ready to be sent; ``price`` is for the caller's outcome.

    ``written`` is what the journal has of it, once it has; ``before`` what was known of an
    earlier sending with the same id, where that may be an order.  ``call`` is the request
    that it leaves with, once there is one.
    """

    ticket: Ticket
    rules: Rules
    outcome: str
    price: Decimal
    size: Decimal
    written: Intent | None = None
    before: Intent | None = None
    call: Call | None = None

    @property
    def has_left(self) -> bool:
        """Whether it may have arrived at the venue."""
        return self.call is not None and self.call.has_left

    @property
    def client_order_id(self) -> str:
        """Our key of it."""
        return self.ticket.client_order_id

    @property
    def market_id(self) -> str:
        """The market that it is for."""
        return self.ticket.market_id

    @property
    def side(self) -> Side:
        """Buy or sell of the caller's outcome."""
        return self.ticket.side

    @property
    def reduce_only(self) -> bool:
        """Whether the venue lets it close only."""
        return self.is_asked_to_reduce

    @property
    def is_asked_to_reduce(self) -> bool:
        """Whether the caller said that it is to close only."""
        return self.ticket.request.reduce_only

    @property
    def order_id(self) -> str | None:
        """The venue's id, where it is known before anything is sent."""
        return None

    @property
    def purse(self) -> str:
        """Within what it nets, if not in the account whose positions are read."""
        return ""

    @property
    def collateral(self) -> Decimal:
        """Dollars that it takes at its limit if it opens a position."""
        return risk(self.side, self.price, self.size)

    @property
    def words(self) -> Mapping[str, str | int | bool]:
        """What it is sent with besides: the venue's words, and flags."""
        ticket, request = self.ticket, self.ticket.request
        if not (ticket.params or request.post_only or request.reduce_only):
            return ticket.params
        words = dict(ticket.params)
        if request.post_only:
            words["post_only"] = True
        if request.reduce_only:
            words["reduce_only"] = True
        return words

    def __str__(self) -> str:
        """What is asked, for errors: made only when there is one."""
        return (
            f"{self.side} {text(self.size)} {self.outcome} of {self.market_id} "
            f"at {text(self.price)}"
        )


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class PaperDraft(Draft):
    """An order of an account that is on paper, or in a backtest.

    ``nets`` is whether selling an outcome that is not held buys the other one.
    """

    nets: bool

    @property
    def reduce_only(self) -> bool:
        """Whether it closes only, as every sale where only what is held can be sold."""
        return self.is_asked_to_reduce or not (self.nets or self.side is Side.BUY)
