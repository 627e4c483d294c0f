"""What left together on paper, and what of it waits for its market to be read."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..models import Gap

__all__ = ["Departure", "unread_gap"]


@attrs.define
class Departure:
    """Markets to be read on its arrival, and the turns of the commands that wait for that.

    ``due`` is the moment of that arrival, in nanoseconds since 1970.
    """

    due: int = 0
    unread: tuple[str, ...] = ()
    turns: frozenset[int] = frozenset()


def unread_gap(market_ids: tuple[str, ...], moment: datetime) -> Gap:
    """That nobody knows what these markets offered on its arrival."""
    reason = "not read when an order, a change or a cancel arrived"
    return Gap(subject=None, market_ids=market_ids, reason=reason, at=moment)
