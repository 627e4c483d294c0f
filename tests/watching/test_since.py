"""From now on: what is told to who begins to watch, whatever this machine's clock shows.

In process, on a virtual clock.  What happens after the call is told exactly once, and
what this client knew before it is not, however far its clock is off.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from email.utils import formatdate
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.watching.studio import (
    POLICY,
    AsyncConsumer,
    BlockingConsumer,
    Consumer,
    Studio,
    wish,
)
from unified_exchanges import exchange
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Fill, Order, Subject
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.settings import Settings
from unified_exchanges.simulator.faults import StreamFault
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi.venue import KalshiVenue

MARKET = "KXRAINSEA-26NOV25-R"
FREE = LimitPolicy(enabled=False, discover=False)
OFFSETS = (-5.0, -0.9, -0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5, 0.9, 5.0)
TRIP = 0.02
"""Seconds that a request takes, and its answer."""
PRIVATE = "fill|user_order"
CONSUMERS = {"blocking": BlockingConsumer, "async": AsyncConsumer}


class Client(Studio):
    """A client whose stream and calls share one object, and another on its account."""

    def __init__(self, ahead: float, phase: float = 0.0) -> None:
        super().__init__(ahead=ahead, hears=lambda _: self.me._calls.tracker)
        # Dates are whole seconds: where within one it is makes a difference.
        self.clock.advance(phase)
        self.other: Any = self.ground.trader("blocking", limits=FREE)
        self._price = self.other.fetch_market(MARKET).grid.highest
        self.me.fetch_market(MARKET)

    def make_venue(self, settings: Settings) -> KalshiVenue:
        self.server: Any = _Far(self.server, self.clock)
        self.me: Any = exchange(
            "kalshi",
            api_key=settings.api_key,
            private_key=settings.private_key,
            environment="demo",
            clock=self.own,
            rng=Random(7),
            stream=POLICY,
            limits=FREE,
            transport=ScriptedTransport(self.server, clock=self.clock),
        )
        venue: KalshiVenue = self.me.venue
        return venue

    def connect_in(self, seconds: float) -> None:
        """The stream takes so long to connect."""
        self._dial_at = self.clock.monotonic() + seconds

    def watch(self, flavour: str) -> list[Consumer]:
        make: Any = CONSUMERS[flavour]
        return [make(self, wish(x)) for x in (Subject.FILLS, Subject.ORDERS)]

    def deepen(self, levels: int) -> None:
        """Somebody else offers more, further up: enough for so many orders that rest.

        Each of them takes a whole level, and the founding book has four.
        """
        seller = self.another_trader()
        top = self.me.fetch_order_book(MARKET).asks[-1].price
        for number in range(1, levels + 1):
            price = top + number * Decimal("0.01")
            seller.create_order(MARKET, "yes", "sell", price, 10)

    def buy(self, size: int = 1, *, by: Any = None) -> Order:
        """Buy at once; somebody who is not named is this client."""
        who = by or self.me
        made: Order = who.create_order(
            MARKET, "yes", "buy", self._price, size, time_in_force="ioc"
        )
        assert made.filled == size
        return made

    def rest_after_a_fill(self) -> Order:
        """An order of which a part fills at once, and the rest stays."""
        ask = self.me.fetch_order_book(MARKET).ask
        made: Order = self.me.create_order(
            MARKET, "yes", "buy", ask.price, ask.size + 5
        )
        assert made.is_open
        assert made.filled == ask.size
        return made

    def do(self, act: Any) -> Order | None:
        """Something of what clients do; the order that came of it."""
        if act == "read":
            list(self.me.fetch_fills())
        elif isinstance(act, tuple):
            self.own.step(act[1])
        elif isinstance(act, float):
            self.pass_time(act)
        else:
            return self.buy() if act == "buy" else self.rest_after_a_fill()
        return None

    def lose_frames(self) -> None:
        """The stream tells nothing of orders and fills."""
        self.frames.add(StreamFault("drop", frame=PRIVATE, count=None))


class _Far:
    """A venue to and from which requests take time."""

    def __init__(self, server: Any, clock: Any) -> None:
        self._server, self._clock = server, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def handle(self, request: Request) -> Response:
        self._clock.advance(TRIP)
        try:
            answer: Response = self._server.handle(request)
            return answer
        finally:
            self._clock.advance(TRIP)


def told(consumer: Consumer) -> Counter[str]:
    """How often each order was told to have filled, or to have ended."""
    consumer.take()
    assert consumer.error is None
    ended = [x for x in consumer.items if isinstance(x, Fill) or not x.is_open]
    return Counter(x.order_id for x in ended)


def once(*orders: Order) -> Counter[str]:
    return Counter(x.order_id for x in orders)


@pytest.mark.parametrize("is_lossy", [False, True], ids=["told", "lost"])
@pytest.mark.parametrize("flavour", CONSUMERS)
@pytest.mark.parametrize("ahead", OFFSETS)
def test_fault_44_22_what_follows_the_call_is_told_once_though_the_stream_is_slow(
    ahead: float, flavour: str, is_lossy: bool
) -> None:
    client = Client(ahead, phase=0.37)
    client.connect_in(0.6)
    if is_lossy:
        client.lose_frames()
    fills, orders = client.watch(flavour)
    made = client.buy()
    client.pass_time(60)
    assert (told(fills), told(orders)) == (once(made), once(made))


@pytest.mark.parametrize("wait", [0.0, 0.2])
@pytest.mark.parametrize("flavour", CONSUMERS)
@pytest.mark.parametrize("ahead", OFFSETS)
def test_fault_44_22_what_was_answered_before_the_call_is_not_told_after_it(
    ahead: float, flavour: str, wait: float
) -> None:
    client = Client(ahead, phase=0.93)
    client.buy()
    resting = client.rest_after_a_fill()
    client.clock.advance(wait)
    fills, orders = client.watch(flavour)
    client.pass_time(60)
    assert (told(fills), told(orders)) == (once(), once())
    # What is open is what a watch of orders begins with.
    assert [x.order_id for x in orders.items] == [resting.order_id]


def test_fault_22_a_copy_of_who_follows_knows_what_was_known_before_it_too() -> None:
    client = Client(0.0, phase=0.93)
    client.buy()
    fills, _ = client.watch("blocking")
    # As when two calls go on from one place before anything was read.
    other = fills.follower.copy(lambda: None)
    [fill] = client.other.fetch_fills()
    terms = client.me._calls.tracker.memory, client.venue.offset
    assert not fills.follower.wants_fill(fill, *terms)
    assert not other.wants_fill(fill, *terms)


@pytest.mark.parametrize("flavour", CONSUMERS)
@pytest.mark.parametrize("ahead", OFFSETS)
def test_fault_44_22_what_was_read_before_the_call_is_not_told_after_it(
    ahead: float, flavour: str
) -> None:
    client = Client(ahead, phase=0.93)
    client.buy(by=client.other)
    assert len(list(client.me.fetch_fills())) == 1
    assert len(list(client.me.fetch_orders())) == 1
    fills, orders = client.watch(flavour)
    made = client.buy(by=client.other)
    client.pass_time(60)
    assert (told(fills), told(orders)) == (once(made), once(made))


@pytest.mark.parametrize("flavour", CONSUMERS)
@pytest.mark.parametrize("ahead", OFFSETS)
def test_fault_44_22_what_an_earlier_watch_was_told_is_not_told_to_the_next(
    ahead: float, flavour: str
) -> None:
    client = Client(ahead)
    early = client.watch(flavour)
    first = client.buy(by=client.other)
    client.pass_time(0.2)
    assert [told(x) for x in early] == [once(first)] * 2
    for consumer in early:
        # Nobody is left, so that the account forgets.
        consumer.leave()
    late = client.watch(flavour)
    second = client.buy(by=client.other)
    client.pass_time(60)
    assert [told(x) for x in late] == [once(second)] * 2


@pytest.mark.parametrize("ahead", OFFSETS)
def test_fault_44_23_what_may_be_from_after_the_call_is_told_and_what_cannot_is_not(
    ahead: float,
) -> None:
    client = Client(ahead, phase=0.41)
    client.lose_frames()
    client.buy(by=client.other)
    # A second of doubt about the clock, and the way there and back.
    client.clock.advance(1.0 + 2 * TRIP)
    doubtful = client.buy(by=client.other)
    client.clock.advance(0.002)
    fills, orders = client.watch("blocking")
    made = client.buy(by=client.other)
    client.pass_time(60)
    for consumer in (fills, orders):
        found = told(consumer)
        found.pop(doubtful.order_id, None)
        assert found == once(made)


@pytest.mark.parametrize("step", [-3_600.0, -0.7, 0.7, 3_600.0])
@pytest.mark.parametrize("ahead", [-0.9, 0.0, 0.9])
def test_fault_44_22_all_is_told_once_though_the_clock_is_set_while_watching(
    ahead: float, step: float
) -> None:
    client = Client(ahead, phase=0.37)
    fills, orders = client.watch("blocking")
    made = [client.buy()]
    client.own.step(step)
    made.append(client.buy())
    client.pass_time(20)
    client.lose_frames()
    made.append(client.buy(by=client.other))
    client.own.step(-step)
    made.append(client.buy())
    client.pass_time(90)
    assert (told(fills), told(orders)) == (once(*made), once(*made))


@pytest.mark.parametrize("error", [-3.0, 3.0])
def test_fault_44_22_ones_own_order_is_told_though_the_venue_misstates_the_time(
    error: float,
) -> None:
    client = Client(0.0)
    client.lose_frames()
    now = client.own.now()
    client.venue.offset.observe(stamp(now + error), now, now)
    fills, orders = client.watch("blocking")
    client.connect_in(5)
    made = client.buy()
    client.venue.offset.observe(stamp(now + error + 1), now + 1, now + 1)
    client.pass_time(60)
    assert (told(fills), told(orders)) == (once(made), once(made))


def stamp(moment: float) -> str:
    """A ``Date``."""
    return formatdate(moment, usegmt=True)


MOST = 8
"""Acts of one example."""
SECONDS = st.integers(-50, 50).map(lambda x: x / 10)


@given(
    ahead=SECONDS,
    phase=st.integers(0, 99).map(lambda x: x / 100),
    upgrade=st.sampled_from([0.0, 0.3, 0.9, 4.0]),
    is_lossy=st.booleans(),
    flavour=st.sampled_from(sorted(CONSUMERS)),
    acts=st.lists(
        st.one_of(
            st.sampled_from(["buy", "rest", "watch", "watch", "read"]),
            st.sampled_from([0.001, 0.2, 1.0, 20.0]),
            SECONDS.map(lambda x: ("step", x)),
        ),
        max_size=MOST,
    ),
)
@example(0.0, 0.0, 0.0, False, "blocking", ["watch", *["rest"] * (MOST - 2), "buy"])
@example(0.1, 0.0, 0.9, True, "blocking", ["watch", "buy"])
@example(-0.9, 0.0, 0.0, False, "async", ["buy", 0.2, "watch"])
@example(0.0, 0.0, 0.0, False, "async", ["watch", 0.001, "buy", "watch"])
@settings(max_examples=60, deadline=None)
def test_fault_44_22_own_trades_are_told_to_those_who_came_before_them_and_no_other(
    ahead: float,
    phase: float,
    upgrade: float,
    is_lossy: bool,
    flavour: str,
    acts: list[Any],
) -> None:
    client = Client(ahead, phase)
    client.deepen(levels=MOST)
    client.connect_in(upgrade)
    if is_lossy:
        client.lose_frames()
    watching: list[tuple[Consumer, list[str]]] = []
    for act in acts:
        if act == "watch":
            watching += [(x, []) for x in client.watch(flavour)]
        elif (made := client.do(act)) is not None:
            for consumer, due in watching:
                if consumer.wish.subject is Subject.FILLS or not made.is_open:
                    due.append(made.order_id)
    client.pass_time(90)
    for consumer, due in watching:
        found = told(consumer)
        assert found.keys() == set(due)
        if consumer.wish.subject is Subject.ORDERS:
            assert set(found.values()) <= {1}
        keys = Counter(x.fill_id for x in consumer.items if isinstance(x, Fill))
        assert set(keys.values()) <= {1}
