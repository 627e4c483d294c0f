"""A simulated Polymarket at random, its market channel through a line that goes wrong.

Orders come and go on both tokens of a market, trades bring whole books, the grid moves;
frames come twice, late, out of their places or cut; connections close or break, commands
are lost, books are read over REST and come late.  A book that is shown as live, with
nothing on its way, is the venue's; once the faults stop and time has passed, every book is
live.  What is lost unseen (there are no numbers) is found by comparing with REST, which
`watching` does: only then may a live book be wrong before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.venues.polymarket.simulated.trader import trader
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request
from unified_exchanges.models import Level, OrderBook, Outcome, Subject, Ticker
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.simulator.faults import FaultyStream, StreamFault, StreamPlan
from unified_exchanges.streams.protocol import BookWanted
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.parse.reading import milliseconds
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.stream import MarketStream

NIGHTLY = os.environ.get("UNIFIED_EXCHANGES_NIGHTLY") == "1"
pytestmark = pytest.mark.timeout(7_200 if NIGHTLY else 600)

LABELS = ("yes", "no")
CALM = 100.0
POLICY = StreamPolicy(first=0.2, cap=3, stable=5, silence=12, acknowledgement=3)
DIAL = 0.2
"""Seconds until a connection that is lost is made anew."""

SIDES = st.sampled_from(["BUY", "SELL"])
INDEX = st.sampled_from([0, 1])
PICK = st.integers(0, 1_000)
CHANGES = "price_change"
OUT_OF_PLACE = st.builds(
    StreamFault,
    st.sampled_from(["duplicate", "reorder"]),
    frame=st.just(CHANGES),
    nth=st.integers(1, 3),
    count=st.sampled_from([1, 3, None]),
    seconds=st.sampled_from([0.3, 2.0]),
    places=st.integers(1, 3),
)
SEEN = st.one_of(
    OUT_OF_PLACE,
    st.builds(
        StreamFault,
        st.sampled_from(["delay", "duplicate", "truncate", "close", "reset"]),
        nth=st.integers(1, 5),
        count=st.sampled_from([1, 3]),
        seconds=st.sampled_from([0.3, 8.0]),
    ),
    st.builds(
        StreamFault,
        st.just("strip"),
        frame=st.just(CHANGES),
        nth=st.integers(1, 3),
        field=st.sampled_from(["price_changes", "timestamp", "market"]),
    ),
    st.builds(
        StreamFault, st.just("ignore"), frame=st.sampled_from(["subscribe", "market"])
    ),
)
"""What the stream can see for itself."""
UNSEEN = st.builds(
    StreamFault,
    st.sampled_from(["drop", "drop", "silence", "half_open"]),
    nth=st.integers(1, 4),
    count=st.sampled_from([1, 2]),
    seconds=st.sampled_from([3.0, 20.0]),
)


class Machine(RuleBasedStateMachine):
    """One who follows, two who trade, and the line between."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.venue = SimulatedPolymarket(seed=7, clock=self.clock, enforce_limits=False)
        self.us = trader(self.venue, self.clock, 0xA11CE)
        self.them = trader(self.venue, self.clock, 0xB0B)
        self.listed = self.us.market()
        self.market = self.listed.condition_id
        memory = Memory()
        memory.learn_market(
            self.market,
            tuple(
                Outcome(label=label, outcome_id=token, title=label)
                for label, token in zip(LABELS, self.listed.tokens, strict=True)
            ),
        )
        self.stream = MarketStream(clock=self.clock, names=memory, policy=POLICY)
        self.plan = StreamPlan(rng=Random(7))
        self.line: FaultyStream | None = None
        self.dial_at = 0.0
        self.followed: set[str] = set()
        self.tickers: dict[str, Ticker] = {}
        self.resting: list[str] = []
        self.kept: list[OrderBook] = []
        """Books that were read over REST, and may come late."""
        self.is_lossy = False
        self.follow("yes")

    # -- what a driver does ---------------------------------------------------------

    def pump(self) -> None:
        """Let everything be said that can be said now."""
        while self._turn():
            pass

    def _turn(self) -> bool:
        stream = self.stream
        if self.line is None:
            if self.clock.monotonic() < self.dial_at:
                return False
            url = "ws://127.0.0.1/ws/market"
            session: Any = self.venue.connect(Request("GET", url))
            self.line = FaultyStream(session, self.plan, self.clock)
            self.tell(stream.connection_made())
        self.tell(stream.poll())
        if stream.broken:
            return self.lose(stream.broken)
        said = stream.data_to_send()
        for text in said:
            self.line.receive(text)
        frames = self.line.data_to_send()
        self.tell(stream.receive_all(frames))
        if self.line.closing is not None:
            return self.lose(f"closed with {self.line.closing}")
        return bool(said or frames)

    def lose(self, reason: str) -> bool:
        assert self.line is not None
        self.line.close()
        self.line = None
        self.dial_at = self.clock.monotonic() + DIAL
        self.tell(self.stream.connection_lost(reason))
        return False

    def tell(self, events: Iterable[Any]) -> None:
        for event in list(events):
            if isinstance(event, BookWanted):
                self.kept.append(self.read(event.outcome or "yes"))
                self.tell(self.stream.load(self.kept[-1]))
            elif isinstance(event, Ticker):
                self.tickers[event.outcome] = event

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            self.pump()

    def read(self, label: str) -> OrderBook:
        """The book as REST tells it."""
        token = self.listed.tokens[LABELS.index(label)]
        told = self.us.read("/clob/book", token_id=token)
        bids, asks = (
            tuple(
                Level(Decimal(x["price"]), Decimal(x["size"]))
                for x in reversed(told[side])
            )
            for side in ("bids", "asks")
        )
        return OrderBook(
            venue="polymarket",
            market_id=self.market,
            outcome=label,
            bids=bids,
            asks=asks,
            timestamp=milliseconds(int(told["timestamp"]), "timestamp"),
        )

    # -- what happens ---------------------------------------------------------------

    @rule(label=st.sampled_from(LABELS))
    def follow(self, label: str) -> None:
        if label not in self.followed:
            self.followed.add(label)
            for subject in (Subject.ORDER_BOOK, Subject.TICKER):
                self.stream.follow(subject, [self.market], label)
            self.pump()

    @rule(label=st.sampled_from(LABELS))
    def unfollow(self, label: str) -> None:
        if label in self.followed:
            self.followed.remove(label)
            self.tickers.pop(label, None)
            for subject in (Subject.ORDER_BOOK, Subject.TICKER):
                self.stream.unfollow(subject, [self.market], label)
            self.pump()

    @rule(index=INDEX, side=SIDES, cent=st.integers(1, 99), size=st.integers(5, 40))
    def rest(self, index: int, side: str, cent: int, size: int) -> None:
        """An order that rests where it may."""
        self.place(index, side, f"{cent / 100:.2f}", f"{size}.5", post_only=True)

    @rule(index=INDEX, side=SIDES, ticks=st.integers(0, 3), size=st.integers(5, 400))
    def near(self, index: int, side: str, ticks: int, size: int) -> None:
        """An order at the best or a little behind it: the top moves."""
        mine = "bid" if side == "BUY" else "ask"
        best = tops(self.read(LABELS[index]))[mine == "ask"]
        if best is not None:
            away = Decimal(ticks - 1) / 100
            price = best - away if side == "BUY" else best + away
            self.place(index, side, str(price), str(size))

    @rule(index=INDEX, size=st.integers(5, 2_000))
    def buy(self, index: int, size: int) -> None:
        """A trade, which brings whole books."""
        _, best = tops(self.read(LABELS[index]))
        if best is not None:
            self.place(index, "BUY", str(best), str(size))

    def place(
        self, index: int, side: str, price: str, size: str, *, post_only: bool = False
    ) -> None:
        # No two things in one millisecond: what is told of one has no order.
        self.clock.advance(0.005)
        more = {"postOnly": True} if post_only else {}
        who = self.them if side == "BUY" else self.us
        answer = who.place(self.listed, side, price, size, index=index, **more)
        if answer.status == 200 and answer.body.get("status") == "live":
            self.resting.append(answer.body["orderID"])
        self.pump()

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.clock.advance(0.005)
        if self.resting:
            order_id = self.resting.pop(pick % len(self.resting))
            for who in (self.us, self.them):
                who.ask("DELETE", "/order", {"orderID": order_id})
        self.pump()

    @rule(tick=st.sampled_from(["0.001", "0.01"]))
    def move_the_grid(self, tick: str) -> None:
        self.clock.advance(0.005)
        self.venue.change_tick(self.listed, Decimal(tick))
        self.pump()

    @rule(pick=PICK)
    def load_late(self, pick: int) -> None:
        """A book that was read over REST comes now, or once more."""
        if self.kept:
            self.tell(self.stream.load(self.kept[pick % len(self.kept)]))

    @rule(label=st.sampled_from(LABELS))
    def read_ahead(self, label: str) -> None:
        self.kept.append(self.read(label))

    @rule(fault=SEEN)
    def spoil(self, fault: StreamFault) -> None:
        self.plan.add(fault)

    @rule(
        fault=OUT_OF_PLACE,
        orders=st.lists(
            st.tuples(INDEX, SIDES, st.integers(1, 99), st.integers(5, 40)), min_size=3
        ),
    )
    def spoil_a_flurry(
        self, fault: StreamFault, orders: list[tuple[int, str, int, int]]
    ) -> None:
        """Many changes while they are mixed up."""
        self.plan.add(fault)
        for order in orders:
            self.rest(*order)
        self.pass_time(3.0)

    @rule()
    def break_the_line(self) -> None:
        if self.line is not None:
            self.lose("broken")

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 15.0]))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule()
    def settle(self) -> None:
        """Let the faults end, and time pass: everything must be right then."""
        self.plan.clear()
        self.pass_time(CALM)
        if self.is_lossy:
            self.audit()
        # Who follows nothing is shown the door, again and again.
        assert self.stream.is_settled or not self.followed
        assert self.stream.health().stale_books == 0
        for label in self.followed:
            assert self.is_live(label)
            self.check_book(label)
            self.check_ticker(label)

    def audit(self) -> None:
        """What `watching` does now and then: compare with REST."""
        for label in self.followed:
            found, truth = self.stream.order_book(self.market, label), self.read(label)
            assert found is not None
            if sides(found) != sides(truth):
                self.tell(self.stream.doubt(self.market, "it differs", label))
        self.pass_time(10)
        self.is_lossy = False

    def teardown(self) -> None:
        self.settle()

    # -- what must hold -------------------------------------------------------------

    @invariant()
    def a_live_book_is_the_venues(self) -> None:
        is_quiet = self.line is not None and self.line.next_due is None
        if is_quiet and not self.is_lossy:
            for label in self.followed:
                if self.is_live(label):
                    self.check_book(label)

    def is_live(self, label: str) -> bool:
        book = self.stream.order_book(self.market, label)
        return book is not None and not book.stale

    def check_book(self, label: str) -> None:
        found = self.stream.order_book(self.market, label)
        assert found is not None
        assert sides(found) == sides(self.read(label))

    def check_ticker(self, label: str) -> None:
        truth, told = self.read(label), self.tickers[label]
        assert (told.bid, told.ask) == tops(truth)


class LossyMachine(Machine):
    """The same where frames are lost as well."""

    @rule(fault=UNSEEN)
    def lose_unseen(self, fault: StreamFault) -> None:
        self.plan.add(fault)
        self.is_lossy = True


def sides(book: OrderBook) -> tuple[Any, Any]:
    return book.bids, book.asks


def tops(book: OrderBook) -> tuple[Decimal | None, Decimal | None]:
    bid, ask = book.bid, book.ask
    return bid.price if bid else None, ask.price if ask else None


_SETTINGS = settings(
    max_examples=1_500 if NIGHTLY else 30,
    stateful_step_count=60 if NIGHTLY else 25,
    deadline=None,
)
TestMachine = Machine.TestCase
TestMachine.settings = _SETTINGS
TestLossyMachine = LossyMachine.TestCase
TestLossyMachine.settings = _SETTINGS
