"""What a client knows of its orders: where each stands, and what it still puts at risk."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

import attrs

from ..money import EXACT, ONE, ZERO, text
from .orders import Order
from .record import Flat
from .terms import OrderState, Side

__all__ = ["Exposure", "Intended", "PositionDifference", "TrackedOrder", "risk"]


class Intended(Protocol):
    """An order that is about to be sent, said in the caller's own terms.

    ``price`` is dollars for ``outcome``, ``size`` is contracts.
    """

    @property
    def client_order_id(self) -> str:
        """The key by which the venue will know it."""
        ...

    @property
    def market_id(self) -> str:
        """The market that it is for."""
        ...

    @property
    def outcome(self) -> str:
        """The outcome that it is for."""
        ...

    @property
    def side(self) -> Side:
        """Buy or sell of that."""
        ...

    @property
    def price(self) -> Decimal:
        """Dollars at most, or at least for a sale."""
        ...

    @property
    def size(self) -> Decimal:
        """Contracts."""
        ...

    @property
    def reduce_only(self) -> bool:
        """Whether the venue lets it close only."""
        ...

    @property
    def is_asked_to_reduce(self) -> bool:
        """Whether who placed it said that it is to close only."""
        ...

    @property
    def purse(self) -> str:
        """Within what it nets: "" for the account whose positions are read."""
        ...


@attrs.frozen(kw_only=True, slots=True)
class Exposure(Flat):
    """Dollars at risk, as guards judge by them; without fees.

    ``total`` is not exceeded whatever fills of the orders that are known, or has filled
    unseen; ``positions`` is of it what the position that is known has cost, ``orders`` the
    rest.  ``read_at`` is when positions were last read,
    by our clock; None: there is what this object traded, and no more.
    """

    orders: Decimal
    positions: Decimal
    read_at: datetime | None = None

    @property
    def total(self) -> Decimal:
        """Both."""
        return EXACT.add(self.orders, self.positions)


@attrs.frozen(kw_only=True, slots=True)
class TrackedOrder(Flat):
    """An order as this client knows it at one moment.

    ``order`` is the newest that the venue showed of it, None before that.  ``price`` is
    dollars for ``outcome``; ``size``, ``filled`` and ``remaining`` are contracts, None
    where only fills of it were seen; ``filled`` counts fills that its ``order`` does not
    show yet, and none that failed to settle after they matched: those are ``failed``, and
    the order does not open again for them; ``failed_fills`` are the ids of those fills, as
    far as they were seen.  ``pending`` are those of ``filled`` that may still fail, where a
    venue settles after the match.  All of it is said of the first outcome (YES), where
    outcomes share one book.
    ``is_external``: it was placed neither by this object nor, as far as its journal knows, by
    an earlier run.  ``is_doubtful``: the answer to the
    last command about it was lost, and nothing has told since what came of it.
    """

    state: OrderState
    market_id: str
    order_id: str | None
    client_order_id: str | None
    outcome: str
    side: Side
    price: Decimal | None
    size: Decimal | None
    filled: Decimal
    remaining: Decimal | None
    at_risk: Decimal
    """Dollars that it takes at its limit if what remains fills and opens a position."""
    order: Order | None = None
    is_external: bool = False
    is_doubtful: bool = False
    failed: Decimal = ZERO
    failed_fills: tuple[str, ...] = ()
    pending: Decimal = ZERO

    @property
    def is_done(self) -> bool:
        """Whether nothing more can fill, as far as is known."""
        if self.order is not None and not self.order.is_open:
            return True
        return self.state.is_done

    def __str__(self) -> str:
        """What it is and where it stands, for messages."""
        size = "?" if self.size is None else text(self.size)
        price = "?" if self.price is None else text(self.price)
        what = f"{self.side} {size} {self.outcome} of {self.market_id} at {price}"
        failed = f", {text(self.failed)} failed to settle" if self.failed else ""
        return f"{what}: {self.state}, {text(self.filled)} filled{failed}"


@attrs.frozen(kw_only=True, slots=True)
class PositionDifference(Flat):
    """A position that is not what its fills make of it.

    ``derived`` is contracts that the fills add up to, from where they began to be
    followed; ``told`` is what the venue says.  Both are positive in ``outcome``, and where
    outcomes net negative in the other.  ``since`` is when it was first seen, by our clock.
    """

    market_id: str
    outcome: str
    derived: Decimal
    told: Decimal
    since: datetime

    def __str__(self) -> str:
        """Both numbers, for messages."""
        return (
            f"{self.market_id}: fills make {text(self.derived)} {self.outcome}, the "
            f"venue says {text(self.told)}"
        )


def risk(side: Side, price: Decimal, size: Decimal) -> Decimal:
    """Dollars that so many contracts take at a limit, if they open a position.

    >>> risk(Side.SELL, Decimal("0.30"), Decimal(10))
    Decimal('7.00')
    """
    each = price if side is Side.BUY else EXACT.subtract(ONE, price)
    return EXACT.multiply(each, size)
