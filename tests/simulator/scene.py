"""A small exchange with a clock that tests turn by hand."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import Any

from unified_exchanges.grid import PriceGrid
from unified_exchanges.simulator.engine import Engine
from unified_exchanges.simulator.markets import Listing
from unified_exchanges.simulator.notices import Notice
from unified_exchanges.simulator.orders import (
    Charge,
    Order,
    Owner,
    Refusal,
    Side,
    Ticket,
)

START_US = 1_800_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
CENTS = PriceGrid.of("0.01")


def d(number: str | int) -> Decimal:
    return Decimal(number)


class HandClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.us = START_US

    def now(self) -> float:
        return self.us / 1_000_000


class NoFees:
    def fee(self, *, accumulator: Decimal, **_: Any) -> Charge:
        return Charge(Decimal(0), accumulator)


class QuadraticFees:
    """7 % of p(1 − p) for takers, a quarter for makers, rounded up to 0.0001."""

    def fee(
        self,
        *,
        maker: bool,
        side: Side,
        price: Decimal,
        size: Decimal,
        accumulator: Decimal,
        time_us: int,
    ) -> Charge:
        rate = Decimal("0.0175") if maker else Decimal("0.07")
        fee = rate * price * (1 - price) * size
        fee = fee.quantize(Decimal("0.0001"), rounding=ROUND_CEILING)
        return Charge(fee, accumulator + fee)


class Scene:
    """An engine with market M, and accounts ann and bob with 1000 dollars each."""

    def __init__(self, *, fees: Any = None, seed: int = 7) -> None:
        self.clock = HandClock()
        self.engine = Engine(clock=self.clock, rng=Random(seed))
        self.notices: list[Notice] = []
        self.list("M", fees=fees)
        for name in ("ann", "bob"):
            self.open(name, 1000)
        self.engine.subscribe(self.notices.append)

    def list(self, market_id: str, *, fees: Any = None, **terms: Any) -> None:
        settings = {
            "event_id": "E",
            "grid": CENTS,
            "fees": fees or NoFees(),
            "close_us": START_US + 24 * HOUR,
        }
        self.engine.add_market(Listing(market_id=market_id, **{**settings, **terms}))

    def open(self, name: str, dollars: int | str, *, shard: int = 0) -> Owner:
        self.engine.open_account(name)
        self.engine.deposit(Owner(name), d(dollars), shard=shard)
        return Owner(name)

    def send(
        self, who: str, side: Side, price: str, size: str | int, **terms: Any
    ) -> Order:
        terms.setdefault("market_id", "M")
        terms.setdefault("owner", Owner(who))
        return self.engine.place(
            Ticket(side=side, price=d(price), size=d(size), **terms)
        )

    def bid(self, who: str, price: str, size: str | int, **terms: Any) -> Order:
        return self.send(who, "bid", price, size, **terms)

    def ask(self, who: str, price: str, size: str | int, **terms: Any) -> Order:
        return self.send(who, "ask", price, size, **terms)

    def now(self, order: Order) -> Order:
        """The order as it is now."""
        account_id = order.owner.account_id
        return self.engine.order(order.order_id, account_id=account_id)

    def book(self, side: Side, market_id: str = "M") -> list[tuple[str, str]]:
        levels = self.engine.levels(market_id, side)
        return [(str(level.price), str(level.size)) for level in levels]

    def position(self, who: str, market_id: str = "M") -> Decimal:
        found = self.engine.positions(who, market_id=market_id)
        return found[0].size if found else Decimal(0)

    def available(self, who: str) -> Decimal:
        return self.engine.cash(Owner(who)).available

    def wait(self, us: int) -> None:
        self.clock.us += us
        self.engine.advance()


def refused(act: Any, *args: Any, **terms: Any) -> str:
    """The code with which the exchange refuses."""
    try:
        act(*args, **terms)
    except Refusal as refusal:
        return refusal.code
    return "accepted"
