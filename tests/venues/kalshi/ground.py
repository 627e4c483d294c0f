"""The simulated Kalshi as a ground to trade on, in memory and on a virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import attrs

from tests.canary import guarded
from unified_exchanges.clock import Clock
from unified_exchanges.flow import Request, Response
from unified_exchanges.testing.conformance import Ground
from unified_exchanges.testing.scripted import Server
from unified_exchanges.venues.kalshi.simulated import (
    ApiKey,
    KeyPair,
    SimulatedKalshi,
    generate_key,
)


@lru_cache
def key_pair(kind: str = "ed25519") -> KeyPair:
    """One key for all tests: making an RSA key takes longer than most tests."""
    return generate_key(kind)


class ShortPages:
    """The simulated Kalshi, which gives no more than so many items a page."""

    def __init__(self, kalshi: SimulatedKalshi, most: int) -> None:
        self._kalshi = kalshi
        self._most = str(most)

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        query = tuple(
            (name, self._most if name == "limit" else value)
            for name, value in request.query
        )
        return self._kalshi.handle(attrs.evolve(request, query=query), lag=lag)


class Machine:
    """The clock of one machine since it was started: anybody may set it."""

    def __init__(self, true: Clock, ahead: float = 0.0) -> None:
        self._true = true
        self._started = true.monotonic()
        self.ahead = ahead

    def now(self) -> float:
        return self._true.now() + self.ahead

    def monotonic(self) -> float:
        return self._true.monotonic() - self._started


class KalshiGround(Ground):
    """One funded account at a simulated Kalshi whose books stand as seeded."""

    exchange_id: ClassVar[str] = "kalshi"
    path: ClassVar[str] = "/trade-api/v2"
    stream_path: ClassVar[str | None] = "/trade-api/ws/"
    frames: ClassVar[Mapping[str, str]] = {
        "book": "orderbook_delta",
        "order": "user_order",
        "fill": "fill",
    }
    words: ClassVar[Mapping[str, str]] = {"order": "msg.status", "fill": "msg.side"}

    def __init__(self, *, history: bool = False, **settings: Any) -> None:
        self.history = history
        self.settings = settings
        super().__init__()

    def server(self) -> Server:
        """A fresh venue."""
        self._kalshi = SimulatedKalshi(clock=self.clock, **self.settings)
        pair = key_pair()
        self._key = self._kalshi.add_account(
            public_key=pair.public_key, history=self.history
        )
        return self._kalshi

    @property
    def kalshi(self) -> SimulatedKalshi:
        """The simulated Kalshi itself."""
        assert self.venue
        return self._kalshi

    @property
    def key(self) -> ApiKey:
        """The key of the one account."""
        assert self.venue
        return self._key

    def short_pages(self, most: int) -> Server:
        """The same venue with short pages."""
        return ShortPages(self.kalshi, most)

    def account(self) -> Mapping[str, Any]:
        """The account's key, at a play-money environment."""
        return guarded(
            api_key=self.key.key_id,
            private_key=key_pair().private_pem,
            environment="demo",
        )
