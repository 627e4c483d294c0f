"""What an account took, by the fills that its recording tells."""

from __future__ import annotations

from ...models import Fill, Liquidity
from ...paper import OwnTake
from ...paper.orders import nanoseconds

__all__ = ["own_take"]


def own_take(fill: Fill) -> OwnTake | None:
    """What it took by a fill; None of one at rest."""
    if fill.liquidity is not Liquidity.TAKER:
        return None
    moment = nanoseconds(fill.created_at)
    return OwnTake(
        take_id=fill.fill_id,
        # It is that of the public trade.
        trade_id=fill.fill_id,
        market_id=fill.market_id,
        outcome=fill.outcome,
        side=fill.side,
        price=fill.price,
        size=fill.size,
        earliest=moment,
        latest=moment,
    )
