"""Both flavours' watches on a real socket, behind one blocking face."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import unified_exchanges as ux
from tests.opening import OpeningClock
from tests.streams.runner import LoopThread
from tests.venues.kalshi.ground import key_pair
from tests.venues.kalshi.listed import MARKET, OTHER
from unified_exchanges.policy import LimitPolicy, StreamPolicy
from unified_exchanges.simulator.faults import Fault, FaultPlan, StreamFault, StreamPlan
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

__all__ = ["DRIVERS", "MARKET", "OTHER", "Face", "Held", "Scene", "soon"]

DRIVERS = ("blocking", "websockets", "aiohttp")
FAST = {"first": 0.02, "cap": 0.2, "acknowledgement": 2.0}
FREE = LimitPolicy(enabled=False, discover=False)


def soon(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something becomes so within a moment."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.005)
    return True


class Scene:
    """A simulated Kalshi on a real socket, and somebody who trades there."""

    def __init__(self, *faults: StreamFault, **options: Any) -> None:
        clock = OpeningClock()
        self.kalshi = SimulatedKalshi(enforce_limits=False, clock=clock, **options)
        clock.open()
        self.key = self.kalshi.add_account(public_key=key_pair().public_key)
        self.frames = StreamPlan(faults)
        self.requests = FaultPlan()
        self._stack = ExitStack()
        self.server = self._serve()
        self.port = 0

    def _serve(self, port: int = 0) -> SimulatorServer:
        return SimulatorServer(
            self.kalshi,
            port=port,
            faults=self.requests,
            stream_faults=self.frames,
            heartbeat=0.2,
        )

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.port = int(self.server.url.rpartition(":")[2])
        self.trader: Any = ux.exchange("kalshi", **self.account, limits=FREE)
        self._stack.callback(self.trader.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.server.__exit__(None, None, None)

    def go_down(self) -> None:
        self.server.__exit__(None, None, None)

    def come_up(self) -> None:
        self.server = self._serve(self.port)
        self.server.__enter__()

    @property
    def account(self) -> dict[str, Any]:
        port = self.port or int(self.server.url.rpartition(":")[2])
        return {
            "api_key": self.key.key_id,
            "private_key": key_pair().private_pem,
            "environment": f"http://127.0.0.1:{port}/trade-api/v2",
        }

    def face(self, driver: str, **settings: Any) -> Face:
        policy = {**FAST, **settings.pop("policy", {})}
        made = Face(driver, policy, **{**self.account, "limits": FREE, **settings})
        self._stack.callback(made.close)
        return made

    def bid(self, size: str = "1", market: str = MARKET, **more: Any) -> Any:
        """Rest an order far from the best."""
        return self.trader.create_order(market, "yes", "buy", "0.01", size, **more)

    def buy(self, size: str = "1", market: str = MARKET) -> Any:
        """Buy at once what others sell."""
        ask = self.trader.fetch_order_book(market).ask.price
        return self.trader.create_order(market, "yes", "buy", ask, size)

    def fault(self, kind: Any, **more: Any) -> None:
        self.requests.add(Fault(kind, **more))

    @property
    def subscriptions(self) -> set[tuple[str, str]]:
        """What the venue sends to whom, as channel and market, all connections."""
        with self.server.lock:
            return {
                (sub.channel.name, name)
                for session in self.kalshi.sessions
                for sub in session._register._subscriptions.values()
                for name in (sub.markets or ["*"])
            }


class Held:
    """A watch, and what was taken from it."""

    def __init__(self, face: Face, watch: Any) -> None:
        self.face = face
        self.watch = watch

    def next(self, timeout: float = 5.0) -> Any:
        return self.face.do(lambda: self.watch.next(timeout=timeout))

    def take(self, count: int) -> list[Any]:
        return [self.next() for _ in range(count)]

    def until(self, is_so: Callable[[Any], bool]) -> list[Any]:
        """Updates up to the first that is so."""
        found = [self.next()]
        while not is_so(found[-1]):
            found.append(self.next())
        return found

    def is_quiet(self, seconds: float = 0.3) -> bool:
        try:
            self.next(seconds)
        except ux.RequestTimeout:
            return True
        return False

    def close(self) -> None:
        self.face.do(lambda: self.face.closing(self.watch))

    def loop(self, count: int) -> list[Any]:
        """Go through it, and break after so many."""
        if self.face.loop is None:
            found: list[Any] = []
            for item in self.watch:
                found.append(item)
                if len(found) == count:
                    break
            return found
        return self.face.loop.run(_loop(self.watch, count))


async def _loop(watch: Any, count: int) -> list[Any]:
    found: list[Any] = []
    async for item in watch:
        found.append(item)
        if len(found) == count:
            break
    return found


class Face:
    """An exchange of one flavour on one library."""

    def __init__(
        self,
        driver: str,
        policy: dict[str, Any],
        *,
        venue: str = "kalshi",
        **settings: Any,
    ) -> None:
        self.loop = None if driver == "blocking" else LoopThread()
        library = {} if self.loop is None else {"driver": driver}
        stream = StreamPolicy(**{**policy, **library})
        make: Any = ux.exchange if self.loop is None else ux.async_exchange
        self.exchange: Any = self.do(lambda: make(venue, **settings, stream=stream))

    def do(self, act: Callable[[], Any]) -> Any:
        """Do something where the exchange lives, and wait for it."""
        if self.loop is None:
            return act()

        async def acted() -> Any:
            done = act()
            return await done if hasattr(done, "__await__") else done

        return self.loop.run(acted())

    def watch(self, name: str, *args: Any, **kwargs: Any) -> Held:
        method = getattr(self.exchange, f"watch_{name}")
        held: list[Any] = []
        # In a list: a watch of the async flavour would be awaited.
        self.do(lambda: held.append(method(*args, **kwargs)))
        return Held(self, held[0])

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.do(lambda: getattr(self.exchange, name)(*args, **kwargs))

    @staticmethod
    def closing(watch: Any) -> Any:
        return watch.aclose() if hasattr(watch, "aclose") else watch.close()

    def close(self) -> None:
        if self.exchange is None:
            return
        self.do(self.exchange.close if self.loop is None else self.exchange.aclose)
        if self.loop is not None:
            self.loop.stop()
        self.exchange = None
