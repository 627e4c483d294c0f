"""What every frame is: an envelope around ``msg``."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Raw, field

from ...wire.base import Wire

__all__ = ["Envelope", "Frame", "Moment"]

Moment: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
"""Unix milliseconds; a moment that no calendar has is malformed."""


class Frame(Wire, kw_only=True, tag_field="type"):
    """Base of all frames; the tag is ``type``."""

    sid: int = 0
    seq: int | None = None
    sending_ts_ms: Moment | None = None


class Envelope(Wire, kw_only=True):
    """Any frame, as far as it can be read: for those that cannot be read otherwise."""

    type: str = ""
    sid: int | None = None
    seq: int | None = None
    id: int | None = None
    msg: Raw = field(default_factory=Raw)
