"""Exchanges of either flavour on a real socket: for streams, and what HTTP layers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Self

import pytest

from ...errors import RequestTimeout
from ...policy import LimitPolicy, RetryPolicy, StreamPolicy
from ...simulator.faults import Fault, FaultPlan, StreamFault, StreamPlan
from .ground import Ground, Trader
from .needs import unmet

__all__ = ["LiveConformance", "LiveTrader", "Stage", "Watched"]

QUICK = StreamPolicy(
    first=0.02, cap=0.2, acknowledgement=1.0, silence=1.0, reconcile=1.0, audit=0.3
)
"""What takes minutes elsewhere takes a second here."""
PATIENCE = 6.0
"""Seconds within which whatever is to be told comes."""


class Stage:
    """A ground's venue on a socket, and the plans of what goes wrong on it."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.requests = FaultPlan()
        self.frames = StreamPlan()
        self.url = ""
        self._opened = ground.served(faults=self.requests, frames=self.frames)
        self._traders: list[LiveTrader] = []

    def __enter__(self) -> Self:
        self.url = self._opened.__enter__().url
        return self

    def __exit__(self, *_: object) -> None:
        for trader in self._traders:
            trader.shut()
        self._opened.__exit__(None, None, None)

    def go_down(self) -> None:
        """Stop listening; whoever is connected is left."""
        self._opened.__exit__(None, None, None)
        self._opened = self.ground.served()
        self._opened.__enter__()

    def trader(self, flavour: str, **settings: Any) -> LiveTrader:
        """An exchange of that flavour whose requests and frames meet the plans."""
        made = LiveTrader(flavour, self, settings)
        self._traders.append(made)
        return made


class LiveTrader(Trader):
    """A `Trader` with the transports that programs have; it has `watch` too."""

    def __init__(self, flavour: str, stage: Stage, settings: dict[str, Any]) -> None:
        self.stage = stage
        self.ground = stage.ground
        self.is_async = flavour == "async"
        self.transport = None
        self._is_shut = False
        self._runner = asyncio.Runner() if self.is_async else None
        chosen: dict[str, Any] = {
            **self.ground.account(),
            "environment": stage.url + self.ground.path,
            "limits": LimitPolicy(enabled=False, discover=False),
            "stream": QUICK,
            "retry": RetryPolicy(first=0.02, cap=0.1),
            **settings,
        }
        self.exchange = self.do(lambda: self.ground.exchange(flavour, **chosen))

    def do(self, act: Callable[[], Any]) -> Any:
        """Do something where the exchange lives; what it returns is waited for."""
        if self._runner is None:
            return act()

        async def acted() -> Any:
            done = act()
            return await done if asyncio.iscoroutine(done) else done

        return self._runner.run(acted())

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        assert self._runner is not None
        return self._runner.run(coroutine)

    def watch(self, subject: str, *args: Any, **kwargs: Any) -> Watched:
        """Begin to follow; skips where the venue has no such stream."""
        name = f"watch_{subject}"
        self._skip_without(name)
        held: list[Any] = []
        method = getattr(self.exchange, name)
        # In a list: a watch of the async flavour would be awaited.
        self.do(lambda: held.append(method(*args, **kwargs)))
        return Watched(self, held[0])

    def frame(self, name: str) -> str:
        """The type of the frames that tell of something; skips where it is not told."""
        if name not in self.ground.frames:
            pytest.skip(f"{self.ground.exchange_id} names no frames of a {name}")
        return self.ground.frames[name]

    def strike(self, fault: Fault | StreamFault) -> None:
        """Let requests, or frames, meet a fault from now on."""
        if isinstance(fault, Fault):
            self.stage.requests.add(fault)
        else:
            self.stage.frames.add(fault)

    def shut(self) -> None:
        """Close it all; closing twice is allowed."""
        if self._is_shut:
            return
        self._is_shut = True
        self.do(self.exchange.close if self._runner is None else self.exchange.aclose)
        if self._runner is not None:
            self._runner.close()


class Watched:
    """A watch of either flavour."""

    def __init__(self, trader: LiveTrader, watch: Any) -> None:
        self._trader = trader
        self._watch = watch

    def next(self, timeout: float = PATIENCE) -> Any:
        """The next item."""
        return self._trader.do(lambda: self._watch.next(timeout=timeout))

    def until(self, is_so: Callable[[Any], bool]) -> list[Any]:
        """Items up to the first that is so."""
        found = [self.next()]
        while not is_so(found[-1]):
            found.append(self.next())
        return found

    def rest(self, seconds: float = 0.3) -> list[Any]:
        """Whatever else comes, up to a silence of so many seconds."""
        found: list[Any] = []
        while True:
            try:
                found.append(self.next(seconds))
            except RequestTimeout:
                return found


class LiveConformance:
    """Base of the test classes on sockets: both flavours, a fresh venue for each test."""

    @pytest.fixture
    def ground(self) -> Ground:
        """The ground; a venue's test class overrides this."""
        raise AssertionError("override the ground fixture with the venue's own")

    @pytest.fixture
    def stage(self, ground: Ground) -> Generator[Stage, None, None]:
        """The venue on a socket."""
        with Stage(ground) as opened:
            yield opened

    @pytest.fixture(params=["blocking", "async"])
    def live(self, request: pytest.FixtureRequest, stage: Stage) -> LiveTrader:
        """An exchange of each flavour in turn, where the test applies to the venue."""
        made = stage.trader(request.param)
        if reason := unmet(request.function, made.exchange.describe()):
            pytest.skip(reason)
        return made
