"""What is measured while trading, and the one hook through which it is told.

Whoever wants the numbers gives an `Observer` to the exchange: an adapter of `observers`
for Prometheus or OpenTelemetry, or any object with these three methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal, Protocol, TypeAlias

import attrs

__all__ = ["METRICS", "Labels", "Metric", "Observer", "Readings"]

Labels: TypeAlias = tuple[str, ...]
"""The values of a metric's labels, in the order in which it names them."""

Readings: TypeAlias = "Iterable[tuple[Labels, float]]"
"""What a gauge shows now."""

_FAST: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_SLOW: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


@attrs.frozen(kw_only=True, slots=True)
class Metric:
    """A number that is told.

    ``name`` has dots between its parts and no prefix; ``unit`` is by UCUM: ``"s"`` is
    seconds, ``"1"`` a share, ``"{order}"`` a count of orders.  ``labels`` name what it is
    split by; each takes few values.  ``bounds`` are those of a histogram.  ``merge`` says
    what several gauges with the same labels come to: their sum, or the one furthest from 0.
    """

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    about: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()
    merge: Literal["sum", "furthest"] = "furthest"


class Observer(Protocol):
    """Is told what is measured.

    Its methods are called where it happens, in any thread or in the event loop: they must
    be quick and must not wait.  What they raise is logged, and does no harm to a call.
    What they do with an exchange themselves, such as a halt, is not told.

    >>> class Printing:
    ...     def count(self, metric, labels, amount):
    ...         print(metric.name, labels, amount)
    ...     def record(self, metric, labels, value):
    ...         pass
    ...     def follow(self, metric, read):
    ...         return lambda: None
    >>> import unified_exchanges as ux
    >>> kalshi = ux.exchange("kalshi", environment="demo", observer=Printing())
    """

    def count(self, metric: Metric, labels: Labels, amount: int) -> None:
        """Something happened so many times."""
        ...

    def record(self, metric: Metric, labels: Labels, value: float) -> None:
        """One value of a histogram."""
        ...

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        """Show a gauge, read whenever it is looked at; what is returned ends that.

        ``read`` may be called from any thread.
        """
        ...


_WHERE: Final = ("venue", "environment")

REQUESTS: Final = Metric(
    name="requests",
    kind="counter",
    unit="{request}",
    about="Requests by how they ended: ok, refused, throttled, failed or unanswered",
    labels=(*_WHERE, "endpoint", "outcome"),
)
REQUEST_TIME: Final = Metric(
    name="request.duration",
    kind="histogram",
    unit="s",
    about="From the first byte out to the last byte in, of everything but order writes",
    labels=(*_WHERE, "endpoint"),
    bounds=_FAST,
)
ACKNOWLEDGEMENT: Final = Metric(
    name="order.acknowledgement",
    kind="histogram",
    unit="s",
    about="From the first byte out to the last byte in, of order writes",
    labels=(*_WHERE, "endpoint"),
    bounds=_FAST,
)
LIMITER_WAIT: Final = Metric(
    name="limiter.wait",
    kind="histogram",
    unit="s",
    about="How long requests were held back by the limiter on this side, if at all",
    labels=(*_WHERE, "endpoint"),
    bounds=_FAST,
)
LIMITER: Final = Metric(
    name="limiter.used",
    kind="gauge",
    unit="1",
    about="The share of a token bucket that is used up: 0 untouched, 1 empty",
    labels=(*_WHERE, "bucket"),
)
MESSAGE_LATENCY: Final = Metric(
    name="message.latency",
    kind="histogram",
    unit="s",
    about="From the venue's timestamp to the consumer, corrected by the clock offset",
    labels=(*_WHERE, "subject"),
    bounds=_FAST,
)
RECONNECTS: Final = Metric(
    name="stream.reconnects",
    kind="counter",
    unit="{reconnect}",
    about="Connections of the stream after its first",
    labels=_WHERE,
)
STALE_TIME: Final = Metric(
    name="book.stale.duration",
    kind="histogram",
    unit="s",
    about="How long a followed book was stale until it was whole again",
    labels=_WHERE,
    bounds=_SLOW,
)
STALE_AGE: Final = Metric(
    name="book.stale.age",
    kind="gauge",
    unit="s",
    about="How long the longest stale of the followed books has been so",
    labels=_WHERE,
)
STALE_BOOKS: Final = Metric(
    name="stale_books",
    kind="gauge",
    unit="{book}",
    about="Followed books that may have missed a change and are not whole again",
    labels=_WHERE,
    merge="sum",
)
OUTAGE: Final = Metric(
    name="stream.outage",
    kind="gauge",
    unit="s",
    about="How long a stream that is followed has told nothing; 0 while it is live",
    labels=_WHERE,
)
CLOCK_OFFSET: Final = Metric(
    name="clock.offset",
    kind="gauge",
    unit="s",
    about="The venue's clock minus ours",
    labels=_WHERE,
)
UNRESOLVED: Final = Metric(
    name="unresolved_orders",
    kind="gauge",
    unit="{order}",
    about="Orders of which it is not known whether the venue has them",
    labels=_WHERE,
    merge="sum",
)

METRICS: Final = (
    REQUESTS,
    REQUEST_TIME,
    ACKNOWLEDGEMENT,
    LIMITER_WAIT,
    LIMITER,
    MESSAGE_LATENCY,
    RECONNECTS,
    STALE_TIME,
    STALE_AGE,
    STALE_BOOKS,
    OUTAGE,
    CLOCK_OFFSET,
    UNRESOLVED,
)
"""All there are."""
