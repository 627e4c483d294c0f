"""Exits: what is to be sold, and at which prices.  Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import cast

import attrs

from ..errors import BadRequest, InvalidOrder, InvalidPrice
from ..grid import read_price, read_size
from ..models import Market, OrderBook
from ..models.record import Flat
from ..money import EXACT, ONE, ZERO, Number, read_number, text
from .sizing import grid_of

__all__ = ["ExitPlan", "Trigger", "amount", "amount_if_any"]


class Trigger(str, Enum):
    """Why an exit sells."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"

    def __str__(self) -> str:
        return str(self.value)


def _price(value: Number | None) -> Decimal | None:
    return None if value is None else _plain(read_price(value))


def _plain(value: Decimal) -> Decimal:
    """A number in one form, whether it comes from a grid, the venue or the journal."""
    return Decimal(text(value))


def amount(value: Number) -> Decimal:
    """A number of contracts or dollars, exact and in one form."""
    try:
        return _plain(read_number(value))
    except ValueError as error:
        raise InvalidOrder(f"{error}; sizes are contracts, slippage dollars") from error


def amount_if_any(value: Number | None) -> Decimal | None:
    """The same, where there may be none."""
    return None if value is None else amount(value)


@attrs.frozen(kw_only=True, slots=True)
class ExitPlan(Flat):
    """What to sell when the best bid gets there; prices are dollars for ``outcome``.

    ``name`` is the identity of the exit, yours to choose: over restarts, the same name is
    the same exit, for ever; a new exit needs a new one.  ``size`` contracts are sold once
    the best bid is at ``take_profit`` or above, or at ``stop_loss`` or below, whichever
    comes first; one of them may be None.  The order's limit is ``max_slippage`` dollars
    below the price that was reached for: it sells no lower than that, and what nobody buys
    there stays held.  A stop-loss needs it said, since prices jump over a stop: while the
    best bid is below the limit nothing is sold, and with 0 that is so below the stop.
    ``max_slippage="0.99"`` sells to whoever still bids.

    >>> plan = ExitPlan(
    ...     name="rain-1", market_id="RAIN", outcome="yes", size=10,
    ...     take_profit="0.70", stop_loss="0.30", max_slippage="0.02",
    ... )
    >>> plan.limit(Trigger.STOP_LOSS)
    Decimal('0.28')
    """

    name: str
    market_id: str
    outcome: str
    size: Decimal = attrs.field(converter=amount)
    take_profit: Decimal | None = attrs.field(default=None, converter=_price)
    stop_loss: Decimal | None = attrs.field(default=None, converter=_price)
    max_slippage: Decimal | None = attrs.field(default=None, converter=amount_if_any)

    def __attrs_post_init__(self) -> None:
        name = cast("object", self.name)
        if not isinstance(name, str) or not name.strip():
            raise BadRequest(f"an exit's name is a text, not {self.name!r}")
        if self.size <= ZERO:
            raise InvalidOrder(f"size {text(self.size)} is not above 0 contracts")
        slippage = self.max_slippage
        if slippage is not None and not ZERO <= slippage < ONE:
            message = f"max_slippage {text(slippage)} is not from 0 to 1 dollar"
            raise InvalidOrder(message)
        if slippage is None and self.stop_loss is not None:
            message = (
                "a stop_loss needs max_slippage=: how many dollars below it may be sold "
                "if the price jumps over it. With 0 nothing is sold below the stop; "
                "'0.99' sells at any price"
            )
            raise BadRequest(message)
        profit, loss = self.take_profit, self.stop_loss
        if profit is None and loss is None:
            raise BadRequest("an exit needs take_profit= or stop_loss=, or both")
        if profit is not None and loss is not None and profit <= loss:
            message = (
                f"take_profit {text(profit)} must be above stop_loss {text(loss)}: any "
                "price would sell at once"
            )
            raise InvalidPrice(message)

    def __str__(self) -> str:
        """What is to be sold and when, for people."""
        whens = []
        if self.take_profit is not None:
            whens.append(f"at {text(self.take_profit)} or above")
        if self.stop_loss is not None:
            whens.append(f"at {text(self.stop_loss)} or below")
        what = f"sell {text(self.size)} {self.outcome} of {self.market_id}"
        slippage = self.max_slippage
        bound = f"{text(slippage)} under that" if slippage else "that"
        return (
            f"{self.name!r} ({what} {', or '.join(whens)}, and no lower than {bound})"
        )

    def limit(self, trigger: Trigger) -> Decimal:
        """The lowest price to sell at, before it is brought onto the market's grid."""
        price = self.take_profit if trigger is Trigger.TAKE_PROFIT else self.stop_loss
        assert price is not None
        return EXACT.subtract(price, self.max_slippage or ZERO)

    def decide(self, book: OrderBook) -> Trigger | None:
        """Whether this book makes it sell, and why.

        A book that may have changed unseen never does, nor one in which nobody bids.
        """
        if book.stale or book.bid is None:
            return None
        if (book.market_id, book.outcome) != (self.market_id, self.outcome):
            return None
        bid = book.bid.price
        if self.take_profit is not None and bid >= self.take_profit:
            return Trigger.TAKE_PROFIT
        if self.stop_loss is not None and bid <= self.stop_loss:
            return Trigger.STOP_LOSS
        return None

    def check(self, market: Market) -> ExitPlan:
        """The plan with the market's own outcome label, if its order could be sent.

        A stop must not turn out to be off the grid when it is needed.
        """
        read_size(self.size, lot=market.lot, minimum=market.minimum_size)
        label = market.outcome(self.outcome).label
        plan = attrs.evolve(self, outcome=label)
        for trigger in Trigger:
            if getattr(self, trigger.value) is not None:
                plan.price(trigger, market)
                read_price(getattr(self, trigger.value), grid_of(market, label))
        return plan

    def price(self, trigger: Trigger, market: Market) -> Decimal:
        """The order's limit on the market's grid: never below the plan's."""
        lowest = max(self.limit(trigger), ZERO)
        found = grid_of(market, self.outcome).snap(lowest, "up")
        if found is None:
            message = f"no price of {self.market_id} is at {text(lowest)} or above"
            raise InvalidPrice(message)
        return found
