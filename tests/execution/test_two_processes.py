"""Two processes that run one exit on one journal sell it once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Lock, Thread

import pytest

from tests.guards import ROOT
from tests.unmeasured import unmeasured
from tests.venues.kalshi.ground import key_pair
from tests.watching.face import MARKET, Scene, soon

PROGRAM = """
import asyncio, sys, time
from pathlib import Path
from unified_exchanges import UnifiedExchangesError, async_exchange, exchange
from unified_exchanges.execution import ExitPlan, async_run_exit, run_exit

flavour, url, journal, market, price, ready, go = sys.argv[1:]
plan = ExitPlan(
    name="exit", market_id=market, outcome="yes", size=5, take_profit=price
)

def gate():
    Path(ready).touch()
    while not Path(go).exists():
        time.sleep(0.001)

async def main():
    async with async_exchange("kalshi", environment=url, journal=journal) as kalshi:
        gate()
        for _ in range(5):  # whatever is raised, it is run again
            try:
                return await async_run_exit(kalshi, plan, timeout=20)
            except UnifiedExchangesError as error:
                print(error, file=sys.stderr)

def blocking():
    with exchange("kalshi", environment=url, journal=journal) as kalshi:
        gate()
        for _ in range(5):
            try:
                return run_exit(kalshi, plan, timeout=20)
            except UnifiedExchangesError as error:
                print(error, file=sys.stderr)

record = asyncio.run(main()) if flavour == "async" else blocking()
print(record.state, record.filled, record.order_id)
"""
CREATES = {"method": "POST", "path": "portfolio/events/orders"}


class SlowRoad:
    """A way to the venue on which the first order takes three seconds."""

    def __init__(self, port: int) -> None:
        self._venue = "127.0.0.1", port
        self._is_slow = Lock()
        self._listening = create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        # It wakes whoever accepts.
        with suppress(OSError):
            self._listening.shutdown(SHUT_RDWR)
        self._listening.close()
        self._accepting.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = create_connection(self._venue)
                for ends in ((near, far), (far, near)):
                    Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket, target: socket) -> None:
        with suppress(OSError), source, target:
            while told := source.recv(65536):
                is_order = told.startswith(b"POST") and b"/orders" in told[:100]
                if is_order and self._is_slow.acquire(blocking=False):
                    time.sleep(3)
                target.sendall(told)


REFUSED = b'{"error": {"code": "insufficient_balance", "message": "x"}}'


@pytest.mark.parametrize("flavours", [("blocking", "async"), ("async", "blocking")])
def test_fault_03_two_processes_of_one_exit_sell_once(
    tmp_path: Path, flavours: tuple[str, str]
) -> None:
    key = tmp_path / "key.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair().private_pem)
    with Scene() as scene:
        for _ in range(2):
            scene.buy("5")
        bid = scene.trader.fetch_order_book(MARKET).bid
        # One order is on its way for a while, and the other is refused meanwhile.
        road = SlowRoad(scene.port)
        scene.fault(
            "answer", nth=1, count=1, commits=False, status=400, body=REFUSED, **CREATES
        )
        environ = unmeasured(
            PYTHONPATH=str(ROOT),
            KALSHI_API_KEY=scene.key.key_id,
            KALSHI_PRIVATE_KEY_PATH=str(key),
        )
        url = f"http://127.0.0.1:{road.port}/trade-api/v2"
        journal = tmp_path / "orders.db"
        shared = [url, journal, MARKET, str(bid.price)]
        go = tmp_path / "go"
        ready = [tmp_path / flavour for flavour in flavours]
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, flavour, *shared, at, go],
                env=environ,
                stdout=subprocess.PIPE,
                text=True,
            )
            for flavour, at in zip(flavours, ready, strict=True)
        ]
        try:
            assert soon(lambda: all(at.exists() for at in ready), 20)
            go.touch()
            told = [process.communicate(timeout=40)[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.communicate()
            road.close()
        sold = [o for o in scene.trader.fetch_orders() if o.side == "sell"]
        (left,) = scene.trader.fetch_positions(market_id=MARKET)
        struck = [fault.kind for fault, *_ in scene.requests.struck]
    assert (len(sold), left.size, struck) == (1, 5, ["answer"])
    for words in (x.split() for x in told):
        assert (words[0], float(words[1]), words[2]) == ("filled", 5, sold[0].order_id)
