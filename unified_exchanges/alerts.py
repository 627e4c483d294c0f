"""Thresholds: each is told once when it is crossed, and once when all is well again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .fields import is_flag, is_seconds, is_share

__all__ = ["Alarm", "AlertPolicy", "Alerts", "Measure"]

_log = logging.getLogger(__name__)

Measure: TypeAlias = Literal[
    "latency", "acknowledgement", "errors", "limiter", "stream"
]

_WORDS: Mapping[Measure, str] = {
    "latency": "the latency of messages",
    "acknowledgement": "the acknowledgement of orders",
    "errors": "the share of failed requests",
    "limiter": "the used share of the limiter",
    "stream": "the time without the stream that is followed",
}
_SECONDS = frozenset({"latency", "acknowledgement", "stream"})
_LONG = 10.0
"""Seconds from which on milliseconds tell nobody anything."""


@attrs.frozen(kw_only=True)
class AlertPolicy:
    """From where on a log warning is due; None switches one off.

    ``latency`` of stream messages and ``acknowledgement`` of orders are seconds, exceeded
    when the slowest tenth of the last minute takes longer.  ``errors`` is the share of
    requests of the last minute that brought no answer or that the venue could not serve;
    from there on ``is_healthy`` is False too.  ``limiter`` is the used share of the
    fullest token bucket.  ``stream`` is for how many seconds a stream that is followed has
    not been live; from there on ``is_healthy`` is False too.  After ``calm`` seconds below
    its threshold an alert is over.  With ``log=False`` nothing is logged; `Health.alerts`
    tells all the same.

    >>> AlertPolicy(latency=0.2, limiter=None).acknowledgement
    0.1
    """

    latency: float | None = attrs.field(
        default=0.05, validator=is_seconds(or_none=True)
    )
    acknowledgement: float | None = attrs.field(
        default=0.1, validator=is_seconds(or_none=True)
    )
    errors: float | None = attrs.field(default=0.05, validator=is_share(or_none=True))
    limiter: float | None = attrs.field(default=0.8, validator=is_share(or_none=True))
    stream: float | None = attrs.field(default=10.0, validator=is_seconds(or_none=True))
    calm: float = attrs.field(default=30.0, validator=is_seconds())
    log: bool = attrs.field(default=True, validator=is_flag())


@attrs.define
class Alarm:
    """A threshold that is crossed: since when, the worst seen, when it was last above."""

    since: float
    last: float
    value: float


class Alerts:
    """Holds values against a policy; the time is an argument.  Not thread-safe."""

    def __init__(self, policy: AlertPolicy, about: str) -> None:
        self.policy = policy
        self._about = about
        self._alarms: dict[Measure, Alarm] = {}

    @property
    def current(self) -> tuple[str, ...]:
        """What is above its threshold now, or was a moment ago, in words."""
        return tuple(
            self._sentence(subject, alarm.value)
            for subject, alarm in sorted(self._alarms.items())
        )

    def judge(self, values: Mapping[Measure, float | None], now: float) -> None:
        """Take what was measured last; None where there was nothing to measure."""
        for subject, value in values.items():
            threshold: float | None = getattr(self.policy, subject)
            if threshold is not None and value is not None and value > threshold:
                self._above(subject, value, now)
            elif subject in self._alarms:
                self._below(subject, now)

    def _above(self, subject: Measure, value: float, now: float) -> None:
        alarm = self._alarms.get(subject)
        if alarm is not None:
            alarm.last, alarm.value = now, value
            return
        self._alarms[subject] = Alarm(now, now, value)
        self._tell(self._sentence(subject, value))

    def _below(self, subject: Measure, now: float) -> None:
        alarm = self._alarms[subject]
        if now - alarm.last < self.policy.calm:
            return
        del self._alarms[subject]
        words, threshold = _WORDS[subject], self._threshold(subject)
        lasted = alarm.last - alarm.since
        self._tell(
            f"{words} is back below {threshold}; it was above for {lasted:.0f} s"
        )

    def _sentence(self, subject: Measure, value: float) -> str:
        words, threshold = _WORDS[subject], self._threshold(subject)
        return f"{words} is {_text(subject, value)}, above {threshold}"

    def _threshold(self, subject: Measure) -> str:
        return _text(subject, getattr(self.policy, subject))

    def _tell(self, sentence: str) -> None:
        if self.policy.log:
            _log.warning("%s: %s", self._about, sentence)


def _text(subject: Measure, value: float) -> str:
    if subject not in _SECONDS:
        return f"{value:.0%}"
    return f"{value:.0f} s" if value >= _LONG else f"{value * 1000:.0f} ms"
