"""Orders that are intended, and a tracker on a clock that a test moves."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs

from tests.watching.samples import START, fill, moment, order, position
from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import (
    BUY,
    AccountState,
    Reconciled,
    Settlement,
    Side,
    Subject,
)
from unified_exchanges.tracking.tracker import OrderTracker
from unified_exchanges.watching.reconciler import News

__all__ = [
    "START",
    "Plan",
    "fill",
    "moment",
    "news",
    "order",
    "position",
    "settlement",
    "tracker_of",
]


@attrs.frozen(kw_only=True)
class Plan:
    """What is about to be sent."""

    client_order_id: str = "c-o1"
    market_id: str = "A"
    outcome: str = "yes"
    side: Side = BUY
    price: Decimal = Decimal("0.40")
    size: Decimal = Decimal(10)
    reduce_only: bool = False
    is_asked_to_reduce: bool = False
    purse: str = ""


def tracker_of(
    first_outcome: str | None = "yes", *, settles_late: bool = False
) -> tuple[OrderTracker, VirtualClock]:
    clock = VirtualClock()
    tracker = OrderTracker(
        clock, first_outcome=first_outcome, settles_late=settles_late
    )
    return tracker, clock


def news(
    *,
    read_at: float = 0.0,
    began: float = 0.0,
    ended: float | None = None,
    subjects: frozenset[Subject] = frozenset({Subject.ORDERS, Subject.FILLS}),
    has_positions: bool = True,
    **state: Any,
) -> News:
    """A read that succeeded."""
    told = {name: tuple(items) for name, items in state.items()}
    return News(
        subjects=subjects,
        orders=(),
        fills=(),
        positions=(),
        adopted=frozenset(),
        event=Reconciled(at=START, orders=0, fills=0, available=None),
        state=AccountState(**told),
        read_at=read_at,
        began=moment(began),
        ended=moment(began if ended is None else ended),
        has_positions=has_positions,
    )


def settlement(market_id: str = "A", at: float = 0.0) -> Settlement:
    return Settlement(
        venue="toy",
        market_id=market_id,
        event_id=None,
        result="yes",
        value=Decimal(1),
        payout=Decimal(5),
        holdings=(),
        fee=Decimal(0),
        settled_at=START + timedelta(seconds=at),
    )
