"""What Polymarket's rate limits are: requests of one address, and writes of one signer.

Limits by address are counted over any ten seconds, those of writes over any ten minutes as
well, and what is too much is queued before it is refused; those by signer are token buckets
(docs.polymarket.com, rate limits, 2026-08 and 2026-10).  The venue tells a signer's state
with each answer to a write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from ...models import BucketLimit

__all__ = [
    "CANCELS",
    "GROUPS",
    "ORDERS",
    "SHARED",
    "STANDARD",
    "TIERS",
    "Standing",
    "bucket_limits",
    "charges",
    "granted",
    "groups_of",
]

ORDERS: Final = "orders"
CANCELS: Final = "cancels"
STANDARD: Final = "standard"

TIERS: Final[Mapping[str, tuple[tuple[int, int], tuple[int, int]]]] = MappingProxyType(
    {
        STANDARD: ((40, 60), (80, 120)),
        "copper": ((60, 90), (120, 180)),
        "bronze": ((80, 120), (160, 240)),
        "silver": ((200, 300), (400, 600)),
        "gold": ((400, 600), (800, 1200)),
        "platinum": ((450, 675), (900, 1350)),
        "diamond": ((525, 787), (1050, 1575)),
        "elite": ((600, 900), (1200, 1800)),
    }
)
"""Tokens per second and capacity of the bucket of orders and of that of cancels."""

_ROUTES: Final = (
    ("/gamma/events", "gamma:events", 500),
    ("/gamma/markets", "gamma:markets", 300),
    ("/gamma/public-search", "gamma:search", 350),
    ("/gamma/tags", "gamma:tags", 200),
    ("/gamma/comments", "gamma:comments", 200),
    ("/data/v2/trades", "data:trades", 300),
    ("/data/v2/positions", "data:positions", 200),
    ("/data/v2/activity", "data:activity", 200),
    ("/data/v2/prices-history", "data:prices", 200),
    ("/data/v2/status", "data:status", 100),
    ("/data/v2/", "data", 800),
    # The frozen first version.
    ("/data/trades", "data1:trades", 200),
    ("/data/positions", "data1:positions", 150),
    ("/data/closed-positions", "data1:closed", 150),
    ("/data/", "data1", 1000),
    ("/gamma/", "gamma", 4000),
    ("/clob/books", "clob:books", 500),
    ("/clob/prices-history", "clob:history", 1000),
    ("/clob/batch-prices-history", "clob:histories", 500),
    ("/clob/last-trades-prices", "clob:lasts", 500),
    ("/clob/prices", "clob:prices", 500),
    ("/clob/midpoints", "clob:midpoints", 500),
    ("/clob/spreads", "clob:spreads", 500),
    ("/clob/book", "clob:book", 1500),
    ("/clob/price", "clob:price", 1500),
    ("/clob/midpoint", "clob:midpoint", 1500),
    ("/clob/tick-size", "clob:tick", 200),
    ("/clob/data/orders", "clob:orders", 500),
    ("/clob/data/trades", "clob:trades", 500),
    ("/clob/data/", "clob:ledger", 900),
    ("/clob/notifications", "clob:notifications", 125),
    ("/clob/balance-allowance/update", "clob:refresh", 50),
    ("/clob/balance-allowance", "clob:balance", 200),
    ("/clob/auth/", "clob:auth", 100),
    ("/clob/", "clob", 9000),
)
"""Beginnings of paths with their bucket and what it grants in ten seconds.

The longest that fits counts, and beside it what it shares with others: see `_JOINT`, the
sum of its host, and that of all hosts.
"""

_EVERYTHING: Final = "everything"
_JOINT: Final[Mapping[str, str]] = {
    "gamma:events": "gamma:listings",
    "gamma:markets": "gamma:listings",
    "clob:orders": "clob:ledger",
    "clob:trades": "clob:ledger",
    "clob:notifications": "clob:ledger",
}
"""Buckets of several groups of endpoints, which may together ask for less than each."""
_SUMS: Final = {"gamma:listings": 900, _EVERYTHING: 15_000}
"""What those grant that no path has alone.

Today neither binds before its parts do; they would if a caller raised those.
"""

SHARED: Final = frozenset({"clob", _EVERYTHING})
"""Buckets that cancels are charged to and other calls as well."""

_WRITES: Final[Mapping[tuple[str, str], tuple[str, int, int]]] = {
    ("POST", "/clob/order"): ("clob:place", 5000, 120_000),
    ("DELETE", "/clob/order"): ("clob:cancel", 5000, 120_000),
    ("POST", "/clob/orders"): ("clob:place_batch", 2000, 21_000),
    ("DELETE", "/clob/orders"): ("clob:cancel_batch", 2000, 15_000),
    ("DELETE", "/clob/cancel-all"): ("clob:cancel_all", 250, 6000),
    ("DELETE", "/clob/cancel-market-orders"): ("clob:cancel_market", 1500, 21_000),
}
"""Writes with their bucket, and what it grants in ten seconds and in ten minutes."""

_SHORT: Final = 10
_LONG: Final = 600

_BY_LENGTH: Final = sorted(_ROUTES, key=lambda route: -len(route[0]))

GROUPS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {name: (count, _SHORT) for _, name, count in _ROUTES}
    | {name: (count, _SHORT) for name, count in _SUMS.items()}
    | {name: (count, _SHORT) for name, count, _ in _WRITES.values()}
    | {f"{name}:long": (count, _LONG) for name, _, count in _WRITES.values()}
)
"""What each bucket of an address grants, and in how many seconds."""


def groups_of(path: str, method: str = "GET") -> tuple[str, ...]:
    """The buckets that a request to a path counts in.

    >>> groups_of("/clob/time")
    ('clob', 'everything')
    >>> groups_of("/clob/data/orders")
    ('clob:orders', 'clob:ledger', 'clob', 'everything')
    >>> groups_of("/clob/order", "POST")
    ('clob:place', 'clob:place:long', 'clob', 'everything')
    """
    write = _WRITES.get((method, path))
    if write is not None:
        return (write[0], f"{write[0]}:long", "clob", _EVERYTHING)
    for start, name, _ in _BY_LENGTH:
        if path.startswith(start):
            named = (name, _JOINT.get(name), name.partition(":")[0], _EVERYTHING)
            return tuple(dict.fromkeys(filter(None, named)))
    return ()


def charges(path: str, method: str = "GET") -> tuple[tuple[str, float], ...]:
    """What a request to a path takes of an address' buckets: one of each.

    >>> charges("/clob/time")
    (('clob', 1), ('everything', 1))
    """
    return tuple((name, 1) for name in groups_of(path, method))


def granted(name: str) -> tuple[float, float]:
    """Tokens per second of an address' bucket, and how many at once.

    What may go at once and what comes back meanwhile are together what any such time
    grants: half of it at once, of ten minutes a tenth.

    >>> granted("clob:place"), granted("clob:place:long")
    ((250.0, 2500.0), (180.0, 12000.0))
    """
    count, seconds = GROUPS[name]
    at_once = count / (2 if seconds == _SHORT else 10)
    return (count - at_once) / seconds, at_once


def bucket_limits(tier: str) -> tuple[BucketLimit, ...]:
    """The two buckets of a signer in a tier; of one that is not known, the lowest."""
    rows = TIERS.get(tier.lower(), TIERS[STANDARD])
    return tuple(
        BucketLimit(name, Decimal(rate), Decimal(capacity))
        for name, (rate, capacity) in zip((ORDERS, CANCELS), rows, strict=True)
    )


_WHOLE: Final = re.compile(r"-?[0-9]{1,9}")


@attrs.frozen(slots=True)
class Standing:
    """What an answer tells of the signer's bucket that it was charged to.

    ``remaining`` is below nought where more was cancelled at once than was left.  When
    the bucket is full again is told too, and follows from this and its rate.
    """

    tier: str | None
    remaining: int | None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Standing | None:
        """Read the headers of an answer; None where they tell nothing."""
        tier = headers.get("poly-ratelimit-tier") or None
        left = headers.get("poly-ratelimit-remaining", "")
        remaining = int(left) if _WHOLE.fullmatch(left) else None
        if tier is None and remaining is None:
            return None
        return cls(tier, remaining)
