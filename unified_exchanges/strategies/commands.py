"""What a strategy asks for: orders, their changes and cancels, and that they failed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

import attrs

from ..errors import UnifiedExchangesError
from ..models import Side, TimeInForce
from ..models.record import Flat

__all__ = ["Amend", "Cancel", "Command", "Failure", "Note", "Place"]


@attrs.frozen(kw_only=True, slots=True)
class Place(Flat):
    """An order that was asked for at a moment, in nanoseconds since 1970.

    ``key`` is its idempotency key, the client order id.  ``price`` is dollars for
    ``outcome``, ``size`` contracts.
    """

    at: int
    key: str
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    expires_at: datetime | None = None


@attrs.frozen(kw_only=True, slots=True)
class Amend(Flat):
    """Another price for the order's outcome, or another total size; None leaves it."""

    at: int
    key: str
    price: Decimal | None = None
    size: Decimal | None = None


@attrs.frozen(kw_only=True, slots=True)
class Cancel(Flat):
    """An order that is to end."""

    at: int
    key: str


Command: TypeAlias = Place | Amend | Cancel
"""What a strategy decided."""


@attrs.frozen(kw_only=True, slots=True)
class Failure(Flat):
    """A command that was refused, or of which it is not known what became of it.

    `error.maybe_executed` says which: an order that may be there is looked for and
    canceled when the run ends.
    """

    command: Command
    error: UnifiedExchangesError


@attrs.frozen(kw_only=True, slots=True)
class Note(Flat):
    """What a strategy wrote into its log; ``is_of_data`` what is to be known of its data.

    >>> print(Note(at=1_795_977_600_000_000_000, text="no offer below 0.4"))
    2026-11-29 18:40:00.000 no offer below 0.4
    """

    at: int
    text: str
    is_of_data: bool = attrs.field(default=False, repr=False)

    def __str__(self) -> str:
        moment = datetime.fromtimestamp(self.at // 10**9, UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{self.at // 10**6 % 1000:03} {self.text}"
