"""An account on paper as rows: what a change writes down, and what the rows come to again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    SELL,
    MarketStatus,
    OrderStatus,
    UnifiedExchangesError,
)
from unified_exchanges.paper import Delays
from unified_exchanges.paper.broker import PaperBroker
from unified_exchanges.paper.kept import Key, Rows, restored
from unified_exchanges.paper.state import told_command, told_order, told_terms

from .scene import SECOND, START, book, change, contract, contract_of, trade
from .test_properties import CHANGES, DELAYS, EVENTS, ORDERS


class Shelf:
    """Keeps rows in memory, and may refuse to."""

    def __init__(self) -> None:
        self.rows: dict[Key, str] = {}
        self.written: list[int] = []
        self.is_broken = False

    def keep(self, rows: Rows) -> None:
        if self.is_broken:
            raise OSError("no space left")
        self.written.append(len(rows))
        for key, told in rows.items():
            if told is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = told


class Clock:
    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> int:
        return self.moment


def opened(shelf: Shelf, clock: Clock, **how: Any) -> PaperBroker:
    made = PaperBroker(cash="100", now=clock, keeper=shelf, **how)
    made.admit(contract())
    return made


def again(shelf: Shelf, clock: Clock, **how: Any) -> PaperBroker:
    made = PaperBroker(cash="1", now=clock, **how)
    rows = dict(reversed(shelf.rows.items()))
    made.load(restored(rows, contract_of, made.engine.delays))
    assert list(made.engine.pits) == ["RAIN"]
    return made


def state(broker: PaperBroker) -> Any:
    """All that outlives a book; time alone is no change, and what is refused is no order."""
    engine, account = broker.engine, broker.engine.account
    return (
        (engine.starting_cash, engine.turn, engine.fill_count, engine.delays),
        (account.cash, account.fees),
        {
            (market_id, outcome): attrs.asdict(lots)
            for market_id, held in account.lots.items()
            for outcome, lots in held.items()
        },
        [
            told_order(x)
            for x in engine.orders.values()
            if x.status is not OrderStatus.REJECTED
        ],
        sorted(told_command(x) for x in engine.commands),
        {
            name: (told_terms(pit), {x.number for x in pit.orders})
            for name, pit in engine.pits.items()
        },
        [x.to_dict() for x in broker.events.fills],
    )


STEPS = st.lists(
    st.tuples(st.integers(0, 5), EVENTS | EVENTS | ORDERS | CHANGES), max_size=40
)


@given(STEPS, DELAYS)
@settings(max_examples=150)
def test_the_rows_come_to_the_account_to_the_last_digit(
    steps: list[tuple[int, tuple[str, Any]]], delays: Delays
) -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock, delays=delays)
    for wait, (verb, what) in steps:
        clock.moment += wait
        with suppress(UnifiedExchangesError):  # an order that was never placed
            _step(broker, verb, what)
    broker.keep()
    if not shelf.rows:
        return
    other = again(shelf, clock, delays=delays)
    assert state(other) == state(broker)
    assert other.available == broker.available


def _step(broker: PaperBroker, verb: str, what: Any) -> None:
    if verb in ("book", "trade"):
        broker.hear(what)
    elif verb == "place":
        broker.place("RAIN", **what)
    elif verb == "cancel":
        broker.cancel(f"paper-{what}")
    else:
        number, price, size = what
        broker.amend(f"paper-{number}", price=price, size=size)
    broker.advance()


def test_what_was_paid_out_comes_to_the_same_cash() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    broker.hear(book("100@0.50", "100@0.60"))
    broker.place("RAIN", "yes", BUY, "0.60", 5)
    broker.advance()
    broker.hear(change(MarketStatus.SETTLED, "0.375"))
    other = again(shelf, clock)
    assert (other.cash, other.held_markets()) == (broker.cash, [])
    assert [x.to_dict() for x in other.events.settlements] == [
        x.to_dict() for x in broker.events.settlements
    ]


def test_an_event_writes_what_it_changes_however_much_there_was() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    broker.hear(book("9000@0.10", "9000@0.11"))
    for _ in range(30):
        broker.place("RAIN", "yes", BUY, "0.11", 1)
        broker.advance()
        broker.place("RAIN", "yes", BUY, "0.01", 1)
        broker.advance()
    # The account, the market, and the order with its fill, or without one.
    assert set(shelf.written[1:]) == {3, 4}


def test_a_fill_is_kept_before_it_is_told() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    rung: list[bool] = []
    broker.events.hang(lambda: rung.append(("news", 0) in shelf.rows))
    broker.hear(book("", "100@0.60"))
    broker.place("RAIN", "yes", BUY, "0.50", 5)
    broker.advance()
    rung.clear()
    clock.moment += 3_601 * SECOND
    broker.hear(trade("0.50", "5", SELL))
    assert rung == [True]


def test_what_cannot_be_kept_is_not_told_and_is_told_once_it_can() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    session = broker.events.open_session()
    broker.hear(book("", "100@0.60"))
    shelf.is_broken = True
    broker.place("RAIN", "yes", BUY, "0.60", 5)
    with pytest.raises(OSError, match="no space left"):
        broker.advance()
    with pytest.raises(OSError, match="no space left"):
        broker.take(session)
    assert broker.events.fills == []
    shelf.is_broken = False
    assert len(broker.take(session)) == 2
    assert len(broker.events.fills) == 1
    assert again(shelf, clock).cash == broker.cash


def test_a_refused_order_leaves_no_row() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    broker.place("RAIN", "yes", BUY, "0.50", 9000, client_order_id="mine")
    broker.advance()
    assert [x for x in shelf.rows if x[0] == "order"] == []
    other = again(shelf, clock)
    other.place("RAIN", "yes", BUY, "0.50", 1, client_order_id="mine")


def test_rows_that_do_not_add_up_are_refused() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    broker.hear(book("", "100@0.60"))
    broker.place("RAIN", "yes", BUY, "0.60", 5)
    broker.advance()
    del shelf.rows["news", 0]
    with pytest.raises(ValueError, match="its fills come to 100 dollars, not 96"):
        again(shelf, clock)


def test_by_how_much_our_clock_is_behind_is_known_again() -> None:
    shelf, clock = Shelf(), Clock()
    broker = opened(shelf, clock)
    broker.hear(trade("0.40", "1", moment=START + 2 * SECOND))
    broker.keep()
    assert again(shelf, clock).engine.pits["RAIN"].behind == 2 * SECOND
