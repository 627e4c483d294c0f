"""An observer that remembers, to see what is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from unified_exchanges.observer import METRICS, Labels, Metric, Readings
from unified_exchanges.observers.gauges import Gauges

__all__ = ["Remembering"]


class Remembering:
    """Keeps every count and every value by metric and labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, Labels]] = Counter()
        self.values: defaultdict[tuple[str, Labels], list[float]] = defaultdict(list)
        self.gauges = Gauges()

    def count(self, metric: Metric, labels: Labels, amount: int) -> None:
        assert metric.kind == "counter"
        assert len(labels) == len(metric.labels)
        self.counts[metric.name, labels] += amount

    def record(self, metric: Metric, labels: Labels, value: float) -> None:
        assert metric.kind == "histogram"
        assert len(labels) == len(metric.labels)
        self.values[metric.name, labels].append(value)

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        assert metric.kind == "gauge"
        return self.gauges.follow(metric, read)

    def shown(self, name: str) -> Mapping[Labels, float]:
        """What a gauge shows now."""
        return self.gauges.read(next(m for m in METRICS if m.name == name))
