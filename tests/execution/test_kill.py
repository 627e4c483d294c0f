"""An exit whose process is killed while its order is on the way sells once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.guards import ROOT
from tests.unmeasured import unmeasured
from tests.venues.kalshi.ground import key_pair
from tests.watching.face import FREE, MARKET, Scene, soon
from unified_exchanges import exchange
from unified_exchanges.execution import ExitPlan, ExitState, run_exit
from unified_exchanges.models import IntentState

PROGRAM = """
import asyncio, sys
from unified_exchanges import async_exchange, exchange
from unified_exchanges.execution import ExitPlan, async_run_exit, run_exit

flavour, url, journal, market, price = sys.argv[1:]
plan = ExitPlan(
    name="exit", market_id=market, outcome="yes", size=5, take_profit=price
)

async def main():
    async with async_exchange("kalshi", environment=url, journal=journal) as kalshi:
        await async_run_exit(kalshi, plan)

if flavour == "async":
    asyncio.run(main())
else:
    with exchange("kalshi", environment=url, journal=journal) as kalshi:
        run_exit(kalshi, plan)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_12_a_killed_exit_sells_once(
    tmp_path: Path, flavour: str, *, arrived: bool
) -> None:
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair().private_pem)
    journal = tmp_path / "orders.db"
    with Scene() as scene:
        scene.buy("5")
        bid = scene.trader.fetch_order_book(MARKET).bid
        # The answer never comes; the process waits for it, and dies.
        scene.fault(
            "stall", commits=arrived, method="POST", path="portfolio/events/orders"
        )
        environ = unmeasured(
            PYTHONPATH=str(ROOT),
            KALSHI_API_KEY=scene.key.key_id,
            KALSHI_PRIVATE_KEY_PATH=str(key),
        )
        told = [flavour, scene.account["environment"], str(journal), MARKET]
        command = [sys.executable, "-c", PROGRAM, *told, str(bid.price)]
        with subprocess.Popen(command, env=environ) as process:
            try:
                assert soon(lambda: sending(journal), 20)
                if arrived:
                    assert soon(lambda: not scene.trader.fetch_positions())
            finally:
                process.send_signal(signal.SIGKILL)
        plan = ExitPlan(
            name="exit",
            market_id=MARKET,
            outcome="yes",
            size=5,
            take_profit=bid.price,
        )
        with exchange("kalshi", **scene.account, limits=FREE, journal=journal) as again:
            # Known before anything is asked: it may still be at the venue.
            (lost,) = again.orders.unresolved
            assert (lost.client_order_id, again.health().unresolved_orders) == (
                next(x.client_order_id for x in again.unresolved_intents()),
                1,
            )
            record = run_exit(again, plan, timeout=10)
            assert again.orders.unresolved == again.unresolved_intents() == []
        assert (record.state, record.filled) == (ExitState.FILLED, 5)
        mine = [
            order
            for order in scene.trader.fetch_orders(market_id=MARKET)
            if order.client_order_id == record.client_order_id
        ]
        sold = [o for o in scene.trader.fetch_orders() if o.side == "sell"]
        assert (len(mine), len(sold)) == (1, 1)
        assert scene.trader.fetch_positions() == []


def sending(journal: Path) -> bool:
    """Whether the exit is about to send its order, and the order was written down."""
    if not journal.exists():
        return False
    with closing(sqlite3.connect(journal)) as file:
        try:
            texts = file.execute("SELECT text FROM texts").fetchall()
            states = file.execute("SELECT state FROM intents").fetchall()
        except sqlite3.OperationalError:
            return False
    is_sending = [json.loads(text)["state"] for (text,) in texts] == [ExitState.SENDING]
    return is_sending and states == [(IntentState.PENDING,)]
