"""A venue on a real socket that may kill who asks it, and who forks those that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import attrs

from tests.crash.mortal import MARK
from tests.guards import ROOT
from tests.unmeasured import unmeasured
from tests.venues.kalshi.ground import key_pair
from unified_exchanges import exchange
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

# At the venue one is killed before it acts ("arrives"), before it would have
# ("vanishes"), or after it has acted ("answered").


class Executioner:
    """A simulated venue that kills the sender of an order, if its mark says so."""

    def __init__(self, inner: Any, path: str, name: str) -> None:
        self._inner = inner
        self._path = path
        self._name = name
        self.creates: Counter[str] = Counter()
        """How often an order came in, by client order id."""
        self.placed: dict[str, list[str]] = {}
        """The venue's own order ids by client order id."""

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        if request.method != "POST" or not request.url.endswith(self._path):
            return self._inner.handle(request, lag=lag)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = headers[MARK]
        self.creates[key] += 1
        step, pid, _ = key.split(".")
        if step in {"arrives", "vanishes"}:
            os.kill(int(pid), signal.SIGKILL)
        if step == "vanishes":
            raise ConnectionLost("lost on its way")
        answer: Response = self._inner.handle(request, lag=lag)
        if answer.status < 300:
            order_id = json.loads(answer.body)[self._name]
            self.placed.setdefault(key, []).append(order_id)
        if step == "answered":
            os.kill(int(pid), signal.SIGKILL)
        return answer


@attrs.define
class Stage:
    """The venue, and what to tell those who trade on it."""

    venue: Executioner
    orders: Callable[[], list[str]]
    common: dict[str, Any]

    def placed(self) -> dict[str, list[str]]:
        """The venue's own order ids by client order id; it has no others."""
        found = self.venue.placed
        told = [order_id for ids in found.values() for order_id in ids]
        assert sorted(told) == sorted(self.orders())
        return found


@contextmanager
def stage(name: str, **retry: float) -> Iterator[Stage]:
    make = _polymarket if name == "polymarket" else _kalshi
    venue, orders, account, path = make()
    with SimulatorServer(venue) as server:
        url = server.url + path
        common = {
            "venue": name,
            "account": account,
            "url": url,
            "terms": _terms(name, url),
            "retry": retry,
        }
        yield Stage(venue, orders, common)


_Made = tuple[Executioner, Callable[[], list[str]], dict[str, Any], str]


def _kalshi() -> _Made:
    kalshi = SimulatedKalshi(seed=7, enforce_limits=False)
    pair = key_pair()
    key = kalshi.add_account(public_key=pair.public_key, history=False)
    account = {"api_key": key.key_id, "private_key": pair.private_pem}
    venue = Executioner(kalshi, "/events/orders", "order_id")

    def orders() -> list[str]:
        return [order.order_id for order in kalshi.engine.orders(key.user_id)]

    return venue, orders, account, "/trade-api/v2"


def _polymarket() -> _Made:
    polymarket = SimulatedPolymarket(seed=7, enforce_limits=False)
    secret = 0xA5 << 200 | 7
    wallet = polymarket.add_account(secret, kind="safe")
    key = polymarket.add_key(wallet)
    account = {
        "private_key": f"0x{secret:064x}",
        "api_key": key.key_id,
        "secret": key.secret,
        "password": key.passphrase,
        "options": {"funder": wallet.address, "signature_type": wallet.signature_type},
    }
    venue = Executioner(polymarket, "/clob/order", "orderID")

    def orders() -> list[str]:
        return [order.order_id for order in polymarket.engine.orders(wallet.name)]

    return venue, orders, account, ""


def _terms(name: str, url: str) -> dict[str, Any]:
    """An order that rests."""
    with exchange(name, environment=url) as ex:
        quoted = (m for m in ex.iter_markets() if m.bid and m.ask and not m.legs)
        market = next(m for m in quoted if m.bid > m.grid.lowest)
        return {
            "market_id": market.market_id,
            "outcome": market.outcomes[0].label,
            "side": "buy",
            "price": str(market.grid.lowest),
            "size": str(max(market.minimum_size, 1)),
        }


def performed(commands: Sequence[dict[str, Any]]) -> list[Any]:
    """What became of commands: two processes share them, and each forks one at a time."""
    halves = [commands[::2], commands[1::2]]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(_half, halves)
    answers: list[Any] = [None] * len(commands)
    answers[::2], answers[1::2] = one, other
    return answers


def _half(commands: Sequence[dict[str, Any]]) -> list[Any]:
    lines = "".join(f"{json.dumps(x)}\n" for x in commands)
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.mortal"],
        input=lines,
        capture_output=True,
        cwd=ROOT,
        env=unmeasured(),
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
