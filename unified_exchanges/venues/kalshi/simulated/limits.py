"""Token buckets of an account: read, write, and one for writes per shard.

docs.kalshi.com rate limits as of 2026-09-24. Tokens are counted in millionths, so that
a microsecond of refill is a whole number.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import too_many
from .wire import SECOND

__all__ = ["SHARDS", "TIERS", "Bucket", "Buckets"]

SHARDS = 4

TIERS: dict[str, tuple[int, int, int, int]] = {
    "basic": (200, 600, 100, 100),
    "advanced": (300, 900, 300, 900),
    "expert": (600, 600, 600, 1800),
    "premier": (1200, 1200, 1200, 3600),
    "paragon": (2400, 2400, 2400, 7200),
    "prime": (4800, 4800, 4800, 14_400),
    "prestige": (12_000, 12_000, 9600, 28_800),
}
"""Read tokens per second and capacity, then the same of write tokens."""


class Bucket:
    """Tokens that come back at ``rate`` per second up to ``capacity``."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND
        self._seen_us = 0

    def holds(self, cost: int, now_us: int) -> bool:
        """Whether ``cost`` tokens are there now."""
        passed = max(0, now_us - self._seen_us) if self._seen_us else 0
        level = self._level + passed * self.rate
        self._level = min(self.capacity * SECOND, level)
        self._seen_us = now_us
        return self._level >= cost * SECOND

    def take(self, cost: int) -> None:
        """Take tokens that are there."""
        self._level -= cost * SECOND


class Buckets:
    """All buckets of one account."""

    def __init__(self, tier: str) -> None:
        read, read_capacity, write, write_capacity = TIERS[tier]
        self.tier = tier
        self.read = Bucket(read, read_capacity)
        self.write = Bucket(write, write_capacity)
        # Shard 0 is served by the account-wide write bucket.
        others = range(1, SHARDS)
        self._shards = {n: Bucket(write, write_capacity) for n in others}

    def read_tokens(self, cost: int, now_us: int) -> None:
        """Pay for a read, or raise the 429."""
        _charge([self.read], cost, now_us)

    def write_tokens(self, cost: int, now_us: int, shard: int | None = 0) -> None:
        """Pay for a write to a shard, to every shard with None, or raise the 429."""
        if shard is None:
            _charge([self.write, *self._shards.values()], cost, now_us)
        else:
            _charge([self._shards.get(shard, self.write)], cost, now_us)


def _charge(buckets: Iterable[Bucket], cost: int, now_us: int) -> None:
    charged = list(buckets)
    lacking = [bucket for bucket in charged if not bucket.holds(cost, now_us)]
    if lacking:
        raise too_many()
    for bucket in charged:
        bucket.take(cost)
