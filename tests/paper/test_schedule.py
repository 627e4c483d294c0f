"""Commands that wait for the market of their arrival to be read."""

from __future__ import annotations

from unified_exchanges import BUY, OrderStatus
from unified_exchanges.paper import Delays
from unified_exchanges.paper.house import PaperHouse

from .scene import SECOND, START, book, contract


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment


def opened(clock: Clock) -> PaperHouse:
    """A house to which orders take a second, with two markets."""
    made = PaperHouse(cash="1000", now=clock, delays=Delays(order=SECOND))
    for name in ("RAIN", "SNOW"):
        made.admit(contract(name))
        made.hear(book("100@0.50", "100@0.60", market_id=name))
    return made


def test_what_waits_meets_what_is_read_and_holds_up_nothing_else() -> None:
    clock = Clock()
    house = opened(clock)
    with house.leaving(["RAIN"]) as departure:
        waits = house.place("RAIN", "yes", BUY, "0.60", 5)
        goes = house.place("SNOW", "yes", BUY, "0.60", 5)
    assert house.due == START + SECOND
    clock.moment += 2 * SECOND
    house.advance()
    assert house.find(waits) is None
    assert house.find(goes).filled == 5  # type: ignore[union-attr]
    assert house.due is None
    assert house.busy_markets() == ["RAIN"]
    house.hear(book("100@0.50", "3@0.60 100@0.61"))
    clock.moment += 1
    house.meet(departure, [])
    house.advance()
    order = house.find(waits)
    assert order is not None
    assert (order.filled, order.is_open) == (3, True)
    assert house.engine.find(waits).arrived == clock.moment


def test_what_is_released_before_it_is_due_is_not_early() -> None:
    clock = Clock()
    house = opened(clock)
    with house.leaving(["RAIN"]) as departure:
        order_id = house.place("RAIN", "yes", BUY, "0.60", 5)
    house.meet(departure, [])
    house.advance()
    assert house.find(order_id) is None
    assert house.due == START + SECOND


def test_what_could_not_be_read_offers_nothing() -> None:
    clock = Clock()
    house = opened(clock)
    with house.leaving(["RAIN"]) as departure:
        order_id = house.place("RAIN", "yes", BUY, "0.60", 5, time_in_force="ioc")
    clock.moment += SECOND
    house.meet(departure, departure.unread)
    house.advance()
    order = house.find(order_id)
    assert order is not None
    assert (order.status, order.filled) == (OrderStatus.CANCELED, 0)
