"""Whether an answer is about what was asked, in Kalshi's words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ...venue import identity

__all__ = ["check_asked", "check_listed"]

_NAMES: Final[Mapping[str, str]] = {"ticker": "market_id", "order_id": "order_id"}
"""What a listing may be asked for, and what its items are asked whether they are."""


def check_asked(told: str, asked: Collection[str], field: str) -> None:
    """Refuse an answer about something that was not asked for."""
    identity.check_asked(told, asked, field, venue="kalshi")


def check_listed(items: Iterable[object], query: Mapping[str, object]) -> None:
    """Refuse a page with items that its listing was not asked for, where they tell."""
    for field, name in _NAMES.items():
        asked = query.get(field)
        if isinstance(asked, str):
            for item in items:
                check_asked(getattr(item, name, asked), (asked,), field)
