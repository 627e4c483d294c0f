"""A strategy on live exchanges: both venues, both flavours, over real sockets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from unified_exchanges import (
    BadRequest,
    Exchange,
    Fill,
    InvalidPrice,
    Market,
    NotSupported,
    Order,
    OrderBook,
    async_exchange,
    exchange,
)
from unified_exchanges.strategies import (
    Desk,
    Failure,
    Place,
    RunProgress,
    RunReport,
    Strategy,
    async_run,
    run,
)

from ..recording.sessions import VENUES, Stage, stage

FLAVOURS = ("blocking", "async")


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as opened:
        yield opened


@pytest.fixture
def market(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(
            m
            for m in ex.fetch_markets()
            if m.bid and m.ask and m.bid > m.grid.lowest and m.ask < m.grid.highest
        )


def perform(flavour: str, strategy: Strategy, at: Stage, **how: Any) -> RunReport:
    how = {"seconds": 20, **how}
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex:
            return run(strategy, ex, **how)

    async def go() -> RunReport:
        async with async_exchange(at.venue, **at.account) as ex:
            return await async_run(strategy, ex, **how)

    return asyncio.run(go())


def left(at: Stage) -> list[Order]:
    with exchange(at.venue, **at.account) as ex:
        return ex.fetch_open_orders()


class Heard(Strategy):
    """Writes down what it is told; acts once, by what it is given."""

    def __init__(self, market: Market, act: Callable[[Desk, OrderBook], None]) -> None:
        self.markets = (market.market_id,)
        self.first = market.outcomes[0].label
        self.second = market.outcomes[1].label
        self.act: Callable[[Desk, OrderBook], None] | None = act
        self.told: list[Any] = []
        self.threads = {threading.get_ident()}

    def note(self, what: Any) -> None:
        self.told.append(what)
        self.threads.add(threading.get_ident())

    def on_start(self, desk: Desk) -> None:
        self.note("start")

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.note(book)
        act, self.act = self.act, None
        if act is not None:
            act(desk, book)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.note(order)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.note(fill)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.note(failure)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.note(name)

    def on_stop(self, desk: Desk) -> None:
        self.note("stop")

    def of(self, kind: type[Any]) -> list[Any]:
        return [x for x in self.told if isinstance(x, kind)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_fill_is_told_once_and_is_in_cash_and_positions_by_then(
    at: Stage, market: Market, flavour: str
) -> None:
    class Taker(Heard):
        def on_fill(self, desk: Desk, fill: Fill) -> None:
            super().on_fill(desk, fill)
            self.told.append((desk.cash, desk.held(fill.market_id, fill.outcome)))
            desk.stop()

    def buy(desk: Desk, book: OrderBook) -> None:
        taker.before = desk.cash, desk.held(book.market_id, taker.first)
        assert book.ask is not None
        price = book.ask.price
        lot = max(Decimal(1), market.immediate_lot(price))
        desk.place(book.market_id, taker.first, "buy", price, lot, time_in_force="ioc")

    taker: Any = Taker(market, buy)
    report = perform(flavour, taker, at)
    [fill] = taker.of(Fill)
    cash, held = taker.before
    assert taker.of(tuple) == [
        (cash - fill.price * fill.size - fill.fee, held + fill.size)
    ]
    assert {x.client_order_id for x in taker.of(Order)} == {report.decisions[0].key}
    assert (taker.told[0], taker.told[-1]) == ("start", "stop")
    assert list(report.fills) == [fill]
    with exchange(at.venue, **at.account) as ex:
        assert report.cash == ex.fetch_balance().available


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_orders_of_the_second_outcome_are_told_as_they_were_asked_for(
    at: Stage, market: Market, flavour: str
) -> None:
    class Rester(Heard):
        def on_order(self, desk: Desk, order: Order) -> None:
            super().on_order(desk, order)
            desk.timer("enough", timedelta(milliseconds=300))

        def on_timer(self, desk: Desk, name: str) -> None:
            desk.stop()

    def rest(desk: Desk, book: OrderBook) -> None:
        price = desk.market(book.market_id).grid.complement().lowest
        desk.place(book.market_id, rester.second, "buy", price, 10, post_only=True)

    rester = Rester(market, rest)
    report = perform(flavour, rester, at)
    told = {(x.outcome, x.side.value, x.price) for x in rester.of(Order)}
    assert told == {(rester.second, "buy", market.grid.complement().lowest)}
    # The answer and the stream tell the same, and it is told once.
    assert [x.status.value for x in rester.of(Order)] == ["open"]
    assert [x.status.value for x in report.left_orders] == ["canceled"]
    assert left(at) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_end_cancels_the_orders_of_the_run_and_no_others(
    at: Stage, market: Market, flavour: str
) -> None:
    name, outcome, low = market.market_id, market.outcomes[0].label, market.grid.lowest
    with exchange(at.venue, **at.account) as ex:
        theirs = ex.create_order(name, outcome, "buy", low, 10)

    def rest(desk: Desk, book: OrderBook) -> None:
        for size in (11, 12, 13):
            desk.place(name, outcome, "buy", low, size)

    class Three(Heard):
        def on_order(self, desk: Desk, order: Order) -> None:
            super().on_order(desk, order)
            if len(desk.open_orders) == 3:
                desk.stop()

    report = perform(flavour, Three(market, rest), at)
    assert sorted(x.size for x in report.left_orders) == [11, 12, 13]
    assert {x.status.value for x in report.left_orders} == {"canceled"}
    assert [x.order_id for x in left(at)] == [theirs.order_id]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_a_strategy_raises_comes_out_after_its_orders_are_gone(
    at: Stage, market: Market, flavour: str
) -> None:
    class Broken(Heard):
        def on_order(self, desk: Desk, order: Order) -> None:
            raise ZeroDivisionError

    def rest(desk: Desk, book: OrderBook) -> None:
        desk.place(book.market_id, "yes", "buy", market.grid.lowest, 10)
        # On its way when the first one breaks the strategy.
        desk.place(book.market_id, "yes", "buy", market.grid.lowest, 11)

    broken = Broken(market, rest)
    with pytest.raises(ZeroDivisionError):
        perform(flavour, broken, at)
    assert broken.told[-1] == "stop"
    assert left(at) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refusal_is_told_to_the_strategy(
    at: Stage, market: Market, flavour: str
) -> None:
    class Told(Heard):
        def on_failure(self, desk: Desk, failure: Failure) -> None:
            super().on_failure(desk, failure)
            desk.stop()

    def wrong(desk: Desk, book: OrderBook) -> None:
        between = market.grid.lowest + market.grid.step_at(market.grid.lowest) / 2
        desk.place(book.market_id, "yes", "buy", between, 10)

    told = Told(market, wrong)
    report = perform(flavour, told, at)
    [failure] = told.of(Failure)
    assert isinstance(failure.error, InvalidPrice)
    assert failure.command == report.decisions[0]
    assert report.failures == (failure,)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refusal_that_nobody_hears_ends_the_run(
    at: Stage, market: Market, flavour: str
) -> None:
    class Deaf(Strategy):
        markets = (market.market_id,)

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place(book.market_id, "yes", "buy", "0.0000001", 10)

    with pytest.raises(InvalidPrice):
        perform(flavour, Deaf(), at)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_commands_for_one_order_are_sent_one_after_another(
    at: Stage, market: Market, flavour: str
) -> None:
    low = market.grid.lowest

    def hurry(desk: Desk, book: OrderBook) -> None:
        key = desk.place(book.market_id, "yes", "buy", low, 20)
        desk.amend(key, size=15)
        desk.cancel(key)

    class Hurried(Heard):
        def on_order(self, desk: Desk, order: Order) -> None:
            super().on_order(desk, order)
            if not order.is_open:
                desk.stop()

    hurried = Hurried(market, hurry)
    report = perform(flavour, hurried, at)
    can_edit = at.venue == "kalshi"
    states = [(x.status.value, x.size) for x in hurried.of(Order)]
    assert states[0] == ("open", 20)
    assert states[-1] == ("canceled", 15 if can_edit else 20)
    assert [type(x).__name__ for x in report.decisions] == ["Place", "Amend", "Cancel"]
    assert report.left_orders == ()
    assert [type(x.error) for x in report.failures] == [NotSupported] * (not can_edit)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_everything_is_told_in_the_thread_of_the_caller(
    at: Stage, market: Market, flavour: str
) -> None:
    def act(desk: Desk, book: OrderBook) -> None:
        desk.place(book.market_id, "yes", "buy", market.grid.lowest, 10)
        desk.timer("ring", timedelta(milliseconds=50))

    class Ringing(Heard):
        def on_timer(self, desk: Desk, name: str) -> None:
            super().on_timer(desk, name)
            desk.stop()

    ringing = Ringing(market, act)
    shown: list[RunProgress] = []
    perform(flavour, ringing, at, progress=shown.append)
    assert "ring" in ringing.told
    assert ringing.threads == {threading.get_ident()}
    assert shown


class Reacting(Heard):
    """Ends while its order is on its way, and answers all that it is told with an order.

    The venue stands still for so many seconds, and the run ends within half of them.
    """

    def __init__(
        self, market: Market, at: Stage, seconds: float, *, is_post_only: bool
    ) -> None:
        super().__init__(market, self.take)
        self.market, self.at, self.is_post_only = market, at, is_post_only
        self.seconds, self.stands = seconds, threading.Event()

    def hold(self) -> None:
        with self.at.server.lock:
            self.stands.set()
            time.sleep(self.seconds)

    def take(self, desk: Desk, book: OrderBook) -> None:
        assert book.ask is not None
        threading.Thread(target=self.hold).start()
        assert self.stands.wait(30)
        how: Any = {"post_only": True} if self.is_post_only else {}
        desk.place(book.market_id, self.first, "buy", book.ask.price, 10, **how)
        desk.timer("end", timedelta(seconds=self.seconds / 2))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()

    def bid(self, desk: Desk) -> None:
        lowest = self.market.grid.lowest
        desk.place(self.market.market_id, self.first, "buy", lowest, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        super().on_order(desk, order)
        self.bid(desk)
        desk.cancel(order.client_order_id or "")

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        super().on_fill(desk, fill)
        self.bid(desk)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        super().on_failure(desk, failure)
        self.bid(desk)


@pytest.mark.parametrize("is_post_only", [False, True])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_decided_in_answer_to_what_the_end_tells_is_not_sent_and_reported(
    at: Stage, market: Market, flavour: str, is_post_only: bool
) -> None:
    for seconds in (0.5, 2, 5):
        reacting = Reacting(market, at, seconds, is_post_only=is_post_only)
        report = perform(flavour, reacting, at)
        if told := reacting.of(Failure if is_post_only else Fill):
            break  # else the order had not begun to be sent
    answers = [x for x in report.unsent if isinstance(x, Place)]
    assert told
    assert len(answers) == len(told) + len(reacting.of(Order))
    assert (report.decisions[0], *report.unsent) == report.decisions
    assert (len(report.fills), report.left_orders) == (len(reacting.of(Fill)), ())
    assert left(at) == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_once_it_ends_nothing_more_can_be_asked(
    at: Stage, market: Market, flavour: str
) -> None:
    class Late(Heard):
        def on_stop(self, desk: Desk) -> None:
            desk.place(market.market_id, "yes", "buy", market.grid.lowest, 10)

    late = Late(market, lambda desk, book: desk.stop())
    with pytest.raises(BadRequest, match="no more orders"):
        perform(flavour, late, at)
    assert left(at) == []


def test_a_run_ends_when_another_thread_says_so(at: Stage, market: Market) -> None:
    stop = threading.Event()
    heard = Heard(market, lambda desk, book: stop.set())
    perform("blocking", heard, at, stop=stop)
    assert heard.told[-1] == "stop"


def test_a_cancelled_task_leaves_no_order_behind(at: Stage, market: Market) -> None:
    resting = asyncio.Event()

    class Resting(Heard):
        def on_order(self, desk: Desk, order: Order) -> None:
            resting.set()

    def rest(desk: Desk, book: OrderBook) -> None:
        desk.place(book.market_id, "yes", "buy", market.grid.lowest, 10)

    async def go() -> None:
        async with async_exchange(at.venue, **at.account) as ex:
            task = asyncio.create_task(async_run(Resting(market, rest), ex))
            await resting.wait()
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(go())
    assert left(at) == []


def test_two_exchanges_are_followed_by_one_strategy() -> None:
    with (
        stage("kalshi") as one,
        stage("polymarket") as other,
        exchange(one.venue, **one.account) as first,
        exchange(other.venue, **other.account) as second,
    ):
        names = [
            next(f"{x.id}:{m.market_id}" for m in x.fetch_markets() if m.bid)
            for x in (first, second)
        ]

        class Both(Strategy):
            markets = names
            seen: ClassVar[set[str]] = set()

            def on_book(self, desk: Desk, book: OrderBook) -> None:
                self.seen.add(f"{book.venue}:{book.market_id}")
                if len(self.seen) == 2:
                    desk.stop()

        run(Both(), first, second, seconds=20)
        assert Both.seen == set(names)
        with pytest.raises(BadRequest, match="say which"):
            run(Named(names[0].partition(":")[2]), first, second)


class Named(Strategy):
    def __init__(self, *names: str, subjects: Any = ("order_book",)) -> None:
        self.markets = names
        self.subjects = subjects


@pytest.mark.parametrize(
    ("strategy", "said"),
    [(Named(), "no markets"), (Named("A", subjects=["ticker"]), "ticker")],
)
def test_what_cannot_be_followed_is_said(strategy: Strategy, said: str) -> None:
    ex: Any = exchange("kalshi", environment="demo")
    assert isinstance(ex, Exchange)
    with ex, pytest.raises(BadRequest, match=said):
        run(strategy, ex)


def test_a_key_is_of_this_run_alone(at: Stage, market: Market) -> None:
    keys = []
    for _ in range(2):

        def act(desk: Desk, book: OrderBook) -> None:
            keys.append(desk.place(book.market_id, "yes", "buy", Decimal("0.01"), 10))
            desk.stop()

        report = perform("blocking", Heard(market, act), at)
        [decision] = report.decisions
        assert isinstance(decision, Place)
        # It was decided, and the run ended before it was sent.
        assert report.unsent == (decision,)
    assert len(set(keys)) == 2
