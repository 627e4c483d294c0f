"""What a run on exchanges says of itself: while it goes on, and at its end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..models import Fill, Order, Position
from ..models.record import Flat, in_figures
from .commands import Command, Failure, Note

__all__ = ["RunProgress", "RunReport"]


@attrs.frozen(kw_only=True, slots=True)
class RunProgress:
    """How a run does: events told, orders asked for, fills, and what is open now."""

    moment: int
    events: int
    orders: int
    fills: int
    open_orders: int


@attrs.frozen(kw_only=True, slots=True, repr=False)
class RunReport(Flat):
    """What a run on exchanges came to.

    ``ended_at`` is when it ended, told something then or not: over a recording by its time.
    ``decisions``, ``fills``, ``failures`` and ``notes`` are the last ones, as many as
    ``run`` was told to keep.  ``orders`` are how those ended that were open when it
    stopped.  ``unsent`` were decided, but not sent any more since it ended.
    """

    started_at: datetime
    ended_at: datetime
    events: int
    decisions: tuple[Command, ...]
    fills: tuple[Fill, ...]
    failures: tuple[Failure, ...]
    orders: tuple[Order, ...]
    unsent: tuple[Command, ...]
    notes: tuple[Note, ...]
    cash: Decimal
    positions: tuple[Position, ...]

    def __repr__(self) -> str:
        told = {
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "events": self.events,
            "decisions": len(self.decisions),
            "fills": len(self.fills),
            "failures": len(self.failures),
            "orders": len(self.orders),
            "unsent": len(self.unsent),
            "notes": len(self.notes),
            "cash": self.cash,
            "positions": len(self.positions),
        }
        return in_figures("RunReport", told)
