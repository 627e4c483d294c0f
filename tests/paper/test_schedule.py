"""Commands that wait for the market of their arrival to be read."""

from __future__ import annotations

from unified_exchanges import BUY, OrderStatus
from unified_exchanges.paper import Delays
from unified_exchanges.paper.broker import PaperBroker

from .scene import SECOND, START, book, contract


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment


def opened(clock: Clock) -> PaperBroker:
    """A broker to which orders take a second, with two markets."""
    made = PaperBroker(cash="1000", now=clock, delays=Delays(order=SECOND))
    for name in ("RAIN", "SNOW"):
        made.admit(contract(name))
        made.hear(book("100@0.50", "100@0.60", market_id=name))
    return made


def test_what_waits_meets_what_is_read_and_holds_up_nothing_else() -> None:
    clock = Clock()
    broker = opened(clock)
    with broker.leaving(["RAIN"]) as departure:
        waits = broker.place("RAIN", "yes", BUY, "0.60", 5)
        goes = broker.place("SNOW", "yes", BUY, "0.60", 5)
    assert broker.due == START + SECOND
    clock.moment += 2 * SECOND
    broker.advance()
    assert broker.find(waits) is None
    assert broker.find(goes).filled == 5  # type: ignore[union-attr]
    assert broker.due is None
    assert broker.busy_markets() == ["RAIN"]
    broker.hear(book("100@0.50", "3@0.60 100@0.61"))
    clock.moment += 1
    broker.meet(departure, [])
    broker.advance()
    order = broker.find(waits)
    assert order is not None
    assert (order.filled, order.is_open) == (3, True)
    assert broker.engine.find(waits).arrived == clock.moment


def test_what_is_released_before_it_is_due_is_not_early() -> None:
    clock = Clock()
    broker = opened(clock)
    with broker.leaving(["RAIN"]) as departure:
        order_id = broker.place("RAIN", "yes", BUY, "0.60", 5)
    broker.meet(departure, [])
    broker.advance()
    assert broker.find(order_id) is None
    assert broker.due == START + SECOND


def test_what_could_not_be_read_offers_nothing() -> None:
    clock = Clock()
    broker = opened(clock)
    with broker.leaving(["RAIN"]) as departure:
        order_id = broker.place("RAIN", "yes", BUY, "0.60", 5, time_in_force="ioc")
    clock.moment += SECOND
    broker.meet(departure, departure.unread)
    broker.advance()
    order = broker.find(order_id)
    assert order is not None
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
