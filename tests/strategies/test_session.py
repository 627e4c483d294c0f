"""What a session makes of news that come late, twice, out of order or of others."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    BadRequest,
    Fill,
    Gap,
    Liquidity,
    MarketStatus,
    Order,
    OrderBook,
    OrderRejected,
    OrderStatus,
    OrderUnknown,
    Trade,
)
from unified_exchanges.models import Subject
from unified_exchanges.paper import at
from unified_exchanges.paper.account import Account
from unified_exchanges.strategies import Cancel, Command, Desk, Failure, Place, Strategy
from unified_exchanges.strategies.running import of_markets
from unified_exchanges.strategies.session import Session, as_library_error
from unified_exchanges.strategies.waiting import PATIENCE, Waiting
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

from ..paper.scene import START, book, change, contract, trade

D = Decimal


class Heard(Strategy):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append(order)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.told.append(fill)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.told.append(failure)

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.told.append(gap)


class Beating(Strategy):
    """Asks for its next timer in the call of each."""

    def __init__(self, beat: timedelta) -> None:
        self._beat = beat
        self.rung: list[int] = []

    def on_start(self, desk: Desk) -> None:
        desk.timer("beat", self._beat)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.rung.append(desk.moment)
        desk.timer("beat", self._beat)


@attrs.define
class Scene:
    heard: Heard
    desk: Desk
    session: Session

    def place(self, outcome: str = "yes", size: int = 10) -> Place:
        self.desk.place("RAIN", outcome, "buy", "0.50", size)
        command = self.sent()
        assert isinstance(command, Place)
        return command

    def sent(self) -> Command:
        [command] = self.session.ready()
        return command


@pytest.fixture
def scene() -> Scene:
    heard = Heard()
    books: dict[str, OrderBook] = {}
    desk = Desk([contract(), contract("SNOW")], Account(D(100)), book=books.get)
    session = Session(heard, desk, books, keep=100)
    session.start(START)
    return Scene(heard, desk, session)


def order(key: str | None, order_id: str = "A", **how: Any) -> Order:
    given: dict[str, Any] = {"status": OrderStatus.OPEN, "filled": 0, "size": 10}
    given |= how
    left = given["size"] - given["filled"] if given["status"] is OrderStatus.OPEN else 0
    return Order(
        venue="toy",
        order_id=order_id,
        client_order_id=key,
        market_id="RAIN",
        outcome="yes",
        side=BUY,
        price=D("0.50"),
        size=D(given["size"]),
        filled=D(given["filled"]),
        remaining=D(left),
        status=given["status"],
    )


def fill(order_id: str = "A", size: int = 10, **how: Any) -> Fill:
    made = Fill(
        venue="toy",
        fill_id="f",
        order_id=order_id,
        market_id="RAIN",
        outcome="yes",
        side=BUY,
        price=D("0.50"),
        size=D(size),
        fee=D("0.1"),
        liquidity=Liquidity.TAKER,
        created_at=at(START),
    )
    return attrs.evolve(made, **how)


def test_a_fill_that_comes_before_the_answer_is_told_with_it(scene: Scene) -> None:
    place = scene.place()
    scene.session.take(fill())
    assert scene.heard.told == []
    scene.session.answered(place, order(None, status=OrderStatus.CLOSED, filled=10))
    kinds = [type(x) for x in scene.heard.told]
    assert kinds == [Fill, Order]
    assert scene.heard.told[0].client_order_id == place.key
    assert scene.desk.held("RAIN", "yes") == 10


def test_orders_and_fills_of_others_are_nobodys_business(scene: Scene) -> None:
    scene.session.take(fill("B"))
    scene.session.take(order("somebody", "B"))
    place = scene.place()
    scene.session.take(fill("C"))
    scene.session.answered(place, order(None))
    assert [x.order_id for x in scene.heard.told] == ["A"]
    assert scene.desk.cash == 100


def test_a_state_is_told_once_and_never_goes_back(scene: Scene) -> None:
    place = scene.place()
    session = scene.session
    session.take(order(place.key))
    session.answered(place, order(place.key))
    session.take(fill(size=4))
    session.take(order(place.key, filled=4))
    session.take(order(place.key, filled=2))
    session.take(order(place.key, status=OrderStatus.CANCELED, filled=4))
    session.take(order(place.key, filled=4))
    orders = [x for x in scene.heard.told if isinstance(x, Order)]
    states = [(x.status.value, x.filled) for x in orders]
    assert states == [("open", D(0)), ("open", D(4)), ("canceled", D(4))]


def test_an_order_of_the_other_outcome_is_told_as_it_was_asked_for(
    scene: Scene,
) -> None:
    place = scene.place("no")
    scene.session.answered(place, order(place.key))
    [told_] = scene.heard.told
    assert (told_.outcome, told_.side.value, told_.price) == ("no", "sell", D("0.50"))


def test_an_order_that_another_took_the_place_of_has_not_ended(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(place, order(place.key))
    scene.desk.amend(place.key, price="0.40")
    amend = scene.sent()
    # Cancel and create: the end of the first is told before the answer.
    scene.session.take(order(place.key, status=OrderStatus.CANCELED))
    scene.session.answered(amend, order(None, "B"))
    states = [(x.order_id, x.status.value) for x in scene.heard.told]
    assert states == [("A", "open"), ("B", "open")]
    assert [x.key for x in scene.session.left()] == [place.key]
    scene.session.take(fill("A", 1))
    scene.session.take(fill("B", 1))
    assert scene.desk.held("RAIN", "yes") == 2


def test_an_order_of_which_nobody_knows_is_looked_for_at_the_end(scene: Scene) -> None:
    place = scene.place()
    error = OrderUnknown("no answer", client_order_id=place.key, maybe_executed=True)
    scene.session.failed(place, error)
    [failure] = scene.heard.told
    assert failure.error is error
    assert [x.key for x in scene.session.left()] == [place.key]
    # The stream may tell of it after all.
    scene.session.take(order(place.key))
    scene.session.take(order(place.key, status=OrderStatus.CANCELED))
    assert scene.session.left() == []


def test_an_order_that_was_refused_is_not_looked_for(scene: Scene) -> None:
    place = scene.place()
    scene.session.failed(place, OrderRejected("no"))
    assert scene.session.left() == []
    scene.desk.cancel(place.key)
    assert scene.session.ready() == []


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_stream_tells_of_an_order_that_was_refused_is_no_news(
    scene: Scene, *, is_first: bool
) -> None:
    # Polymarket tells of all or nothing that is refused as of an order that was canceled.
    place = scene.place()
    error = OrderRejected("no")
    killed = order(place.key, status=OrderStatus.CANCELED)
    if is_first:
        scene.session.take(killed)
        assert scene.heard.told == []
    scene.session.failed(place, error)
    if not is_first:
        scene.session.take(killed)
    [failure] = scene.heard.told
    assert failure.error is error
    assert scene.desk.order(place.key) is None


def test_what_ended_with_nothing_before_its_answer_is_told_with_that(
    scene: Scene,
) -> None:
    place = scene.place()
    killed = order(place.key, status=OrderStatus.CANCELED)
    scene.session.take(killed)
    scene.session.answered(place, killed)
    assert [x.status for x in scene.heard.told] == [OrderStatus.CANCELED]


def test_what_ended_with_nothing_is_told_though_its_answer_was_lost(
    scene: Scene,
) -> None:
    place = scene.place()
    scene.session.take(order(place.key, status=OrderStatus.CANCELED))
    scene.session.failed(place, OrderUnknown("no answer", maybe_executed=True))
    _, ended = scene.heard.told
    assert ended.status is OrderStatus.CANCELED
    assert scene.session.left() == []


def test_a_rejected_answer_is_a_failure_and_no_order(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(place, order(place.key, status=OrderStatus.REJECTED))
    [failure] = scene.heard.told
    assert isinstance(failure.error, OrderRejected)
    assert scene.session.left() == []


def test_what_waits_for_an_answer_is_not_sent_once_it_ends(scene: Scene) -> None:
    place = scene.place()
    scene.desk.cancel(place.key)
    assert scene.session.ready() == []
    unsent = scene.session.stop()
    assert [type(x) for x in unsent] == [Cancel]
    scene.session.answered(place, order(place.key))
    assert scene.session.ready() == []
    assert [x.key for x in scene.session.left()] == [place.key]


def test_a_fill_that_failed_is_taken_back(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(
        place, order(place.key, status=OrderStatus.CLOSED, filled=10)
    )
    scene.session.take(fill())
    scene.session.take(fill().taken_back())
    assert (scene.desk.cash, scene.desk.held("RAIN", "yes")) == (D(100), D(0))


@pytest.mark.parametrize(
    ("size", "liquidity", "most"),
    [
        # A cent for each lot that is begun.
        (10, Liquidity.TAKER, "0.10"),
        ("9.5", Liquidity.TAKER, "0.10"),
        (10, Liquidity.MAKER, "0.010"),
    ],
)
def test_of_a_fee_that_is_not_known_the_most_is_counted_and_the_report_says_so(
    scene: Scene, size: Any, liquidity: Liquidity, most: str
) -> None:
    told = fill(fee=None, size=D(size), liquidity=liquidity)
    scene.desk.told_fill(told)
    account = scene.desk.account
    assert account.held("RAIN", "yes").size == D(size)
    assert account.fees == D(most)
    assert scene.desk.cash == D(100) - D(size) * D("0.50") - D(most)
    (note,) = scene.desk.notes
    assert note.text.endswith(
        f"fee unknown) is not known: {D(most).normalize()} is counted, the most that "
        "it can be"
    )
    scene.desk.told_fill(told.taken_back())
    assert (account.fees, scene.desk.cash) == (D(0), D(100))


@pytest.mark.parametrize(
    ("terms", "liquidity"),
    [
        (FeeTerms(D("0.05"), D(9)), Liquidity.TAKER),
        (FeeTerms(D("0.05"), D(1), is_taker_only=False), Liquidity.MAKER),
    ],
)
def test_a_fee_of_which_nobody_knows_the_most_is_not_counted_and_the_report_says_so(
    scene: Scene, terms: FeeTerms, liquidity: Liquidity
) -> None:
    scene.desk.know(attrs.evolve(contract(), fees=Fees(terms)))
    scene.desk.told_fill(fill(fee=None, liquidity=liquidity))
    assert scene.desk.account.held("RAIN", "yes").size == 10
    assert scene.desk.account.fees == 0
    (note,) = scene.desk.notes
    assert note.text.endswith("fee unknown) is not known: none is counted for it")


def test_fault_30_an_order_of_which_a_fill_failed_is_told_and_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_exchanges.strategies.desk._DONE", 1)
    place = scene.place()
    ended = order(place.key, status=OrderStatus.CLOSED, filled=10)
    scene.session.answered(place, ended)
    scene.session.take(fill())
    scene.session.take(attrs.evolve(ended, failed=D(10)))
    scene.session.take(fill().taken_back())
    told = [x.failed for x in scene.heard.told if isinstance(x, Order)]
    assert told == [0, 10]
    known = scene.desk.order(place.key)
    assert known is not None
    assert known.failed == 10


def test_orders_that_ended_long_ago_are_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_exchanges.strategies.session._OVER", 3)
    monkeypatch.setattr("unified_exchanges.strategies.desk._DONE", 3)
    keys = []
    for n in range(6):
        place = scene.place()
        keys.append(place.key)
        ended = order(place.key, f"{n}", status=OrderStatus.CANCELED)
        scene.session.answered(place, ended)
    assert [scene.desk.order(key) is not None for key in keys] == [False] * 3 + [
        True
    ] * 3
    with pytest.raises(BadRequest, match=keys[0]):
        scene.desk.cancel(keys[0])
    scene.session.take(fill("0"))
    assert scene.desk.held("RAIN", "yes") == 0


def test_a_market_that_settles_pays_what_is_held(scene: Scene) -> None:
    place = scene.place()
    scene.session.answered(
        place, order(place.key, status=OrderStatus.CLOSED, filled=10)
    )
    scene.session.take(fill())
    scene.session.take(change(MarketStatus.CLOSED, "1"))
    scene.session.take(change(MarketStatus.SETTLED))
    assert scene.desk.cash == D("104.9")


def test_a_gap_of_trades_leaves_books_known(scene: Scene) -> None:
    scene.session.take(told_ := book())
    scene.session.take(Gap(subject=Subject.TRADES, reason="lost", at=at(START)))
    assert scene.desk.book("RAIN") == told_


def test_a_gap_makes_books_unknown(scene: Scene) -> None:
    scene.session.take(book("1@0.40", "1@0.50"))
    assert scene.desk.book("RAIN") is not None
    gap = Gap(subject=None, market_ids=("RAIN",), reason="lost", at=at(START))
    scene.session.take(gap)
    assert scene.desk.book("RAIN") is None
    assert scene.heard.told == [gap]


def test_an_error_of_another_kind_may_have_been_executed() -> None:
    found = as_library_error(RuntimeError("pool"))
    assert found.maybe_executed
    assert "pool" in str(found)


# -- what waits ------------------------------------------------------------------------


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_keeps_up_is_told_every_book_in_its_place() -> None:
    told_: list[Any] = [book("1@0.40"), trade("0.40", "1"), book("2@0.40")]
    waiting = Waiting(Hands())
    for news in told_:
        waiting.put(news)
    assert [waiting.take() for _ in range(4)] == [*told_, None]


def test_who_falls_behind_is_told_the_newest_book_after_the_trades_that_came_before_it() -> (
    None
):
    now = Hands()
    waiting, dealt, newest = Waiting(now), trade("0.40", "1"), book("3@0.40")
    waiting.put(book("1@0.40"))
    waiting.put(other := book(market_id="SNOW"))
    waiting.put(dealt)
    now.now = PATIENCE * 1.5
    waiting.put(newest)
    assert len(waiting) == 3
    assert [waiting.take() for _ in range(4)] == [other, dealt, newest, None]


def test_of_a_burst_the_newest_book_is_told_at_once_to_who_is_slow() -> None:
    now = Hands()
    waiting, told_ = Waiting(now), list[Any]()
    burst = [book(f"{n}@0.40") for n in range(1, 201)]
    for each in burst:
        now.now += PATIENCE / 1_000
        waiting.put(each)
    waiting.put(dealt := trade("0.40", "1"))
    while (news := waiting.take()) is not None:
        told_.append(news)
        now.now += PATIENCE * 2
    assert told_ == [burst[0], burst[-1], dealt]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["RAIN", "SNOW", "trade", "take", "gap"]),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_what_waits_comes_in_order_and_no_book_that_waited_long_beside_a_newer_one(
    steps: list[tuple[str, int]],
) -> None:
    now = Hands()
    waiting, expected = Waiting(now), list[tuple[float, Any]]()

    def is_passed_over(since: float, news: Any) -> bool:
        return (
            isinstance(news, OrderBook)
            and now.now - since > PATIENCE
            and news is not [x for _, x in expected if _is_book_of(x, news)][-1]
        )

    for what, pause in steps + [("take", 1)] * len(steps):
        now.now += pause * PATIENCE / 2
        if what == "take":
            while expected and is_passed_over(*expected[0]):
                expected.pop(0)
            item = waiting.take()
            assert item is (expected.pop(0)[1] if expected else None)
            continue
        news: Any
        if what == "trade":
            news = trade("0.40", "1")
        elif what == "gap":
            news = Gap(subject=None, reason="lost", at=at(START), market_ids=("RAIN",))
        else:
            news = book(market_id=what)
        name, is_gap = getattr(news, "market_id", "RAIN"), what == "gap"
        if what != "trade":
            expected = [
                (since, x)
                for since, x in expected
                if not isinstance(x, OrderBook)
                or x.market_id != name
                or not (is_gap or now.now - since > PATIENCE)
            ]
        expected.append((now.now, news))
        waiting.put(news)
        assert len(waiting) == len(expected)


def _is_book_of(news: Any, other: OrderBook) -> bool:
    return isinstance(news, OrderBook) and news.market_id == other.market_id


def test_a_gap_drops_the_books_that_wait_of_its_markets_alone() -> None:
    waiting = Waiting(Hands())
    waiting.put(book())
    waiting.put(book(market_id="SNOW"))
    gap = Gap(subject=None, reason="lost", at=at(START))
    # A gap of all markets is of those of its exchange.
    waiting.put(of_markets(gap, ("RAIN",)))
    first, second = waiting.take(), waiting.take()
    assert isinstance(first, OrderBook)
    assert first.market_id == "SNOW"
    assert isinstance(second, Gap)
    assert not isinstance(second, Trade)


def test_a_gap_of_trades_leaves_the_books_that_wait_alone() -> None:
    waiting = Waiting(Hands())
    waiting.put(told_ := book())
    waiting.put(gap := Gap(subject=Subject.TRADES, reason="lost", at=at(START)))
    assert [waiting.take(), waiting.take()] == [told_, gap]


def test_what_is_not_sent_after_all_leaves_nothing_to_cancel(scene: Scene) -> None:
    scene.place()
    placed = scene.place()
    scene.session.answered(placed, order(placed.key))
    scene.desk.cancel(placed.key)
    cancel = scene.sent()
    assert scene.session.in_flight == 2
    for command in (scene.desk.decisions[0], cancel):
        scene.session.withdraw(command)
    assert scene.session.in_flight == 0
    assert scene.session.give_up() == []
    assert [x.key for x in scene.session.left()] == [placed.key]


def test_who_gives_up_cancels_what_may_arrive_by_its_key(scene: Scene) -> None:
    heard, unheard = scene.place(), scene.place()
    scene.session.answered(heard, order(heard.key))
    assert scene.session.give_up() == [unheard.key]
    assert {x.key for x in scene.session.left()} == {heard.key, unheard.key}
    keys = (heard.key, unheard.key)
    assert [scene.session.may_arrive(key) for key in keys] == [False, True]
    assert [scene.session.named(key) for key in keys] == [
        "A",
        f"client_order_id={unheard.key}",
    ]


def test_an_order_that_was_interrupted_may_arrive_yet(scene: Scene) -> None:
    unknown, interrupted = scene.place(), scene.place()
    scene.heard.on_failure = lambda desk, failure: None  # type: ignore[method-assign]
    scene.session.failed(unknown, OrderUnknown("no answer"))
    scene.session.failed(interrupted, as_library_error(KeyboardInterrupt()))
    keys = (unknown.key, interrupted.key)
    assert [scene.session.may_arrive(key) for key in keys] == [False, True]


def test_a_fill_before_an_answer_that_raises_is_told_afterwards(scene: Scene) -> None:
    placed = scene.place()
    scene.session.take(fill())
    scene.heard.on_order = lambda desk, order: 1 / 0  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(ZeroDivisionError):
        scene.session.answered(placed, order(placed.key))
    assert scene.heard.told == []
    assert scene.session.has_strangers
    scene.session.retell()
    assert [x.fill_id for x in scene.heard.told] == ["f"]
    assert not scene.session.has_strangers


def rung(lateness: list[int]) -> list[int]:
    """When a timer of 20 ms rang, in milliseconds, if each call came so much late."""
    strategy = Beating(timedelta(milliseconds=20))
    desk = Desk([contract()], Account(D(100)), book={}.get)
    session = Session(strategy, desk, {}, keep=100)
    session.start(START)
    for late in lateness:
        session.ring_next(session.due + late * 1_000_000)
    return [(moment - START) // 1_000_000 for moment in strategy.rung]


def test_one_timer_after_another_keeps_its_beat_however_late_each_call_comes() -> None:
    assert rung([3, 19, 0, 7]) == [23, 59, 60, 87]


def test_one_that_would_be_due_already_is_counted_from_now() -> None:
    # As after a machine has slept: it does not ring once for all that was missed.
    assert rung([45, 0, 0]) == [65, 85, 105]


def test_one_asked_for_in_another_call_is_counted_from_now(scene: Scene) -> None:
    scene.desk.timer("one", timedelta(milliseconds=20))
    scene.session.ring_next(START + 25_000_000)
    scene.desk.timer("two", timedelta(milliseconds=20))
    assert scene.session.due == START + 45_000_000
