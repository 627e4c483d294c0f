"""Orders that arrive late, on machines whose clocks are set: none is proven absent before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.kalshi.ground import KalshiGround, Machine
from unified_exchanges.errors import (
    ClockSkew,
    ConnectionLost,
    OrderUnknown,
    UnresolvedOrders,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import ReconcileReport
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FLAVOURS = ("blocking", "async")
DEADLINE, GRACE = 1.0, 30.0
LASTS = DEADLINE + GRACE
POLICY = RetryPolicy(order_deadline=DEADLINE, order_grace=GRACE, attempts=1)


class Killed(BaseException):
    """The end of a process."""


class World(KalshiGround):
    """A venue, the way to it, and machines with clocks of their own."""

    def __init__(self) -> None:
        super().__init__(enforce_limits=False)
        self.clock.advance(60)
        self.machine = Machine(self.clock)
        self.tells_time = True
        self.late: list[tuple[float, Request]] = []
        self.plans: list[tuple[float, Callable[[], None]]] = []
        self.delay: float | None = None
        """Seconds by which the next write arrives too late for its answer."""
        self.ends: type[BaseException] = ConnectionLost

    def server(self) -> Any:
        super().server()
        return self

    def exchange(self, flavour: str, **settings: Any) -> Any:
        return super().exchange(flavour, **{**settings, "clock": self.machine})

    def handle(self, request: Request) -> Response:
        now = self.clock.monotonic()
        for due, act in [x for x in self.plans if x[0] <= now]:
            self.plans.remove((due, act))
            act()
        for due, sent in [x for x in self.late if x[0] <= now]:
            self.late.remove((due, sent))
            self._kalshi.handle(sent)
        if request.method != "GET" and self.delay is not None:
            self.late.append((now + self.delay, request))
            raise self.ends("the line is dead")
        answer = self._kalshi.handle(request)
        if self.tells_time:
            return answer
        headers = {k: v for k, v in answer.headers.items() if k != "date"}
        return attrs.evolve(answer, headers=headers)

    def started(self, flavour: str, path: Path | None, ahead: float = 0.0) -> Trader:
        """A process of a machine that was started just now."""
        self.machine = Machine(self.clock, ahead)
        more = {} if path is None else {"journal": path}
        limits = LimitPolicy(enabled=False, discover=False)
        return self.trader(flavour, limits=limits, retry=POLICY, **more)

    def left(self, trader: Trader, delay: float, *, killed: bool = False) -> float:
        """Leave an order on its way; until when it may be, in true time."""
        hear(trader)
        market = trader.quoted_market()
        self.delay, self.ends = delay, Killed if killed else ConnectionLost
        until = self.clock.monotonic() + LASTS
        with pytest.raises(Killed if killed else OrderUnknown):
            trader.rest(market, client_order_id="late")
        self.delay = None
        return until

    def ids(self) -> set[str]:
        """What is open at the venue."""
        account = self.trader("blocking")
        account.exchange.venue.clock = self.clock
        return {o.client_order_id for o in account.fetch_open_orders()}


def hear(trader: Trader) -> None:
    """Let it hear the venue's time: what it signs by its own may be refused before."""
    with suppress(ClockSkew):
        trader.fetch_markets(limit=1)


def close(trader: Trader) -> None:
    trader.do(trader.exchange.aclose if trader.is_async else trader.exchange.close)


def told(report: ReconcileReport) -> tuple[list[str | None], list[str], list[str]]:
    return (
        [x.client_order_id for x in report.found],
        [x.client_order_id for x in report.absent],
        [x.client_order_id for x in report.unknown],
    )


FOUND = (["late"], [], [])
ABSENT = ([], ["late"], [])
STEPS = [-86_400.0, -60.0, 60.0, 86_400.0]


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kept", ["memory", "file"])
def test_fault_12_44_a_clock_that_is_set_proves_no_late_order_absent(
    flavour: str, tmp_path: Path, kept: str, step: float
) -> None:
    world = World()
    trader = world.started(flavour, None if kept == "memory" else tmp_path / "o.db")
    world.left(trader, 4.0)
    world.machine.ahead += step
    assert told(trader.reconcile()) == FOUND
    assert world.ids() == {"late"}
    close(trader)


@pytest.mark.parametrize("step", STEPS)
def test_fault_12_44_a_clock_that_is_set_completes_no_halt_before_a_late_order(
    flavour: str, step: float
) -> None:
    world = World()
    trader = world.started(flavour, None)
    world.left(trader, 4.0)
    world.machine.ahead += step
    report = trader.halt("set")
    assert world.ids() == set()
    assert [x.client_order_id for x in report.canceled] == ["late"]
    # What was found was all that was looked for.
    assert report.is_complete
    close(trader)


@pytest.mark.parametrize("step", [0.0, *STEPS])
def test_fault_12_44_another_process_waits_by_the_venue_s_clock(
    flavour: str, tmp_path: Path, step: float
) -> None:
    world = World()
    first = world.started(flavour, tmp_path / "o.db")
    until = world.left(first, inf, killed=True)
    world.clock.advance(20)
    again = world.started(flavour, tmp_path / "o.db", step)
    assert told(again.reconcile()) == ABSENT
    # As long as it may arrive, and not from when it was heard of.
    assert until <= world.clock.monotonic() <= until + 4
    close(again)


@pytest.mark.parametrize("step", [0.0, *STEPS])
def test_fault_12_44_what_may_not_arrive_any_more_is_not_waited_for(
    flavour: str, tmp_path: Path, step: float
) -> None:
    world = World()
    until = world.left(
        world.started(flavour, tmp_path / "o.db", step), inf, killed=True
    )
    world.clock.advance(600)
    again = world.started(flavour, tmp_path / "o.db", -step)
    began = world.clock.monotonic()
    assert told(again.reconcile()) == ABSENT
    assert until < began
    # The venue's clock is known to a second: reads must show what happened until then.
    assert world.clock.monotonic() - began < 4
    close(again)


@pytest.mark.parametrize("step", [0.0, *STEPS])
def test_fault_12_44_a_venue_that_tells_no_time_is_waited_for_once(
    flavour: str, tmp_path: Path, step: float
) -> None:
    world = World()
    world.tells_time = False
    world.left(world.started(flavour, tmp_path / "o.db"), 4.0, killed=True)
    again = world.started(flavour, tmp_path / "o.db")
    again.fetch_balance()
    world.plans.append((0.0, lambda: setattr(world.machine, "ahead", step)))
    began = world.clock.monotonic()
    # A signature of another day would be refused.
    world.tells_time = True
    assert told(again.reconcile()) == FOUND
    assert world.clock.monotonic() - began < LASTS + 4
    close(again)


@pytest.mark.parametrize("step", STEPS)
def test_fault_12_44_no_order_leaves_before_a_late_one_has_arrived(
    flavour: str, tmp_path: Path, step: float
) -> None:
    world = World()
    world.left(world.started(flavour, tmp_path / "o.db"), 4.0, killed=True)
    again = world.started(flavour, tmp_path / "o.db", step)
    hear(again)
    market = again.quoted_market()
    with pytest.raises(UnresolvedOrders) as caught:
        again.rest(market, client_order_id="new")
    assert caught.value.client_order_ids == ("late",)
    world.clock.advance(4)
    again.rest(market, client_order_id="new")
    assert world.ids() == {"late", "new"}
    close(again)


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_fault_07_44_the_same_order_sent_again_waits_no_longer_than_it_lasts(
    tmp_path: Path, step: float
) -> None:
    world = World()
    world.tells_time = False
    world.left(world.started("blocking", tmp_path / "o.db", 0.0), inf, killed=True)
    world.tells_time = True
    again = world.started("blocking", tmp_path / "o.db", step)
    until = world.left(again, inf)
    (left,) = again.unresolved_intents()
    assert LASTS <= left.lasts <= LASTS + 2
    assert told(again.reconcile()) == ABSENT
    assert until <= world.clock.monotonic() <= until + 4
    close(again)


seconds = st.sampled_from([-86_400.0, -60.0, -2.0, 0.0, 2.0, 60.0, 86_400.0])


@pytest.mark.parametrize("flavour", FLAVOURS)
@settings(max_examples=30, deadline=None)
@given(
    first=seconds,
    second=seconds,
    meanwhile=seconds,
    when=st.floats(0, 40),
    gap=st.floats(0, 60),
    delay=st.sampled_from([5.0, 25.0, inf]),
    restarts=st.booleans(),
    knows_at_first=st.booleans(),
    is_warm=st.booleans(),
    in_file=st.booleans(),
)
def test_fault_12_44_nothing_is_absent_that_may_arrive_and_no_wait_is_for_ever(
    flavour: str,
    first: float,
    second: float,
    meanwhile: float,
    when: float,
    gap: float,
    delay: float,
    *,
    restarts: bool,
    knows_at_first: bool,
    is_warm: bool,
    in_file: bool,
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "o.db" if in_file or restarts else None
        world = World()
        world.tells_time = knows_at_first
        # Without the venue's time no signature is good that is far from it.
        trader = world.started(flavour, path, first if knows_at_first else 0.0)
        until = world.left(trader, delay, killed=restarts)
        world.clock.advance(gap)
        world.tells_time = True
        if restarts:
            trader = world.started(flavour, path)
        world.machine.ahead = second
        if is_warm:
            hear(trader)

        def step() -> None:
            world.machine.ahead += meanwhile

        began = world.clock.monotonic()
        world.plans.append((began + when, step))
        report = told(trader.reconcile())
        ended = world.clock.monotonic()
        # Whoever is set on its way by then has had every chance to be found.
        is_there = "late" in world.ids()
        if report == ABSENT:
            assert ended >= until
            assert not is_there
        else:
            assert report == FOUND
            assert is_there
        assert ended - began <= LASTS + 5
        close(trader)
