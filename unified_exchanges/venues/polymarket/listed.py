"""Which markets a recorded answer lists, whatever was asked for."""

from __future__ import annotations

from ...errors import UnifiedExchangesError
from ...models import Market
from .parse import catalog

__all__ = ["listed_markets"]


def listed_markets(path: str, body: bytes) -> list[Market]:
    """The markets in an answer that came from a path; none where it lists no markets.

    One that cannot be read is left out: that is said to whoever asks for it.
    """
    try:
        if "/markets" in path:
            return catalog.markets_page(body, leave_out=_pass_over)[0]
        if path.endswith("/public-search"):
            events, _ = catalog.search_page(body, leave_out=_pass_over)
        elif path.endswith("/events/keyset"):
            events, _ = catalog.events_page(body, leave_out=_pass_over)
        elif "/events/" in path:
            events = [catalog.event(body)]
        else:
            return []
    except UnifiedExchangesError:
        return []  # another listing, whose tokens stand for themselves
    return [market for event in events for market in event.markets]


def _pass_over(name: str, problem: UnifiedExchangesError) -> None:
    del name, problem
