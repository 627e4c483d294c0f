"""ccxt's `prediction.kalshi`, which is async only in Python."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ccxt.prediction
from speech import serve


class Ccxt:
    """What it is told, done by ccxt."""

    def __init__(
        self,
        url: str,
        key: str,
        path: str,
        timeout: float,
        page: int,
        retries: int | None,
        **_: Any,
    ) -> None:
        # Otherwise it takes the venue's pages for the last ones.
        options: dict[str, Any] = {"marketsPageLimit": page}
        if retries is not None:
            options["maxRetriesOnFailure"] = retries
        self._exchange = ccxt.prediction.kalshi(
            {
                "apiKey": key,
                "privateKey": Path(path).read_text("utf-8"),
                "timeout": int(timeout * 1000),
                "options": options,
            }
        )
        self._exchange.urls["api"] = {"kalshi": url, "elections": url}

    async def create(
        self, market: str, price: float, size: int, client_order_id: str | None = None
    ) -> Any:
        more = {} if client_order_id is None else {"client_order_id": client_order_id}
        return _told(
            await self._exchange.create_order(market, "limit", "buy", size, price, more)
        )

    async def cancel(self, market: str, order_id: str) -> Any:
        return _told(await self._exchange.cancel_order(order_id, market))

    async def order(self, market: str, order_id: str) -> Any:
        return _told(await self._exchange.fetch_order(order_id, market))

    async def markets(self) -> list[str]:
        found = await self._exchange.fetch_markets()
        return [market["info"]["ticker"] for market in found]

    async def balance(self) -> str:
        return str((await self._exchange.fetch_balance())["USD"])

    async def key_file(self) -> dict[str, str]:
        return {"not run": "it takes the text of a key, no file"}

    async def market(self, market: str) -> str:
        return str((await self._exchange.fetch_outcome(market))["id"])

    async def burst(self, count: int) -> list[str]:
        calls = [self._exchange.fetch_balance() for _ in range(count)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        return [type(x).__name__ if isinstance(x, Exception) else "ok" for x in done]

    async def follow(self, market: str) -> None:
        await self._exchange.watch_order_book(market)

    async def follow_fills(self) -> None:
        await self._exchange.watch_my_trades()


def _told(order: Any) -> dict[str, Any]:
    return {
        "id": order["id"],
        "status": str(order["status"]),
        "filled": None if order["filled"] is None else str(order["filled"]),
    }


serve(Ccxt)
