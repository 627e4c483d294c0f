"""A venue on a real socket that may kill who asks it, and who forks those that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import attrs

from tests.guards import ROOT
from tests.venues.kalshi.ground import key_pair
from unified_exchanges import exchange
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

# At the venue one is killed before it acts ("arrives"), before it would have
# ("vanishes"), or after it has acted ("answered").


class Executioner:
    """A simulated Kalshi that kills the sender of an order, if the order's id says so."""

    def __init__(self, inner: SimulatedKalshi) -> None:
        self._inner = inner
        self.creates: Counter[str] = Counter()
        """How often an order came in, by client order id."""

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        if request.method != "POST" or not request.url.endswith("/events/orders"):
            return self._inner.handle(request, lag=lag)
        key = json.loads(request.body or b"")["client_order_id"]
        self.creates[key] += 1
        step, pid, _ = key.split(".")
        if step in {"arrives", "vanishes"}:
            os.kill(int(pid), signal.SIGKILL)
        if step == "vanishes":
            raise ConnectionLost("lost on its way")
        answer = self._inner.handle(request, lag=lag)
        if step == "answered":
            os.kill(int(pid), signal.SIGKILL)
        return answer


@attrs.define
class Stage:
    """The venue, and what to tell those who trade on it."""

    venue: Executioner
    kalshi: SimulatedKalshi
    user_id: str
    common: dict[str, Any]

    def placed(self) -> dict[str, list[str]]:
        """The venue's own order ids by client order id."""
        found: dict[str, list[str]] = {}
        for order in self.kalshi.engine.orders(self.user_id):
            found.setdefault(order.client_order_id, []).append(order.order_id)
        return found


@contextmanager
def stage(**retry: float) -> Iterator[Stage]:
    kalshi = SimulatedKalshi(seed=7, enforce_limits=False)
    pair = key_pair()
    key = kalshi.add_account(public_key=pair.public_key, history=False)
    venue = Executioner(kalshi)
    with SimulatorServer(venue) as server:
        common = {
            "api_key": key.key_id,
            "private_key": pair.private_pem,
            "url": f"{server.url}/trade-api/v2",
            "market": _market(f"{server.url}/trade-api/v2"),
            "retry": retry,
        }
        yield Stage(venue, kalshi, key.user_id, common)


def _market(url: str) -> str:
    """A market with room for orders that rest."""
    with exchange("kalshi", environment=url) as ex:
        quoted = (m for m in ex.iter_markets() if m.bid and m.ask and not m.legs)
        return next(m.market_id for m in quoted if m.bid > m.grid.lowest)


def performed(commands: Sequence[dict[str, Any]]) -> list[Any]:
    """What became of commands: two processes share them, and each forks one at a time."""
    halves = [commands[::2], commands[1::2]]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(_half, halves)
    answers: list[Any] = [None] * len(commands)
    answers[::2], answers[1::2] = one, other
    return answers


def _half(commands: Sequence[dict[str, Any]]) -> list[Any]:
    # Whoever is killed reports no coverage; being measured takes as long as all else.
    env = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    lines = "".join(f"{json.dumps(x)}\n" for x in commands)
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.mortal"],
        input=lines,
        capture_output=True,
        cwd=ROOT,
        env=env,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
