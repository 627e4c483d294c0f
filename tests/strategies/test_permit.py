"""Nothing leaves that its run has ended for, that was canceled before, or is too late."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    BadRequest,
    ConnectionLost,
    LimitPolicy,
    Market,
    Order,
    RateLimitExceeded,
    RetryPolicy,
    UnifiedExchangesError,
    async_exchange,
    exchange,
)
from unified_exchanges.flow import (
    Judged,
    Note,
    Request,
    Response,
    Sleep,
    Start,
    advance,
)
from unified_exchanges.recording import Rest, Unanswered, read
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import (
    Cancel,
    Desk,
    Failure,
    Strategy,
    async_contract_of,
    async_run,
    contract_of,
    run,
)
from unified_exchanges.strategies.permit import Permit, Withdrawn, permitted

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_replayed import replayed
from .test_replayed_trouble import live as performed
from .test_replayed_unsent import lowest_bid, named, number
from .test_unsent import COUNT, Pulled

READ = Request("GET", "https://x.test/markets", timeout=10)
WRITE = Request("POST", "https://x.test/orders")
BUCKETS = {"kalshi": {"write": (20, 100)}, "polymarket": {"orders": (2, 10)}}
SLOW = {
    venue: LimitPolicy(buckets=buckets, discover=False)
    for venue, buckets in BUCKETS.items()
}
"""Ten orders at once, and two a second."""


# -- one flow --------------------------------------------------------------------------


class Clock:
    left = 5.0


def permit(clock: Clock, **how: Any) -> Permit:
    left, late = threading.Event(), RateLimitExceeded("too late")
    return Permit(left, threading.Lock(), lambda: clock.left, lambda: late, **how)


class Creating:
    """Reads, is written down, waits, and sends; notes how that ended for it."""

    met: BaseException | None = None

    def flow(self) -> Any:
        try:
            yield READ
            yield Start(READ)
            yield Judged(passes=True)
            yield Note(())
            yield Sleep(0.6)
            yield WRITE
        except BaseException as error:
            self.met = error
            raise
        return "order"


def connected(request: Any) -> None:
    """As a transport does that has a connection."""
    request.check()


def stepped(flow: Any, upto: type) -> Any:
    """Go on until it yields one of these."""
    step = advance(flow, None)
    while not isinstance(step, upto):
        step = advance(flow, None)
    return step


def test_what_may_leave_goes_on_unchanged() -> None:
    mine, flow = permit(Clock()), Creating().flow()
    flow = permitted(flow, mine)
    steps = [advance(flow, None) for _ in range(8)]
    naps = [x.seconds for x in steps if isinstance(x, Sleep)]
    assert naps == [0.25, 0.25, pytest.approx(0.1)]
    assert steps[-1] == WRITE
    assert not mine.is_begun
    connected(steps[-1])
    assert mine.is_begun
    assert not mine.withdraw()
    assert not mine.left.is_set()
    clock = advance(flow, Response(200, {}, b""))
    assert attrs.asdict(clock) == {"value": "order"}  # type: ignore[arg-type]


def test_a_read_before_takes_no_longer_than_the_order_may_wait() -> None:
    clock = Clock()
    flow = permitted(Creating().flow(), permit(clock))
    assert stepped(flow, Request).timeout == 5
    clock.left = 2.0
    assert advance(flow, None).request.timeout == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("where", [Request, Note, Sleep])
def test_what_is_taken_back_ends_at_its_next_step(where: type) -> None:
    creating, mine = Creating(), permit(Clock())
    flow = permitted(creating.flow(), mine)
    stepped(flow, where)
    assert mine.is_noting is (where is Note)
    assert mine.withdraw()
    assert mine.left.is_set()
    with pytest.raises(Withdrawn):
        advance(flow, None)
    assert isinstance(creating.met, GeneratorExit)


def test_what_is_too_late_while_it_waits_fails() -> None:
    clock, creating = Clock(), Creating()
    flow = permitted(creating.flow(), permit(clock))
    stepped(flow, Sleep)
    clock.left = 0.0
    with pytest.raises(RateLimitExceeded, match="too late"):
        advance(flow, None)


def test_a_flow_that_is_not_to_send_hears_of_it_and_the_permit_says_why() -> None:
    clock, creating = Clock(), Creating()
    flow = permitted(creating.flow(), permit(clock))
    for _ in range(7):
        advance(flow, None)
    clock.left = 0.0
    with pytest.raises(RateLimitExceeded, match="too late"):
        advance(flow, None)
    assert isinstance(creating.met, BadRequest)


def test_what_is_taken_back_while_it_connects_sends_nothing_and_tries_no_more() -> None:
    creating, mine = Creating(), permit(Clock())
    flow = permitted(creating.flow(), mine)
    for _ in range(8):
        step = advance(flow, None)
    assert mine.ends_itself
    assert mine.withdraw()
    with pytest.raises(BadRequest) as refused:
        connected(step)
    with pytest.raises(Withdrawn):
        advance(flow, refused.value)
    assert creating.met is refused.value


@pytest.mark.parametrize("is_sent", [False, True])
def test_what_had_no_connection_can_be_taken_back_before_it_is_tried_again(
    is_sent: bool,
) -> None:
    met: list[Exception] = []

    def trying() -> Any:
        for pause in range(1, 3):
            try:
                yield WRITE
            except ConnectionLost as lost:
                met.append(lost)
            try:
                yield Sleep(pause)
            except BadRequest as refused:
                met.append(refused)
                raise

    mine = permit(Clock())
    flow = permitted(trying(), mine)
    advance(flow, None)
    lost = ConnectionLost("no connection", sent=is_sent)
    assert attrs.asdict(advance(flow, lost))  # type: ignore[arg-type]
    assert met == [lost]
    assert mine.withdraw() is not is_sent
    if is_sent:
        assert advance(flow, None) is WRITE
        return
    with pytest.raises(Withdrawn):
        advance(flow, None)
    assert [type(x) for x in met] == [ConnectionLost, BadRequest]


def test_a_refusal_of_the_flow_itself_is_what_is_told() -> None:
    flow = permitted(Creating().flow(), permit(Clock()))
    advance(flow, None)
    with pytest.raises(UnifiedExchangesError, match="closed"):
        advance(flow, BadRequest("closed"))


def test_on_paper_it_leaves_as_soon_as_it_is_taken_up() -> None:
    mine = permit(Clock(), is_at_once=True)
    advance(permitted(Creating().flow(), mine), None)
    assert mine.is_begun
    other = permit(Clock(), is_at_once=True)
    other.withdraw()
    with pytest.raises(Withdrawn):
        advance(permitted(Creating().flow(), other), None)


# -- the limiter -----------------------------------------------------------------------


class Posts:
    """When orders arrived at the venue."""

    def __init__(self, at: Stage) -> None:
        self.came: list[float] = []
        self._handle = at.simulated.handle
        at.simulated.handle = self.handle

    def handle(self, request: Any, **how: Any) -> Any:
        if request.method == "POST" and "order" in request.url:
            self.came.append(time.monotonic())
        return self._handle(request, **how)


class Stopping(Strategy):
    """Places many at once, and stops a second later."""

    stopped = 0.0

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]

    def on_start(self, desk: Desk) -> None:
        desk.timer("place", timedelta(seconds=0.2))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            self.stopped = time.monotonic()
            desk.stop()
            return
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        for size in range(24):
            desk.place(self.market.market_id, first, "buy", low, 5_000 + size)
        desk.timer("end", timedelta(seconds=1))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_waits_for_the_limiter_when_a_run_ends_is_not_sent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "limited.jsonl"
    with stage(venue, enforce_limits=False) as at:
        posts, live = Posts(at), Stopping(lowest_bid(at))
        real = performed(flavour, live, at, path, limits=SLOW[venue])
    assert [x for x in posts.came if x > live.stopped + 0.4] == []
    assert real.failures == ()
    assert len(posts.came) == len(real.left_orders) == 24 - len(real.unsent) < 16
    for other in FLAVOURS:
        again = replayed(other, Stopping(live.market), path)
        assert again.failures == ()
        assert named(again.unsent) == named(real.unsent)
        assert len(again.left_orders) == len(real.left_orders)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_canceled_while_it_waits_for_the_limiter_is_not_sent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "pulled.jsonl"
    with stage(venue, enforce_limits=False) as at:
        posts, live = Posts(at), Pulled(lowest_bid(at))
        real = performed(flavour, live, at, path, limits=SLOW[venue])
    assert real.failures == real.unsent == real.left_orders == ()
    unsent = [said for said in live.told.values() if not said[0][0]]
    assert len(unsent) == COUNT - len(posts.came) > 6
    for other in FLAVOURS:
        strategy = Pulled(live.market)
        again = replayed(other, strategy, path)
        assert again.failures == again.unsent == again.left_orders == ()
        assert strategy.told == live.told


class UsedUp(Pulled):
    """Uses the limiter up; then what it places is canceled in the same call."""

    def __init__(self, market: Market) -> None:
        super().__init__(market, at_once=True)

    def on_start(self, desk: Desk) -> None:
        desk.timer("use", timedelta(seconds=0.2))
        desk.timer("place", timedelta(seconds=0.6))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name != "use":
            super().on_timer(desk, name)
            return
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        for size in range(10):
            desk.place(self.market.market_id, first, "buy", low, 1_000 + size)


class Renewing(Strategy):
    """Takes orders back that wait for the limiter, and places one more."""

    placed = told = 0.0
    new = ""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.keys: list[str] = []

    def on_start(self, desk: Desk) -> None:
        desk.timer("place", timedelta(seconds=0.2))

    def bid(self, desk: Desk, size: int) -> str:
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        return desk.place(self.market.market_id, first, "buy", low, size)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "place":
            self.keys = [self.bid(desk, 5_000 + n) for n in range(18)]
            desk.timer("pull", timedelta(seconds=0.3))
        elif name == "pull":
            for key in self.keys[10:]:
                desk.cancel(key)
            desk.timer("renew", timedelta(seconds=0.4))
        else:
            self.placed = time.monotonic()
            self.new = self.bid(desk, 4_000)

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id == self.new and not self.told:
            self.told = time.monotonic()
            desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_canceled_as_it_is_placed_never_leaves_if_it_waits_for_the_limiter(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "used_up.jsonl"
    with stage(venue, enforce_limits=False) as at:
        posts, live = Posts(at), UsedUp(lowest_bid(at))
        real = performed(flavour, live, at, path, limits=SLOW[venue])
    assert real.failures == real.unsent == ()
    assert len(real.left_orders) == 10
    sent = [said for said in live.told.values() if said[0][0]]
    # One may find a place that was earned meanwhile.
    assert len(posts.came) == len(sent) <= 13
    for other in FLAVOURS:
        strategy = UsedUp(live.market)
        again = replayed(other, strategy, path)
        assert again.failures == again.unsent == ()
        assert strategy.told == live.told
        assert len(again.left_orders) == 10


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_waits_for_none_that_were_taken_back_before_it(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    with stage(venue, enforce_limits=False) as at:
        live = Renewing(lowest_bid(at))
        path, slow = tmp_path / "renewed.jsonl", SLOW[venue]
        real = performed(flavour, live, at, path, limits=slow)
    assert real.failures == ()
    # Two leave a second; behind those eight it would wait for almost four.
    assert 0 < live.told - live.placed < 2


class Ladder(Strategy):
    """Pulls its five orders every quarter of a second, and places five others."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.keys: list[str] = []
        self.turns = 0
        self.told: dict[int, list[Any]] = {}

    def on_start(self, desk: Desk) -> None:
        desk.timer("beat", timedelta(milliseconds=250))

    def on_timer(self, desk: Desk, name: str) -> None:
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        for key in self.keys:
            desk.cancel(key)
        self.turns += 1
        if self.turns > 12:
            desk.stop()
            return
        sizes = [1_000 + self.turns * 10 + n for n in range(5)]
        where = self.market.market_id
        self.keys = [desk.place(where, first, "buy", low, size) for size in sizes]
        desk.timer("beat", timedelta(milliseconds=250))

    def on_order(self, desk: Desk, order: Order) -> None:
        key = int((order.client_order_id or "").rpartition("-")[2])
        self.told.setdefault(key, []).append((bool(order.order_id), order.status))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_over_a_recording_none_waits_for_orders_that_were_taken_back_either(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path, slow = tmp_path / "ladder.jsonl", SLOW[venue]
    with stage(venue, enforce_limits=False) as at:
        live = Ladder(lowest_bid(at))
        real = performed(flavour, live, at, path, limits=slow)
    assert real.failures == ()
    taken_back = {key for key, said in live.told.items() if not said[0][0]}
    pulled = {number(x.key): x.at for x in real.decisions if isinstance(x, Cancel)}
    posts = [
        x for x in read(path) if isinstance(x, Rest | Unanswered) and x.method == "POST"
    ]
    orders = [x for x in posts if "order" in x.path]
    # They leave in the order in which they were decided.
    own = sorted(live.told.keys() - taken_back)
    sent = dict(zip(own, [x.began for x in orders], strict=True))
    # Behind all of them the last would wait for longer than an order may.
    assert len(taken_back) > 25
    for other in FLAVOURS:
        strategy = Ladder(live.market)
        again = replayed(other, strategy, path, limits=slow)
        assert again.failures == ()
        kept = {key for key, said in strategy.told.items() if not said[0][0]}
        assert taken_back <= kept
        # But for what leaves in the very moment in which it is pulled.
        for key in kept - taken_back:
            assert abs(pulled[key] - sent[key]) < 50 * 10**6, key


# -- what is read before ---------------------------------------------------------------


class Forgetful(Strategy):
    """Bids in one market of which nothing can be read, and then in another."""

    def __init__(self, names: list[str], at: Stage, ex: Any) -> None:
        self.markets = names
        self.at, self.ex = at, ex
        self.began = 0.0
        self.took: dict[str, list[float]] = {name: [] for name in names}
        self.errors: list[Exception] = []

    def on_start(self, desk: Desk) -> None:
        first, other = self.markets
        self.ex.venue.forget_rules(first)
        path = "markets"
        fault = Fault("stall", method="GET", path=path, count=None)
        self.at.server.faults.add(fault)
        self.began = time.monotonic()
        for name in (first, first, other):
            market = desk.market(name)
            label = market.outcomes[0].label
            desk.place(name, label, "buy", market.grid.lowest, 10)

    def note(self, desk: Desk, name: str) -> None:
        self.took[name].append(time.monotonic() - self.began)
        if sum(map(len, self.took.values())) == 3:
            desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.is_open and not self.took[order.market_id]:
            self.note(desk, order.market_id)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.errors.append(failure.error)
        self.note(desk, self.markets[0])


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_reads_before_it_leaves_holds_up_none_in_another_market(
    venue: str, flavour: str
) -> None:
    found: list[Forgetful] = []
    with stage(venue, enforce_limits=False) as at:
        how = {**at.account, "retry": RetryPolicy(order_deadline=2)}
        with exchange(at.venue, **at.account) as ex:
            listed = [m.market_id for m in ex.fetch_markets() if m.bid and m.ask]
        if flavour == "blocking":
            with exchange(venue, **how) as ex:
                found.append(Forgetful(listed[:2], at, ex))
                run(found[0], ex, seconds=30)
        else:

            async def go() -> None:
                async with async_exchange(venue, **how) as ex:
                    found.append(Forgetful(listed[:2], at, ex))
                    await async_run(found[0], ex, seconds=30)

            asyncio.run(go())
    first, other = found[0].took.values()
    assert len(other) == 1
    assert other[0] < 1.5
    # Neither waits for the other, and both as long as an order may.
    assert len(first) == 2
    assert all(1.9 < took < 4 for took in first)
    for error in found[0].errors:
        assert isinstance(error, RateLimitExceeded)
        assert not error.maybe_executed


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_no_order_in_a_market_that_is_known_reads_anything_of_it(
    venue: str, flavour: str
) -> None:
    with stage(venue, enforce_limits=False) as at:
        market = lowest_bid(at)
        terms = market.market_id, market.outcomes[0].label, "buy"
        stalled = Fault("stall", method="GET", count=None)
        if flavour == "blocking":
            with exchange(venue, **at.account) as ex:
                contract_of(ex, market.market_id)
                at.server.faults.add(stalled)
                order = ex.create_order(*terms, market.grid.lowest, 10)
        else:

            async def go() -> Order:
                async with async_exchange(venue, **at.account) as ex:
                    await async_contract_of(ex, market.market_id)
                    at.server.faults.add(stalled)
                    return await ex.create_order(*terms, market.grid.lowest, 10)

            order = asyncio.run(go())
    assert order.is_open


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_journal_knows_that_what_was_taken_back_at_the_end_never_left(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    with stage(venue, enforce_limits=False) as at:
        market, how = lowest_bid(at), {"journal": str(tmp_path / "orders.journal")}
        path, limits = tmp_path / "stopped.jsonl", SLOW[venue]
        report = performed(flavour, Stopping(market), at, path, limits=limits, **how)
        assert len(report.unsent) > 8
        with exchange(venue, **at.account, **how) as ex:
            assert ex.unresolved_intents() == []
            # Nor is the first order of the next process held up by them.
            name, lowest = market.market_id, market.grid.lowest
            order = ex.create_order(
                name, market.outcomes[0].label, "buy", lowest, 6_000
            )
            assert order.is_open
