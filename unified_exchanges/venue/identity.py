"""Whether an answer is about what was asked: connections have been known to mix them up.

A process that was forked with an open connection, a proxy or a cache may hand out the
answer of another request: well formed, and believed, the worst kind.
"""

from __future__ import annotations

from collections.abc import Collection

from ..errors import VenueSchemaError

__all__ = ["check_asked"]


def check_asked(told: str, asked: Collection[str], field: str, *, venue: str) -> None:
    """Refuse an answer about something that was not asked for."""
    if told in asked:
        return
    wanted = ", ".join(map(repr, list(asked)[:3]))
    message = (
        f"the answer is about {told!r} (`{field}`), but {wanted} was asked for: it is the "
        "answer to something else, so nothing of it was believed"
    )
    raise VenueSchemaError(message, field=field, venue=venue)
