"""Few enough points to be drawn, and none of the extremes lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

__all__ = ["thinned"]

T = TypeVar("T")


def thinned(
    points: Sequence[T],
    most: int,
    *,
    low: Callable[[T], Decimal],
    high: Callable[[T], Decimal],
) -> list[T]:
    """The first, and of each stretch its lowest, highest and last; all, where there are few.

    >>> said = [Decimal(x) for x in (1, 5, 2, 9, 2, 2, 0, 4, 3)]
    >>> [int(x) for x in thinned(said, 4, low=lambda x: x, high=lambda x: x)]
    [1, 2, 9, 2, 0, 4, 3]
    """
    size = -(-2 * len(points) // most)
    if size <= 1 or len(points) <= most:
        return list(points)
    kept = [points[0]]
    for start in range(1, len(points), size):
        stretch = points[start : start + size]
        found = {
            min(range(len(stretch)), key=lambda n: low(stretch[n])),
            max(range(len(stretch)), key=lambda n: high(stretch[n])),
            len(stretch) - 1,
        }
        kept += [stretch[n] for n in sorted(found)]
    return kept
