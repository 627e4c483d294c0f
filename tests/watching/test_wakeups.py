"""What a frame plans for later is done then, and not when the stream wakes up anyway."""

from __future__ import annotations

import asyncio
import time

import pytest

import unified_exchanges as ux
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.simulator.faults import StreamFault

from .face import FREE, MARKET, Scene

SOON = 5.0
"""Seconds; the stream would sleep for ten, until an acknowledgement could be overdue."""


@pytest.mark.parametrize("driver", ["websockets", "aiohttp"])
async def test_fault_36_a_dead_subscription_is_begun_anew_when_it_is_due(
    scene: Scene, driver: str
) -> None:
    stream = StreamPolicy(driver=driver, first=0.1, reconcile=None, audit=None)  # type: ignore[arg-type]
    scene.server.stream_faults.add(
        StreamFault("fail", frame="orderbook_snapshot", code=25)
    )
    async with ux.async_exchange(
        "kalshi", **scene.account, limits=FREE, stream=stream
    ) as kalshi:
        began = time.monotonic()
        await asyncio.wait_for(kalshi.watch_order_book(MARKET).next(), 30.0)
        assert time.monotonic() - began < SOON
