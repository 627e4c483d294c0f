"""One session on a simulated venue, live and recorded or replayed, in either flavour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias

from unified_exchanges import async_exchange, exchange
from unified_exchanges.recording import Recorder

from ..recording.sessions import Stage

Step: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any]]
Script: TypeAlias = Callable[[], Generator[Step, Any, list[Any]]]


def session() -> Generator[Step, Any, list[Any]]:
    """Decide by a book, place, look, take, cancel: what was decided and told."""
    said: list[Any] = []
    [market] = yield "fetch_markets", (), {"limit": 1}
    name, outcome = market.market_id, market.outcomes[0].label
    book = yield "fetch_order_book", (name,), {"outcome": outcome}
    said += [name, book.bids, book.asks]
    low = market.grid.lowest
    resting = yield "create_order", (name, outcome, "buy", low, 10), {}
    said += [resting.order_id, resting.price, resting.filled, resting.status]
    terms = (name, outcome, "buy", book.asks[0].price, 20)
    taken = yield "create_order", terms, {"time_in_force": "ioc"}
    said += [taken.order_id, taken.filled, taken.average_price, taken.status]
    again = yield "create_order", (name, outcome, "buy", low, 10), {}
    said += [again.order_id, again.created_at]
    for order in (resting, again):
        ended = yield "cancel_order", (order.order_id,), {}
        said += [ended.order_id, ended.status, ended.remaining]
    later = yield "fetch_order_book", (name,), {"outcome": outcome}
    balance = yield "fetch_balance", (), {}
    positions = yield "fetch_positions", (), {}
    fills = yield "fetch_fills", (), {"limit": 3}
    said += [later.bids, later.asks, balance.available, positions]
    said += [[(fill.fill_id, fill.price, fill.size, fill.fee) for fill in fills]]
    return said


def performed(flavour: str, script: Script, id: str, **how: Any) -> list[Any]:  # noqa: A002
    """What a script says on an exchange."""
    if flavour == "blocking":
        with exchange(id, **how) as ex:
            return _stepped(ex, script)
    return asyncio.run(_async(script, id, how))


def recorded(flavour: str, script: Script, at: Stage, path: Path) -> list[Any]:
    """What a script says on a simulated venue while it is recorded."""
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            return _stepped(ex, script)
    return asyncio.run(_recorded_async(script, at, path))


def _stepped(ex: Any, script: Script) -> list[Any]:
    steps, told = script(), None
    while True:
        try:
            name, arguments, more = steps.send(told)
        except StopIteration as end:
            return list(end.value)
        told = getattr(ex, name)(*arguments, **more)


async def _async(script: Script, id: str, how: dict[str, Any]) -> list[Any]:  # noqa: A002
    async with async_exchange(id, **how) as ex:
        return await _stepped_async(ex, script)


async def _recorded_async(script: Script, at: Stage, path: Path) -> list[Any]:
    async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        return await _stepped_async(ex, script)


async def _stepped_async(ex: Any, script: Script) -> list[Any]:
    steps, told = script(), None
    while True:
        try:
            name, arguments, more = steps.send(told)
        except StopIteration as end:
            return list(end.value)
        told = await getattr(ex, name)(*arguments, **more)
