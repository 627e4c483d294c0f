"""Whether an answer is about what was asked: connections have been known to mix them up.

A process that was forked with an open connection, a proxy or a cache may hand out the
answer of another request: well formed, and believed, the worst kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ...errors import VenueSchemaError

__all__ = ["check_asked", "check_listed"]

_NAMES: Final[Mapping[str, str]] = {"ticker": "market_id", "order_id": "order_id"}
"""What a listing may be asked for, and what its items are asked whether they are."""


def check_asked(told: str, asked: Collection[str], field: str) -> None:
    """Refuse an answer about something that was not asked for."""
    if told in asked:
        return
    wanted = ", ".join(map(repr, list(asked)[:3]))
    message = (
        f"the answer is about {told!r} (`{field}`), but {wanted} was asked for: it is the "
        "answer to something else, so nothing of it was believed"
    )
    raise VenueSchemaError(message, field=field, venue="kalshi")


def check_listed(items: Iterable[object], query: Mapping[str, object]) -> None:
    """Refuse a page with items that its listing was not asked for, where they tell."""
    for field, name in _NAMES.items():
        asked = query.get(field)
        if isinstance(asked, str):
            for item in items:
                check_asked(getattr(item, name, asked), (asked,), field)
