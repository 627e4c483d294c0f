"""The token buckets of a host, shared by the objects that the venue counts together."""

from __future__ import annotations

from typing import Final
from weakref import WeakValueDictionary

from . import fork
from .clock import Clock, SystemClock
from .policy import TokenBucket

__all__ = ["Limiter"]


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


_known: Final[WeakValueDictionary[tuple[str, str, int], Limiter]] = (
    WeakValueDictionary()
)
_finding: Final = fork.lock()
