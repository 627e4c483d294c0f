"""The simulated Polymarket as a ground to read on, in memory and on a virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from tests.canary import guarded
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.sandbox import Sandbox
from unified_exchanges.testing.conformance import Ground
from unified_exchanges.testing.scripted import Server
from unified_exchanges.venues.polymarket.simulated import (
    SimulatedPolymarket,
    simulated,
)


class ShortPages:
    """The simulated Polymarket, which gives no more than so many items a page."""

    def __init__(self, polymarket: SimulatedPolymarket, most: int) -> None:
        self._polymarket = polymarket
        self._most = str(most)

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        query = tuple(
            (name, self._most if name == "limit" else value)
            for name, value in request.query
        )
        return self._polymarket.handle(attrs.evolve(request, query=query), lag=lag)


class PolymarketGround(Ground):
    """One funded wallet at a simulated Polymarket whose books stand as seeded."""

    exchange_id: ClassVar[str] = "polymarket"
    # Five shares may rest, and a dollar takes at once, in whole cents.
    unit: ClassVar[int] = 10
    missing_market: ClassVar[str] = f"0x{0:064x}"
    missing_order: ClassVar[str] = f"0x{0:064x}"
    stream_path: ClassVar[str | None] = "/ws/(market|user)"
    frames: ClassVar[Mapping[str, str]] = {
        "book": "book|price_change",
        "order": "order",
        "fill": "trade",
    }
    words: ClassVar[Mapping[str, str]] = {"order": "status", "fill": "status"}
    raw_path: ClassVar[str] = "/clob/anything"

    def __init__(self, *, history: bool = False) -> None:
        self.history = history
        super().__init__()

    def server(self) -> Server:
        """A fresh venue."""
        self._sandbox = simulated(clock=self.clock, history=self.history)
        assert isinstance(self._sandbox.venue, SimulatedPolymarket)
        return self._sandbox.venue

    @property
    def sandbox(self) -> Sandbox:
        """The venue with the keys of its one wallet."""
        assert self.venue
        return self._sandbox

    @property
    def polymarket(self) -> SimulatedPolymarket:
        """The simulated Polymarket itself."""
        found = self.sandbox.venue
        assert isinstance(found, SimulatedPolymarket)
        return found

    def short_pages(self, most: int) -> Server:
        """The same venue with short pages."""
        self.polymarket.settings.ledger_page = most
        return ShortPages(self.polymarket, most)

    def settle(self, *, fails: int) -> bool:
        """The chain is fast, and the next trades fail on it."""
        settings = self.polymarket.settings
        settings.mined, settings.confirmed = 0.2, 0.4
        if fails:
            self.polymarket.settler.fail(fails)
        return True

    def account(self) -> Mapping[str, Any]:
        """The wallet's keys."""
        variables = self.sandbox.variables
        return guarded(
            private_key=self.sandbox.private_key,
            api_key=self.sandbox.api_key,
            secret=variables["POLYMARKET_API_SECRET"],
            password=variables["POLYMARKET_API_PASSPHRASE"],
            environment="local",
            options={
                "funder": variables["POLYMARKET_FUNDER"],
                "signature_type": int(variables["POLYMARKET_SIGNATURE_TYPE"]),
            },
        )
