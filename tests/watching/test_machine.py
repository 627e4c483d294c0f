"""Trading at random on the simulated Kalshi while its stream and its REST go wrong.

This machine's clock is off, and is set now and then.  Frames are lost, doubled, reordered,
late, altered; connections close, break, fall silent, or stay away for a while;
subscriptions die; requests fail and reads lag.  Consumers come and go all the time,
through the hubs of both flavours; they iterate, take what is next, or await it, in one
task or in ever other ones, and give waits up at any moment.  Once the faults stop and time
has passed, every book that is not stale is the venue's, every fill was told exactly once,
the last state that anybody was told of an order or position is the true one, and what was
told never went back.
"""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tests.watching.mishaps import (
    OF_COMMANDS,
    OF_CONNECTIONS,
    OF_FIELDS,
    OF_FRAMES,
    OF_SUBSCRIPTIONS,
)
from tests.watching.studio import (
    AsyncConsumer,
    AwaitingConsumer,
    BlockingConsumer,
    Consumer,
    Studio,
    wish,
)
from unified_exchanges.errors import MarketNotFound, UnifiedExchangesError
from unified_exchanges.models import (
    Fill,
    Gap,
    Order,
    OrderBook,
    Position,
    Reconciled,
    Reconnected,
    Subject,
)
from unified_exchanges.models.streams import StreamNotice
from unified_exchanges.money import EXACT
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.faults import Fault, StreamFault, unavailable
from unified_exchanges.watching.follower import Follower
from unified_exchanges.watching.seat import Wish

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
AT_RANDOM = int(os.environ.get("UNIFIED_EXCHANGES_RANDOM", "0"))
"""How many examples to draw at random, where another run shall see other ones."""
pytestmark = pytest.mark.timeout(7_200 if NIGHTLY or AT_RANDOM else 600)

MARKETS = ("KXRAINSEA-26NOV25-R", "KXTOPALBUM-26NOV-BLUE0")
MARKETS += ("KXBTCD-26NOV2222-T84000", "KXNBAGAME-26NOV23ELPCAL-CAL")
CALM = 100.0
"""Seconds without a fault after which everything must be right."""
PRIVATE = (Subject.ORDERS, Subject.FILLS, Subject.POSITIONS)

KINDS = st.sampled_from(["blocking", "async", "task", "tasks", "tasks", "held"])
"""How a consumer takes: the last three await (see `AwaitingConsumer`)."""
PICK = st.integers(0, 1_000)
AHEAD = st.sampled_from([0.0, -5.0, -0.9, -0.3, 0.1, 0.3, 0.5, 0.9, 5.0])
"""How far this machine's clock is off."""
Terms = tuple[int, bool, int, int]
TERMS = st.tuples(PICK, st.booleans(), st.integers(-2, 2), PICK)
WISHES: st.SearchStrategy[Wish] = st.one_of(
    st.builds(
        wish,
        st.just(Subject.ORDER_BOOK),
        st.sampled_from(MARKETS),
        outcome=st.sampled_from([None, None, "no"]),
        policy=st.sampled_from(["latest", "every"]),
        events=st.booleans(),
    ),
    st.builds(
        wish,
        st.sampled_from(PRIVATE),
        policy=st.sampled_from(["latest", "every", "every"]),
        events=st.booleans(),
    ),
    st.builds(wish, st.sampled_from(PRIVATE), st.sampled_from(MARKETS)),
)
OF_READS = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["drop", "delay", "truncate", "stall", "lag", "lag"]),
        method=st.just("GET"),
        path=st.sampled_from(["portfolio", "orders", "fills", "orderbook", ""]),
        seconds=st.sampled_from([0.4, 3.0]),
        count=st.sampled_from([1, 4, 20]),
    ),
    # Two refusals of the key in a row would be the end of the stream, rightly.
    st.builds(unavailable, st.sampled_from([500, 503, 429]), path=st.just("/ws/")),
)


class Machine(RuleBasedStateMachine):
    """Consumers of every kind over one faulty stream, and a trader with a good line."""

    def __init__(self) -> None:
        super().__init__()
        self.studio = Studio()
        # What is compared and what is traded goes without waiting.
        free = LimitPolicy(enabled=False, discover=False)
        self.trader: Any = self.studio.ground.trader("blocking", limits=free)
        self.others: Any = self.studio.another_trader()
        self.consumers: list[Consumer] = []
        self.begun: dict[Consumer, float] = {}
        """When those who follow the account were first seen to know it."""
        self.followers: dict[Consumer, Follower] = {}
        self.counts: dict[str, int] = {}

    @initialize(ahead=AHEAD, phase=st.integers(0, 99))
    def set_the_clocks(self, ahead: float, phase: int) -> None:
        """Ours is off, and the venue's is somewhere within a second."""
        self.studio.own.step(ahead)
        self.studio.clock.advance(phase / 100)

    def moment(self) -> None:
        """Nothing happens in the same millisecond as what was before."""
        self.studio.clock.advance(0.005)

    # -- what is done ---------------------------------------------------------------

    @rule(wish=WISHES, kind=KINDS)
    def join(self, wish: Wish, kind: str) -> None:
        self.moment()
        if len(self.consumers) < 8:
            consumer = self.make(wish, kind)
            self.consumers.append(consumer)
            self.followers[consumer] = consumer.follower
        self.moment()

    def make(self, wish: Wish, kind: str) -> Consumer:
        if kind == "blocking":
            return BlockingConsumer(self.studio, wish)
        # Calls with one wish from tasks that come and go cannot be told apart.
        if kind == "async" or any(x.wish == wish for x in self.awaiting()):
            return AsyncConsumer(self.studio, wish)
        return AwaitingConsumer(self.studio, wish, kind)

    def awaiting(self) -> list[AwaitingConsumer]:
        return [x for x in self.consumers if isinstance(x, AwaitingConsumer)]

    @rule(pick=PICK)
    def begin_to_wait(self, pick: int) -> None:
        """Somebody waits while the others go on."""
        if awaiting := self.awaiting():
            awaiting[pick % len(awaiting)].begin()

    @rule(pick=PICK, turns=st.integers(0, 4))
    def give_up_a_wait(self, pick: int, turns: int) -> None:
        """A wait is cancelled, perhaps in the moment in which it has come to its end."""
        if awaiting := self.awaiting():
            awaiting[pick % len(awaiting)].give_up(turns)
        self.let_the_refused_go()

    @rule(kind=KINDS, events=st.booleans())
    def join_orders(self, kind: str, events: bool) -> None:
        """The account is what most can go wrong with."""
        self.join(wish(Subject.ORDERS, events=events), kind)

    @rule(kind=KINDS)
    def join_fills(self, kind: str) -> None:
        """Each of them once, however it is waited for."""
        self.join(wish(Subject.FILLS), kind)

    @rule(pick=PICK)
    def leave(self, pick: int) -> None:
        if self.consumers:
            gone = self.consumers.pop(pick % len(self.consumers))
            self.begun.pop(gone, None)
            self.followers.pop(gone, None)
            gone.leave()

    @rule(pick=PICK, most=st.sampled_from([1, 3, 1_000]))
    def take(self, pick: int, most: int) -> None:
        if self.consumers:
            self.consumers[pick % len(self.consumers)].take(most)
        self.let_the_refused_go()

    def let_the_refused_go(self) -> None:
        """Where every snapshot is lost for long, a book is given up in the end."""
        for consumer in [x for x in self.consumers if x.error is not None]:
            assert consumer.wish.subject is Subject.ORDER_BOOK
            assert isinstance(consumer.error, MarketNotFound)
            self.consumers.remove(consumer)
            consumer.leave()

    @rule(terms=TERMS)
    def trade(self, terms: Terms) -> None:
        self.place(self.trader, *terms)

    @rule(market=PICK, size=PICK)
    def rest(self, market: int, size: int) -> None:
        """An order that stays, so that there is one to end."""
        self.moment()
        name = MARKETS[market % len(MARKETS)]
        low = self.trader.fetch_market(name).grid.lowest
        size = 1 + size % 40
        self.act(
            lambda: self.trader.create_order(
                name, "yes", "buy", low, size, post_only=True
            )
        )

    @rule(terms=TERMS)
    def let_others_trade(self, terms: Terms) -> None:
        self.place(self.others, *terms)

    def place(self, who: Any, market: int, is_bid: bool, step: int, size: int) -> None:
        self.moment()
        name = MARKETS[market % len(MARKETS)]
        book = who.fetch_order_book(name)
        best = book.ask if is_bid else book.bid
        if best is None:
            return
        price = who.fetch_market(name).grid.snap(
            EXACT.add(best.price, Decimal(step) / 100), "down"
        )
        side = "buy" if is_bid else "sell"
        self.act(lambda: who.create_order(name, "yes", side, price, 1 + size % 40))

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.moment()
        if resting := self.trader.fetch_open_orders():
            order = resting[pick % len(resting)]
            self.act(lambda: self.trader.cancel_order(order.order_id))

    @rule(pick=PICK, size=st.integers(1, 60))
    def edit(self, pick: int, size: int) -> None:
        self.moment()
        if resting := self.trader.fetch_open_orders():
            order = resting[pick % len(resting)]
            self.act(lambda: self.trader.edit_order(order.order_id, size=size))

    def act(self, act: Any) -> None:
        try:
            act()
        except UnifiedExchangesError:
            return  # refused: off the grid, crossing ourselves, gone meanwhile
        self.studio.pump()

    @rule(fault=OF_FRAMES | OF_FIELDS | OF_CONNECTIONS | OF_SUBSCRIPTIONS | OF_COMMANDS)
    def spoil_the_stream(self, fault: StreamFault) -> None:
        self.studio.frames.add(fault)

    @rule(fault=OF_READS)
    def spoil_reads(self, fault: Fault) -> None:
        self.studio.requests.add(fault)

    @rule(seconds=st.sampled_from([0.5, 4.0, 15.0, 60.0]))
    def lose_the_line(self, seconds: float) -> None:
        """It breaks, and there is none for a while."""
        self.studio.pump()
        if self.studio.line is not None:
            self.studio.lose(seconds)

    @rule(
        way=st.sampled_from(["lag", "drop", "outage"]),
        pick=PICK,
        pause=st.sampled_from([0.0, 1.0]),
        kind=KINDS,
    )
    def join_after_an_end_that_is_not_known(
        self, way: str, pick: int, pause: float, kind: str
    ) -> None:
        """An order ends while that cannot be seen, and then somebody comes."""
        self.rest(pick, pick)
        self.studio.pass_time(4.0)
        if way == "lag":
            lag = {"method": "GET", "path": "orders", "seconds": 3.0, "count": 3}
            self.studio.requests.add(Fault("lag", **lag))
        elif way == "drop":
            self.studio.frames.add(StreamFault("drop", frame="user_order"))
        else:
            self.lose_the_line(15.0)
        self.cancel(pick)
        self.studio.pass_time(pause)
        self.join_orders(kind, events=False)
        self.studio.pass_time(1.0)

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 4.0, 15.0]))
    def wait(self, seconds: float) -> None:
        self.studio.pass_time(seconds)

    @rule(seconds=st.sampled_from([-3_600.0, -0.7, 0.4, 5.0, 3_600.0]))
    def set_the_clock(self, seconds: float) -> None:
        """A time service sets this machine's clock."""
        # An hour off, and no answer seen yet: nothing could be signed.
        if abs(seconds) < 10 or self.studio.venue.offset.milliseconds is not None:
            self.studio.own.step(seconds)

    @rule()
    def settle(self) -> None:
        """Let the faults end, and time pass: everything must be right then."""
        self.studio.frames.clear()
        self.studio.requests.clear()
        self.studio.pass_time(CALM)
        self.moment()
        self.studio.pump()
        self.check()

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            for consumer in self.consumers:
                consumer.leave()

    # -- what must hold -------------------------------------------------------------

    @invariant()
    def notice_beginnings(self) -> None:
        for consumer, follower in self.followers.items():
            if follower.is_ready:
                self.begun.setdefault(consumer, self.studio.clock.now())

    @invariant()
    def no_count_falls(self) -> None:
        health = self.studio.feed.health(self.studio.protocol.health())
        counts = {
            name: getattr(health, name)
            for name in ("connections", "messages", "gaps", "folded", "missed")
        }
        assert all(counts[name] >= count for name, count in self.counts.items())
        self.counts = counts

    @invariant()
    def what_is_remembered_is_bounded(self) -> None:
        account = self.studio.feed.account
        traded = len(self.studio.kalshi.engine.fills(self.studio.ground.key.user_id))
        assert len(account._fills) <= traded
        assert len(account.open_orders) <= 100
        open_ids = {order.order_id for order in account.open_orders}
        for follower in self.studio.feed._everybody():
            assert follower.shown.keys() <= open_ids
        subjects = {
            consumer.wish.subject
            for consumer in self.consumers
            if not consumer.follower.mailbox.is_closed
        }
        circles = self.studio.feed._circles
        assert {subject for subject, circle in circles.items() if circle} == subjects

    def check(self) -> None:
        # It is caught up with: time stands still, and nothing is on its way.
        self.notice_beginnings()
        assert self.studio.line is not None
        assert self.studio.protocol.is_settled
        assert self.studio.protocol.health().stale_books == 0
        for consumer in self.consumers:
            consumer.take()
        self.let_the_refused_go()
        for consumer in self.consumers:
            items = [x for x in consumer.items if not is_notice(x)]
            {
                Subject.ORDER_BOOK: self.check_books,
                Subject.FILLS: self.check_fills,
                Subject.ORDERS: self.check_orders,
                Subject.POSITIONS: self.check_positions,
            }[consumer.wish.subject](consumer, items)

    def check_books(self, consumer: Consumer, items: list[OrderBook]) -> None:
        [market] = consumer.wish.market_ids or ()
        outcome = consumer.wish.outcome or "yes"
        truth = self.trader.fetch_order_book(market, outcome=outcome)
        last = items[-1]
        assert not last.stale
        assert (last.outcome, last.bids, last.asks) == (outcome, truth.bids, truth.asks)

    def check_fills(self, consumer: Consumer, items: list[Fill]) -> None:
        truth = {
            (fill.fill_id, fill.order_id): fill
            for fill in self.trader.fetch_fills()
            if is_wanted(consumer, fill)
        }
        told = Counter((fill.fill_id, fill.order_id) for fill in items)
        due = {
            k
            for k, fill in truth.items()
            if seconds(fill.created_at) >= joined(consumer)
        }
        assert set(told.values()) <= {1}
        assert due <= told.keys()
        for fill in items:
            true = truth[fill.fill_id, fill.order_id]
            assert (fill.price, fill.size, fill.side, fill.fee) == (
                true.price,
                true.size,
                true.side,
                true.fee,
            )
            assert seconds(fill.created_at) >= joined(consumer) - 1.5

    def check_orders(self, consumer: Consumer, items: list[Order]) -> None:
        told: dict[str, list[Order]] = {}
        for order in items:
            told.setdefault(order.order_id, []).append(order)
        for order in self.trader.fetch_orders():
            mine = told.pop(order.order_id, [])
            if not is_wanted(consumer, order):
                assert mine == []
                continue
            changed = order.updated_at or order.created_at
            # What is old can end before it is read for the first time, unseen.
            is_old = seconds(order.created_at) < joined(consumer) - 59
            due = self.begun[consumer] if is_old else joined(consumer)
            if order.is_open or seconds(changed) >= due:
                assert mine, order
            # Whoever was told anything of an order was told its end, or that it is open.
            if mine:
                assert state(mine[-1]) == state(order), (consumer.wish, order)
            for one, next_ in pairwise(mine):
                assert one.filled <= next_.filled
                assert one.is_open >= next_.is_open
                assert state(one) != state(next_)
        assert told == {}

    def check_positions(self, consumer: Consumer, items: list[Position]) -> None:
        ends = {x.market_id: x for x in items}
        shown = {m: (x.outcome, x.size) for m, x in ends.items() if x.size}
        truth = {
            x.market_id: (x.outcome, x.size)
            for x in self.trader.fetch_positions(mark=False)
            if is_wanted(consumer, x)
        }
        assert shown == truth, (consumer.wish, consumer.joined, items)


def is_notice(item: object) -> bool:
    return isinstance(item, get_args(StreamNotice))


def is_wanted(consumer: Consumer, item: Fill | Order | Position) -> bool:
    ids = consumer.wish.market_ids
    return ids is None or item.market_id in ids


def state(order: Order) -> tuple[Any, ...]:
    return order.status, order.price, order.size, order.filled, order.remaining


def seconds(moment: Any) -> float:
    found: float = moment.timestamp()
    return found


def joined(consumer: Consumer) -> float:
    return consumer.joined


def test_all_notices_are_known() -> None:
    assert get_args(StreamNotice) == (Gap, Reconnected, Reconciled)


class TestMachine(Machine.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(
        max_examples=AT_RANDOM or (3_000 if NIGHTLY else 200),
        stateful_step_count=60 if NIGHTLY else 20,
        derandomize=not (NIGHTLY or AT_RANDOM),
        # Explaining traces every line of a failing run, for minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
