"""Two accounts that ask for the same at the same time: on paper, and at the venue."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import (
    BUY,
    SELL,
    ExchangeError,
    Fill,
    InsufficientFunds,
    InvalidOrder,
    Market,
    Order,
    OrderRequest,
    Side,
    UnifiedExchangesError,
    exchange,
)
from unified_exchanges.money import EXACT, ZERO
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.polymarket.simulated import simulated

__all__ = ["BusyPair", "LivelyKalshi", "LivelyPolymarket", "Pair", "is_no_better"]


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

    def __init__(self, ground: Any, flavour: str, seed: int, **settings: Any) -> None:
        self.ground = ground
        self.paper: Trader = ground.trader(flavour, **settings)
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

    def place(
        self, side: Side, price: Decimal, tif: str, *, size: int | None = None
    ) -> None:
        """The same order twice; what paper takes the venue must take too."""
        size = size or self.rng.choice([1, 2, 5]) * max(self.ground.unit, 5)
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


def contracts(fills: list[Fill]) -> Iterator[tuple[Decimal, Decimal]]:
    """How many have filled at which price or better, as sums."""
    filled = ZERO
    for fill in fills:
        filled = EXACT.add(filled, fill.size)
        yield filled, fill.price


def is_no_better(mine: list[Fill], theirs: list[Fill], side: Side) -> bool:
    """Whether each contract of mine cost at least what the same one of theirs did."""
    steps = list(contracts(theirs))
    for filled, price in contracts(mine):
        as_many = next((p for have, p in steps if have >= filled), None)
        if as_many is None or (price < as_many if side is BUY else price > as_many):
            return False
    return True


class BusyPair(Pair):
    """As a pair; they send batches too, change what rests, and cancel it."""

    def __init__(self, ground: Any, flavour: str, seed: int, **settings: Any) -> None:
        super().__init__(ground, flavour, seed, **settings)
        self.changed = 0
        self.canceled = 0
        self._batches = 0
        self._changes = ground.source == "kalshi"  # Polymarket changes none

    def step(self) -> None:
        """Do one of it, and let some time pass."""
        act = self.rng.random()
        if act < 0.3:
            super().step()
            return
        if act < 0.6:
            self.batch()
        elif act < 0.8 and self._changes:
            self.change()
        else:
            self.cancel()
        self.ground.clock.advance(self.rng.choice([1, 5, 20]))

    def batch(self) -> None:
        """Three orders at once, what paper takes the venue must take too."""
        book = self.paper.book(self.market)
        if book.bid is None or book.ask is None:
            return
        asked = [self._asked(book.bid.price, book.ask.price) for _ in range(3)]
        has_less = self._held(self.real) < self._held(self.paper)
        mine = self.paper.create_orders(asked)
        taken = [
            (x, result.order)
            for x, result in zip(asked, mine, strict=True)
            if result.order is not None
        ]
        if not taken:
            return
        theirs = self.real.create_orders([x for x, _ in taken])
        for (_, order), result in zip(taken, theirs, strict=True):
            if result.order is not None:
                self.pairs.append((order, result.order))
                continue
            # More of its sales at rest have filled: only what is held can be sold.
            is_sale = order.side is SELL and isinstance(result.error, InsufficientFunds)
            assert is_sale, (order, result.error)
            assert has_less, (order, result.error)

    def _held(self, who: Any) -> Decimal:
        """Contracts of the first outcome that are held and not for sale."""
        first, held = self.market.outcomes[0].label, ZERO
        for x in who.fetch_positions(mark=False):
            held = EXACT.add(held, x.exposure(first))
        for order in who.fetch_open_orders():
            if order.in_terms_of(first).side is SELL:
                held = EXACT.subtract(held, order.remaining)
        return held

    def _asked(self, bid: Decimal, ask: Decimal) -> OrderRequest:
        side = self.rng.choice([BUY, SELL])
        near, far = (bid, ask) if side is BUY else (ask, bid)
        rests = self.rng.random() < 0.5
        return OrderRequest(
            market_id=self.market.market_id,
            outcome=self.market.outcomes[0].label,
            side=side,
            price=near if rests else far,
            size=self.rng.choice([1, 2, 5]) * max(self.ground.unit, 5),
            time_in_force="gtc" if rests else "ioc",
            client_order_id=f"order-{next(self._names)}",
        )

    def _alike(self) -> tuple[Order, Order] | None:
        """A pair that rests in both places, of which as much has filled in both."""
        found = []
        for mine, theirs in self.pairs:
            here = self.paper.fetch_order(mine.order_id)
            there = self.real.fetch_order(theirs.order_id)
            if here.is_open and there.is_open and here.filled == there.filled:
                found.append((here, there))
        return self.rng.choice(found) if found else None

    def change(self) -> None:
        """Another price or size of what rests, which the venue must take as well."""
        alike = self._alike()
        if alike is None:
            return
        mine, theirs = alike
        label = self.market.outcomes[0].label
        wish: dict[str, Any] = {"size": mine.size + self.rng.choice([-1, 1, 5])}
        if self.rng.random() < 0.5:
            step = self.market.grid.step_at(mine.price)
            wish = {"price": mine.price + self.rng.choice([-1, 1]) * step}
        try:
            self.paper.edit_order(mine.order_id, outcome=label, **wish)
        except (ExchangeError, InvalidOrder):
            return
        try:
            self.real.edit_order(theirs.order_id, outcome=label, **wish)
        except UnifiedExchangesError:
            # It has filled there while the change was on its way: they are no pair any more.
            assert self.real.fetch_order(theirs.order_id).filled > mine.filled
            self._part(mine)
        self.changed += 1

    def cancel(self) -> None:
        """An end to what rests."""
        alike = self._alike()
        if alike is None:
            return
        for who, order in zip((self.paper, self.real), alike, strict=True):
            who.cancel_order(order.order_id)
        self.canceled += 1

    def _part(self, mine: Order) -> None:
        self.paper.cancel_order(mine.order_id)
        self.pairs = [x for x in self.pairs if x[0].order_id != mine.order_id]
