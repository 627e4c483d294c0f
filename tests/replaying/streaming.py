"""Sessions that watch, written once for both flavours, live and recorded or replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from inspect import getgeneratorlocals, isawaitable
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from unified_exchanges import async_exchange, exchange
from unified_exchanges.models import (
    Fill,
    Gap,
    Order,
    OrderBook,
    Reconciled,
    Reconnected,
)
from unified_exchanges.recording import Recorder

from ..recording.sessions import Stage

Script: TypeAlias = Callable[[Any], Generator[Any, Any, list[Any]]]
"""Is given an exchange and yields what it calls; what comes back is what that gives."""


def trading(ex: Any) -> Generator[Any, Any, list[Any]]:
    """Follow everything of a market, trade in it, and take what is told of that."""
    [market] = yield ex.fetch_markets(limit=1)
    name, outcome = market.market_id, market.outcomes[0].label
    books = ex.watch_order_book(name, policy="every", events=True)
    tickers = ex.watch_ticker(name, policy="every")
    trades = ex.watch_trades(name, policy="every")
    orders = ex.watch_orders(events=True)
    fills = ex.watch_fills()
    said: list[Any] = [(yield books.next(timeout=30)), (yield tickers.next(timeout=30))]
    resting = yield ex.create_order(name, outcome, "buy", market.grid.lowest, 10)
    said += yield from _until(orders, lambda x: x.order_id == resting.order_id)
    said += yield from _until(books, lambda x: _rests(x, market))
    book = yield ex.fetch_order_book(name, outcome=outcome)
    terms = (name, outcome, "buy", book.asks[0].price, 20)
    taken = yield ex.create_order(*terms, time_in_force="ioc")
    said += [taken.filled, (yield fills.next(timeout=30))]
    said += [(yield trades.next(timeout=30))]
    said += yield from _until(orders, lambda x: x.status == "closed")
    ended = yield ex.cancel_order(resting.order_id)
    said += [ended.status]
    said += yield from _until(orders, lambda x: x.status == "canceled")
    said += yield from _until(books, lambda x: not _rests(x, market))
    balance = yield ex.fetch_balance()
    said += [balance.available]
    yield closed(ex, books, tickers, trades, orders, fills)
    return said


def _rests(book: OrderBook, market: Any) -> bool:
    return bool(book.bids) and book.bids[-1].price == market.grid.lowest


def _until(
    watch: Any, is_last: Callable[[Any], bool]
) -> Generator[Any, Any, list[Any]]:
    said = []
    while True:
        item = yield watch.next(timeout=30)
        said.append(item)
        if not isinstance(item, Gap | Reconciled | Reconnected) and is_last(item):
            return said


def closed(ex: Any, *watches: Any) -> Any:
    if hasattr(ex, "aclose"):
        return asyncio.gather(*(watch.aclose() for watch in watches))
    return [watch.close() for watch in watches]


def drained(watch: Any) -> Any:
    """All that comes to the end, by the loop of a user."""
    if hasattr(watch, "__aiter__"):
        return _drained(watch)
    return list(watch)


async def _drained(watch: Any) -> list[Any]:
    return [item async for item in watch]


def venues_own(said: list[Any]) -> list[Any]:
    """What was said by the venue: without the moments of our clock and the client's ids.

    What is in the recording by the venue's words is compared to the last digit.
    """
    return [_own(item) for item in said]


def _own(item: Any) -> Any:
    if isinstance(item, Order | Fill):
        return attrs.evolve(item, client_order_id=None)
    if isinstance(item, OrderBook):
        return item.to_dict() | {"received_at": None, "age": None}
    if isinstance(item, Gap):
        return (Gap, item.subject, item.market_ids, item.reason)
    if isinstance(item, Reconnected):
        return (Reconnected, item.attempts)
    if isinstance(item, Reconciled):
        return (Reconciled, item.orders, item.fills, item.available)
    return item


def recorded(flavour: str, script: Script, at: Stage, path: Path) -> list[Any]:
    """What a script says on a simulated venue while it is recorded.

    What it watches at its end is watched until the recording has ended: a script that is
    over lets go of it, and that it was left would be recorded, or not, as it happens.
    """
    kept: dict[str, Any] = {}
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex:
            with Recorder(ex, path):
                said = _run(ex, script, kept)
            kept.clear()
            return said

    async def run() -> list[Any]:
        async with async_exchange(at.venue, **at.account) as ex:
            with Recorder(ex, path):
                said = await _run_async(ex, script, kept)
            kept.clear()
            return said

    return asyncio.run(run())


def replayed(flavour: str, script: Script, path: Path, **how: Any) -> list[Any]:
    """What a script says on a recording."""
    if flavour == "blocking":
        with exchange("replay", path=path, **how) as ex:
            return _run(ex, script, {})

    async def run() -> list[Any]:
        async with async_exchange("replay", path=path, **how) as ex:
            return await _run_async(ex, script, {})

    return asyncio.run(run())


def _run(ex: Any, script: Script, kept: dict[str, Any]) -> list[Any]:
    steps, told = script(ex), None
    while True:
        kept.update(getgeneratorlocals(steps))
        try:
            told = steps.send(told)
        except StopIteration as end:
            return list(end.value)


async def _run_async(ex: Any, script: Script, kept: dict[str, Any]) -> list[Any]:
    steps, told, trouble = script(ex), None, None
    while True:
        kept.update(getgeneratorlocals(steps))
        try:
            step = steps.send(told) if trouble is None else steps.throw(trouble)
        except StopIteration as end:
            return list(end.value)
        told = trouble = None
        try:
            told = await step if isawaitable(step) else step
        except Exception as error:  # noqa: BLE001 - as where it was called
            trouble = error
