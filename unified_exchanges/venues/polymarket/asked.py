"""Whether an answer is about what was asked, in Polymarket's words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ...venue import identity

__all__ = ["check_asked", "check_listed"]


def check_asked(told: str, asked: Collection[str], field: str) -> None:
    """Refuse an answer about something that was not asked for."""
    identity.check_asked(told, asked, field, venue="polymarket")


def check_listed(items: Iterable[object], query: Mapping[str, object]) -> None:
    """Refuse a page of orders or trades of a market that was not asked for.

    Left out, it would look as if there was none on the one that was.
    """
    market = query.get("market")
    if isinstance(market, str):
        for item in items:
            check_asked(getattr(item, "market_id", market), (market,), "market")
