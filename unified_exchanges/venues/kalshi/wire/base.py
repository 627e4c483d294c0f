"""What every wire struct shares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

__all__ = ["Cursor", "Id", "Time", "Wire"]

Id: TypeAlias = Annotated[str, Meta(min_length=1)]
"""An identifier: opaque, but never empty."""

Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with its offset; Kalshi sends 0 to 6 digits of a second."""


class Wire(Struct, gc=False):
    """Base of the structs; none can be part of a cycle, so none is tracked."""


class Cursor(Wire, kw_only=True):
    """Any page, looked at for its cursor only."""

    cursor: str | None = None
    next_cursor: str | None = None
