"""How a market is called, so that those of one event are told apart."""

from __future__ import annotations

import re

from .catalog import Market

__all__ = ["title_of"]


def title_of(market: Market) -> str:
    """Its title, after what sets it apart from the others of its event."""
    first = market.outcomes[0]
    # Which outcome it is, a listing says beside it.
    title = re.sub(
        rf"(: |^){re.escape(first.label)}$", "", first.title, flags=re.IGNORECASE
    )
    # What sets the markets of an event apart comes first: the rest may be cut.
    if not title or title in market.title:
        return market.title
    return f"{title} · {market.title}"
