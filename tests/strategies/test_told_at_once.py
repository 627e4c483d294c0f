"""What is refused before it leaves is told at once, before all else of that moment."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from unified_exchanges import Fill, Order, OrderBook, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.orders import Owner, Ticket
from unified_exchanges.strategies import Desk, Failure, Strategy, contract_of

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_told_alike import market_of, performed


class Fussy(Strategy):
    """Bids, and asks for two orders that are none as the book comes that fills the bid."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.bid = Decimal(0)
        self.asked: list[str] = []
        self.said: list[str] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.bid:
            assert book.bid is not None
            self.bid = book.bid.price
            desk.place(book.market_id, book.outcome, "buy", self.bid, 10)
        elif book.ask and book.ask.price <= self.bid and not self.asked:
            self.said.append("book")
            self.ask(desk)
            self.ask(desk)

    def ask(self, desk: Desk) -> None:
        name = self.markets[0]
        label = desk.market(name).outcomes[0].label
        self.asked.append(desk.place(name, label, "buy", self.bid, "0.001"))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        number = self.asked.index(failure.command.key)
        self.said.append(f"{type(failure.error).__name__} {number}")
        if not number:
            self.ask(desk)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.said.append("fill")

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append(order.status)


def hit(at: Stage, name: str) -> None:
    """Somebody sells more than is bid, and offers the rest at that price."""
    engine = at.simulated.engine
    with at.server.lock:
        engine.open_account("taker")
        shard = engine.market(name).shard
        engine.deposit(Owner("taker"), Decimal(100_000), shard=shard)
        best = engine.best(name, "bid")
        engine.place(
            Ticket(
                market_id=name,
                owner=Owner("taker"),
                side="ask",
                price=best.price,
                size=best.size + 50,
            )
        )


@pytest.mark.parametrize("venue", VENUES)
def test_a_refusal_comes_before_what_the_same_book_fills(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "tape.jsonl"
    with stage(venue, enforce_limits=False) as at:
        name = market_of(at).market_id
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            made = contract_of(ex, name)
            books = ex.watch_order_book(name)
            bid = books.next(timeout=10).bid
            assert bid is not None
            # So that time goes on, and the bid of the strategy rests.
            low = made.market.grid.lowest
            ex.create_order(name, made.market.outcomes[0].label, "buy", low, 1_000)
            books.next(timeout=10)
            hit(at, name)
            while True:
                book = books.next(timeout=10)
                if book.ask and book.ask.price <= bid.price:
                    break
            ex.cancel_all_orders()
            books.next(timeout=10)
    tested = Fussy(name)
    backtest(tested, path, contracts=[made], cash=1_000)
    assert tested.said == [
        "open",
        "book",
        "InvalidSize 0",
        "InvalidSize 1",
        "InvalidSize 2",
        "fill",
        "closed",
    ]
    for flavour in FLAVOURS:
        played = Fussy(name)
        over = {"source": "replay", "path": path, "cash": 1_000}
        performed(flavour, played, "paper", **over)
        assert played.said == tested.said
