"""What measuring costs: book frames to a consumer, and `create_order`, in this process.

No socket: a stream's frames are handed to the feed and each book is taken by a watch, an
order is answered at once.  The floor is an exchange without observer and with all alerts
off; beside it the defaults, and both adapters.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Condition, RLock
from typing import Any

from canned import RECEIPT
from flood import MARKET, delta, deltas, snapshot
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from orders import GUARDS, LIMITS, known_market
from prometheus_client import CollectorRegistry
from timing import Goal, Seconds, arguments, interleave, ratio, report, verdict

from unified_exchanges import AlertPolicy, exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Subject
from unified_exchanges.observer import Observer
from unified_exchanges.observers.opentelemetry import OpenTelemetryObserver
from unified_exchanges.observers.prometheus import PrometheusObserver
from unified_exchanges.venues.kalshi.simulated import generate_key
from unified_exchanges.watching.blocking import Watch
from unified_exchanges.watching.feed import Feed
from unified_exchanges.watching.relay import Relay

FRAMES = 20_000
ORDERS = 1_000
PEM = generate_key("ed25519").private_pem
OFF = AlertPolicy(
    latency_ms=None, acknowledgement_ms=None, errors=None, limiter_used=None
)
FLOOR = "alerts off"
DEFAULT = "defaults, no observer"
PROMETHEUS = "PrometheusObserver"
OPENTELEMETRY = "OpenTelemetryObserver"


class Answering:
    """A transport that answers every order at once."""

    def send(self, _: Request) -> Response:
        return Response(201, {}, RECEIPT, 0.001)

    def sleep(self, _: float) -> None: ...

    def close(self) -> None: ...


class Desk:
    """Stands for the hub: nothing runs beside."""

    def check_process(self) -> None: ...

    def note_leaving(self, _: object) -> None: ...


def made(**settings: Any) -> Any:
    return exchange(
        "kalshi",
        api_key="bench",
        private_key=PEM,
        environment="demo",
        limits=LIMITS,
        guards=GUARDS,
        transport=Answering(),  # type: ignore[arg-type]
        **settings,
    )


def books(**settings: Any) -> Seconds:
    """CPU seconds from the frames to the last book."""
    venue = made(**settings).venue
    feed = Feed(venue.stream(), venue)
    ready = Condition(RLock())
    follower = feed.join(
        Subject.ORDER_BOOK, [MARKET], policy="every", wake=lambda: None
    )
    desk: Any = Desk()
    watch: Watch[Any] = Watch(desk, follower, ready)
    relay = Relay(feed.protocol, feed.handle)
    relay.connection_made()
    relay.data_to_send()
    said = '{"type":"subscribed","id":1,"msg":{"channel":"orderbook_delta","sid":1}}'
    relay.receive(said)
    relay.receive(snapshot())
    stamp = int(time.time() * 1000) + 5
    frames = [delta(n, *d, stamp) for n, d in enumerate(deltas(FRAMES))]
    receive, take = relay.receive, watch.next
    start = time.process_time()
    for frame in frames:
        receive(frame)
        take()
    took = time.process_time() - start
    watch._is_closed = True  # noqa: SLF001 - the desk has nothing to let go
    return Seconds(took)


def orders(**settings: Any) -> Seconds:
    """CPU seconds for creating orders."""
    ex = made(**settings)
    ex.venue.memory.learn_markets([known_market()], 0.0)
    start = time.process_time()
    for _ in range(ORDERS):
        ex.create_order(MARKET, "yes", "buy", "0.55", 10)
    return Seconds(time.process_time() - start)


def observers() -> tuple[Observer, Observer]:
    provider = MeterProvider([InMemoryMetricReader()])
    return PrometheusObserver(CollectorRegistry()), OpenTelemetryObserver(provider)


def main() -> None:
    # The frames are all as old as the first, and orders as quick as can be.
    logging.disable(logging.WARNING)
    options = arguments(__doc__)
    prometheus, opentelemetry = observers()
    goals = []
    for noun, count, run in (("book", FRAMES, books), ("order", ORDERS, orders)):
        variants: dict[str, Callable[[], Seconds]] = {
            FLOOR: lambda run=run: run(alerts=OFF),
            DEFAULT: run,
            PROMETHEUS: lambda run=run: run(observer=prometheus),
            OPENTELEMETRY: lambda run=run: run(observer=opentelemetry),
        }
        times = interleave(variants, options.rounds, clock=time.process_time)
        report(f"measuring, {noun}s", times, FLOOR, per=count, unit=noun)
        goals.append(Goal(f"{noun}s, no observer", ratio(times, DEFAULT, FLOOR), 1.01))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
