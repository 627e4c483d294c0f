"""The same orders on paper and for real at the simulated venue: paper never fares better."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import (
    BUY,
    SELL,
    ExchangeError,
    Fill,
    Market,
    Order,
    Side,
    exchange,
)
from unified_exchanges.money import EXACT, ZERO, total
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.polymarket.simulated import simulated

STEPS = 40


class LivelyKalshi(KalshiPaper):
    """A Kalshi whose books move."""

    def __init__(self) -> None:
        super().__init__(lively=True, enforce_limits=False)


class LivelyPolymarket(PolymarketPaper):
    """A Polymarket whose books move."""

    def server(self) -> Any:
        self._sandbox = simulated(clock=self.clock, lively=True)
        return self._sandbox.venue


class Pair:
    """Two accounts that ask for the same at the same time, paper first."""

    def __init__(self, ground: Any, flavour: str, seed: int) -> None:
        self.ground = ground
        self.paper: Trader = ground.trader(flavour)
        self.real = exchange(
            ground.source,
            clock=ground.clock,
            transport=ScriptedTransport(ground.venue, clock=ground.clock),
            **ground.account(),
        )
        self.rng = Random(seed)
        self.market: Market = self.paper.quoted_market()
        self.pairs: list[tuple[Order, Order]] = []
        self._names = count()

    def step(self) -> None:
        """Place a random order in both places, and let some time pass."""
        book = self.paper.book(self.market)
        bid, ask = book.bid, book.ask
        if bid is not None and ask is not None:
            side = self.rng.choice([BUY, SELL])
            near, far = (bid, ask) if side is BUY else (ask, bid)
            if self.rng.random() < 0.5:
                self.place(side, near.price, "gtc")
            else:
                self.place(side, far.price, "ioc")
        self.ground.clock.advance(self.rng.choice([1, 5, 20]))

    def place(self, side: Side, price: Decimal, tif: str) -> None:
        """The same order twice; what paper takes the venue must take too."""
        size = self.rng.choice([1, 2, 5]) * max(self.ground.unit, 5)
        asked: dict[str, Any] = {
            "outcome": self.market.outcomes[0].label,
            "side": side,
            "price": price,
            "size": size,
            "time_in_force": tif,
            "client_order_id": f"order-{next(self._names)}",
        }
        try:
            mine = self.paper.create_order(self.market.market_id, **asked)
        except ExchangeError:
            return
        theirs = self.real.create_order(self.market.market_id, **asked)
        self.pairs.append((mine, theirs))

    def fills(self, who: Any, order: Order) -> list[Fill]:
        """What of an order has filled by now, best price first."""
        found = [
            x
            for x in who.fetch_fills(market_id=self.market.market_id)
            if x.order_id == order.order_id
        ]
        return sorted(found, key=lambda x: x.price, reverse=order.side is SELL)


def _contracts(fills: list[Fill]) -> Iterator[tuple[Decimal, Decimal]]:
    """How many have filled at which price or better, as sums."""
    filled = ZERO
    for fill in fills:
        filled = EXACT.add(filled, fill.size)
        yield filled, fill.price


def _is_no_better(mine: list[Fill], theirs: list[Fill], side: Side) -> bool:
    """Whether each contract of mine cost at least what the same one of theirs did."""
    steps = list(_contracts(theirs))
    for filled, price in _contracts(mine):
        as_many = next((p for have, p in steps if have >= filled), None)
        if as_many is None or (price < as_many if side is BUY else price > as_many):
            return False
    return True


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("kind", [LivelyKalshi, LivelyPolymarket])
def test_fault_52_random_orders_never_fare_better_on_paper(
    kind: Any, flavour: str, seed: int
) -> None:
    pair = Pair(kind(), flavour, seed)
    for _ in range(STEPS):
        pair.step()
    pair.paper.fetch_open_orders()
    made = 0
    for mine, theirs in pair.pairs:
        paper = pair.fills(pair.paper, mine)
        real = pair.fills(pair.real, theirs)
        made += len(paper)
        assert total(x.size for x in paper) <= total(x.size for x in real), mine
        assert _is_no_better(paper, real, mine.side), (mine, paper, real)
    assert len(pair.pairs) >= STEPS // 4
    assert made >= STEPS // 8


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("kind", [LivelyKalshi, LivelyPolymarket])
def test_random_orders_conserve_cash_and_contracts_exactly(
    kind: Any, flavour: str
) -> None:
    pair = Pair(kind(), flavour, 5)
    for _ in range(STEPS):
        pair.step()
        fills = pair.paper.fetch_fills()
        balance = pair.paper.fetch_balance()
        held = pair.paper.fetch_positions(mark=False)
        # A pair of both outcomes is a dollar: so all is told in terms of the first.
        first = pair.market.outcomes[0].label
        net = total(x.exposure(first) for x in held)
        bought = total(_signed(x) for x in fills)
        moved = total(EXACT.subtract(x.proceeds, x.fee) for x in fills)
        # Short of the first at p is long of the second at 1 - p: a dollar each was put up.
        put_up = total(x.size for x in held if x.outcome != first)
        assert net == bought
        assert balance.total == EXACT.subtract(EXACT.add(Decimal(10000), moved), put_up)
        assert balance.available <= balance.total


def _signed(fill: Fill) -> Decimal:
    return fill.size if fill.side is BUY else EXACT.minus(fill.size)
