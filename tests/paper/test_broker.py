"""The broker on paper: what is counted once, and what is kept."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from tests.paper.scene import SECOND, START, book, change, contract, trade
from unified_exchanges import BUY, SELL, InvalidPrice, MarketStatus, OrderStatus
from unified_exchanges.models import Gap
from unified_exchanges.paper import Delays, at
from unified_exchanges.paper.broker import PaperBroker, Refusal

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
def broker(clock: Clock) -> PaperBroker:
    made = PaperBroker(cash="1000", now=clock)
    made.admit(contract())
    made.hear(book("100@0.50", "100@0.60"))
    return made


def place(broker: PaperBroker, price: str = "0.50", size: int = 10) -> str:
    order_id = broker.place("RAIN", "yes", BUY, price, size)
    broker.advance()
    return order_id


def sold(broker: PaperBroker, size: str, name: str, moment: int) -> None:
    broker.read_trades("RAIN", [_named(trade("0.50", size, SELL, moment=moment), name)])


def _named(told: object, name: str) -> object:

    return attrs.evolve(told, trade_id=name)  # type: ignore[type-var]


def test_a_trade_that_is_listed_twice_moves_the_queue_once(
    broker: PaperBroker, clock: Clock
) -> None:
    order_id = place(broker)
    clock.moment += 10 * SECOND
    for _ in range(3):
        sold(broker, "60", "a", START + 5 * SECOND)
    assert broker.find(order_id).filled == 0  # type: ignore[union-attr]
    sold(broker, "45", "b", START + 6 * SECOND)
    assert broker.find(order_id).filled == 5  # type: ignore[union-attr]


def test_what_the_stream_has_told_is_not_taken_from_a_listing(
    broker: PaperBroker, clock: Clock
) -> None:
    order_id = place(broker)
    clock.moment += 10 * SECOND
    broker.hear(_named(trade("0.50", "60", SELL, moment=START + 5 * SECOND), "told"))
    sold(broker, "60", "listed", START + 5 * SECOND)
    assert broker.find(order_id).filled == 0  # type: ignore[union-attr]


def test_a_listed_trade_of_the_other_outcome_counts_and_decides_nothing(
    clock: Clock,
) -> None:
    broker = PaperBroker(cash="1000", now=clock)
    broker.admit(contract())
    first = trade("0.50", "60", BUY, moment=START + 1, outcome="no")
    broker.read_trades("RAIN", [first])
    broker.hear(book("100@0.50", "100@0.60"))
    order_id = broker.place("RAIN", "yes", BUY, "0.60", 5)
    broker.advance()
    assert broker.find(order_id).filled == 5  # type: ignore[union-attr]


def test_a_streamed_trade_of_the_other_outcome_decides_nothing(clock: Clock) -> None:
    broker = PaperBroker(cash="1000", now=clock)
    broker.admit(contract())
    # As where trades of a market are followed already, and its book comes after one.
    broker.hear(trade("0.50", "60", BUY, moment=START + 1, outcome="no"))
    broker.hear(book("100@0.50", "100@0.60"))
    order_id = broker.place("RAIN", "yes", BUY, "0.60", 5)
    broker.advance()
    assert broker.find(order_id).filled == 5  # type: ignore[union-attr]


def test_an_order_that_comes_before_any_book_stands_behind_all_of_it(
    broker: PaperBroker, clock: Clock
) -> None:
    broker.hear(Gap(subject=None, reason="lost", at=at(START)))
    order_id = place(broker)
    clock.moment += 10 * SECOND
    sold(broker, "10", "unseen", START + 4 * SECOND)
    assert broker.find(order_id).filled == 0  # type: ignore[union-attr]
    broker.hear(book("100@0.50", "100@0.60"))
    sold(broker, "100", "a", START + 15 * SECOND)
    assert broker.find(order_id).filled == 0  # type: ignore[union-attr]
    sold(broker, "4", "b", START + 16 * SECOND)
    assert broker.find(order_id).filled == 4  # type: ignore[union-attr]


def test_a_refused_order_leaves_no_trace_and_its_id_is_free(
    broker: PaperBroker,
) -> None:
    order_id = broker.place("RAIN", "yes", BUY, "0.50", 9000, client_order_id="mine")
    broker.advance()
    with pytest.raises(Refusal, match="not enough cash"):
        broker.arrived(order_id)
    assert broker.orders() == []
    again = broker.place("RAIN", "yes", BUY, "0.50", 1, client_order_id="mine")
    broker.advance()
    assert broker.find_client("mine").order_id == again  # type: ignore[union-attr]


def test_a_session_hears_orders_and_fills_and_nothing_refused(
    broker: PaperBroker,
) -> None:
    rung: list[int] = []
    broker.events.hang(lambda: rung.append(1))
    session = broker.events.open_session()
    broker.place("RAIN", "yes", BUY, "0.50", 9000)
    broker.advance()
    assert broker.take(session) == []
    place(broker, "0.60", 5)
    fill, order = broker.take(session)
    assert (fill.size, order.status) == (5, OrderStatus.CLOSED)  # type: ignore[union-attr]
    assert rung
    broker.events.close_session(session)
    place(broker, "0.60", 5)
    assert broker.take(session) == []


def test_news_is_told_after_the_delay_of_events(clock: Clock) -> None:
    broker = PaperBroker(cash="1000", delays=Delays(event=2 * SECOND), now=clock)
    broker.admit(contract())
    broker.hear(book("100@0.50", "100@0.60"))
    session = broker.events.open_session()
    place(broker, "0.60", 5)
    assert broker.take(session) == []
    assert session.due == START + 2 * SECOND
    clock.moment += 2 * SECOND
    assert len(broker.take(session)) == 2


def test_a_clock_that_goes_back_lets_time_stand_still(
    broker: PaperBroker, clock: Clock
) -> None:
    clock.moment -= 5 * SECOND
    place(broker)
    assert broker.moment() == START


@pytest.mark.parametrize("early", [1, 400_000, 5 * SECOND, 3600 * SECOND])
@pytest.mark.parametrize("unread", [(), ("RAIN",)], ids=["streamed", "read"])
def test_what_was_waited_for_has_arrived_whatever_the_clock_shows(
    clock: Clock, early: int, unread: tuple[str, ...]
) -> None:
    broker = PaperBroker(cash="1000", delays=Delays(order=SECOND), now=clock)
    broker.admit(contract())
    broker.hear(book("100@0.50", "100@0.60"))
    with broker.leaving(unread) as first:
        before = broker.place("RAIN", "yes", BUY, "0.60", 1)
    clock.moment += 300_000
    with broker.leaving(unread) as second:
        order_id = broker.place("RAIN", "yes", BUY, "0.60", 5)
    clock.moment += SECOND - early
    broker.advance()
    assert broker.arrived(order_id) is None
    broker.meet(first, ())
    broker.advance(until=first.due)
    assert broker.find(before).filled == 1  # type: ignore[union-attr]
    broker.meet(second, ())
    broker.advance(until=second.due)
    assert broker.find(order_id).filled == 5  # type: ignore[union-attr]


def test_what_arrives_late_has_arrived_also_if_the_clock_is_set_back_then(
    clock: Clock,
) -> None:
    broker = PaperBroker(cash="1000", delays=Delays(order=SECOND), now=clock)
    broker.admit(contract())
    with broker.leaving(["RAIN"]) as departure:
        order_id = broker.place("RAIN", "yes", BUY, "0.60", 5)
    clock.moment += 2 * SECOND
    broker.meet(departure, ())
    clock.moment -= 5 * SECOND
    broker.advance(until=departure.due)
    assert broker.find(order_id) is not None
    assert broker.engine.find(order_id).arrived == START + 2 * SECOND


def test_a_change_that_arrives_while_its_market_pauses_is_refused(
    clock: Clock,
) -> None:
    broker = PaperBroker(cash="1000", now=clock, delays=Delays(order=SECOND))
    broker.admit(contract())
    order_id = place(broker)
    clock.moment += SECOND
    broker.advance()
    turn = broker.amend(order_id, price=None, size=5)
    broker.check_trading("RAIN")
    broker.hear(change(MarketStatus.PAUSED))
    clock.moment += SECOND
    broker.advance()
    with pytest.raises(Refusal, match="the market is paused"):
        broker.changed(turn)
    broker.changed(turn)  # it is told once
    with pytest.raises(Refusal, match="the market is paused"):
        broker.check_trading("RAIN")
    assert [x.size for x in broker.open_orders()] == [10]


class Passing(Clock):
    """A clock that goes on whenever it is read, as any real one does."""

    def __call__(self) -> int:
        self.moment += 1_000
        return self.moment


def test_what_leaves_together_leaves_at_one_moment() -> None:
    broker = PaperBroker(cash="1000", now=Passing())
    broker.admit(contract())
    broker.hear(book("100@0.50", "100@0.60"))
    with broker.leaving():
        names = [broker.place("RAIN", "yes", BUY, "0.60", 3) for _ in range(3)]
    assert len({broker.engine.find(x).created for x in names}) == 1
    assert broker.engine.fill_count == 0
    broker.advance()
    assert broker.engine.fill_count == 3


def test_what_breaks_off_on_its_way_out_leaves_nothing_behind() -> None:
    broker = PaperBroker(cash="1000", now=Passing())
    broker.admit(contract())
    broker.hear(book("100@0.50", "100@0.60"))

    def send() -> None:
        with broker.leaving():
            for price in ("0.60", "0.60", "0.605"):
                broker.place("RAIN", "yes", BUY, price, 3)

    with pytest.raises(InvalidPrice):
        send()
    broker.advance()
    assert broker.orders() == []
    assert broker.positions() == []
