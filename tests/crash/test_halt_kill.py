"""A process that is killed in the middle of a halt, and what starts on its journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.guards import ROOT
from tests.unmeasured import unmeasured
from tests.venues.kalshi.ground import key_pair
from unified_exchanges import LimitPolicy, exchange
from unified_exchanges.errors import Halted
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

pytestmark = pytest.mark.timeout(60)

BLOCKING = """
import json, sys
from unified_exchanges import LimitPolicy, exchange
settings = json.loads(sys.stdin.readline())
settings["limits"] = LimitPolicy(enabled=False, discover=False)
exchange("kalshi", **settings).halt("killed in the middle")
"""
ASYNC = """
import asyncio, json, sys
from unified_exchanges import LimitPolicy, async_exchange
settings = json.loads(sys.stdin.readline())
settings["limits"] = LimitPolicy(enabled=False, discover=False)
async def main():
    await async_exchange("kalshi", **settings).halt("killed in the middle")
asyncio.run(main())
"""
FREE = LimitPolicy(enabled=False, discover=False)


class Executioner:
    """A simulated Kalshi that kills who halts, at its first cancel."""

    def __init__(self, inner: SimulatedKalshi, step: str) -> None:
        self._inner = inner
        self._step = step
        self.victim: int | None = None

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        victim = self.victim
        if victim is None or request.method != "DELETE":
            return self._inner.handle(request, lag=lag)
        self.victim = None
        if self._step == "before it acts":
            os.kill(victim, signal.SIGKILL)
        answer = self._inner.handle(request, lag=lag)
        if self._step == "after it acted":
            os.kill(victim, signal.SIGKILL)
        return answer


@pytest.mark.parametrize("program", [BLOCKING, ASYNC], ids=["blocking", "async"])
@pytest.mark.parametrize("step", ["before it acts", "after it acted"])
def test_fault_24_12_a_halt_survives_the_death_of_who_called_it(
    tmp_path: Path, program: str, step: str
) -> None:
    kalshi = SimulatedKalshi(seed=7, enforce_limits=False)
    key = kalshi.add_account(public_key=key_pair().public_key)
    venue = Executioner(kalshi, step)
    with SimulatorServer(venue) as server:
        settings: dict[str, Any] = {
            "api_key": key.key_id,
            "private_key": key_pair().private_pem,
            "environment": f"{server.url}/trade-api/v2",
            "journal": str(tmp_path / "orders.db"),
        }
        with exchange("kalshi", limits=FREE, **settings) as bot:
            markets = (m for m in bot.iter_markets() if m.bid and m.ask)
            market = next(m for m in markets if m.bid > m.grid.lowest)
            terms = (market.market_id, "yes", "buy", market.grid.lowest, 1)
            resting = {bot.create_order(*terms).order_id for _ in range(12)}
            assert killed(program, settings, venue)
            # The bot that runs on meets it with its next order.
            with pytest.raises(Halted, match="killed in the middle"):
                bot.create_order(*terms)
        with exchange("kalshi", limits=FREE, **settings) as again:
            with pytest.raises(Halted, match="killed in the middle"):
                again.create_order(*terms)
            report = again.halt("go on")
            assert report.is_complete
            assert again.fetch_open_orders() == []
            ended = {o.order_id for o in again.fetch_orders() if not o.is_open}
            assert ended == resting
            lifted = again.resume("the operator has looked")
            assert lifted is not None
            assert lifted.reason == "killed in the middle"
            assert again.create_order(*terms).is_open


def killed(program: str, settings: dict[str, Any], venue: Executioner) -> bool:
    """Run a program that halts, and see it killed at its first cancel."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=unmeasured(),
        text=True,
    ) as child:
        venue.victim = child.pid
        child.communicate(f"{json.dumps(settings)}\n", timeout=30)
    return child.returncode == -signal.SIGKILL
