"""The Polymarket venue: its parts put together."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from ...flow import Flow
from ...models import Params
from ...money import EXACT, ZERO
from ...venue.closing import Closing
from .amounts import LOT
from .contracts import is_protocol_v2
from .drafts import Draft
from .heartbeats import Heartbeats
from .mass_cancelling import MassCancelling
from .placing import Placing
from .rehearsing import Rehearsing
from .resync import Resyncing

__all__ = ["PolymarketVenue"]


class PolymarketVenue(
    Placing, MassCancelling, Closing[Draft], Heartbeats, Rehearsing, Resyncing
):
    """Every unified method that Polymarket has, as flows.

    Each outcome has a book of its own, so nothing is told in terms of the first one.
    """

    # The Data API is behind, and its answers may come out of a cache (docs, 2026-10).
    positions_lag: ClassVar[bool] = True

    def held_now(
        self,
        market_id: str,
        scope: Params,  # noqa: ARG002
    ) -> Flow[list[tuple[str, Decimal]]]:
        """What is held of a market by the CLOB's own account of the chain.

        Positions are told by a service that lags by an unknown time.  This is a cache too,
        which is asked to look again; orders to sell that rest are not subtracted.
        """
        rules = yield from self.rules(market_id)
        found: list[tuple[str, Decimal]] = []
        for outcome in rules.outcomes:
            token = outcome.outcome_id
            held = yield from self.holding(
                token, is_v2=is_protocol_v2(token), refresh=True
            )
            # Less than a hundredth of a share cannot be sold.
            dust = EXACT.remainder(held.available, LOT)
            size = EXACT.subtract(held.available, dust)
            if size > ZERO:
                found.append((outcome.label, size))
        return found
