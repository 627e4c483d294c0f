"""OpenTelemetry: what is measured, for whatever the program exports to.

Needs opentelemetry-api, of the extra ``opentelemetry``.  Without an SDK
that the program sets up, as is the rule there, nothing is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ..wording import installed_by

try:
    from opentelemetry import metrics
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "opentelemetry":
        raise
    message = (
        "OpenTelemetryObserver needs opentelemetry-api, which is not installed; install "
        f"it with: {installed_by('opentelemetry')}"
    )
    raise ImportError(message, name="opentelemetry") from None

from ..observer import METRICS, Labels, Metric, Readings
from ..version import VERSION
from .gauges import Gauges

__all__ = ["OpenTelemetryObserver"]

_PREFIX: Final = "unified_exchanges"


class OpenTelemetryObserver:
    """Shows what exchanges measure through a meter of OpenTelemetry.

    One observer serves any number of exchange objects.  Names begin with
    ``unified_exchanges.``, times are seconds (``s``); attributes are ``venue``,
    ``environment`` and one of ``endpoint``, ``subject`` or ``bucket``.  ``provider`` is
    the program's own, by default the global one.

    >>> import unified_exchanges as ux
    >>> observer = OpenTelemetryObserver()
    >>> kalshi = ux.exchange("kalshi", environment="demo", observer=observer)
    """

    def __init__(self, provider: metrics.MeterProvider | None = None) -> None:
        self._gauges = Gauges()
        self._counters: dict[str, metrics.Counter] = {}
        self._histograms: dict[str, metrics.Histogram] = {}
        self._attributes: dict[tuple[str, Labels], dict[str, str]] = {}
        meter = metrics.get_meter(_PREFIX, VERSION, provider)
        for metric in METRICS:
            self._make(metric, meter)

    def count(self, metric: Metric, labels: Labels, amount: int) -> None:
        """Something happened so many times."""
        self._counters[metric.name].add(amount, self._named(metric, labels))

    def record(self, metric: Metric, labels: Labels, value: float) -> None:
        """One value of a histogram."""
        self._histograms[metric.name].record(value, self._named(metric, labels))

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        """Show a gauge, read at each collection; what is returned ends that."""
        return self._gauges.follow(metric, read)

    def _make(self, metric: Metric, meter: metrics.Meter) -> None:
        name = f"{_PREFIX}.{metric.name}"
        if metric.kind == "counter":
            self._counters[metric.name] = meter.create_counter(
                name, unit=metric.unit, description=metric.about
            )
        elif metric.kind == "histogram":
            self._histograms[metric.name] = meter.create_histogram(
                name,
                unit=metric.unit,
                description=metric.about,
                explicit_bucket_boundaries_advisory=metric.bounds,
            )
        else:
            meter.create_observable_gauge(
                name,
                [self._shown(metric)],
                unit=metric.unit,
                description=metric.about,
            )

    def _shown(
        self, metric: Metric
    ) -> Callable[[metrics.CallbackOptions], Iterable[metrics.Observation]]:
        gauges, named = self._gauges, self._named

        def show(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
            return [
                metrics.Observation(value, named(metric, labels))
                for labels, value in gauges.read(metric).items()
            ]

        return show

    def _named(self, metric: Metric, labels: Labels) -> dict[str, str]:
        """Labels as attributes, made once for each: there are few."""
        key = metric.name, labels
        found = self._attributes.get(key)
        if found is None:
            named = dict(zip(metric.labels, labels, strict=True))
            found = self._attributes[key] = named
        return found
