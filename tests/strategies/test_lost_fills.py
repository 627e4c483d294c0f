"""Fills and states that are lost, repeated, in any order, and found by a read."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import (
    Fill,
    Liquidity,
    Order,
    OrderBook,
    OrderStatus,
    exchange,
)
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.simulator.orders import Owner, Ticket
from unified_exchanges.strategies import Desk, Strategy
from unified_exchanges.strategies.own import HOLD

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_session import START, Scene, fill, order, scene
from .test_told_alike import market_of, performed

__all__ = ["scene"]

D = Decimal
SECOND = 10**9
SIZE = 40


def made(size: int, number: int) -> Fill:
    return fill(size=size, fill_id=f"made-{number}", liquidity=Liquidity.MAKER)


def state(filled: int) -> Order:
    ended = OrderStatus.CLOSED if filled == SIZE else OrderStatus.OPEN
    return order(None, status=ended, filled=filled, size=SIZE)


@attrs.define
class Told:
    """A resting bid, what its strategy is told, and what is read when it is asked for."""

    scene: Scene
    fills: list[Fill]
    """All that the venue has."""
    is_readable: bool = True
    key: str = ""
    reads: list[float] = attrs.field(factory=list)
    """Seconds after the beginning."""
    odd: list[float] = attrs.field(factory=list)
    """When a state was told that did not count what had been told."""

    def __attrs_post_init__(self) -> None:
        heard = self.scene.heard
        hear = heard.on_order

        def on_order(desk: Any, told: Order) -> None:
            if desk.held("RAIN", "yes") != told.filled:
                self.odd.append(self.now)
                assert desk.notes
            hear(desk, told)

        heard.on_order = on_order  # type: ignore[method-assign]
        place = self.scene.place(size=SIZE)
        self.key = place.key
        self.scene.session.answered(place, state(0))

    @property
    def now(self) -> float:
        return (self.scene.desk.moment - START) / SECOND

    @property
    def said(self) -> list[int | tuple[int]]:
        """Sizes of fills, and what states count."""
        return [
            int(x.size) if isinstance(x, Fill) else (int(x.filled),)
            for x in self.scene.heard.told
        ]

    def take(self, *news: Order | Fill) -> None:
        for each in news:
            self.scene.session.take(attrs.evolve(each, client_order_id=self.key))

    def passes(self, seconds: float) -> None:
        """Let time pass, as a run does."""
        session = self.scene.session
        for _ in range(round(seconds * 10)):
            session.look_up(self.scene.desk.moment + SECOND // 10)
            session.release()
            if self._asks():
                self.take(*self.fills)

    def ends(self, last: Order) -> None:
        """Cancel it, which is answered so, and wait for its fills."""
        session = self.scene.session
        session.stop()
        session.ended({self.key: last})
        while session.states.is_holding and not session.states.is_overdue:
            if self._asks():
                for each in self.fills:
                    session.book(each)
            session.look_up(self.scene.desk.moment + SECOND // 10)
        session.conclude()

    def _asks(self) -> bool:
        found = self.scene.session.states.asks()
        self.reads += [self.now for _ in found]
        return bool(found) and self.is_readable


def bid(scene: Scene, *sizes: int, is_readable: bool = True) -> Told:
    fills = [made(size, number) for number, size in enumerate(sizes)]
    return Told(scene, fills, is_readable=is_readable)


def test_one_that_is_lost_before_another_of_its_order_is_read(scene: Scene) -> None:
    told = bid(scene, 10, 15)
    told.take(state(10), told.fills[1], state(25))
    assert told.said == [(0,), 15]
    told.passes(1.5)
    assert told.said == [(0,), 15, 10, (25,)]
    assert told.reads == [1]
    assert not scene.desk.notes


def test_a_state_that_was_overtaken_is_not_told_however_late_the_next_one_is(
    scene: Scene,
) -> None:
    told = bid(scene, 10, 15)
    told.take(state(10))
    told.passes(0.8)
    told.take(told.fills[1])
    told.passes(0.1)
    told.take(state(25))
    told.passes(8)
    assert told.said == [(0,), 15, 10, (25,)]
    assert told.reads == [1]
    assert not scene.desk.notes


def test_nor_is_it_where_nothing_can_be_read(scene: Scene) -> None:
    told = bid(scene, 10, 15, is_readable=False)
    told.take(state(10))
    told.passes(0.8)
    told.take(told.fills[1])
    told.passes(0.1)
    told.take(state(25))
    told.passes(8)
    assert told.said == [(0,), 15, (25,)]
    assert len(scene.desk.notes) == 1


def test_more_than_a_state_counts_is_read_as_well(scene: Scene) -> None:
    # Of what came between nothing was told: the next state is of later.
    told = bid(scene, 10, 15)
    told.take(state(10), told.fills[1])
    told.passes(2)
    told.take(state(25))
    assert told.said == [(0,), 15, 10, (25,)]


def test_an_order_that_fills_on_and_on_is_read_and_told_all_the_same(
    scene: Scene,
) -> None:
    told = bid(scene, 4, *[3] * 12, is_readable=False)
    for number in range(1, 13):
        told.take(told.fills[number], state(4 + 3 * number))
        told.passes(0.5)
    assert told.reads[:3] == [1, 2, 4]
    assert told.odd
    assert told.odd[0] == 5
    told.is_readable = True
    told.passes(2)
    assert sum(x.size for x in scene.session.fills) == SIZE
    assert told.said[-1] == (SIZE,)


def test_an_order_that_fills_on_in_equal_parts_is_read_while_it_does(
    scene: Scene,
) -> None:
    # Each state is told by the fill of the next: one of them waits at any moment.
    told = bid(scene, *[5] * 7)
    told.take(state(5))
    for number in range(1, 7):
        told.take(told.fills[number], state(5 + 5 * number))
        told.passes(0.3)
    assert told.reads == [1]
    assert sum(x.size for x in scene.session.fills) == 35
    assert not told.odd
    assert not scene.desk.notes


def test_each_state_has_its_reads_also_after_one_that_waited_for_too_long(
    scene: Scene,
) -> None:
    told = bid(scene, 10, 15, is_readable=False)
    told.take(state(10))
    told.passes(4.5)
    told.take(state(25))
    told.passes(0.5)
    assert told.said == [(0,), (10,)]
    told.is_readable = True
    told.passes(1)
    assert told.said == [(0,), (10,), 10, 15, (25,)]
    assert told.reads == [1, 2, 4, 5.5]


@pytest.mark.parametrize("is_readable", [True, False])
def test_what_was_said_to_be_missing_is_read_once_more_at_the_end(
    scene: Scene, is_readable: bool
) -> None:
    told = bid(scene, 10, 15, is_readable=False)
    told.take(state(10), told.fills[1], state(25))
    told.passes(6)
    assert told.said == [(0,), 15, (25,)]
    [note] = scene.desk.notes
    assert "25 filled, and fills of 15 were told" in note.text
    told.is_readable = is_readable
    began = told.now
    told.ends(attrs.evolve(state(25), status=OrderStatus.CANCELED))
    assert told.reads[3] == began
    assert sum(x.size for x in scene.session.fills) == (25 if is_readable else 15)
    assert len(scene.desk.notes) == 1


def test_for_a_state_of_what_was_said_to_be_too_much_nobody_waits_at_the_end(
    scene: Scene,
) -> None:
    told = bid(scene, 10)
    told.take(told.fills[0], attrs.evolve(state(0), price=D("0.40")))
    told.passes(6)
    assert told.said == [(0,), 10, (0,)]
    [note] = scene.desk.notes
    assert "0 filled, and fills of 10 were told" in note.text
    began = told.now
    told.ends(attrs.evolve(state(0), status=OrderStatus.CANCELED))
    assert told.now == began
    assert len(scene.desk.notes) == 1


@st.composite
def _lives(draw: st.DrawFn, *, loses_states: bool) -> tuple[list[int], list[int]]:
    """Sizes of fills, and the news in the order in which they come.

    Fills by their number from 1 on, lost, doubled or in any order; states by what is below.
    """
    sizes = draw(st.lists(st.integers(1, 10), min_size=1, max_size=4))
    count = range(1, len(sizes) + 1)
    told = [n for n in count for _ in range(draw(st.integers(0, 2)))]
    states = [-n for n in count]
    if loses_states:
        states = [n for n in states for _ in range(draw(st.integers(0, 2)))]
    return sizes, draw(st.permutations([*told, *states]))


def _hear(told: Told, news: list[int], pauses: list[float]) -> None:
    for number, pause in zip(news, pauses, strict=True):
        if number > 0:
            told.take(told.fills[number - 1])
        else:
            told.take(state(int(sum(x.size for x in told.fills[:-number]))))
        told.passes(pause)


def _ended(told: Told) -> None:
    """Whatever came of it, all that the venue has is in the report, once."""
    total = sum(x.size for x in told.fills)
    told.ends(attrs.evolve(state(int(total)), status=OrderStatus.CANCELED))
    session, desk = told.scene.session, told.scene.desk
    found = [x.fill_id for x in session.fills]
    assert sorted(found) == sorted(x.fill_id for x in told.fills)
    assert desk.held("RAIN", "yes") == total
    paid = sum(x.size * x.price + (x.fee or 0) for x in told.fills)
    assert desk.cash == D(100) - paid
    sizes = [x for x in told.said if isinstance(x, int)]
    counted = [x[0] for x in told.said if isinstance(x, tuple)]
    assert sum(sizes) <= total
    assert counted == sorted(set(counted))


@given(life=_lives(loses_states=False))
def test_who_can_read_is_told_no_state_that_does_not_count_what_was_told(
    life: tuple[list[int], list[int]],
) -> None:
    sizes, news = life
    told = bid(scene.__wrapped__(), *sizes)  # type: ignore[attr-defined]
    _hear(told, news, [0.3] * len(news))
    told.passes(2)
    assert not told.odd
    assert told.said[-1] == (sum(sizes),)
    assert not told.scene.session.states
    _ended(told)
    assert not told.scene.desk.notes


@given(life=_lives(loses_states=True), data=st.data())
def test_whatever_is_lost_the_end_agrees_with_the_venue(
    life: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    sizes, news = life
    told = bid(scene.__wrapped__(), *sizes, is_readable=data.draw(st.booleans()))  # type: ignore[attr-defined]
    pauses = st.sampled_from([0.0, 0.1, 0.9, 2.0, 6.0])
    _hear(told, news, [data.draw(pauses) for _ in news])
    assert all(moment >= HOLD / SECOND for moment in told.odd)
    told.is_readable = True
    _ended(told)


# -- on a venue ------------------------------------------------------------------------


class Hit(Strategy):
    """Bids behind all others, is hit for 10 and then for 15, and waits for what is told."""

    def __init__(self, name: str, at: Stage) -> None:
        self.markets = [name]
        self.at = at
        self.said: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            assert book.bid is not None
            desk.place(book.market_id, book.outcome, "buy", book.bid.price, 100)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append((order.filled, desk.held(order.market_id, order.outcome)))
        if not order.filled:
            desk.timer("hit", timedelta(milliseconds=300))
        elif order.filled == 25:
            desk.stop()

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.said.append(fill.size)

    def on_timer(self, desk: Desk, name: str) -> None:
        engine, [market], owner = self.at.simulated.engine, self.markets, Owner("taker")
        with self.at.server.lock:
            engine.open_account("taker")
            shard = engine.market(market).shard
            engine.deposit(owner, Decimal(1_000_000), shard=shard)
            best = engine.best(market, "bid")
            for size in (best.size - 90, Decimal(15)):
                engine.place(
                    Ticket(
                        market_id=market,
                        owner=owner,
                        side="ask",
                        price=best.price,
                        size=size,
                        time_in_force="ioc",
                    )
                )


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_the_first_of_two_that_a_stream_loses_is_read(venue: str, flavour: str) -> None:
    frame = "fill" if venue == "kalshi" else "trade"
    # Where a fill is told again as it settles, the second one is told between.
    plan = StreamPlan([StreamFault("drop", frame=frame, every=2, count=3)])
    with stage(venue, plan, enforce_limits=False) as at:
        strategy = Hit(market_of(at).market_id, at)
        report = performed(flavour, strategy, venue, **at.account)
        with exchange(venue, **at.account) as ex:
            assert report.cash == ex.fetch_balance().available
    assert strategy.said == [(0, 0), 15, 10, (25, 25)]
    assert not [x for x in report.notes if "cash and positions go by" in x.text]
