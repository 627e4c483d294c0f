"""A run that ends while a venue holds an order of it, which cannot be cancelled until then."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TypeGuard

import pytest

from unified_exchanges import (
    ExchangeError,
    LimitPolicy,
    Market,
    NotRecorded,
    Order,
    OrderBook,
    exchange,
)
from unified_exchanges.recording import Line, Rest, read
from unified_exchanges.strategies import Desk, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import Stage, stage
from .test_replayed import replayed
from .test_replayed_trouble import live

UNLIMITED = LimitPolicy(enabled=False)
SECONDS = 3
"""For which a game of the simulated venue holds what takes."""


class Taking(Strategy):
    """Takes all at the best offer and rests with some more, and stops once that is held."""

    def __init__(self, market: Market, *, more: int) -> None:
        self.markets = [market.market_id]
        self.more = more

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions and book.ask is not None:
            size = book.ask.size + self.more
            desk.place(book.market_id, book.outcome, "buy", book.ask.price, size)

    def on_order(self, desk: Desk, order: Order) -> None:
        desk.stop()


class Going(Taking):
    """Does not stop then, and rests another order a moment later."""

    def on_order(self, desk: Desk, order: Order) -> None:
        if len(desk.decisions) == 1:
            desk.timer("later", timedelta(milliseconds=200))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        label, low = market.outcomes[0].label, market.grid.lowest
        desk.place(market.market_id, label, "buy", low, 10)


def game(at: Stage, seconds: int = SECONDS) -> Market:
    """A market of a game that holds takers for so long."""
    listed = at.simulated.catalog.markets
    names = [name for name, x in listed.items() if x.seconds_delay]
    with exchange(at.venue, **at.account) as ex:
        market = next(x for x in map(ex.fetch_market, names) if x.bid and x.ask)
    object.__setattr__(listed[market.market_id], "seconds_delay", seconds)
    return market


def is_cancel(line: Line) -> TypeGuard[Rest]:
    return isinstance(line, Rest) and line.method == "DELETE"


@pytest.mark.parametrize("more", [0, 5], ids=["all_of_it_takes", "some_of_it_rests"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_that_is_held_when_the_run_ends_is_waited_for_and_told(
    flavour: str, more: int, tmp_path: Path
) -> None:
    path = tmp_path / "held.jsonl"
    with stage("polymarket", enforce_limits=False) as at:
        market = game(at)
        real = live(flavour, Taking(market, more=more), at, path, limits=UNLIMITED)
        with exchange(at.venue, **at.account) as ex:
            assert ex.fetch_open_orders() == []
    [order] = real.left_orders
    assert order.status == ("canceled" if more else "closed")
    assert order.filled == order.size - more
    assert sum(x.size for x in real.fills) == order.filled > 0
    for other in FLAVOURS:
        again = replayed(other, Taking(market, more=more), path)
        assert [(x.order_id, x.status, x.filled) for x in again.left_orders] == [
            (order.order_id, order.status, order.filled)
        ]
        assert sum(x.size for x in again.fills) == order.filled
        assert again.cash == real.cash
    # The run ended when it cancelled that first, and not when it did so again.
    first = min(x.began for x in read(path) if is_cancel(x))
    with pytest.raises(NotRecorded) as raised:
        replayed(flavour, Going(market, more=more), path)
    found = re.search(r"run\(…, seconds=(\d\.\d{3})\)", str(raised.value))
    assert found is not None
    began = first / 1e9 - real.started_at.timestamp()
    assert 0 < float(found[1]) < began + 0.1


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_that_is_held_for_longer_is_named_by_what_is_raised(
    flavour: str, tmp_path: Path
) -> None:
    with stage("polymarket", enforce_limits=False) as at:
        strategy = Taking(game(at, 60), more=0)
        with pytest.raises(ExchangeError, match="delay") as caught:
            live(flavour, strategy, at, tmp_path / "held.jsonl", limits=UNLIMITED)
    [note] = caught.value.__notes__
    assert "may still be open" in note
