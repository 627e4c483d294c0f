"""OpenTelemetry: what the real SDK's reader collects."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.canary import WATCH
from unified_exchanges import exchange
from unified_exchanges.observer import METRICS
from unified_exchanges.observers.opentelemetry import OpenTelemetryObserver
from unified_exchanges.version import VERSION

from .busy import DRIVERS, busy

WHERE = {"venue": "kalshi", "environment": "local"}


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def provider(reader: InMemoryMetricReader) -> Iterator[MeterProvider]:
    made = MeterProvider([reader])
    yield made
    made.shutdown()


def collected(reader: InMemoryMetricReader) -> dict[str, Any]:
    data = reader.get_metrics_data()
    if data is None:
        return {}
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    assert (scope.scope.name, scope.scope.version) == ("unified_exchanges", VERSION)
    return {
        metric.name.removeprefix("unified_exchanges."): metric
        for metric in scope.metrics
    }


def point(metrics: dict[str, Any], name: str, **labels: str) -> Any:
    (found,) = [
        p for p in metrics[name].data.data_points if p.attributes == WHERE | labels
    ]
    return found


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_reader_collects_all_that_is_measured(
    reader: InMemoryMetricReader, provider: MeterProvider, driver: str
) -> None:
    with busy(driver, OpenTelemetryObserver(provider)) as trading:
        metrics = collected(reader)
    orders = point(metrics, "requests", endpoint="orders", outcome="ok")
    assert orders.value == trading.health.acknowledgement.count == 1
    counted = [p.value for p in metrics["requests"].data.data_points]
    assert sum(counted) == trading.health.requests
    acknowledged = point(metrics, "order.acknowledgement", endpoint="orders")
    assert (acknowledged.count, 0 < acknowledged.sum < 5) == (1, True)
    assert point(metrics, "message.latency", subject="order_book").count >= 1
    again = point(metrics, "stream.reconnects").value
    assert again == trading.reconnections >= 1
    assert point(metrics, "book.stale.duration").count >= 1
    assert point(metrics, "stale_books").value == 0
    assert point(metrics, "book.stale.age").value == 0
    assert abs(point(metrics, "clock.offset").value) < 2
    assert point(metrics, "unresolved_orders").value == 2


@pytest.mark.parametrize("driver", DRIVERS)
def test_fault_48_no_secret_and_no_id_is_collected(
    reader: InMemoryMetricReader, provider: MeterProvider, driver: str
) -> None:
    with busy(driver, OpenTelemetryObserver(provider)) as trading:
        metrics = collected(reader)
    text = "\n".join(metric.to_json() for metric in metrics.values())
    WATCH.hear("collected metrics", text)
    assert [word for word in trading.words if word in text] == []
    points = [p for metric in metrics.values() for p in metric.data.data_points]
    assert len(points) < 30
    named = {name for p in points for name in p.attributes}
    assert named <= {"venue", "environment", "endpoint", "outcome", "subject"}


def test_names_units_and_bounds_are_those_of_the_metrics(
    reader: InMemoryMetricReader, provider: MeterProvider
) -> None:
    observer = OpenTelemetryObserver(provider)
    for metric in METRICS:
        labels = tuple("x" for _ in metric.labels)
        if metric.kind == "counter":
            observer.count(metric, labels, 2)
        elif metric.kind == "histogram":
            observer.record(metric, labels, 0.03)
        else:
            observer.follow(metric, lambda labels=labels: [(labels, 1.0)])
    found = collected(reader)
    assert set(found) == {metric.name for metric in METRICS}
    for metric in METRICS:
        told = found[metric.name]
        assert (told.unit, told.description) == (metric.unit, metric.about)
        (data,) = told.data.data_points
        assert set(data.attributes) == set(metric.labels)
        assert tuple(getattr(data, "explicit_bounds", ())) == metric.bounds


def test_several_exchanges_are_summed_and_a_closed_one_is_gone(
    reader: InMemoryMetricReader, provider: MeterProvider
) -> None:
    observer = OpenTelemetryObserver(provider)
    made = [exchange("kalshi", environment="demo", observer=observer) for _ in range(2)]
    for each in made:
        each.venue.monitor.unresolved = lambda: 1
    (found,) = collected(reader)["unresolved_orders"].data.data_points
    assert found.value == 2
    for each in made:
        each.close()
    assert "unresolved_orders" not in collected(reader)


def test_without_a_provider_it_is_the_program_s_global_one() -> None:
    # None is set up here: nothing is exported, and nothing is in the way.
    observer = OpenTelemetryObserver()
    for metric in METRICS:
        if metric.kind == "counter":
            observer.count(metric, tuple("x" for _ in metric.labels), 1)


def test_without_the_library_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = "unified_exchanges.observers.opentelemetry"
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"'\.\[opentelemetry\]'"):
        importlib.import_module(module)


def test_another_missing_module_is_not_explained_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "opentelemetry.metrics":
                raise ModuleNotFoundError(
                    "no typing_extensions", name="typing_extensions"
                )

    import opentelemetry

    module = "unified_exchanges.observers.opentelemetry"
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "opentelemetry.metrics")
    monkeypatch.delattr(opentelemetry, "metrics", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="no typing_extensions"):
        importlib.import_module(module)
