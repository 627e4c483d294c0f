"""unified_exchanges, async flavour."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from speech import serve

from unified_exchanges import StreamPolicy, async_exchange
from unified_exchanges.errors import RequestTimeout

QUICK = StreamPolicy(audit=2.0, reconcile=3.0, silence=5.0)


class Ours:
    """What it is told, done by unified_exchanges."""

    def __init__(self, url: str, key: str, path: str, timeout: float, **_: Any) -> None:
        self._exchange = async_exchange(
            "kalshi",
            api_key=key,
            private_key=Path(path),
            environment=url,
            timeout=timeout,
            stream=QUICK,
        )
        self._signs: list[str] = []
        self._book: Any = None
        self._fills: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def create(
        self, market: str, price: float, size: int, client_order_id: str | None = None
    ) -> Any:
        order = await self._exchange.create_order(
            market, "yes", "buy", price, size, client_order_id=client_order_id
        )
        return _told(order)

    async def cancel(self, market: str, order_id: str) -> Any:
        return _told(await self._exchange.cancel_order(order_id, market_id=market))

    async def order(self, market: str, order_id: str) -> Any:
        return _told(await self._exchange.fetch_order(order_id, market_id=market))

    async def markets(self) -> list[str]:
        return [market.market_id for market in await self._exchange.fetch_markets()]

    async def balance(self) -> str:
        return str((await self._exchange.fetch_balance()).available)

    async def key_file(self) -> str:
        return await self.balance()

    async def market(self, market: str) -> str:
        return (await self._exchange.fetch_market(market)).market_id

    async def burst(self, count: int) -> list[str]:
        calls = [self._exchange.fetch_balance() for _ in range(count)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        return [type(x).__name__ if isinstance(x, Exception) else "ok" for x in done]

    async def follow(self, market: str) -> None:
        watch = self._exchange.watch_order_book(market, policy="every", events=True)
        self._book = await watch.next(timeout=5)
        self._tasks.append(asyncio.create_task(self._follow(watch)))

    async def _follow(self, watch: Any) -> None:
        while True:
            try:
                item = await watch.next(timeout=3600)
            except RequestTimeout:
                continue
            if hasattr(item, "bids"):
                self._book = item
            else:
                self._signs.append(type(item).__name__)

    async def follow_fills(self) -> None:
        watch = self._exchange.watch_fills()
        self._tasks.append(asyncio.create_task(self._take_fills(watch)))
        await asyncio.sleep(1)

    async def _take_fills(self, watch: Any) -> None:
        async for fill in watch:
            self._fills.append(fill.fill_id)

    async def book(self) -> Any:
        signs = [*dict.fromkeys(self._signs)]
        if self._book.stale:
            signs.append("stale")
        sides = (self._book.bids, self._book.asks)
        return [{str(x.price): str(x.size) for x in side} for side in sides], signs

    async def fills(self) -> list[str]:
        return self._fills


def _told(order: Any) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "status": str(order.status),
        "filled": str(order.filled),
    }


serve(Ours)
