"""The house on paper: what is counted once, and what is kept."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from tests.paper.scene import SECOND, START, book, change, contract, trade
from unified_exchanges import BUY, SELL, InvalidPrice, MarketStatus, OrderStatus
from unified_exchanges.models import Gap
from unified_exchanges.paper import Delays, at
from unified_exchanges.paper.house import PaperHouse, Refusal

D = Decimal


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(clock: Clock) -> PaperHouse:
    made = PaperHouse(cash="1000", now=clock)
    made.admit(contract())
    made.hear(book("100@0.50", "100@0.60"))
    return made


def place(house: PaperHouse, price: str = "0.50", size: int = 10) -> str:
    order_id = house.place("RAIN", "yes", BUY, price, size)
    house.advance()
    return order_id


def sold(house: PaperHouse, size: str, name: str, moment: int) -> None:
    house.read_trades("RAIN", [_named(trade("0.50", size, SELL, moment=moment), name)])


def _named(told: object, name: str) -> object:

    return attrs.evolve(told, trade_id=name)  # type: ignore[type-var]


def test_a_trade_that_is_listed_twice_moves_the_queue_once(
    house: PaperHouse, clock: Clock
) -> None:
    order_id = place(house)
    clock.moment += 10 * SECOND
    for _ in range(3):
        sold(house, "60", "a", START + 5 * SECOND)
    assert house.find(order_id).filled == 0  # type: ignore[union-attr]
    sold(house, "45", "b", START + 6 * SECOND)
    assert house.find(order_id).filled == 5  # type: ignore[union-attr]


def test_what_the_stream_has_told_is_not_taken_from_a_listing(
    house: PaperHouse, clock: Clock
) -> None:
    order_id = place(house)
    clock.moment += 10 * SECOND
    house.hear(_named(trade("0.50", "60", SELL, moment=START + 5 * SECOND), "told"))
    sold(house, "60", "listed", START + 5 * SECOND)
    assert house.find(order_id).filled == 0  # type: ignore[union-attr]


def test_a_listed_trade_of_the_other_outcome_counts_and_decides_nothing(
    clock: Clock,
) -> None:
    house = PaperHouse(cash="1000", now=clock)
    house.admit(contract())
    first = trade("0.50", "60", BUY, moment=START + 1, outcome="no")
    house.read_trades("RAIN", [first])
    house.hear(book("100@0.50", "100@0.60"))
    order_id = house.place("RAIN", "yes", BUY, "0.60", 5)
    house.advance()
    assert house.find(order_id).filled == 5  # type: ignore[union-attr]


def test_an_order_that_comes_before_any_book_stands_behind_all_of_it(
    house: PaperHouse, clock: Clock
) -> None:
    house.hear(Gap(subject=None, reason="lost", at=at(START)))
    order_id = place(house)
    clock.moment += 10 * SECOND
    sold(house, "10", "unseen", START + 4 * SECOND)
    assert house.find(order_id).filled == 0  # type: ignore[union-attr]
    house.hear(book("100@0.50", "100@0.60"))
    sold(house, "100", "a", START + 15 * SECOND)
    assert house.find(order_id).filled == 0  # type: ignore[union-attr]
    sold(house, "4", "b", START + 16 * SECOND)
    assert house.find(order_id).filled == 4  # type: ignore[union-attr]


def test_a_refused_order_leaves_no_trace_and_its_id_is_free(house: PaperHouse) -> None:
    order_id = house.place("RAIN", "yes", BUY, "0.50", 9000, client_order_id="mine")
    house.advance()
    with pytest.raises(Refusal, match="not enough cash"):
        house.arrived(order_id)
    assert house.orders() == []
    again = house.place("RAIN", "yes", BUY, "0.50", 1, client_order_id="mine")
    house.advance()
    assert house.find_client("mine").order_id == again  # type: ignore[union-attr]


def test_a_session_hears_orders_and_fills_and_nothing_refused(
    house: PaperHouse,
) -> None:
    rung: list[int] = []
    house.news.hang(lambda: rung.append(1))
    session = house.news.open_session()
    house.place("RAIN", "yes", BUY, "0.50", 9000)
    house.advance()
    assert house.take(session) == []
    place(house, "0.60", 5)
    fill, order = house.take(session)
    assert (fill.size, order.status) == (5, OrderStatus.CLOSED)  # type: ignore[union-attr]
    assert rung
    house.news.close_session(session)
    place(house, "0.60", 5)
    assert house.take(session) == []


def test_news_is_told_after_the_delay_of_events(clock: Clock) -> None:
    house = PaperHouse(cash="1000", delays=Delays(event=2 * SECOND), now=clock)
    house.admit(contract())
    house.hear(book("100@0.50", "100@0.60"))
    session = house.news.open_session()
    place(house, "0.60", 5)
    assert house.take(session) == []
    assert session.due == START + 2 * SECOND
    clock.moment += 2 * SECOND
    assert len(house.take(session)) == 2


def test_a_clock_that_goes_back_lets_time_stand_still(
    house: PaperHouse, clock: Clock
) -> None:
    clock.moment -= 5 * SECOND
    place(house)
    assert house.moment() == START


@pytest.mark.parametrize("early", [1, 400_000, 5 * SECOND, 3600 * SECOND])
@pytest.mark.parametrize("unread", [(), ("RAIN",)], ids=["streamed", "read"])
def test_what_was_waited_for_has_arrived_whatever_the_clock_shows(
    clock: Clock, early: int, unread: tuple[str, ...]
) -> None:
    house = PaperHouse(cash="1000", delays=Delays(order=SECOND), now=clock)
    house.admit(contract())
    house.hear(book("100@0.50", "100@0.60"))
    with house.leaving(unread) as first:
        before = house.place("RAIN", "yes", BUY, "0.60", 1)
    clock.moment += 300_000
    with house.leaving(unread) as second:
        order_id = house.place("RAIN", "yes", BUY, "0.60", 5)
    clock.moment += SECOND - early
    house.advance()
    assert house.arrived(order_id) is None
    house.meet(first, ())
    house.advance(until=first.due)
    assert house.find(before).filled == 1  # type: ignore[union-attr]
    house.meet(second, ())
    house.advance(until=second.due)
    assert house.find(order_id).filled == 5  # type: ignore[union-attr]


def test_what_arrives_late_has_arrived_also_if_the_clock_is_set_back_then(
    clock: Clock,
) -> None:
    house = PaperHouse(cash="1000", delays=Delays(order=SECOND), now=clock)
    house.admit(contract())
    with house.leaving(["RAIN"]) as departure:
        order_id = house.place("RAIN", "yes", BUY, "0.60", 5)
    clock.moment += 2 * SECOND
    house.meet(departure, ())
    clock.moment -= 5 * SECOND
    house.advance(until=departure.due)
    assert house.find(order_id) is not None
    assert house.engine.find(order_id).arrived == START + 2 * SECOND


def test_a_change_that_arrives_while_its_market_pauses_is_refused(
    clock: Clock,
) -> None:
    house = PaperHouse(cash="1000", now=clock, delays=Delays(order=SECOND))
    house.admit(contract())
    order_id = place(house)
    clock.moment += SECOND
    house.advance()
    turn = house.amend(order_id, price=None, size=5)
    house.check_trading("RAIN")
    house.hear(change(MarketStatus.PAUSED))
    clock.moment += SECOND
    house.advance()
    with pytest.raises(Refusal, match="the market is paused"):
        house.changed(turn)
    house.changed(turn)  # it is told once
    with pytest.raises(Refusal, match="the market is paused"):
        house.check_trading("RAIN")
    assert [x.size for x in house.open_orders()] == [10]


class Passing(Clock):
    """A clock that goes on whenever it is read, as any real one does."""

    def __call__(self) -> int:
        self.moment += 1_000
        return self.moment


def test_what_leaves_together_leaves_at_one_moment() -> None:
    house = PaperHouse(cash="1000", now=Passing())
    house.admit(contract())
    house.hear(book("100@0.50", "100@0.60"))
    with house.leaving():
        names = [house.place("RAIN", "yes", BUY, "0.60", 3) for _ in range(3)]
    assert len({house.engine.find(x).created for x in names}) == 1
    assert house.engine.fill_count == 0
    house.advance()
    assert house.engine.fill_count == 3


def test_what_breaks_off_on_its_way_out_leaves_nothing_behind() -> None:
    house = PaperHouse(cash="1000", now=Passing())
    house.admit(contract())
    house.hear(book("100@0.50", "100@0.60"))

    def send() -> None:
        with house.leaving():
            for price in ("0.60", "0.60", "0.605"):
                house.place("RAIN", "yes", BUY, price, 3)

    with pytest.raises(InvalidPrice):
        send()
    house.advance()
    assert house.orders() == []
    assert house.positions() == []
