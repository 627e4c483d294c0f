"""A simulated Kalshi on a socket that takes note of all that comes to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import attrs

from unified_exchanges import LimitPolicy, Market, exchange
from unified_exchanges.clock import SystemClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import FaultPlan, StreamPlan
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, generate_key

__all__ = ["PAGE", "Scene"]

PAGE = 20
"""Markets on a page."""
_LISTED = 50
"""Markets that there are to list: how many the venue has depends on the day."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_PRICES = (Decimal("0.115"), Decimal("0.29"), Decimal("0.295"))
_KEY = generate_key("rsa")
_RIVAL = generate_key("ed25519")
_FREE = LimitPolicy(enabled=False, discover=False)


class Ledger(FaultPlan):
    """A plan that takes note of every request, whatever it meets."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, str, str]] = []

    def take(self, method: str, path: str) -> Any:
        """The fault that a request meets."""
        self.asked.append((time.monotonic(), method, path))
        return super().take(method, path)

    def count(self, method: str, path: str = "") -> int:
        """How many such requests came."""
        return sum(m == method and path in p for _, m, p in self.asked)


class Observed(SimulatedKalshi):
    """Remembers what reached it; ``before`` and ``after`` may have a hand in it."""

    before: Callable[[Request], Request] | None = None
    after: Callable[[Request, Response], Response] | None = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.came: list[Request] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        """Answer a request."""
        self.came.append(request)
        if self.before is not None:
            request = self.before(request)
        answer = super().handle(request, lag=lag)
        return answer if self.after is None else self.after(request, answer)

    def connect(self, request: Request) -> Any:
        """Open a stream."""
        self.came.append(request)
        return super().connect(request)


class Inside:
    """A transport that asks the venue in process, past all faults."""

    def __init__(self, kalshi: SimulatedKalshi) -> None:
        self._kalshi = kalshi

    def send(self, request: Request) -> Response:
        """Ask."""
        return SimulatedKalshi.handle(self._kalshi, request)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Nothing to close."""


@attrs.frozen
class Shifted:
    """The machine's clock, and so many seconds more."""

    seconds: float

    def now(self) -> float:
        """The wrong time."""
        return SystemClock().now() + self.seconds

    def monotonic(self) -> float:
        """The same as everybody's."""
        return SystemClock().monotonic()


class Scene:
    """One venue with one account, somebody else who trades there, and all plans."""

    def __init__(self, *, clock_off: float = 0.0, shard: int = 0) -> None:
        self.kalshi = Observed(clock=Shifted(clock_off), enforce_limits=False)
        self.key = self.kalshi.add_account(public_key=_KEY.public_key)
        self.private_key = _KEY.private_pem
        self.requests = Ledger()
        self.frames = StreamPlan()
        self.server = SimulatorServer(
            self.kalshi,
            faults=self.requests,
            stream_faults=self.frames,
            heartbeat=1.0,
        )
        rival = self.kalshi.add_account(public_key=_RIVAL.public_key)
        self.rival: Any = exchange(
            "kalshi",
            api_key=rival.key_id,
            private_key=_RIVAL.private_pem,
            environment="demo",
            limits=_FREE,
            clock=self.kalshi.clock,
            transport=Inside(self.kalshi),
        )
        self.market = self._market(shard)
        self.listed = self._to_list()

    def _to_list(self) -> frozenset[str]:
        """The markets that a listing in short pages tells: those that stay open longest."""
        markets = sorted(
            self.rival.fetch_markets(),
            key=lambda x: (x.closes_at or _NEVER, x.market_id),
            reverse=True,
        )
        return frozenset(market.market_id for market in markets[:_LISTED])

    def _market(self, shard: int) -> Market:
        """A market on a grid of half a cent, on that shard of Kalshi's."""
        for market in self.rival.fetch_markets():
            index = (market.raw or {}).get("exchange_index", 0)
            is_fine = all(price in market.grid for price in _PRICES)
            is_there = market.bid is not None and market.bid > _PRICES[-1]
            if market.kind == "binary" and index == shard and is_fine and is_there:
                found: Market = market
                return found
        raise AssertionError("there is no such market")

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__(None, None, None)
        self.rival.close()

    @property
    def settings(self) -> dict[str, Any]:
        """What a peer is made with."""
        return {
            "url": f"{self.server.url}/trade-api/v2",
            "stream": self.server.url.replace("http", "ws") + "/trade-api/ws/v2",
            "key": self.key.key_id,
            "page": PAGE,
        }

    # -- what the venue knows -------------------------------------------------------

    def orders(self) -> list[Any]:
        """All orders of the account."""
        with self.server.lock:
            return list(self.kalshi.engine.orders(self.key.user_id))

    def resting(self) -> int:
        """How many of them rest."""
        with self.server.lock:
            found = self.kalshi.engine.orders(self.key.user_id, status="resting")
            return len(list(found))

    def book(self) -> list[dict[Decimal, Decimal]]:
        """Bids and asks of YES, as the venue has them."""
        with self.server.lock:
            book = self.rival.fetch_order_book(self.market.market_id)
        return [{x.price: x.size for x in side} for side in (book.bids, book.asks)]

    def bodies(self, method: str) -> list[dict[str, Any]]:
        """The bodies of such requests that reached the venue."""
        return [
            json.loads(r.body or b"{}") for r in self.kalshi.came if r.method == method
        ]

    def secrets(self) -> dict[str, set[str]]:
        """What nobody is to be told, by name."""
        signed = {
            r.headers.get("kalshi-access-signature", "") for r in self.kalshi.came
        }
        lines = [x for x in self.private_key.splitlines() if x and "-----" not in x]
        return {
            "key id": {self.key.key_id},
            "signature": signed - {""},
            "private key": set(lines),
        }

    # -- what happens at the venue --------------------------------------------------

    def change(self, size: str) -> None:
        """Somebody rests an order, which changes the book."""
        with self.server.lock:
            self.rival.create_order(self.market.market_id, "yes", "buy", "0.2", size)

    def hit(self, size: str) -> None:
        """Somebody sells YES to whoever bids most."""
        market = self.market
        with self.server.lock:
            self.rival.create_order(
                market.market_id,
                "yes",
                "sell",
                market.grid.lowest,
                size,
                time_in_force="ioc",
            )

    def short_pages(self) -> None:
        """Give no more than so many markets on a page, and no others than `listed`."""
        forced = (("limit", str(PAGE)), ("tickers", ",".join(sorted(self.listed))))

        def before(request: Request) -> Request:
            if not request.url.endswith("/markets"):
                return request
            kept = tuple(x for x in request.query if x[0] not in dict(forced))
            return attrs.evolve(request, query=(*kept, *forced))

        self.kalshi.before = before

    def rewrite(self, pattern: bytes, replacement: bytes, path: str) -> None:
        """Change the answers of some requests."""

        def after(request: Request, answer: Response) -> Response:
            if request.method != "GET" or path not in request.url:
                return answer
            return attrs.evolve(answer, body=re.sub(pattern, replacement, answer.body))

        self.kalshi.after = after
