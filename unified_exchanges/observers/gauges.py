"""Gauges that several exchange objects show under one name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import fork
from ..observer import Labels, Metric, Readings

__all__ = ["Gauges"]


class Gauges:
    """Who shows what; of equal labels one value is made, as the metric says.

    >>> from unified_exchanges.observer import STALE_BOOKS
    >>> gauges, where = Gauges(), ("kalshi", "demo")
    >>> ends = [gauges.follow(STALE_BOOKS, lambda: [(where, 2.0)]) for _ in range(2)]
    >>> gauges.read(STALE_BOOKS)
    {('kalshi', 'demo'): 4.0}
    >>> ends[0]()
    >>> gauges.read(STALE_BOOKS)
    {('kalshi', 'demo'): 2.0}
    """

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._numbers = 0
        self._reads: dict[Metric, dict[int, Callable[[], Readings]]] = {}

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        """Show what ``read`` says; what is returned ends that, once or more often."""
        with self._lock:
            self._numbers = number = self._numbers + 1
            self._reads.setdefault(metric, {})[number] = read

        def end() -> None:
            # Without the lock, as a garbage collector may call this amid anything.
            self._reads[metric].pop(number, None)

        return end

    def read(self, metric: Metric) -> Mapping[Labels, float]:
        """The values now, by labels."""
        found: dict[Labels, float] = {}
        for read in list(self._reads.get(metric, {}).values()):
            for labels, value in read():
                known = found.get(labels)
                found[labels] = (
                    value if known is None else _merged(metric, known, value)
                )
        return found


def _merged(metric: Metric, one: float, other: float) -> float:
    if metric.merge == "sum":
        return one + other
    return max(one, other, key=abs)
