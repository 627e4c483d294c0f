"""A simulated Kalshi on a virtual clock, traded on by a client that has no stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from tests.venues.kalshi.ground import KalshiGround, Machine
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Fill, Order
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.simulator.faults import Fault, FaultPlan, FaultyVenue
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.testing.scripted import Server
from unified_exchanges.venue import Venue
from unified_exchanges.venues.kalshi.venue import KalshiVenue

__all__ = ["FREE", "MARKET", "ONCE", "ORDERS", "Quiet", "Stage"]

MARKET = "KXGDPVALUE-27FEB-V"
ORDERS = "/portfolio/events/orders"
FREE = LimitPolicy(enabled=False, discover=False)
ONCE = RetryPolicy(attempts=1, order_deadline=1.0)


class Quiet(KalshiVenue):
    """A Kalshi without a stream."""

    stream = Venue.stream


class _Blocking(Exchange):
    venue_type = Quiet


class _Async(AsyncExchange):
    venue_type = Quiet


class _Ground(KalshiGround):
    """A venue where something happens at a time that a test names."""

    def server(self) -> Server:
        kalshi: Any = super().server()
        self.requests = FaultPlan(rng=Random(7))
        self._faulty = FaultyVenue(kalshi, self.requests, self.clock)
        self.plans: list[tuple[float, Callable[[], object]]] = []
        return self

    def handle(self, request: Request) -> Response:
        due = [plan for plan in self.plans if plan[0] <= self.clock.monotonic()]
        for plan in due:
            self.plans.remove(plan)
            plan[1]()
        return self._faulty.handle(request)

    own: Machine | None = None
    """The clock of our machine, if that is another than the venue's."""

    def exchange(self, flavour: str, **settings: Any) -> Any:
        if self.own is not None:
            settings["clock"] = self.own
        return (_Async if flavour == "async" else _Blocking)(**settings)


class Stage:
    """Our client, and the same account from elsewhere."""

    def __init__(self, flavour: str, **settings: Any) -> None:
        self.flavour = flavour
        self.ground = _Ground(enforce_limits=False)
        self.clock = self.ground.clock
        self._settings = {"limits": FREE, "retry": ONCE, "rng": Random(3), **settings}
        self.client: Trader = self.another()
        self.elsewhere: Trader = self.ground.trader("blocking", limits=FREE)

    def another(self, **settings: Any) -> Trader:
        """A client of the same account; begun, as `async with` begins one."""
        made = self.ground.trader(self.flavour, **self._settings, **settings)
        if made.is_async:
            asyncio.run(made.exchange.__aenter__())
        return made

    def restart(self) -> Trader:
        """Our client is gone, and another one begins where it was."""
        closed = self.client.exchange
        asyncio.run(closed.aclose()) if self.client.is_async else closed.close()
        self.client = self.another()
        return self.client

    @property
    def orders(self) -> Any:
        return self.client.exchange.orders

    def fault(self, kind: Any, **where: Any) -> None:
        self.ground.requests.add(Fault(kind, **where))

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen with the first request after so many seconds."""
        self.ground.plans.append((self.clock.monotonic() + seconds, act))

    def bid(self, size: str = "5", **more: Any) -> Order:
        """Rest an order far from the best."""
        order: Order = self.client.create_order(
            MARKET, "yes", "buy", "0.01", size, **more
        )
        return order

    def buy(self, size: str = "3", **more: Any) -> Order:
        """Buy at once what others sell."""
        order: Order = self.client.create_order(
            MARKET, "yes", "buy", self.ask, size, **more
        )
        return order

    @property
    def ask(self) -> Decimal:
        price: Decimal = self.elsewhere.fetch_order_book(MARKET).ask.price
        return price

    @property
    def creates(self) -> int:
        """How many creates the venue was asked for by us."""
        paths = [x.url for x in self.client.transport.requests if x.method == "POST"]
        return len([x for x in paths if x.endswith(ORDERS)])

    def fills(self) -> list[Fill]:
        found: list[Fill] = self.client.fetch_fills()
        return found
