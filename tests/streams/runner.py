"""Every stream driver behind one blocking face, so that one test serves all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from unified_exchanges.clock import Clock, SystemClock
from unified_exchanges.drivers.aio_streaming import AsyncStreamDriver
from unified_exchanges.drivers.streaming import StreamDriver
from unified_exchanges.models import StreamHealth
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.streams.session import Dial

from .toy import ToyStream

__all__ = ["DRIVERS", "FAST", "LoopThread", "Runner"]

DRIVERS = ("blocking", "websockets", "aiohttp")
FAST = {"first": 0.01, "cap": 0.05, "stable": 60.0}


class LoopThread:
    """An event loop that runs in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any, seconds: float = 20.0) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def call(self, function: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return function()

        return self.run(called())

    def stop(self) -> None:
        self.run(self.loop.shutdown_asyncgens())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


class Runner:
    """One toy stream on one driver; what it tells is collected."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        observe: Callable[[str | None, float, float], None] | None = None,
        silence: float = 30.0,
        timeout: float = 5.0,
        clock: Clock | None = None,
        sink: Callable[[Iterable[Any]], None] | None = None,
        **policy: Any,
    ) -> None:
        clock = clock or SystemClock()
        self.name = name
        self.events: list[Any] = []
        self.ends: list[Exception | None] = []
        self.changed = threading.Condition()
        self.protocol = ToyStream(clock=clock, silence=silence)
        self._loop = None if name == "blocking" else LoopThread()
        known = {} if observe is None else {"observe": observe}
        dial = Dial(url=url, headers=headers, timeout=timeout, venue="toy", **known)
        kind: Any = StreamDriver if self._loop is None else AsyncStreamDriver
        library = {} if self._loop is None else {"driver": name}
        self.driver: Any = kind(
            self.protocol,
            dial,
            policy=StreamPolicy(**{**FAST, **library, **policy}),
            clock=clock,
            rng=Random(7),
            sink=sink or self._take,
            on_stop=self._ended,
        )

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events if hasattr(event, "text")]

    def named(self, kind: str) -> list[Any]:
        return [event for event in self.events if type(event).__name__ == kind]

    def start(self) -> None:
        self._do(self.driver.start)

    def follow(self, *names: str) -> None:
        def asked() -> None:
            self.protocol.follow(None, names)  # type: ignore[arg-type]
            self.driver.flush()

        self._do(asked)

    def wait_connected(self, timeout: float = 5.0) -> None:
        waiting = self.driver.wait_connected(timeout)
        if self._loop is not None:
            self._loop.run(waiting)

    def health(self) -> StreamHealth:
        health: StreamHealth = self._do(self.driver.health)
        return health

    def wait(self, is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
        with self.changed:
            return self.changed.wait_for(is_so, seconds)

    def close(self) -> None:
        if self._loop is None:
            self.driver.close()
        else:
            self._loop.run(self.driver.aclose())

    def end(self) -> None:
        self.close()
        if self._loop is not None:
            self._loop.stop()

    def run_beside(self, job: Callable[[], None]) -> None:
        async def awaited() -> None:
            job()

        self._do(lambda: self.driver.run_beside(job if self._loop is None else awaited))

    def _do(self, work: Callable[[], Any]) -> Any:
        return work() if self._loop is None else self._loop.call(work)

    def _take(self, events: Iterable[Any]) -> None:
        with self.changed:
            self.events += events
            self.changed.notify_all()

    def _ended(self, error: Exception | None) -> None:
        with self.changed:
            self.ends.append(error)
            self.changed.notify_all()
