"""A market as a row: what an account needs to know of it, also once the source forgot it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ..grid import PriceBand, PriceGrid
from ..models import Market, MarketStatus, Outcome

__all__ = ["read_market", "told_market"]

_TEXTS: Final = ("venue", "market_id", "event_id", "title", "venue_status", "kind")
_NUMBERS: Final = ("lot", "minimum_size", "cost_step", "payout")


def told_market(market: Market) -> dict[str, Any]:
    """What does not change, or is not told elsewhere: no quotes, no rules."""
    outcomes = [[x.label, x.outcome_id, x.title] for x in market.outcomes]
    return {
        **{name: getattr(market, name) for name in _TEXTS},
        **{name: str(getattr(market, name)) for name in _NUMBERS},
        "outcomes": outcomes,
        "opens_at": market.opens_at and market.opens_at.isoformat(),
    }


def read_market(told: dict[str, Any], bands: list[dict[str, str]]) -> Market:
    """The market again, on a grid of these bands."""
    opens = told["opens_at"]
    prices = ({k: Decimal(v) for k, v in band.items()} for band in bands)
    texts: dict[str, Any] = {name: told[name] for name in _TEXTS}
    numbers: dict[str, Any] = {name: Decimal(told[name]) for name in _NUMBERS}
    return Market(
        **texts,
        **numbers,
        outcomes=tuple(Outcome(*x) for x in told["outcomes"]),
        grid=PriceGrid(tuple(PriceBand(**x) for x in prices)),
        opens_at=None if opens is None else datetime.fromisoformat(opens),
        status=MarketStatus.UNKNOWN,
    )
