"""What an account of the simulated exchange holds: cash, positions, settlements."""

from __future__ import annotations

from decimal import Decimal

import attrs

from ..money import EXACT, ZERO, div
from .markets import Result
from .orders import Owner

__all__ = ["Books", "Cash", "Position", "Settlement"]


@attrs.frozen(kw_only=True, slots=True)
class Cash:
    """The money of one subaccount on one shard, in dollars."""

    owner: Owner
    shard: int
    total: Decimal = ZERO
    reserved: Decimal = ZERO
    """Held for its resting orders."""

    @property
    def available(self) -> Decimal:
        """What a new order may use."""
        return EXACT.subtract(self.total, self.reserved)


@attrs.frozen(kw_only=True, slots=True)
class Position:
    """Net contracts of one market: positive is YES, negative is NO.

    ``cost`` is what the open contracts cost, in their own money (NO contracts at
    1 − price), without fees; ``realized`` is profit without fees. A settled position
    stays, at 0 contracts.
    """

    owner: Owner
    market_id: str
    event_id: str
    shard: int
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    traded: Decimal = ZERO
    """Dollars paid or received over all fills, each in the money of its side."""
    volume: Decimal = ZERO
    """Contracts traded over all fills."""
    is_settled: bool = False
    updated_us: int = 0

    @property
    def average_price(self) -> Decimal | None:
        """Average cost of an open contract to 28 digits, in its own money."""
        return div(self.cost, self.size.copy_abs()) if self.size else None


@attrs.frozen(kw_only=True, slots=True)
class Settlement:
    """What a position was paid. ``size`` is signed: + YES, − NO."""

    owner: Owner
    market_id: str
    event_id: str
    shard: int
    result: Result
    yes_value: Decimal
    size: Decimal
    cost: Decimal
    revenue: Decimal
    fees: Decimal
    """All fees that the position ever paid."""
    time_us: int
    sequence: int


@attrs.frozen(kw_only=True, slots=True)
class Books:
    """The whole exchange in dollars: ``cash + fees + locked == deposited``, always."""

    cash: Decimal
    fees: Decimal
    locked: Decimal
    """What the open positions will be paid: one dollar per pair of YES and NO."""
    deposited: Decimal
    """Deposits minus withdrawals."""
