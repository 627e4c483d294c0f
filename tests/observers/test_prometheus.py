"""Prometheus: what a real scrape of a real HTTP server sees."""

from __future__ import annotations

import importlib
import sys
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.canary import WATCH
from unified_exchanges import BadRequest, exchange
from unified_exchanges.observer import METRICS
from unified_exchanges.observers.prometheus import PrometheusObserver

from .busy import DRIVERS, busy

WHERE = {"venue": "kalshi", "environment": "local"}


def scraped(registry: CollectorRegistry) -> str:
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            text: str = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    return text


def samples(text: str) -> list[Sample]:
    return [
        s for family in text_string_to_metric_families(text) for s in family.samples
    ]


def value(text: str, name: str, **labels: str) -> float:
    found = [
        s.value
        for s in samples(text)
        if s.name == f"unified_exchanges_{name}" and s.labels == WHERE | labels
    ]
    assert len(found) == 1, (name, labels, text)
    return found[0]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_scrape_sees_all_that_is_measured(driver: str) -> None:
    registry = CollectorRegistry()
    with busy(driver, PrometheusObserver(registry)) as trading:
        text = scraped(registry)
    ok = value(text, "requests_total", endpoint="orders", outcome="ok")
    assert ok == trading.health.acknowledgement.count == 1
    assert value(text, "requests_total", endpoint="markets", outcome="refused") >= 1
    counted = [s.value for s in samples(text) if s.name.endswith("requests_total")]
    assert sum(counted) == trading.health.requests
    acknowledged = value(text, "order_acknowledgement_seconds_count", endpoint="orders")
    assert acknowledged == 1
    took = value(text, "order_acknowledgement_seconds_sum", endpoint="orders")
    assert 0 < took < 5
    assert value(text, "message_latency_seconds_count", subject="order_book") >= 1
    assert value(text, "stream_reconnects_total") == trading.reconnections >= 1
    assert value(text, "book_stale_duration_seconds_count") >= 1
    assert value(text, "stale_books") == value(text, "book_stale_age_seconds") == 0
    assert abs(value(text, "clock_offset_seconds")) < 2
    assert value(text, "unresolved_orders") == 2
    # The limiter is off here: buckets are made when they are first used.
    assert "# TYPE unified_exchanges_limiter_used_ratio gauge" in text


@pytest.mark.parametrize("driver", DRIVERS)
def test_fault_48_no_secret_and_no_id_is_in_a_scrape(driver: str) -> None:
    registry = CollectorRegistry()
    with busy(driver, PrometheusObserver(registry)) as trading:
        text = scraped(registry)
    WATCH.hear("a scrape", text)
    assert [word for word in trading.words if word in text] == []
    labels = {name for sample in samples(text) for name in sample.labels} - {"le"}
    assert labels <= {"venue", "environment", "endpoint", "outcome", "subject"}
    series = {
        (s.name, *s.labels.items()) for s in samples(text) if "le" not in s.labels
    }
    assert len(series) < 60


def test_names_are_those_of_prometheus() -> None:
    registry = CollectorRegistry()
    PrometheusObserver(registry)
    families = {family.name: family for family in registry.collect()}
    assert len(families) == len(METRICS)
    for metric in METRICS:
        ends = {"s": "_seconds", "1": "_ratio"}.get(metric.unit, "")
        name = f"unified_exchanges_{metric.name.replace('.', '_')}{ends}"
        family = families[name]
        assert (family.type, family.documentation) == (metric.kind, metric.about)


def test_one_observer_serves_many_exchanges_and_a_second_is_refused() -> None:
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry)
    made = [exchange("kalshi", environment="demo", observer=observer) for _ in range(2)]
    for each in made:
        each.venue.monitor.unresolved = lambda: 1
    labels = {"venue": "kalshi", "environment": "demo"}
    assert registry.get_sample_value("unified_exchanges_unresolved_orders", labels) == 2
    with pytest.raises(BadRequest, match="another PrometheusObserver already; give"):
        PrometheusObserver(registry)
    for each in made:
        each.close()
    name = "unified_exchanges_unresolved_orders"
    assert registry.get_sample_value(name, labels) is None


def test_without_the_library_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = "unified_exchanges.observers.prometheus"
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"'\.\[prometheus\]'"):
        importlib.import_module(module)


def test_another_missing_module_is_not_explained_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "prometheus_client.core":
                raise ModuleNotFoundError("no wsgiref", name="wsgiref")

    module = "unified_exchanges.observers.prometheus"
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "prometheus_client.core")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="no wsgiref"):
        importlib.import_module(module)
