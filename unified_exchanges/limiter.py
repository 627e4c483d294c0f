"""The token buckets of an account, shared by the exchange objects that use its key."""

from __future__ import annotations

from typing import Final
from weakref import WeakValueDictionary

from . import fork
from .clock import Clock, SystemClock
from .policy import LimitPolicy, TokenBucket

__all__ = ["Limiter"]


class Limiter:
    """Buckets by name, and the lock under which a call takes from several at once."""

    def __init__(self, policy: LimitPolicy) -> None:
        self.policy = policy
        self.buckets: dict[str, TokenBucket] = {}
        self.lock = fork.lock()

    def used(self, now: float) -> dict[str, float]:
        """The share of each bucket that is used up: 0 untouched, 1 empty."""
        return {
            name: round(1 - bucket.fill(now), 6)
            for name, bucket in list(self.buckets.items())
        }

    @classmethod
    def of(
        cls, account: tuple[str, str, str], policy: LimitPolicy, clock: Clock
    ) -> Limiter:
        """The limiter of (venue, address, key id) in this process.

        The venue counts by account, so two objects with one key share their buckets if
        they keep to the same policy and to the machine's clock.
        """
        if type(clock) is not SystemClock:
            return cls(policy)
        with _finding:
            found = _known.get(account)
            if found is None:
                found = _known[account] = cls(policy)
        return found if found.policy == policy else cls(policy)


_known: Final[WeakValueDictionary[tuple[str, str, str], Limiter]] = (
    WeakValueDictionary()
)
_finding: Final = fork.lock()
