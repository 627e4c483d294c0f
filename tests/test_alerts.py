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
        "latency_ms": None,
        "acknowledgement_ms": None,
        "errors": None,
        "limiter_used": None,
    }
    alerts.judge(known | values, now)  # type: ignore[operator]


def test_the_defaults_are_those_of_a_trading_desk() -> None:
    policy = AlertPolicy()
    assert (policy.latency_ms, policy.acknowledgement_ms) == (50, 100)
    assert (policy.errors, policy.least_requests) == (0.05, 20)
    assert (policy.limiter_used, policy.stream_ms) == (0.8, 10_000)


@pytest.mark.parametrize(
    ("measure", "fine", "above", "said"),
    [
        (
            "latency_ms",
            50,
            50.2,
            (
                "the latency of messages is 50.2 ms, above 50 ms: see whether the program "
                "takes messages as fast as they come, then the network"
            ),
        ),
        (
            "acknowledgement_ms",
            100,
            250.04,
            (
                "the acknowledgement of orders is 250 ms, above 100 ms: place at prices that "
                "may be older by so much, and see fetch_status() and the network"
            ),
        ),
        (
            "errors",
            0.05,
            0.0526,
            (
                "the share of failed requests is 5.3%, above 5%: see fetch_status() and what "
                "the errors say; send less until it ends"
            ),
        ),
        (
            "limiter_used",
            0.8,
            0.95,
            (
                "the used share of the limiter is 0.95, above 0.80: ask less often, or "
                "requests will wait here"
            ),
        ),
        (
            "stream_ms",
            10_000,
            12_300,
            (
                "the time without the stream that is followed is 12.3 s, above 10 s: trust no "
                "followed book; stream_health().last_error says why"
            ),
        ),
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
        judged(alerts, float(now), latency_ms=51 if now % 2 else 49)
    assert len(crossings(caplog)) == 1


@pytest.mark.parametrize(("well", "told"), [(10, "10 ms"), (None, "nothing measured")])
def test_it_is_over_after_a_calm_time_and_told_once(
    caplog: pytest.LogCaptureFixture, well: float | None, told: str
) -> None:
    alerts = Alerts(AlertPolicy(calm_ms=30_000), "kalshi demo")
    judged(alerts, 100.0, acknowledgement_ms=300)
    judged(alerts, 112.0, acknowledgement_ms=200)
    judged(alerts, 141.0, acknowledgement_ms=well)
    assert len(alerts.current) == 1
    for now in (142.0, 143.0, 200.0):
        judged(alerts, now, acknowledgement_ms=well)
    assert alerts.current == ()
    crossed, back = crossings(caplog)
    assert crossed.startswith(
        "kalshi demo: the acknowledgement of orders is 300 ms, above 100 ms: "
    )
    assert back == (
        f"kalshi demo: the acknowledgement of orders is back below 100 ms: {told} now; "
        "it was above for 12 s"
    )
    judged(alerts, 201.0, acknowledgement_ms=400)
    assert len(crossings(caplog)) == 3


def test_an_alert_tells_what_is_measured_now() -> None:
    alerts = Alerts(AlertPolicy(calm_ms=30_000), "kalshi demo")
    judged(alerts, 100.0, acknowledgement_ms=300)
    judged(alerts, 101.0, acknowledgement_ms=150)
    (told,) = alerts.current
    assert told.startswith("the acknowledgement of orders is 150 ms, above 100 ms: ")
    judged(alerts, 113.0, acknowledgement_ms=40)
    assert alerts.current == (
        "the acknowledgement of orders was above 100 ms until 12 s ago: 40 ms now",
    )
    judged(alerts, 115.0)
    assert alerts.current == (
        (
            "the acknowledgement of orders was above 100 ms until 14 s ago: nothing "
            "measured now"
        ),
    )
    judged(alerts, 116.0, acknowledgement_ms=101)
    (told,) = alerts.current
    assert told.startswith("the acknowledgement of orders is 101 ms, above 100 ms: ")


def test_none_switches_one_off(caplog: pytest.LogCaptureFixture) -> None:
    alerts = Alerts(AlertPolicy(latency_ms=None), "kalshi demo")
    judged(alerts, 0.0, latency_ms=9_000, limiter_used=0.9)
    assert len(crossings(caplog)) == len(alerts.current) == 1
    assert "limiter" in alerts.current[0]


def test_without_the_log_they_are_known_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alerts = Alerts(AlertPolicy(log=False), "kalshi demo")
    judged(alerts, 0.0, errors=0.5)
    assert (crossings(caplog), len(alerts.current)) == ([], 1)


@pytest.mark.parametrize(
    "name", ["latency_ms", "acknowledgement_ms", "errors", "stream_ms", "calm_ms"]
)
def test_a_threshold_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match=f"AlertPolicy.{name} must be a number"):
        AlertPolicy(**{name: -0.1})  # type: ignore[arg-type]


@pytest.mark.parametrize("least", [0, -1, 1.5, True, None])
def test_a_least_number_of_requests_is_a_whole_number(least: object) -> None:
    with pytest.raises(BadRequest, match=r"AlertPolicy.least_requests must be a whole"):
        AlertPolicy(least_requests=least)  # type: ignore[arg-type]


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
