"""pykalshi: its blocking client, and its feed in a thread."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from pykalshi import Action, KalshiClient, MarketStatus, Side
from pykalshi.feed import OrderbookSnapshotMessage
from pykalshi.orderbook import OrderbookManager
from speech import serve


class Pykalshi:
    """What it is told, done by pykalshi."""

    def __init__(
        self,
        url: str,
        stream: str,
        key: str,
        path: str,
        timeout: float,
        page: int,
        **_: Any,
    ) -> None:
        self._client = KalshiClient(
            api_key_id=key, private_key_path=path, api_base=url, timeout=timeout
        )
        self._stream = stream
        self._page = page
        self._feed: Any = None
        self._books: dict[str, OrderbookManager] = {}
        self._fills: list[Any] = []
        self._errors: list[str] = []

    async def create(
        self, market: str, price: float, size: int, client_order_id: str | None = None
    ) -> Any:
        order = await asyncio.to_thread(
            self._client.portfolio.place_order,
            market,
            Action.BUY,
            Side.YES,
            count_fp=str(size),
            yes_price_dollars=str(price),
            client_order_id=client_order_id,
        )
        return _told(order)

    async def cancel(self, market: str, order_id: str) -> Any:  # noqa: ARG002
        cancel = self._client.portfolio.cancel_order
        return _told(await asyncio.to_thread(cancel, order_id))

    async def order(self, market: str, order_id: str) -> Any:  # noqa: ARG002
        fetch = self._client.portfolio.get_order
        return _told(await asyncio.to_thread(fetch, order_id))

    async def markets(self) -> list[str]:
        found = await asyncio.to_thread(
            lambda: self._client.get_markets(
                status=MarketStatus.OPEN, limit=self._page, fetch_all=True
            )
        )
        return [market.ticker for market in found]

    async def balance(self) -> str:
        found = await asyncio.to_thread(self._client.portfolio.get_balance)
        return str(found)

    async def key_file(self) -> str:
        return await self.balance()

    async def market(self, market: str) -> str:
        return (await asyncio.to_thread(self._client.get_market, market)).ticker

    async def burst(self, count: int) -> list[str]:
        get = self._client.portfolio.get_balance
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(count) as pool:
            calls = [loop.run_in_executor(pool, get) for _ in range(count)]
            done = await asyncio.gather(*calls, return_exceptions=True)
        return [type(x).__name__ if isinstance(x, Exception) else "ok" for x in done]

    async def _open(self, channel: str, handler: Any, **which: Any) -> None:
        if self._feed is None:
            self._feed = self._client.feed()
            # It has no public setting for this.
            self._feed._ws_url = self._stream
        self._feed.on(channel, handler)
        self._feed.on("error", lambda told: self._errors.append(json.dumps(told)))
        self._feed.subscribe(channel, **which)
        await asyncio.to_thread(self._feed.start)
        await asyncio.sleep(1)

    async def follow(self, market: str) -> None:
        def handle(told: Any) -> None:
            book = self._books.setdefault(
                told.market_ticker, OrderbookManager(told.market_ticker)
            )
            if isinstance(told, OrderbookSnapshotMessage):
                book.apply_snapshot(told.yes_dollars, told.no_dollars)
            else:
                book.apply_delta(told.side, told.price_dollars, told.delta_fp)

        await self._open("orderbook_delta", handle, market_ticker=market)

    async def follow_fills(self) -> None:
        await self._open("fill", self._fills.append)

    async def book(self) -> Any:
        signs = [] if self._feed.is_connected else ["not connected"]
        signs += [f"error told: {error}" for error in self._errors]
        if self._feed.reconnect_count:
            signs.append("reconnect_count")
        if not self._books:
            return None, signs
        [book] = self._books.values()
        asks = {str(1 - Decimal(price)): size for price, size in book.no.items()}
        return [book.yes, asks], signs

    async def fills(self) -> list[str]:
        return [fill.trade_id for fill in self._fills]


def _told(order: Any) -> dict[str, Any]:
    filled = order.data.fill_count_fp
    status = order.data.status
    return {
        "id": order.order_id,
        "status": str(getattr(status, "value", status)),
        "filled": None if filled is None else str(filled),
    }


serve(Pykalshi)
