"""What a conformance run stands on: a simulated venue, and traders of both flavours."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Literal

import attrs
import pytest

from ...clock import VirtualClock
from ...errors import ConnectionLost, RequestTimeout
from ...flow import Request, Response
from ...models import Market, OrderBook
from ...money import EXACT
from ...registry import async_exchange, exchange
from ...simulator.faults import Fault, FaultPlan, FaultyVenue, StreamPlan
from ...simulator.server import SimulatorServer
from ..scripted import AsyncScriptedTransport, Lagging, ScriptedTransport, Server
from .needs import lacking, unmet

__all__ = ["Conformance", "Ground", "Trader", "Trouble"]

Kind = Literal[
    "refused", "lost before", "lost after", "timeout", "503", "429", "cut", "html"
]
"""What may go wrong with one request: never left; lost before or after the venue acted;
answered too late; answered by a proxy; refused for speed; the answer cut off or replaced."""

_NONE: Mapping[str, Any] = {}
_USUAL = object()
"""As many units as usual."""
_PAGE = b"<html><body>be right back</body></html>"


@attrs.define
class Trouble:
    """The next ``count`` requests that match go wrong; writes only, unless told."""

    kind: Kind
    count: int = 1
    reads: bool = False
    writes: bool = True

    def strikes(self, request: Request) -> bool:
        """Whether it is this request's turn."""
        wanted = self.reads if request.is_read else self.writes
        if not wanted or self.count <= 0:
            return False
        self.count -= 1
        return True

    def befall(
        self, request: Request, serve: Callable[[Request], Response]
    ) -> Response:
        """Answer in the way that it goes wrong."""
        if self.kind == "refused":
            raise ConnectionLost("connection refused", sent=False)
        if self.kind == "lost before":
            raise ConnectionLost("connection reset by peer")
        if self.kind == "429":
            return Response(429, {}, b'{"error":"too many requests"}')
        if self.kind == "503":
            serve(request)
            return Response(503, {"content-type": "text/html"}, _PAGE)
        answer = serve(request)
        if self.kind == "lost after":
            raise ConnectionLost("connection reset by peer")
        if self.kind == "timeout":
            raise RequestTimeout("no answer within the timeout")
        if self.kind == "cut":
            return attrs.evolve(answer, body=answer.body[: len(answer.body) // 2])
        return attrs.evolve(answer, body=_PAGE)


class _Troubled:
    """A venue to which troubles happen, in the order they were asked for.

    ``writes`` and ``reads`` are the plans of what the simulator can do to requests.
    """

    def __init__(self, server: Server, clock: VirtualClock) -> None:
        self.server = server
        self.troubles: list[Trouble] = []
        self.writes = FaultPlan()
        self.reads = FaultPlan()
        self._clock = clock

    def handle(self, request: Request) -> Response:
        for trouble in self.troubles:
            if trouble.strikes(request):
                return trouble.befall(request, self.server.handle)
        plan = self.reads if request.is_read else self.writes
        if plan.is_empty:
            return self.server.handle(request)
        return FaultyVenue(Lagging(self.server), plan, self._clock).handle(request)


class _WallClock(VirtualClock):
    """The machine's clock, for a venue on a socket."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Ground(ABC):
    """A simulated venue with one funded account.  A venue's tests subclass this.

    An adapter that is not in the registry overrides `exchange` too.  What a venue leaves
    out of the following skips the tests that need it.
    """

    exchange_id: ClassVar[str]
    unit: ClassVar[int] = 1
    """Contracts that every order of the tests is a multiple of: venues have a least size,
    and a least value of what takes at once."""
    missing_market: ClassVar[str] = "NO-SUCH-MARKET"
    """The id of a market that never was."""
    missing_order: ClassVar[str] = "00000000-0000-0000-0000-000000000000"
    """The id of an order that never was."""
    raw_path: ClassVar[str] = "/anything"
    """A path for raw requests of which nothing is known."""
    path: ClassVar[str] = ""
    """What follows the address of a server in the base URL of the venue."""
    stream_path: ClassVar[str | None] = None
    """A regular expression for the path of the stream; None without streams."""
    frames: ClassVar[Mapping[str, str]] = {}
    """The frames that tell of a ``"book"`` that changed, an ``"order"`` and a ``"fill"``:
    their types, as regular expressions."""
    words: ClassVar[Mapping[str, str]] = {}
    """Fields of such frames that hold one of a few words, such as ``"msg.status"``."""

    def __init__(self) -> None:
        self.clock = VirtualClock()

    @cached_property
    def venue(self) -> _Troubled:
        """The simulated venue and its troubles, made when it is first asked for."""
        return _Troubled(self.server(), self.clock)

    def short_pages(self, most: int) -> Server | None:
        """The same venue, with no more than so many items on a page."""
        del most
        return None

    def settle(self, *, fails: int) -> bool:
        """Let trades be settled within a second, and the next ``fails`` of them fail.

        False where they are final at once, or nothing can be made to fail.
        """
        del fails
        return False

    @abstractmethod
    def server(self) -> Server:
        """The simulated venue on ``self.clock``, with markets that trade."""

    @abstractmethod
    def account(self) -> Mapping[str, Any]:
        """Arguments of `exchange` that make it the funded account's."""

    @contextmanager
    def served(
        self,
        *,
        faults: FaultPlan | None = None,
        frames: StreamPlan | None = None,
    ) -> Generator[SimulatorServer, None, None]:
        """The venue, fresh, on a real socket and in real time, with its faults."""
        self.clock = _WallClock()
        vars(self).pop("venue", None)
        venue: Any = self.venue.server
        with SimulatorServer(
            venue, faults=faults, stream_faults=frames, heartbeat=0.2
        ) as server:
            yield server

    def exchange(self, flavour: str, **settings: Any) -> Any:
        """The exchange of a flavour, ``"blocking"`` or ``"async"``."""
        make: Any = async_exchange if flavour == "async" else exchange
        return make(self.exchange_id, **settings)

    def trader(self, flavour: str, **settings: Any) -> Trader:
        """An exchange of either flavour on this ground."""
        return Trader(flavour, self, {**self.account(), **settings})


class Trader:
    """An exchange of either flavour, called the same way.

    Methods are those of `Exchange`; what is lazy comes as a list, ``take`` says how
    much of it.  Asking for what the venue's description has not skips the test.
    """

    def __init__(self, flavour: str, ground: Ground, settings: dict[str, Any]) -> None:
        self.ground = ground
        self.is_async = flavour == "async"
        kind = AsyncScriptedTransport if self.is_async else ScriptedTransport
        self.transport: Any = kind(ground.venue, clock=ground.clock)
        self.exchange: Any = ground.exchange(
            flavour, clock=ground.clock, transport=self.transport, **settings
        )

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.exchange, name)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._skip_without(name, args, kwargs)
            return self.do(lambda: value(*args, **kwargs))

        return call

    def do(self, act: Callable[[], Any]) -> Any:
        """Call a function of the exchange's flavour."""
        done = act()
        return self._run(done) if asyncio.iscoroutine(done) else done

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(coroutine)

    def _skip_without(
        self, name: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] = _NONE
    ) -> None:
        if reason := lacking(self.exchange.describe(), name, args, kwargs):
            pytest.skip(reason)

    def take(self, count: int, name: str, **kwargs: Any) -> list[Any]:
        """The first items of a lazy listing, which is then left."""
        self._skip_without(name)
        listing = getattr(self.exchange, name)(**kwargs)
        if self.is_async:
            taken: list[Any] = self._run(_take(count, listing))
            return taken
        found: list[Any] = [i for i, _ in zip(listing, range(count), strict=False)]
        listing.close()
        return found

    @property
    def writes(self) -> list[Request]:
        """The requests so far that may change something."""
        return [r for r in self.transport.requests if not r.is_read]

    def suffer(self, kind: Kind, count: int = 1, **which: bool) -> None:
        """Let the next requests go wrong."""
        self.ground.venue.troubles.append(Trouble(kind, count, **which))

    def meet(self, fault: Fault, *, reads: bool = False) -> None:
        """Let the next writes, or reads, meet a fault of the simulator."""
        venue = self.ground.venue
        (venue.reads if reads else venue.writes).add(fault)

    def relieve(self) -> None:
        """Let nothing more go wrong."""
        venue = self.ground.venue
        venue.troubles.clear()
        venue.writes.clear()
        venue.reads.clear()

    def another(self, **settings: Any) -> Trader:
        """An exchange of the same flavour and account that remembers nothing."""
        return self.ground.trader("async" if self.is_async else "blocking", **settings)

    def units(self, count: float | str | Decimal) -> Decimal:
        """So many times what an order of the tests has at least."""
        return EXACT.multiply(Decimal(str(count)), Decimal(self.ground.unit))

    def above(self, size: Decimal) -> Decimal:
        """The least units that are more than so much."""
        return self.units(size // Decimal(self.ground.unit) + 1)

    def quoted_market(self) -> Market:
        """A plain market with quotes on both sides and room between them and the ends."""
        for market in self.fetch_markets():
            if market.legs or market.kind != "binary":
                continue
            if not market.bid or not market.ask:
                continue
            if Decimal("0.1") < market.bid < market.ask < Decimal("0.9"):
                found: Market = market
                return found
        raise AssertionError("the simulated venue has no market with quotes")

    def book(self, market: Market) -> OrderBook:
        """The book of its first outcome, now."""
        found: OrderBook = self.fetch_order_book(market.market_id)
        return found

    def rest(self, market: Market, size: Any = _USUAL, **kwargs: Any) -> Any:
        """Rest an order to buy the first outcome at the lowest price; 5 units."""
        arguments = {
            "outcome": market.outcomes[0].label,
            "side": "buy",
            "price": market.grid.lowest,
            "size": self.units(5) if size is _USUAL else size,
            **kwargs,
        }
        return self.create_order(market.market_id, **arguments)

    def lift(self, market: Market, size: Any = _USUAL, **kwargs: Any) -> Any:
        """Buy the first outcome from whoever sells it, at once; 2 units."""
        best = self.book(market).ask
        assert best is not None
        arguments = {
            "outcome": market.outcomes[0].label,
            "side": "buy",
            "price": best.price,
            "size": self.units(2) if size is _USUAL else size,
            "time_in_force": "ioc",
            **kwargs,
        }
        return self.create_order(market.market_id, **arguments)

    def mine(self, market: Market, client_order_id: str) -> list[Any]:
        """The venue's orders that hold a client order id."""
        orders = self.fetch_orders(market_id=market.market_id)
        return [o for o in orders if o.client_order_id == client_order_id]


async def _take(count: int, listing: AsyncIterator[Any]) -> list[Any]:
    found: list[Any] = []
    async for item in listing:
        found.append(item)
        if len(found) == count:
            break
    await listing.aclose()  # type: ignore[attr-defined]
    return found


class Conformance:
    """Base of the test classes: both flavours on a fresh ground for each test."""

    @pytest.fixture
    def ground(self) -> Ground:
        """The ground; a venue's test class overrides this."""
        raise AssertionError("override the ground fixture with the venue's own")

    @pytest.fixture(params=["blocking", "async"])
    def trader(self, request: pytest.FixtureRequest, ground: Ground) -> Trader:
        """An exchange of each flavour in turn, where the test applies to the venue."""
        made = ground.trader(request.param)
        if reason := unmet(request.function, made.exchange.describe()):
            pytest.skip(reason)
        return made
