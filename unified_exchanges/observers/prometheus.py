"""Prometheus: what is measured, for a scrape.

Needs prometheus_client, of the extra ``prometheus``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..wording import installed_by

try:
    import prometheus_client
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "prometheus_client":
        raise
    message = (
        "PrometheusObserver needs prometheus_client, which is not installed; install it "
        f"with: {installed_by('prometheus')}"
    )
    raise ImportError(message, name="prometheus_client") from None

from ..errors import BadRequest
from ..observer import METRICS, Labels, Metric, Readings
from .gauges import Gauges

__all__ = ["PrometheusObserver"]

_UNITS: Final = {"s": "seconds", "1": "ratio"}


class PrometheusObserver(Collector):
    """Shows what exchanges measure in a registry of `prometheus_client`.

    One observer serves any number of exchange objects.  Names begin with
    ``unified_exchanges_``, times are seconds, labels are venue, environment and one of
    ``endpoint``, ``subject`` or ``bucket``.  Raises `BadRequest` where the registry has
    such metrics already.

    >>> from prometheus_client import CollectorRegistry
    >>> import unified_exchanges as ux
    >>> observer = PrometheusObserver(CollectorRegistry())
    >>> kalshi = ux.exchange("kalshi", environment="demo", observer=observer)
    """

    def __init__(
        self,
        registry: prometheus_client.CollectorRegistry = prometheus_client.REGISTRY,
    ) -> None:
        self._gauges = Gauges()
        self._counters: dict[str, prometheus_client.Counter] = {}
        self._histograms: dict[str, prometheus_client.Histogram] = {}
        try:
            for metric in METRICS:
                self._make(metric, registry)
            registry.register(self)
        except ValueError as error:
            message = (
                "the registry holds the metrics of another PrometheusObserver already; "
                "give that one to every exchange, or this one a registry of its own "
                f"({error})"
            )
            raise BadRequest(message) from error

    def count(self, metric: Metric, labels: Labels, amount: int) -> None:
        """Something happened so many times."""
        self._counters[metric.name].labels(*labels).inc(amount)

    def record(self, metric: Metric, labels: Labels, value: float) -> None:
        """One value of a histogram."""
        self._histograms[metric.name].labels(*labels).observe(value)

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        """Show a gauge, read at each scrape; what is returned ends that."""
        return self._gauges.follow(metric, read)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges now; the registry asks for them."""
        for metric in METRICS:
            if metric.kind == "gauge":
                family = _family(metric)
                for labels, value in self._gauges.read(metric).items():
                    family.add_metric(labels, value)
                yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The gauges without values, so that registering reads nothing."""
        return (_family(metric) for metric in METRICS if metric.kind == "gauge")

    def _make(
        self, metric: Metric, registry: prometheus_client.CollectorRegistry
    ) -> None:
        name = _name(metric)
        if metric.kind == "counter":
            # The library appends `_total`.
            self._counters[metric.name] = prometheus_client.Counter(
                name, metric.about, metric.labels, registry=registry
            )
        elif metric.kind == "histogram":
            self._histograms[metric.name] = prometheus_client.Histogram(
                name,
                metric.about,
                metric.labels,
                buckets=metric.bounds,
                registry=registry,
            )


def _family(metric: Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(_name(metric), metric.about, labels=metric.labels)


def _name(metric: Metric) -> str:
    """The name by Prometheus' conventions: words and base unit, with underscores."""
    words = ["unified_exchanges", *metric.name.split(".")]
    return "_".join([*words, *filter(None, [_UNITS.get(metric.unit)])])
