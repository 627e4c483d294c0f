"""Markets that the simulated Kalshi lists, whichever day the tests run.

It lists by the real date where a real server serves it.  These names have a month in them and
no day, so they hold over midnight too, but for the one that begins another month of theirs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["MARKET", "OTHER", "names"]


def names(today: datetime) -> tuple[str, str]:
    """An event's only market, which is scalar, and one of several that exclude each other."""
    value, mayor = today + timedelta(days=75), today + timedelta(days=350)
    return (
        f"KXGDPVALUE-{value:%y%b}-V".upper(),
        f"KXMAYORLA-{mayor:%y%b}-AVER0".upper(),
    )


_NAMES: Final = names(datetime.now(UTC))
MARKET: Final = _NAMES[0]
OTHER: Final = _NAMES[1]
