"""A wallet that trades on the simulated Polymarket, and what may be answered in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.canary import guarded
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market
from unified_exchanges.simulator.sandbox import Sandbox
from unified_exchanges.testing.conformance.ground import Trader
from unified_exchanges.venues.polymarket.simulated import (
    SimulatedPolymarket,
    simulated,
)
from unified_exchanges.venues.polymarket.simulated.catalog import Listed
from unified_exchanges.venues.polymarket.simulated.wallets import Wallet

__all__ = ["Scene", "Turn", "answer", "lost", "said", "unheard"]

Turn = Callable[[Request, Callable[[], Response]], Response]


class KindGround(PolymarketGround):
    """A ground whose wallet is of a kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()

    def server(self) -> SimulatedPolymarket:
        self._sandbox: Sandbox = simulated(clock=self.clock, key_type=self.kind)
        assert isinstance(self._sandbox.venue, SimulatedPolymarket)
        return self._sandbox.venue


class Scene:
    """One ground with traders; the next writes can be answered otherwise."""

    def __init__(self, flavour: str = "blocking", kind: str = "deposit") -> None:
        self.flavour = flavour
        self.ground = KindGround(kind)
        self.trader = self.another()
        self.market: Market = self.trader.quoted_market()
        self._turns: list[Turn] = []
        self._serve = self.ground.venue.handle
        self.ground.venue.handle = self._handle  # type: ignore[method-assign]

    def another(self, **settings: Any) -> Trader:
        """An object of the same account that remembers nothing."""
        return self.ground.trader(self.flavour, **guarded(**settings))

    @property
    def venue(self) -> SimulatedPolymarket:
        return self.ground.polymarket

    @property
    def wallet(self) -> Wallet:
        house = self.venue._house
        funder = self.ground.sandbox.variables["POLYMARKET_FUNDER"]
        return house.wallets[funder.lower()]

    def listed(self, market: Market | None = None) -> Listed:
        """A market as the venue lists it."""
        return self.venue.catalog.markets[(market or self.market).market_id]

    def then(self, *turns: Turn) -> None:
        """Let the next writes meet these, one each."""
        self._turns += turns

    def always(self, turn: Turn) -> None:
        """Let all writes meet this."""
        self._turns += [turn] * 1000

    def relieve(self) -> None:
        """Let writes go as ever."""
        self._turns.clear()

    def _handle(self, request: Request) -> Response:
        if request.is_read or not self._turns:
            return self._serve(request)
        return self._turns.pop(0)(request, lambda: self._serve(request))

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the writes so far."""
        return [msgspec.json.decode(x.body) for x in self.trader.writes if x.body]

    def markets(self, which: Callable[[Listed], bool]) -> list[Market]:
        """Open markets with quotes that the venue lists so."""
        found = [m for m in self.trader.fetch_markets() if m.bid and m.ask]
        return [m for m in found if which(self.listed(m))]

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.ground.clock.advance(seconds)
        self.venue.advance()


def answer(status: int, payload: object, **headers: str) -> Turn:
    """The venue does nothing, and says this."""
    body = b"" if payload is None else msgspec.json.encode(payload)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __: Response(status, named, body)


def said(payload: object) -> Turn:
    """The venue does what is asked, and says this."""

    def turn(_: Request, serve: Callable[[], Response]) -> Response:
        serve()
        return Response(200, {}, msgspec.json.encode(payload))

    return turn


def lost(_: Request, serve: Callable[[], Response]) -> Response:
    """The venue does what is asked, and its answer is lost."""
    serve()
    raise ConnectionLost("connection reset by peer")


def unheard(_: Request, __: Callable[[], Response]) -> Response:
    """What is asked never arrives."""
    raise ConnectionLost("connection reset by peer")
