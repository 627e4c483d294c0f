"""Both classes of Kalshi's WebSocket, on three libraries, behind one blocking face."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from tests.opening import OpeningClock
from tests.streams.runner import LoopThread
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi import AsyncKalshiWebSocket, KalshiWebSocket
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .ground import key_pair
from .listed import MARKET, OTHER

__all__ = ["MARKET", "OTHER", "Socket", "Stage"]

_FAST = {"first": 0.02, "cap": 0.2, "acknowledgement": 2.0}


class Stage:
    """A simulated Kalshi on a real socket."""

    def __init__(self, *faults: StreamFault, **options: Any) -> None:
        clock = OpeningClock()
        self.kalshi = SimulatedKalshi(clock=clock, **options)
        clock.open()
        self.key = self.kalshi.add_account(public_key=key_pair().public_key)
        self.server = SimulatorServer(
            self.kalshi, stream_faults=StreamPlan(faults), heartbeat=0.2
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.server)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def account(self) -> dict[str, Any]:
        return {
            "api_key": self.key.key_id,
            "private_key": key_pair().private_pem,
            "environment": f"{self.server.url}/trade-api/v2",
        }

    def socket(self, driver: str, **settings: Any) -> Socket:
        policy = {**_FAST, **settings.pop("policy", {})}
        made = Socket(driver, policy, **{**self.account, **settings})
        self._stack.callback(made.end)
        return made


class Socket:
    """A `KalshiWebSocket`, or an `AsyncKalshiWebSocket` that is awaited."""

    def __init__(self, driver: str, policy: dict[str, Any], **settings: Any) -> None:
        self.driver = driver
        self._loop = None if driver == "blocking" else LoopThread()
        library = {} if driver == "blocking" else {"driver": driver}
        stream = StreamPolicy(**policy, **library)
        kind: Any = KalshiWebSocket if self._loop is None else AsyncKalshiWebSocket
        self.ws: Any = self._call(lambda: kind(**settings, stream=stream))
        self._events: Any = None

    def subscribe(self, *arguments: Any, **named: Any) -> None:
        self._do(lambda: self.ws.subscribe(*arguments, **named))

    def unsubscribe(self, *arguments: Any) -> None:
        self._do(lambda: self.ws.unsubscribe(*arguments))

    def add_markets(self, *arguments: Any) -> None:
        self._do(lambda: self.ws.add_markets(*arguments))

    def remove_markets(self, *arguments: Any) -> None:
        self._do(lambda: self.ws.remove_markets(*arguments))

    def enter(self) -> Any:
        if self._loop is None:
            return self.ws.__enter__()
        return self._loop.run(self.ws.__aenter__())

    def exit(self) -> None:
        if self._loop is None:
            self.ws.__exit__(None, None, None)
        else:
            self._loop.run(self.ws.__aexit__(None, None, None))

    def next(self) -> Any:
        """The next event; `StopIteration` at the end."""
        if self._events is None:
            self._events = iter(self.ws) if self._loop is None else aiter(self.ws)
        try:
            if self._loop is None:
                return next(self._events)
            return self._loop.run(_awaited(self._events))
        except StopAsyncIteration:
            raise StopIteration from None
        except Exception:
            self._events = None
            raise

    def until(self, name: str) -> list[Any]:
        """Events up to the first of a type."""
        found = [self.next()]
        while type(found[-1]).__name__ != name:
            found.append(self.next())
        return found

    def book(self, *arguments: Any) -> Any:
        return self._call(lambda: self.ws.book(*arguments))

    def health(self) -> Any:
        return self._call(self.ws.health)

    def close(self) -> None:
        self._do(self.ws.close if self._loop is None else self.ws.aclose)

    def end(self) -> None:
        self.close()
        if self._loop is not None:
            self._loop.stop()

    def _do(self, work: Callable[[], Any]) -> Any:
        return work() if self._loop is None else self._loop.run(work())

    def _call(self, work: Callable[[], Any]) -> Any:
        return work() if self._loop is None else self._loop.call(work)


async def _awaited(events: Any) -> Any:
    return await anext(events)
