"""Rate limits: per address on the net by group of endpoints, per signer by orders.

docs.polymarket.com rate limits, 2026-08; Data API v2 of 2026-10. Cloudflare queues what
is above the limit of an address first; here it is refused at once.
"""

from __future__ import annotations

from .errors import Failure
from .wire import SECOND

__all__ = ["GROUPS", "TIERS", "Bucket", "Limits", "Signer"]

_WINDOW = 10

GROUPS: dict[str, int] = {
    "gamma": 4000,
    "gamma_events": 500,
    "gamma_markets": 300,
    "gamma_search": 350,
    "gamma_tags": 200,
    "data_v1": 1000,
    "data_v1_trades": 200,
    "data_v1_positions": 150,
    "data_v2": 800,
    "data_v2_trades": 300,
    "data_v2_rest": 200,
    "clob": 9000,
    "clob_one": 1500,
    "clob_batch": 500,
    "clob_history": 1000,
    "clob_tick": 200,
    "clob_ledger": 900,
    "clob_orders": 500,
    "clob_trades": 500,
    "clob_notifications": 125,
    "clob_balance": 200,
    "clob_balance_update": 50,
    "clob_auth": 100,
    "post_order": 5000,
    "delete_order": 5000,
    "post_orders": 2000,
    "delete_orders": 2000,
    "cancel_all": 250,
    "cancel_market": 1500,
}
"""Requests in ten seconds."""

TIERS: dict[str, tuple[int, int, int, int]] = {
    "standard": (40, 60, 80, 120),
    "copper": (60, 90, 120, 180),
    "bronze": (80, 120, 160, 240),
    "silver": (200, 300, 400, 600),
    "gold": (400, 600, 800, 1200),
    "platinum": (450, 675, 900, 1350),
    "diamond": (525, 787, 1050, 1575),
    "elite": (600, 900, 1200, 1800),
}
"""Orders per second and at once, then cancels per second and at once."""


class Bucket:
    """Tokens that come back at ``rate`` per second up to ``capacity``, in millionths."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND
        self._seen_us = 0

    def level(self, now_us: int) -> int:
        """Whole tokens now; may be below nought."""
        if self._seen_us:
            passed = max(0, now_us - self._seen_us)
            full = self.capacity * SECOND
            self._level = min(full, self._level + passed * self.rate)
        self._seen_us = now_us
        return self._level // SECOND

    def take(self, cost: int) -> None:
        """Take tokens, whether there or not."""
        self._level -= cost * SECOND

    def full_us(self, now_us: int) -> int:
        """When it is full again."""
        lacking = self.capacity * SECOND - self._level
        return now_us + -(-lacking // self.rate)


class Signer:
    """The two buckets of an address that signs."""

    def __init__(self, tier: str = "standard") -> None:
        rate, burst, cancel_rate, cancel_burst = TIERS[tier]
        self.tier = tier
        self.orders = Bucket(rate, burst)
        self.cancels = Bucket(cancel_rate, cancel_burst)


class Limits:
    """All buckets of the venue."""

    def __init__(self) -> None:
        self._groups: dict[str, Bucket] = {}
        self._signers: dict[str, Signer] = {}

    def signer(self, address: str) -> Signer:
        """The buckets of a signer."""
        return self._signers.setdefault(address.lower(), Signer())

    def set_tier(self, address: str, tier: str) -> None:
        """Put a signer into another tier."""
        self._signers[address.lower()] = Signer(tier)

    def pass_group(self, group: str, now_us: int) -> None:
        """Count a request of a group, or refuse it."""
        most = GROUPS[group]
        bucket = self._groups.get(group)
        if bucket is None:
            # Tokens of a tenth, so that any rate per ten seconds is whole.
            bucket = self._groups[group] = Bucket(most, most * _WINDOW)
        if bucket.level(now_us) < _WINDOW:
            raise _too_many({"Retry-After": "1"})
        bucket.take(_WINDOW)

    def pass_signer(
        self, address: str, now_us: int, *, cost: int, cancels: bool, owes: bool = False
    ) -> dict[str, str]:
        """Charge a signer, or refuse; the headers that tell what is left.

        With ``owes`` the cost is charged whatever is left: it is known afterwards.
        """
        signer = self.signer(address)
        bucket = signer.cancels if cancels else signer.orders
        level = bucket.level(now_us)
        if not owes and level < cost:
            # A batch above the burst can never pass.
            missing = cost - level
            wait = -(-missing // bucket.rate)
            told = _told(signer, bucket, now_us)
            raise _too_many({"Retry-After": str(wait), **told})
        bucket.take(cost)
        return _told(signer, bucket, now_us)


def _told(signer: Signer, bucket: Bucket, now_us: int) -> dict[str, str]:
    return {
        "Poly-RateLimit-Remaining": str(bucket.level(now_us)),
        "Poly-RateLimit-Reset": str(bucket.full_us(now_us) // SECOND),
        "Poly-RateLimit-Tier": signer.tier,
    }


def _too_many(headers: dict[str, str]) -> Failure:
    return Failure(429, {"error": "Too Many Requests"}, headers)
