"""Whether what an order filled stands, where a trade that matched may still fail on chain."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from ..flow import Flow
from ..models import FillState
from ..money import ZERO, total
from ..venue import Venue

__all__ = ["Settlement", "settlement_of"]


@attrs.frozen(kw_only=True, slots=True)
class Settlement:
    """Contracts of one order: for good, on their way, and failed, so that none traded."""

    final: Decimal = ZERO
    pending: Decimal = ZERO
    failed: Decimal = ZERO


def settlement_of(
    venue: Venue, market_id: str, order_id: str, *, since: datetime | None = None
) -> Flow[Settlement]:
    """How far the fills of an order are, as the venue shows them now.

    The order itself is not asked for: venues stop showing one that has ended.
    """
    shown = yield from venue.settling(market_id, since)
    mine = [fill for fill in shown if fill.order_id == order_id]
    sizes = {
        state: total(abs(fill.size) for fill in mine if fill.state is state)
        for state in FillState
    }
    return Settlement(
        final=sizes[FillState.FINAL],
        pending=sizes[FillState.PENDING],
        failed=sizes[FillState.FAILED],
    )
