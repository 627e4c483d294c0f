"""One session on a simulated venue over real sockets, recorded in either flavour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from unified_exchanges import Exchange, async_exchange, exchange
from unified_exchanges.models import Market, Order
from unified_exchanges.recording import Frame, Line, Recorder, read
from unified_exchanges.registry import exchanges, folder
from unified_exchanges.simulator.faults import StreamPlan
from unified_exchanges.simulator.server import SimulatorServer

VENUES = exchanges


@attrs.frozen(kw_only=True)
class Stage:
    """A venue that listens, and the account on it."""

    venue: str
    account: dict[str, Any]
    secrets: list[str]
    simulated: Any = None
    server: Any = None


@contextmanager
def stage(
    venue: str, faults: StreamPlan | None = None, **terms: Any
) -> Iterator[Stage]:
    box = folder(venue, "simulated").simulated(seed=7, **terms)
    with SimulatorServer(box.venue, stream_faults=faults) as server:
        account = {
            "environment": server.url + box.path,
            "api_key": box.api_key,
            "private_key": box.private_key,
            **getattr(box, "arguments", {}),
        }
        names = ("api_key", "private_key", "secret", "password")
        given = [str(account[name]) for name in names if account.get(name)]
        yield Stage(
            venue=venue,
            account=account,
            secrets=given,
            simulated=box.venue,
            server=server,
        )


def in_force(ex: Exchange) -> None:
    """Wait until the venue has acknowledged all that is followed.

    Nobody ever tells of a trade before that: Kalshi's channel of them has no past.
    """
    end = time.monotonic() + 60
    while (health := ex.stream_health()).state != "live":
        assert time.monotonic() < end, health
        time.sleep(0.005)


def traded(flavour: str, at: Stage, path: Path, **how: Any) -> Order:
    """Look, watch, place an order and cancel it, while it is recorded."""
    if flavour == "blocking":
        return _blocking(at, path, how)
    return asyncio.run(_async(at, path, how))


def _blocking(at: Stage, path: Path, how: dict[str, Any]) -> Order:
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path, **how):
        [market] = ex.fetch_markets(limit=1)
        ex.fetch_balance()
        ex.watch_order_book(market.market_id).next(timeout=10)
        orders = ex.watch_orders()
        order = ex.create_order(
            market.market_id, _first(market), "buy", *_cheap(market)
        )
        orders.next(timeout=10)
        return ex.cancel_order(order.order_id)


async def _async(at: Stage, path: Path, how: dict[str, Any]) -> Order:
    async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path, **how):
        [market] = await ex.fetch_markets(limit=1)
        await ex.fetch_balance()
        books = ex.watch_order_book(market.market_id)
        await books.next(timeout=10)
        orders = ex.watch_orders()
        order = await ex.create_order(
            market.market_id, _first(market), "buy", *_cheap(market)
        )
        await orders.next(timeout=10)
        return await ex.cancel_order(order.order_id)


def _first(market: Market) -> str:
    return market.outcomes[0].label


def _cheap(market: Market) -> tuple[Any, int]:
    return market.grid.lowest, 10


def frames(lines: list[Line], direction: str) -> list[bytes]:
    found = (line for line in lines if isinstance(line, Frame))
    return [line.body.data for line in found if line.direction == direction]


def plain(path: Path) -> bytes:
    """All that a recording holds, uncompressed."""
    from unified_exchanges.recording.opening import open_recording

    list(read(path))
    with open_recording(path) as file:
        return file.read()
