"""What one client knew of its orders and fills, and since when.

Whoever begins to watch wants to be told what happens from then on.  When something
happened is known by the venue's clock only, and how that goes is known by a second or so;
what this client has sent, was answered or was told, it knows itself, and in which order.

Moments are numbers that only grow: neither two clocks nor one that stands still are
needed to tell what came first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from .. import fork
from ..models import Fill, Order
from ..money import EXACT, ZERO
from .known import FillKey, fill_key, is_unclear

__all__ = ["Memory"]

_MOST: Final = 20_000
"""Orders that are remembered; of others only the venue's clock tells what was before."""


@attrs.frozen(slots=True, eq=False)
class _State:
    """What was known of an order from a moment on."""

    moment: int
    filled: Decimal
    changed_at: datetime | None
    is_over: bool

    def since(self) -> int:
        """What states are sorted by."""
        return self.moment


@attrs.define(slots=True, eq=False)
class _Record:
    placed: int | None = None
    """When this client first sent it."""
    states: list[_State] = attrs.field(factory=list)
    fills: dict[FillKey, tuple[int, Decimal]] = attrs.field(factory=dict)
    """The fills that were seen: when, and how many contracts."""

    def at(self, moment: int) -> _State | None:
        """The latest state that was known at a moment."""
        index = bisect_right(self.states, moment, key=_State.since)
        return self.states[index - 1] if index else None


class Memory:
    """Takes down what becomes known; threads may share it."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._moment = 0
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def moment(self) -> int:
        """Now: what becomes known or is sent from here on has a later number."""
        with self._lock:
            self._moment += 1
            return self._moment

    # -- what becomes known ---------------------------------------------------------

    def order(self, order: Order, *, placed: int | None) -> None:
        """A state of an order, newer than those before; ``placed`` is when we sent it."""
        with self._lock:
            record = self._record(order.order_id, placed)
            is_over = not order.is_open and not is_unclear(order)
            changed = order.updated_at
            last = record.states[-1] if record.states else None
            if last is not None and (last.filled, last.is_over) == (
                order.filled,
                is_over,
            ):
                return
            self._moment += 1
            state = _State(self._moment, order.filled, changed, is_over)
            record.states.append(state)

    def fill(self, fill: Fill, *, placed: int | None) -> None:
        """A fill that was not seen before."""
        with self._lock:
            record = self._record(fill.order_id, placed)
            self._moment += 1
            seen = self._moment, fill.size
            record.fills.setdefault(fill_key(fill), seen)

    def _record(self, order_id: str, placed: int | None) -> _Record:
        record = self._records.get(order_id)
        if record is None:
            record = self._records[order_id] = _Record()
            if len(self._records) > _MOST:
                self._records.popitem(last=False)
        else:
            self._records.move_to_end(order_id)
        if record.placed is None:
            record.placed = placed
        return record

    # -- what was known -------------------------------------------------------------

    def is_placed_since(self, order_id: str, moment: int) -> bool:
        """Whether this client sent an order for the first time after a moment."""
        with self._lock:
            record = self._records.get(order_id)
            placed = None if record is None else record.placed
            return placed is not None and placed > moment

    def knew_end(self, order: Order, moment: int) -> bool:
        """Whether it was known by then that an order had ended, and with no less."""
        with self._lock:
            record = self._records.get(order.order_id)
            known = None if record is None else record.at(moment)
            return known is not None and known.is_over and known.filled >= order.filled

    def knew_fill(self, fill: Fill, moment: int) -> bool:
        """Whether a fill itself had been seen by then."""
        with self._lock:
            record = self._records.get(fill.order_id)
            seen = None if record is None else record.fills.get(fill_key(fill))
            return seen is not None and seen[0] <= moment

    def counted(self, fill: Fill, moment: int) -> Decimal:
        """How much its order was known by then to have filled, beyond the fills seen.

        Zero if a fill is later than what was known: it is none of those.
        """
        with self._lock:
            record = self._records.get(fill.order_id)
            known = None if record is None else record.at(moment)
            if record is None or known is None:
                return ZERO
            if not known.is_over and not _is_by(fill.created_at, known.changed_at):
                return ZERO
            counted = known.filled
            for at, size in record.fills.values():
                if at <= moment:
                    counted = EXACT.subtract(counted, size)
            return counted


def _is_by(happened: datetime, known: datetime | None) -> bool:
    """Whether something happened by a moment, to the millisecond: so answers tell it."""
    if known is None:
        return False
    return happened.replace(microsecond=happened.microsecond // 1000 * 1000) <= known
