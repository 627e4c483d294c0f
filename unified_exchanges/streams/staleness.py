"""How long books are stale: from a doubt to the next whole book."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Staleness"]


class Staleness:
    """Books that are not whole, and since when; the time is an argument.

    >>> books = Staleness()
    >>> books.lost(["A", "B"], 10.0)
    >>> books.lost(["A"], 11.0)
    >>> books.whole("A", 12.5), books.longest(14.0), len(books.began)
    (2.5, 4.0, 1)
    """

    __slots__ = ("began",)

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        """By market; empty while all is well."""

    def lost(self, market_ids: Iterable[str], now: float) -> None:
        """These may have changed unseen; those that are stale already stay so."""
        for market_id in market_ids:
            self.began.setdefault(market_id, now)

    def whole(self, market_id: str, now: float) -> float | None:
        """One is whole: how long it was not, None if it was all the time."""
        began = self.began.pop(market_id, None)
        return None if began is None else now - began

    def forget(self, market_ids: Iterable[str]) -> None:
        """Nobody follows these any more."""
        for market_id in market_ids:
            self.began.pop(market_id, None)

    def longest(self, now: float) -> float:
        """Seconds since the first of the stale ones became so, 0 if none is."""
        # A copy: whoever looks may be another thread than the stream's.
        return now - min(list(self.began.values()), default=now)
