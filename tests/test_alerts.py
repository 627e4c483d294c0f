"""Thresholds: told once when crossed, once when all is well again, and never more."""

from __future__ import annotations

import logging
import math

import pytest

from unified_exchanges import AlertPolicy, BadRequest, exchange
from unified_exchanges.alerts import Alerts, Measure
from unified_exchanges.observer import METRICS


def crossings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "unified_exchanges.alerts"
    ]


def judged(alerts: Alerts, now: float, **values: float | None) -> None:
    known: dict[Measure, float | None] = {
        "latency": None,
        "acknowledgement": None,
        "errors": None,
        "limiter": None,
    }
    alerts.judge(known | values, now)  # type: ignore[operator]


def test_the_defaults_are_those_of_a_trading_desk() -> None:
    policy = AlertPolicy()
    assert (policy.latency, policy.acknowledgement) == (0.05, 0.1)
    assert (policy.errors, policy.limiter) == (0.05, 0.8)


@pytest.mark.parametrize(
    ("measure", "fine", "above", "said"),
    [
        ("latency", 0.05, 0.0512, "the latency of messages is 51 ms, above 50 ms"),
        (
            "acknowledgement",
            0.1,
            0.2504,
            "the acknowledgement of orders is 250 ms, above 100 ms",
        ),
        ("errors", 0.05, 0.1, "the share of failed requests is 10%, above 5%"),
        ("limiter", 0.8, 0.95, "the used share of the limiter is 95%, above 80%"),
    ],
)
def test_a_threshold_is_told_once_when_it_is_crossed(
    caplog: pytest.LogCaptureFixture,
    measure: str,
    fine: float,
    above: float,
    said: str,
) -> None:
    alerts = Alerts(AlertPolicy(), "kalshi demo")
    judged(alerts, 0.0, **{measure: fine})
    assert (crossings(caplog), alerts.current) == ([], ())
    for now in range(1, 100):
        judged(alerts, now, **{measure: above})
    assert (crossings(caplog), alerts.current) == ([f"kalshi demo: {said}"], (said,))
    assert caplog.records[0].levelno == logging.WARNING


def test_what_wavers_around_a_threshold_does_not_flood(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alerts = Alerts(AlertPolicy(), "kalshi demo")
    for now in range(1_000):
        judged(alerts, float(now), latency=0.051 if now % 2 else 0.049)
    assert len(crossings(caplog)) == 1


@pytest.mark.parametrize("well", [0.01, None])
def test_it_is_over_after_a_calm_time_and_told_once(
    caplog: pytest.LogCaptureFixture, well: float | None
) -> None:
    alerts = Alerts(AlertPolicy(calm=30.0), "kalshi demo")
    judged(alerts, 100.0, acknowledgement=0.3)
    judged(alerts, 112.0, acknowledgement=0.2)
    judged(alerts, 141.0, acknowledgement=well)
    assert len(alerts.current) == 1
    for now in (142.0, 143.0, 200.0):
        judged(alerts, now, acknowledgement=well)
    assert alerts.current == ()
    assert crossings(caplog) == [
        "kalshi demo: the acknowledgement of orders is 300 ms, above 100 ms",
        (
            "kalshi demo: the acknowledgement of orders is back below 100 ms; "
            "it was above for 12 s"
        ),
    ]
    judged(alerts, 201.0, acknowledgement=0.4)
    assert len(crossings(caplog)) == 3


def test_none_switches_one_off(caplog: pytest.LogCaptureFixture) -> None:
    alerts = Alerts(AlertPolicy(latency=None), "kalshi demo")
    judged(alerts, 0.0, latency=9.0, limiter=0.9)
    assert len(crossings(caplog)) == len(alerts.current) == 1
    assert "limiter" in alerts.current[0]


def test_without_the_log_they_are_known_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alerts = Alerts(AlertPolicy(log=False), "kalshi demo")
    judged(alerts, 0.0, errors=0.5)
    assert (crossings(caplog), len(alerts.current)) == ([], 1)


@pytest.mark.parametrize("name", ["latency", "acknowledgement", "errors", "calm"])
def test_a_threshold_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match=f"AlertPolicy.{name} must be a number"):
        AlertPolicy(**{name: -0.1})  # type: ignore[arg-type]


def test_what_is_no_policy_or_no_observer_is_refused() -> None:
    with pytest.raises(BadRequest, match="alerts must be an AlertPolicy"):
        exchange("kalshi", environment="demo", alerts=0.05)  # type: ignore[arg-type]
    with pytest.raises(
        BadRequest,
        match=r"Settings.observer must be an Observer, .*, or None, not a dict",
    ):
        exchange("kalshi", environment="demo", observer={})  # type: ignore[arg-type]


def test_every_metric_has_a_name_of_its_own_and_few_labels() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    allowed = {"venue", "environment", "endpoint", "outcome", "subject", "bucket"}
    assert {label for metric in METRICS for label in metric.labels} == allowed
    for metric in METRICS:
        assert list(metric.bounds) == sorted(metric.bounds)
        assert bool(metric.bounds) == (metric.kind == "histogram")
        assert all(math.isfinite(bound) for bound in metric.bounds)
