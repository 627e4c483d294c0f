"""An exit whose process is killed while its order is on the way sells once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards import ROOT
from tests.venues.kalshi.ground import key_pair
from tests.watching.face import MARKET, Scene, soon
from unified_exchanges.execution import ExitPlan, ExitState, FileExits, run_exit

PROGRAM = """
import sys
from unified_exchanges import exchange
from unified_exchanges.execution import ExitPlan, FileExits, run_exit

url, folder, market, price = sys.argv[1:]
plan = ExitPlan(
    name="exit", market_id=market, outcome="yes", size=5, take_profit=price
)
with exchange("kalshi", environment=url) as kalshi:
    run_exit(kalshi, plan, store=FileExits(folder))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
def test_fault_12_a_killed_exit_sells_once(tmp_path: Path, *, arrived: bool) -> None:
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair().private_pem)
    store = FileExits(tmp_path / "exits")
    with Scene() as scene:
        scene.buy("5")
        bid = scene.trader.fetch_order_book(MARKET).bid
        # The answer never comes; the process waits for it, and dies.
        scene.fault(
            "stall", commits=arrived, method="POST", path="portfolio/events/orders"
        )
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KALSHI_API_KEY": scene.key.key_id,
            "KALSHI_PRIVATE_KEY_PATH": str(key),
        }
        told = [scene.account["environment"], str(tmp_path / "exits"), MARKET]
        command = [sys.executable, "-c", PROGRAM, *told, str(bid.price)]
        with subprocess.Popen(command, env=environ) as process:
            try:
                assert soon(lambda: sending(store), 20)
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
        record = run_exit(scene.trader, plan, store=store, timeout=10)
        assert (record.state, record.filled) == (ExitState.FILLED, 5)
        mine = [
            order
            for order in scene.trader.fetch_orders(market_id=MARKET)
            if order.client_order_id == record.client_order_id
        ]
        sold = [o for o in scene.trader.fetch_orders() if o.side == "sell"]
        assert (len(mine), len(sold)) == (1, 1)
        assert scene.trader.fetch_positions() == []


def sending(store: FileExits) -> bool:
    record = store.load("exit")
    return record is not None and record.state is ExitState.SENDING
