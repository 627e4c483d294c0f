"""The token buckets of a host, shared by the objects that the venue counts together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from weakref import WeakValueDictionary

from . import fork
from .clock import Clock, SystemClock
from .policy import TokenBucket

__all__ = ["Limiter", "take_together"]


class Limiter:
    """Buckets of one host by one clock, and the lock to take from several at once.

    Each is there for as long as an exchange object holds it.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = fork.lock()
        # Kept, as it is known by its id.
        self._clock = clock
        self._buckets: WeakValueDictionary[tuple[object, ...], TokenBucket] = (
            WeakValueDictionary()
        )

    @classmethod
    def of(cls, venue: str, address: str, clock: Clock) -> Limiter:
        """The limiter of a host in this process.

        What runs by a clock of its own, as a replay, is not counted with what does not.
        """
        which = 0 if type(clock) is SystemClock else id(clock)
        with _finding:
            found = _known.get((venue, address, which))
            if found is None:
                found = _known[venue, address, which] = cls(clock)
        return found

    def bucket(
        self,
        name: str,
        *,
        account: str,
        chosen: tuple[float, float] | None,
        granted: tuple[float, float],
        share: float,
    ) -> TokenBucket:
        """The bucket of that name and account, made on first use.

        ``account`` is "" for what the venue counts by address. ``chosen`` is what a caller
        set instead of what is ``granted``: those who chose the same share it.
        """
        key = (account, name, share, None if chosen is None else tuple(chosen))
        with _finding:
            found = self._buckets.get(key)
            if found is None:
                found = TokenBucket(*(chosen or granted), share=share)
                self._buckets[key] = found
        return found


def take_together(
    charged: Sequence[tuple[TokenBucket, float]],
    now: float,
    *,
    urgent: bool,
    within: float,
) -> float:
    """Take from all buckets if the wait is short enough, else from none; when to leave.

    It is one moment for all of them: each keeps what it needs then, and grants to others what
    refills before.
    """
    leaves, asked = now, None
    while leaves != asked:
        # What suits one bucket later need not suit another still.
        asked = leaves
        for bucket, cost in charged:
            leaves = bucket.turn(now, cost, urgent=urgent, earliest=leaves)
    if leaves <= now or leaves - now <= within:
        for bucket, cost in charged:
            bucket.take(now, cost, urgent=urgent, earliest=leaves)
    return leaves


_known: Final[WeakValueDictionary[tuple[str, str, int], Limiter]] = (
    WeakValueDictionary()
)
_finding: Final = fork.lock()
