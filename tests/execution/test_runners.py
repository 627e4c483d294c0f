"""Several who run one exit sell it once, whoever is refused, overtaken, cut off or dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    Halted,
    JournalError,
    UnifiedExchangesError,
)
from unified_exchanges.execution import ExitPlan, ExitState
from unified_exchanges.execution.exiting import Exiting
from unified_exchanges.flow import Done, Outcome, Request, Response, Save, advance
from unified_exchanges.journal import MemoryJournal
from unified_exchanges.models import Market, OrderBook
from unified_exchanges.policy import LimitPolicy, RetryPolicy

FREE = LimitPolicy(enabled=False, discover=False)
REFUSED = b'{"error": {"code": "insufficient_balance", "message": "x"}}'
REFUSED_THERE = b'{"error": "not enough balance / allowance"}'
HELD, SIZE = 30, 5
CREATE = "/portfolio/events/orders"


class World:
    """An account with a position, a journal, and a network that may be slow."""

    def __init__(self, path: Path, venue: str = "kalshi") -> None:
        is_kalshi = venue == "kalshi"
        made = KalshiGround(enforce_limits=False) if is_kalshi else PolymarketGround()
        self.ground: Any = made
        self.refusal = REFUSED if is_kalshi else REFUSED_THERE
        self.ground.clock.advance(60)
        self.path = path / "orders.db"
        self.journal = MemoryJournal()
        self.late: list[Request] = []
        self.owner = self.ground.trader("blocking", limits=FREE)
        self.market: Market = self.owner.quoted_market()
        self.owner.lift(self.market, size=str(HELD))
        self.book: OrderBook = self.owner.book(self.market)
        assert self.book.bid is not None
        self.plan = ExitPlan(
            name="exit",
            market_id=self.market.market_id,
            outcome=self.book.outcome,
            size=SIZE,
            stop_loss=self.book.bid.price,
            max_slippage=self.book.bid.price - self.market.grid.lowest,
        )

    def runner(self) -> Runner:
        return Runner(self)

    def arrive(self) -> None:
        """Let what was held up arrive."""
        for request in self.late:
            self.ground.venue.server.handle(request)
        self.late.clear()

    @property
    def held(self) -> int:
        venue = self.owner.exchange.venue
        found = self.owner.exchange.run(venue.held_now(self.market.market_id, {}))
        return int(sum(size for _, size in found))


class Runner:
    """A process that runs the exit, one step at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.start()

    def start(self) -> None:
        """A new process: it remembers nothing."""
        self.trader = self.world.ground.trader(
            "blocking",
            limits=FREE,
            journal=self.world.path,
            retry=RetryPolicy(attempts=2, order_deadline=2.0, deadline=2.0),
        )
        self.driver = self.trader.exchange._driver
        # As the file, which tests of the journal prove, and a hundred times as fast.
        self.driver._journal = self.world.journal
        self.run()

    def run(self) -> None:
        """The program runs the exit, for the first time or again."""
        venue = self.trader.exchange.venue
        self.exiting = Exiting(self.world.plan, venue.create_order)
        self.flow: Any = self.exiting.begin(venue)
        self.outcome: Outcome | BaseException = None
        self.waiting: Request

    def die(self) -> None:
        self.flow.close()
        self.start()

    def step(self, fault: str = "") -> None:
        """Go on to the next step, and let it be performed."""
        try:
            step = advance(self.flow, self.outcome)
        except UnifiedExchangesError:
            self.run()
            return
        if isinstance(step, Done):
            self.flow = self.exiting.saw(self.trader.exchange.venue, self.world.book)
            self.outcome = None
        elif fault and isinstance(step, Request) and step.method == "POST":
            self.outcome = self._struck(step, fault)
        else:
            self.outcome = self.driver._perform(step)

    def _struck(self, step: Request, fault: str) -> Outcome | BaseException:
        if fault == "refused":
            kind = {"content-type": "application/json"}
            return Response(400, kind, self.world.refusal)
        if fault == "too fast":
            return Response(429, {}, b"")
        if fault == "answer lost":
            self.driver._perform(step)
        if fault == "late":
            self.world.late.append(step)
        return ConnectionLost("gone", sent=True)

    def finish(self) -> None:
        for _ in range(300):
            if self.exiting.record.is_over:
                return
            self.world.ground.clock.advance(0.5)
            self.step()
        raise AssertionError(self.exiting.record)


FAULTS = st.sampled_from(
    ["", "refused", "too fast", "request lost", "answer lost", "late"]
)
ACTIONS = st.one_of(
    st.tuples(st.just("step"), st.integers(0, 1), st.integers(1, 12), FAULTS),
    st.tuples(st.sampled_from(["die", "arrive", "wait"]), st.integers(0, 1)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@settings(max_examples=50, deadline=None)
@given(actions=st.lists(ACTIONS, min_size=3, max_size=40))
def test_fault_03_12_it_is_never_sold_more_than_planned(
    folder: Path, venue: str, actions: list[tuple[Any, ...]]
) -> None:
    world = World(folder, venue)
    runners = [world.runner() for _ in range(2)]
    for kind, number, *more in actions:
        if kind == "step":
            count, fault = more
            for _ in range(count):
                runners[number].step(fault)
        elif kind == "die":
            runners[number].die()
        elif kind == "arrive":
            world.arrive()
        else:
            world.ground.clock.advance(3)
        assert world.held >= HELD - SIZE
    world.arrive()
    for runner in runners:
        runner.finish()
    assert world.held == HELD - SIZE
    assert {x.exiting.record.filled for x in runners} == {SIZE}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def go(runner: Runner, to: str) -> None:
    """Up to where it has written that it sells, or to where its order would leave."""
    while True:
        step = advance(runner.flow, runner.outcome)
        if isinstance(step, Request) and step.method == "POST" and to == "leaving":
            runner.waiting = step
            return
        if isinstance(step, Done):
            venue = runner.trader.exchange.venue
            runner.flow = runner.exiting.saw(venue, runner.world.book)
            runner.outcome = None
        else:
            runner.outcome = runner.driver._perform(step)
        if isinstance(step, Save) and '"sending"' in step.text and to == "sending":
            return


@pytest.mark.parametrize("where", ["sending", "leaving"])
def test_fault_03_a_refusal_of_one_gives_no_new_key_while_another_sends(
    world: World, where: str
) -> None:
    first, second = world.runner(), world.runner()
    go(first, where)
    # It looks, finds nothing, takes over, and is refused; then it is run again.
    for _ in range(60):
        second.step("refused")
    assert second.exiting.record.state is not ExitState.FILLED
    second.finish()
    # Only now does the first one's order leave.
    if where == "leaving":
        first.outcome = first.driver._perform(first.waiting)
    first.finish()
    assert world.held == HELD - SIZE
    assert first.exiting.record == second.exiting.record


def ready(runner: Runner) -> Any:
    """Armed, and about to see a book; what it sees then."""
    venue = runner.trader.exchange.venue
    runner.driver.run(runner.flow)
    return lambda: runner.driver.run(runner.exiting.saw(venue, runner.world.book))


def test_who_was_overtaken_goes_on_with_what_the_other_wrote(world: World) -> None:
    first, second = world.runner(), world.runner()
    sell, late = ready(first), ready(second)
    done = sell()
    count = len(second.trader.writes)
    assert late() == done
    assert (done.state, len(second.trader.writes)) == (ExitState.FILLED, count)
    assert not second.exiting.is_urgent


def test_who_meets_an_order_on_its_way_sends_none_and_looks_again(world: World) -> None:
    first, second = world.runner(), world.runner()
    late = ready(second)
    go(first, "leaving")
    assert late().state is ExitState.SENDING
    assert (second.exiting.is_urgent, second.trader.writes) == (True, [])
    # What is known is not the end of it: a look that fails is made again.
    second.trader.suffer("lost before", 99, reads=True, writes=False)
    assert late().state is ExitState.SENDING
    assert second.exiting.is_urgent
    second.trader.relieve()
    first.outcome = first.driver._perform(first.waiting)
    first.finish()
    assert late() == first.exiting.record


def test_a_look_that_waiting_cannot_help_is_raised(world: World) -> None:
    first, second = world.runner(), world.runner()
    late = ready(second)
    go(first, "leaving")
    late()

    class Forbidden:
        def handle(self, request: Request) -> Response:
            del request
            error = b'{"error": {"code": "invalid_parameters", "message": "x"}}'
            return Response(400, {"content-type": "application/json"}, error)

    world.ground.venue.server = Forbidden()
    with pytest.raises(BadRequest):
        late()


def test_a_record_that_vanished_sends_nothing(world: World) -> None:
    runner = world.runner()
    sell = ready(runner)
    world.journal._texts.clear()
    with pytest.raises(JournalError, match="not in the journal any more"):
        sell()
    assert runner.trader.writes == []


@pytest.mark.parametrize("fault", ["refused", "halted"])
def test_who_was_not_placed_and_overtaken_tells_what_the_other_did(
    world: World, fault: str
) -> None:
    """The error is none: the exit is over."""
    first, second = world.runner(), world.runner()
    go(first, "leaving")
    second.finish()
    if fault == "halted":
        first.outcome = Halted("halted")
    else:
        first.outcome = first._struck(first.waiting, "refused")
    first.finish()
    assert first.exiting.record == second.exiting.record
    assert world.held == HELD - SIZE
