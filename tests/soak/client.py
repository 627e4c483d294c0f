"""A consumer of books, fills and orders in either flavour, which keeps what it was told."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from unified_exchanges import (
    AsyncExchange,
    Exchange,
    Fill,
    Order,
    OrderBook,
    StreamHealth,
    StreamPolicy,
    UnifiedExchangesError,
    async_exchange,
    exchange,
)

POLICY: dict[str, Any] = {
    "first": 0.2,
    "cap": 2.0,
    "stable": 5.0,
    "silence": 4.0,
    "acknowledgement": 2.0,
    "reconcile": 10.0,
    "audit": 5.0,
}
# Nothing is numbered there: what a book lost in its depth is found by comparison alone.
OWN: dict[str, dict[str, Any]] = {"polymarket": {"audit": 0.2}}


class Client(ABC):
    """What a program knows that watches; ``close`` ends it."""

    def __init__(self) -> None:
        self.books: dict[str, OrderBook] = {}
        self.fills: Counter[tuple[str | None, str]] = Counter()
        self.orders: dict[str, Order] = {}
        self.states: Counter[tuple[str, str, Decimal, Decimal]] = Counter()
        self.told = 0
        self.fell_back = 0
        self.failures: list[BaseException] = []

    def see_book(self, book: OrderBook) -> None:
        self.told += 1
        self.books[book.market_id] = book

    def see_fill(self, fill: Fill) -> None:
        self.fills[fill.trade_id, fill.order_id] += 1

    def see_order(self, order: Order) -> None:
        before = self.orders.get(order.order_id)
        if before is not None:
            self.fell_back += order.filled < before.filled
            self.fell_back += order.is_open and not before.is_open
        self.states[
            order.order_id, str(order.status), order.filled, order.remaining
        ] += 1
        self.orders[order.order_id] = order

    @abstractmethod
    def health(self) -> StreamHealth:
        """How the stream does."""

    @abstractmethod
    def waiting(self) -> int:
        """How many items wait in all mailboxes."""

    @abstractmethod
    def tasks(self) -> int:
        """How many tasks run."""

    @abstractmethod
    def close(self) -> None:
        """End it."""


class BlockingClient(Client):
    """A thread for each watch."""

    def __init__(
        self, name: str, account: dict[str, Any], markets: Sequence[str]
    ) -> None:
        super().__init__()
        self._exchange: Exchange = exchange(name, **account, stream=_policy(name))
        self._watches = [
            (self._exchange.watch_order_book(markets), self.see_book),
            (self._exchange.watch_fills(), self.see_fill),
            (self._exchange.watch_orders(), self.see_order),
        ]
        self._threads = [
            threading.Thread(target=self._go, args=pair) for pair in self._watches
        ]
        for thread in self._threads:
            thread.start()

    def _go(self, watch: Iterable[Any], see: Any) -> None:
        try:
            for item in watch:
                see(item)
        except UnifiedExchangesError as error:
            self.failures.append(error)

    def health(self) -> StreamHealth:
        return self._exchange.stream_health()

    def waiting(self) -> int:
        return sum(len(watch._follower.mailbox) for watch, _ in self._watches)

    def tasks(self) -> int:
        return 0

    def close(self) -> None:
        self._exchange.close()
        for thread in self._threads:
            thread.join()


class AsyncClient(Client):
    """A task for each watch, in a loop in a thread of its own."""

    def __init__(
        self, name: str, account: dict[str, Any], markets: Sequence[str], driver: Any
    ) -> None:
        super().__init__()
        self._name = name
        self._account = account
        self._markets = markets
        self._driver = driver
        self._ready = threading.Event()
        self._ending: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._exchange: AsyncExchange
        self._watches: list[Any] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        self._ready.wait(30)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        policy = _policy(self._name, driver=self._driver)
        async with async_exchange(self._name, **self._account, stream=policy) as venue:
            self._exchange = venue
            pairs = [
                (venue.watch_order_book(self._markets), self.see_book),
                (venue.watch_fills(), self.see_fill),
                (venue.watch_orders(), self.see_order),
            ]
            self._watches = [watch for watch, _ in pairs]
            tasks = [asyncio.create_task(self._go(*pair)) for pair in pairs]
            self._ready.set()
            await self._ending.wait()
        await asyncio.gather(*tasks)

    async def _go(self, watch: Any, see: Any) -> None:
        try:
            async for item in watch:
                see(item)
        except UnifiedExchangesError as error:
            self.failures.append(error)

    def health(self) -> StreamHealth:
        return self._call(self._exchange.stream_health)

    def waiting(self) -> int:
        return sum(len(w._seat.follower.mailbox) for w in self._watches)

    def tasks(self) -> int:
        return len(asyncio.all_tasks(self._loop))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _call(self, function: Any) -> Any:
        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)


def _policy(name: str, **more: Any) -> StreamPolicy:
    return StreamPolicy(**{**POLICY, **OWN.get(name, {}), **more})


def connect(
    flavour: str, name: str, account: dict[str, Any], markets: Sequence[str]
) -> Client:
    """A client of a venue on the library that ``flavour`` names."""
    if flavour == "blocking":
        return BlockingClient(name, account, markets)
    return AsyncClient(name, account, markets, flavour)
