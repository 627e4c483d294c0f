"""A stop of all trading: why, since when, and what was done about it."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..errors import Halted, UnifiedExchangesError
from .account import Position
from .journal import Intent
from .orders import Order
from .record import Flat

__all__ = ["Halt", "HaltReport"]


@attrs.frozen(kw_only=True, slots=True)
class Halt(Flat):
    """Why and since when no order leaves; the time is that of our clock."""

    reason: str
    at: datetime

    def refusal(self, about: object, venue: str | None = None) -> Halted:
        """The error for what is not sent on account of it."""
        message = (
            f"{about}: not sent, because everything was halted at {_moment(self.at)} "
            f"({self.reason}). Cancels and reads go on; resume('why') allows orders again"
        )
        return Halted(message, venue=venue, reason=self.reason, halted_at=self.at)


@attrs.frozen(kw_only=True, slots=True)
class HaltReport(Flat):
    """What stopping everything came to; print it to read it.

    ``canceled`` were open and are not now, ``filled`` filled whole before that, both over
    all calls of `halt` since the first.  ``remaining`` are open still, and ``errors`` says
    why, and what else could not be done.  ``unresolved`` may be at the venue: each says why
    that is not known.  ``under_way`` names requests for orders that had left before and were
    not answered yet.  ``positions`` are what is held, None where that could not be read:
    which does not mean flat.  ``is_canceling`` is False where orders were to be left open.
    """

    reason: str
    halted_at: datetime
    ended_at: datetime
    canceled: tuple[Order, ...] = ()
    filled: tuple[Order, ...] = ()
    remaining: tuple[Order, ...] = ()
    unresolved: tuple[Intent, ...] = ()
    under_way: tuple[str, ...] = ()
    positions: tuple[Position, ...] | None = None
    errors: tuple[UnifiedExchangesError, ...] = ()
    is_canceling: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether nothing is open or on its way, and all could be read that tells so."""
        is_left = bool(self.remaining) and self.is_canceling
        is_open = is_left or self.unresolved or self.under_way or self.errors
        return not is_open and self.positions is not None

    def __str__(self) -> str:
        counts = (
            f"{len(self.canceled)} canceled, {len(self.filled)} filled meanwhile, "
            f"{len(self.remaining)} still open, {len(self.unresolved)} unresolved"
        )
        lines = [f"halted at {_moment(self.halted_at)} ({self.reason}): {counts}"]
        lines += [f"  still open: {order!r}" for order in self.remaining]
        lines += [
            f"  may be there: {x}: {x.detail or x.state}" for x in self.unresolved
        ]
        lines += [f"  not answered yet: {name}" for name in self.under_way]
        lines += [f"  trouble: {error}" for error in self.errors]
        if self.positions is None:
            lines.append("  positions could not be read: that does not mean flat")
        else:
            lines += [f"  held: {position!r}" for position in self.positions]
        if not self.is_complete:
            lines.append(
                "  NOT COMPLETE: no new order leaves, but what is named above may fill. "
                "Call halt() again, which goes on from here, or cancel at the venue"
            )
        return "\n".join(lines)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
