"""A strategy that takes its time over a recording, on a loop that others share."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import async_exchange, exchange
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Strategy, async_run, run

from ..recording.sessions import stage
from .test_replayed_trouble import quoted

SPAN = timedelta(milliseconds=20)


class Slow(Strategy):
    """Thinks for as long as there is between two calls."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.rings = 0

    def on_start(self, desk: Desk) -> None:
        desk.timer("next", SPAN)

    def on_timer(self, desk: Desk, name: str) -> None:
        self.rings += 1
        time.sleep(SPAN.total_seconds())
        desk.timer("next", SPAN)


@pytest.mark.parametrize(
    "kind", [{"id": "replay"}, {"id": "paper", "source": "replay"}]
)
def test_whoever_cancels_the_task_of_a_slow_run_is_heard_soon(
    kind: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    with stage("kalshi") as at:
        slow = Slow(quoted(at))
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            run(slow, ex, seconds=2)
    again = Slow(slow.markets[0])

    async def go() -> None:
        async with async_exchange(path=path, **kind) as ex:
            task = asyncio.ensure_future(async_run(again, ex, seconds=2))
            asyncio.get_running_loop().call_later(0.1, task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    assert again.rings < 50
