"""Thresholds: each is told once when it is crossed, and once when all is well again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .fields import is_count, is_flag, is_milliseconds, is_share

__all__ = ["Alarm", "AlertPolicy", "Alerts", "Measure"]

_log = logging.getLogger(__name__)

Measure: TypeAlias = Literal[
    "latency_ms", "acknowledgement_ms", "errors", "limiter_used", "stream_ms"
]
"""What has a threshold: the field of the policy that says it."""

_WORDS: Mapping[Measure, str] = {
    "latency_ms": "the latency of messages",
    "acknowledgement_ms": "the acknowledgement of orders",
    "errors": "the share of failed requests",
    "limiter_used": "the used share of the limiter",
    "stream_ms": "the time without the stream that is followed",
}
_ADVICE: Mapping[Measure, str] = {
    "latency_ms": (
        "see whether the program takes messages as fast as they come, then the network"
    ),
    "acknowledgement_ms": (
        "place at prices that may be older by so much, and see fetch_status() and the "
        "network"
    ),
    "errors": "see fetch_status() and what the errors say; send less until it ends",
    "limiter_used": "ask less often, or requests will wait here",
    "stream_ms": "trust no followed book; stream_health().last_error says why",
}
_LONG_MS = 10_000
"""From here on a sentence speaks of seconds: so many milliseconds tell nobody anything."""


@attrs.frozen(kw_only=True)
class AlertPolicy:
    """From where on a log warning is due; None switches one off.

    ``latency_ms`` of stream messages and ``acknowledgement_ms`` of orders are exceeded
    when the slowest tenth of the last minute takes longer.  ``errors`` is the share of
    requests of the last minute that brought no answer or that the venue could not serve;
    from there on ``is_healthy`` is False too.  If they were fewer than
    ``least_requests``, the missing ones count as if they had worked, unless every one
    failed.  ``limiter_used`` is
    the used share of the fullest token bucket.  ``stream_ms`` is for how long a stream that
    is followed has not been live; from there on ``is_healthy`` is False too.  After
    ``calm_ms`` below its threshold an alert is over.  Times are milliseconds, shares from
    0 to 1.  With ``log=False`` nothing is logged; `Health.alerts` tells all the same.

    >>> AlertPolicy(latency_ms=200, limiter_used=None).acknowledgement_ms
    100
    """

    latency_ms: float | None = attrs.field(
        default=50, validator=is_milliseconds(or_none=True)
    )
    acknowledgement_ms: float | None = attrs.field(
        default=100, validator=is_milliseconds(or_none=True)
    )
    errors: float | None = attrs.field(default=0.05, validator=is_share(or_none=True))
    least_requests: int = attrs.field(default=20, validator=is_count())
    limiter_used: float | None = attrs.field(
        default=0.8, validator=is_share(or_none=True)
    )
    stream_ms: float | None = attrs.field(
        default=10_000, validator=is_milliseconds(or_none=True)
    )
    calm_ms: float = attrs.field(default=30_000, validator=is_milliseconds())
    log: bool = attrs.field(default=True, validator=is_flag())

    def error_share(self, requests: int, errors: int) -> float | None:
        """The share of failures, None where it says nothing: of too few requests.

        It says something if it were above even with as many more that worked as are
        missing: an outage is no smaller where little is asked.  That nothing at all works
        is told of the first request on.

        >>> policy = AlertPolicy(errors=0.05, least_requests=20)
        >>> [policy.error_share(*of) for of in ((20, 1), (19, 1), (10, 5), (1, 1))]
        [0.05, None, 0.5, 1.0]
        """
        most = 1.0 if self.errors is None else self.errors
        is_few = requests < self.least_requests and errors < requests
        if not requests or (is_few and errors / self.least_requests <= most):
            return None
        return errors / requests


@attrs.define
class Alarm:
    """A threshold that is crossed: since when, when it was last above, what it is now."""

    since: float
    last: float
    value: float | None


class Alerts:
    """Holds values against a policy; the time is an argument.  Not thread-safe."""

    def __init__(self, policy: AlertPolicy, about: str) -> None:
        self.policy = policy
        self._about = about
        self._alarms: dict[Measure, Alarm] = {}
        self._judged_at = 0.0

    @property
    def current(self) -> tuple[str, ...]:
        """What is above its threshold, or was within ``calm_ms``: as it was judged last."""
        return tuple(
            self._sentence(subject, alarm)
            for subject, alarm in sorted(self._alarms.items())
        )

    def judge(self, values: Mapping[Measure, float | None], now: float) -> None:
        """Take what was measured last; None where there was nothing to measure.

        ``now`` is seconds of the monotonic clock.
        """
        self._judged_at = now
        for subject, value in values.items():
            threshold: float | None = getattr(self.policy, subject)
            if threshold is not None and value is not None and value > threshold:
                self._above(subject, value, now)
            elif subject in self._alarms:
                self._below(subject, value, now)

    def _above(self, subject: Measure, value: float, now: float) -> None:
        alarm = self._alarms.get(subject)
        if alarm is not None:
            alarm.last, alarm.value = now, value
            return
        self._alarms[subject] = alarm = Alarm(now, now, value)
        self._tell(self._sentence(subject, alarm))

    def _below(self, subject: Measure, value: float | None, now: float) -> None:
        alarm = self._alarms[subject]
        alarm.value = value
        if (now - alarm.last) * 1000 < self.policy.calm_ms:
            return
        del self._alarms[subject]
        words, threshold = _WORDS[subject], self._threshold(subject)
        lasted = alarm.last - alarm.since
        self._tell(
            f"{words} is back below {threshold}: {_text(subject, value)} now; it was "
            f"above for {lasted:.0f} s"
        )

    def _sentence(self, subject: Measure, alarm: Alarm) -> str:
        words, threshold = _WORDS[subject], self._threshold(subject)
        value = _text(subject, alarm.value)
        if alarm.last == self._judged_at:
            return f"{words} is {value}, above {threshold}: {_ADVICE[subject]}"
        ago = self._judged_at - alarm.last
        return f"{words} was above {threshold} until {ago:.0f} s ago: {value} now"

    def _threshold(self, subject: Measure) -> str:
        return _text(subject, getattr(self.policy, subject))

    def _tell(self, sentence: str) -> None:
        if self.policy.log:
            _log.warning("%s: %s", self._about, sentence)


def _text(subject: Measure, value: float | None) -> str:
    if value is None:
        return "nothing measured"
    if subject == "errors":
        return f"{_short(value * 100)}%"
    if subject == "limiter_used":
        return f"{value:.2f}"
    is_long = value >= _LONG_MS
    return f"{_short(value / 1000)} s" if is_long else f"{_short(value)} ms"


def _short(value: float) -> str:
    """With one decimal, where that says more: a value just above is not shown as equal."""
    return f"{value:.1f}".removesuffix(".0")
