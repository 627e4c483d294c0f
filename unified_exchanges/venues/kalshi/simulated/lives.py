"""How a market lives: when it is listed, opens, closes, and what it then pays."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import attrs

from .catalog import Listed
from .wire import SECOND

__all__ = ["DAY", "HOUR", "MINUTE", "Life", "Planned", "new_id"]

HOUR = 3600 * SECOND
DAY = 24 * HOUR
MINUTE = 60 * SECOND


@attrs.frozen(kw_only=True, slots=True)
class Life:
    """When a market is listed, opens, closes and is determined, and with what value.

    Without a value it stays closed. ``paused``: deactivated. ``traded``: has a past.
    """

    listed_us: int
    open_us: int
    close_us: int
    timer_seconds: int = 300
    determined_us: int | None = None
    value: Decimal | None = None
    paused: bool = False
    traded: bool = False


@attrs.frozen(kw_only=True, slots=True)
class Planned:
    """A market to list and how it lives."""

    listed: Listed
    life: Life


def new_id(rng: Random) -> str:
    """An id in the form of a UUID4."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[rng.getrandbits(2)]
    return "-".join(
        (
            digits[:8],
            digits[8:12],
            f"4{digits[13:16]}",
            f"{variant}{digits[17:20]}",
            digits[20:],
        )
    )
